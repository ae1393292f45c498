"""References from one contract's schema to another's, as they are written.

A reference is `contract:NAME@VERSION#/pointer`, where VERSION may be a range, or the registry's URL of a version,
`/registry/contracts/NAME/VERSION` with or without a host before and `/schema` behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urldefrag

from linter_app.dialects import MAPS
from linter_app.json_text import InvalidJSON, loads, pointer

_CONTRACT = re.compile(r"contract:([^@#]+)@([^#]+)")
_URL = re.compile(r"(?:https?://[^/]+)?/registry/contracts/([^/#]+)/([^/#]+?)(?:/schema)?")
DATA = ("const", "enum", "default", "examples", "example")
"""The keywords whose values are data, in which nothing is a reference."""
NAMES = MAPS | {"dependencies"}
"""The keywords whose members have names of any sort, `default` or `$ref` among them."""


@dataclass(frozen=True)
class Target:
    name: str
    version: str
    """Exact, or a range."""


def target_of(reference: str) -> Target | None:
    """What a reference without its fragment means, or None where it is not to another contract."""
    match = _CONTRACT.fullmatch(reference) or _URL.fullmatch(reference)
    return Target(unquote(match[1]), unquote(match[2])) if match else None


def read_referring(text: str | None) -> Any:
    """The parsed schema of a text that can have a reference in it; else `True`, which has none.

    So it is where the text is not JSON, which the check of the content tells.
    """
    if text is not None and ("$ref" in text or "\\u" in text):  # an escape may hide one
        with suppress(InvalidJSON):
            return loads(text)
    return True


def references_of(schema: Any) -> Iterator[tuple[str, str]]:
    """Each reference to another contract, without fragment, and the JSON Pointer of where it is first written."""
    waiting: list[tuple[Any, str, bool]] = [(schema, "", False)]
    seen: set[str] = set()
    while waiting:
        value, place, named = waiting.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and not named:
                whole = urldefrag(reference).url
                if whole not in seen and target_of(whole):
                    seen.add(whole)
                    yield whole, f"{place}/$ref"
            waiting += [
                (member, place + pointer((key,)), key in NAMES and not named)
                for key, member in reversed(value.items())
                if named or key not in DATA
            ]
        elif isinstance(value, list):
            waiting += [(member, f"{place}/{index}", False) for index, member in reversed(list(enumerate(value)))]


def rewritten(schema: Any, other: Callable[[str], str | None], *, named: bool = False) -> Any:
    """The schema with other references, where `other` gives one for what stands before the fragment.

    With `named` it is a map of schemas by names.
    """
    if isinstance(schema, list):
        return [rewritten(member, other) for member in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        key: member if key in DATA and not named else rewritten(member, other, named=key in NAMES and not named)
        for key, member in schema.items()
    }
    reference = schema.get("$ref")
    if isinstance(reference, str) and not named:
        whole, hash_, fragment = reference.partition("#")
        if (instead := other(whole)) is not None:
            changed["$ref"] = instead + hash_ + fragment
    return changed
