"""Objects: described properties, names, patterns and the rest (JSON Schema Core 10.3.2, Validation 6.5)."""

from __future__ import annotations

from collections.abc import Callable

from linter_app.changes import Direction, direction_of
from linter_app.compare.comparison import SchemaPair
from linter_app.normalize.alternatives import mentions, names_in_alternatives, undescribed_name
from linter_app.normalize.normalized import Conjunction, NormalizedSchema, constrains, normalize
from linter_app.normalize.schema_node import SchemaNode
from linter_app.normalize.string_sets import possible_names
from linter_app.patterns import matches, shortest
from linter_app.rule_catalogue import mirrored, rule
from linter_app.schema.documents import Subschema

KEYWORDS = frozenset(
    {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required", "propertyNames"}
)

_ABOUT_MEMBERS = frozenset({"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"})
MAX_KINDS = 32

_NAMED = {"type": "object", "properties": {"a": {"type": "string"}}}
REQUIRED_ADDED, REQUIRED_REMOVED = mirrored(
    ("required-added", "required-removed"),
    ("A property that was optional is now required.", "A property that was required is now optional."),
    _NAMED,
    {**_NAMED, "required": ["a"]},
)
REQUIRED_PROPERTY_REMOVED = rule(
    "required-property-removed",
    "both",
    "A required property is no longer described.",
    {**_NAMED, "required": ["a"]},
    {"type": "object"},
    kind="removed",
)
PROPERTY_ADDED = rule(
    "property-added",
    "none",
    "An optional property was added. A closed object did not accept it before.",
    {"type": "object"},
    _NAMED,
    kind="added",
)
PROPERTY_REMOVED = rule(
    "property-removed",
    "none",
    "An optional property was removed. A closed object no longer accepts it.",
    _NAMED,
    {"type": "object"},
    kind="removed",
)
OPEN_TYPED, OPEN_FREED = mirrored(
    ("open-property-constrained", "open-property-freed"),
    (
        "A property that could have any value must now match a schema (with strict open objects).",
        "A property that had to match a schema may now have any value (with strict open objects).",
    ),
    {"type": "object"},
    _NAMED,
)
CLOSED, OPENED = mirrored(
    ("additional-properties-refused", "additional-properties-accepted"),
    ("Properties that are not described are now rejected.", "Properties that are not described are now accepted."),
    {"type": "object"},
    {"type": "object", "additionalProperties": False},
)
PATTERN_ADDED = rule(
    "pattern-property-added",
    "none",
    "patternProperties has a new pattern.",
    {"type": "object"},
    {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
    kind="added",
)
PATTERN_REMOVED = rule(
    "pattern-property-removed",
    "none",
    "A pattern of patternProperties was removed.",
    {"type": "object", "patternProperties": {"^x-": {"type": "string"}}},
    {"type": "object"},
    kind="removed",
)
NAMES_ADDED, NAMES_REMOVED = mirrored(
    ("property-names-added", "property-names-removed"),
    (
        "Names of properties must now match a schema (propertyNames).",
        "Names of properties no longer have to match a schema (propertyNames).",
    ),
    {"type": "object"},
    {"type": "object", "propertyNames": {"maxLength": 3}},
)

UNCLEAR_NAMES = rule(
    "property-names-unclear",
    "both",
    "Names of properties match a pattern that cannot be compared with the other schema.",
    {"type": "object", "patternProperties": {"^(?=a)": {"type": "string"}}, "additionalProperties": False},
    {"type": "object", "patternProperties": {"^(?=b)": {"type": "string"}}, "additionalProperties": False},
)


_STRING = {"type": "string"}


def compare(pair: SchemaPair) -> None:
    """Report what changed in the properties that objects must, may and must not have."""
    if "object" not in pair.shared_types:
        return
    _required(pair)
    _properties(pair)
    are_listed = _are_listed(pair)
    if not are_listed:
        _patterns(pair)
    old_names, new_names = pair.old.subschemas("propertyNames"), pair.new.subschemas("propertyNames")
    if old_names and new_names:
        old_names, new_names = ((*names, names[0].document.made(_STRING)) for names in (old_names, new_names))
        pair.descend(old_names, new_names)
    elif are_listed:
        pass  # each name was compared
    elif old_names:
        pair.report(NAMES_REMOVED, "names of properties are no longer restricted", "propertyNames", None)
    elif new_names:
        pair.report(NAMES_ADDED, "names of properties are restricted now", None, "propertyNames")


def _are_listed(pair: SchemaPair) -> bool:
    """Compare properties by name, and return whether these are all, where both versions list them.

    One version may do so by `propertyNames`, and the other describe each in a closed object.
    """
    old, new = possible_names(pair.old), possible_names(pair.new)
    if old is None or new is None or (old != new and "propertyNames" not in pair.old.keywords ^ pair.new.keywords):
        return False
    for name in sorted((old | new) - pair.old.properties.keys() - pair.new.properties.keys()):
        if name in old and name in new:
            pair.descend(pair.old.property(name), pair.new.property(name))
        elif name in old:
            at = "propertyNames", "additionalProperties"
            pair.report(PROPERTY_REMOVED, f"property {name!r} is no longer accepted", *at, name, direction="backward")
        else:
            at = "additionalProperties", "propertyNames"
            pair.report(PROPERTY_ADDED, f"property {name!r} is accepted now", *at, None, name, direction="forward")
    return True


def _value(side: NormalizedSchema, name: str) -> Conjunction:
    """Return what holds for a property; nothing is accepted where `propertyNames` does not list it."""
    if "propertyNames" not in side.keywords:
        return side.property(name)
    names = possible_names(side)
    if names is None or name in names:
        return side.property(name)
    return (Subschema(False, side.subschemas("propertyNames")[0].path, side.first.document),)


def _required(pair: SchemaPair) -> None:
    old, new = pair.old, pair.new
    for name in sorted(new.required.keys() - old.required.keys()):
        if not old.requires(name):
            pair.report(REQUIRED_ADDED, f"property {name!r} became required", None, "required", None, name)
    for name in sorted(old.required.keys() - new.required.keys()):
        if new.requires(name):
            continue
        if name in old.properties and not new.describes(name):
            if _refuses(new.property(name)):
                continue  # that is reported with the property
            at = old.properties[name].at("properties", name)
            # An instance without it is newly valid: old consumers break; new ones do by policy alone.
            is_exact = pair.comparison.strict_open_objects or pair.comparison.trials.exactly == "both"
            direction: Direction | None = "forward" if is_exact else None
            message = f"required property {name!r} was removed"
            pair.report(REQUIRED_PROPERTY_REMOVED, message, at, None, name, direction=direction)
        else:
            pair.report(REQUIRED_REMOVED, f"property {name!r} is no longer required", "required", None, name)


def _properties(pair: SchemaPair) -> None:
    old, new = pair.old, pair.new
    for name in sorted((old.properties.keys() | new.properties.keys()) - _unchanged(pair)):
        old_value, new_value = _value(old, name), _value(new, name)
        if name in old.properties and name in new.properties:
            pair.descend(old_value, new_value)
        elif name in new.properties:
            _added(pair, name, old_value, new_value)
        else:
            _removed(pair, name, old_value, new_value)


def _added(pair: SchemaPair, name: str, old: Conjunction, new: Conjunction) -> None:
    at = pair.new.properties[name].at("properties", name)
    if _refuses(old) and not _refuses(new):
        message = f"property {name!r} is accepted now"
        direction: Direction = "none" if pair.comparison.readers_ignore else "forward"
        pair.report(PROPERTY_ADDED, message, _closing(old), at, name, name, direction=direction)
        if direction == "none":
            pair.ignore_name("forward", name)
        return
    if not pair.old.describes(name) and possible_names(pair.old) is None:
        pair.report(PROPERTY_ADDED, f"optional property {name!r} was added", None, at)
    around = pair.known_around(name)
    if constrains(old) or constrains(around[0]):
        pair.descend((*around[0], *old), (*around[1], *new))
    elif pair.is_strict("added"):
        if pair.directions((), new):
            pair.report(OPEN_TYPED, f"property {name!r} could hold anything before", None, at)
    elif any("backward" in pair.directions(found, new) for found in mentions(pair.old, name)):
        # It is one that readers know from an alternative, which allows more.
        pair.report(OPEN_TYPED, f"property {name!r} is restricted around the alternatives now", None, at)
    elif not pair.old.describes(name) and not _decides(pair.new, name):
        pair.ignore_name("backward", name)


def _removed(pair: SchemaPair, name: str, old: Conjunction, new: Conjunction) -> None:
    at = pair.old.properties[name].at("properties", name)
    is_required = name in pair.old.required
    if _refuses(new) and not _refuses(old):
        message = f"{'required ' if is_required else ''}property {name!r} is no longer accepted"
        missed = is_required and not pair.new.requires(name)
        breaks = frozenset({"backward", "forward"} if missed else {"backward"})
        if pair.comparison.readers_ignore:
            breaks -= {"backward"}
            pair.ignore_name("backward", name)
        pair.report(PROPERTY_REMOVED, message, at, _closing(new), name, name, direction=direction_of(breaks))
        return
    if not is_required and not pair.new.describes(name) and possible_names(pair.new) is None:
        pair.report(PROPERTY_REMOVED, f"optional property {name!r} was removed", at, None)
    around = pair.known_around(name)
    if constrains(new) or constrains(around[1]):
        pair.descend((*around[0], *old), (*around[1], *new))
    elif pair.is_strict("removed"):
        if pair.directions(old, ()):
            pair.report(OPEN_FREED, f"property {name!r} may now hold anything", at, None)
    elif any("forward" in pair.directions(old, found) for found in mentions(pair.new, name)):
        pair.report(OPEN_FREED, f"property {name!r} is no longer restricted around the alternatives", at, None)
    elif not pair.new.describes(name) and not _decides(pair.old, name):
        pair.ignore_name("forward", name)


def _decides(side: NormalizedSchema, name: str) -> bool:
    """Return whether an object, or which alternative it satisfies, depends on the presence of a property."""
    alternatives = (normalize((branch,)) for group in side.groups for branch in group.branches)
    return any(name in each.required or name in each.forbidden for each in (side, *alternatives))


def _refuses(value: Conjunction) -> bool:
    return any(subschema.schema is False for subschema in value)


def _unchanged(pair: SchemaPair) -> set[str]:
    """Return the properties with the same text and meaning in both versions, which are most of them."""
    lefts, rights = (
        [node for node in each.nodes if not _ABOUT_MEMBERS.isdisjoint(node.schema)] for each in (pair.old, pair.new)
    )
    if len(lefts) != len(rights):
        return set()
    equality = pair.comparison.equality
    same = equality.same_meaning if pair.comparison.is_silent else equality.same_text
    described, changed = set[str](), set[str]()
    for left, right in zip(lefts, rights, strict=True):
        # With several nodes, a name that one describes is among the others of the next.
        about = ("additionalProperties", "unevaluatedProperties") if len(lefts) > 1 else ()
        if _differing(left, right, "patternProperties", same) or any(
            (keyword in left.schema) is not (keyword in right.schema)
            or (keyword in left.schema and not same(left.at(keyword), right.at(keyword)))
            for keyword in about
        ):
            return set()
        described |= left.schema.get("properties", {}).keys()
        changed |= _differing(left, right, "properties", same)
    return described - changed


def _differing(
    left: SchemaNode, right: SchemaNode, keyword: str, same: Callable[[Subschema, Subschema], bool]
) -> set[str]:
    """Return the names under a keyword that only one has, or with other schemas."""
    one, other = set(left.schema.get(keyword, ())), set(right.schema.get(keyword, ()))
    return {name for name in one & other if not same(left.at(keyword, name), right.at(keyword, name))} | (one ^ other)


def _patterns(pair: SchemaPair) -> None:
    old, new = pair.old, pair.new
    for regex in sorted(old.patterns.keys() ^ new.patterns.keys()):
        added = regex in new.patterns
        at = (new if added else old).patterns[regex].at("patternProperties", regex)
        message = f"properties matching {regex!r} are {'newly' if added else 'no longer'} described"
        pair.report(PATTERN_ADDED if added else PATTERN_REMOVED, message, *((None, at) if added else (at, None)))
    own = old.properties.keys() | new.properties.keys()
    for name in sorted(pair.names_around() - own):
        if any(matches(regex, name) for regex in old.patterns.keys() ^ new.patterns.keys()):
            around = pair.known_around(name)
            pair.comparison.known_names.add(name)
            pair.descend((*around[0], *old.property(name)), (*around[1], *new.property(name)))
    _patterns_around_alternatives(pair, own)
    kinds = _kinds_of_names(pair)
    if kinds is None:
        _patterns_apart(pair)
        return
    for matching, name in kinds:
        if matching or pair.old.patterns or pair.new.patterns:
            pair.comparison.names.add(name)
        old_value, new_value = old.property(name), new.property(name)
        if not matching:
            _rest(pair, old_value, new_value)
        elif pair.is_strict("patterns") or (constrains(old_value) and constrains(new_value)):
            pair.descend(old_value, new_value)
        else:
            for regex in matching:
                pair.ignore_name("forward" if constrains(old_value) else "backward", regex, pattern=True)


def _patterns_around_alternatives(pair: SchemaPair, own: set[str]) -> None:
    """Compare what patterns say now of properties that alternatives describe."""
    old, new = pair.old, pair.new
    for regex in sorted(old.patterns.keys() ^ new.patterns.keys()):
        added = regex in new.patterns
        at = (new if added else old).patterns[regex].at("patternProperties", regex)
        for name in sorted(names_in_alternatives(old if added else new) - own):
            if not matches(regex, name):
                continue
            pair.comparison.known_names.add(name)
            before, after, alternatives = old.property(name), new.property(name), mentions(old if added else new, name)
            if added and any("backward" in pair.directions(each, after) for each in alternatives):
                pair.report(OPEN_TYPED, f"property {name!r} is restricted around the alternatives now", None, at)
            if not added and any("forward" in pair.directions(before, each) for each in alternatives):
                pair.report(OPEN_FREED, f"property {name!r} is no longer restricted around the alternatives", at, None)


def _kinds_of_names(pair: SchemaPair) -> list[tuple[frozenset[str], str]] | None:
    """Return the sets of patterns that a name may match together, each with such a name that is not described
    otherwise.

    None where that cannot be decided, or there are too many.
    """
    described = pair.old.properties.keys() | pair.new.properties.keys()
    if not pair.old.patterns and not pair.new.patterns:
        return [(frozenset(), undescribed_name(described))]
    kinds: list[tuple[frozenset[str], frozenset[str]]] = [(frozenset(), frozenset())]
    for regex in sorted(pair.old.patterns.keys() | pair.new.patterns.keys()):
        found = [(matching | {regex}, failing) for matching, failing in kinds]
        found += [(matching, failing | {regex}) for matching, failing in kinds]
        kinds = []
        for each in found:
            name, certain = shortest(*each)
            if not certain:
                return None
            if name is not None:
                kinds.append(each)
        if len(kinds) > MAX_KINDS:
            return None
    names = []
    for matching, failing in kinds:
        taken = {name for name in described if _is_of_kind(name, matching, failing)}
        if len(taken) > MAX_KINDS:
            return None
        name, certain = shortest(matching, failing | {_exactly(name) for name in taken})
        if certain and name is None:
            continue  # every such name is described
        if name is None:
            return None
        names.append((matching, name))
    return names


def _is_of_kind(name: str, matching: frozenset[str], failing: frozenset[str]) -> bool:
    return all(matches(regex, name) for regex in matching) and not any(matches(regex, name) for regex in failing)


def _exactly(name: str) -> str:
    return "^" + "".join(f"\\u{{{ord(character):x}}}" for character in name) + "$"


def _patterns_apart(pair: SchemaPair) -> None:
    """Compare each pattern by itself, where it cannot be decided which names match; the rest is undecided."""
    old, new = pair.old, pair.new
    _rest(pair, old.rest(), new.rest())
    for regex in sorted(old.patterns.keys() | new.patterns.keys()):
        if regex in old.patterns and regex in new.patterns:
            pair.descend(old.matching(regex), new.matching(regex))
            continue
        old_value, new_value = old.matching(regex), new.matching(regex)
        if not pair.is_strict("patterns") and not (constrains(old_value) and constrains(new_value)):
            pair.ignore_name("forward" if constrains(old_value) else "backward", regex, pattern=True)
        elif directions := pair.directions(old_value, new_value):
            message = f"it is not decidable which names match {regex!r}"
            at = ("patternProperties", "patternProperties")
            pair.report(UNCLEAR_NAMES, message, *at, direction=direction_of(directions), decided=False)


def _rest(pair: SchemaPair, old: Conjunction, new: Conjunction) -> None:
    refused = [_refuses(rest) for rest in (old, new)]
    ignored: Direction | None = "none" if pair.comparison.readers_ignore else None
    if refused[1] and not refused[0] and normalize(old).types:
        message = "additional properties are refused now"
        pair.report(CLOSED, message, _closing(old), _closing(new), direction=ignored)
    elif refused[0] and not refused[1] and normalize(new).types:
        message = "additional properties are accepted now"
        pair.report(OPENED, message, _closing(old), _closing(new), direction=ignored)
    elif old or new:
        pair.descend(old, new)


def _closing(rest: Conjunction) -> str | Subschema:
    return rest[0] if rest else "additionalProperties"
