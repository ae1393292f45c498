"""The schemas of requests and responses in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from contracts_app.bindings import LOCATIONS, MODES
from contracts_app.bundles import MAX_NAME_LENGTH
from contracts_app.lifecycle import STATES
from contracts_app.policies import (
    COMPATIBILITIES,
    MAX_NOTICE_DAYS,
    MAX_OWNER_CHARACTERS,
    MAX_REQUIRED_SIGNERS,
    REVIEWS,
)
from contracts_app.proposals import STATES as PROPOSAL_STATES
from contracts_app.services.batches import MAX_BATCH_MEMBERS
from contracts_app.signatures import MAX_SIGNATURES, PAYLOAD_TYPE
from contracts_app.usage import MAX_USES

Schema = dict[str, Any]
EXAMPLE = {
    "name": "order.placed",
    "version": "1.0.0",
    "description": "An order was placed",
    "jsonSchema": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
}
TEXT: Schema = {"type": "string"}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
SIGNER_NAME: Schema = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"}
REASON: Schema = {"type": "string", "minLength": 1, "maxLength": 2000, "pattern": r"\S"}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record(required: dict[str, Schema], optional: dict[str, Schema] | None = None, *, closed: bool = False) -> Schema:
    schema: Schema = {"type": "object", "properties": {**required, **(optional or {})}}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def many(schema: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": schema, **more}


_PUBLISH = record(
    {"name": ref("Name"), "version": ref("Version")},
    {
        "description": OPTIONAL_TEXT,
        "jsonSchema": {"type": ["string", "object", "boolean", "null"]},
        "witPath": OPTIONAL_TEXT,
        "wit": OPTIONAL_TEXT,
        "descriptorPath": OPTIONAL_TEXT,
        "descriptor": {},
        "labels": {
            "type": ["array", "null"],
            "items": {"type": "string", "minLength": 1, "maxLength": 100, "pattern": r"\S"},
            "maxItems": 50,
        },
        "state": {"enum": ["active", "draft"]},
        "override": ref("Override"),
        "signatures": many(ref("Envelope"), maxItems=MAX_SIGNATURES),
    },
    closed=True,
)
_SIDE: Schema = {
    "description": "A registered version (name and version), or texts",
    "type": "object",
    "properties": {"name": ref("Name"), "version": TEXT, "jsonSchema": {}, "wit": TEXT},
    "minProperties": 1,
    "additionalProperties": False,
}
_CLIENT = {"version": TEXT, "environment": TEXT}
_USE = record(
    {"contract": TEXT},
    {"range": TEXT, "access": {"enum": ["read", "write"]}, "fields": many(TEXT)},
)
_WEBHOOK = {"types": many(TEXT), "contracts": many(TEXT), "enabled": FLAG, "description": TEXT}
_PINNED = {"name": TEXT, "version": TEXT, "digest": TEXT, "reference": TEXT}
_ERRORS = many(record({"instancePointer": TEXT, "schemaPointer": TEXT, "reason": TEXT}))
_POLICY = {
    "compatibility": {"enum": list(COMPATIBILITIES)},
    "strictOpenObjects": FLAG,
    "readersIgnoreUnknown": FLAG,
    "allowOverride": FLAG,
    "minimumNoticeDays": {"type": "integer", "minimum": 0, "maximum": MAX_NOTICE_DAYS},
    "refuseUnresolvedReferences": FLAG,
    "readOnly": FLAG,
    "protectConsumers": FLAG,
    "requiredSigners": many(SIGNER_NAME, maxItems=MAX_REQUIRED_SIGNERS),
    "review": many({"enum": list(REVIEWS)}, uniqueItems=True),
    "owner": {"type": "string", "minLength": 1, "maxLength": MAX_OWNER_CHARACTERS},
    "contact": {"type": "string", "minLength": 1, "maxLength": MAX_OWNER_CHARACTERS},
}
_EFFECTIVE = {**_POLICY, "owner": OPTIONAL_TEXT, "contact": OPTIONAL_TEXT}
_VERSION_SHOWN = record(
    {"version": TEXT, "state": ref("State"), "description": OPTIONAL_TEXT, "createdAt": TEXT, "digest": TEXT},
    {"labels": many(TEXT), "dependencies": many(record(_PINNED)), "lifecycle": ref("Lifecycle")},
)

_PROPOSAL = {
    "name": TEXT,
    "version": TEXT,
    "digest": TEXT,
    "state": {"enum": list(PROPOSAL_STATES)},
    "review": many({"enum": list(REVIEWS)}),
    "author": TEXT,
    "proposedAt": TEXT,
    "override": OPTIONAL_TEXT,
    "decidedBy": OPTIONAL_TEXT,
    "decidedAt": OPTIONAL_TEXT,
    "reason": OPTIONAL_TEXT,
}

SCHEMAS: dict[str, Schema] = {
    "Name": {
        "type": "string",
        "maxLength": MAX_NAME_LENGTH,
        "pattern": r"^(?!v[0-9]+(\.|$))[A-Za-z_-][A-Za-z0-9_-]*(\.(?!v[0-9]+(\.|$))[A-Za-z_-][A-Za-z0-9_-]*)*$",
        "examples": ["order.placed"],
    },
    "Version": {
        "type": "string",
        "maxLength": 128,
        "description": "SemVer 2.0.0 without build metadata, or vN",
        "pattern": r"^(v(0|[1-9][0-9]{0,17})|(0|[1-9][0-9]{0,17})(\.(0|[1-9][0-9]{0,17})){2}"
        r"(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?)$",
        "examples": ["1.0.0"],
    },
    "Digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "Time": {"type": "string", "description": "RFC 3339 date, or date and time", "examples": ["2026-01-01"]},
    "State": {"enum": list(STATES), "type": "string"},
    "Problem": record({"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "code": TEXT}),
    "Override": record({"reason": REASON}, closed=True),
    "Publish": _PUBLISH,
    "VersionProperties": record(
        {
            "status": {"enum": ["created", "valid"]},
            "name": TEXT,
            "version": TEXT,
            "digest": ref("Digest"),
            "createdAt": OPTIONAL_TEXT,
        },
        {
            "review": many({"enum": list(REVIEWS)}),
            "warnings": many(record({"rule": TEXT, "pointer": TEXT, "reference": TEXT, "message": TEXT})),
        },
    ),
    "Batch": record(
        {
            "contracts": many(
                {**_PUBLISH, "properties": {k: v for k, v in _PUBLISH["properties"].items() if k != "override"}},
                minItems=1,
                maxItems=MAX_BATCH_MEMBERS,
            )
        },
        closed=True,
    ),
    "BatchAnswer": record(
        {
            "status": {"enum": ["created", "valid"]},
            "results": many(record({"name": TEXT, "version": TEXT, "status": TEXT}, {"digest": TEXT, "detail": TEXT})),
        }
    ),
    "ContractList": record(
        {
            "contracts": many(
                record(
                    {"name": TEXT, "description": OPTIONAL_TEXT},
                    {"version": TEXT, "createdAt": TEXT, "state": ref("State")},
                ),
            )
        },
        {"unreadable": many(record({"key": TEXT, "reason": TEXT}))},
    ),
    "Found": record(
        {
            "q": TEXT,
            "total": COUNT,
            "contracts": many(
                record(
                    {
                        "name": TEXT,
                        "version": TEXT,
                        "state": ref("State"),
                        "description": OPTIONAL_TEXT,
                        "labels": many(TEXT),
                        "owner": OPTIONAL_TEXT,
                        "contact": OPTIONAL_TEXT,
                        "matches": many(
                            record(
                                {"kind": TEXT, "name": TEXT, "path": TEXT},
                                {"pointer": TEXT, "type": TEXT, "required": FLAG},
                            )
                        ),
                    }
                )
            ),
            "facets": record({name: {"type": "object"} for name in ("states", "labels", "prefixes", "owners")}),
        },
        {
            "suggestion": {**OPTIONAL_TEXT, "description": "A similar query that finds something"},
            "waiting": {**COUNT, "description": "Contracts whose fields are not searched yet"},
        },
    ),
    "Contract": record(
        {"name": TEXT, "description": OPTIONAL_TEXT, "latest": OPTIONAL_TEXT, "versions": many(_VERSION_SHOWN)},
        {"policy": record(_EFFECTIVE)},
    ),
    "Bundle": record(
        {
            "name": TEXT,
            "version": TEXT,
            "description": OPTIONAL_TEXT,
            "createdAt": TEXT,
            "jsonSchema": OPTIONAL_TEXT,
            "witPath": OPTIONAL_TEXT,
            "descriptorPath": OPTIONAL_TEXT,
            "digest": ref("Digest"),
        },
        {
            "wit": TEXT,
            "descriptor": {},
            "labels": many(TEXT),
            "dependencies": many(record(_PINNED)),
            "lifecycle": ref("Lifecycle"),
            "signedBy": many(TEXT),
            "signatures": many(ref("Signature")),
        },
    ),
    "Envelope": record(
        {
            "payload": {"type": "string", "description": "An in-toto statement over the digest, in base64"},
            "payloadType": {"const": PAYLOAD_TYPE},
            "signatures": many(record({"sig": TEXT}, {"keyid": TEXT}), minItems=1, maxItems=1),
        },
        closed=True,
    ),
    "Signature": record({"signer": TEXT, "addedAt": TEXT, "envelope": ref("Envelope")}),
    "AddedSignature": record(
        {"name": TEXT, "version": TEXT, "digest": TEXT, "signer": TEXT, "addedAt": TEXT, "envelope": ref("Envelope")}
    ),
    "Signatures": record(
        {
            "name": TEXT,
            "version": TEXT,
            "digest": TEXT,
            "signatures": many(
                record(
                    {
                        "signer": TEXT,
                        "addedAt": TEXT,
                        "envelope": ref("Envelope"),
                        "keyId": OPTIONAL_TEXT,
                        "valid": FLAG,
                        "reason": OPTIONAL_TEXT,
                        "content": {**FLAG, "description": "Over the digest of the version, not of another form of it"},
                    }
                )
            ),
        }
    ),
    "Proposal": record(_PROPOSAL),
    "ProposalShown": record(
        _PROPOSAL,
        {
            "contract": {"type": "object"},
            "revision": COUNT,
            "report": {**ref("Report"), "description": "How it is judged now"},
        },
    ),
    "Pending": record({"status": {"const": "pending"}, **_PROPOSAL}),
    "Proposals": record({"proposals": many(ref("Proposal"))}),
    "Decision": record({"reason": REASON}, closed=True),
    "Approval": record({"reason": REASON}, {"revision": COUNT}, closed=True),
    "SignerRequest": record({"publicKey": TEXT}, {"description": TEXT, "revoked": FLAG}, closed=True),
    "Signer": record({"name": TEXT, "publicKey": TEXT, "keyId": TEXT, "description": TEXT, "revoked": FLAG}),
    "Signers": record({"signers": many(ref("Signer"))}),
    "Lifecycle": record(
        {"state": ref("State"), "revision": COUNT, "changedAt": TEXT},
        {"deprecatedAt": TEXT, "sunsetAt": TEXT, "reason": TEXT, "successor": TEXT},
    ),
    "LifecycleAnswer": record({"name": TEXT, "version": TEXT, "digest": TEXT, "lifecycle": ref("Lifecycle")}),
    "Removed": record({"status": {"enum": ["removed", "valid"]}, "name": TEXT, "versions": many(TEXT)}),
    "Activate": record({}, {"reason": REASON}, closed=True),
    "Deprecate": record({}, {"reason": REASON, "sunset": ref("Time"), "successor": ref("Version")}, closed=True),
    "Withdraw": record({}, {"reason": REASON, "successor": ref("Version"), "override": ref("Override")}, closed=True),
    "Dependencies": record({"name": TEXT, "version": TEXT, "dependencies": many(ref("Dependency"))}),
    "Dependency": record({**_PINNED, "state": TEXT, "dependencies": many(ref("Dependency"))}),
    "Dependents": record({"name": TEXT, "version": TEXT, "dependents": many(record({"name": TEXT, "version": TEXT}))}),
    "Change": record(
        {
            "rule": TEXT,
            "level": {"enum": ["error", "warning", "info"]},
            "direction": {"enum": ["backward", "forward", "both", "none"]},
            "decided": FLAG,
            "oldPointer": OPTIONAL_TEXT,
            "newPointer": OPTIONAL_TEXT,
            "message": TEXT,
            "breaking": FLAG,
        },
        {"witness": record({"instance": {}, "direction": TEXT, "error": TEXT})},
    ),
    "Report": record(
        {
            "verdict": {"enum": ["compatible", "breaking", "undecided"]},
            "acceptable": FLAG,
            "compatibility": TEXT,
            "strictOpenObjects": FLAG,
            "readersIgnoreUnknown": FLAG,
            "requiredBump": OPTIONAL_TEXT,
            "requiredVersion": OPTIONAL_TEXT,
            "problems": many(TEXT),
            "warnings": many(TEXT),
            "changes": many(ref("Change")),
        },
        {
            "dependents": record({"broken": many(record({"name": TEXT, "version": TEXT})), "unchecked": COUNT}),
            "consumers": many(record({"client": TEXT, "contract": TEXT, "changes": many(ref("Change"))})),
        },
    ),
    "Changelog": record({"name": TEXT, "versions": many(record({"version": TEXT, "createdAt": TEXT}))}),
    "Check": record(
        {"old": _SIDE, "new": _SIDE},
        {"compatibility": {"enum": list(COMPATIBILITIES)}, "strictOpenObjects": FLAG, "consumers": FLAG},
        closed=True,
    ),
    "Validation": record(
        {"name": TEXT, "version": TEXT, "valid": FLAG},
        {
            "errors": _ERRORS,
            "validLines": COUNT,
            "results": many(record({"line": COUNT, "valid": FLAG, "errors": _ERRORS})),
        },
    ),
    "Examples": record({"name": TEXT, "version": TEXT, "valid": many({}), "invalid": many({})}),
    "Policy": record({}, _POLICY, closed=True),
    "Binding": record(
        {"subject": TEXT, "contract": ref("Name")},
        {
            "range": TEXT,
            "mode": {"enum": list(MODES)},
            "location": {"enum": list(LOCATIONS)},
            "pointer": TEXT,
            "owner": TEXT,
            "description": TEXT,
        },
        closed=True,
    ),
    "BoundSubject": record(
        {"name": TEXT, "subject": TEXT, "contract": TEXT, "range": TEXT, "mode": TEXT, "location": TEXT},
        {"version": OPTIONAL_TEXT, "overlaps": many(record({"name": TEXT, "subject": TEXT}))},
    ),
    "Bindings": record({"bindings": many(ref("BoundSubject"))}),
    "WebhookRequest": record({"url": TEXT}, _WEBHOOK, closed=True),
    "Webhook": record({"name": TEXT, "url": TEXT, **_WEBHOOK, "key": TEXT}, {"secret": TEXT}),
    "Webhooks": record({"webhooks": many(ref("Webhook"))}),
    "Delivery": record(
        {"delivered": FLAG, "status": {"type": ["integer", "null"]}, "reason": TEXT, "durationMs": {"type": "number"}}
    ),
    "DeadLetters": record(
        {
            "webhook": TEXT,
            "deadLetters": many(
                record(
                    {
                        "event": {"type": "object"},
                        "attempts": COUNT,
                        "status": {"type": ["integer", "null"]},
                        "reason": TEXT,
                        "time": TEXT,
                    }
                )
            ),
        }
    ),
    "Redeliver": record({"event": TEXT}, closed=True),
    "AsyncAPI": record({"asyncapi": TEXT, "info": {"type": "object"}, "channels": {"type": "object"}}),
    "StreamCheck": record(
        {"contract": ref("Name")},
        {
            "version": TEXT,
            "proposed": {"type": ["object", "boolean", "string", "null"]},
            "subject": TEXT,
            "last": {"type": "integer", "minimum": 1, "maximum": 10_000},
            "since": TEXT,
            "sample": {"type": "integer", "minimum": 1, "maximum": 100},
            "location": {"enum": list(LOCATIONS)},
            "pointer": TEXT,
        },
        closed=True,
    ),
    "StreamReport": record(
        {
            "messages": COUNT,
            "current": {"type": ["object", "null"]},
            "proposed": {"type": ["object", "null"]},
            "newlyFailing": record({"count": COUNT, "sequences": many(COUNT)}),
            "absentFields": many(TEXT),
        }
    ),
    "Usage": record({"uses": many(_USE, minItems=1, maxItems=MAX_USES)}, _CLIENT, closed=True),
    "ClientUsage": record({"client": TEXT, "seen": TEXT, "uses": many(_USE)}, _CLIENT),
    "Clients": record({"clients": many(ref("ClientUsage"))}),
    "Users": record(
        {
            "name": TEXT,
            "clients": many({"type": "object"}),
            "versions": many(record({"version": TEXT, "clients": COUNT, "reads": COUNT, "lastRead": OPTIONAL_TEXT})),
        }
    ),
    "Withdrawal": record(
        {
            "name": TEXT,
            "version": TEXT,
            "allowed": FLAG,
            "reasons": many(TEXT),
            "clients": many({"type": "object"}),
            "dependents": many(record({"name": TEXT, "version": TEXT})),
        }
    ),
    "PolicyAnswer": record(
        {
            "level": TEXT,
            "name": OPTIONAL_TEXT,
            "policy": {"anyOf": [ref("Policy"), {"type": "null"}]},
            "effective": record(_EFFECTIVE),
        }
    ),
    "PolicyWritten": record({"level": TEXT, "name": OPTIONAL_TEXT, "policy": ref("Policy")}),
    "Policies": record({"policies": many(record({"level": TEXT, "name": OPTIONAL_TEXT, "policy": ref("Policy")}))}),
    "Audit": record(
        {
            "entries": many(
                record(
                    {"sequence": COUNT, "time": TEXT, "action": TEXT, "actor": TEXT, "requestId": TEXT, "key": TEXT},
                    {
                        "contract": TEXT,
                        "version": TEXT,
                        "digest": TEXT,
                        "before": {},
                        "after": {},
                        "reason": OPTIONAL_TEXT,
                    },
                )
            )
        }
    ),
    "Events": record({"events": many(ref("Event")), "next": {"type": ["integer", "string"]}}),
    "Event": record(
        {
            "specversion": {"const": "1.0"},
            "id": TEXT,
            "source": TEXT,
            "type": TEXT,
            "subject": TEXT,
            "time": TEXT,
            "datacontenttype": TEXT,
            "data": {"type": "object"},
        }
    ),
    "Ready": record({"status": TEXT}, {"copy": {"type": "object"}, "dependencies": {"type": "object"}, "reason": TEXT}),
}
