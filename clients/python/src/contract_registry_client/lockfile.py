"""contracts.toml, which names the contracts that a project uses, and contracts.lock, which pins them by digest.

The files of a contract are in `<folder>/<name>/`: `contract.json`, the version as the registry has it; `schema.json`,
its schema with all that it refers to; and `contract.wit`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract_registry_client.registry import JSON

MANIFEST, LOCK = "contracts.toml", "contracts.lock"
FORMAT = 1
TEMPLATE = """\
# The contracts that this project uses. `contract-registry lock` pins them in contracts.lock.
registry = "http://localhost:8090"  # REGISTRY_ENDPOINT overrides it; JWT_TOKEN has the token
folder = "contracts"  # where `contract-registry pull` puts them

[contracts]
# "order.created" = "^1"

[local]
# Texts of this project that will be published: `contract-registry check` compares them with the registry.
# "order.created" = "schemas/order.json"

[signers]
# Public keys, one of which must have signed every contract that is locked, pulled or verified.
# "ci" = "keys/ci.pem"
"""


class LockError(Exception):
    """The project's files do not fit together, or are not what was locked; the message says which, and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What contracts.toml says."""

    root: Path
    registry: str = "http://localhost:8090"
    folder: str = "contracts"
    contracts: dict[str, str] = field(default_factory=dict)
    """Ranges of versions by the contract's name."""
    local: dict[str, str] = field(default_factory=dict)
    """Paths by the contract's name."""
    signers: dict[str, str] = field(default_factory=dict)
    """Paths of public keys by the signer's name; one of them must have signed every contract."""


@dataclass(frozen=True)
class Locked:
    """One version, with the digest of its content and those of the files that `pull` writes."""

    name: str
    version: str
    digest: str
    range: str
    """The range of contracts.toml that it is the version of; empty for what another contract depends on."""
    files: dict[str, str] = field(default_factory=dict)
    """SHA-256 by file name."""


def read_manifest(root: Path) -> Manifest:
    """Read contracts.toml in a folder. Raises LockError."""
    path = root / MANIFEST
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LockError(f"There is no {path}; `contract-registry init` writes one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LockError(f"{path} cannot be read: {error}") from None
    known = {"registry": str, "folder": str, "contracts": dict, "local": dict, "signers": dict}
    for member, value in found.items():
        if member not in known:
            raise LockError(f"{path}: {member!r} is not known; known are {', '.join(known)}")
        if not isinstance(value, known[member]) or (
            isinstance(value, dict) and not all(isinstance(each, str) for each in value.values())
        ):
            raise LockError(f"{path}: {member} must be {'a table of texts' if known[member] is dict else 'a text'}")
    folder = found.get("folder", "contracts")
    if Path(folder).is_absolute() or ".." in Path(folder).parts:
        raise LockError(f"{path}: folder must be below the folder of {MANIFEST}")
    return Manifest(root, **found)


def read_lock(root: Path) -> list[Locked]:
    """Read contracts.lock in a folder. Raises LockError."""
    path = root / LOCK
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["format"] != FORMAT:
            raise LockError(f"{path} has the format {found['format']!r}; this client reads {FORMAT}")
        return [Locked(**each) for each in found["contracts"]]
    except FileNotFoundError:
        raise LockError(f"There is no {path}; `contract-registry lock` writes it") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LockError(f"{path} is damaged ({error!r}); `contract-registry lock` writes it anew") from None


def write_lock(root: Path, locked: list[Locked]) -> None:
    """Write contracts.lock, sorted, so that a change is a small difference."""
    entries = [
        {"name": each.name, "version": each.version, "digest": each.digest, "range": each.range, "files": each.files}
        for each in sorted(locked, key=lambda each: (each.name, each.version))
    ]
    text = json.dumps({"format": FORMAT, "contracts": entries}, indent=2, ensure_ascii=False) + "\n"
    write_whole(root / LOCK, text.encode())


def check_complete(manifest: Manifest, locked: list[Locked]) -> None:
    """Raise LockError unless contracts.lock is that of contracts.toml."""
    ranges = {each.name: each.range for each in locked if each.range}
    if ranges != manifest.contracts:
        names = sorted({name for name, _ in ranges.items() ^ manifest.contracts.items()})
        raise LockError(f"{LOCK} is not that of {MANIFEST} ({', '.join(names)}); run `contract-registry lock`")


def digest_of(version: JSON) -> str:
    """Return the digest of a version's content, as the registry computes it."""
    members = ("name", "version", "description", "jsonSchema", "witPath", "descriptorPath")
    content: dict[str, Any] = {name: version.get(name) for name in members}
    content |= {name: version[name] for name in ("wit", "descriptor") if name in version}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(number, "wb") as file:
        file.write(data)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)
