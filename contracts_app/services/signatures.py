"""Adding signatures to versions, and keeping the keys of signers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from contracts_app.bundles import ContractBundle, compact, key_of
from contracts_app.exceptions import ContractConflict, ContractNotFound
from contracts_app.lifecycle import WITHDRAWN
from contracts_app.services.documents import Documents, change_document
from contracts_app.services.publishing import write_decision
from contracts_app.services.signature_checks import fault_of, holds_for_content
from contracts_app.signatures import (
    MAX_SIGNATURES,
    MAX_SIGNERS,
    PREFIX,
    Signature,
    Signer,
    check_signer_name,
    signers_of,
    verify,
)
from contracts_app.storage import Actor, AuditEntry, ContractIndex, ContractStore, contract_store
from contracts_app.timestamps import utc_now


def add_signature(
    *,
    name: str,
    version: str,
    signature: Signature,
    actor: Actor,
    other_forms: Collection[str] = (),
    store: ContractStore | None = None,
) -> tuple[ContractBundle, Signature, bool]:
    """Add a signature to a version; return the version, the signature as it is stored, and whether it is new.

    It must be about the version's digest, or about one of the digests of its `other_forms`. A signer signs the same
    digests once. Raises ContractNotFound, ContractConflict (withdrawn, or too many), ContractRefused, ReadOnly.
    """
    store = store or contract_store()
    found = signature

    def decide(known: ContractIndex) -> tuple[ContractBundle, AuditEntry]:
        nonlocal found
        entry = known.get(key_of(name, version))
        if entry is None:
            raise ContractNotFound(f"Contract {name}/{version} not found", name=name, version=version)
        if entry.state == WITHDRAWN:
            raise ContractConflict(f"{name}/{version} is withdrawn; it cannot be signed", state=entry.state)
        bundle = store.content(entry, known)
        signer = verify(signature.envelope, signers_of(known.documents).values(), [bundle.digest, *other_forms])
        found = replace(signature, signer=signer.name, added_at=utc_now())
        for each in bundle.signatures:
            if each.signer == signer.name and each.digests >= found.digests:
                raise _Present(bundle, each)
        if len(bundle.signatures) >= MAX_SIGNATURES:
            raise ContractConflict(f"{name}/{version} has {MAX_SIGNATURES} signatures, as many as it can have")
        changed = replace(bundle, signatures=(*bundle.signatures, found))
        return changed, AuditEntry(actor, "sign", before=entry.state, reason=f"signed by {signer.name}")

    try:
        return write_decision(name, store, decide), found, True
    except _Present as present:
        return present.bundle, present.signature, False


class _Present(Exception):
    """The signer has signed this already."""

    def __init__(self, bundle: ContractBundle, signature: Signature) -> None:
        super().__init__()
        self.bundle, self.signature = bundle, signature


def signatures_to_json(bundle: ContractBundle, index: ContractIndex) -> dict[str, Any]:
    """Return the signatures of a version, each verified now."""
    signers = signers_of(index.documents)
    shown = []
    for each in bundle.signatures:
        fault, signer = fault_of(each, bundle, signers), signers.get(each.signer)
        members = {"keyId": signer.key_id if signer else None, "valid": not fault, "reason": fault or None}
        shown.append({**each.to_json(), **members, "content": holds_for_content(each, bundle)})
    return {"name": bundle.name, "version": bundle.version, "digest": bundle.digest, "signatures": shown}


def find_signer(name: str, store: ContractStore | None = None) -> tuple[int, Signer]:
    """Return the sequence of a signer, and the signer. Raises ContractNotFound, StorageUnavailable."""
    documents = (store or contract_store()).index("signer").documents
    found = signers_of(documents).get(name)
    if found is None:
        raise ContractNotFound(f"There is no signer {name}")
    return documents[PREFIX + name][0], found


def set_signer(
    wanted: Signer,
    actor: Actor,
    *,
    expected_etag: str | None = None,
    only_new: bool = False,
    store: ContractStore | None = None,
) -> tuple[int, bool]:
    """Write a signer; return the sequence and whether it is new. With `only_new`, one that exists is not replaced.

    The key of a name stays: what it signed would no longer hold. Raises ContractConflict, PreconditionFailed.
    """
    store = store or contract_store()
    key, new = PREFIX + wanted.name, False

    def change(documents: Documents) -> tuple[bytes, AuditEntry]:
        nonlocal new
        value = documents.get(key, (0, None))[1]
        known, new = signers_of(documents), value is None
        present = known.get(wanted.name)
        if present is not None and only_new:
            raise ContractConflict("A signer with this name exists already. Change that one.", field="name")
        if present is not None and present.key_id != wanted.key_id:
            raise ContractConflict(
                f"The signer {wanted.name} has another key. Signatures by that one would no longer hold: add the new "
                "key under another name, and name both in the policies",
                field="publicKey",
            )
        same = next((each.name for each in known.values() if each.key_id == wanted.key_id), wanted.name)
        if same != wanted.name:
            raise ContractConflict(f"The signer {same} has this key", field="publicKey")
        if new and len(known) >= MAX_SIGNERS:
            raise ContractConflict(f"There are {MAX_SIGNERS} signers already; delete one that signed nothing")
        before = (value or b"").decode(errors="replace")
        return compact(wanted.to_record()), AuditEntry(actor, "set-signer", before=before)

    sequence = change_document(
        store, key, f"The signer {wanted.name}", change, expected_etag=expected_etag, whole_family=True
    )
    return sequence, new


def delete_signer(
    name: str, actor: Actor, *, expected_etag: str | None = None, store: ContractStore | None = None
) -> None:
    """Delete a signer that signed nothing. Raises ContractNotFound, ContractConflict, PreconditionFailed."""
    store = store or contract_store()
    key = PREFIX + check_signer_name(name)

    def change(documents: Documents) -> tuple[None, AuditEntry]:
        value = documents.get(key, (0, None))[1]
        if value is None:
            raise ContractNotFound(f"There is no signer {name}")
        signed = [f"{each.name}/{each.version}" for each in store.index() if name in each.signed_by]
        if signed:
            raise ContractConflict(
                f"The signer {name} signed {len(signed)} versions ({', '.join(signed[:5])}), which would no longer be "
                "signed by anyone known; revoke it if its key is no longer to be trusted",
            )
        return None, AuditEntry(actor, "delete-signer", before=value.decode(errors="replace"))

    change_document(store, key, f"The signer {name}", change, expected_etag=expected_etag)
