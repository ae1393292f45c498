"""The reference of rules, as text for readers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from linter_app.rules import comparisons
from linter_app.rules.catalogue import RULES, Rule

_SCHEMAS = {
    "backward": "Breaks backward: some instance that was valid is refused by the new version, so whoever reads "
    "old data with the new schema breaks.",
    "forward": "Breaks forward: some instance of the new version is refused by the old one, so whoever still "
    "reads with the old schema breaks on new data.",
    "both": "May break both ways: readers with the new schema on old data, "
    "and readers with the old schema on new data.",
    "none": "Breaks nobody: which instances are valid does not change.",
}
_PACKAGES = {
    "backward": "Breaks backward: components made for the old version do not run on hosts of the new one.",
    "forward": "Breaks forward: components made for the new version do not run on hosts of the old one.",
    "both": "May break both ways: old components on new hosts, and new components on old hosts.",
    "none": "Breaks nobody: components and hosts of both versions fit.",
}
_BUNDLES = {"none": "Breaks nobody by itself, but readers of the two parts of a bundle understand different things."}


@cache
def all_rules() -> Mapping[str, Rule]:
    """Every rule by its id, sorted."""
    # The modules declare their rules when they are imported.
    for module in ("walk", "coherence", "wit.rules"):
        import_module(f"linter_app.{module}")
    comparisons()
    return dict(sorted(RULES.items()))


def explained(rule: Rule) -> str:
    """What a rule means, whom it breaks, and an example, as plain text."""
    is_bundle = rule.id.startswith("bundle-")
    whom = _BUNDLES if is_bundle else _PACKAGES if rule.id.startswith("wit-") else _SCHEMAS
    return "\n".join(
        [
            rule.id,
            "",
            rule.purpose,
            whom[rule.direction],
            "",
            "In WIT:" if is_bundle else "Before:",
            _shown(rule.before),
            "In the schema:" if is_bundle else "After:",
            _shown(rule.after),
        ]
    )


def _shown(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example, indent=2)
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def markdown() -> str:
    """The whole reference."""
    lines = [
        "# Rules of the linter",
        "",
        "Written by `make docs` from the rules themselves; `manage.py lint_contracts explain RULE` adds an example.",
        "Backward: what was made for the old version breaks with the new one. Forward: the other way round.",
        "",
        "| Rule | Breaks | Purpose |",
        "|---|---|---|",
    ]
    lines += [f"| `{rule.id}` | {rule.direction} | {rule.purpose} |" for rule in all_rules().values()]
    return "\n".join(lines) + "\n"
