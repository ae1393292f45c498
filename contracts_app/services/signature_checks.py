"""Whether the signatures of a version hold, and whether they are those that its policy asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractError, ContractRefused
from contracts_app.policies import Policy
from contracts_app.services.documents import Documents
from contracts_app.signatures import Signature, Signer, signers_of, verify


def verified_signatures(bundle: ContractBundle, documents: Documents, now: str) -> tuple[Signature, ...]:
    """Return the signatures that came with a new version, each with its signer.

    Raises ContractRefused for one that is not about the version's digest, or that no known key verifies.
    """
    if not bundle.signatures:
        return ()
    signers = signers_of(documents).values()
    return tuple(
        replace(each, signer=verify(each.envelope, signers, [bundle.digest]).name, added_at=now)
        for each in bundle.signatures
    )


def check_signed(bundle: ContractBundle, policy: Policy, documents: Documents) -> None:
    """Raise ContractRefused for a version without a signature that holds, by a signer that its policy asks for."""
    wanted = policy.required_signers
    if not wanted:
        return
    signers = signers_of(documents)
    if any(each.signer in wanted and not fault_of(each, bundle, signers) for each in bundle.signatures):
        return
    raise ContractRefused(
        f"The policy asks for a signature by {' or '.join(wanted)} over the digest {bundle.digest} of "
        f"{bundle.name}/{bundle.version}; publish it with `signatures`, or sign a draft and activate it",
        field="signatures",
        digest=bundle.digest,
        requiredSigners=list(wanted),
    )


def fault_of(signature: Signature, bundle: ContractBundle, signers: Mapping[str, Signer]) -> str:
    """Return why a stored signature does not hold for the version's content; empty if it does.

    One that is only about another form of the version, such as an OCI manifest, is verified as that.
    """
    signer = signers.get(signature.signer)
    if signer is None:
        return f"there is no signer {signature.signer}"
    try:
        digests = signature.digests
        verify(signature.envelope, [signer], [bundle.digest] if bundle.digest in digests else digests)
    except ContractError as error:
        return error.message
    return ""


def holds_for_content(signature: Signature, bundle: ContractBundle) -> bool:
    """Return whether a signature is about the version's digest, and not only about another form of it."""
    return bundle.digest in signature.digests
