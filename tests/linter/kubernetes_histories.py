"""Real histories: the schemas of Kubernetes, version by version, as the package kubernetes-validate has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import kubernetes_validate

FOLDER = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
PREFIX = "/api/_definitions.json#/$defs/"


class Step(NamedTuple):
    """One kind in two versions of Kubernetes that follow each other, and that differ in it."""

    name: str
    old: dict[str, Any]
    new: dict[str, Any]


def versions() -> list[str]:
    """Return the versions of Kubernetes in ascending order, of schemas whose objects are closed."""
    found = [folder.name for folder in FOLDER.glob("v*-local-strict")]
    return sorted(found, key=lambda name: [int(part) for part in name[1:].split("-")[0].split(".")])


@cache
def definitions(version: str) -> dict[str, Any]:
    text = (FOLDER / version / "_definitions.json").read_text(encoding="utf-8").replace(PREFIX, "#/$defs/")
    found: dict[str, Any] = json.loads(text.replace('"_definitions.json#/$defs/', '"#/$defs/'))["$defs"]
    return found


def schema(version: str, kind: str) -> dict[str, Any] | None:
    """Return the schema of a kind with all that it refers to, or None where the version does not have it."""
    known = definitions(version)
    if kind not in known:
        return None
    needed: dict[str, Any] = {}
    waiting = [kind]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = known[name]
            waiting += [reference.removeprefix("#/$defs/") for reference in _references(known[name])]
    return {"$ref": f"#/$defs/{kind}", "$defs": dict(sorted(needed.items()))}


def _references(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("$ref"), str):
                yield each["$ref"]
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def steps(kinds: tuple[str, ...]) -> Iterator[Step]:
    """Yield every step of some kinds."""
    for before, after in pairwise(versions()):
        for kind in kinds:
            old, new = schema(before, kind), schema(after, kind)
            if old is not None and new is not None and old != new:
                name = f"{kind.rpartition('.')[2]} {before.split('-')[0]} to {after.split('-')[0]}"
                yield Step(name, old, new)
