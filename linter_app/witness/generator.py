"""Instances on request: values that satisfy some schemas and violate others, generated at random.

A result is a guess that a validator must check; an attempt that contradicts itself is abandoned. The negation of a
schema is a choice of one keyword to violate.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from typing import Any

from linter_app.normalize.schema_node import SchemaNode, node_of
from linter_app.patterns import matches, sample
from linter_app.schema.documents import Subschema
from linter_app.schema.json_text import json_equal, json_hashable
from linter_app.schema.json_types import reduced, types_of
from linter_app.schema.vocabulary import REFERENCES
from linter_app.witness import scalars
from linter_app.witness.certainty import certainty
from linter_app.witness.constraints import COUNTED, Constraints, Contradiction, Focus, Steps
from linter_app.witness.negations import Literal, Negation, listed, negations

MAX_DEPTH = 24
MAX_CHOICES = 4000
MAX_RETRIES = 10
"""What is tried again within one attempt that is not straight."""
MAX_LENGTH = 70_000
NEGATIONS_PER_STEP = 10
"""Ways to violate a schema whose listing counts as one step."""
MAX_EXCLUDED = 20
"""Alternatives of `oneOf` up to which the others are to be violated; of more, tags are expected."""


class InstanceGenerator:
    """One attempt, abandoned when its steps are used up. `rng` makes every choice; `focus` says what to violate.

    A `straight` attempt goes the way to the focus wherever it can, and adds nothing that is not needed.
    """

    def __init__(
        self,
        rng: random.Random,
        focus: Focus,
        names: Iterable[str] = (),
        steps: Steps | None = None,
        *,
        straight: bool = False,
    ) -> None:
        self.straight = straight
        self.rng, self.focus, self.steps = rng, focus, steps or Steps(MAX_CHOICES)
        self.names = list(names)
        self.left, self.retries = MAX_CHOICES, 0 if straight else MAX_RETRIES

    def _often(self, rate: float) -> bool:
        """Choose what leads to the focus: at a rate, or always."""
        return self.straight or self.rng.random() < rate

    def _seldom(self, rate: float) -> bool:
        """Choose what may be needed, but mostly is not: at a rate, or never."""
        return not self.straight and self.rng.random() < rate

    def value(self, keep: Iterable[Subschema], refuse: Iterable[Subschema], depth: int = 0) -> Any:
        """Return a value that `keep` should accept and each of `refuse` should not. Raises Contradiction."""
        if depth > MAX_DEPTH:
            raise Contradiction
        keep, refuse = list(keep), list(refuse)
        while True:
            try:
                return self._attempt(keep, refuse, depth)
            except Contradiction:
                self.retries -= 1
                if self.left < 0 or self.retries < 0:
                    raise

    def _attempt(self, keep: list[Subschema], refuse: list[Subschema], depth: int) -> Any:
        constraints = Constraints()
        # Schemas to satisfy come first, so that those to violate are violated in a way that remains possible.
        waiting: list[Literal] = [(subschema, True) for subschema in keep]
        later: list[Literal] = [(subschema, False) for subschema in refuse]
        seen: set[tuple[int, bool]] = set()
        while (
            waiting or constraints.choices or later or constraints.conditions or self._dependents(constraints, waiting)
        ):
            if not waiting and (constraints.choices or not later):
                # What holds for every alternative is known now, and decides which of them are possible. Conditions come
                # last: whether they hold follows from what is to be violated.
                if constraints.choices:
                    chosen = self._choose(*constraints.choices.pop(0), constraints)
                else:
                    chosen = self._decide(constraints.conditions.pop(0), constraints)
                waiting = [literal for literal in chosen if literal[1]]
                later = [literal for literal in chosen if not literal[1]] + later
                continue
            self.left -= 1
            self.steps.take(1)
            if self.left < 0 or self.steps.left < 0:
                self.left = -1
                raise Contradiction
            subschema, positive = waiting.pop(0) if waiting else later.pop(0)
            if isinstance(subschema.schema, bool):
                if subschema.schema is not positive:
                    raise Contradiction
                continue
            if (id(subschema.schema), positive) in seen:
                continue
            seen.add((id(subschema.schema), positive))
            if (id(subschema.schema), not positive) in seen:
                raise Contradiction
            found = (self._keep if positive else self._refuse)(node_of(subschema), constraints)
            waiting += [literal for literal in found if literal[1]]
            refused = [literal for literal in found if not literal[1]]
            # What a schema to satisfy refuses comes before what is to be violated: that has the choice.
            later = refused + later if positive else later + refused
        return self._build(constraints, depth)

    def _dependents(self, constraints: Constraints, waiting: list[Literal]) -> bool:
        """Add what the presence of a required property requires, once; return whether anything was added."""
        if "object" not in constraints.types:
            return False
        for node in constraints.nodes:
            for name in node.schema.get("dependentSchemas", ()):
                if name in constraints.required and (id(node), name) not in constraints.requested:
                    constraints.requested.add((id(node), name))
                    waiting.append((node.at("dependentSchemas", name), True))
        return bool(waiting)

    # Reading: what must be satisfied adds constraints, and gives further literals.

    def _keep(self, node: SchemaNode, constraints: Constraints) -> list[Literal]:
        schema = node.schema
        constraints.nodes.append(node)
        if "type" in schema:
            constraints.types &= types_of(schema["type"])
        for values in (schema.get("enum"), [schema["const"]] if "const" in schema else None):
            if values is not None:
                known = set(map(json_hashable, values))
                old = values if constraints.values is None else constraints.values
                constraints.values = [value for value in old if json_hashable(value) in known]
        for end, limits in (("Minimum", constraints.lower), ("Maximum", constraints.upper)):
            if end.lower() in schema:
                limits.append((schema[end.lower()], False))
            if f"exclusive{end}" in schema:
                limits.append((schema[f"exclusive{end}"], True))
        for what in COUNTED:
            if f"min{what}" in schema:
                constraints.at_least(what, schema[f"min{what}"])
            if f"max{what}" in schema:
                constraints.at_most(what, schema[f"max{what}"])
        found = {"multipleOf": constraints.multiples, "pattern": constraints.patterns, "format": constraints.formats}
        for keyword in found.keys() & schema.keys():
            found[keyword].append(schema[keyword])
        constraints.unique = constraints.unique or schema.get("uniqueItems") is True
        constraints.required |= set(schema.get("required", ()))
        if "contains" in schema and schema.get("minContains", 1):
            constraints.contained.append((node.at("contains"), schema.get("minContains", 1)))
        constraints.choices += [(node, keyword) for keyword in ("anyOf", "oneOf") if keyword in schema]
        constraints.conditions += [node] if "if" in schema else []
        return self._keep_applied(node)

    def _choose(self, node: SchemaNode, keyword: str, constraints: Constraints) -> list[Literal]:
        """Return what must hold, and what must not, after a choice among alternatives."""
        branches = node.schema[keyword]
        if not branches:
            return []
        chosen = self._alternative(node, keyword, constraints)
        literals: list[Literal] = [(node.at(keyword, chosen), True)]
        if keyword == "oneOf" and len(branches) <= MAX_EXCLUDED and self._often(0.85):
            literals += [(node.at(keyword, n), False) for n in range(len(branches)) if n != chosen]
        return literals

    def _decide(self, node: SchemaNode, constraints: Constraints) -> list[Literal]:
        """Return what must hold, and what must not, after a choice whether a condition holds."""
        certain = certainty(node.at("if"), constraints)
        holds = self._is_fulfilled(node, constraints) if certain is None else certain
        then = "then" if holds else "else"
        follows: list[Literal] = [(node.at(then), True)] if then in node.schema else []
        return [(node.at("if"), holds), *follows] if certain is None else follows

    def _keep_applied(self, node: SchemaNode) -> list[Literal]:
        """Return what else must hold for the same value, in any case."""
        schema = node.schema
        targets = (node.target(keyword) for keyword in REFERENCES if keyword in schema)
        more: list[Literal] = [(target, True) for target in targets if target is not None]
        more += [(node.at("allOf", index), True) for index in range(len(schema.get("allOf", ())))]
        if "not" in schema:
            more.append((node.at("not"), False))
        return more

    def _is_fulfilled(self, node: SchemaNode, constraints: Constraints) -> bool:
        """Choose whether a condition is to hold: as the way to the focus wants it, if that is possible."""
        possible = self._is_possible(node.at("if"), constraints)
        for keyword, holds in (("then", possible), ("else", False)):
            leads = keyword in node.schema and self._leads_on(node.at(keyword))
            if leads and (possible or keyword == "else") and self._often(0.9):
                return holds
        return possible and self._seldom(0.5)

    def _alternative(self, node: SchemaNode, keyword: str, constraints: Constraints) -> int:
        numbers = range(len(node.schema[keyword]))
        on_the_way = [n for n in numbers if self._leads_on(node.at(keyword, n))]
        if on_the_way and self._often(0.9):
            return self.rng.choice(on_the_way)
        possible = [n for n in numbers if self._is_possible(node.at(keyword, n), constraints)]
        return self.rng.choice(possible or numbers)

    def _is_possible(self, subschema: Subschema, constraints: Constraints) -> bool:
        """Return whether an alternative may hold, as far as its own types and constants show."""
        schema = subschema.schema
        if not isinstance(schema, dict):
            return schema is True
        if "type" in schema and not types_of(schema["type"]) & constraints.types:
            return False
        values = listed(schema)
        if values is not None:
            kept = None if constraints.values is None else set(map(json_hashable, constraints.values))
            if not any(constraints.fits(value) and (kept is None or json_hashable(value) in kept) for value in values):
                return False
        return certainty(subschema, constraints) is not False

    def _leads_on(self, subschema: Subschema) -> bool:
        if subschema.key in self.focus.satisfied:
            return True
        if not isinstance(subschema.schema, dict) or "$ref" not in subschema.schema:
            return False
        target = node_of(subschema).target("$ref")
        return target is not None and target.key in self.focus.satisfied

    def _refuse(self, node: SchemaNode, constraints: Constraints) -> list[Literal]:
        """Choose one keyword to violate: the one in focus if it is here, else one that leads to it, else any."""
        if certainty(node.subschema, constraints) is False:
            return []
        here = id(node.subschema.schema) in self.focus.violated
        negation = self._on_the_way(node, constraints) or self._way(node, constraints, here)
        on_the_way = here or negation.through in self.focus.violated or not self.focus.violated
        if on_the_way and negation.keyword != "required" and self._often(0.8):
            # Nothing else should be violated here.
            constraints.required |= set(node.schema.get("required", ())) - constraints.forbidden
        return negation.take()

    def _on_the_way(self, node: SchemaNode, constraints: Constraints) -> Negation | None:
        """Return a way to violate a schema that leads to the focus, mostly; None where there is none."""
        wanted = self.focus.pointed | self.focus.violated
        ways = negations(self, node, constraints, wanted)
        found = [each for each in ways if each.kinds & constraints.types and each.is_possible()]
        for aims, rate in ((self.focus.pointed, 0.7), (self.focus.violated, 0.85)):
            preferred = [negation for negation in found if negation.through in aims]
            if preferred and self._often(rate):
                return self.rng.choice(preferred)
        return None

    def _way(self, node: SchemaNode, constraints: Constraints, here: bool) -> Negation:
        """Return a way to violate a schema: the keyword in focus if it is here, else what succeeds most easily.

        Raises Contradiction.
        """
        found = [negation for negation in negations(self, node, constraints) if negation.kinds & constraints.types]
        self.steps.take(len(found) // NEGATIONS_PER_STEP)
        while found:
            negation = self.rng.choice(self._preferred(found, here))
            if negation.is_possible():
                return negation
            found.remove(negation)
        raise Contradiction

    def _preferred(self, found: list[Negation], here: bool) -> list[Negation]:
        """Return those of some ways to violate a schema that are to be tried."""
        if not here or self._often(0.8):
            found = [negation for negation in found if not negation.far] or found
        exact = [negation for negation in found if here and negation.keyword == self.focus.keyword]
        done = [negation for negation in found if negation.done]
        near = [negation for negation in found if negation.near]
        # A property that nothing else needs is left out most easily.
        absent = [negation for negation in found if negation.keyword == "required" and not here]
        for preferred, rate in ((exact, 0.85), (done, 0.9), (absent, 0.7), (near, 0.6)):
            # Where several alternatives are to be violated, what is left out for one may be needed for the next.
            if preferred and (self._often(rate) if preferred is not absent else self.rng.random() < rate):
                return preferred
        return found

    # Names of properties

    def name_matching(self, regex: str) -> str | None:
        """Return a name that matches, preferably one that the schemas contain."""
        known = [name for name in self.names if matches(regex, name)]
        if known and self.rng.random() < 0.5:
            return self.rng.choice(known)
        made = sample(regex, self.rng)
        return made if made is not None and matches(regex, made) else None

    def fresh_names(self, node: SchemaNode, constraints: Constraints) -> list[str]:
        """Return names that this node leaves to its additional properties: required, known and new ones."""
        others = {
            name for each in constraints.nodes for name in each.schema.get("properties", ())
        } - constraints.forbidden
        named = [self.focus.name] * 8 if self.focus.name else []
        pool = [*named, *sorted(constraints.required), *self.rng.sample(sorted(others), min(len(others), 4))]
        if any("propertyNames" in each.schema for each in constraints.nodes):
            pool += [self._name(constraints) for _ in range(6)]
        else:
            pool += [*self.rng.sample(self.names, min(len(self.names), 4)), "extra", "x", "a1", "Z"]
        described = node.schema.get("properties", ())
        patterns = node.schema.get("patternProperties", ())
        return [n for n in pool if n not in described and not any(matches(regex, n) for regex in patterns)]

    def bad_name(self, constraints: Constraints, names: Subschema) -> None:
        """Require a property whose name `names` refuses: the one in focus, if there is one."""
        aimed = self.focus.name if self.focus.name and self._often(0.7) else None
        constraints.required.add(aimed or self._name(constraints, names))

    def _name(self, constraints: Constraints, *refused: Subschema) -> str:
        """Return a name that a property may have, and that these schemas refuse. Raises Contradiction."""
        held = [node.at("propertyNames") for node in constraints.nodes if "propertyNames" in node.schema]
        document = held[0].document if held else refused[0].document
        name: str = self.value([document.made({"type": "string"}), *held], refused, MAX_DEPTH - 3)
        return name

    # Building: a value from the constraints.

    def _build(self, constraints: Constraints, depth: int) -> Any:
        if constraints.values is not None:
            fits = [value for value in constraints.values if constraints.fits(value)]
            if not fits:
                raise Contradiction
            return self.rng.choice(fits)
        types = sorted(reduced(constraints.types))
        if not types:
            raise Contradiction
        meant = [kind for kind in types if constraints.is_meant(kind)] or types
        for _ in range(6):
            kind = self.rng.choice(meant if self._often(0.8) else types)
            value = self._of_type(kind, constraints, depth)
            if not constraints.excluded or json_hashable(value) not in constraints.excluded:
                return value
        raise Contradiction

    def _of_type(self, kind: str, constraints: Constraints, depth: int) -> Any:
        match kind:
            case "null":
                return None
            case "boolean":
                return self.rng.random() < 0.5
            case "string":
                return scalars.string(self.rng, constraints, self.steps)
            case "object":
                return self._object(constraints, depth)
            case "array":
                return self._array(constraints, depth)
        return scalars.number(self.rng, constraints, whole=kind == "integer" or self.rng.random() < 0.5)

    def _object(self, constraints: Constraints, depth: int) -> dict[str, Any]:
        names = set(constraints.required)
        for node in constraints.nodes:
            for name, others in node.schema.get("dependentRequired", {}).items():
                if name in names:
                    names |= set(others)
        described = {name for node in constraints.nodes for name in node.schema.get("properties", ())}
        if self._seldom(0.15):
            optional = sorted(described - names)
            names |= set(self.rng.sample(optional, min(len(optional), self.rng.randint(1, 2))))
        least, most = constraints.range("Properties")
        if self._seldom(0.1) and len(names) < most:
            names.add(self.rng.choice([*self.names, "x"]))
        spare = [*sorted(described - names), *self.names, *(f"p{n}" for n in range(min(least, 1000)))]
        spare = [name for name in spare if name not in constraints.forbidden]
        while len(names) < least and spare:
            names.add(spare.pop(0 if self.rng.random() < 0.7 else -1))
        if names & constraints.forbidden or not least <= len(names) <= most:
            raise Contradiction
        return {name: self._member(name, constraints, depth) for name in sorted(names)}

    def _member(self, name: str, constraints: Constraints, depth: int) -> Any:
        keep: list[Subschema] = []
        for node in constraints.nodes:
            holes = self.focus.ignored_names.get(id(node.subschema.schema), ())
            if any(
                name not in self.focus.known_names and matches(hole, name) if pattern else hole == name
                for hole, pattern in holes
            ):
                raise Contradiction
            keep += node.member(name)
        return self.value(keep, [subschema for other, subschema in constraints.members if other == name], depth + 1)

    def _array(self, constraints: Constraints, depth: int) -> list[Any]:
        goals, length = self._goals(constraints)
        prefixes = (len(node.schema.get("prefixItems", ())) for node in constraints.nodes)
        last = max([*goals, *(at for at, _ in constraints.items), *prefixes, 1])
        made: list[Any] = []
        for index in range(length):
            if constraints.repeated and index == 1:
                made.append(made[0])
                continue
            if index > last and not constraints.unique and not constraints.every_item:
                made += [made[-1]] * (length - index)  # the later items are interchangeable
                break
            if any(index in self.focus.ignored_items.get(id(node.subschema.schema), ()) for node in constraints.nodes):
                raise Contradiction
            keep = goals.get(index, []) + [subschema for node in constraints.nodes for subschema in node.item(index)]
            refuse = [subschema for at, subschema in constraints.items if at == index] + constraints.every_item
            value = self.value(keep, refuse, depth + 1)
            for _ in range(8):
                if not constraints.unique or not any(json_equal(value, other) for other in made):
                    break
                value = self.value(keep, refuse, depth + 1)
            made.append(value)
        return made

    def _goals(self, constraints: Constraints) -> tuple[dict[int, list[Subschema]], int]:
        """Return the length of an array, and which of its items must satisfy `contains`."""
        least, most = constraints.range("Items")
        contained: list[tuple[Subschema, int]] = []
        for subschema, count in sorted(constraints.contained, key=lambda each: -each[1]):
            if not any(json_equal(subschema.schema, other.schema) for other, _ in contained):
                contained.append((subschema, min(math.ceil(count), 50)))
        length = max(least, sum(count for _, count in contained), 2 if constraints.repeated else 0)
        if length > most or length > MAX_LENGTH:
            raise Contradiction
        if self._seldom(0.1) and length < most:
            length += 1
        if constraints.every_item and not length and most:
            length = self.rng.choice([0, 1])
        goals: dict[int, list[Subschema]] = {}
        free = [index for index in range(length) if all(index != taken for taken, _ in constraints.items)]
        for subschema, count in contained:
            for _ in range(min(count, len(free))):
                goals.setdefault(free.pop(0), []).append(subschema)
        return goals, length
