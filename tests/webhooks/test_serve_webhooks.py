"""`manage.py serve_webhooks` in processes of its own: nothing is lost, whatever stops, and failures end somewhere."""

from __future__ import annotations

import asyncio
import json

import nats
from standardwebhooks import Webhook

from tests.conftest import LOGIN
from tests.webhooks.conftest import put, wait_until


def consumers(nats_server, bucket):
    async def named():
        client = await nats.connect(nats_server.url, **LOGIN)
        found = await client.jetstream().consumers_info(f"KV_{bucket}")
        await client.close()
        return [each.name for each in found if each.name.startswith("webhook-")]

    return asyncio.run(named())


def test_events_after_the_webhook_was_set_are_sent_in_order(hooks, receiver, run):
    hooks.publish("before", "1.0.0")
    secret = put(hooks, "chat", url=receiver.url).json()["secret"]
    hooks.publish("a", "1.0.0")
    run()
    receiver.wait(1)
    for number in range(5):
        hooks.publish("b", f"1.{number}.0")
    events = receiver.wait(6)
    assert receiver.subjects() == ["a/1.0.0", *(f"b/1.{number}.0" for number in range(5))]
    feed = hooks.get("/registry/events?since=0").json()["events"]
    assert events == feed[2:]
    for headers, body in receiver.requests:
        assert Webhook(secret).verify(body, headers)["id"] == headers["webhook-id"]


def test_nothing_is_lost_over_restarts(hooks, receiver, run):
    put(hooks, "chat", url=receiver.url)
    process = run()
    hooks.publish("a", "1.0.0")
    receiver.wait(1)
    process.kill()
    process.wait()
    process.terminate = lambda: None
    process.wait = lambda seconds: 0
    hooks.publish("a", "1.1.0")
    hooks.publish("a", "1.2.0")
    run()
    receiver.wait(3)
    assert receiver.subjects() == ["a/1.0.0", "a/1.1.0", "a/1.2.0"]


def test_filters(hooks, receiver, run):
    put(hooks, "chat", url=receiver.url, types=["contract.published"], contracts=["pay.*", "order"])
    run()
    hooks.publish("pay.a", "1.0.0")
    hooks.publish("other", "1.0.0")
    put(hooks, "more", url="https://example.com", enabled=False)
    hooks.post({"reason": "old"}, "/registry/contracts/pay.a/1.0.0/deprecate")
    hooks.publish("order", "1.0.0")
    receiver.wait(2)
    assert receiver.subjects() == ["pay.a/1.0.0", "order/1.0.0"]


def test_one_failing_event_does_not_stop_the_others_and_ends_as_a_dead_letter(hooks, receiver, run, tmp_path):
    receiver.answers = lambda event: 500 if event["subject"] == "bad/1.0.0" else 204
    put(hooks, "chat", url=receiver.url)
    run()
    hooks.publish("bad", "1.0.0")
    hooks.publish("good", "1.0.0")
    path = "/registry/webhooks/chat/dead-letters"
    wait_until(lambda: hooks.get(path).json()["deadLetters"])
    assert sorted(receiver.subjects()) == ["bad/1.0.0"] * 3 + ["good/1.0.0"]
    (letter,) = hooks.get(path).json()["deadLetters"]
    assert (letter["attempts"], letter["status"]) == (3, 500)
    assert letter["reason"] == "500 Internal Server Error"
    assert letter["event"] == next(each for each in receiver.events if each["subject"] == "bad/1.0.0")
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [each["attempt"] for each in lines if each["message"] == "webhook failed"] == [1, 2, 3]

    again = {"event": letter["event"]["id"]}
    assert not hooks.post(again, "/registry/webhooks/chat/redeliver").json()["delivered"]
    receiver.answers = lambda event: 200
    assert hooks.post(again, "/registry/webhooks/chat/redeliver").json()["delivered"]
    assert receiver.events[-1] == letter["event"]
    assert hooks.get(path).json()["deadLetters"] == []
    assert hooks.post(again, "/registry/webhooks/chat/redeliver").status_code == 404
    assert hooks.post({"event": "x y"}, "/registry/webhooks/chat/redeliver").status_code == 400


def test_an_event_is_sent_again_until_it_is_received(hooks, receiver, run):
    seen = []
    receiver.answers = lambda event: seen.append(event["id"]) or (503 if len(seen) < 3 else 200)
    put(hooks, "chat", url=receiver.url)
    run()
    hooks.publish("a", "1.0.0")
    receiver.wait(3)
    assert len(set(seen)) == 1
    assert hooks.get("/registry/webhooks/chat/dead-letters").json()["deadLetters"] == []


def test_a_receiver_may_ask_for_time(hooks, receiver, run):
    receiver.answers, receiver.headers = lambda event: 429, {"Retry-After": "3600"}
    put(hooks, "chat", url=receiver.url)
    run()
    hooks.publish("a", "1.0.0")
    hooks.publish("b", "1.0.0")
    receiver.wait(2)
    hooks.publish("c", "1.0.0")
    receiver.wait(3)
    assert receiver.subjects() == ["a/1.0.0", "b/1.0.0", "c/1.0.0"]  # none of them a second time


def test_a_receiver_that_is_gone_is_left_alone_until_somebody_enables_it(hooks, receiver, run):
    receiver.answers = lambda event: 410
    put(hooks, "chat", url=receiver.url)
    run()
    hooks.publish("a", "1.0.0")
    wait_until(lambda: hooks.get("/registry/webhooks/chat").json()["enabled"] is False)
    hooks.publish("b", "1.0.0")
    audit = hooks.get("/registry/audit?action=set-webhook").json()["entries"]
    assert (audit[-1]["actor"], audit[-1]["after"]["enabled"]) == ("webhooks", False)
    receiver.answers = lambda event: 200
    put(hooks, "chat", url=receiver.url)
    wait_until(lambda: {"a/1.0.0", "b/1.0.0"} <= set(receiver.subjects()[1:]))


def test_the_consumer_goes_with_the_webhook(hooks, receiver, run, nats_server, bucket):
    put(hooks, "chat", url=receiver.url)
    process = run()
    wait_until(lambda: consumers(nats_server, bucket))
    hooks.client.delete("/registry/webhooks/chat", headers=hooks.headers({}))
    wait_until(lambda: not consumers(nats_server, bucket))
    put(hooks, "chat", url=receiver.url)
    wait_until(lambda: consumers(nats_server, bucket))
    process.terminate()
    assert process.wait(20) == 0
    hooks.client.delete("/registry/webhooks/chat", headers=hooks.headers({}))
    put(hooks, "next", url=receiver.url)
    run()
    wait_until(lambda: len(consumers(nats_server, bucket)) == 1)
    hooks.publish("a", "1.0.0")
    wait_until(lambda: receiver.subjects()[-1:] == ["a/1.0.0"])


def test_several_processes_send_each_event_once(hooks, receiver, run):
    put(hooks, "chat", url=receiver.url)
    run()
    run()
    for number in range(30):
        hooks.publish("a", f"1.{number}.0")
    receiver.wait(30)
    assert sorted(receiver.subjects()) == sorted(f"a/1.{number}.0" for number in range(30))


def test_a_process_with_another_secret_key_sends_nothing_and_loses_nothing(hooks, receiver, run, tmp_path):
    put(hooks, "chat", url=receiver.url)
    process = run(SECRET_KEY="another" * 10, WEBHOOK_RETRY_SECONDS="1,1,1,1,1,1,1,1,1,1")
    hooks.publish("a", "1.0.0")
    wait_until(lambda: "another SECRET_KEY" in (tmp_path / "log").read_text())
    assert receiver.requests == []
    process.terminate()
    assert process.wait(20) == 0
    run()
    assert [each["subject"] for each in receiver.wait(1)] == ["a/1.0.0"]
