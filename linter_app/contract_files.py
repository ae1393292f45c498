"""Trees of contract files: `name/version.json`, `name.version.json`, and the same with `.wit`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True)
class ContractTree:
    """The contract files in some folders."""

    contracts: dict[tuple[str, str], list[VersionFile]]
    """Each contract's files in the order of their versions, by contract and suffix."""
    unnamed: list[Path]
    """Files without a version."""
    outside: list[Path]
    """Symbolic links that lead out of the folder; they are not followed."""


def histories(folders: Iterable[Path], kinds: tuple[str, ...] = KINDS) -> ContractTree:
    """Return the contract files in these folders and the folders in them.

    Hidden folders and files are skipped. Raises RepeatedVersion.
    """
    found: dict[tuple[str, str], list[VersionFile]] = {}
    unnamed: list[Path] = []
    outside: list[Path] = []
    for folder in folders:
        for path in _files(folder, folder.resolve(), outside):
            if path.suffix not in kinds:
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
    return ContractTree(dict(sorted(found.items())), unnamed, outside)


def _files(folder: Path, root: Path, outside: list[Path]) -> Iterator[Path]:
    """Yield the files in a folder within `root` and the folders in it, each once, and add to `outside`."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_symlink():
            # A link to a folder within the root would lead to the same files again, or in a circle.
            if not path.resolve().is_relative_to(root):
                outside.append(path)
                continue
            if path.is_dir():
                continue
        if path.is_dir():
            yield from _files(path, root, outside)
        elif path.is_file():
            yield path
