"""`$SR.v1`: the subjects of the schema registry of NATS's vendor, over the subjects of the Confluent API.

Known from public clients: ADD, GET, UPDATE, LIST and REMOVE, each with the name as the end of the subject, and GET,
UPDATE and REMOVE also with format, version and revision before it. A schema is a subject in the default context, and so
a contract. Who may use a subject is for the permissions of NATS to say. This module uses nats-py, like the store.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import nats.micro
from nats.aio.client import Client
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, Service, ServiceConfig

from confluent_app.deletion import delete_subject, find_version
from confluent_app.errors import INCOMPATIBLE, INVALID_SCHEMA, ConfluentError
from confluent_app.numbering import SubjectState, SubjectVersion, schema_of, subject_state
from confluent_app.registration import register
from confluent_app.requests import LATEST, read_schema
from confluent_app.retrieval import listed_subjects
from confluent_app.settings_records import effective_config, set_config
from confluent_app.subjects import Subject, parse_subject
from contracts_app.bindings import covers
from contracts_app.exceptions import ContractError, ContractRefused
from contracts_app.storage import Actor, ContractStore

NAME, VERSION, PREFIX = "schema-registry", "1.0.0", "$SR.v1"
JSON = dict[str, Any]
FORMAT, FORMATS = "jsonschema", ("jsonschema", "avro", "protobuf")
BAD_REQUEST, INTERNAL = 10400, 10500
INVALID_NAME, EXISTS, NOT_FOUND, FORMAT_REQUIRED, DEFINITION_INVALID, UNSUPPORTED_FORMAT = (
    *(11000, 11001, 11002, 11004, 11005, 11007),
)
DESCRIPTION, SPELLING = "nats:description", "nats:compat-policy"
"""Properties of the metadata for what a schema of the vendor has and one of Confluent has not."""
_POLICIES = {"none": "NONE", "backward": "BACKWARD", "forward": "FORWARD", "full": "FULL"}
MAX_CONCURRENT = 16
"""Requests that are handled at the same time."""


class SchemaError(Exception):
    """A refusal with a code of the vendor's registry."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SchemaService:
    """Answers requests over NATS from a store."""

    def __init__(self, store: ContractStore, *, read_only: bool) -> None:
        self._store = store
        self._actor = Actor("nats-schema-registry")
        self._free = asyncio.Semaphore(MAX_CONCURRENT)
        self._tasks: set[asyncio.Task[None]] = set()
        writes = {"ADD": self.add, "UPDATE": self.update, "REMOVE": self.remove}
        self._endpoints = {"GET": self.get, "LIST": self.every, **({} if read_only else writes)}

    async def serve(self, client: Client) -> Service:
        """Start the service on a connected client, and return it."""
        config = ServiceConfig(name=NAME, version=VERSION, description="Schemas of messages, and how they may change")
        service = await nats.micro.add_service(client, config)
        for name, answer in self._endpoints.items():
            subject = f"{PREFIX}.{name}" if name == "LIST" else f"{PREFIX}.{name}.>"
            await service.add_endpoint(EndpointConfig(name=name, subject=subject, handler=self._handler(answer)))
        return service

    def _handler(self, answer: Callable[[list[str], JSON], JSON]) -> Any:
        async def handle(request: Request) -> None:
            # The next request of the subscription does not wait for this one.
            task = asyncio.ensure_future(self._respond(request, answer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return handle

    async def _respond(self, request: Request, answer: Callable[[list[str], JSON], JSON]) -> None:
        async with self._free:
            try:
                body = _object(request.data)
                found = await asyncio.to_thread(answer, request.subject.split(".")[3:], body)
            except SchemaError as error:
                await _refuse(request, error.code, error.message)
            except ConfluentError as error:
                code = {INVALID_SCHEMA: DEFINITION_INVALID, INCOMPATIBLE: BAD_REQUEST}.get(error.code, BAD_REQUEST)
                await _refuse(request, NOT_FOUND if error.status == 404 else code, error.message)
            except ContractRefused as error:
                await _refuse(request, DEFINITION_INVALID, error.message)
            except ContractError as error:
                await _refuse(request, INTERNAL if error.status >= 500 else BAD_REQUEST, error.message)
            else:
                await request.respond(json.dumps(found, ensure_ascii=False).encode())

    # One function for each subject: what follows the verb, and the body

    def add(self, tokens: list[str], body: JSON) -> JSON:
        subject = _named(tokens, body)
        if _state(self._store, subject).active:
            raise SchemaError(EXISTS, f"The schema {subject} exists; UPDATE changes it")
        if not body.get("format"):
            raise SchemaError(FORMAT_REQUIRED, "The member format is missing: this registry has jsonschema")
        return self._write(subject, body)

    def update(self, tokens: list[str], body: JSON) -> JSON:
        subject = _named(tokens, body)
        state = _state(self._store, subject)
        latest = find_version(state, LATEST)
        if body.get("definition") is None:
            body = {**body, "definition": schema_of(self._store, latest, state.index).text}
        return self._write(subject, body)

    def get(self, tokens: list[str], body: JSON) -> JSON:
        number = body.get("version")
        if (long := _long_form(tokens)) is not None:
            version, tokens = long
            number = int(version) if version != "*" else number
        state = _state(self._store, _named(tokens, body))
        if number is not None and (isinstance(number, bool) or not isinstance(number, int)):
            raise SchemaError(BAD_REQUEST, "The member version must be a whole number")
        return {"schema": self._schema(state, find_version(state, number or LATEST, deleted=bool(number)))}

    def every(self, tokens: list[str], body: JSON) -> JSON:
        wanted = body.get("filter")
        if not isinstance(wanted, (str, type(None))):
            raise SchemaError(BAD_REQUEST, "The member filter must be a text such as orders.*")
        found = listed_subjects(self._store, ":.:", deleted=False, deleted_only=False)
        chosen = [each for each in found if not wanted or covers(wanted, each.name)]
        states = [_state(self._store, each) for each in chosen]
        return {"schemas": [self._schema(each, each.active[-1]) for each in states if each.active]}

    def remove(self, tokens: list[str], body: JSON) -> JSON:
        delete_subject(_named(tokens, body), self._actor, self._store, permanent=False)
        return {}

    def _write(self, subject: Subject, body: JSON) -> JSON:
        given = body.get("format", FORMAT)
        if given != FORMAT:
            raise SchemaError(
                UNSUPPORTED_FORMAT if given in FORMATS else BAD_REQUEST, f"The format {given!r:.40} is not jsonschema"
            )
        properties = _texts(body.get("metadata"), "metadata")
        if body.get("description") is not None:
            properties[DESCRIPTION] = _text(body["description"], "description")
        if policy := body.get("compat_policy"):
            properties[SPELLING] = _text(policy, "compat_policy")
            level = _POLICIES.get(properties[SPELLING].lower().rstrip("s"))
            if level is None:
                raise SchemaError(BAD_REQUEST, f"compat_policy {policy!r:.40} is not one of {', '.join(_POLICIES)}")
        request = {"schemaType": "JSON", "schema": _text(body.get("definition"), "definition")}
        if properties:
            request["metadata"] = {"properties": properties}  # type: ignore[assignment]
        schema = read_schema(request)
        if policy:
            set_config(self._store, subject, {"compatibility": level}, self._actor)
        found = register(subject, schema, self._actor, self._store)
        return {"version": found.version.number, "revision": found.version.number}

    def _schema(self, state: SubjectState, version: SubjectVersion) -> JSON:
        schema = schema_of(self._store, version, state.index)
        properties = dict(schema.properties)
        level = effective_config(state.index.documents, state.subject)["compatibility"].partition("_")[0]
        spelling = properties.pop(SPELLING, level.capitalize())
        same = _POLICIES.get(spelling.lower().rstrip("s")) == level
        return {
            "name": str(state.subject),
            "version": version.number,
            "revision": version.number,
            "time": version.entry.created_at,
            "format": FORMAT,
            "compat_policy": spelling if same else level.capitalize(),
            # One client cannot read null.
            "description": properties.pop(DESCRIPTION, ""),
            "metadata": properties,
            "deleted": version.deleted,
            "definition": schema.text,
        }


def _state(store: ContractStore, subject: Subject) -> SubjectState:
    return subject_state(store, subject)


def _long_form(tokens: list[str]) -> tuple[str, list[str]] | None:
    """Return the version and the name of FORMAT.VERSION.REVISION.NAME, or None for a name alone."""
    if len(tokens) < 4 or tokens[0] not in (*FORMATS, "*"):
        return None
    if not all(each == "*" or (each.isascii() and each.isdigit()) for each in tokens[1:3]):
        return None
    return tokens[1], tokens[3:]


def _named(tokens: list[str], body: JSON) -> Subject:
    long = _long_form(tokens)
    name = ".".join(long[1] if long is not None else tokens)
    if body.get("name") not in (None, "", name):
        raise SchemaError(INVALID_NAME, f"The subject names {name}, and the body {body['name']!r:.80}")
    try:
        return parse_subject(name)
    except ConfluentError as error:
        raise SchemaError(INVALID_NAME, error.message) from None


def _object(body: bytes) -> JSON:
    try:
        found = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise SchemaError(BAD_REQUEST, f"The request is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise SchemaError(BAD_REQUEST, "The request must be a JSON object")
    return found


def _text(value: Any, member: str) -> str:
    if not isinstance(value, str):
        raise SchemaError(BAD_REQUEST, f"The member {member} must be a text")
    return value


def _texts(value: Any, member: str) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise SchemaError(BAD_REQUEST, f"The member {member} must be an object of texts")
    return dict(value)


async def _refuse(request: Request, code: int, message: str) -> None:
    # A header has one line.
    await request.respond_error(str(code), " ".join(message.split())[:1000])
