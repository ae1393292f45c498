"""What a contract storage does. Every backend passes the same behaviour suite."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.core.checks import CheckMessage

from contracts_app.bundles import ContractBundle, read_record
from contracts_app.exceptions import UnreadableRecord
from linter_app.semver import InvalidVersion, Version


@dataclass(frozen=True)
class Actor:
    """Who writes, and in which request; kept with the record as its audit entry."""

    subject: str
    request_id: str = ""


@dataclass(frozen=True)
class Listing:
    """All bundles in order of name and version, and the records that could not be read."""

    bundles: tuple[ContractBundle, ...]
    faults: tuple[UnreadableRecord, ...] = ()


@dataclass(frozen=True)
class VersionSet:
    """Every version of one name, and the revision a write must name to be sure that it saw them all."""

    bundles: tuple[ContractBundle, ...]
    revision: int
    faults: tuple[UnreadableRecord, ...] = field(default=())


class ContractStorage(ABC):
    """A place for bundles. Calls raise StorageUnavailable when the place cannot be reached in time."""

    @abstractmethod
    def get(self, name: str, version: str) -> ContractBundle:
        """One bundle. Raises ContractNotFound, UnreadableRecord."""

    @abstractmethod
    def list_all(self) -> Listing:
        """Every bundle."""

    @abstractmethod
    def versions(self, name: str) -> VersionSet:
        """Every version of `name`, with the revision for `create`."""

    @abstractmethod
    def create(self, bundle: ContractBundle, *, after: int, actor: Actor) -> int:
        """Write a new bundle if no version of its name was written since revision `after`.

        Returns the new revision. Raises VersionSetChanged, ContractTooLarge.
        """

    def check(self) -> list[CheckMessage]:
        """What `manage.py check` should say about the configuration."""
        return []

    def close(self) -> None:  # noqa: B027  a backend without connections has nothing to release
        """Release connections."""


def read_listing(records: Iterable[tuple[str, bytes | None]]) -> Listing:
    """Read records into a listing in stable order; an unreadable one is reported, never dropped."""
    bundles: list[ContractBundle] = []
    faults: list[UnreadableRecord] = []
    for key, data in records:
        try:
            bundles.append(read_record(key, data))
        except UnreadableRecord as fault:
            faults.append(fault)
    bundles.sort(key=lambda bundle: (bundle.name, Version.parse(bundle.version)))
    return Listing(tuple(bundles), tuple(sorted(faults, key=str)))


def belongs_to(name: str, key: str) -> bool:
    """Whether `key` is a version of `name`, and not of a longer name such as `name.more`."""
    prefix = f"meta.{name}."
    try:
        Version.parse(key[len(prefix) :])
    except InvalidVersion:
        return False
    return key.startswith(prefix)
