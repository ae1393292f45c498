"""The configuration of the linter: `.contracts-lint.toml`, or `[tool.contracts-lint]` of `pyproject.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from linter_app.changes import DIRECTIONS, LEVELS, MODES, Change, Level, Mode
from linter_app.rules import all_rules
from linter_app.schema.dialects import DRAFTS

FILE = ".contracts-lint.toml"
BUDGET_MS = 200
OFF = "off"


class InvalidConfig(ValueError):
    """The configuration is invalid; the message names the key and the remedy."""


@dataclass(frozen=True)
class Accepted:
    """A break that is accepted for a reason, until a day (included)."""

    rule: str
    reason: str
    expires: date
    pointer: str | None = None
    """The JSON Pointer in the old or the new schema; None accepts the rule everywhere."""
    contract: str | None = None

    def covers(self, change: Change, contract: str | None, today: date) -> bool:
        """Return whether this entry accepts a change."""
        return (
            self.rule == change.rule
            and today <= self.expires
            and self.pointer in (None, change.old_pointer, change.new_pointer)
            and self.contract in (None, contract)
        )


@dataclass(frozen=True)
class Config:
    """What counts as breaking, and how it is reported. Raises ValueError on an unknown mode."""

    mode: Mode = "backward"
    strict_open_objects: bool = False
    readers_ignore: bool = False
    """Whether readers ignore properties that they do not know: the policy of closed writers and open readers."""
    undecided_passes: bool = False
    invalid_old_passes: bool = False
    """Whether a valid schema may replace an invalid one, with which nothing can be compared."""
    require_minor: bool = False
    """Whether compatible additions in a patch version are a problem instead of a warning."""
    budget_ms: float = BUDGET_MS
    levels: Mapping[str, Level | str] = field(default_factory=dict)
    """Levels by rule that replace the rule's own; `off` leaves the rule out."""
    accepted: tuple[Accepted, ...] = ()
    paths: tuple[str, ...] = ()
    """The folders of `check` when none is given."""
    dialects: Mapping[str, int] = field(default_factory=dict)
    """Further URIs for `$schema`, each with its draft, as jsonschema_rs numbers it."""
    contract: str | None = None
    """The contract under comparison, for accepted breaks that name one."""
    today: Callable[[], date] = date.today

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r} is not one of {', '.join(MODES)}")

    @property
    def directions(self) -> frozenset[str]:
        """The directions in which a break counts."""
        return DIRECTIONS.get(self.mode, frozenset({self.mode}))

    def replaced(self, **values: Any) -> Config:
        """Return a copy with some values replaced."""
        return replace(self, **values)

    def applied(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Return the changes at their configured levels; accepted breaks as `info`, with the reason."""
        return tuple(self._applied(change) for change in changes if self.levels.get(change.rule) != OFF)

    def _applied(self, change: Change) -> Change:
        level: Any = self.levels.get(change.rule, change.level)
        for each in self.accepted if level == "error" else ():
            if each.covers(change, self.contract, self.today()):
                return replace(change, level="info", accepted=each.reason)
        return change if change.level == level else replace(change, level=level)

    def expired(self) -> list[Accepted]:
        """Return the accepted breaks whose day has passed."""
        return [each for each in self.accepted if each.expires < self.today()]


def find(start: Path) -> Path | None:
    """Return the nearest configuration file in a folder or the folders above it, or None."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        project = folder / "pyproject.toml"
        if project.is_file() and b"[tool.contracts-lint" in project.read_bytes():
            return project
        if (folder / ".git").exists():
            return None
    return None


def load(path: Path) -> Config:
    """Read a configuration file. Raises InvalidConfig."""
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except OSError as error:
        raise InvalidConfig(f"{path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"{path} is not TOML: {error}") from None
    if path.name == "pyproject.toml":
        found = found.get("tool", {}).get("contracts-lint", {})
    try:
        return parse(found)
    except InvalidConfig as error:
        raise InvalidConfig(f"{path}: {error}") from None


def parse(found: Mapping[str, Any]) -> Config:
    """Return a configuration from parsed TOML. Raises InvalidConfig on unknown keys, rules and wrong types."""
    _known(found, _KEYS, "key")
    values: dict[str, Any] = {}
    for key, (name, kind) in _KEYS.items():
        if key in found:
            values[name] = _typed(found[key], kind, key)
    if "mode" in values and values["mode"] not in MODES:
        raise InvalidConfig(f"mode is one of {', '.join(MODES)}, not {values['mode']!r}")
    for key, name in (("undecided", "undecided_passes"), ("invalid-old", "invalid_old_passes")):
        if name in values:
            if values[name] not in ("error", "pass"):
                raise InvalidConfig(f"{key} is 'error' or 'pass', not {values[name]!r}")
            values[name] = values[name] == "pass"
    _known(values.get("levels", {}), all_rules(), "rule")
    for rule, level in values.get("levels", {}).items():
        if level not in (*LEVELS, OFF):
            raise InvalidConfig(f"levels.{rule} is one of {', '.join((*LEVELS, OFF))}, not {level!r}")
    values["dialects"] = {uri: draft_named(name, uri) for uri, name in values.get("dialects", {}).items()}
    values["paths"] = tuple(_typed(path, str, "paths") for path in values.get("paths", ()))
    values["accepted"] = tuple(_accepted(each, number) for number, each in enumerate(values.get("accepted", ()), 1))
    return Config(**values)


_KEYS: dict[str, tuple[str, type | tuple[type, ...]]] = {
    "mode": ("mode", str),
    "strict-open-objects": ("strict_open_objects", bool),
    "readers-ignore-unknown": ("readers_ignore", bool),
    "undecided": ("undecided_passes", str),
    "invalid-old": ("invalid_old_passes", str),
    "require-minor": ("require_minor", bool),
    "budget-ms": ("budget_ms", (int, float)),
    "levels": ("levels", dict),
    "paths": ("paths", list),
    "accepted": ("accepted", list),
    "dialects": ("dialects", dict),
}
_ACCEPTED: dict[str, type] = {"rule": str, "reason": str, "expires": date, "pointer": str, "contract": str}


def draft_named(name: Any, uri: str) -> int:
    """Return a draft by its name, such as `draft-04` or `2020-12`. Raises InvalidConfig."""
    known = {uri.partition("draft")[2].strip("-/").partition("/")[0]: draft for uri, draft in DRAFTS.items()}
    wanted = str(name).removeprefix("draft").strip("-/")
    if wanted not in known:
        raise InvalidConfig(f"dialects.{uri} is one of {', '.join(f'draft-{each}' for each in known)}, not {name!r}")
    return known[wanted]


def _accepted(found: Any, number: int) -> Accepted:
    what = f"accepted number {number}"
    if not isinstance(found, dict):
        raise InvalidConfig(f"{what} is no table; write [[accepted]]")
    _known(found, _ACCEPTED, f"key of {what}:")
    for key in ("rule", "reason", "expires"):
        if key not in found:
            raise InvalidConfig(f"{what} lacks {key!r}: a rule, a reason and a day (expires = 2030-01-31) are needed")
    values = {key: _typed(value, _ACCEPTED[key], f"{key} of {what}") for key, value in found.items()}
    _known([values["rule"]], all_rules(), "rule")
    if not values["reason"].strip():
        raise InvalidConfig(f"the reason of {what} is empty")
    return Accepted(**values)


def _typed(value: Any, kind: type | tuple[type, ...], what: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = " or ".join(each.__name__ for each in (kind if isinstance(kind, tuple) else (kind,)))
        raise InvalidConfig(f"{what} must be a {names}, not {value!r}")
    return value


def _known(found: Iterable[str], known: Iterable[str], what: str) -> None:
    names = list(known)
    for name in found:
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = (
                f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}" if len(names) < 20 else ""
            )
            raise InvalidConfig(f"unknown {what} {name!r}{hint}")
