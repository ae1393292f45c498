"""The contract linter: the changes between two versions, what they break, and which version they need."""

from linter_app.api import diff, lint, lint_wit
from linter_app.changes import Change, Report
from linter_app.coherence import check_bundle
from linter_app.config import Config
from linter_app.wit import diff_wit

__all__ = ["Change", "Config", "Report", "check_bundle", "diff", "diff_wit", "lint", "lint_wit"]
