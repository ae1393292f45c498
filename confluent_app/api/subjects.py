"""`/subjects`: registration, lookup, versions and deletion."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from confluent_app.api.views import (
    ConfluentViewSet,
    context_of,
    flag,
    may,
    named_subject,
    page,
    read_body,
    respond,
    respond_text,
)
from confluent_app.deletion import delete_subject, delete_version, find_version
from confluent_app.errors import SCHEMA_NOT_FOUND, SUBJECT_NOT_FOUND, ConfluentError
from confluent_app.numbering import SubjectState, SubjectVersion, schema_of, subject_state
from confluent_app.registration import Registered, lookup, register
from confluent_app.requests import read_schema, read_version
from confluent_app.responses import registered_to_json, version_to_json
from confluent_app.retrieval import listed_subjects, referring_ids
from contracts_app.api.auth.scopes import READ, REMOVE, WRITE
from contracts_app.api.requests import actor_of
from contracts_app.read_counts import read_counts
from contracts_app.storage import contract_store


class SubjectViewSet(ConfluentViewSet):
    def every(self, request: Request, context: str | None = None) -> HttpResponse:
        default = f":{context_of(context)}:" if context is not None else ":*:"
        found = listed_subjects(
            contract_store(),
            request.GET.get("subjectPrefix", default),
            deleted=flag(request, "deleted"),
            deleted_only=_only_deleted(request),
        )
        readable = [each for each in found if may(request, READ, each)]
        return respond(page(request, [each.name if context is not None else str(each) for each in readable]))

    def lookup(self, request: Request, subject: str, context: str | None = None) -> HttpResponse:
        named = named_subject(request, subject, context, READ)
        wanted, store = read_schema(read_body(request)), contract_store()
        found = lookup(named, wanted, store, normalize=flag(request, "normalize"), deleted=flag(request, "deleted"))
        return _respond_version(found.version, found, subject_state(store, named))

    def delete(self, request: Request, subject: str, context: str | None = None) -> HttpResponse:
        permanent = flag(request, "permanent")
        named = named_subject(request, subject, context, REMOVE if permanent else WRITE)
        return respond(delete_subject(named, actor_of(request), contract_store(), permanent=permanent))

    def versions(self, request: Request, subject: str, context: str | None = None) -> HttpResponse:
        state = self._state(request, subject, context)
        only, deleted = _only_deleted(request), flag(request, "deleted")
        if not (state.versions if deleted or only else state.active):
            raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{state.subject}' not found.")
        chosen = [each for each in state.versions if (each.deleted if only else deleted or not each.deleted)]
        return respond(page(request, [each.number for each in chosen]))

    def register(self, request: Request, subject: str, context: str | None = None) -> HttpResponse:
        named = named_subject(request, subject, context, WRITE)
        wanted = read_schema(read_body(request))
        store = contract_store()
        found = register(named, wanted, actor_of(request), store, normalize=flag(request, "normalize"))
        response = respond(registered_to_json(found))
        response["Registry-Contract"] = f"{found.version.entry.name}/{found.version.entry.version}"
        return response

    def version(self, request: Request, subject: str, version: str, context: str | None = None) -> HttpResponse:
        state, found = self._version(request, subject, version, context)
        read_counts.add(found.entry.name, found.entry.version)
        return _respond_version(found, None, state)

    def text(self, request: Request, subject: str, version: str, context: str | None = None) -> HttpResponse:
        state, found = self._version(request, subject, version, context)
        read_counts.add(found.entry.name, found.entry.version)
        return respond_text(schema_of(contract_store(), found, state.index).text)

    def referenced_by(self, request: Request, subject: str, version: str, context: str | None = None) -> HttpResponse:
        _, found = self._version(request, subject, version, context)
        return respond(page(request, referring_ids(contract_store(), found, deleted=flag(request, "deleted"))))

    def delete_version(self, request: Request, subject: str, version: str, context: str | None = None) -> HttpResponse:
        permanent = flag(request, "permanent")
        named = named_subject(request, subject, context, REMOVE if permanent else WRITE)
        number = read_version(version)
        return respond(delete_version(named, number, actor_of(request), contract_store(), permanent=permanent))

    def metadata(self, request: Request, subject: str, context: str | None = None) -> HttpResponse:
        state = self._state(request, subject, context)
        wanted = dict(zip(request.GET.getlist("key"), request.GET.getlist("value"), strict=False))
        versions = state.versions if flag(request, "deleted") else state.active
        if not versions:
            raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{state.subject}' not found.")
        for each in reversed(versions):
            if wanted.items() <= schema_of(contract_store(), each, state.index).properties.items():
                return _respond_version(each, None, state)
        raise ConfluentError(SCHEMA_NOT_FOUND, "No schema of the subject has this metadata")

    def _state(self, request: Request, subject: str, context: str | None) -> SubjectState:
        return subject_state(contract_store(), named_subject(request, subject, context, READ))

    def _version(
        self, request: Request, subject: str, version: str, context: str | None
    ) -> tuple[SubjectState, SubjectVersion]:
        number = read_version(version)
        state = self._state(request, subject, context)
        return state, find_version(state, number, deleted=flag(request, "deleted"))


def _only_deleted(request: Request) -> bool:
    return flag(request, "deletedOnly") or flag(request, "deleted_only")  # clients spell it in both ways


def _respond_version(version: SubjectVersion, found: Registered | None, state: SubjectState) -> HttpResponse:
    response = respond(version_to_json(contract_store(), version, state.index, found.schema if found else None))
    response["Registry-Contract"] = f"{version.entry.name}/{version.entry.version}"
    return response
