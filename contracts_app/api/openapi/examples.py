"""Examples of responses in the OpenAPI document, by the name of their schema. A test validates each by it."""

from __future__ import annotations

import base64
from typing import Any

from contracts_app.bundles import compact
from contracts_app.signatures import PAYLOAD_TYPE, SIGNED, STATEMENT

_DIGEST = "9f1c0f1f4b0c2d0f0f2d7a5c1f6f2d1b8d7c6b5a4f3e2d1c0b9a8f7e6d5c4b3a"
_LIFECYCLE = {
    "state": "deprecated",
    "revision": 2,
    "changedAt": "2026-03-01T09:00:00Z",
    "deprecatedAt": "2026-03-01T09:00:00Z",
    "sunsetAt": "2026-09-01T00:00:00Z",
    "reason": "2.0.0 has the currency",
    "successor": "2.0.0",
}
_CHANGE = {
    "rule": "required-added",
    "level": "error",
    "direction": "backward",
    "decided": True,
    "oldPointer": None,
    "newPointer": "/required",
    "message": "property 'currency' became required",
    "breaking": True,
    "witness": {
        "instance": {"id": "7"},
        "direction": "backward",
        "error": '"currency" is a required property',
    },
}
_REPORT = {
    "verdict": "breaking",
    "acceptable": False,
    "compatibility": "backward",
    "strictOpenObjects": False,
    "readersIgnoreUnknown": False,
    "requiredBump": "major",
    "requiredVersion": "2.0.0",
    "problems": ["requires version 2.0.0, but 1.1.0 is proposed"],
    "warnings": [],
    "changes": [_CHANGE],
}
_POLICY = {"compatibility": "backward", "allowOverride": False, "owner": "checkout", "contact": "#checkout"}
_EFFECTIVE = {
    "compatibility": "backward",
    "strictOpenObjects": False,
    "readersIgnoreUnknown": False,
    "allowOverride": False,
    "minimumNoticeDays": 0,
    "refuseUnresolvedReferences": False,
    "readOnly": False,
    "protectConsumers": False,
    "requiredSigners": [],
    "review": [],
    "owner": "checkout",
    "contact": "#checkout",
}
_VERSION = {
    "version": "1.0.0",
    "state": "active",
    "description": "An order was placed",
    "createdAt": "2026-01-05T10:30:00Z",
    "digest": _DIGEST,
}

_BINDING = {
    "name": "orders-created",
    "subject": "orders.*.created",
    "contract": "order.created",
    "range": "^1",
    "mode": "enforce",
    "location": "body",
    "version": "1.2.0",
    "overlaps": [{"name": "orders", "subject": "orders.>"}],
}

_CLIENT = {
    "client": "billing",
    "seen": "2026-01-05T10:30:00Z",
    "version": "3.1.0",
    "environment": "production",
    "uses": [{"contract": "order.placed", "range": "^1", "access": "read", "fields": ["/id"]}],
}

PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEvCWjVosoUTWFMzBj///6QMPSmaxm
FDkQwpBqsyJxI7Dfq5C72xV+dU2csy83+rXr1zjk9vS1P6vOPNC1SLji0Q==
-----END PUBLIC KEY-----
"""
_KEY_ID = "9c66331a03e6a9afe9dce1cfb4da606f0e19d716195f85d9444c8048c251264d"
_STATEMENT = {
    "_type": STATEMENT,
    "subject": [{"name": "order.placed@1.0.0", "digest": {"sha256": _DIGEST}}],
    "predicateType": SIGNED,
    "predicate": {},
}
ENVELOPE = {
    "payload": base64.b64encode(compact(_STATEMENT)).decode(),
    "payloadType": PAYLOAD_TYPE,
    "signatures": [{"keyid": _KEY_ID, "sig": "MEYCIQDybw3M6SCI3bfZdlodxYxgvGBCLWcTrt6xdrtAPUHnmQ=="}],
}
_SIGNATURE = {"signer": "ci", "addedAt": "2026-01-05T10:31:00Z", "envelope": ENVELOPE}
_SIGNER = {"name": "ci", "publicKey": PUBLIC_KEY, "keyId": _KEY_ID, "description": "The pipeline", "revoked": False}
_SIGNED_VERSION = {"name": "order.placed", "version": "1.0.0", "digest": _DIGEST}

_PROPOSAL = {
    "name": "order.placed",
    "version": "2.0.0",
    "digest": _DIGEST,
    "state": "pending",
    "review": ["breaking"],
    "author": "alice",
    "proposedAt": "2026-01-05T10:30:00Z",
    "override": None,
    "decidedBy": None,
    "decidedAt": None,
    "reason": None,
}

_WEBHOOK = {
    "name": "chat",
    "url": "https://chat.example.com/hook",
    "types": ["contract.published"],
    "contracts": ["payments.*"],
    "enabled": True,
    "description": "",
    "key": "1f0c93ab52de",
}

EXAMPLES: dict[str, Any] = {
    "VersionProperties": {
        "status": "created",
        "name": "order.placed",
        "version": "1.0.0",
        "digest": _DIGEST,
        "createdAt": "2026-01-05T10:30:00Z",
    },
    "ContractList": {
        "contracts": [
            {
                "name": "order.placed",
                "version": "1.0.0",
                "description": "An order was placed",
                "createdAt": "2026-01-05T10:30:00Z",
            }
        ]
    },
    "Found": {
        "q": "tenantId",
        "total": 1,
        "contracts": [
            {
                "name": "order.placed",
                "version": "1.0.0",
                "state": "active",
                "description": "An order was placed",
                "labels": ["pii"],
                "owner": "checkout",
                "contact": "#checkout",
                "matches": [
                    {
                        "kind": "field",
                        "name": "tenantId",
                        "path": "customer.tenantId",
                        "pointer": "/properties/customer/properties/tenantId",
                        "type": "string",
                        "required": True,
                    }
                ],
            }
        ],
        "facets": {"states": {"active": 1}, "labels": {"pii": 1}, "prefixes": {"order": 1}, "owners": {"checkout": 1}},
    },
    "Contract": {
        "name": "order.placed",
        "description": "An order was placed",
        "latest": "1.0.0",
        "versions": [_VERSION],
        "policy": _EFFECTIVE,
    },
    "Bundle": {
        "name": "order.placed",
        "version": "1.0.0",
        "description": "An order was placed",
        "createdAt": "2026-01-05T10:30:00Z",
        "jsonSchema": '{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}',
        "witPath": None,
        "descriptorPath": None,
        "digest": _DIGEST,
    },
    "BatchAnswer": {
        "status": "created",
        "results": [{"name": "order.placed", "version": "1.0.0", "status": "created", "digest": _DIGEST}],
    },
    "LifecycleAnswer": {"name": "order.placed", "version": "1.0.0", "digest": _DIGEST, "lifecycle": _LIFECYCLE},
    "Removed": {"status": "removed", "name": "order.placed", "versions": ["1.0.0"]},
    "Report": _REPORT,
    "Changelog": {"name": "order.placed", "versions": [{"version": "1.0.0", "createdAt": "2026-01-05T10:30:00Z"}]},
    "Validation": {
        "name": "order.placed",
        "version": "1.0.0",
        "valid": False,
        "errors": [
            {"instancePointer": "", "schemaPointer": "/required", "reason": '"id" is a required property'},
        ],
    },
    "Examples": {"name": "order.placed", "version": "1.0.0", "valid": [{"id": ""}], "invalid": [{}]},
    "Dependencies": {
        "name": "order.placed",
        "version": "1.0.0",
        "dependencies": [
            {
                "name": "money",
                "version": "1.2.0",
                "digest": _DIGEST,
                "reference": "contract:money@^1",
                "state": "active",
                "dependencies": [],
            }
        ],
    },
    "Dependents": {"name": "money", "version": "1.2.0", "dependents": [{"name": "order.placed", "version": "1.0.0"}]},
    "PolicyAnswer": {"level": "prefix", "name": "order", "policy": _POLICY, "effective": _EFFECTIVE},
    "PolicyWritten": {"level": "prefix", "name": "order", "policy": _POLICY},
    "Policies": {"policies": [{"level": "prefix", "name": "order", "policy": _POLICY}]},
    "BoundSubject": _BINDING,
    "Bindings": {"bindings": [_BINDING]},
    "Proposal": _PROPOSAL,
    "ProposalShown": {**_PROPOSAL, "contract": {"name": "order.placed", "version": "2.0.0"}, "revision": 42},
    "Pending": {"status": "pending", **_PROPOSAL},
    "Proposals": {"proposals": [_PROPOSAL]},
    "Signers": {"signers": [_SIGNER]},
    "Signer": _SIGNER,
    "AddedSignature": {**_SIGNED_VERSION, **_SIGNATURE},
    "Signatures": {
        **_SIGNED_VERSION,
        "signatures": [{**_SIGNATURE, "keyId": _KEY_ID, "valid": True, "reason": None, "content": True}],
    },
    "Webhook": _WEBHOOK,
    "Webhooks": {"webhooks": [_WEBHOOK]},
    "Delivery": {"delivered": False, "status": 503, "reason": "503 Service Unavailable", "durationMs": 12.5},
    "DeadLetters": {
        "webhook": "chat",
        "deadLetters": [
            {
                "event": {"specversion": "1.0", "id": "1a2b3c-42-1767609000123", "type": "contract.published"},
                "attempts": 10,
                "status": 503,
                "reason": "503 Service Unavailable",
                "time": "2026-01-08T10:30:00Z",
            }
        ],
    },
    "AsyncAPI": {
        "asyncapi": "3.0.0",
        "info": {"title": "Messages on NATS subjects", "version": "42"},
        "channels": {
            "orders": {
                "address": "orders.{token2}.created",
                "parameters": {"token2": {"description": "One token of the subject"}},
                "messages": {"orders": {"$ref": "#/components/messages/orders"}},
                "bindings": {"nats": {}},
            }
        },
    },
    "StreamReport": {
        "messages": 3,
        "current": {"valid": 3, "failures": []},
        "proposed": {
            "valid": 2,
            "failures": [
                {
                    "schemaPointer": "/required",
                    "instancePointer": "",
                    "reason": '"currency" is a required property',
                    "count": 1,
                    "sequences": [2],
                    "example": '{"id":"7"}',
                }
            ],
        },
        "newlyFailing": {"count": 1, "sequences": [2]},
        "absentFields": ["note"],
    },
    "ClientUsage": _CLIENT,
    "Clients": {"clients": [_CLIENT]},
    "Users": {
        "name": "order.placed",
        "clients": [{"client": "billing", "contract": "order.placed", "uses": "1.2.0"}],
        "versions": [{"version": "1.2.0", "clients": 1, "reads": 4021, "lastRead": "2026-01-05T10:30:00Z"}],
    },
    "Withdrawal": {
        "name": "order.placed",
        "version": "1.0.0",
        "allowed": False,
        "reasons": ["order.placed/1.0.0 cannot be withdrawn: 1 versions depend on it (invoice/1.0.0)"],
        "clients": [],
        "dependents": [{"name": "invoice", "version": "1.0.0"}],
    },
    "Audit": {
        "entries": [
            {
                "sequence": 42,
                "time": "2026-01-05T10:30:00.123456Z",
                "action": "publish",
                "actor": "ci@shop",
                "requestId": "4bf92f3577b34da6a3ce929d0e0e4736",
                "key": "meta.order.placed.1.0.0",
                "contract": "order.placed",
                "version": "1.0.0",
                "digest": _DIGEST,
                "before": None,
                "after": "active",
                "reason": None,
            }
        ]
    },
    "Events": {
        "events": [
            {
                "specversion": "1.0",
                "id": "1a2b3c-42-1767609000123",
                "source": "/registry",
                "type": "contract.published",
                "subject": "order.placed/1.0.0",
                "time": "2026-01-05T10:30:00.123456Z",
                "datacontenttype": "application/json",
                "data": {"contract": "order.placed", "version": "1.0.0", "digest": _DIGEST, "after": "active"},
            }
        ],
        "next": "1a2b3c-42-1767609000123",
    },
    "Ready": {"status": "ready", "dependencies": {}},
}
