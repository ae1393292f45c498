"""Subsumption: whether a pair breaks as a whole, although its parts differ. It only removes directions."""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

from linter_app.compare.bases import without_groups
from linter_app.compare.cases import Covers, is_covered_by_cases, is_empty
from linter_app.compare.comparison import SchemaPair
from linter_app.compare.exclusivity import are_versions, is_exclusive_for, overlapping
from linter_app.compare.gains import gained
from linter_app.compare.pairing import Pairing, Tags, label
from linter_app.compare.trials import Exactly
from linter_app.normalize.normalized import Conjunction, Group, NormalizedSchema, normalize
from linter_app.normalize.string_sets import Strings, are_included, strings_of
from linter_app.patterns import literal
from linter_app.schema.json_types import reduced, type_of
from linter_app.schema.validators import validate_values

MAX_ALTERNATIVES = 64
"""Combinations of several unions, and alternatives that are compared each with each."""
MAX_BRANCHES = 5000
"""Alternatives of one union."""
MAX_TRIES = 300
"""How often one side's alternatives are tried against the other's, where no tag pairs them."""
MAX_VALUES = 1000


def narrow_directions(pair: SchemaPair) -> None:
    """Remove the directions in which the pair is proven not to break, by its values or its alternatives."""
    _narrow_by_listed_values(pair)
    _narrow_by_strings(pair)
    _narrow_by_alternatives(pair)


def _narrow_by_listed_values(pair: SchemaPair) -> None:
    """Where one version lists its values, validate each of them with the other: the result is certain then."""
    for direction, accepting, refusing in (("backward", pair.old, pair.new), ("forward", pair.new, pair.old)):
        values = accepting.values if accepting.values is not None else _values_of_alternatives(accepting)
        if values is None or direction not in pair.open_directions or refusing.keywords <= {"enum", "const", "type"}:
            continue
        if len(values) > MAX_VALUES:
            continue
        if not {type_of(value) for value in values} <= refusing.types:
            continue  # one of them is refused
        accepted = validate_values(refusing.conjunction, values)
        if accepted and all(accepted):
            pair.open_directions -= {direction}


def _values_of_alternatives(normalized: NormalizedSchema) -> list[Any] | None:
    """Return all values of a union that lists them one by one, to describe each; None where it is no such union."""
    listed = (group.listed for group in normalized.groups if group.keyword != "if")
    return next((each for each in listed if each is not None), None)


def _narrow_by_strings(pair: SchemaPair) -> None:
    """Where both versions accept strings alone, compare the sets of strings, if they are not just written alike."""
    if pair.old.types | pair.new.types != {"string"} or not _STRINGS & (pair.old.keywords | pair.new.keywords):
        return
    old, new = strings_of(pair.old), strings_of(pair.new)
    if old is None or new is None:
        return
    included = {"backward": are_included(old, new), "forward": are_included(new, old)}
    pair.open_directions -= {direction for direction, holds in included.items() if holds}


def _narrow_by_alternatives(pair: SchemaPair) -> None:
    """Find the alternatives that differ, and the directions in which the pair breaks with them."""
    old, new = pair.old.groups, pair.new.groups
    if not old and not new:
        return
    differing = list(old), list(new)
    if len(old) == len(new) == 1 and are_versions(pair, old[0], new[0]):
        pair.differing, pair.are_versions = differing, True
        return
    for one in old:
        for other in differing[1]:
            if one.keyword == other.keyword and (pairing := _same_group(pair, one, other)) is not None:
                differing[0].remove(one)
                differing[1].remove(other)
                pair.same_alternatives += pairing.pairs
                break
    pair.differing = differing
    if not differing[0] and not differing[1]:
        return
    olds, news = _spread(pair.old, differing[0]), _spread(pair.new, differing[1])
    if olds is None or news is None:
        return
    partners, same = _partners(pair)
    backwards = {new: old for old, new in partners.items()}

    def is_covered(direction: Literal["backward", "forward"]) -> bool:
        def covers(narrower: Conjunction, wider: Conjunction, exactly: Exactly) -> bool:
            both = (narrower, wider) if direction == "backward" else (wider, narrower)
            return direction not in pair.directions(*both, exactly=exactly)

        order = 1 if direction == "backward" else -1
        (groups, others), (narrow, wide) = differing[::order], (olds, news)[::order]
        if all(group.accepts_all for group in others):
            bases = without_groups(pair.old, differing[0]), without_groups(pair.new, differing[1])
            base, other = bases[::order]
            if base is not None and other is not None and covers(base, other, ""):
                return True
        elif all(group.keyword == "if" for group in others):
            return is_covered_by_cases(narrow, wide, groups, others, covers)
        is_exclusive = [group.keyword for group in groups] == ["oneOf"]
        versions = partners if direction == "backward" else backwards
        return _is_covered(pair, narrow, wide, versions, same, covers, is_exclusive=is_exclusive)

    pair.open_directions -= {
        direction
        for direction in SIDES
        if direction in pair.open_directions
        and (is_covered(direction) if is_exclusive_for(pair, direction) else _is_same_for(pair, direction))
    }


def _partners(pair: SchemaPair) -> tuple[dict[int, int], set[int]]:
    """Return which alternatives are versions of one, by their keys, if exactly two groups differ; and the keys of those
    that mean the same.
    """
    old, new = pair.differing
    if len(old) != 1 or len(new) != 1:
        return {}, set()
    pairing = pair.pairing(old[0], new[0])
    return {one.key: other.key for one, other in pairing.pairs}, {each.key for both in pairing.equal for each in both}


def _is_covered(
    pair: SchemaPair,
    narrower: list[Conjunction],
    wider: list[Conjunction],
    partners: dict[int, int],
    same: set[int],
    covers: Covers,
    *,
    is_exclusive: bool,
) -> bool:
    """Return whether each of some conjunctions is covered by one of others, those that are versions of it first.

    `is_exclusive` says that they are the alternatives of a `oneOf`: what two of them accept need not be covered.
    """
    by_branch = {conjunction[-1].key: conjunction for conjunction in wider if conjunction}
    left = MAX_TRIES
    tags: Tags | None = None
    labels: list[tuple[str, str] | None] = []
    strings: list[Strings] | None = None
    around: bool | None = None
    # One that is new is the least likely to be covered, and then the others need not be looked at.
    for conjunction in sorted(narrower, key=lambda each: bool(each) and each[-1].key in partners):
        partner = by_branch.get(partners.get(conjunction[-1].key, 0)) if conjunction else None
        if partner is not None and conjunction[-1].key in same:
            # Both mean the same: what is around them decides, and that is alike for all of them. A property that is
            # new around them may be described in them, so it counts in open objects, too.
            if around is None:
                around = covers(conjunction[:-1], partner[:-1], "both")
            if around:
                continue
        if partner is not None and covers(conjunction, partner, ""):
            continue
        tags = tags or Tags([each[-1] for each in wider if each])
        labels = labels or [_label(pair, other) for other in wider]
        own = _label(pair, conjunction)
        for piece in _pieces(pair, conjunction, wider, tags):
            if is_empty(piece):
                continue
            if normalize(piece).types == {"string"}:
                strings = _strings_of_all(wider) if strings is None else strings
                narrow = strings_of(normalize(piece))
                if narrow is not None and are_included(narrow, strings):
                    continue
            fits = own is not None and normalize(piece).types == {"object" if own[0] else "string"}
            for other, known in zip(wider, labels, strict=True):
                if fits and own and known and known[0] == own[0] and known[1] != own[1]:
                    continue  # it refuses the one string that this lets pass
                left -= 1
                if left < 0:
                    return False
                if not _apart(pair, piece, other) and covers(piece, other, ""):
                    break
            else:
                if partner is None or not is_exclusive or not _was_refused(pair, piece, partner, narrower, covers):
                    return False
    return True


def _was_refused(
    pair: SchemaPair,
    conjunction: Conjunction,
    partner: Conjunction,
    alternatives: list[Conjunction],
    covers: Covers,
) -> bool:
    """Return whether other alternatives of `oneOf` accept what one accepts and its later version, the `partner`, does
    not: then it was refused before.
    """
    document = conjunction[0].document
    own = next(each for each in alternatives if each[-1] in conjunction)
    lost = gained(pair.comparison, partner[-1:], own[-1:], None)
    if {} in lost or not covers(own[:-1], partner[:-1], "both"):
        return False  # it is not known what it lost
    values = ((*conjunction, document.made(each)) for each in lost)
    return all(
        any(
            other is not own and not _apart(pair, each, other) and covers(each, other, "both") for other in alternatives
        )
        for each in values
    )


def _label(pair: SchemaPair, conjunction: Conjunction) -> tuple[str, str] | None:
    """Return the one string that an alternative lets pass, and in which property; the empty name for itself."""
    if not conjunction:
        return None
    known, key = pair.comparison.labels, conjunction[-1].key
    if key not in known:
        normalized = normalize((conjunction[-1],))
        listed = normalized.listed or ()
        own = listed[0] if len(listed) == 1 and isinstance(listed[0], str) else None
        own = own if own is not None else next(filter(None, map(literal, sorted(normalized.texts))), None)
        known[key] = ("", own) if own is not None else label(normalized)
    return known[key]


def _strings_of_all(conjunctions: list[Conjunction]) -> list[Strings]:
    """Return the strings that one of these accepts, as far as they are known; nothing of too many."""
    if len(conjunctions) > MAX_ALTERNATIVES:
        return []
    return [one for each in conjunctions for one in strings_of(normalize(each)) or ()]


def _apart(pair: SchemaPair, one: Conjunction, other: Conjunction) -> bool:
    return bool(normalize(one).types) and pair.comparison.are_disjoint(normalize(one), normalize(other))


def _pieces(pair: SchemaPair, conjunction: Conjunction, wider: list[Conjunction], tags: Tags) -> list[Conjunction]:
    """Split a conjunction by type, or by the values of a tag, where several others may cover it together."""
    if len(wider) == 1 or not conjunction:
        return [conjunction]
    normalized, document = normalize(conjunction), conjunction[0].document
    types = reduced(normalized.types)
    if len(types) > 1:
        return [(*conjunction, document.made({"type": kind})) for kind in sorted(types)]
    if tags.name is None or tags.name not in normalized.required:
        return _by_type_of_a_property(pair, conjunction, wider)
    property_ = normalized.property(tags.name)
    values = normalize(property_).listed if property_ else None
    if not values or not 1 < len(values) <= MAX_ALTERNATIVES:
        return [conjunction]
    pieces = ({"properties": {tags.name: {"const": value}}} for value in values)
    return [(*conjunction, document.made(each)) for each in pieces]


def _by_type_of_a_property(pair: SchemaPair, conjunction: Conjunction, wider: list[Conjunction]) -> list[Conjunction]:
    """Split a conjunction by the types of a required property that others have alternatives for, such as one each."""
    normalized, document = normalize(conjunction), conjunction[0].document
    for name in sorted(normalized.required):
        kinds = reduced(normalized.normalized_property(name).types)
        if len(kinds) == 1:
            continue
        others = (normalize(each) for each in wider)
        if any(name in each.required and reduced(each.normalized_property(name).types) < kinds for each in others):
            pieces = ({"properties": {name: {"type": kind}}} for kind in sorted(kinds))
            return [(*conjunction, document.made(each)) for each in pieces]
    return [conjunction]


SIDES: tuple[Literal["backward", "forward"], ...] = ("backward", "forward")
_STRINGS = frozenset({"not", "pattern", "anyOf", "oneOf"})


def _same_group(pair: SchemaPair, one: Group, other: Group) -> Pairing | None:
    """Return the pairs of the alternatives of two groups if they accept the same, in any order; otherwise None."""
    if len(one.branches) != len(other.branches):
        return None
    if one.keyword == "if" and not pair.comparison.equality.same_meaning(one.node.at("if"), other.node.at("if")):
        return None
    pairing = pair.pairing(one, other)
    if pairing.removed or pairing.added:
        return None
    if not pairing.differing:
        return pairing
    # What is around them describes properties, too.
    around = without_groups(pair.old, [one])
    both = [((*(around or ()), old), (*(around or ()), new)) for old, new in pairing.differing]
    if any(pair.directions(*each) for each in both):
        return None
    # A property that is new in one of them may be known from elsewhere, or decide which other alternative is satisfied.
    is_strict = around is None or _describe_elsewhere(pair, pairing) or overlapping(pair, one, other)
    return None if is_strict and any(pair.directions(*each, exactly="both") for each in both) else pairing


def _is_same_for(pair: SchemaPair, direction: Literal["backward", "forward"]) -> bool:
    """Return whether two overlapping unions mean the same for the instances of one direction.

    Those have no property that only the other version describes; unless another alternative describes it, all
    alternatives mean the same for them as before.
    """
    old, new = pair.differing
    if len(old) != 1 or len(new) != 1 or "if" in (old[0].keyword, new[0].keyword) or old[0].keyword != new[0].keyword:
        return False
    pairing = pair.pairing(old[0], new[0])
    if pairing.removed or pairing.added:
        return False
    bases = without_groups(pair.old, old), without_groups(pair.new, new)
    if bases[0] is not None and bases[1] is not None:
        # With what is around them, each may mean exactly what it did, although it is written elsewhere now.
        around = [((*bases[0], one), (*bases[1], other)) for one, other in pairing.differing]
        if not any(pair.directions(*both, exactly="both") for both in around):
            return True
    if _describe_elsewhere(pair, pairing):
        return False
    return not any(pair.directions((old,), (new,), exactly=direction) for old, new in pairing.differing)


def _describe_elsewhere(pair: SchemaPair, pairing: Pairing) -> bool:
    """Return whether a property that some alternative gained or lost is described by anything else, too."""
    described = [[normalize((branch,)).properties.keys() for branch in branches] for branches in pairing.pairs]
    changed = {name for old, new in described for name in old ^ new}
    base = pair.old.properties.keys() | pair.new.properties.keys()
    return any(name in base or sum(name in old or name in new for old, new in described) > 1 for name in changed)


def _spread(normalized: NormalizedSchema, groups: list[Group]) -> list[Conjunction] | None:
    """Return the schema as conjunctions without these groups, one for each choice; None where there are too many."""
    total = 1
    for group in groups:
        total *= len(group.branches)
    if total > (MAX_ALTERNATIVES if len(groups) > 1 else MAX_BRANCHES):
        return None
    base = without_groups(normalized, groups)
    if base is None:
        return None
    return [(*base, *choice) for choice in product(*(group.branches for group in groups))]
