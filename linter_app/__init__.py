"""The contract linter: what changed between two schemas, whom it breaks, and which version may carry it."""

from linter_app.change import Change, Report
from linter_app.diff import diff
from linter_app.lint import lint

__all__ = ["Change", "Report", "diff", "lint"]
