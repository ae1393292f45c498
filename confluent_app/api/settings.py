"""`/config` and `/mode`: levels, other settings and modes; `/compatibility`; `/contexts`."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from confluent_app.api.views import ConfluentViewSet, context_of, flag, named_subject, page, read_body, respond
from confluent_app.compatibility import compared_versions, incompatibilities
from confluent_app.errors import NO_LEVEL, NO_MODE, NOT_PERMITTED, SUBJECT_NOT_FOUND, VERSION_NOT_FOUND, ConfluentError
from confluent_app.numbering import subject_state
from confluent_app.registration import unpublished_bundle
from confluent_app.requests import LATEST, read_schema, read_version
from confluent_app.retrieval import contexts, listed_subjects
from confluent_app.settings_records import (
    IMPORT,
    READWRITE,
    check_config,
    check_mode,
    delete_config,
    effective_config,
    effective_mode,
    own_config,
    own_mode,
    set_config,
    set_mode,
)
from confluent_app.subjects import Subject
from contracts_app.api.auth.scopes import ADMIN, READ, require
from contracts_app.api.requests import actor_of
from contracts_app.storage import contract_store


def _named(request: Request, subject: str | None, context: str | None, scope: str) -> Subject:
    """Return a subject, or with none what is set for its context or for all."""
    if subject is None:
        return Subject(context_of(context), "")
    return named_subject(request, subject, context, scope, follow=False)


def _config_to_json(config: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in config.items() if name != "compatibility"}
    return {"compatibilityLevel": config["compatibility"]} | rest if "compatibility" in config else rest


class ConfigViewSet(ConfluentViewSet):
    def get(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = _named(request, subject, context, READ)
        documents = contract_store().index("confluent").documents
        config = own_config(documents, where)
        if "compatibility" not in config:
            if where.name and not config and not flag(request, "defaultToGlobal"):
                raise ConfluentError(
                    NO_LEVEL, f"Subject '{where}' does not have subject-level compatibility configured"
                )
            config = effective_config(documents, where)
        return respond(_config_to_json(config))

    def put(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = self._administered(request, subject, context)
        given = check_config(read_body(request))
        set_config(contract_store(), where, given, actor_of(request))
        config = effective_config(contract_store().index("confluent").documents, where)
        return respond({"compatibility": config["compatibility"]} | given | _config_to_json(config))

    def delete(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = self._administered(request, subject, context)
        before = delete_config(contract_store(), where, actor_of(request))
        if where.name and not before:
            raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{where}' has no settings of its own")
        return respond(_config_to_json({"compatibility": "BACKWARD"} | before))

    def _administered(self, request: Request, subject: str | None, context: str | None) -> Subject:
        where = _named(request, subject, context, ADMIN)
        if not where.name:
            require(request, ADMIN)
        return where


class ModeViewSet(ConfigViewSet):
    def get(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = _named(request, subject, context, READ)
        documents = contract_store().index("confluent").documents
        mode = own_mode(documents, where)
        if mode is None and where.name and not flag(request, "defaultToGlobal"):
            raise ConfluentError(NO_MODE, f"Subject '{where}' does not have subject-level mode configured")
        return respond({"mode": mode or effective_mode(documents, where)})

    def put(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = self._administered(request, subject, context)
        mode = check_mode(read_body(request))
        if mode == IMPORT and not flag(request, "force"):
            _check_empty(where)
        set_mode(contract_store(), where, mode, actor_of(request))
        return respond({"mode": mode})

    def delete(self, request: Request, subject: str | None = None, context: str | None = None) -> HttpResponse:
        where = self._administered(request, subject, context)
        before = set_mode(contract_store(), where, None, actor_of(request))
        if where.name and before is None:
            raise ConfluentError(SUBJECT_NOT_FOUND, f"Subject '{where}' has no mode of its own")
        return respond({"mode": before or READWRITE})


def _check_empty(where: Subject) -> None:
    """Raise ConfluentError if there are schemas, and the mode is not IMPORT already."""
    store = contract_store()
    if effective_mode(store.index("confluent").documents, where) == IMPORT:
        return
    present = (
        [where]
        if where.name and subject_state(store, where).active
        else []
        if where.name
        else listed_subjects(store, f":{where.context}:", deleted=False, deleted_only=False)
    )
    if present:
        raise ConfluentError(
            NOT_PERMITTED,
            f"Cannot import since found existing subjects: {', '.join(map(str, present[:5]))}; force=true does so",
        )


class CompatibilityViewSet(ConfluentViewSet):
    def check(
        self, request: Request, subject: str, version: str | None = None, context: str | None = None
    ) -> HttpResponse:
        named = named_subject(request, subject, context, READ)
        wanted, store = read_schema(read_body(request)), contract_store()
        number = None if version is None else read_version(version)
        state = subject_state(store, named)
        config = effective_config(state.index.documents, named)
        if flag(request, "normalize") or config.get("normalize"):
            wanted = wanted.normalized()
        if number is None:
            versions = compared_versions(wanted.schema, state, config, store)
        else:
            versions = [each for each in state.active if number in (LATEST, each.number)][-1:]
            if not versions and number != LATEST:
                raise ConfluentError(VERSION_NOT_FOUND, f"Version {number} not found.")
        bundle = unpublished_bundle(wanted.schema, named, store)
        messages = incompatibilities(bundle, versions, config["compatibility"], state, store)
        answer: dict[str, Any] = {"is_compatible": not messages}
        return respond(answer | {"messages": messages} if flag(request, "verbose") else answer)


class ContextViewSet(ConfluentViewSet):
    def list(self, request: Request) -> HttpResponse:
        return respond(page(request, contexts(contract_store())))
