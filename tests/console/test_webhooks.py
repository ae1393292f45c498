"""The pages of the webhooks: set, tried, sent again, and only for those who may change every policy."""

from __future__ import annotations

import ipaddress
import re

import pytest
from django.contrib.auth.models import Group
from standardwebhooks import Webhook

from contracts_app.services.events import EventId, event_of
from contracts_app.storage import contract_store
from contracts_app.webhooks.changes import dead_letters, find_webhook, keep_dead_letter
from contracts_app.webhooks.delivery import Outcome
from tests.console.conftest import publish, text, url
from tests.webhooks.conftest import receiver  # noqa: F401  a fixture


@pytest.fixture
def reachable(settings):
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


def followed(console, page, name, **data):
    return console.client.post(url(page, name), data, follow=True)


def filled(**more):
    return {"name": "chat", "url": "https://example.com/hook", "enabled": "on"} | more


def test_a_webhook_is_made_changed_and_deleted(console):
    assert "No events are sent to other services yet" in text(console.get("webhook_changelist"))
    made = console.post("webhook_add", **filled(types="contract.published, contract.withdrawn", contracts="pay.*"))
    assert re.search("whsec_[A-Za-z0-9+/=]{44}", made.content.decode())
    assert "no-store" in made["Cache-Control"]
    _, hook = find_webhook("chat")
    assert (hook.types, hook.contracts, hook.enabled) == (
        ("contract.published", "contract.withdrawn"),
        ("pay.*",),
        True,
    )
    assert "whsec_" not in console.get("webhook_change", "chat").content.decode()
    again = console.post("webhook_add", **filled())
    assert "exists already" in str(again.context["form"].errors["name"])

    assert console.post("webhook_change", "chat", url="https://example.com/other", types="").status_code == 302
    _, hook = find_webhook("chat")
    assert (hook.url, hook.types, hook.enabled) == ("https://example.com/other", (), False)
    listed = text(console.get("webhook_changelist"))
    assert "https://example.com/other" in listed
    assert "disabled" in listed
    rotated = console.post("webhook_change", "chat", rotate="1").content.decode()
    assert re.search("whsec_[A-Za-z0-9+/=]{44}", rotated)

    assert "Delete this webhook?" in text(console.post("webhook_change", "chat", delete="1"))
    assert find_webhook("chat")
    assert console.post("webhook_change", "chat", delete="1", confirm="1").status_code == 302
    assert console.get("webhook_change", "chat").status_code == 404
    actions = [write.audit.action for write in contract_store().history()]
    assert actions == ["set-webhook"] * 3 + ["delete-webhook"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "Chat"}, "name"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user@example.com"}, "url"),
        ({"types": "Published"}, "types"),
        ({"contracts": "a..b"}, "contracts"),
    ],
)
def test_faults_are_shown_at_their_fields(console, given, field):
    response = console.post("webhook_add", **filled(**given))
    assert field in response.context["form"].errors
    assert console.get("webhook_change", "chat").status_code == 404


def test_it_is_tried_and_dead_letters_are_sent_again(console, receiver, reachable):  # noqa: F811
    made = console.post("webhook_add", **filled(url=receiver.url))
    secret = re.search("whsec_[A-Za-z0-9+/=]{44}", made.content.decode())[0]
    assert "The event was delivered (204)" in text(followed(console, "webhook_change", "chat", test="1"))
    headers, body = receiver.requests[-1]
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"

    publish("order", "1.0.0", {})
    _, hook = find_webhook("chat")
    store = contract_store()
    event = event_of(store.history()[-1], store.position().stream)
    keep_dead_letter(hook, event, 3, Outcome(False, 500, "500 <Oops>", 0.1), store)
    shown = text(console.get("webhook_change", "chat"))
    assert "1 event of the last 30 days" in shown
    assert "3 attempts: 500 &lt;Oops&gt;" in shown
    receiver.answers = lambda event: 503
    assert "was not delivered: 503" in text(followed(console, "webhook_change", "chat", redeliver=str(event.id)))
    assert dead_letters(hook)
    receiver.answers = lambda event: 200
    assert "The event was delivered (200)" in text(followed(console, "webhook_change", "chat", redeliver=str(event.id)))
    assert dead_letters(hook) == []
    assert EventId.parse(receiver.events[-1]["id"]) == event.id
    assert "No dead letter" in text(followed(console, "webhook_change", "chat", redeliver=str(event.id)))


def test_webhooks_are_for_those_who_may_change_every_policy(console):
    console.post("webhook_add", **filled())
    Group.objects.create(name="steward:order")
    limited = console.member("steward:order", name="limited")
    assert limited.get("webhook_changelist").status_code == 403
    assert limited.get("webhook_change", "chat").status_code == 403
    assert limited.post("webhook_change", "chat", delete="1", confirm="1").status_code == 403
    assert limited.post("webhook_add", **filled(name="other")).status_code == 403
    assert "webhook" not in limited.get("contract_changelist").content.decode().lower()
    assert "/webhook/" in console.get("contract_changelist").content.decode()
