"""What may be assumed of references that lead to nothing available, so that instances can be validated all the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from linter_app.changes import Path
from linter_app.schema.documents import Document, Reference
from linter_app.schema.references import unavailable_references, with_answers
from linter_app.schema.validators import ValidatorPair

MAX_NAMED = 3


class Assumption(NamedTuple):
    """What is assumed, and the validators of both schemas: an instance must separate the schemas by each pair."""

    words: str
    validators: list[tuple[ValidatorPair, ValidatorPair]]


def assumptions(one: Document, other: Document) -> Iterator[Assumption]:
    """Yield what to assume of unavailable references, the least first.

    At first nothing: an instance that both schemas agree on with `false` and with `true` for all of them does not
    depend on what they lead to. Then, that a reference which both schemas have is satisfied by the values in its place,
    or by none of them: whatever it leads to, both schemas treat such values alike.
    """
    paths = [unavailable_references(document) for document in (one, other)]
    references = [
        {path: document.reference(document.root_subschema.at(*path), "$ref") for path in found}
        for document, found in zip((one, other), paths, strict=True)
    ]
    firsts, seconds = (set(each.values()) for each in references)
    common = _shared(firsts, seconds)
    shared = common | _shared(seconds, firsts)

    def validators(answers: list[dict[Path, bool]]) -> tuple[ValidatorPair, ValidatorPair]:
        first, second = (
            ValidatorPair(document, with_answers(document.root, each) if each else None)
            for document, each in zip((one, other), answers, strict=True)
        )
        return first, second

    for known, verb in ((None, ""), (True, "accepts"), (False, "refuses")):
        if known is not None and not shared:
            return
        variants = []
        for answer in (False, True):
            answers = [
                {path: answer if known is None or named not in shared else known for path, named in each.items()}
                for each in references
            ]
            if answers not in variants:
                variants.append(answers)
        names = ", ".join(sorted(set(map(str, common)))[:MAX_NAMED])
        words = f" (with a value that {names} {verb} in its place)" if verb else ""
        yield Assumption(words, [validators(answers) for answers in variants])


def _shared(references: set[Reference], others: set[Reference]) -> set[Reference]:
    """Return the references that are the same as one of the others."""
    known: dict[str, list[Reference]] = {}
    for other in others:
        for name in (other.text, other.uri):
            known.setdefault(name, []).append(other)
    return {
        each
        for each in references
        if any(each.is_same(other) for name in (each.text, each.uri) for other in known.get(name, ()))
    }
