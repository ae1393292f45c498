"""The grammar of IRIs (RFC 3987), which jsonschema's format checks use: compiled when it is first asked for.

rfc3987_syntax compiles it when it is imported. That takes a second, of every command and of every start.
"""

from __future__ import annotations

import importlib
import sys
import threading
from functools import cache
from types import ModuleType
from typing import Any

_NAME = "rfc3987_syntax"
_lock = threading.Lock()


def defer() -> None:
    """Have jsonschema find a stand-in for rfc3987_syntax. Before jsonschema is imported."""
    if _NAME not in sys.modules:
        stand_in = ModuleType(_NAME)
        stand_in.is_valid_syntax = _is_valid_syntax  # type: ignore[attr-defined]
        sys.modules[_NAME] = stand_in


def prepare_for(*schemas: Any) -> None:
    """Compile the grammar now if a parsed schema has a format that needs it, before time is counted."""
    waiting = list(schemas)
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if item.get("format") in ("iri", "iri-reference"):
                _grammar()
                return
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _is_valid_syntax(term: str, text: str) -> bool:
    return bool(_grammar().is_valid_syntax(term, text))


def _grammar() -> Any:
    with _lock:
        return _load()


@cache
def _load() -> Any:
    if getattr(sys.modules.get(_NAME), "is_valid_syntax", None) is _is_valid_syntax:
        del sys.modules[_NAME]
    return importlib.import_module(_NAME)
