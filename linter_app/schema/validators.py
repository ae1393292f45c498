"""Two independent validators, jsonschema-rs and jsonschema. Formats count as assertions, and nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any
from urllib.parse import quote

import jsonschema
import jsonschema_rs
from jsonschema import validators
from jsonschema_specifications import REGISTRY
from referencing import Resource
from rfc3986_validator import validate_rfc3986

from linter_app.patterns import matches
from linter_app.schema import dialects
from linter_app.schema.documents import Document, Subschema, refers
from linter_app.schema.json_types import objects_in
from linter_app.schema.vocabulary import DEFINITIONS, DRAFT2019

UNUSABLE = (ValueError, RecursionError, OverflowError, TimeoutError, TypeError, jsonschema_rs.ReferencingError)
"""What the validators raise for schemas and instances that they cannot handle."""
MAX_BACKTRACKS = 20_000
MAX_DEFINITIONS = 200
"""Definitions that a subschema may be compiled with: many subschemas are compiled for one comparison."""
_CLASSES = {
    4: jsonschema_rs.Draft4Validator,
    6: jsonschema_rs.Draft6Validator,
    7: jsonschema_rs.Draft7Validator,
    19: jsonschema_rs.Draft201909Validator,
    20: jsonschema_rs.Draft202012Validator,
}
_META_SCHEMAS = {uri: REGISTRY.contents(uri) for uri in REGISTRY}
# What the validator of a subschema needs of the root around it.
_CONTEXT = ("$schema", "$id", "id", *sorted(DEFINITIONS))


def compiled(schema: Any, draft: int, resources: Mapping[str, Any]) -> Any:
    """Return a validator of jsonschema-rs. Raises what UNUSABLE names."""
    try:
        return _compiled(schema, draft, resources)
    except jsonschema_rs.ValidationError as error:
        if error.kind.name != "$ref":
            raise
        # jsonschema-rs itself knows the meta-schema of the schema's own draft alone.
        return _compiled(schema, draft, {**_META_SCHEMAS, **resources})


def _compiled(schema: Any, draft: int, resources: Mapping[str, Any]) -> Any:
    make = jsonschema_rs.validator_for if isinstance(schema, dict) and "$schema" in schema else _CLASSES[draft]
    return make(
        schema,
        validate_formats=True,
        registry=jsonschema_rs.Registry(list(resources.items())) if resources else None,
        retriever=_refuse_to_fetch,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_BACKTRACKS),
    )


def validate_values(conjunction: tuple[Subschema, ...], values: list[Any]) -> list[bool] | None:
    """Return whether each value is valid under all of these subschemas; None where that cannot be decided."""
    accepted = [True] * len(values)
    for subschema in conjunction:
        try:
            validator = _subschema_validator(subschema)
            accepted = [
                known and bool(validator.is_valid(value)) for known, value in zip(accepted, values, strict=True)
            ]
        except UNUSABLE:
            return None
    return accepted


def _subschema_validator(subschema: Subschema) -> Any:
    """Return a validator of one subschema, with the definitions of its document around it; compiled once."""
    document, schema = subschema.document, subschema.schema
    if isinstance(schema, dict) and (made := document.kept(schema, "validator")) is not None:
        return made
    root = document.root if isinstance(document.root, dict) and refers(schema) else {}
    if sum(len(root.get(key, ())) for key in DEFINITIONS) > MAX_DEFINITIONS:
        raise ValueError("it would take too long to compile")
    made = _compiled_within(root, schema, document)
    return document.keep(schema, "validator", made) if isinstance(schema, dict) else made


def _compiled_within(root: Mapping[str, Any], schema: Any, document: Document) -> Any:
    """Return a validator of a schema with the definitions of a root around it."""
    context = {key: root[key] for key in _CONTEXT if key in root}
    return compiled(context | {"allOf": [schema]}, document.draft, document.resources)


class ValidatorPair:
    """One schema, compiled by two independent validators."""

    def __init__(self, document: Document, root: Any = None) -> None:
        """Compile the schema of a document, or another `root` in its place. Raises what UNUSABLE names."""
        self.schema = document.root if root is None else root
        self._document = document
        self._fast = compiled(self.schema, document.draft, document.resources)
        self._independent: Any = None
        self._referred: dict[str, Any] = {}

    def accepts(self, instance: Any) -> bool:
        """Return whether the faster validator, jsonschema-rs, accepts an instance."""
        return bool(self._fast.is_valid(instance))

    def agrees(self, instance: Any, accepted: bool) -> bool:
        """Return whether the other validator, jsonschema, comes to the same result."""
        if self._independent is None:
            self._independent = self._make_independent()
        try:
            return bool(self._independent.is_valid(instance)) is accepted
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # Hostile schemas make its parts in Rust panic, which is not an Exception. No result is no agreement.
            return False

    def errors(self, instance: Any, limit: int, reference: str | None = None) -> list[Any]:
        """Return the first errors of the faster validator; with a reference, only those of the definition it leads to.

        All references of the schema must lead to its definitions then.
        """
        validator = self._fast
        if reference is not None:
            if reference not in self._referred:
                self._referred[reference] = _compiled_within(self.schema, {"$ref": reference}, self._document)
            validator = self._referred[reference]
        return list(islice(validator.iter_errors(instance), limit))

    def _make_independent(self) -> Any:
        document = self._document
        named = [
            (uri, _resource(schema, dialects.guessed_draft_of(schema))) for uri, schema in document.resources.items()
        ]
        registry = REGISTRY.with_resources(named)
        root = _resource(self.schema, document.draft, names_dialects=document.schema.names_dialects)
        if document.local_targets is None:  # otherwise each reference to an identifier would look for it everywhere
            registry = registry.with_resource(root.id() or "", root).crawl()
        made = _independent_class(document.draft)
        return made(root.contents, registry=registry, format_checker=_format_checker(document.draft))


@cache
def _independent_class(draft: int) -> Any:
    """Return jsonschema's validator of a draft with the checks of this module."""
    base = validators.validator_for({"$schema": dialects.URIS[draft]})
    checks = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "anyOf": _any_of,
        "oneOf": _one_of,
    }
    known = {keyword: check for keyword, check in checks.items() if keyword in base.VALIDATORS}
    return validators.create(  # type: ignore[no-untyped-call]
        base.META_SCHEMA,
        {**base.VALIDATORS, **known},
        type_checker=base.TYPE_CHECKER,
        id_of=base.ID_OF,  # type: ignore[attr-defined]
        applicable_validators=_in_quick_order if draft >= DRAFT2019 else _without_siblings,  # type: ignore[arg-type]
    )


def _resource(schema: Any, draft: int, *, names_dialects: bool = True) -> Resource[Any]:
    """Return a schema to which the checks of this module apply: jsonschema has its own for what names its dialect.

    It keeps them for subschemas of another draft. Where a constant names this draft, an instance of it is not
    confirmed. Without `names_dialects`, only the root is looked at.
    """
    if names_dialects:
        schema = json.loads(json.dumps(schema))
        for each in objects_in(schema):
            if each.get("$schema") == dialects.URIS[draft]:
                del each["$schema"]
    elif isinstance(schema, dict):
        schema = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
    return dialects.SPECIFICATIONS[draft].create_resource(schema)


@cache
def _format_checker(draft: int) -> jsonschema.FormatChecker:
    """Return jsonschema's checker of a draft, with a check of IRIs that needs no large grammar (RFC 3987)."""
    base = validators.validator_for({"$schema": dialects.URIS[draft]}).FORMAT_CHECKER
    checker = jsonschema.FormatChecker(formats=())
    checker.checkers = dict(base.checkers)
    if draft >= dialects.DRAFTS["http://json-schema.org/draft-07/schema"]:
        checker.checks("iri", raises=ValueError)(lambda value: not isinstance(value, str) or _is_iri(value, "URI"))
        checker.checks("iri-reference", raises=ValueError)(
            lambda value: not isinstance(value, str) or _is_iri(value, "URI_reference")
        )
    return checker


# ucschar and iprivate of RFC 3987, section 2.2.
_UCSCHAR = "\u00a0-\ud7ff\uf900-\ufdcf\ufdf0-\uffef" + "".join(
    f"{chr(plane * 0x10000)}-{chr(plane * 0x10000 + 0xFFFD)}" for plane in range(1, 14)
)
_UCSCHAR += "\U000e1000-\U000efffd"
_IPRIVATE = "\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd"
_NOT_IN_PATH = re.compile(f"[^\x00-\x7f{_UCSCHAR}]")
_NOT_IN_QUERY = re.compile(f"[^\x00-\x7f{_UCSCHAR}{_IPRIVATE}]")


def _is_iri(text: str, rule: str) -> bool:
    """Return whether the URI that an IRI maps to is valid (RFC 3987, section 3.1)."""
    rest, _, fragment = text.partition("#")
    path, _, query = rest.partition("?")
    if _NOT_IN_PATH.search(path + fragment) or _NOT_IN_QUERY.search(query):
        return False
    if text.endswith("\n"):
        return False
    mapped = "".join(letter if letter.isascii() else quote(letter) for letter in text)
    return bool(validate_rfc3986(mapped, rule=rule))


def _refuse_to_fetch(uri: str) -> Any:
    raise ValueError(f"{uri} is not available: nothing is fetched")


def _is_found(pattern: str, text: str) -> bool:
    found = matches(pattern, text)
    if found is None:
        raise ValueError(f"the expression {pattern!r} cannot be evaluated")
    return found


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # As in jsonschema, but with ECMA-262's meaning and a time limit: the expressions are not trusted.
    if isinstance(instance, str) and not _is_found(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name, value in instance.items():
                if _is_found(pattern, name):
                    yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rest: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name, value in instance.items():
            if name in schema.get("properties", {}) or any(
                _is_found(pattern, name) for pattern in schema.get("patternProperties", {})
            ):
                continue
            yield from validator.descend(value, rest, path=name)


_ORDER = {"type": 0, "const": 0, "enum": 0, "required": 0, "$ref": 2, "allOf": 2, "anyOf": 2, "oneOf": 2}
"""Keywords that are decided sooner (0) or later (2) than the others (1)."""


def _in_quick_order(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the keywords to check, in the order in which an instance is found to be invalid soonest."""
    return sorted(schema.items(), key=lambda each: _ORDER.get(each[0], 1))


def _without_siblings(schema: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the same, of a draft that ignores all other keywords of a schema with `$ref` (draft 7, Core 8.3)."""
    return [("$ref", schema["$ref"])] if "$ref" in schema else _in_quick_order(schema)


# As in jsonschema, but without the errors of each alternative, which nobody reads and which take most of the time.
def _any_of(validator: Any, branches: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not any(validator.evolve(schema=branch).is_valid(instance) for branch in branches):
        yield jsonschema.ValidationError("no alternative is valid")


def _one_of(validator: Any, branches: Any, instance: Any, schema: Any) -> Iterator[Any]:
    valid = (branch for branch in branches if validator.evolve(schema=branch).is_valid(instance))
    if len(list(islice(valid, 2))) != 1:
        yield jsonschema.ValidationError("none or several alternatives are valid")
