"""References from one contract's schema to another's: resolved at publishing, pinned, and bundled.

A reference is `contract:NAME@VERSION#/pointer`, where VERSION may be a range, or the registry's URL of a version,
`/registry/contracts/NAME/VERSION` with or without a host before and `/schema` behind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urldefrag

from contracts_app.bundles import ContractBundle, Dependency, compact, key_of, valid_name
from contracts_app.exceptions import ContractNotFound, ContractRefused
from contracts_app.lifecycle import ACTIVE, DEPRECATED
from contracts_app.services.finding import resolve
from contracts_app.services.wit_packages import check_packages
from contracts_app.storage import ContractStorage, Entry
from linter_app.dialects import MAPS
from linter_app.json_text import InvalidJSON, loads, pointer

_CONTRACT = re.compile(r"contract:([^@#]+)@([^#]+)")
_URL = re.compile(r"(?:https?://[^/]+)?/registry/contracts/([^/#]+)/([^/#]+?)(?:/schema)?")
DATA = ("const", "enum", "default", "examples", "example")
"""The keywords whose values are data, in which nothing is a reference."""
NAMES = MAPS | {"dependencies"}
"""The keywords whose members have names of any sort, `default` or `$ref` among them."""
MOST_DEPENDENCIES = 200
"""Of one version, those of its dependencies included."""


@dataclass(frozen=True)
class Target:
    name: str
    version: str
    """Exact, or a range."""


def target_of(reference: str) -> Target | None:
    """What a reference without its fragment means, or None where it is not to another contract."""
    match = _CONTRACT.fullmatch(reference) or _URL.fullmatch(reference)
    return Target(unquote(match[1]), unquote(match[2])) if match else None


def references_of(schema: Any) -> Iterator[tuple[str, str]]:
    """Each reference to another contract, without fragment, and the JSON Pointer of where it is first written."""
    waiting: list[tuple[Any, str, bool]] = [(schema, "", False)]
    seen: set[str] = set()
    while waiting:
        value, place, named = waiting.pop()
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str) and not named:
                whole = urldefrag(reference).url
                if whole not in seen and target_of(whole):
                    seen.add(whole)
                    yield whole, f"{place}/$ref"
            waiting += [
                (member, place + pointer((key,)), key in NAMES and not named)
                for key, member in reversed(value.items())
                if named or key not in DATA
            ]
        elif isinstance(value, list):
            waiting += [(member, f"{place}/{index}", False) for index, member in reversed(list(enumerate(value)))]


def check_dependencies(bundle: ContractBundle, storage: ContractStorage) -> ContractBundle:
    """The bundle with the exact versions it refers to. Raises ContractRefused, naming the reference and its place."""
    pinned = list(check_packages(bundle, storage))
    schema: Any = True
    if bundle.json_schema is not None and "$ref" in bundle.json_schema:
        with suppress(InvalidJSON):  # which the check of its content tells
            schema = loads(bundle.json_schema)
    for reference, place in references_of(schema):
        target = target_of(reference)
        assert target is not None

        def refused(reason: str, reference: str = reference, place: str = place) -> ContractRefused:
            return ContractRefused(
                f"jsonSchema refers to {reference} at {place}: {reason}",
                field="jsonSchema",
                pointer=place,
                reference=reference,
            )

        if not valid_name(target.name):
            raise refused(f"{target.name!r:.80} is no contract's name")
        if target.name == bundle.name:
            raise refused("a contract cannot depend on itself; refer to a place of this schema with #")
        try:
            found = resolve(storage.index(target.name), target.name, target.version)
        except ContractNotFound as missing:
            raise refused(f"{missing.message}; publish it first") from None
        if found.state not in (ACTIVE, DEPRECATED):
            raise refused(f"{found.name}/{found.version} is {found.state}")
        if bundle.name in {entry.name for entry in _all(found, storage)}:
            raise refused(f"{found.name}/{found.version} depends on {bundle.name}, which makes a cycle")
        pinned.append(Dependency(found.name, found.version, found.digest, reference))
    return replace(bundle, dependencies=tuple(pinned)) if pinned else bundle


def tree(bundle: ContractBundle, storage: ContractStorage) -> list[dict[str, Any]]:
    """What a version depends on, and that again, as nested JSON."""
    budget = [MOST_DEPENDENCIES]

    def below(dependencies: tuple[Dependency, ...]) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = []
        for each in dependencies:
            budget[0] -= 1
            if budget[0] < 0:
                break
            entry = storage.index(each.name).get(key_of(each.name, each.version))
            node = each.to_json() | {"state": entry.state if entry else "missing"}
            nodes.append(node | {"dependencies": below(entry.dependencies) if entry else []})
        return nodes

    return below(bundle.dependencies)


def _all(entry: Entry, storage: ContractStorage) -> list[Entry]:
    """The entry, and all that it depends on."""
    found = {entry.key: entry}
    waiting = [entry]
    while waiting:
        for each in waiting.pop().dependencies:
            following = storage.index(each.name).get(key_of(each.name, each.version))
            if following is None or following.key in found:
                continue
            if len(found) > MOST_DEPENDENCIES:
                raise ContractRefused(f"{entry.name} depends on more than {MOST_DEPENDENCIES} versions")
            found[following.key] = following
            waiting.append(following)
    return list(found.values())


def self_contained(
    bundle: ContractBundle,
    storage: ContractStorage,
    instead: Callable[[Dependency], str | None] = lambda dependency: None,
) -> str | None:
    """The schema's text with all that it refers to under `$defs` (JSON Schema 2020-12, Core 9.3.1).

    A schema without dependencies is given as it is. `instead` may give another text for a dependency.
    """
    if bundle.json_schema is None or not any(target_of(each.reference) for each in bundle.dependencies):
        return bundle.json_schema
    embedded: dict[str, Any] = {}
    root = _embedded(bundle, storage, embedded, instead)
    if not isinstance(root, dict):
        return bundle.json_schema
    keyword = "definitions" if "definitions" in root and "$defs" not in root else "$defs"
    return compact(root | {keyword: root.get(keyword, {}) | embedded}).decode()


def _embedded(
    bundle: ContractBundle,
    storage: ContractStorage,
    embedded: dict[str, Any],
    instead: Callable[[Dependency], str | None],
) -> Any:
    """The bundle's schema, its references led to identifiers of exact versions; what they mean is put in `embedded`."""
    schema = loads(bundle.json_schema or "true")
    pins = {each.reference: each for each in bundle.dependencies if target_of(each.reference)}
    for each in pins.values():
        name = f"{each.name}@{each.version}"
        if name in embedded:
            continue
        embedded[name] = True  # being made
        target = storage.get(each.name, each.version)
        if (text := instead(each)) is not None:
            target = replace(target, json_schema=text)
        made = _embedded(target, storage, embedded, instead)
        embedded[name] = {**made, "$id": f"contract:{name}"} if isinstance(made, dict) else {"$id": f"contract:{name}"}
        if made is False:
            embedded[name]["not"] = {}

    def pinned(reference: str) -> str | None:
        pin = pins.get(reference)
        return f"contract:{pin.name}@{pin.version}" if pin else None

    return rewritten(schema, pinned)


def rewritten(schema: Any, other: Callable[[str], str | None], *, named: bool = False) -> Any:
    """The schema with other references, where `other` gives one for what stands before the fragment.

    With `named` it is a map of schemas by names.
    """
    if isinstance(schema, list):
        return [rewritten(member, other) for member in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {
        key: member if key in DATA and not named else rewritten(member, other, named=key in NAMES and not named)
        for key, member in schema.items()
    }
    reference = schema.get("$ref")
    if isinstance(reference, str) and not named:
        whole, hash_, fragment = reference.partition("#")
        if (instead := other(whole)) is not None:
            changed["$ref"] = instead + hash_ + fragment
    return changed
