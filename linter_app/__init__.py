"""The contract linter: what changed between two schemas, whom it breaks, and which version may carry it."""

from linter_app.change import Change, Report
from linter_app.coherence import check_bundle
from linter_app.config import Config
from linter_app.diff import diff
from linter_app.lint import lint, lint_wit
from linter_app.wit import diff_wit

__all__ = ["Change", "Config", "Report", "check_bundle", "diff", "diff_wit", "lint", "lint_wit"]
