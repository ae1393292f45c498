"""Numbers and strings made to order; `dice` decides every choice."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from functools import reduce
from typing import Any

from linter_app.formats import EXAMPLES
from linter_app.parts import common_multiple
from linter_app.patterns import sample, shortest
from linter_app.witnesses.wanted import Contradiction, Wanted

MAX_TEXT = 100_000
_TEXTS = ["", "a", "A", "0", "abc", "é", " ", "-", "a b", "Zz9_", "http://a/b", "1.5", "\n"]


def number(dice: random.Random, wanted: Wanted, *, whole: bool) -> Any:
    """A number that is likely to meet the demands: near their limits, or on their lattice."""
    pool: list[Any] = [0, 1, -1, 2, 3, 7, 10, -5, 12, 100, 1000]
    edges = [value for value, _ in wanted.lower + wanted.upper]
    pool += edges + [edge + step for edge in edges for step in (1, -1, 2, -2, 3)]
    if not whole:
        pool += [0.5, 1.5, -0.5] + [edge + step for edge in edges for step in (0.5, -0.5, 0.25)]
    if len(edges) == 2:
        pool.append(sum(map(Fraction, map(str, edges))) / 2 if not whole else sum(edges) // 2)
    if wanted.multiples:
        steps = [Fraction(str(value)) for value in wanted.multiples] + ([Fraction(1)] if whole else [])
        unit = reduce(common_multiple, steps)
        for base in [0, 1, 3, 5, 7, -1, *(math.floor(Fraction(str(edge)) / unit) for edge in edges)]:
            pool += [unit * (base + n) for n in (0, 1, 2)]
    pool += [value + value // 2 for value in wanted.not_multiples if isinstance(value, int)]
    pool += [float(Fraction(str(value)) / 2) for value in wanted.not_multiples]
    fits = [value for value in pool if wanted.number_fits(value) and (not whole or value == int(value))]
    if not fits:
        raise Contradiction
    value = dice.choice(fits)
    return int(value) if value == int(value) else float(value)


def string(dice: random.Random, wanted: Wanted) -> str:
    """A string that is likely to meet the demands. Raises Contradiction where patterns and lengths admit none."""
    least, most = wanted.range("Length")
    if least > most or least > MAX_TEXT:
        raise Contradiction
    exact, certain = shortest(frozenset(wanted.patterns), frozenset(wanted.not_patterns), least, most)
    if certain and exact is None:
        raise Contradiction
    turn = dice.choice([0, 3])
    for attempt in range(12 if exact is None else 4):
        text = exact if exact is not None and attempt == turn else _text(dice, wanted, attempt)
        if text is None:
            continue
        if not wanted.patterns and not wanted.formats:
            text = text[: int(min(most, 10_000))].ljust(least, "a")
        if wanted.string_fits(text):
            return text
    raise Contradiction


def _text(dice: random.Random, wanted: Wanted, attempt: int) -> str | None:
    if wanted.formats and (not wanted.patterns or dice.random() < 0.5):
        return dice.choice(EXAMPLES.get(dice.choice(wanted.formats), ["a"]))
    if wanted.patterns:
        least, _ = wanted.range("Length")
        text = sample(dice.choice(wanted.patterns), dice, max(3, least if dice.random() < 0.5 else 3, attempt))
        if text is None or dice.random() < 0.4:
            return text
        padding = "a" * dice.choice([1, 3, max(0, least - len(text))])
        # Where the pattern is not anchored, more may stand around the match.
        return dice.choice([padding + text, text + padding, text + dice.choice(wanted.patterns)[-3:-1]])
    if wanted.not_patterns and dice.random() < 0.4:
        near = sample(wanted.not_patterns[0], dice) or ""
        return dice.choice([near + "!", "!" + near, near[1:], near[:-1], near.swapcase(), near * 2])
    if wanted.not_formats and dice.random() < 0.5:
        return dice.choice(
            [text for name, texts in EXAMPLES.items() if name not in wanted.not_formats for text in texts]
        )
    return dice.choice(_TEXTS)
