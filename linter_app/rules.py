"""Every rule of the linter by its id: of schemas, of WIT packages, and of the two parts of a bundle."""

from __future__ import annotations

from collections.abc import Mapping

# Rules register themselves where they are declared, so all modules that declare some are imported here.
from linter_app import coherence as _coherence  # noqa: F401
from linter_app.compare import comparer as _comparer  # noqa: F401
from linter_app.rule_catalogue import RULES, Rule
from linter_app.wit import rules as _wit_rules  # noqa: F401


def all_rules() -> Mapping[str, Rule]:
    """Return every rule by its id, sorted."""
    return dict(sorted(RULES.items()))
