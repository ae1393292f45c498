"""Instances made to order: values that satisfy some schemas and break others, drawn at random.

What is drawn is a guess that must be checked by a validator; a draw that runs into a contradiction
is given up. The negation of a schema is read as a choice of one keyword to break.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from linter_app.documents import REFERENCES, Source
from linter_app.formats import EXAMPLES
from linter_app.json_text import identity, same
from linter_app.patterns import matches, sample
from linter_app.views import ALL_TYPES, Part, part_of, type_of

MAX_DEPTH = 24
MAX_DRAWS = 4000
MAX_LENGTH = 20_000
_NUMERIC = frozenset({"number", "integer"})


class Contradiction(Exception):
    """This draw leads nowhere."""


@dataclass
class Aim:
    """Where a draw is steered to: the places to break on the way (by `id` of their schemas), and the keyword."""

    way: frozenset[int] = frozenset()
    keyword: str | None = None
    # Names that an instance must not use in an object judged by this schema (by `id`).
    holes: dict[int, set[tuple[str, bool]]] = field(default_factory=dict)


@dataclass
class Wanted:
    """What one value must satisfy, gathered from literals; parts in 2020-12 terms."""

    parts: list[Part] = field(default_factory=list)
    types: frozenset[str] = ALL_TYPES
    values: list[Any] | None = None
    excluded: list[Any] = field(default_factory=list)
    lower: list[tuple[Any, bool]] = field(default_factory=list)
    upper: list[tuple[Any, bool]] = field(default_factory=list)
    multiples: list[Any] = field(default_factory=list)
    not_multiples: list[Any] = field(default_factory=list)
    least: dict[str, int] = field(default_factory=dict)
    most: dict[str, float] = field(default_factory=dict)
    patterns: list[str] = field(default_factory=list)
    not_patterns: list[str] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    not_formats: list[str] = field(default_factory=list)
    repeated: bool = False
    unique: bool = False
    required: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    # Goals within: what a named member, or the item at an index, must satisfy or break besides.
    members: list[tuple[str, Source, bool]] = field(default_factory=list)
    items: list[tuple[int, Source, bool]] = field(default_factory=list)
    every_item: list[Source] = field(default_factory=list)
    contained: list[tuple[Source, int]] = field(default_factory=list)
    asked: set[tuple[int, str]] = field(default_factory=set)

    def at_least(self, what: str, count: Any) -> None:
        self.least[what] = max(self.least.get(what, 0), math.ceil(count))

    def at_most(self, what: str, count: Any) -> None:
        self.most[what] = min(self.most.get(what, math.inf), math.floor(count))

    def only(self, *types: str) -> None:
        self.types &= frozenset(types)


_COUNTS = {"Length": "string", "Items": "array", "Properties": "object"}


class Draw:
    """One attempt. `dice` decides every choice; `aim` says where breaking is wanted."""

    def __init__(self, dice: random.Random, aim: Aim, names: Iterable[str] = ()) -> None:
        self.dice, self.aim = dice, aim
        self.names = list(names)
        self.left = MAX_DRAWS

    def value(self, keep: Iterable[Source], refuse: Iterable[Source], depth: int = 0) -> Any:
        """A value that `keep` should accept and each of `refuse` should not. Raises Contradiction."""
        if depth > MAX_DEPTH:
            raise Contradiction
        wanted = Wanted()
        waiting = [(source, True) for source in keep] + [(source, False) for source in refuse]
        seen: set[tuple[int, bool]] = set()
        while waiting or self._dependents(wanted, waiting):
            self.left -= 1
            if self.left < 0:
                raise Contradiction
            source, positive = waiting.pop(0)
            if isinstance(source.schema, bool):
                if source.schema is not positive:
                    raise Contradiction
                continue
            if (id(source.schema), positive) in seen:
                continue
            seen.add((id(source.schema), positive))
            if (id(source.schema), not positive) in seen:
                raise Contradiction
            waiting += (self._keep if positive else self._refuse)(part_of(source), wanted)
        return self._build(wanted, depth)

    def _dependents(self, wanted: Wanted, waiting: list[tuple[Source, bool]]) -> bool:
        """Add what the presence of a wanted property asks for, once. Whether anything was added."""
        if "object" not in wanted.types:
            return False
        for part in wanted.parts:
            for name in part.schema.get("dependentSchemas", ()):
                if name in wanted.required and (id(part), name) not in wanted.asked:
                    wanted.asked.add((id(part), name))
                    waiting.append((part.at("dependentSchemas", name), True))
        return bool(waiting)

    # Reading: what holds adds to what is wanted; what is left over are further literals.

    def _keep(self, part: Part, wanted: Wanted) -> list[tuple[Source, bool]]:
        schema = part.schema
        wanted.parts.append(part)
        more = self._references(part, True)
        if "type" in schema:
            wanted.types &= _types(schema["type"])
        for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if values is not None:
                known = set(map(identity, values))
                old = values if wanted.values is None else wanted.values
                wanted.values = [value for value in old if identity(value) in known]
        for keyword, ends in (("inimum", wanted.lower), ("aximum", wanted.upper)):
            letter = "m"
            if letter + keyword in schema:
                ends.append((schema[letter + keyword], False))
            if "exclusiveM" + keyword in schema:
                ends.append((schema["exclusiveM" + keyword], True))
        for what in _COUNTS:
            if f"min{what}" in schema:
                wanted.at_least(what, schema[f"min{what}"])
            if f"max{what}" in schema:
                wanted.at_most(what, schema[f"max{what}"])
        for keyword, found in (
            ("multipleOf", wanted.multiples),
            ("pattern", wanted.patterns),
            ("format", wanted.formats),
        ):
            if keyword in schema:
                found.append(schema[keyword])
        wanted.unique = wanted.unique or schema.get("uniqueItems") is True
        wanted.required |= set(schema.get("required", ()))
        if "contains" in schema and schema.get("minContains", 1):
            wanted.contained.append((part.at("contains"), schema.get("minContains", 1)))
        more += [(part.at("allOf", index), True) for index in range(len(schema.get("allOf", ())))]
        if schema.get("anyOf"):
            more.append((part.at("anyOf", self.dice.randrange(len(schema["anyOf"]))), True))
        if schema.get("oneOf"):
            chosen = self.dice.randrange(len(schema["oneOf"]))
            more.append((part.at("oneOf", chosen), True))
            if self.dice.random() < 0.5:
                more += [(part.at("oneOf", n), False) for n in range(len(schema["oneOf"])) if n != chosen]
        if "not" in schema:
            more.append((part.at("not"), False))
        if "if" in schema:
            holds = self.dice.random() < 0.5
            more.append((part.at("if"), holds))
            if ("then" if holds else "else") in schema:
                more.append((part.at("then" if holds else "else"), True))
        return more

    def _references(self, part: Part, positive: bool) -> list[tuple[Source, bool]]:
        targets = (
            part.source.document.resolve(Source(part.schema, part.source.path, part.source.document), keyword)
            for keyword in REFERENCES
            if keyword in part.schema
        )
        return [(target, positive) for target in targets if target is not None]

    def _refuse(self, part: Part, wanted: Wanted) -> list[tuple[Source, bool]]:
        """Choose one keyword to break: the aimed one if it is here, else one that leads on, else any."""
        ways = [way for keyword in part.schema for way in self._ways(part, keyword, wanted)]
        if not ways:
            raise Contradiction
        aimed = [way for way in ways if way[0] in self.aim.way or (id(part.schema) in self.aim.way and way[0] == 1)]
        exact = [way for way in ways if way[1] == self.aim.keyword] if id(part.source.schema) in self.aim.way else []
        for preferred in (aimed, exact):
            if preferred and self.dice.random() < 0.85:
                ways = preferred
                break
        return self.dice.choice(ways)[2]()

    def _ways(
        self, part: Part, keyword: str, wanted: Wanted
    ) -> list[tuple[int, str, Callable[[], list[tuple[Source, bool]]]]]:
        """The ways to break a keyword: (`id` of the schema it goes through, keyword, what to do)."""
        value = part.schema[keyword]

        def do(*actions: Callable[[], Any]) -> list[tuple[int, str, Any]]:
            def run() -> list[tuple[Source, bool]]:
                for action in actions:
                    action()
                return []

            return [(0, keyword, run)]

        def through(source: Source, run: Callable[[], Any]) -> tuple[int, str, Any]:
            return id(source.schema), keyword, lambda: run() or []

        match keyword:
            case "type":
                return do(lambda: setattr(wanted, "types", wanted.types & _other_types(value)))
            case "enum":
                return do(lambda: wanted.excluded.extend(value))
            case "const":
                return do(lambda: wanted.excluded.append(value))
            case "minimum" | "exclusiveMinimum":
                end = (value, keyword == "minimum")
                return do(lambda: wanted.only(*_NUMERIC), lambda: wanted.upper.append(end))
            case "maximum" | "exclusiveMaximum":
                end = (value, keyword == "maximum")
                return do(lambda: wanted.only(*_NUMERIC), lambda: wanted.lower.append(end))
            case "multipleOf":
                return do(lambda: wanted.only(*_NUMERIC), lambda: wanted.not_multiples.append(value))
            case "minLength" | "minItems" | "minProperties":
                what = keyword[3:]
                return do(lambda: wanted.only(_COUNTS[what]), lambda: wanted.at_most(what, value - 1))
            case "maxLength" | "maxItems" | "maxProperties":
                what = keyword[3:]
                return do(lambda: wanted.only(_COUNTS[what]), lambda: wanted.at_least(what, value + 1))
            case "pattern":
                return do(lambda: wanted.only("string"), lambda: wanted.not_patterns.append(value))
            case "format":
                return do(lambda: wanted.only("string"), lambda: wanted.not_formats.append(value))
            case "uniqueItems" if value is True:
                return do(lambda: wanted.only("array"), lambda: setattr(wanted, "repeated", True))
            case "required":
                return [
                    way
                    for name in value
                    for way in do(lambda: wanted.only("object"), lambda n=name: wanted.forbidden.add(n))  # type: ignore[misc]
                ]
            case "properties":
                return [through(s := part.at(keyword, name), self._member(wanted, name, s)) for name in value]
            case "patternProperties":
                names = {regex: self._name(wanted, regex) for regex in value}
                return [
                    through(s := part.at(keyword, regex), self._member(wanted, name, s))
                    for regex, name in names.items()
                    if name is not None
                ]
            case "additionalProperties" | "unevaluatedProperties":
                source = part.at(keyword)
                fresh = self._fresh(part)
                return [through(source, self._member(wanted, name, source)) for name in fresh]
            case "propertyNames":
                return [through(part.at(keyword), lambda: self._bad_name(wanted, part.at(keyword)))]
            case "prefixItems":
                return [
                    through(s := part.at(keyword, index), self._item(wanted, index, s)) for index in range(len(value))
                ]
            case "items" | "unevaluatedItems":
                index = len(part.schema.get("prefixItems", ())) + self.dice.choice([0, 0, 0, 1, 2])
                return [through(part.at(keyword), self._item(wanted, index, part.at(keyword)))]
            case "contains":
                source, least = part.at(keyword), part.schema.get("minContains", 1)
                ways = []
                if least == 1:
                    none_of = lambda: (wanted.only("array"), wanted.every_item.append(source), None)[2]  # noqa: E731
                    ways.append(through(source, none_of))
                elif least > 1:
                    fewer = lambda: (wanted.only("array"), wanted.at_most("Items", least - 1), None)[2]  # noqa: E731
                    ways.append((0, "minContains", lambda: fewer() or []))
                if "maxContains" in part.schema:
                    most = part.schema["maxContains"]
                    over = lambda: (wanted.only("array"), wanted.contained.append((source, most + 1)), None)[2]  # noqa: E731
                    ways.append((0, "maxContains", lambda: over() or []))
                return ways
            case "dependentRequired":
                return [
                    way
                    for name, others in value.items()
                    for other in others
                    for way in do(
                        lambda: wanted.only("object"),
                        lambda n=name: wanted.required.add(n),  # type: ignore[misc]
                        lambda o=other: wanted.forbidden.add(o),  # type: ignore[misc]
                    )
                ]
            case "dependentSchemas":
                return [
                    (id(part.schema[keyword][name]), keyword, lambda n=name: self._dependent(wanted, part, n))  # type: ignore[misc]
                    for name in value
                ]
            case "allOf":
                return [
                    (id(value[n]), keyword, lambda n=n: [(part.at(keyword, n), False)])  # type: ignore[misc]
                    for n in range(len(value))
                ]
            case "anyOf":
                every = [(part.at(keyword, n), False) for n in range(len(value))]
                return [(self._on_way(value), keyword, lambda: every)]
            case "oneOf":
                every = [(part.at(keyword, n), False) for n in range(len(value))]
                ways = [(self._on_way(value), keyword, lambda: every)]
                if len(value) > 1:
                    two = self.dice.sample(range(len(value)), 2)
                    ways.append((0, keyword, lambda: [(part.at(keyword, n), True) for n in two]))
                return ways
            case "not":
                return [(id(value), keyword, lambda: [(part.at(keyword), True)])]
            case "then" if "if" in part.schema:
                return [(id(value), keyword, lambda: [(part.at("if"), True), (part.at(keyword), False)])]
            case "else" if "if" in part.schema:
                return [(id(value), keyword, lambda: [(part.at("if"), False), (part.at(keyword), False)])]
            case "$ref" | "$dynamicRef" | "$recursiveRef":
                target = part.source.document.resolve(
                    Source(part.schema, part.source.path, part.source.document), keyword
                )
                return [] if target is None else [(id(target.schema), keyword, lambda: [(target, False)])]
        return []

    def _on_way(self, schemas: list[Any]) -> int:
        return next((id(schema) for schema in schemas if id(schema) in self.aim.way), 0)

    def _dependent(self, wanted: Wanted, part: Part, name: str) -> list[tuple[Source, bool]]:
        wanted.only("object")
        wanted.required.add(name)
        return [(part.at("dependentSchemas", name), False)]

    def _member(self, wanted: Wanted, name: str, source: Source) -> Callable[[], None]:
        def want() -> None:
            wanted.only("object")
            wanted.required.add(name)
            wanted.members.append((name, source, False))

        return want

    def _item(self, wanted: Wanted, index: int, source: Source) -> Callable[[], None]:
        def want() -> None:
            wanted.only("array")
            wanted.at_least("Items", index + 1)
            wanted.items.append((index, source, False))

        return want

    def _name(self, wanted: Wanted, regex: str) -> str | None:
        known = [name for name in self.names if matches(regex, name)]
        if known and self.dice.random() < 0.5:
            return self.dice.choice(known)
        made = sample(regex, self.dice)
        return made if made is not None and matches(regex, made) else None

    def _fresh(self, part: Part) -> list[str]:
        """Names that this part leaves to its additional properties: some known elsewhere, some new."""
        pool = self.dice.sample(self.names, min(len(self.names), 4)) + ["extra", "x", "a1", "Z"]
        described = part.schema.get("properties", ())
        patterns = part.schema.get("patternProperties", ())
        return [n for n in pool if n not in described and not any(matches(regex, n) for regex in patterns)]

    def _bad_name(self, wanted: Wanted, names: Source) -> None:
        wanted.only("object")
        text = Source({"type": "string"}, (), names.document)
        held = [part.at("propertyNames") for part in wanted.parts if "propertyNames" in part.schema]
        wanted.required.add(self.value([text, *held], [names], MAX_DEPTH - 3))

    # Building: a value from what is wanted.

    def _build(self, wanted: Wanted, depth: int) -> Any:
        if wanted.values is not None:
            fits = [value for value in wanted.values if self._fits(value, wanted)]
            if not fits:
                raise Contradiction
            return self.dice.choice(fits)
        types = sorted(wanted.types - {"integer"} if "number" in wanted.types else wanted.types)
        if not types:
            raise Contradiction
        for _ in range(6):
            kind = self.dice.choice(types)
            value = self._of_type(kind, wanted, depth)
            if not any(same(value, other) for other in wanted.excluded):
                return value
        raise Contradiction

    def _fits(self, value: Any, wanted: Wanted) -> bool:
        kind = type_of(value)
        if kind not in wanted.types or any(same(value, other) for other in wanted.excluded):
            return False
        if kind == "string":
            return self._string_fits(value, wanted)
        if kind in _NUMERIC:
            return _number_fits(value, wanted)
        if kind == "object":
            return not wanted.forbidden & value.keys()
        return True

    def _of_type(self, kind: str, wanted: Wanted, depth: int) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                return self.dice.random() < 0.5
            case "string":
                return self._string(wanted)
            case "object":
                return self._object(wanted, depth)
            case "array":
                return self._array(wanted, depth)
        return self._number(wanted, whole=kind == "integer" or self.dice.random() < 0.5)

    def _number(self, wanted: Wanted, *, whole: bool) -> Any:
        pool: list[Any] = [0, 1, -1, 2, 3, 7, 10, -5, 12, 100, 1000]
        edges = [value for value, _ in wanted.lower + wanted.upper]
        pool += edges + [edge + step for edge in edges for step in (1, -1, 2, -2, 3)]
        if not whole:
            pool += [0.5, 1.5, -0.5] + [edge + step for edge in edges for step in (0.5, -0.5, 0.25)]
        if len(edges) == 2:
            pool.append(sum(map(Fraction, map(str, edges))) / 2 if not whole else sum(edges) // 2)
        step = Fraction(1)
        for value in wanted.multiples:
            each = Fraction(str(value))
            step = Fraction(math.lcm(step.numerator, each.numerator), math.gcd(step.denominator, each.denominator))
        if wanted.multiples:
            unit = step if whole else Fraction(str(wanted.multiples[0]))
            for base in [0, 1, 3, 5, 7, -1, *(math.floor(Fraction(str(edge)) / unit) for edge in edges)]:
                pool += [unit * (base + n) for n in (0, 1, 2)]
        pool += [value + value // 2 for value in wanted.not_multiples if isinstance(value, int)]
        pool += [float(Fraction(str(value)) / 2) for value in wanted.not_multiples]
        fits = [value for value in pool if _number_fits(value, wanted) and (not whole or value == int(value))]
        if not fits:
            raise Contradiction
        value = self.dice.choice(fits)
        return int(value) if value == int(value) else float(value)

    def _string(self, wanted: Wanted) -> str:
        least, most = wanted.least.get("Length", 0), wanted.most.get("Length", math.inf)
        if least > most or least > 100_000:
            raise Contradiction
        for attempt in range(12):
            text = self._text(wanted, attempt)
            if text is None:
                continue
            if not wanted.patterns and not wanted.formats:
                text = text[: int(min(most, 10_000))].ljust(least, "a")
            if least <= len(text) <= most and self._string_fits(text, wanted):
                return text
        raise Contradiction

    def _text(self, wanted: Wanted, attempt: int) -> str | None:
        dice = self.dice
        if wanted.patterns:
            least = wanted.least.get("Length", 0)
            pattern = dice.choice(wanted.patterns)
            text = sample(pattern, dice, max(3, least if dice.random() < 0.5 else 3, attempt))
            if text is None or dice.random() < 0.4:
                return text
            padding = "a" * dice.choice([1, 3, max(0, least - len(text))])
            # Where the pattern is not anchored, more may stand around the match.
            return dice.choice([padding + text, text + padding, text + dice.choice(wanted.patterns)[-3:-1]])
        if wanted.formats:
            return dice.choice(EXAMPLES.get(wanted.formats[0], ["a"]))
        pool = ["", "a", "A", "0", "abc", "é", " ", "-", "a b", "Zz9_", "http://a/b", "1.5", "\n"]
        if wanted.not_patterns and dice.random() < 0.4:
            near = sample(wanted.not_patterns[0], dice) or ""
            return dice.choice([near + "!", "!" + near, near[1:], near[:-1], near.swapcase(), near * 2])
        if wanted.not_formats and dice.random() < 0.5:
            others = [text for name, texts in EXAMPLES.items() if name not in wanted.not_formats for text in texts]
            return dice.choice(others)
        return dice.choice(pool)

    def _string_fits(self, text: str, wanted: Wanted) -> bool:
        return (
            wanted.least.get("Length", 0) <= len(text) <= wanted.most.get("Length", math.inf)
            and all(matches(regex, text) is not False for regex in wanted.patterns)
            and not any(matches(regex, text) for regex in wanted.not_patterns)
        )

    def _object(self, wanted: Wanted, depth: int) -> dict[str, Any]:
        names = set(wanted.required)
        for part in wanted.parts:
            for name, others in part.schema.get("dependentRequired", {}).items():
                if name in names:
                    names |= set(others)
        if self.dice.random() < 0.15:
            optional = {n for part in wanted.parts for n in part.schema.get("properties", ())} - names
            names |= set(self.dice.sample(sorted(optional), min(len(optional), self.dice.randint(1, 2))))
        least, most = wanted.least.get("Properties", 0), wanted.most.get("Properties", math.inf)
        if self.dice.random() < 0.1 and len(names) < most:
            names.add(self.dice.choice([*self.names, "x"]))
        described = sorted({name for part in wanted.parts for name in part.schema.get("properties", ())} - names)
        spare = [*described, *self.names, *(f"p{n}" for n in range(min(least, 1000)))]
        spare = [name for name in spare if name not in wanted.forbidden]
        while len(names) < least and spare:
            names.add(spare.pop(0 if self.dice.random() < 0.7 else -1))
        if names & wanted.forbidden or not least <= len(names) <= most:
            raise Contradiction
        return {name: self._of_member(name, wanted, depth) for name in sorted(names)}

    def _of_member(self, name: str, wanted: Wanted, depth: int) -> Any:
        keep: list[Source] = []
        refuse = [source for other, source, positive in wanted.members if other == name and not positive]
        for part in wanted.parts:
            holes = self.aim.holes.get(id(part.source.schema), ())
            if any(matches(hole, name) if pattern else hole == name for hole, pattern in holes):
                raise Contradiction
            before = len(keep)
            if name in part.schema.get("properties", ()):
                keep.append(part.at("properties", name))
            for regex in part.schema.get("patternProperties", ()):
                if matches(regex, name):
                    keep.append(part.at("patternProperties", regex))
            if len(keep) == before and "additionalProperties" in part.schema:
                keep.append(part.at("additionalProperties"))
        return self.value(keep, refuse, depth + 1)

    def _array(self, wanted: Wanted, depth: int) -> list[Any]:
        length = wanted.least.get("Items", 0)
        contained: list[tuple[Source, int]] = []
        for source, count in sorted(wanted.contained, key=lambda each: -each[1]):
            if not any(same(source.schema, other.schema) for other, _ in contained):
                contained.append((source, min(math.ceil(count), 50)))
        length = max(length, sum(count for _, count in contained))
        length = max(length, 2 if wanted.repeated else 0)
        if length > wanted.most.get("Items", math.inf) or length > MAX_LENGTH:
            raise Contradiction
        if self.dice.random() < 0.1 and length < wanted.most.get("Items", math.inf):
            length += 1
        if wanted.every_item and not length:
            length = self.dice.choice([0, 1]) if wanted.most.get("Items", 1) else 0
        goals: dict[int, list[Source]] = {}
        free = [index for index in range(length) if all(index != taken for taken, _, _ in wanted.items)]
        for source, count in contained:
            for _ in range(count):
                if free:
                    goals.setdefault(free.pop(0), []).append(source)
        prefixes = (len(part.schema.get("prefixItems", ())) for part in wanted.parts)
        last = max([*goals, *(at for at, _, _ in wanted.items), *prefixes, 1])
        made: list[Any] = []
        for index in range(length):
            if wanted.repeated and index == 1:
                made.append(made[0])
                continue
            if index > last and not wanted.unique and not wanted.every_item:
                made += [made[-1]] * (length - index)  # nothing tells the later items apart
                break
            keep = goals.get(index, []) + [
                part.at("prefixItems", index) if index < len(part.schema.get("prefixItems", ())) else part.at("items")
                for part in wanted.parts
                if index < len(part.schema.get("prefixItems", ())) or "items" in part.schema
            ]
            refuse = [source for at, source, _ in wanted.items if at == index] + wanted.every_item
            value = self.value(keep, refuse, depth + 1)
            for _ in range(8):
                if not wanted.unique or not any(same(value, other) for other in made):
                    break
                value = self.value(keep, refuse, depth + 1)
            made.append(value)
        return made


def _types(declared: Any) -> frozenset[str]:
    types = frozenset([declared] if isinstance(declared, str) else declared)
    return types | {"integer"} if "number" in types else types


def _other_types(declared: Any) -> frozenset[str]:
    types = _types(declared)
    # A number that is not an integer is left where only integers are refused.
    return ALL_TYPES - types if "number" in types or "integer" not in types else (ALL_TYPES - types) | {"number"}


def _number_fits(value: Any, wanted: Wanted) -> bool:
    return (
        all(value > limit if exclusive else value >= limit for limit, exclusive in wanted.lower)
        and all(value < limit if exclusive else value <= limit for limit, exclusive in wanted.upper)
        and all(Fraction(str(value)) % Fraction(str(each)) == 0 for each in wanted.multiples)
        and not any(Fraction(str(value)) % Fraction(str(each)) == 0 for each in wanted.not_multiples)
        and ("number" in wanted.types or value == int(value))
    )


def size(value: Any) -> int:
    """How much there is to read in a value."""
    return len(json.dumps(value, ensure_ascii=False))
