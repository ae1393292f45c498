"""The rules, in modules by the chapters of JSON Schema.

Each module has `KEYWORDS`, the keywords that it is about (None: any), and `compare`, which reports what changed in a
pair of schemas where one of them is written. A new module is added to RULE_MODULES.
"""

from linter_app.compare.rules import (
    alternatives,
    annotations,
    arrays,
    bounds,
    dependencies,
    numbers,
    objects,
    strings,
    unknown_keywords,
    values,
)

RULE_MODULES = (
    alternatives,
    annotations,
    arrays,
    bounds,
    dependencies,
    numbers,
    objects,
    strings,
    unknown_keywords,
    values,
)
"""In the order in which they run."""
