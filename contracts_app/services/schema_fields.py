"""A schema as a table: every field with its type, constraints and description."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from contracts_app.services.references import target_of
from linter_app.report.changelog import excerpt
from linter_app.schema.json_pointers import follow, pointer

MAX_FIELDS = 10_000
MAX_LEVELS = 30
MAX_VALUE_CHARACTERS = 200
_CONSTRAINTS = (
    "const",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "contentEncoding",
    "contentMediaType",
    "readOnly",
    "writeOnly",
    "default",
    "examples",
)
_CHOICES = (("oneOf", "one of"), ("anyOf", "any of"))


@dataclass(frozen=True)
class Field:
    """One row. `path` looks like `order.items[].sku`; `pointer` leads to the schema of the field."""

    path: str
    pointer: str
    depth: int
    type: str
    required: bool = False
    deprecated: bool = False
    title: str = ""
    description: str = ""
    constraints: tuple[tuple[str, str], ...] = field(default=())
    reference: str = ""
    """The reference to another contract that the field's schema is, without its fragment."""


class _Root:
    """A parsed schema, with the contracts that are embedded in it."""

    def __init__(self, schema: Any) -> None:
        self.schema = schema
        self.embedded: dict[str, str] = {}
        """The JSON Pointer of each embedded contract by its URI."""
        for keyword in ("$defs", "definitions"):
            for name, member in _object(schema.get(keyword)) if isinstance(schema, dict) else ():
                uri = member.get("$id", member.get("id")) if isinstance(member, dict) else None
                if isinstance(uri, str) and target_of(uri):
                    self.embedded[uri] = pointer([keyword, name])

    def resolve(self, reference: str, at: str) -> tuple[Any, str] | None:
        """Return the target of a reference that stands at a JSON Pointer, and its pointer; None if it is not here."""
        uri, _, fragment = reference.partition("#")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return None
        base: str | None = next((each for each in self.embedded.values() if at.startswith(f"{each}/")), "")
        if uri:
            base = self.embedded.get(uri)
        found = follow(self.schema, base + fragment) if base is not None else None
        return (found[0], f"{base}{fragment}") if found is not None else None


def schema_fields(schema: Any) -> list[Field]:
    """Return the rows of a parsed schema in order, at most MAX_FIELDS; circular references end."""
    found: list[Field] = []
    for row in _rows(_Root(schema), schema, "", "", 0, False, ()):
        found.append(row)
        if len(found) == MAX_FIELDS:
            break
    return found


def _rows(
    root: _Root, schema: Any, path: str, pointer: str, depth: int, required: bool, stack: tuple[str, ...]
) -> Iterator[Field]:
    target, at, name = _resolved(root, schema, pointer)
    recursive = at in stack or depth > MAX_LEVELS
    yield _row(schema, target, path or "(root)", at, depth, required, name, recursive)
    if isinstance(target, dict) and not recursive:
        yield from _members(root, target, path, at, depth, (*stack, at), {at})


def _members(
    root: _Root, schema: Any, path: str, at: str, depth: int, stack: tuple[str, ...], described: set[str]
) -> Iterator[Field]:
    """Yield the rows below a schema. `described` holds the schemas already shown for this path."""
    before = f"{path}." if path else ""
    required = {each for each in _list(schema.get("required")) if isinstance(each, str)}
    for name, member in _object(schema.get("properties")):
        yield from _rows(
            root, member, before + name, at + pointer(["properties", name]), depth + 1, name in required, stack
        )
    for name, member in _object(schema.get("patternProperties")):
        below = at + pointer(["patternProperties", name])
        yield from _rows(root, member, f"{before}/{name}/", below, depth + 1, False, stack)
    if isinstance(schema.get("additionalProperties"), dict):
        below = f"{at}/additionalProperties"
        yield from _rows(root, schema["additionalProperties"], f"{before}*", below, depth + 1, False, stack)
    for keyword in ("prefixItems", "items"):
        members = schema.get(keyword)
        if isinstance(members, list):
            for number, member in enumerate(members):
                below = f"{at}/{keyword}/{number}"
                yield from _rows(root, member, f"{path}[{number}]", below, depth + 1, False, stack)
        elif isinstance(members, dict) and keyword == "items":
            yield from _rows(root, members, f"{path}[]", f"{at}/items", depth + 1, False, stack)
    for number, member in enumerate(_list(schema.get("allOf"))):
        target, target_pointer, _ = _resolved(root, member, f"{at}/allOf/{number}")
        if (
            isinstance(target, dict)
            and target_pointer not in stack
            and target_pointer not in described
            and len(stack) < 4 * MAX_LEVELS
        ):
            described.add(target_pointer)
            yield from _members(root, target, path, target_pointer, depth, (*stack, target_pointer), described)
    for keyword, words in _CHOICES:
        members = _list(schema.get(keyword))
        for number, member in enumerate(members):
            shown = f"{path} ({words} {len(members)}: {number + 1})".strip()
            yield from _rows(root, member, shown, f"{at}/{keyword}/{number}", depth + 1, False, stack)


def _row(
    schema: Any, target: Any, path: str, pointer: str, depth: int, required: bool, name: str, recursive: bool
) -> Field:
    # Keywords next to a reference say more about the field than the schema it refers to.
    said = {**target, **schema} if isinstance(schema, dict) and isinstance(target, dict) else target
    if not isinstance(said, dict):
        return Field(path, pointer, depth, "nothing" if said is False else "anything", required)
    kind = type_of(said)
    if name:
        kind = f"{name} (recursive)" if recursive else f"{kind} ({name})"
    constraints = [
        (keyword, excerpt(said[keyword], MAX_VALUE_CHARACTERS)) for keyword in _CONSTRAINTS if keyword in said
    ]
    if said.get("additionalProperties") is False:
        constraints.append(("additionalProperties", "false"))
    return Field(
        path,
        pointer,
        depth,
        kind,
        required,
        said.get("deprecated") is True,
        _text(said.get("title")),
        _text(said.get("description")),
        tuple(constraints),
        _contract_of(schema) or _contract_of(target),
    )


def _contract_of(schema: Any) -> str:
    """Return the reference to another contract that a schema is, without its fragment; or an empty string."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    whole = reference.partition("#")[0] if isinstance(reference, str) else ""
    return whole if whole and target_of(whole) else ""


def type_of(schema: dict[str, Any]) -> str:
    """Return a schema's type in a few words."""
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    if kind == "array":
        items = schema.get("items")
        if isinstance(items, dict) and items.get("type", "array") != "array":
            return f"array of {type_of(items)}"
    if isinstance(kind, str):
        return kind
    if "const" in schema:
        return "constant"
    if "enum" in schema:
        return "enumeration"
    for keyword, words in _CHOICES:
        if keyword in schema:
            return words
    if isinstance(schema.get("$ref"), str):
        return f"see {schema['$ref']}"
    return "object" if "properties" in schema else "anything"


def _resolved(root: _Root, schema: Any, pointer: str) -> tuple[Any, str, str]:
    """Follow references within the document; return the target, its pointer, and the last name on the way."""
    name = ""
    for _ in range(MAX_LEVELS):
        reference = schema.get("$ref") if isinstance(schema, dict) else None
        found = root.resolve(reference, pointer) if isinstance(reference, str) else None
        if found is None:
            break
        schema, pointer = found
        name = pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~") or "the root"
    return schema, pointer, name


def _object(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
