"""Two independent validators (jsonschema-rs and jsonschema) that say whether an instance is valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
from jsonschema_specifications import REGISTRY

from linter_app import dialects, iri
from linter_app.documents import Document, Source
from linter_app.effort import bearable
from linter_app.patterns import matches
from linter_app.witnesses.errors import Errors

iri.defer()

import jsonschema  # noqa: E402  only after what it would import is deferred
from jsonschema import validators  # noqa: E402

UNUSABLE = (ValueError, RecursionError, OverflowError, TimeoutError, TypeError, jsonschema_rs.ReferencingError)
_CLASSES = {
    4: jsonschema_rs.Draft4Validator,
    6: jsonschema_rs.Draft6Validator,
    7: jsonschema_rs.Draft7Validator,
    19: jsonschema_rs.Draft201909Validator,
    20: jsonschema_rs.Draft202012Validator,
}


def _quick(schema: Any, draft: int, resources: Mapping[str, Any]) -> Any:
    make = jsonschema_rs.validator_for if isinstance(schema, dict) and "$schema" in schema else _CLASSES[draft]
    return make(
        schema,
        validate_formats=True,
        registry=jsonschema_rs.Registry(list(resources.items())) if resources else None,
        retriever=_refuse,
        pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=20_000),
    )


def verdicts(conjunction: tuple[Source, ...], values: list[Any]) -> list[bool] | None:
    """Whether each value is valid under all of these subschemas; None where that cannot be told."""
    if not conjunction:
        return [True] * len(values)
    accepted = [True] * len(values)
    for source in conjunction:
        if not bearable(source.document):
            return None
        try:
            check = _subschema(source)
            accepted = [known and bool(check.is_valid(value)) for known, value in zip(accepted, values, strict=True)]
        except UNUSABLE:
            return None
    return accepted


def _subschema(source: Source) -> Any:
    """A validator of one place, with the definitions of its document around it; made once for a place."""
    document, schema = source.document, source.schema
    if isinstance(schema, dict) and (made := document.kept(schema, "validator")) is not None:
        return made
    root = document.root if isinstance(document.root, dict) else {}
    context = {key: root[key] for key in _CONTEXT if key in root}
    made = _quick(context | {"allOf": [schema]}, document.draft, document.resources)
    return document.keep(schema, "validator", made) if isinstance(schema, dict) else made


_CONTEXT = ("$schema", "$id", "id", "$defs", "definitions")


class Judge:
    """One schema as two independent validators see it. Formats count as assertions."""

    def __init__(self, schema: Any, resources: Mapping[str, Any]) -> None:
        self.schema = schema
        self._resources = resources
        self._draft = dialects.guessed_draft_of(schema)
        self._quick = _quick(schema, self._draft, resources)
        self._slow: Any = None
        self._errors: Errors | None = None

    def accepts(self, instance: Any) -> bool:
        """What the quicker validator (jsonschema-rs) says."""
        return bool(self._quick.is_valid(instance))

    def agrees(self, instance: Any, accepted: bool) -> bool:
        """Whether the other validator (jsonschema) says the same."""
        if self._slow is None:
            self._slow = self._independent()
        try:
            return bool(self._slow.is_valid(instance)) is accepted
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:
            # Whatever a hostile schema makes of it, panics of its parts in Rust among them, which are no
            # Exceptions: an opinion that cannot be had agrees with nothing.
            return False

    def errors(self, instance: Any, most: int) -> list[Any]:
        """The first errors of the quicker validator, as far as they can be had."""
        if self._errors is None:
            self._errors = Errors(self._quick, Document(dialects.read_schema(self.schema), self._resources))
        return self._errors.of(instance, most)

    def _independent(self) -> Any:
        base = validators.validator_for({"$schema": dialects.URIS[self._draft]})
        limited = {
            "pattern": _pattern,
            "patternProperties": _pattern_properties,
            "additionalProperties": _additional_properties,
        }
        known = {word: check for word, check in limited.items() if word in base.VALIDATORS}
        made = validators.extend(base, known)  # type: ignore[no-untyped-call]
        specification = dialects.SPECIFICATIONS
        named = [
            (uri, specification[dialects.guessed_draft_of(schema)].create_resource(schema))
            for uri, schema in self._resources.items()
        ]
        return made(self.schema, registry=REGISTRY.with_resources(named), format_checker=base.FORMAT_CHECKER)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is not known here")


def _found(pattern: str, text: str) -> bool:
    found = matches(pattern, text)
    if found is None:
        raise ValueError(f"the expression {pattern!r} cannot be evaluated")
    return found


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    # As jsonschema has it, but with ECMA-262's meaning and a time limit: expressions come from strangers.
    if isinstance(instance, str) and not _found(pattern, instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, subschema in patterns.items():
            for name, value in instance.items():
                if _found(pattern, name):
                    yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rest: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for name, value in instance.items():
            if name in schema.get("properties", {}) or any(
                _found(p, name) for p in schema.get("patternProperties", {})
            ):
                continue
            yield from validator.descend(value, rest, path=name)
