"""The routes of proposals in the OpenAPI document."""

from __future__ import annotations

from contracts_app.api.openapi.components import ref
from contracts_app.api.openapi.operations import EXACT, JSON, NAME, answer, operation, query, reads, takes, text
from contracts_app.proposals import STATES

_TAG, _SCOPE = "Proposals", "contracts:approve"


def proposal_paths() -> JSON:
    """Return the paths of proposals."""
    at = "/registry/proposals/{name}/{version}"
    return {
        "/registry/proposals": {
            "get": reads(
                "What waits for a review, and what was decided",
                "list_proposals",
                ref("Proposals"),
                parameters=(
                    query("state", "In one state", {"type": "string", "enum": list(STATES)}),
                    query("contract", "Of one contract", text()),
                ),
                tag=_TAG,
            )
        },
        at: {
            "parameters": [NAME, EXACT],
            "get": reads(
                "A proposal; while it waits, with its content and how it is judged now",
                "get_proposal",
                ref("ProposalShown"),
                *(404, 422),
                tag=_TAG,
            ),
            "delete": operation(
                *("Take one's own proposal back", "withdraw_proposal", _TAG, "contracts:write"),
                {200: answer("The proposal", ref("Proposal"))},
                *(404, 409),
            ),
        },
        f"{at}/approve": {
            "parameters": [NAME, EXACT],
            "post": operation(
                *("Approve a proposal of another person, and publish it", "approve_proposal", _TAG, _SCOPE),
                {200: answer("Published", ref("VersionProperties"))},
                *(404, 409, 412, 413, 415, 422),
                body=takes(ref("Approval"), approved={"reason": "The consumers agreed", "revision": 42}),
            ),
        },
        f"{at}/reject": {
            "parameters": [NAME, EXACT],
            "post": operation(
                *("Reject a proposal of another person", "reject_proposal", _TAG, _SCOPE),
                {200: answer("The proposal", ref("Proposal"))},
                *(404, 409, 413, 415),
                body=takes(ref("Decision"), rejected={"reason": "Keep the field until the third quarter"}),
            ),
        },
    }
