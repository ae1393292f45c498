"""Plain schemas: the kind whose cost is known to be small, so that native code may run in the caller's process.

An allow-list, not an estimate: whatever is not recognized here is not plain, and runs in a child process
(linter_app/work_pool.py).
"""

from __future__ import annotations

from typing import Any

from linter_app.patterns.syntax import MANY, Characters, Choice, Edge, Node, Repeat, Sequence, parse
from linter_app.schema.circles import circular_reference
from linter_app.schema.dialects import Schema
from linter_app.schema.documents import Document, Subschema
from linter_app.schema.vocabulary import DRAFT7, IN_PLACE

MAX_SIZE = 10_000
"""Values in a plain schema, where a definition counts as often as a reference leads to it."""
MAX_PATTERN_CHARACTERS = 200
MAX_PATTERN_SIZE = 1000
"""Characters of a plain pattern after its repetitions are unfolded."""
MAX_COST = 2_000_000
"""Values of an instance times the schema's size, up to which an instance is validated in the caller's process."""
MAX_ERROR_COST = 50_000
"""The same for making errors, each of which takes about a kilobyte."""
_MAX_NUMBER, _MIN_NUMBER = 2**53, 1e-15
_CHARACTERS_PER_VALUE = 8
_NOT_PLAIN = frozenset(
    {"$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems", "uniqueItems", "contentSchema"}
)
# With one of these, several subschemas can apply to one value, and with recursion, exponentially many.
_SEVERAL_AT_ONCE = IN_PLACE - {"$ref"} | {"patternProperties", "contains"}
_BELOW = frozenset({"properties", "additionalProperties", "items", "prefixItems", "additionalItems", "propertyNames"})
_FORMATS = frozenset(
    {
        *("date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid"),
        *("json-pointer", "relative-json-pointer", "int32", "int64", "float", "double", "byte", "binary", "password"),
    }
)
"""Formats that are checked in linear time, or not at all."""


def plain_size(schema: Schema) -> int | None:
    """Return the size of a valid, plain schema; None where it is not plain."""
    if isinstance(schema.root, bool):
        return 1
    if not schema.member_names.isdisjoint(_NOT_PLAIN) or instance_cost(schema.root, 0, 1) is None:
        return None
    document = Document(schema)
    try:
        return _Sizes(document).of(document.root_subschema)
    except _RecursiveError:
        return _recursive_size(document)
    except (_NotPlainError, RecursionError):
        return None


def instance_cost(instance: Any, characters: int, size: int) -> int | None:
    """Return the cost of validating an instance with a plain schema; None where it has numbers of uncommon size.

    `characters` are those of its text: long strings cost time too.
    """
    count, waiting = 0, [instance]
    while waiting:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, (int, float)) and not _is_plain_number(value):
            return None
    return (count + characters // _CHARACTERS_PER_VALUE) * size


class _NotPlainError(Exception):
    pass


class _RecursiveError(_NotPlainError):
    """References lead in a circle."""


def _recursive_size(document: Document) -> int | None:
    """Return the size of a recursive schema if it is plain: then one subschema alone applies to each value.

    That is so without alternatives, without patterns of names, and where nothing else applies next to a reference.
    """
    if not document.schema.member_names.isdisjoint(_SEVERAL_AT_ONCE) or circular_reference(document) is not None:
        return None
    size = 0
    try:
        for path, schema in document.schemas():
            siblings = schema.keys() & _BELOW if document.draft > DRAFT7 else ()
            if "$ref" in schema and (siblings or document.resolve(document.root_subschema.at(*path), "$ref") is None):
                return None
            size += _own_size(schema)
    except (_NotPlainError, RecursionError):
        return None
    return size if size <= MAX_SIZE else None


class _Sizes:
    """The sizes of subschemas. Raises _RecursiveError where references lead in a circle."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._known: dict[int, int] = {}
        self._active: set[int] = set()

    def of(self, subschema: Subschema) -> int:
        schema = subschema.schema
        if not isinstance(schema, dict):
            return 1
        if subschema.key in self._active:
            raise _RecursiveError
        if subschema.key not in self._known:
            self._active.add(subschema.key)
            size = _own_size(schema)
            if "$ref" in schema:
                target = self._document.resolve(subschema, "$ref")
                if target is None:
                    raise _NotPlainError
                size += self.of(target)
            size += sum(self.of(child) for _, child in subschema.below())
            if size > MAX_SIZE:
                raise _NotPlainError
            self._active.discard(subschema.key)
            self._known[subschema.key] = size
        return self._known[subschema.key]


def _own_size(schema: dict[str, Any]) -> int:
    if schema.get("format", "date") not in _FORMATS:
        raise _NotPlainError
    patterns = [*schema.get("patternProperties", ()), *([schema["pattern"]] if "pattern" in schema else ())]
    listed = sum(instance_cost(schema.get(keyword), 0, 1) or 0 for keyword in ("enum", "const"))
    listed += len(schema.get("required", []))
    return 1 + len(schema) + listed + sum(map(_pattern_size, patterns))


def _pattern_size(pattern: str) -> int:
    node = parse(pattern) if len(pattern) <= MAX_PATTERN_CHARACTERS else None
    size = _unfolded_size(node)
    if size > MAX_PATTERN_SIZE:
        raise _NotPlainError
    return size


def _unfolded_size(node: Node | None) -> int:
    match node:
        case Characters() | Edge():
            return 1
        case Sequence(items) | Choice(items):
            return 1 + sum(map(_unfolded_size, items))
        case Repeat(item, least, most):
            return _unfolded_size(item) * max(least, 1 if most == MANY else most, 1)
    raise _NotPlainError  # it looks around, refers back, or cannot be read


def _is_plain_number(value: float) -> bool:
    return value == 0 or _MIN_NUMBER < abs(value) < _MAX_NUMBER
