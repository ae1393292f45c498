"""Trees of contract files: `name/version.json`, `name.version.json`, and the same with `.wit`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from linter_app.semver import InvalidVersion, Version

KINDS = (".json", ".wit")


@dataclass(frozen=True)
class VersionFile:
    """One version of a contract, and its file."""

    contract: str
    version: Version
    path: Path


class RepeatedVersion(ValueError):
    """Two files are the same version of one contract."""


def version_file(path: Path) -> VersionFile | None:
    """Return the contract and version that a path names, or None."""
    stem = path.name[: -len(path.suffix)].removesuffix(".schema")
    if (version := _version(stem)) is not None:
        return VersionFile(path.parent.name, version, path)
    for at, letter in enumerate(stem):
        if letter in ".-" and at and (version := _version(stem[at + 1 :])) is not None:
            return VersionFile(stem[:at], version, path)
    return None


def _version(text: str) -> Version | None:
    # Files are often named v1.2.3, which is 1.2.3.
    for each in (text, text.removeprefix("v")):
        try:
            return Version.parse(each)
        except InvalidVersion:
            continue
    return None


def histories(
    folders: Iterable[Path], kinds: tuple[str, ...] = KINDS
) -> tuple[dict[tuple[str, str], list[VersionFile]], list[Path]]:
    """Return every contract's files in the order of their versions, by contract and suffix, and the files without a
    version.

    Hidden folders and files are skipped. Raises RepeatedVersion.
    """
    found: dict[tuple[str, str], list[VersionFile]] = {}
    unnamed: list[Path] = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.suffix not in kinds or hidden or not path.is_file():
                continue
            if (file := version_file(path)) is None:
                unnamed.append(path)
            else:
                found.setdefault((file.contract, path.suffix), []).append(file)
    for (contract, _), files in found.items():
        files.sort(key=lambda file: file.version)
        for one, other in itertools.pairwise(files):
            if one.version == other.version:
                raise RepeatedVersion(f"{one.path} and {other.path} are the same version of {contract}")
    return dict(sorted(found.items())), unnamed
