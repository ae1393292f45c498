"""Building blocks of the OpenAPI document: parameters, responses, errors, and operations that several routes share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contracts_app.api.openapi.components import ref
from contracts_app.api.openapi.examples import EXAMPLES

JSON = dict[str, Any]

REFUSALS: dict[int, str] = {
    400: "The request is malformed; `field` names the location",
    401: "No token, or one that is not valid",
    403: "The token lacks the scope",
    404: "There is no such contract, version, part or policy",
    409: "It exists already, or the present state does not allow it",
    410: "The version was withdrawn or removed, or its sunset has come; `Link` names its successor",
    412: "If-Match names an entity tag that is no longer the current one",
    415: "The body's content coding is neither gzip nor none",
    413: "The body is larger than CONTRACT_MAX_BYTES",
    422: "Well-formed, but refused; `changes` lists what breaks, `pointer` is the location in a schema",
    429: "More requests a minute than the limit; try again after `Retry-After` seconds",
    507: "The store has no room for the write; nothing was written",
    503: "The store cannot be reached; try again after `Retry-After` seconds",
}
NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The contract: segments of letters, digits, `_` and `-`, between dots",
    "schema": ref("Name"),
}
EXACT = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "The version as it was published",
    "schema": ref("Version"),
}
REQUESTED_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "A version, `latest`, or a range such as `^1.2`, `~1.2`, `1.x`, `>=1.2 <3`",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "examples": {"exact": {"value": "1.0.0"}, "latest": {"value": "latest"}, "range": {"value": "^1"}},
}
CLIENT = {
    "name": "client",
    "in": "path",
    "required": True,
    "description": "The id of a client, in its own words",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
    "example": "billing",
}
STREAM = {
    "name": "stream",
    "in": "path",
    "required": True,
    "description": "A JetStream stream in the registry's account",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,100}$"},
    "example": "ORDERS",
}
SUBJECT = {
    "name": "subject",
    "in": "path",
    "required": True,
    "description": "The subject of a message, without wildcards",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "example": "orders.eu.created",
}
IF_MATCH = {"name": "If-Match", "in": "header", "schema": {"type": "string"}, "description": "The ETag that was read"}
DRY_RUN = {
    "name": "dryRun",
    "in": "query",
    "description": "All checks, and no write",
    "schema": {"enum": ["true", "false"], "type": "string"},
}
GONE_TOO = {**DRY_RUN, "name": "includeWithdrawn", "description": "Also read what was withdrawn or sunset"}


def query(name: str, description: str, schema: JSON, **more: Any) -> JSON:
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def text(most: int = 200) -> JSON:
    return {"type": "string", "maxLength": most}


def whole(least: int, most: int) -> JSON:
    return {"type": "integer", "minimum": least, "maximum": most}


def answer(
    description: str, schema: Mapping[str, Any] | None = None, kind: str = "application/json", **headers: str
) -> JSON:
    members: JSON = {"description": description}
    if schema is not None:
        members["content"] = {kind: {"schema": schema}}
        example = EXAMPLES.get(schema.get("$ref", "").rpartition("/")[2])
        if example is not None and kind == "application/json":
            members["content"][kind]["example"] = example
    if headers:
        members["headers"] = {
            name.replace("_", "-"): {"description": said, "schema": {"type": "string"}}
            for name, said in headers.items()
        }
    return members


def operation(
    summary: str,
    identity: str,
    tag: str,
    scope: str | None,
    answers: dict[int, JSON],
    *refusals: int,
    parameters: tuple[JSON, ...] = (),
    body: JSON | None = None,
) -> JSON:
    members: JSON = {"summary": summary, "operationId": identity, "tags": [tag], "responses": {}}
    if parameters:
        members["parameters"] = list(parameters)
    if body is not None:
        members["requestBody"] = body
    if scope is not None:
        members["description"] = f"Needs the scope `{scope}`, for all contracts or for those that it concerns."
        members["security"] = [{"bearer": []}]
        refusals = (*refusals, 400, 401, 403, 429, 503, *((507,) if scope == "contracts:write" else ()))
    else:
        members["security"] = []
    members["responses"] = {str(status): found for status, found in answers.items()}
    members["responses"] |= {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(set(refusals))
    }
    return members


def takes(schema: JSON, required: bool = True, **examples: Any) -> JSON:
    content: JSON = {"schema": schema}
    if examples:
        content["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"required": required, "content": {"application/json": content}}


CACHED = {"ETag": "Strong entity tag", "Cache_Control": "How long it may be kept"}
KNOWN = answer("If-None-Match names what there is", None, **CACHED)


def reads(
    summary: str, identity: str, schema: JSON, *refusals: int, parameters: tuple[JSON, ...] = (), **more: Any
) -> JSON:
    answers = {
        200: answer("Found", schema, more.pop("kind", "application/json"), **CACHED),
        304: KNOWN,
    }
    tag, scope = more.pop("tag", "Contracts"), more.pop("scope", "contracts:read")
    return operation(summary, identity, tag, scope, answers, *refusals, parameters=parameters)


def part(part: str, kind: str, schema: JSON) -> JSON:
    return reads(
        f"The {part} alone, as it was published", f"get_{part}", schema, 404, 410, parameters=(GONE_TOO,), kind=kind
    )


def lifecycle(action: str, summary: str, schema: JSON, example: JSON) -> JSON:
    answers = {200: answer("Done", ref("LifecycleAnswer"), ETag="The new entity tag")}
    return {
        "parameters": [NAME, EXACT],
        "post": operation(
            summary,
            action,
            "Lifecycle",
            "contracts:write",
            answers,
            *(404, 409, 412, 413, 415, 422),
            parameters=(DRY_RUN, IF_MATCH),
            body=takes(schema, required=False, example=example),
        ),
    }


def removal(what: str, identity: str) -> JSON:
    return operation(
        f"Remove {what} that was published by mistake",
        identity,
        "Lifecycle",
        "contracts:remove",
        {200: answer("What was removed", ref("Removed"))},
        *(404, 409),
        parameters=(
            query("reason", "Why, for the audit log", text(), required=True),
            {**DRY_RUN, "name": "force", "description": "Also what was published, and may have been read"},
            DRY_RUN,
        ),
    )


def policy(level: str, parameters: list[JSON]) -> JSON:
    response = answer("The level's own policy, and what holds", ref("PolicyAnswer"), **CACHED)
    put = answer("StoredWrite", ref("PolicyWritten"), ETag="The new entity tag")
    body = takes(ref("Policy"), strict={"compatibility": "full-transitive", "allowOverride": False})
    return {
        "parameters": parameters,
        "get": operation(
            "A level's policy", f"get_{level}_policy", "Policies", "contracts:read", {200: response, 304: KNOWN}, 404
        ),
        "put": operation(
            "Set a level's policy",
            f"put_{level}_policy",
            "Policies",
            "contracts:admin",
            {200: put},
            *(409, 412, 413, 415),
            parameters=(IF_MATCH,),
            body=body,
        ),
        "delete": operation(
            "Delete a level's policy",
            f"delete_{level}_policy",
            "Policies",
            "contracts:admin",
            {204: answer("Deleted")},
            *(404, 409, 412),
            parameters=(IF_MATCH,),
        ),
    }


def binding(parameters: list[JSON]) -> JSON:
    bound = answer("The binding, with the version that its range means now", ref("BoundSubject"), **CACHED)
    written = answer("StoredWrite", ref("BoundSubject"), ETag="The new entity tag")
    body = takes(ref("Binding"), enforced={"subject": "orders.>", "contract": "order.placed", "mode": "enforce"})
    return {
        "parameters": parameters,
        "get": operation("A binding", "get_binding", "Subjects", "contracts:read", {200: bound, 304: KNOWN}, 404),
        "put": operation(
            "Bind a subject to a contract",
            "put_binding",
            "Subjects",
            "contracts:admin",
            {200: written},
            *(404, 409, 410, 412, 413, 415, 422),
            parameters=(IF_MATCH,),
            body=body,
        ),
        "delete": operation(
            "Delete a binding",
            "delete_binding",
            "Subjects",
            "contracts:admin",
            {204: answer("Deleted")},
            *(404, 409, 412),
            parameters=(IF_MATCH,),
        ),
    }
