"""The OpenAPI 3.1 document of the API: every route with its parameters, responses, errors and examples.

tests/api/test_openapi.py compares it with the routes and with real responses.
"""

from __future__ import annotations

from functools import cache

from django.conf import settings

from contracts_app.api.auth.scopes import ALL
from contracts_app.api.openapi import components
from contracts_app.api.openapi.components import ref
from contracts_app.api.openapi.operations import (
    CACHED,
    CLIENT,
    DRY_RUN,
    EXACT,
    GONE_TOO,
    JSON,
    KNOWN,
    NAME,
    REFUSALS,
    REQUESTED_VERSION,
    STREAM,
    SUBJECT,
    answer,
    binding,
    lifecycle,
    operation,
    part,
    policy,
    query,
    reads,
    removal,
    takes,
    text,
    whole,
)
from contracts_app.api.openapi.proposals import proposal_paths
from contracts_app.api.openapi.signatures import signature_paths
from contracts_app.api.openapi.webhooks import webhook_paths

SEARCH = (
    query("q", "Text in name, description or a label, in any case", text(100)),
    query("prefix", "The beginning of the name", text() | {"pattern": "^[A-Za-z0-9_.-]*$"}),
    query("label", "A label; given again, all must be there", {"type": "array", "items": text(100), "maxItems": 4}),
    query("state", "A state; given again, any may hold", {"type": "array", "items": ref("State"), "maxItems": 5}),
    query("include", "One item for each contract, with its versions", {"type": "string", "enum": ["versions"]}),
    query("limit", "Items of a page", whole(1, 1000)),
    query("cursor", "Where the page begins; taken from `Link`", text(400) | {"pattern": "^[A-Za-z0-9_-]*$"}),
)
FOUND = (
    query("q", "Words, all of which must match, in any order and case", text(), required=True, example="order id"),
    query("prefix", "The beginning of the name", text() | {"pattern": "^[A-Za-z0-9_.-]*$"}),
    query("label", "A label", text(100)),
    query("state", "A state that some version has", ref("State")),
    query("owner", "The owning team", text()),
    query("limit", "Contracts of the response", whole(1, 100)),
)
AUDITED = (
    query("contract", "Of one contract", ref("Name")),
    query("actor", "By one `sub`", text()),
    query("action", "Such as publish, deprecate, withdraw, set-policy", text()),
    query("since", "Included", ref("Time")),
    query("until", "Excluded", ref("Time")),
    query("limit", "Entries of a page", whole(1, 1000)),
    query("cursor", "Where the page begins; taken from `Link`", whole(0, 2**53)),
)
EVENT_ID = {"type": "string", "pattern": "^([0-9a-z]{1,16}-)?[0-9]{1,15}(-[0-9]{1,15})?$"}
LAST_EVENT = {"name": "Last-Event-ID", "in": "header", "schema": EVENT_ID}
FEED = (
    query(
        "since", "The id, or the sequence, of the event after which others are wanted; 0 is all", EVENT_ID, example="0"
    ),
    query("wait", "Seconds to wait for the first event", whole(0, 60), example=0),
    query("limit", "Events of an answer", whole(1, 500)),
    LAST_EVENT,
)


_SCOPES = (
    f"A token has the scopes {', '.join(ALL)}, each for all contracts, or followed by `:NAME` or `:PREFIX.*` for some: "
    "`contracts:write:payments.*`. Lists show the contracts that the token may read."
)


_TOKENS = (
    "Every route below `/registry` needs a bearer token (JWT), except for this description. A token comes from your "
    "identity provider, if the registry has its keys (`JWT_JWKS_URL`, `JWT_PUBLIC_KEY`), or from "
    "`manage.py issue_token`, if it has a secret (`JWT_SECRET`). `make run` prints one for trying."
)
_TAGS = {
    "Contracts": "Publish, list, search and read versions",
    "Verdicts": "What changed between two versions and what breaks; whether an instance is valid",
    "Dependencies": "References between contracts, both ways, and the schema with all of them embedded",
    "Lifecycle": "Activate, deprecate, withdraw and remove",
    "Policies": "Which changes new versions may make, who owns them, and how long a deprecation lasts",
    "Subjects": "Which contract the messages on a NATS subject must satisfy",
    "Usage": "Which clients read and write which contracts, as they declare it themselves",
    "Audit": "Who did what, when and why",
    "Events": "Changes as CloudEvents, without a gap",
    "Proposals": "Versions that another person has to approve before they are published",
    "Signatures": "Who signed a version, and the keys that verify it",
    "Webhooks": "Events sent to other services, signed and retried",
    "Service": "Health, metrics and this description",
}


@cache
def document() -> JSON:
    """Return the whole document."""
    read, write = "contracts:read", "contracts:write"
    listed = answer("By name and precedence", ref("ContractList"), Link='`rel="next"` while there is more', **CACHED)
    created = answer(
        "VersionProperties", ref("VersionProperties"), Location="The version's path", ETag="Its entity tag"
    )
    at = "/registry/contracts/{name}/{version}"
    events = answer("What happened", ref("Events"))
    events["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    instance = takes({}, order={"id": "a"})
    instance["content"]["application/x-ndjson"] = {"schema": {"type": "string"}, "example": '{"id": "a"}\n{"id": 1}\n'}
    changelog = reads("Every version's changes, newest first", "get_changelog", ref("Changelog"), 404, 422)
    changelog["responses"]["200"]["content"]["text/markdown"] = {"schema": {"type": "string"}}
    paths: JSON = {
        "/registry/contracts": {
            "get": operation(
                "List or search", "list_contracts", "Contracts", read, {200: listed, 304: KNOWN}, parameters=SEARCH
            ),
            "post": operation(
                "Publish a version",
                "publish",
                "Contracts",
                write,
                {
                    201: created,
                    200: answer("A dry run: it may be published", ref("VersionProperties")),
                    202: answer("Proposed: the policy asks for a review", ref("Pending"), Location="The proposal"),
                },
                *(409, 413, 415, 422),
                parameters=(DRY_RUN,),
                body=takes(ref("Publish"), event=components.EXAMPLE),
            ),
        },
        "/registry/search": {
            "get": reads(
                "Search names, descriptions, labels, owners, fields and WIT; the best matches first",
                "search",
                ref("Found"),
                parameters=FOUND,
            )
        },
        "/registry/contracts:batch": {
            "post": operation(
                "Publish a set whose members may depend on each other",
                "publish_batch",
                "Contracts",
                write,
                {200: answer("VersionProperties, or for a dry run publishable", ref("BatchAnswer"))},
                *(413, 415, 422),
                parameters=(DRY_RUN,),
                body=takes(ref("Batch"), one={"contracts": [components.EXAMPLE]}),
            )
        },
        "/registry/contracts/{name}": {
            "parameters": [NAME],
            "get": reads("A contract with its versions and policy", "get_contract", ref("Contract"), 404),
            "delete": removal("a contract", "remove_contract"),
        },
        "/registry/contracts/{name}/diff": {
            "parameters": [NAME],
            "get": reads(
                "The verdict on the step between two versions",
                "get_diff",
                ref("Report"),
                *(404, 410, 422),
                parameters=(
                    query("from", "A version, `latest` or a range", text(), required=True, example="1.0.0"),
                    query("to", "A version, `latest` or a range", text(), required=True, example="latest"),
                ),
                tag="Verdicts",
            ),
        },
        "/registry/contracts/{name}/changelog": {"parameters": [NAME], "get": changelog | {"tags": ["Verdicts"]}},
        at: {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": reads("A version", "get_version", ref("Bundle"), 404, 410, 500, parameters=(GONE_TOO,)),
            "delete": removal("a version", "remove_version"),
        },
        f"{at}/schema": {"parameters": [NAME, REQUESTED_VERSION], "get": part("schema", "application/schema+json", {})},
        f"{at}/wit": {"parameters": [NAME, REQUESTED_VERSION], "get": part("wit", "text/plain", {"type": "string"})},
        f"{at}/descriptor": {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": part("descriptor", "application/json", {}),
        },
        f"{at}/bundled": {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": reads(
                "The schema with all that it refers to",
                "get_bundled",
                {},
                *(404, 410),
                parameters=(GONE_TOO,),
                kind="application/schema+json",
                tag="Dependencies",
            ),
        },
        f"{at}/dependencies": {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": reads(
                "What it depends on, as a tree",
                "get_dependencies",
                ref("Dependencies"),
                *(404, 410),
                parameters=(GONE_TOO,),
                tag="Dependencies",
            ),
        },
        f"{at}/dependents": {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": reads(
                "What depends on it",
                "get_dependents",
                ref("Dependents"),
                *(404, 410),
                parameters=(GONE_TOO,),
                tag="Dependencies",
            ),
        },
        f"{at}/validate": {
            "parameters": [NAME, REQUESTED_VERSION],
            "post": operation(
                "Validate one instance, or many as JSON lines",
                "validate",
                "Verdicts",
                read,
                {200: answer("Valid or not, and why", ref("Validation"))},
                *(404, 410, 413, 415, 422),
                parameters=(GONE_TOO,),
                body=instance,
            ),
        },
        f"{at}/examples": {
            "parameters": [NAME, REQUESTED_VERSION],
            "get": reads(
                "Valid and invalid instances, each verified",
                "get_examples",
                ref("Examples"),
                *(404, 410, 422),
                parameters=(query("count", "Of each kind", whole(1, 20)), GONE_TOO),
                tag="Verdicts",
            ),
        },
        f"{at}/activate": lifecycle(
            "activate", "Activate a draft, or take a deprecation back", ref("Activate"), {"reason": "reviewed"}
        ),
        f"{at}/deprecate": lifecycle(
            "deprecate",
            "Mark a version as deprecated",
            ref("Deprecate"),
            {"reason": "use 2.0.0", "sunset": "2999-01-01"},
        ),
        f"{at}/withdraw": lifecycle(
            "withdraw", "Take a version out of use", ref("Withdraw"), {"reason": "it leaks personal data"}
        ),
        "/registry/digests/{digest}": {
            "parameters": [{"name": "digest", "in": "path", "required": True, "schema": ref("Digest")}],
            "get": reads("The versions with this content", "get_digest", ref("ContractList"), 404),
        },
        "/registry/check": {
            "post": operation(
                "Compare any two: registered versions, or schemas in the body",
                "check",
                "Verdicts",
                read,
                {200: answer("The verdict", ref("Report"))},
                *(404, 410, 413, 415, 422),
                body=takes(
                    ref("Check"), schemas={"old": {"jsonSchema": {}}, "new": {"jsonSchema": {"type": "object"}}}
                ),
            )
        },
        "/registry/policies": {
            "get": reads("Every policy that is set", "list_policies", ref("Policies"), tag="Policies")
        },
        "/registry/policies/default": policy("default", []),
        "/registry/policies/prefixes/{name}": policy("prefix", [NAME]),
        "/registry/policies/contracts/{name}": policy("contract", [NAME]),
        "/registry/streams/{stream}/check": {
            "parameters": [STREAM],
            "post": operation(
                "Validate messages of a stream by a contract, and by a proposed schema",
                "check_stream",
                "Subjects",
                "contracts:admin",
                {200: answer("Which messages fail, where and why", ref("StreamReport"))},
                *(404, 410, 413, 415, 422),
                body=takes(ref("StreamCheck"), last={"contract": "order.placed", "subject": "orders.>", "last": 1000}),
            ),
        },
        "/registry/usage": {"get": reads("What every client declared", "list_usage", ref("Clients"), tag="Usage")},
        "/registry/usage/{client}": {
            "parameters": [CLIENT],
            "put": operation(
                "Declare what a client reads and writes, or say that it still does",
                "put_usage",
                "Usage",
                read,
                {200: answer("What is known now", ref("ClientUsage"))},
                *(413, 415),
                body=takes(ref("Usage"), reader={"uses": [{"contract": "order.placed", "range": "^1"}]}),
            ),
            "delete": operation(
                "Delete what a client declared", "delete_usage", "Usage", read, {204: answer("Deleted")}, 404
            ),
        },
        "/registry/contracts/{name}/usage": {
            "parameters": [NAME],
            "get": reads("Who uses a contract", "get_usage", ref("Users"), 404, tag="Usage"),
        },
        f"{at}/can-withdraw": {
            "parameters": [NAME, EXACT],
            "get": reads(
                "Whether a version can be withdrawn, and who uses it",
                "can_withdraw",
                ref("Withdrawal"),
                404,
                tag="Usage",
            ),
        },
        "/registry/bindings": {
            "get": reads("Which contracts hold for which subjects", "list_bindings", ref("Bindings"), tag="Subjects")
        },
        "/registry/bindings/{name}": binding([NAME]),
        **proposal_paths(),
        **signature_paths(at),
        **webhook_paths(),
        "/registry/asyncapi": {
            "get": reads(
                "The bindings as an AsyncAPI 3.0 document, with the schemas of their messages",
                "get_asyncapi",
                ref("AsyncAPI"),
                parameters=(query("subject", "Only bindings that overlap with this subject or pattern", text(255)),),
                tag="Subjects",
            )
        },
        "/registry/subjects/{subject}": {
            "parameters": [SUBJECT],
            "get": reads(
                "The binding that holds for a subject: the most specific one",
                "get_subject",
                ref("BoundSubject"),
                404,
                tag="Subjects",
            ),
        },
        "/registry/audit": {
            "get": reads(
                "Who did what, when and why",
                "audit",
                ref("Audit"),
                parameters=AUDITED,
                tag="Audit",
                scope="contracts:audit",
            )
        },
        "/registry/events": {
            "get": operation(
                "What happens, by Server-Sent Events or long polls",
                "events",
                "Events",
                read,
                {200: events},
                410,
                parameters=FEED,
            )
        },
        "/registry/openapi.json": {
            "get": operation("This description", "openapi", "Service", None, {200: answer("OpenAPI 3.1", {})})
        },
        "/healthz": {
            "get": operation(
                "Whether the process answers", "healthz", "Service", None, {200: answer("OK", text(), "text/plain")}
            )
        },
        "/readyz": {
            "get": operation(
                "Whether this worker is ready",
                "readyz",
                "Service",
                None,
                {200: answer("Ready", ref("Ready")), 503: answer("Not ready", ref("Ready"))},
            )
        },
        "/metrics": {
            "get": operation(
                "Figures for Prometheus", "metrics", "Service", None, {200: answer("Text", text(), "text/plain")}
            )
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Contract registry",
            "version": "1.0.0",
            "summary": "What is this contract, may I change it like this, what would break, who changed it and when.",
            "description": _TOKENS,
        },
        "servers": [{"url": settings.URL_PREFIX or "/", "description": "This registry"}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _SCOPES}
            },
            "schemas": components.SCHEMAS,
            "responses": {
                str(status): {
                    "description": said,
                    "content": {
                        "application/problem+json": {"schema": ref("Problem")},
                        "text/plain": {"schema": {"type": "string"}},
                    },
                }
                for status, said in {**REFUSALS, 500: "A stored record is unreadable"}.items()
            },
        },
    }
