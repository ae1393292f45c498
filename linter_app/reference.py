"""The reference of rules, as text for readers."""

from __future__ import annotations

import json

import linter_app.walk  # noqa: F401  # declares the rules of the walk
from linter_app.rules import comparisons
from linter_app.rules.catalogue import RULES, Rule

comparisons()  # declares the rules of every module

WHOM = {
    "backward": "Breaks backward: some instance that was valid is refused by the new version, so whoever reads "
    "old data with the new schema breaks.",
    "forward": "Breaks forward: some instance of the new version is refused by the old one, so whoever still "
    "reads with the old schema breaks on new data.",
    "both": "May break both ways: readers with the new schema on old data, "
    "and readers with the old schema on new data.",
    "none": "Breaks nobody: which instances are valid does not change.",
}


def explained(rule: Rule) -> str:
    """What a rule means, whom it breaks, and an example, as plain text."""
    return "\n".join(
        [
            rule.id,
            "",
            rule.purpose,
            WHOM[rule.direction],
            "",
            "Before:",
            _shown(rule.before),
            "After:",
            _shown(rule.after),
        ]
    )


def _shown(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2)
    return "\n".join(f"  {line}" for line in text.splitlines())


def markdown() -> str:
    """The whole reference."""
    lines = [
        "# Rules of the linter",
        "",
        "Written by `make docs` from the rules themselves; `manage.py lint_contracts explain RULE` adds an example.",
        "",
        "| Rule | Breaks | Purpose |",
        "|---|---|---|",
    ]
    lines += [f"| `{rule.id}` | {rule.direction} | {rule.purpose} |" for _, rule in sorted(RULES.items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
