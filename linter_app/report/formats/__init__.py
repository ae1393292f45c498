"""The forms of a report. Each module has `render`, which writes comparisons as text; FORMATS lists them."""

from collections.abc import Callable, Sequence

from linter_app.report.formats import github, json, junit, markdown, sarif, text
from linter_app.report.step import Step

FORMATS: dict[str, Callable[[Sequence[Step]], str]] = {
    "text": text.render,
    "json": json.render,
    "github": github.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "markdown": markdown.render,
}
