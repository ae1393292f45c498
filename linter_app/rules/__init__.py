"""The rules, in modules by the chapters of JSON Schema. A module here that has `compare` is found by itself."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linter_app.walk import Place


@cache
def comparisons() -> list[tuple[frozenset[str] | None, Callable[[Place], None]]]:
    """Each rule module's keywords (None: any), and what compares two places where one of them stands."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return [(module.KEYWORDS, module.compare) for module in modules if hasattr(module, "compare")]
