"""What the linter says: facts about two schemas, and the verdict drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["backward", "forward", "both", "none"]
Mode = Literal["backward", "forward", "full", "none"]
Verdict = Literal["compatible", "breaking", "undecided"]
Level = Literal["error", "warning", "info"]
# What `both`, `full` and `none` stand for; the other words stand for themselves.
SIDES = {
    "both": frozenset({"backward", "forward"}),
    "full": frozenset({"backward", "forward"}),
    "none": frozenset[str](),
}
OPPOSITE = {"backward": "forward", "forward": "backward"}
MODES: tuple[Mode, ...] = ("backward", "forward", "full", "none")
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


def direction_of(sides: frozenset[str]) -> Direction:
    """The word for a set of sides; the inverse of `SIDES`."""
    if len(sides) == 2:
        return "both"
    return "backward" if "backward" in sides else "forward" if "forward" in sides else "none"


Path = tuple[str | int, ...]


class NotInTime(Exception):
    """A walk that must be at its end by its deadline will not be."""


@dataclass(frozen=True)
class Witness:
    """An instance that one schema accepts and the other refuses, checked by two validators."""

    instance: Any
    direction: Literal["backward", "forward"]
    """`backward`: the old schema accepts it, the new refuses; `forward`: the other way round."""
    error: str
    """Why the refusing schema refuses it, in its validator's words."""


@dataclass(frozen=True)
class Change:
    """One fact. Pointers are JSON Pointers (RFC 6901); None where that schema has no such place.

    `direction` says whom it breaks: `backward`, an instance valid under the old schema may be invalid
    under the new; `forward`, the other way round; `none`, nobody. `decided` is False where the linter
    saw a difference whose meaning it cannot tell.
    """

    rule: str
    old_pointer: str | None
    new_pointer: str | None
    direction: Direction
    message: str
    old: Any = None
    new: Any = None
    decided: bool = True
    level: Level = "info"
    witness: Witness | None = None
    accepted: str | None = None
    """Why the configuration accepts this break, where it does."""
    # The place in the walk, while a comparison lasts: the way on which a witness is looked for.
    place: Any = field(default=None, repr=False, compare=False)

    @property
    def sides(self) -> frozenset[str]:
        """The directions it breaks: of `backward` and `forward`."""
        return SIDES.get(self.direction, frozenset({self.direction}))

    @property
    def characters(self) -> int:
        """How long it is when it is told, without its values."""
        return len(self.message) + len(self.old_pointer or "") + len(self.new_pointer or "")


@dataclass(frozen=True)
class Report:
    """The verdict on one step from an old schema to a new one."""

    verdict: Verdict
    changes: tuple[Change, ...]
    breaking: tuple[Change, ...] = ()
    undecided: tuple[Change, ...] = ()
    required_bump: str | None = None
    """The smallest sort of version bump that the facts ask for: `major`, `minor`, `patch`, or None."""
    required_version: str | None = None
    """The lowest version that may break the current one, where the current version was given and breaks."""
    problems: tuple[str, ...] = ()
    """Why the step is not acceptable, in words; empty where it is."""
    warnings: tuple[str, ...] = ()

    @property
    def acceptable(self) -> bool:
        """Whether the policy lets the step pass: breaks and undecided places need the bump."""
        return not self.problems
