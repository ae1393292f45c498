"""Instances made to order: values that satisfy some schemas and break others, drawn at random.

What is drawn is a guess that must be checked by a validator; a draw that runs into a contradiction
is given up. The negation of a schema is read as a choice of one keyword to break.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from typing import Any

from linter_app.dialects import REFERENCES
from linter_app.documents import Source
from linter_app.json_text import identity, same
from linter_app.parts import Part, apart, part_of, types_of
from linter_app.patterns import matches, sample
from linter_app.witnesses import scalars
from linter_app.witnesses.breaking import Literal, ways
from linter_app.witnesses.wanted import COUNTED, Aim, Contradiction, Wanted

MAX_DEPTH = 24
MAX_DRAWS = 4000
RETRIES = 4
MAX_LENGTH = 3000


class Draw:
    """One attempt, given up at the time `until`. `dice` decides every choice; `aim` says where breaking is wanted."""

    def __init__(self, dice: random.Random, aim: Aim, names: Iterable[str] = (), until: float = math.inf) -> None:
        self.dice, self.aim, self.until = dice, aim, until
        self.names = list(names)
        self.left = MAX_DRAWS

    def value(self, keep: Iterable[Source], refuse: Iterable[Source], depth: int = 0) -> Any:
        """A value that `keep` should accept and each of `refuse` should not. Raises Contradiction."""
        if depth > MAX_DEPTH:
            raise Contradiction
        keep, refuse = list(keep), list(refuse)
        for _ in range(RETRIES):
            try:
                return self._attempt(keep, refuse, depth)
            except Contradiction:
                if self.left < 0:
                    raise
        raise Contradiction

    def _attempt(self, keep: list[Source], refuse: list[Source], depth: int) -> Any:
        wanted = Wanted()
        # What shall hold is read first, so that what shall be broken is broken in a way that is left.
        waiting: list[Literal] = [(source, True) for source in keep]
        later: list[Literal] = [(source, False) for source in refuse]
        seen: set[tuple[int, bool]] = set()
        while waiting or later or self._dependents(wanted, waiting):
            self.left -= 1
            if self.left < 0 or time.monotonic() > self.until:
                self.left = -1
                raise Contradiction
            source, positive = waiting.pop(0) if waiting else later.pop(0)
            if isinstance(source.schema, bool):
                if source.schema is not positive:
                    raise Contradiction
                continue
            if (id(source.schema), positive) in seen:
                continue
            seen.add((id(source.schema), positive))
            if (id(source.schema), not positive) in seen:
                raise Contradiction
            for literal in (self._keep if positive else self._refuse)(part_of(source), wanted):
                (waiting if literal[1] else later).append(literal)
        return self._build(wanted, depth)

    def _dependents(self, wanted: Wanted, waiting: list[Literal]) -> bool:
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

    def _keep(self, part: Part, wanted: Wanted) -> list[Literal]:
        schema = part.schema
        wanted.parts.append(part)
        if "type" in schema:
            wanted.types &= types_of(schema["type"])
        for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if values is not None:
                known = set(map(identity, values))
                old = values if wanted.values is None else wanted.values
                wanted.values = [value for value in old if identity(value) in known]
        for end, limits in (("Minimum", wanted.lower), ("Maximum", wanted.upper)):
            if end.lower() in schema:
                limits.append((schema[end.lower()], False))
            if f"exclusive{end}" in schema:
                limits.append((schema[f"exclusive{end}"], True))
        for what in COUNTED:
            if f"min{what}" in schema:
                wanted.at_least(what, schema[f"min{what}"])
            if f"max{what}" in schema:
                wanted.at_most(what, schema[f"max{what}"])
        found = {"multipleOf": wanted.multiples, "pattern": wanted.patterns, "format": wanted.formats}
        for keyword in found.keys() & schema.keys():
            found[keyword].append(schema[keyword])
        wanted.unique = wanted.unique or schema.get("uniqueItems") is True
        wanted.required |= set(schema.get("required", ()))
        if "contains" in schema and schema.get("minContains", 1):
            wanted.contained.append((part.at("contains"), schema.get("minContains", 1)))
        return self._keep_applied(part)

    def _keep_applied(self, part: Part) -> list[Literal]:
        """What else must hold for the same value, with a choice among alternatives."""
        schema, dice = part.schema, self.dice
        targets = (part.target(keyword) for keyword in REFERENCES if keyword in schema)
        more: list[Literal] = [(target, True) for target in targets if target is not None]
        more += [(part.at("allOf", index), True) for index in range(len(schema.get("allOf", ())))]
        if schema.get("anyOf"):
            more.append((part.at("anyOf", self._alternative(part, "anyOf")), True))
        if schema.get("oneOf"):
            chosen = self._alternative(part, "oneOf")
            more.append((part.at("oneOf", chosen), True))
            if dice.random() < 0.85:
                more += [(part.at("oneOf", n), False) for n in range(len(schema["oneOf"])) if n != chosen]
        if "not" in schema:
            more.append((part.at("not"), False))
        if "if" in schema:
            holds = dice.random() < 0.5
            more.append((part.at("if"), holds))
            if ("then" if holds else "else") in schema:
                more.append((part.at("then" if holds else "else"), True))
        return more

    def _alternative(self, part: Part, keyword: str) -> int:
        branches = part.schema[keyword]
        on_the_way = [n for n in range(len(branches)) if self._leads_on(part.at(keyword, n))]
        if on_the_way and self.dice.random() < 0.9:
            return self.dice.choice(on_the_way)
        return self.dice.randrange(len(branches))

    def _leads_on(self, source: Source) -> bool:
        if source.key in self.aim.kept:
            return True
        if not isinstance(source.schema, dict) or "$ref" not in source.schema:
            return False
        target = part_of(source).target("$ref")
        return target is not None and target.key in self.aim.kept

    def _refuse(self, part: Part, wanted: Wanted) -> list[Literal]:
        """Choose one keyword to break: the aimed one if it is here, else one that leads on, else any."""
        every = (way for keyword in part.schema for way in ways(self, part, keyword, wanted))
        found = [way for way in every if way.kinds & wanted.types]
        if not found:
            raise Contradiction
        here = id(part.source.schema) in self.aim.way
        aimed = [way for way in found if way.through in self.aim.way]
        exact = [way for way in found if here and way.keyword == self.aim.keyword]
        done = [way for way in found if way.done]
        near = [way for way in found if way.near]
        for preferred, rate in ((aimed, 0.85), (exact, 0.85), (done, 0.9), (near, 0.6)):
            if preferred and self.dice.random() < rate:
                found = preferred
                break
        way = self.dice.choice(found)
        if way.keyword != "required" and self.dice.random() < 0.8:
            # What is broken here shall be all that is broken.
            wanted.required |= set(part.schema.get("required", ())) - wanted.forbidden
        return way.take()

    # Names of properties

    def name_matching(self, regex: str) -> str | None:
        """A name that matches; one that the schemas know, if there is one."""
        known = [name for name in self.names if matches(regex, name)]
        if known and self.dice.random() < 0.5:
            return self.dice.choice(known)
        made = sample(regex, self.dice)
        return made if made is not None and matches(regex, made) else None

    def fresh_names(self, part: Part, wanted: Wanted) -> list[str]:
        """Names that this part leaves to its additional properties: wanted ones, some known elsewhere, some new."""
        others = {name for each in wanted.parts for name in each.schema.get("properties", ())} - wanted.forbidden
        pool = [*sorted(wanted.required), *self.dice.sample(sorted(others), min(len(others), 4))]
        pool += [*self.dice.sample(self.names, min(len(self.names), 4)), "extra", "x", "a1", "Z"]
        described = part.schema.get("properties", ())
        patterns = part.schema.get("patternProperties", ())
        return [n for n in pool if n not in described and not any(matches(regex, n) for regex in patterns)]

    def bad_name(self, wanted: Wanted, names: Source) -> None:
        """Ask for a property whose name `names` refuses."""
        text = Source({"type": "string"}, (), names.document)
        held = [part.at("propertyNames") for part in wanted.parts if "propertyNames" in part.schema]
        wanted.required.add(self.value([text, *held], [names], MAX_DEPTH - 3))

    # Building: a value from what is wanted.

    def _build(self, wanted: Wanted, depth: int) -> Any:
        if wanted.values is not None:
            fits = [value for value in wanted.values if wanted.fits(value)]
            if not fits:
                raise Contradiction
            return self.dice.choice(fits)
        types = sorted(apart(wanted.types))
        if not types:
            raise Contradiction
        for _ in range(6):
            value = self._of_type(self.dice.choice(types), wanted, depth)
            if not wanted.excluded or identity(value) not in wanted.excluded:
                return value
        raise Contradiction

    def _of_type(self, kind: str, wanted: Wanted, depth: int) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                return self.dice.random() < 0.5
            case "string":
                return scalars.string(self.dice, wanted)
            case "object":
                return self._object(wanted, depth)
            case "array":
                return self._array(wanted, depth)
        return scalars.number(self.dice, wanted, whole=kind == "integer" or self.dice.random() < 0.5)

    def _object(self, wanted: Wanted, depth: int) -> dict[str, Any]:
        names = set(wanted.required)
        for part in wanted.parts:
            for name, others in part.schema.get("dependentRequired", {}).items():
                if name in names:
                    names |= set(others)
        described = {name for part in wanted.parts for name in part.schema.get("properties", ())}
        if self.dice.random() < 0.15:
            optional = sorted(described - names)
            names |= set(self.dice.sample(optional, min(len(optional), self.dice.randint(1, 2))))
        least, most = wanted.range("Properties")
        if self.dice.random() < 0.1 and len(names) < most:
            names.add(self.dice.choice([*self.names, "x"]))
        spare = [*sorted(described - names), *self.names, *(f"p{n}" for n in range(min(least, 1000)))]
        spare = [name for name in spare if name not in wanted.forbidden]
        while len(names) < least and spare:
            names.add(spare.pop(0 if self.dice.random() < 0.7 else -1))
        if names & wanted.forbidden or not least <= len(names) <= most:
            raise Contradiction
        return {name: self._member(name, wanted, depth) for name in sorted(names)}

    def _member(self, name: str, wanted: Wanted, depth: int) -> Any:
        keep: list[Source] = []
        for part in wanted.parts:
            holes = self.aim.holes.get(id(part.source.schema), ())
            if any(matches(hole, name) if pattern else hole == name for hole, pattern in holes):
                raise Contradiction
            keep += part.member(name)
        return self.value(keep, [source for other, source in wanted.members if other == name], depth + 1)

    def _array(self, wanted: Wanted, depth: int) -> list[Any]:
        goals, length = self._goals(wanted)
        prefixes = (len(part.schema.get("prefixItems", ())) for part in wanted.parts)
        last = max([*goals, *(at for at, _ in wanted.items), *prefixes, 1])
        made: list[Any] = []
        for index in range(length):
            if wanted.repeated and index == 1:
                made.append(made[0])
                continue
            if index > last and not wanted.unique and not wanted.every_item:
                made += [made[-1]] * (length - index)  # nothing tells the later items apart
                break
            keep = goals.get(index, []) + [source for part in wanted.parts for source in part.item(index)]
            refuse = [source for at, source in wanted.items if at == index] + wanted.every_item
            value = self.value(keep, refuse, depth + 1)
            for _ in range(8):
                if not wanted.unique or not any(same(value, other) for other in made):
                    break
                value = self.value(keep, refuse, depth + 1)
            made.append(value)
        return made

    def _goals(self, wanted: Wanted) -> tuple[dict[int, list[Source]], int]:
        """How long an array shall be, and which of its items shall be what `contains` asks for."""
        least, most = wanted.range("Items")
        contained: list[tuple[Source, int]] = []
        for source, count in sorted(wanted.contained, key=lambda each: -each[1]):
            if not any(same(source.schema, other.schema) for other, _ in contained):
                contained.append((source, min(math.ceil(count), 50)))
        length = max(least, sum(count for _, count in contained), 2 if wanted.repeated else 0)
        if length > most or length > MAX_LENGTH:
            raise Contradiction
        if self.dice.random() < 0.1 and length < most:
            length += 1
        if wanted.every_item and not length and most:
            length = self.dice.choice([0, 1])
        goals: dict[int, list[Source]] = {}
        free = [index for index in range(length) if all(index != taken for taken, _ in wanted.items)]
        for source, count in contained:
            for _ in range(min(count, len(free))):
                goals.setdefault(free.pop(0), []).append(source)
        return goals, length
