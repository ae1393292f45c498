"""Numbers and strings that meet constraints; `rng` makes every choice."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import reduce
from typing import Any

from linter_app.normalize.normalized import common_multiple
from linter_app.patterns import sample, shortest
from linter_app.schema.formats import EXAMPLES, made
from linter_app.witness.constraints import Constraints, Contradiction, Steps

MAX_TEXT = 400_000
CHARACTERS_PER_STEP = 40
"""Characters of a pattern for which trying one text counts as one step."""
_TEXTS = ["", "a", "A", "0", "abc", "é", " ", "-", "a b", "Zz9_", "http://a/b", "1.5", "\n"]


def number(rng: random.Random, constraints: Constraints, *, whole: bool) -> Any:
    """Return a number that probably meets the constraints: near their limits, or among their multiples."""
    pool: list[Any] = [0, 1, -1, 2, 3, 7, 10, -5, 12, 100, 1000]
    edges = [value for value, _ in constraints.lower + constraints.upper]
    pool += edges + [edge + step for edge in edges for step in (1, -1, 2, -2, 3)]
    if not whole:
        pool += [0.5, 1.5, -0.5] + [edge + step for edge in edges for step in (0.5, -0.5, 0.25)]
    if len(edges) == 2:
        pool.append(sum(map(Fraction, map(str, edges))) / 2 if not whole else sum(edges) // 2)
    if constraints.multiples:
        steps = [Fraction(str(value)) for value in constraints.multiples] + ([Fraction(1)] if whole else [])
        unit = reduce(common_multiple, steps)
        for base in [0, 1, 3, 5, 7, -1, *(math.floor(Fraction(str(edge)) / unit) for edge in edges)]:
            pool += [unit * (base + n) for n in (0, 1, 2)]
    pool += [value + value // 2 for value in constraints.not_multiples if isinstance(value, int)]
    pool += [float(Fraction(str(value)) / 2) for value in constraints.not_multiples]
    fits = [value for value in pool if constraints.number_fits(value) and (not whole or value == int(value))]
    if not fits:
        raise Contradiction
    value = rng.choice(fits)
    return int(value) if value == int(value) else float(value)


def string(rng: random.Random, constraints: Constraints, steps: Steps) -> str:
    """Return a string that probably meets the constraints. Raises Contradiction where no string can.

    What it tries counts as steps, more for long patterns.
    """
    least, most = constraints.range("Length")
    if least > most or least > MAX_TEXT:
        raise Contradiction
    if constraints.formats and not constraints.patterns:
        return _formatted(rng, constraints)
    exact, certain = shortest(frozenset(constraints.patterns), frozenset(constraints.not_patterns), least, most)
    if certain and exact is None:
        raise Contradiction
    turn = rng.choice([0, 3])
    cost = 1 + sum(map(len, constraints.patterns + constraints.not_patterns)) // CHARACTERS_PER_STEP
    for attempt in range(12 if exact is None else 4):
        steps.take(cost if constraints.patterns or constraints.not_patterns else 0)
        text = exact if exact is not None and attempt == turn else _text(rng, constraints, attempt)
        if text is None:
            continue
        if not constraints.patterns and not constraints.formats:
            text = text[: int(min(most, MAX_TEXT))].ljust(least, "a")
        if constraints.string_fits(text):
            return text
    raise Contradiction


def _formatted(rng: random.Random, constraints: Constraints) -> str:
    """Return a string of one of the formats, of an allowed length."""
    name = rng.choice(constraints.formats)
    least, most = constraints.range("Length")
    texts: list[str | None] = [*EXAMPLES.get(name, ["a"])]
    if least > 1 or most < MAX_TEXT:
        texts += [made(name, least), made(name, int(min(most, least + 100)) - 9)]
    if name not in EXAMPLES:  # an annotation
        texts.append("a" * least)
    fits = [text for text in texts if text is not None and constraints.string_fits(text)]
    if not fits:
        raise Contradiction
    return rng.choice(fits)


def _text(rng: random.Random, constraints: Constraints, attempt: int) -> str | None:
    if constraints.formats and (not constraints.patterns or rng.random() < 0.5):
        return rng.choice(EXAMPLES.get(rng.choice(constraints.formats), ["a"]))
    if constraints.patterns:
        least, _ = constraints.range("Length")
        text = sample(rng.choice(constraints.patterns), rng, max(3, least if rng.random() < 0.5 else 3, attempt))
        if text is None or rng.random() < 0.4:
            return text
        padding = "a" * rng.choice([1, 3, max(0, least - len(text))])
        # Where the pattern is not anchored, more text may surround the match.
        return rng.choice([padding + text, text + padding, text + rng.choice(constraints.patterns)[-3:-1]])
    if constraints.not_patterns and rng.random() < 0.4:
        near = sample(constraints.not_patterns[0], rng) or ""
        return rng.choice([near + "!", "!" + near, near[1:], near[:-1], near.swapcase(), near * 2])
    if constraints.not_formats and rng.random() < 0.5:
        return rng.choice(
            [text for name, texts in EXAMPLES.items() if name not in constraints.not_formats for text in texts]
        )
    return rng.choice(_TEXTS)
