"""`/registry/webhooks`: setting webhooks, their secrets, and trying them."""

from __future__ import annotations

import http.server
import json
import ssl
import threading

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from contracts_app.storage import contract_store
from tests.api.conftest import make_token
from tests.serving.test_tls import openssl
from tests.webhooks.conftest import put

URL = "https://chat.example.com/hook"


def test_a_webhook_is_made_read_changed_and_deleted(hooks):
    made = put(hooks, "chat", url=URL, types=["contract.published"], contracts=["payments.*"])
    assert made.status_code == 201
    secret = made.json()["secret"]
    assert secret.startswith("whsec_")
    shown = {"name": "chat", "url": URL, "types": ["contract.published"], "contracts": ["payments.*"]}
    shown |= {"enabled": True, "description": "", "key": made.json()["key"]}
    read = hooks.get("/registry/webhooks/chat")
    assert read.json() == shown
    assert read["ETag"] == made["ETag"]
    assert hooks.get("/registry/webhooks").json() == {"webhooks": [shown]}

    changed = put(hooks, "chat", url=URL, enabled=False)
    assert (changed.status_code, "secret" in changed.json()) == (200, False)
    assert changed.json()["key"] == shown["key"]
    assert secret not in contract_store().document("webhook.chat")[1].decode()

    old = hooks.headers({"If-Match": made["ETag"]})
    assert hooks.client.delete("/registry/webhooks/chat", headers=old).status_code == 412
    assert hooks.client.delete("/registry/webhooks/chat", headers=hooks.headers({})).status_code == 204
    assert hooks.get("/registry/webhooks/chat").status_code == 404
    assert hooks.client.delete("/registry/webhooks/chat", headers=hooks.headers({})).status_code == 404
    assert put(hooks, "chat", url=URL).json()["secret"] != secret


@pytest.mark.parametrize(
    ("hook", "field"),
    [
        ({}, "url"),
        ({"url": 1}, "url"),
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://a b/"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://example.com:99999"}, "url"),
        ({"url": "https://user:secret@example.com"}, "url"),
        ({"url": "https://example.com/#a"}, "url"),
        ({"url": "https://example.com/\r\nX: 1"}, "url"),
        ({"url": "https://ex\u00e4mple.com"}, "url"),
        ({"url": f"https://example.com/{'a' * 1000}"}, "url"),
        ({"url": URL, "types": "contract.published"}, "types"),
        ({"url": URL, "types": ["Published"]}, "types"),
        ({"url": URL, "contracts": ["a..b"]}, "contracts"),
        ({"url": URL, "contracts": ["*"]}, "contracts"),
        ({"url": URL, "contracts": ["a"] * 101}, "contracts"),
        ({"url": URL, "enabled": "no"}, "enabled"),
        ({"url": URL, "description": "two\nlines"}, "description"),
        ({"url": URL, "secret": "x"}, None),
    ],
)
def test_what_is_no_webhook_is_refused(hooks, hook, field):
    response = put(hooks, "chat", **hook)
    assert response.status_code == 400
    assert response.json().get("field") == field
    assert hooks.get("/registry/webhooks").json() == {"webhooks": []}


@pytest.mark.parametrize("name", ["Chat", "a.b", "-a", "a-", "a" * 65, "a b"])
def test_what_is_no_name_is_refused(hooks, name):
    response = put(hooks, name, url=URL)
    assert (response.status_code, response.json()["field"]) == (400, "name")


def test_only_administrators_of_every_contract_see_and_set_webhooks(hooks):
    put(hooks, "chat", url=URL)
    for scopes in (("contracts:read", "contracts:write"), ("contracts:admin:payments.*",)):
        hooks.token = make_token(*scopes)
        assert put(hooks, "chat", url=URL).status_code == 403
        assert put(hooks, "payments.a", url=URL).status_code == 403
        for path in ("", "/chat", "/chat/dead-letters"):
            assert hooks.get(f"/registry/webhooks{path}").status_code == 403
        for path in ("rotate", "test", "redeliver"):
            assert hooks.post({}, f"/registry/webhooks/chat/{path}").status_code == 403


def test_the_feed_does_not_show_where_events_are_sent(hooks):
    put(hooks, "chat", url=f"{URL}?token=private")
    hooks.token = make_token("contracts:read")
    (event,) = hooks.get("/registry/events?since=0").json()["events"]
    assert (event["type"], event["subject"]) == ("webhook.set", "webhook.chat")
    assert "private" not in json.dumps(event)
    hooks.token = make_token("contracts:audit")
    (entry,) = hooks.get("/registry/audit").json()["entries"]
    assert (entry["action"], entry["actor"]) == ("set-webhook", "tester")


def test_there_are_at_most_a_hundred(hooks):
    for number in range(100):
        assert put(hooks, f"hook-{number}", url=URL).status_code == 201
    refused = put(hooks, "one-more", url=URL)
    assert refused.status_code == 409
    assert "delete one that is not used" in refused.json()["detail"]
    assert put(hooks, "hook-1", url=URL, enabled=False).status_code == 200


# Trying one


def tried(hooks, name="chat"):
    response = hooks.post({}, f"/registry/webhooks/{name}/test")
    assert response.status_code == 200
    return response.json()


def test_a_test_event_is_signed(hooks, receiver):
    secret = put(hooks, "chat", url=receiver.url).json()["secret"]
    assert tried(hooks) | {"durationMs": 0} == {
        "delivered": True,
        "status": 204,
        "reason": "delivered",
        "durationMs": 0,
    }
    ((headers, body),) = receiver.requests
    event = Webhook(secret).verify(body, headers)
    assert (event["type"], event["id"]) == ("webhook.test", headers["webhook-id"])
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    assert headers["content-type"] == "application/cloudevents+json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"chat", b"chit"), headers)


def test_after_a_rotation_both_secrets_verify_for_a_day(hooks, receiver, monkeypatch):
    first = put(hooks, "chat", url=receiver.url).json()["secret"]
    second = hooks.post({}, "/registry/webhooks/chat/rotate").json()["secret"]
    assert first != second
    tried(hooks)
    headers, body = receiver.requests[-1]
    for secret in (first, second):
        assert Webhook(secret).verify(body, headers)
    monkeypatch.setattr("contracts_app.webhooks.signing.utc_now", lambda: "2999-01-01T00:00:00Z")
    tried(hooks)
    headers, body = receiver.requests[-1]
    assert Webhook(second).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(body, headers)


def test_another_secret_key_is_noticed(hooks, receiver, settings):
    put(hooks, "chat", url=receiver.url)
    settings.SECRET_KEY = "another" * 10
    assert "made with another SECRET_KEY" in tried(hooks)["reason"]
    assert receiver.requests == []
    assert hooks.post({}, "/registry/webhooks/chat/rotate").status_code == 200
    # The secret before cannot be made any more.
    assert tried(hooks)["delivered"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(hooks, receiver, status):
    put(hooks, "chat", url=receiver.url)
    receiver.answers, receiver.headers = lambda event: status, {"Location": receiver.url}
    outcome = tried(hooks)
    assert (outcome["delivered"], outcome["status"]) == (False, status)
    assert outcome["reason"] == f"{status} redirects are not followed"
    assert len(receiver.requests) == 1


def test_a_private_address_is_refused(hooks, receiver, settings):
    put(hooks, "chat", url=receiver.url.replace("127.0.0.1", "localhost"))
    settings.WEBHOOK_NETWORKS = []
    outcome = tried(hooks)
    assert not outcome["delivered"]
    assert "is no public address; an operator may name its network in WEBHOOK_NETWORKS" in outcome["reason"]
    assert receiver.requests == []


def test_no_proxy_is_used(hooks, receiver, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    put(hooks, "chat", url=receiver.url)
    assert tried(hooks)["delivered"]


def test_a_receiver_that_does_not_answer_in_time(hooks, receiver, settings):
    settings.WEBHOOK_TIMEOUT = 0.3
    waiting = threading.Event()
    receiver.answers = lambda event: 204 if waiting.wait(10) else 500
    put(hooks, "chat", url=receiver.url)
    assert tried(hooks)["reason"] == "no response within 0.3 seconds"
    waiting.set()


def test_a_receiver_that_is_not_there(hooks):
    put(hooks, "chat", url="http://127.0.0.1:9/")
    assert tried(hooks)["reason"].startswith("ConnectError")
    put(hooks, "chat", url="https://no-such-host.invalid/")
    assert tried(hooks)["reason"].startswith("the host is not found: ")


def test_the_certificate_must_be_that_of_the_host(hooks, tmp_path, monkeypatch):
    files = "-keyout key.pem -out cert.pem"
    openssl(
        tmp_path,
        f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost {files} -addext subjectAltName=DNS:localhost",
    )
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.headers["Host"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    put(hooks, "chat", url=f"https://localhost:{port}/")
    put(hooks, "other", url=f"https://127.0.0.1:{port}/")
    assert "certificate verify failed" in tried(hooks)["reason"]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    assert tried(hooks)["delivered"]
    assert "certificate verify failed" in tried(hooks, "other")["reason"]
    assert seen == [f"localhost:{port}"]
    server.shutdown()
    server.server_close()
