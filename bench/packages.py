"""Histories of schemas in packages of npm, which `npm pack` fetches: what people really change, and how.

The licences allow to redistribute them; they are fetched all the same, into var/histories, and not kept here.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

FOLDER = Path("var/histories")
PACKAGES: dict[str, tuple[str, str]] = {
    "vega-lite": ("build/vega-lite-schema.json", "2.6.0 3.4.0 4.0.0 4.10.0 4.17.0 5.0.0 5.2.0 5.6.0 5.16.0 5.20.1"),
    "@octokit/webhooks-schemas": (
        "schema.json",
        "3.77.1 4.13.0 5.5.1 5.8.0 6.7.0 6.10.0 6.11.0 7.0.2 7.1.0 7.4.0 7.6.1",
    ),
    "@asyncapi/specs": ("schemas/3.0.0.json", "6.2.0 6.4.0 6.5.1 6.5.4 6.5.6 6.8.0 6.9.0"),
    "@biomejs/biome": (
        "configuration_schema.json",
        "1.1.1 1.3.1 1.5.1 1.6.3 1.8.0 1.9.2 2.0.4 2.1.3 2.2.5 2.3.3 2.3.9",
    ),
    "turbo": ("schema.json", "2.4.1 2.7.0 2.8.10 2.9.5 2.10.4"),
    "wrangler": ("config-schema.json", "3.78.3 3.103.2 4.5.0 4.24.1 4.49.0 4.82.1 4.119.0"),
    "@ui5/project": (
        "lib/validation/schema/specVersion/kind/project/library.json",
        "3.1.0 3.4.2 3.9.0 4.0.3 4.0.17",
    ),
    "@salesforce/schemas": (
        "project-scratch-def.schema.json",
        "1.0.1 1.0.3 1.1.0 1.2.0 1.5.0 1.6.0 1.7.0 1.9.0 1.10.3",
    ),
    "@agentclientprotocol/sdk": ("schema/schema.json", "0.4.5 0.12.0 0.16.1 0.19.1 0.23.0 0.28.1 1.4.0 1.9.0"),
    "markdownlint": (
        "schema/markdownlint-config-schema.json",
        "0.3.1 0.8.0 0.15.0 0.20.3 0.25.1 0.31.0 0.37.1 0.42.1",
    ),
}
"""By the name of the package: the file in it, and versions of it."""


def steps(package: str) -> Iterator[tuple[Any, Any]]:
    """Yield each step of a package: the old schema and the new one. Raises what `npm pack` fails with."""
    file, versions = PACKAGES[package]
    for before, after in pairwise(versions.split()):
        old, new = (_schema(package, version, file) for version in (before, after))
        if old is not None and new is not None and old != new:
            yield old, new


def _schema(package: str, version: str, file: str) -> Any:
    """Return a file of a package, None where this version does not have it; fetched once."""
    kept = FOLDER / f"{package.replace('/', '-')}@{version}.json"
    if not kept.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", f"{package}@{version}", "--silent", "--pack-destination", folder]
            subprocess.run(command, check=True, capture_output=True)
            [archive] = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as members:
                found = f"package/{file}" in members.getnames()
                member = members.extractfile(f"package/{file}") if found else None
                kept.write_bytes(member.read() if member else b"null")
    return json.loads(kept.read_bytes())


def is_available() -> bool:
    """Return whether npm is there, which fetches the packages."""
    return shutil.which("npm") is not None
