"""A first JSON Schema for messages that exist: their structure by genson, tightened by what all of them have in common.

Formats, enumerations and least values are added where every message agrees and there are enough of them; a field is
required where every object has it. The result is a draft: it says what was seen, not what is meant.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
from genson import SchemaBuilder

from contracts_app.messages import NoValue, value_of
from contracts_app.storage.base import StreamMessage

FORMATS = ("uuid", "date-time", "date", "email", "uri", "ipv4")
MIN_FOR_FORMAT = 3
"""Values that must be seen before a format is added."""
MIN_FOR_ENUM, MAX_ENUM_VALUES, MAX_ENUM_SHARE = 20, 8, 0.2
"""Values that must be seen before an enumeration is added, and how many different ones it may have at most."""
MAX_ENUM_CHARACTERS = 40
MAX_PATHS = 5000
_ITEMS = "[]"
_VALIDATORS = {name: jsonschema_rs.Draft202012Validator({"format": name}, validate_formats=True) for name in FORMATS}


@dataclass
class FieldSeen:
    """What the values at one path have in common."""

    count: int = 0
    strings: int = 0
    formats: set[str] = field(default_factory=lambda: set(FORMATS))
    values: Counter[str] = field(default_factory=Counter)
    """The different strings, as long as there are few."""
    many: bool = False
    """Whether there are more different strings than an enumeration may have."""
    least: float = math.inf

    def add(self, value: Any) -> None:
        self.count += 1
        if isinstance(value, str):
            self.strings += 1
            self.formats = {name for name in self.formats if _VALIDATORS[name].is_valid(value)}
            if not self.many:
                self.values[value] += 1
                self.many = len(self.values) > MAX_ENUM_VALUES or len(value) > MAX_ENUM_CHARACTERS
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            self.least = min(self.least, value)

    @property
    def format(self) -> str | None:
        """The format of all strings, if they have one."""
        if self.strings < MIN_FOR_FORMAT:
            return None
        return next((name for name in FORMATS if name in self.formats), None)

    @property
    def enum(self) -> list[str] | None:
        """The values of an enumeration, if the strings look like one: few different ones, each more than once."""
        few = not self.many and 1 < len(self.values) <= MAX_ENUM_SHARE * self.strings
        if self.strings < MIN_FOR_ENUM or not few or min(self.values.values()) < 2:
            return None
        return sorted(self.values)


@dataclass
class Inferred:
    """A draft, and what it was made of."""

    schema: dict[str, Any]
    messages: int
    skipped: int
    """Messages that are not JSON, or do not have the value where it was to be."""
    fields: dict[str, FieldSeen]

    @property
    def text(self) -> str:
        return json.dumps(self.schema, indent=2, ensure_ascii=False) + "\n"


def infer_schema(
    batches: Iterable[list[StreamMessage]], *, location: str = "body", pointer: str = "", title: str = ""
) -> Inferred:
    """Return a draft for the values in messages. With no message, the schema accepts everything."""
    builder = SchemaBuilder("https://json-schema.org/draft/2020-12/schema")
    seen: dict[str, FieldSeen] = {}
    messages = skipped = 0
    for batch in batches:
        for message in batch:
            try:
                value = json.loads(value_of(message.data, message.headers, location, pointer))
            except (NoValue, ValueError, RecursionError):
                skipped += 1
                continue
            messages += 1
            builder.add_object(value)
            _look(value, "", seen)
    schema = builder.to_schema()
    _tighten(schema, "", seen)
    if title:
        schema = {"$schema": schema.pop("$schema"), "title": title, **schema}
    return Inferred(schema, messages, skipped, seen)


def _look(value: Any, path: str, seen: dict[str, FieldSeen]) -> None:
    if path not in seen and len(seen) >= MAX_PATHS:
        return
    seen.setdefault(path, FieldSeen()).add(value)
    if isinstance(value, dict):
        for name, member in value.items():
            _look(member, f"{path}.{name}" if path else name, seen)
    elif isinstance(value, list):
        for item in value:
            _look(item, path + _ITEMS, seen)


def _tighten(schema: dict[str, Any], path: str, seen: dict[str, FieldSeen]) -> None:
    """Add formats, enumerations and least values to a schema, in place, where it has one type."""
    known = seen.get(path)
    kind = schema.get("type")
    if known is not None and kind == "string":
        if (name := known.format) is not None:
            schema["format"] = name
        elif (values := known.enum) is not None:
            schema["enum"] = values
    if known is not None and kind in ("integer", "number") and known.least >= 0 and known.count >= MIN_FOR_FORMAT:
        schema["minimum"] = 0
    for name, member in schema.get("properties", {}).items():
        _tighten(member, f"{path}.{name}" if path else name, seen)
    if isinstance(schema.get("items"), dict):
        _tighten(schema["items"], path + _ITEMS, seen)
    # Of several types, only the one with properties or items has anything below.
    for each in schema.get("anyOf", ()):
        _tighten({key: each[key] for key in ("properties", "items") if key in each}, path, seen)
