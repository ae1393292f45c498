"""Registration and lookup of schemas: each new schema is published as a version of the subject's contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from confluent_app.compatibility import compared_versions, incompatibilities
from confluent_app.errors import (
    INCOMPATIBLE,
    INVALID_SCHEMA,
    NOT_PERMITTED,
    SCHEMA_NOT_FOUND,
    SUBJECT_NOT_FOUND,
    ConfluentError,
)
from confluent_app.merging import merged_metadata, merged_rules
from confluent_app.numbering import (
    MAX_ATTEMPTS,
    SubjectState,
    SubjectVersion,
    allot_id,
    schema_of,
    subject_state,
    write_record,
)
from confluent_app.records import NumberedVersion
from confluent_app.requests import LATEST, SchemaRequest
from confluent_app.schemas import ConfluentSchema, Reference, canonical_text
from confluent_app.settings_records import IMPORT, check_writable, effective_config, effective_mode
from confluent_app.subjects import Subject, parse_subject
from contracts_app.bundles import ContractBundle, Dependency, content_digest
from contracts_app.exceptions import (
    ContractAlreadyExists,
    ContractRefused,
    PreconditionFailed,
    StorageUnavailable,
    TooExpensive,
    VersionSetChanged,
)
from contracts_app.lifecycle import COMPARABLE
from contracts_app.policies import check_writable as check_policy_allows
from contracts_app.policies import policy_of
from contracts_app.services.comparison import compare, compared_version, texts_of
from contracts_app.services.content_checks import check_content
from contracts_app.services.dependencies import check_dependencies
from contracts_app.services.publishing import publish
from contracts_app.services.wit_packages import is_package
from contracts_app.storage import Actor, AuditEntry, ContractStore
from contracts_app.timestamps import utc_now
from linter_app.semver import InvalidVersion, Version, smallest_breaking, smallest_minor, smallest_patch

MAX_MESSAGES = 20
"""Reasons that a refusal gives."""


@dataclass(frozen=True)
class Registered:
    """A version of a subject, and its schema."""

    version: SubjectVersion
    schema: ConfluentSchema


def register(
    subject: Subject, request: SchemaRequest, actor: Actor, store: ContractStore, *, normalize: bool = False
) -> Registered:
    """Return the version with a schema; publish it if the subject has none.

    Raises ConfluentError (incompatible, invalid, not permitted), and the errors of publishing.
    """
    fresh = False
    for _ in range(MAX_ATTEMPTS):
        state = subject_state(store, subject, actor=actor, fresh=fresh)
        documents = state.index.documents
        check_writable(documents, subject)
        importing = effective_mode(documents, subject) == IMPORT
        if importing != (request.id is not None):
            needed = "needs an id in IMPORT mode" if importing else "has an id, which only IMPORT mode allows"
            raise ConfluentError(NOT_PERMITTED, f"Subject {subject}: the schema {needed}")
        config = effective_config(documents, subject)
        given = request.normalized() if normalize or config.get("normalize") else request
        schema = given.schema if importing else _merged(given, config, state, store)
        try:
            if importing:
                found = _import(given, state, actor, store)
            else:
                found = _publish(given, schema, config, state, actor, store)
        except (ContractAlreadyExists, PreconditionFailed, VersionSetChanged):
            fresh = True  # another writer was faster
            continue
        if found is not None:
            return Registered(found, schema)
    raise StorageUnavailable(f"{subject} is being written by others without a pause; try again")


def import_schema(subject: Subject, request: SchemaRequest, actor: Actor, store: ContractStore) -> bool:
    """Store a version with its id and number, whatever the subject's mode; return whether it was not there already.

    Raises ConfluentError, and the errors of publishing.
    """
    imported = False
    for _ in range(MAX_ATTEMPTS):
        state = subject_state(store, subject, actor=actor, fresh=False)
        try:
            found = _import(request, state, actor, store)
        except VersionSetChanged:
            continue
        if found is not None:
            return imported
        imported = True
    raise StorageUnavailable(f"{subject} is being written by others without a pause; try again")


def _merged(
    request: SchemaRequest, config: dict[str, Any], state: SubjectState, store: ContractStore
) -> ConfluentSchema:
    """Return the schema with the metadata and rules that it inherits, and those that the settings add."""
    latest = schema_of(store, state.active[-1], state.index) if state.active else None
    metadata, rules = request.schema.metadata, request.schema.rule_set
    if latest is not None:
        metadata = metadata if request.has_metadata else latest.metadata
        rules = rules if request.has_rules else latest.rule_set
    return replace(
        request.schema,
        text=canonical_text(request.schema.text),
        metadata=merged_metadata(config.get("defaultMetadata"), metadata, config.get("overrideMetadata")),
        rule_set=merged_rules(config.get("defaultRuleSet"), rules, config.get("overrideRuleSet")),
    )


def _publish(
    request: SchemaRequest,
    schema: ConfluentSchema,
    config: dict[str, Any],
    state: SubjectState,
    actor: Actor,
    store: ContractStore,
) -> SubjectVersion | None:
    """Return the version with the schema, or publish one and return None: then it is found on a second look."""
    active = [each for each in state.with_hash(schema.hash) if not each.deleted]
    if active:
        return active[-1]
    bundle = unpublished_bundle(schema, state.subject, store)
    versions = compared_versions(schema, state, config, store)
    if reasons := incompatibilities(bundle, versions, config["compatibility"], state, store):
        shown = "; ".join(reasons[:MAX_MESSAGES])
        raise ConfluentError(
            INCOMPATIBLE,
            f"Schema being registered is incompatible with an earlier schema for subject {state.subject!s}, details: "
            f"[{shown}], compatibility: {config['compatibility']}",
        )
    version = _requested(request, state) or _smallest(bundle, state, store)
    try:
        _publish_as(version, bundle, state, actor, store)
    except ContractRefused as refused:
        breaking = smallest_breaking(_greatest(state)) if _greatest_entry(state) else version
        if "requiredVersion" not in refused.extras or breaking == version:
            raise
        # A policy compares with more than the latest version, or more strictly.
        _publish_as(breaking, bundle, state, actor, store)
    return None


def _publish_as(version: str, bundle: ContractBundle, state: SubjectState, actor: Actor, store: ContractStore) -> None:
    publish(bundle=replace(bundle, version=version), actor=actor, expected_revision=state.revision, store=store)


def unpublished_bundle(schema: ConfluentSchema, subject: Subject, store: ContractStore) -> ContractBundle:
    """Return a bundle with a schema and what it refers to, without a version.

    Raises ConfluentError, ContractRefused.
    """
    try:
        return _checked_bundle(schema, subject, store)
    except ContractRefused as refused:
        if isinstance(refused, TooExpensive) or not schema.names_no_dialect:
            raise
        try:
            return _checked_bundle(replace(schema, implied_dialect=True), subject, store)
        except ContractRefused:
            pass
        raise


def _checked_bundle(schema: ConfluentSchema, subject: Subject, store: ContractStore) -> ContractBundle:
    given = ContractBundle(
        name=subject.contract,
        version="",
        json_schema=schema.contract_text,
        descriptor=schema.descriptor(),
        dependencies=tuple(_dependency(each, subject, store) for each in schema.references),
    )
    bundle = check_dependencies(given, store)
    texts = texts_of(bundle, store)
    check_content(bundle, texts.schema, texts.packages)
    return given


def _dependency(reference: Reference, subject: Subject, store: ContractStore) -> Dependency:
    target = parse_subject(reference.subject, subject.context)
    if is_package(reference.name):
        raise ConfluentError(
            INVALID_SCHEMA, f"Invalid schema: {reference.name!r:.80} reads like the name of a WIT package"
        )
    found = [each for each in subject_state(store, target).active if reference.version in (LATEST, each.number)]
    if not found:
        raise ConfluentError(
            INVALID_SCHEMA,
            f"Invalid schema: No schema reference found for subject {target} and version {reference.version} "
            f"(the reference {reference.name!r:.80})",
        )
    entry = found[-1].entry
    return Dependency(entry.name, entry.version, entry.digest, reference.name)


def _greatest_entry(state: SubjectState) -> Any:
    """Return the greatest version of the contract in whatever state, or None."""
    name = state.subject.contract
    return max(
        (*state.index.versions(name), *state.index.removed(name)), key=lambda entry: entry.precedence, default=None
    )


def _greatest(state: SubjectState) -> Version:
    return Version.parse(_greatest_entry(state).version)


def _requested(request: SchemaRequest, state: SubjectState) -> str | None:
    """Return the version of the contract that the metadata asks for; one that exists is only what a client read."""
    if request.version is None or any(each.entry.version == request.version for each in state.versions):
        return None
    try:
        Version.parse(request.version)
    except InvalidVersion as error:
        raise ConfluentError(INVALID_SCHEMA, f"The property contract:version of the metadata: {error}") from None
    return request.version


def _smallest(bundle: ContractBundle, state: SubjectState, store: ContractStore) -> str:
    """Return the smallest version that the linter allows for a schema."""
    if _greatest_entry(state) is None:
        return "1.0.0"
    greatest = _greatest(state)
    name = state.subject.contract
    comparable = [entry for entry in state.index.versions(name) if entry.state in COMPARABLE]
    if not comparable:
        return smallest_breaking(greatest)
    policy = policy_of(state.index.documents, name)
    old = compared_version(store.content(comparable[-1], state.index), store)
    bump = compare(old, compared_version(check_dependencies(bundle, store), store), policy).required_bump
    if bump == "major":
        return smallest_breaking(greatest)
    return smallest_minor(greatest) if bump == "minor" else smallest_patch(greatest)


def _import(request: SchemaRequest, state: SubjectState, actor: Actor, store: ContractStore) -> SubjectVersion | None:
    """Store a version with the id and number of another registry, without a check of compatibility.

    Returns None after a write: then the version is found on a second look.
    """
    schema, number = request.schema, request.number or state.record.next
    for each in state.versions:
        same = state.numbers.hash_of(state.subject.context, each.id) == schema.hash and each.id == request.id
        if same and request.number in (None, each.number):
            return each
        if each.number == number:
            raise ConfluentError(NOT_PERMITTED, f"Version {number} of {state.subject} is another schema already")
    check_policy_allows(state.index.documents, state.subject.contract)
    bundle = unpublished_bundle(schema, state.subject, store)
    bundle = check_dependencies(replace(bundle, version=_imported_version(request, number, state)), store)
    bundle = replace(bundle, digest=content_digest(bundle), created_at=utc_now())
    id_ = allot_id(store, state.subject.context, schema.hash, actor, request.id)
    # The number first: a version that has one already is not given another.
    numbered = [each for each in state.record.versions if each.number != number]
    versions = sorted([*numbered, NumberedVersion(number, id_, bundle.version)], key=lambda each: each.number)
    record = msgspec.structs.replace(state.record, versions=tuple(versions), next=max(state.record.next, number + 1))
    write_record(store, state, record, AuditEntry(actor, "number-version"))
    store.create(bundle, after=state.revision, audit=AuditEntry(actor, "import"))
    return None


def _imported_version(request: SchemaRequest, number: int, state: SubjectState) -> str:
    """Return the version of the contract: the one that the metadata names, or the number, as in 3.0.0."""
    name = state.subject.contract
    spent = {entry.precedence for entry in (*state.index.versions(name), *state.index.removed(name))}
    for version in (_requested(request, state), f"{number}.0.0"):
        if version is not None and Version.parse(version).precedence not in spent:
            return version
    return smallest_breaking(_greatest(state))


def lookup(
    subject: Subject, request: SchemaRequest, store: ContractStore, *, normalize: bool = False, deleted: bool = False
) -> Registered:
    """Return the version of a subject with a schema. Raises ConfluentError."""
    state = subject_state(store, subject)
    versions = state.versions if deleted else state.active
    if not versions:
        raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{subject}' not found.")
    given = (
        request.normalized()
        if normalize or effective_config(state.index.documents, subject).get("normalize")
        else request
    )
    schema = given.schema
    found = [each for each in state.with_hash(schema.hash) if each in versions]
    if not found and not (given.has_metadata or given.has_rules):
        # Metadata that were inherited or added: only what was given must agree.
        found = [each for each in versions if _same_schema(schema_of(store, each, state.index), schema)]
    if not found:
        raise ConfluentError(SCHEMA_NOT_FOUND, "Schema not found")
    return Registered(found[-1], schema_of(store, found[-1], state.index))


def _same_schema(one: ConfluentSchema, other: ConfluentSchema) -> bool:
    return (canonical_text(one.text), one.references) == (canonical_text(other.text), other.references)
