"""`/schemas`: schemas by their id or GUID, and lists of them."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from confluent_app.api.views import (
    MAX_LIST_ITEMS,
    ConfluentViewSet,
    context_of,
    flag,
    may,
    page,
    respond,
    respond_text,
)
from confluent_app.errors import SCHEMA_NOT_FOUND, ConfluentError
from confluent_app.numbering import SubjectVersion, bundle_of
from confluent_app.records import number_index
from confluent_app.requests import MAX_NUMBER
from confluent_app.responses import native_references, version_to_json
from confluent_app.retrieval import EVERY_CONTEXT, every_version, versions_with_id
from confluent_app.schemas import ConfluentSchema
from confluent_app.subjects import parse_subject
from contracts_app.api.auth.scopes import READ
from contracts_app.read_counts import read_counts
from contracts_app.storage import contract_store

TYPES = ("JSON",)


class SchemaViewSet(ConfluentViewSet):
    def types(self, request: Request, context: str | None = None) -> HttpResponse:
        return respond(TYPES)

    def every(self, request: Request, context: str | None = None) -> HttpResponse:
        prefix = request.GET.get("subjectPrefix", f":{context_of(context)}:" if context is not None else EVERY_CONTEXT)
        deleted, latest_only = flag(request, "deleted"), flag(request, "latestOnly")
        store = contract_store()
        found = every_version(store, prefix, deleted=deleted, latest_only=latest_only)
        chosen = page(request, [each for each in found if may(request, READ, each.subject)])[:MAX_LIST_ITEMS]
        index = store.index()
        return respond([version_to_json(store, each, index) for each in chosen])

    def get(self, request: Request, id: str, context: str | None = None) -> HttpResponse:
        versions = self._versions(request, id, context)
        store = contract_store()
        bundle = bundle_of(store, versions[0], store.index())
        read_counts.add(bundle.name, bundle.version)
        members = ConfluentSchema.of(bundle).to_json()
        if "references" not in members and (references := native_references(bundle, store)):
            members["references"] = references
        if flag(request, "fetchMaxId"):
            members["maxId"] = number_index(store.index()).last_id(versions[0].subject.context)
        return respond(members)

    def text(self, request: Request, id: str, context: str | None = None) -> HttpResponse:
        store = contract_store()
        version = self._versions(request, id, context)[0]
        bundle = bundle_of(store, version, store.index())
        read_counts.add(bundle.name, bundle.version)
        return respond_text(ConfluentSchema.of(bundle).text)

    def subjects(self, request: Request, id: str, context: str | None = None) -> HttpResponse:
        chosen = self._chosen(request, id, context)
        names = [each.subject.name if context is not None else str(each.subject) for each in chosen]
        return respond(page(request, list(dict.fromkeys(names))))

    def versions(self, request: Request, id: str, context: str | None = None) -> HttpResponse:
        chosen = self._chosen(request, id, context)
        return respond(page(request, [{"subject": str(each.subject), "version": each.number} for each in chosen]))

    def guid(self, request: Request, guid: str, context: str | None = None) -> HttpResponse:
        store = contract_store()
        return respond(ConfluentSchema.of(bundle_of(store, self._with_guid(request, guid)[0], store.index())).to_json())

    def guid_ids(self, request: Request, guid: str, context: str | None = None) -> HttpResponse:
        found = {(each.subject.context, each.id) for each in self._with_guid(request, guid)}
        return respond([{"context": where, "id": id_} for where, id_ in sorted(found)])

    def _with_guid(self, request: Request, guid: str) -> list[SubjectVersion]:
        store = contract_store()
        found = [
            each
            for context, id_ in number_index(store.index()).places_with(guid)
            for each in versions_with_id(store, context, id_)
            if may(request, READ, each.subject)
        ]
        if not found:
            raise ConfluentError(SCHEMA_NOT_FOUND, f"Schema {guid!r:.60} not found")
        return found

    def _versions(self, request: Request, id_: str, context: str | None) -> list[SubjectVersion]:
        """Return the versions with an id that the token may read, soft-deleted ones included."""
        if not id_.isascii() or not id_.isdigit() or int(id_) > MAX_NUMBER:
            raise ConfluentError(404, f"HTTP 404 Not Found: {id_!r:.40} is not an id")
        where = context_of(context)
        if context is None and request.GET.get("subject", "").startswith(":."):
            where = parse_subject(request.GET["subject"]).context
        found = [
            each for each in versions_with_id(contract_store(), where, int(id_)) if may(request, READ, each.subject)
        ]
        if not found:
            raise ConfluentError(SCHEMA_NOT_FOUND, f"Schema {id_} not found")
        return found

    def _chosen(self, request: Request, id_: str, context: str | None) -> list[SubjectVersion]:
        """Return those that the parameters `subject` and `deleted` choose."""
        subject = request.GET.get("subject", "")
        versions = [
            each
            for each in self._versions(request, id_, context)
            if (not each.deleted or flag(request, "deleted"))
            and (not subject or subject in (str(each.subject), each.subject.name))
        ]
        return versions
