"""The results of the linter: changes between two versions, witnesses, and the report with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["backward", "forward", "both", "none"]
Mode = Literal["backward", "forward", "full", "none"]
Verdict = Literal["compatible", "breaking", "undecided"]
Level = Literal["error", "warning", "info"]
DIRECTIONS = {
    "both": frozenset({"backward", "forward"}),
    "full": frozenset({"backward", "forward"}),
    "none": frozenset[str](),
}
"""The directions that `both`, `full` and `none` mean; the other words mean themselves."""
OPPOSITE = {"backward": "forward", "forward": "backward"}
MODES: tuple[Mode, ...] = ("backward", "forward", "full", "none")
LEVELS: tuple[Level, ...] = ("error", "warning", "info")
Path = tuple[str | int, ...]
"""The steps from the root of a document to a value: names of members, and indexes."""


def direction_of(directions: frozenset[str]) -> Direction:
    """Return the word for a set of directions; the inverse of DIRECTIONS."""
    if len(directions) == 2:
        return "both"
    return "backward" if "backward" in directions else "forward" if "forward" in directions else "none"


@dataclass(frozen=True)
class Witness:
    """An instance that one version accepts and the other refuses, checked by two validators."""

    instance: Any
    direction: Literal["backward", "forward"]
    """`backward`: the old version accepts it and the new one refuses it; `forward`: the reverse."""
    error: str
    """Why it is refused, as the validator says it."""


@dataclass(frozen=True)
class Change:
    """One change. Pointers are JSON Pointers (RFC 6901), or None where that version has no such location.

    `direction` says what it breaks: `backward`, an instance valid under the old schema may be invalid under the new
    one; `forward`, the reverse; `none`, nothing. `decided` is False where the effect of the change is not known.
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
    """The reason why the configuration accepts this break, where it does."""
    # The pair of schemas that it was found in, while a comparison lasts, for the search for a witness.
    pair: Any = field(default=None, repr=False, compare=False)
    places: tuple[Any, Any] = field(default=(None, None), repr=False, compare=False)
    """The old and the new subschema that it is about, where it is about subschemas."""

    @property
    def directions(self) -> frozenset[str]:
        """The directions that it breaks: of `backward` and `forward`."""
        return DIRECTIONS.get(self.direction, frozenset({self.direction}))

    @property
    def characters(self) -> int:
        """Its length as text, without its values."""
        return len(self.message) + len(self.old_pointer or "") + len(self.new_pointer or "")

    @property
    def pointer(self) -> str:
        """Where to show it: its location in the new version, else in the old one."""
        return (self.new_pointer if self.new_pointer is not None else self.old_pointer) or "/"


@dataclass(frozen=True)
class Report:
    """The verdict on one step from an old version to a new one."""

    verdict: Verdict
    changes: tuple[Change, ...]
    breaking: tuple[Change, ...] = ()
    undecided: tuple[Change, ...] = ()
    required_bump: str | None = None
    """The smallest version bump that the changes need: `major`, `minor`, `patch`, or None."""
    required_version: str | None = None
    """The lowest version that may break the current one, where the current version is given and breaks."""
    problems: tuple[str, ...] = ()
    """Why the step is not acceptable, in words; empty where it is."""
    warnings: tuple[str, ...] = ()

    @property
    def acceptable(self) -> bool:
        """Whether the policy allows the step: breaking and undecided changes need the version bump."""
        return not self.problems
