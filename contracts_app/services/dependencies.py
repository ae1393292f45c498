"""Dependencies: references to other contracts, resolved and pinned at publishing, and kept free of cycles."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from contracts_app.bundles import ContractBundle, Dependency, key_of, valid_name
from contracts_app.exceptions import ContractGone, ContractNotFound, ContractRefused, MalformedContract
from contracts_app.lifecycle import ACTIVE, DEPRECATED
from contracts_app.services.compound_schemas import dialect_difference
from contracts_app.services.references import Target, dialect_of, read_referring, references_of, target_of
from contracts_app.services.search import resolve
from contracts_app.services.wit_packages import check_packages, contract_of
from contracts_app.storage import ContractStore, Entry
from linter_app.schema.dialects import URIS
from linter_app.wit import used_in

MAX_DEPENDENCIES = 200
"""Limit for one version, with its indirect dependencies."""


def check_dependencies(bundle: ContractBundle, store: ContractStore) -> ContractBundle:
    """Return the bundle with its pinned dependencies. Raises ContractRefused with the reference and pointer.

    A dependency that the bundle has already says what a reference means that does not name a contract itself.
    """
    pinned = list(check_packages(bundle, store))
    schema = read_referring(bundle.json_schema)
    draft = dialect_of(schema)
    given = [(each.reference, "", Target(each.name, each.version)) for each in bundle.dependencies]
    written = [(reference, at, target_of(reference)) for reference, at in references_of(schema)]
    for reference, written_at, target in [*given, *written]:
        assert target is not None

        def refused(reason: str, reference: str = reference, written_at: str = written_at) -> ContractRefused:
            return ContractRefused(
                f"jsonSchema refers to {reference}{written_at and f' at {written_at}'}: {reason}",
                field="jsonSchema",
                pointer=written_at,
                reference=reference,
            )

        if not valid_name(target.name):
            raise refused(f"{target.name!r:.80} is not a valid contract name")
        if target.name == bundle.name:
            raise refused("a contract cannot depend on itself; refer to a part of this schema with #")
        try:
            known = store.index(target.name)
            found = resolve(known, target.name, target.version)
        except ContractNotFound as missing:
            raise refused(f"{missing.message}; publish it first") from None
        except ContractGone as gone:
            raise refused(gone.message) from None
        except MalformedContract as wrong:
            raise refused(wrong.message) from None
        if found.state not in (ACTIVE, DEPRECATED):
            raise refused(f"{found.name}/{found.version} is {found.state}")
        if len(below := _all(found, store)) > MAX_DEPENDENCIES:
            raise refused(f"{found.name}/{found.version} depends on more than {MAX_DEPENDENCIES} versions")
        if bundle.name in {entry.name for entry in below}:
            raise refused(f"{found.name}/{found.version} depends on {bundle.name}, which makes a cycle")
        if (reason := dialect_difference(store.content(found, known), store, draft)) is not None:
            raise refused(
                f"{found.name}/{found.version} is written in another dialect, and would mean something else in this "
                f"one, {URIS[draft]}: {reason}; refer to a version in the same dialect, or change $schema here"
            )
        pinned.append(Dependency(found.name, found.version, found.digest, reference))
    return replace(bundle, dependencies=tuple(pinned)) if pinned else bundle


def referred_names(schema: str | None, wit: str | None) -> set[str]:
    """Return the names of the contracts that a schema's text and a WIT text refer to."""
    packages = {contract_of(used) for used in used_in(wit or "")}
    references = references_of(read_referring(schema))
    return packages | {target.name for reference, _ in references if (target := target_of(reference))}


def dependency_tree(bundle: ContractBundle, store: ContractStore) -> list[dict[str, Any]]:
    """Return the direct and indirect dependencies of a version as nested JSON."""
    budget = [MAX_DEPENDENCIES]

    def below(dependencies: tuple[Dependency, ...]) -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = []
        for each in dependencies:
            budget[0] -= 1
            if budget[0] < 0:
                break
            entry = store.index(each.name).get(key_of(each.name, each.version))
            node = each.to_json() | {"state": entry.state if entry else "missing"}
            nodes.append(node | {"dependencies": below(entry.dependencies) if entry else []})
        return nodes

    return below(bundle.dependencies)


def _all(entry: Entry, store: ContractStore) -> list[Entry]:
    """Return the entry and its dependencies; the search stops a little above MAX_DEPENDENCIES."""
    found = {entry.key: entry}
    waiting = [entry]
    while waiting:
        for each in waiting.pop().dependencies:
            following = store.index(each.name).get(key_of(each.name, each.version))
            if following is None or following.key in found or len(found) > MAX_DEPENDENCIES:
                continue
            found[following.key] = following
            waiting.append(following)
    return list(found.values())
