"""`/registry/webhooks`: where the events of the feed are sent. All of it is for administrators of every contract."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from contracts_app.api.auth.scopes import ADMIN
from contracts_app.api.requests import actor_of, check_parameters, if_match, read_fields, read_json
from contracts_app.api.responses import LIST_CACHING, respond, respond_json
from contracts_app.bundles import compact
from contracts_app.storage import Representation, contract_store
from contracts_app.webhooks.changes import (
    dead_letters,
    delete_webhook,
    find_webhook,
    redeliver,
    rotate_secret,
    send_test,
    set_webhook,
)
from contracts_app.webhooks.delivery import Outcome
from contracts_app.webhooks.hooks import check_webhook, check_webhook_name, webhooks_of
from contracts_app.webhooks.signing import secret_of


class WebhookViewSet(ViewSet):
    scopes = dict.fromkeys(("list", "get", "put", "delete", "rotate", "test", "failed", "redeliver"), ADMIN)

    def list(self, request: Request) -> HttpResponse:
        check_parameters(request)
        hooks = webhooks_of(contract_store().index("webhook").documents)
        return respond_json(request, {"webhooks": [hook.to_json() for _, hook in hooks.values()]})

    def get(self, request: Request, webhook: str) -> HttpResponse:
        check_parameters(request)
        sequence, hook = find_webhook(webhook)
        return respond(request, Representation(compact(hook.to_json()), f'"{sequence}"'), LIST_CACHING)

    def put(self, request: Request, webhook: str) -> Response:
        check_parameters(request)
        wanted = check_webhook(read_json(request, "a webhook, a JSON object with url"))
        sequence, hook, new = set_webhook(
            check_webhook_name(webhook), wanted, actor_of(request), expected_etag=if_match(request)
        )
        secret = {"secret": secret_of(hook.keys[0])} if new else {}
        response = Response({**hook.to_json(), **secret}, status=201 if new else 200)
        response["ETag"] = f'"{sequence}"'
        return response

    def delete(self, request: Request, webhook: str) -> HttpResponse:
        check_parameters(request)
        delete_webhook(webhook, actor_of(request), expected_etag=if_match(request))
        return HttpResponse(status=204)

    def rotate(self, request: Request, webhook: str) -> Response:
        check_parameters(request)
        hook = rotate_secret(webhook, actor_of(request))
        return Response({**hook.to_json(), "secret": secret_of(hook.keys[0])})

    def test(self, request: Request, webhook: str) -> Response:
        check_parameters(request)
        _, hook = find_webhook(webhook)
        return Response(_outcome_to_json(async_to_sync(send_test)(hook)))

    def failed(self, request: Request, webhook: str) -> HttpResponse:
        check_parameters(request)
        _, hook = find_webhook(webhook)
        members = ("event", "attempts", "status", "reason", "time")
        found = [{member: each[member] for member in members} for each in dead_letters(hook)]
        return respond_json(request, {"webhook": hook.name, "deadLetters": found})

    def redeliver(self, request: Request, webhook: str) -> Response:
        check_parameters(request)
        _, hook = find_webhook(webhook)
        event = str(read_fields(request, "event").get("event", ""))
        return Response(_outcome_to_json(async_to_sync(redeliver)(hook, event)))


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "delivered": outcome.delivered,
        "status": outcome.status,
        "reason": outcome.reason,
        "durationMs": round(outcome.seconds * 1000, 2),
    }
