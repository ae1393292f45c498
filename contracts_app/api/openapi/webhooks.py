"""The routes of webhooks in the OpenAPI document."""

from __future__ import annotations

from contracts_app.api.openapi.components import ref
from contracts_app.api.openapi.operations import CACHED, IF_MATCH, JSON, KNOWN, answer, operation, reads, takes

_TAG, _SCOPE = "Webhooks", "contracts:admin"
_NAME = {
    "name": "webhook",
    "in": "path",
    "required": True,
    "description": "The webhook: a-z, 0-9 and -",
    "schema": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$"},
    "example": "chat",
}


def webhook_paths() -> JSON:
    """Return the paths of webhooks."""
    at = "/registry/webhooks/{webhook}"
    body = takes(
        ref("WebhookRequest"), published={"url": "https://chat.example.com/hook", "types": ["contract.published"]}
    )
    written = {"ETag": "The new entity tag"}
    return {
        "/registry/webhooks": {
            "get": reads("Where events are sent", "list_webhooks", ref("Webhooks"), tag=_TAG, scope=_SCOPE)
        },
        at: {
            "parameters": [_NAME],
            "get": operation(
                *("A webhook, without its secret", "get_webhook", _TAG, _SCOPE),
                {200: answer("The webhook", ref("Webhook"), **CACHED), 304: KNOWN},
                404,
            ),
            "put": operation(
                *("Send events to a URL", "put_webhook", _TAG, _SCOPE),
                {
                    200: answer("Changed", ref("Webhook"), **written),
                    201: answer("Made; `secret` is shown this once", ref("Webhook"), **written),
                },
                *(409, 412, 413, 415),
                parameters=(IF_MATCH,),
                body=body,
            ),
            "delete": operation(
                *("Delete a webhook", "delete_webhook", _TAG, _SCOPE),
                {204: answer("Deleted")},
                *(404, 409, 412),
                parameters=(IF_MATCH,),
            ),
        },
        f"{at}/rotate": {
            "parameters": [_NAME],
            "post": operation(
                *(
                    "Give a webhook another secret; the present one is also used for a day",
                    "rotate_webhook",
                    _TAG,
                    _SCOPE,
                ),
                {200: answer("The webhook with its new secret", ref("Webhook"))},
                *(404, 409),
            ),
        },
        f"{at}/test": {
            "parameters": [_NAME],
            "post": operation(
                *("Send an event of the type webhook.test now", "test_webhook", _TAG, _SCOPE),
                {200: answer("What became of it", ref("Delivery"))},
                404,
            ),
        },
        f"{at}/dead-letters": {
            "parameters": [_NAME],
            "get": reads(
                "Events of the last 30 days that could not be delivered",
                "list_dead_letters",
                ref("DeadLetters"),
                404,
                tag=_TAG,
                scope=_SCOPE,
            ),
        },
        f"{at}/redeliver": {
            "parameters": [_NAME],
            "post": operation(
                *("Send a dead letter now", "redeliver", _TAG, _SCOPE),
                {200: answer("What became of it", ref("Delivery"))},
                *(404, 413, 415),
                body=takes(ref("Redeliver"), event={"event": "1a2b3c-42-1767609000123"}),
            ),
        },
    }
