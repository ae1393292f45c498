"""Conditions (`if`), case by case: what is accepted where they hold must satisfy `then`, and otherwise `else`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from linter_app.compare.trials import Exactly
from linter_app.normalize.normalized import Conjunction, Group, NormalizedSchema, negation, normalize
from linter_app.schema.documents import Subschema

MAX_CASES = 300
"""Combinations of the branches of both versions' conditions that are compared."""
Covers = Callable[[Conjunction, Conjunction, Exactly], bool]
"""Returns whether the second conjunction is proven to accept all that the first one accepts."""


def is_covered_by_cases(
    narrower: list[Conjunction],
    wider: list[Conjunction],
    groups: list[Group],
    others: list[Group],
    covers: Covers,
) -> bool:
    """Return whether conjunctions are covered by what follows from the conditions of others, whichever of these hold.

    `groups` are those of the narrower conjunctions; `wider` has a conjunction for each combination of the branches of
    `others`, which are all conditions (`if`).
    """
    if len(narrower) * len(wider) > MAX_CASES:
        return False
    conditions = [group.node.at("if") for group in others]
    for conjunction in narrower:
        choices = [_choices(conjunction, groups, when, covers) for when in conditions]
        for case, other in zip(product((True, False), repeat=len(conditions)), wider, strict=True):
            if not all(holds in choice for holds, choice in zip(case, choices, strict=True)):
                continue
            decided = (when if holds else negation(when) for when, holds in zip(conditions, case, strict=True))
            if covers((*conjunction, *decided), other, ""):
                continue
            failing = (when for when, holds in zip(conditions, case, strict=True) if not holds)
            if not any(covers(conjunction, (when,), "both") for when in failing):
                return False
    return True


def _choices(
    conjunction: Conjunction,
    groups: list[Group],
    when: Subschema,
    covers: Covers,
) -> list[bool]:
    """Return whether a condition may hold for what a conjunction accepts, and whether it may fail."""
    if is_empty((*conjunction, when)):
        return [False]
    typed = when.document.made({"type": sorted(normalize(conjunction).types)})
    for group, branch in zip(groups, conjunction[len(conjunction) - len(groups) :], strict=True):
        own = group.node.at("if") if group.keyword == "if" else None
        if own is not None and branch is group.branches[0] and covers((typed, own), (when,), "both"):
            return [True]
        if own is not None and branch is group.branches[1] and covers((typed, when), (own,), "both"):
            return [False]
    return [True, False]


def is_empty(conjunction: Conjunction, decided: frozenset[int] = frozenset()) -> bool:
    """Return whether a property of every value has no value left, such as the tag of another alternative.

    Conditions of which one branch is left are followed; `decided` are those that were.
    """
    normalized = normalize(conjunction)
    if _is_plainly_empty(normalized):
        return True
    for group in normalized.groups:
        if group.keyword == "if" and id(group) not in decided:
            branches = [(*conjunction, branch) for branch in group.branches]
            left = [each for each in branches if not _is_plainly_empty(normalize(each))]
            if len(left) < 2:
                return not left or is_empty(left[0], decided | {id(group)})
    return False


def _is_plainly_empty(normalized: NormalizedSchema) -> bool:
    if normalized.types != {"object"}:
        return not normalized.types
    found = (_refused_property(normalized, each) for each in normalized.subschemas("not"))
    refused = [each for each in found if each is not None]
    for name in normalized.required:
        value = normalize((*normalized.property(name), *(negation(each) for own, each in refused if own == name)))
        if value.listed is not None and all(map(value.refuses, value.listed)):
            return True
    return False


def _refused_property(normalized: NormalizedSchema, refused: Subschema) -> tuple[str, Subschema] | None:
    """Return what a schema under `not` refuses of the value of one required property, if it says nothing else."""
    schema = refused.schema
    if not isinstance(schema, dict) or not schema.keys() <= {"type", "properties", "required"}:
        return None
    if len(schema.get("properties", ())) != 1 or not normalized.required.keys() >= set(schema.get("required", ())):
        return None
    [name] = schema["properties"]
    return (name, refused.at("properties", name)) if normalize((refused,)).types & {"object"} else None
