"""Schemas and versions as JSON, in the form of the Confluent API."""

from __future__ import annotations

from typing import Any

from confluent_app.numbering import SubjectVersion, bundle_of, subject_state
from confluent_app.records import number_index
from confluent_app.registration import Registered
from confluent_app.schemas import NUMBER_PROPERTY, VERSION_PROPERTY, ConfluentSchema
from confluent_app.subjects import Subject, subject_of
from contracts_app.bundles import ContractBundle
from contracts_app.services.wit_packages import is_package
from contracts_app.storage import ContractIndex, ContractStore


def registered_to_json(found: Registered) -> dict[str, Any]:
    """Return the response to a registration."""
    return {"id": found.version.id, "version": found.version.number} | _with_version(
        found.schema.to_json(), found.version
    )


def version_to_json(
    store: ContractStore, version: SubjectVersion, index: ContractIndex, schema: ConfluentSchema | None = None
) -> dict[str, Any]:
    """Return a version of a subject, with its schema."""
    bundle = bundle_of(store, version, index)
    members = (schema or ConfluentSchema.of(bundle)).to_json()
    members.setdefault("references", native_references(bundle, store))
    if not members["references"]:
        del members["references"]
    answer = {"subject": str(version.subject), "version": version.number, "id": version.id}
    answer |= _with_version(members, version)
    return answer | {"deleted": True} if version.deleted else answer


def _with_version(members: dict[str, Any], version: SubjectVersion) -> dict[str, Any]:
    """Return the members with the number of the version and the contract's version among the metadata."""
    metadata = members.get("metadata") or {}
    properties = (metadata.get("properties") or {}) | {
        NUMBER_PROPERTY: str(version.number),
        VERSION_PROPERTY: version.entry.version,
    }
    return members | {"metadata": metadata | {"properties": properties}}


def native_references(bundle: ContractBundle, store: ContractStore) -> list[dict[str, Any]]:
    """Return the references of a version that was published in another way, as the Confluent API has them."""
    found: list[dict[str, Any]] = []
    for each in bundle.dependencies:
        target = None if is_package(each.reference) else _subject_of(each.name, store)
        if target is None:
            continue
        state = subject_state(store, target)
        numbers = [version.number for version in state.versions if version.entry.version == each.version]
        found += [{"name": each.reference, "subject": str(target), "version": number} for number in numbers]
    return found


def _subject_of(contract: str, store: ContractStore) -> Subject | None:
    return subject_of(contract) or number_index(store.index(contract)).subject_of(contract)
