"""Drills with one nats-server: what administrators and disks do to the bucket."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import threading
import time

import httpx
import nats
import pytest
from nats.js import api

from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.commands.serving import serving
from tests.drills.cluster import until
from tests.drills.ledger import HEADERS

BUCKET = "drill"
STREAM = f"KV_{BUCKET}"


@pytest.fixture
def server(tmp_path):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=1024 * 1024)
    server.start()
    yield server
    server.stop()


def restarted(server, tmp_path):
    """Start a server again that was stopped."""
    again = EmbeddedServer(tmp_path / "nats", port=server.port, max_record_bytes=1024 * 1024)
    again.start()
    return again


@pytest.fixture(params=["true", "false"], ids=["several hosts", "one host"])
def url(request, server, tmp_path):
    more = {"REGISTRY_KV_BUCKET": BUCKET, "VAR_DIR": str(tmp_path / "var"), "REGISTRY_SEVERAL_HOSTS": request.param}
    with serving(server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi", **more) as (url, _):
        yield url


def administer(server, work):
    """Return the result of `work(js)`, as an administrator with a connection of their own."""

    async def connected():
        client = await nats.connect(server.url)
        try:
            return await work(client.jetstream())
        finally:
            await client.close()

    return asyncio.run(connected())


def publish(url: str, name: str, version: str = "1.0.0", schema: object = True) -> httpx.Response:
    body = {"name": name, "version": version, "jsonSchema": schema}
    return httpx.post(f"{url}/registry/contracts", json=body, headers=HEADERS, timeout=30)


def get(url: str, name: str, version: str = "1.0.0") -> int:
    return httpx.get(f"{url}/registry/contracts/{name}/{version}", headers=HEADERS, timeout=30).status_code


def names(url: str) -> list[str]:
    answer = httpx.get(f"{url}/registry/contracts", headers=HEADERS, timeout=30)
    return sorted({each["name"] for each in answer.json()["contracts"]})


def repeatedly(found, number: int = 20):
    """Return the different results of several requests, which reach different workers."""
    return {json.dumps(found()) for _ in range(number)}


@pytest.mark.parametrize(
    "vanish",
    [
        lambda js: js.purge_stream(STREAM, subject=f"$KV.{BUCKET}.meta.gone.>"),
        lambda js: js.purge_stream(STREAM, seq=3),
    ],
    ids=["a subject", "the oldest messages"],
)
def test_what_is_purged_is_gone_at_once(server, url, vanish):
    for name in ("gone", "other", "third"):
        assert publish(url, name).status_code == 201
    administer(server, vanish)
    expected = ["other", "third"] if get(url, "other") == 200 else ["third"]
    assert repeatedly(lambda: names(url)) == {json.dumps(expected)}
    assert get(url, "gone") == 404
    assert publish(url, "gone").status_code == 201
    assert "gone" in names(url)


def test_settings_that_lose_messages_are_refused_while_they_last(server, url):
    assert publish(url, "kept").status_code == 201

    async def expire(js, seconds):
        config = (await js.stream_info(STREAM)).config
        await js.update_stream(config.evolve(max_age=seconds))

    administer(server, lambda js: expire(js, 3600.0))
    # A worker that has only just begun gives another reason, which ends when its replica is loaded.
    until(lambda: "--max-age=0" in httpx.get(f"{url}/readyz").text, 3)
    assert httpx.get(f"{url}/readyz").status_code == 503
    until(lambda: "--max-age=0" in publish(url, "refused").text, 3)
    assert get(url, "kept") == 503
    administer(server, lambda js: expire(js, 0))
    until(lambda: repeatedly(lambda: httpx.get(f"{url}/readyz").status_code) == {"200"}, 3)
    assert publish(url, "accepted").status_code == 201


def test_a_deleted_message_is_noticed_in_a_bucket_that_allows_it(server, tmp_path):
    subjects, new = [f"$KV.{BUCKET}.>"], api.DiscardPolicy.NEW
    config = api.StreamConfig(name=STREAM, subjects=subjects, discard=new, max_msgs_per_subject=64, allow_direct=True)
    administer(server, lambda js: js.add_stream(config))
    more = {"REGISTRY_KV_BUCKET": BUCKET, "VAR_DIR": str(tmp_path / "var"), "REGISTRY_SEVERAL_HOSTS": "true"}
    with serving(server.url, tmp_path / "log", "--workers", "2", "registry_project.asgi", **more) as (url, _):
        assert publish(url, "here").status_code == 201
        deprecated = httpx.post(f"{url}/registry/contracts/here/1.0.0/deprecate", json={}, headers=HEADERS)
        assert deprecated.status_code == 200
        administer(server, lambda js: js.delete_msg(STREAM, 2))
        states = repeatedly(lambda: httpx.get(f"{url}/registry/contracts/here", headers=HEADERS).json()["versions"])
        assert len(states) == 1
        assert "deprecated" not in states.pop()


def test_a_bucket_made_anew_is_read_without_a_stale_answer(server, url):
    """Reads go on all the time; each that begins after the new bucket has its content must show that."""
    assert publish(url, "before").status_code == 201
    wrong, done, since = [], threading.Event(), [float("inf")]

    def read() -> None:
        with httpx.Client(base_url=url, headers=HEADERS, timeout=30) as client:
            while not done.is_set():
                begun = time.monotonic()
                before, after = (
                    client.get(f"/registry/contracts/{each}/1.0.0").status_code for each in ("before", "after")
                )
                if begun > since[0] and (before == 200 or after == 404):
                    wrong.append((round(begun - since[0], 3), before, after))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    record = administer(server, lambda js: js.get_msg(STREAM, seq=1)).data.replace(b"before", b"after")

    async def replace(js):
        config = (await js.stream_info(STREAM)).config
        await js.delete_stream(STREAM)
        await js.add_stream(config)
        for number in range(5):
            await js.publish(f"$KV.{BUCKET}.meta.filler.1.{number}.0", record)
        await js.publish(f"$KV.{BUCKET}.meta.after.1.0.0", record)
        since[0] = time.monotonic()

    time.sleep(0.5)
    administer(server, replace)
    time.sleep(2)
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong, (len(wrong), wrong[:5])


def test_a_lost_bucket_is_not_replaced(server, url, tmp_path):
    assert publish(url, "precious").status_code == 201
    administer(server, lambda js: js.delete_stream(STREAM))
    until(lambda: httpx.get(f"{url}/readyz").status_code == 503, 3)
    refused = publish(url, "precious", schema={"type": "string"})
    assert refused.status_code == 503
    assert "create_bucket" in refused.json()["detail"]
    time.sleep(1)
    with pytest.raises(nats.js.errors.NotFoundError):
        administer(server, lambda js: js.stream_info(STREAM))
    assert "create_bucket" in (tmp_path / "log").read_text()
    # A service that starts anew has seen it, too.
    more = {"REGISTRY_KV_BUCKET": BUCKET, "VAR_DIR": str(tmp_path / "var")}
    with serving(server.url, tmp_path / "second", "--workers", "1", "registry_project.asgi", **more) as (second, _):
        assert publish(second, "precious", schema={"type": "string"}).status_code == 503


def test_listeners_learn_that_the_stream_began_anew(server, url):
    for number in range(3):
        assert publish(url, f"first.n{number}").status_code == 201
    feed = f"{url}/registry/events"
    first = httpx.get(f"{feed}?since=0", headers=HEADERS).json()
    last = first["events"][-1]["id"]
    assert httpx.get(f"{feed}?since={last}", headers=HEADERS).json() == {"events": [], "next": last}

    async def replace(js):
        config = (await js.stream_info(STREAM)).config
        await js.delete_stream(STREAM)
        await js.add_stream(config)

    administer(server, replace)
    for number in range(5):
        until(lambda number=number: publish(url, f"second.n{number}").status_code in (201, 409), 5)
    gone = httpx.get(f"{feed}?since={last}", headers=HEADERS)
    assert (gone.status_code, gone.json()["code"]) == (410, "events_gone")
    assert httpx.get(f"{feed}?since=1000", headers=HEADERS).status_code == 410
    stream = httpx.get(feed, headers={**HEADERS, "Accept": "text/event-stream", "Last-Event-ID": last})
    assert stream.status_code == 410
    again = httpx.get(f"{feed}?since={gone.json()['beginWith']}", headers=HEADERS).json()
    assert [each["subject"] for each in again["events"]] == [f"second.n{number}/1.0.0" for number in range(5)]


def test_an_older_snapshot_is_noticed_by_readers_and_listeners(server, url, tmp_path):
    """The stream keeps its time of creation, and its end goes back."""
    feed = f"{url}/registry/events"
    assert publish(url, "kept").status_code == 201
    server.stop()
    shutil.copytree(tmp_path / "nats" / "data", tmp_path / "snapshot")
    second = restarted(server, tmp_path)
    until(lambda: publish(url, "lost.one").status_code in (201, 409), 10)
    assert publish(url, "lost.two").status_code == 201
    last = httpx.get(f"{feed}?since=0", headers=HEADERS).json()["next"]
    second.stop()
    shutil.rmtree(tmp_path / "nats" / "data")
    shutil.copytree(tmp_path / "snapshot", tmp_path / "nats" / "data")
    third = restarted(server, tmp_path)
    until(lambda: httpx.get(f"{url}/readyz").status_code == 200, 10)
    assert repeatedly(lambda: names(url)) == {'["kept"]'}
    assert httpx.get(f"{feed}?since={last}", headers=HEADERS).status_code == 410
    for number in range(3):
        assert publish(url, f"new.n{number}").status_code == 201
    assert httpx.get(f"{feed}?since={last}", headers=HEADERS).status_code == 410, "another event has its sequence now"
    assert httpx.get(f"{feed}?since={last.split('-')[1]}", headers=HEADERS).status_code == 200, "a number proves less"
    third.stop()


def test_a_full_store_says_so_and_goes_on_reading(server, url):
    assert publish(url, "first").status_code == 201

    async def limit(js, most):
        config = (await js.stream_info(STREAM)).config
        await js.update_stream(config.evolve(max_bytes=most))

    administer(server, lambda js: limit(js, 20_000))
    answers = (publish(url, f"fill.n{number}", schema={"title": "x" * 2000}) for number in itertools.count())
    started = time.monotonic()
    refused = next(each for each in answers if each.status_code != 201)
    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert time.monotonic() - started < 10
    assert get(url, "first") == 200
    assert httpx.get(f"{url}/readyz").status_code == 200
    assert "503" in repeatedly(lambda: httpx.get(f"{url}/readyz/writes").status_code), "the worker that was refused"
    administer(server, lambda js: limit(js, -1))
    until(lambda: repeatedly(lambda: httpx.get(f"{url}/readyz/writes").status_code) == {"200"}, 5)
    assert publish(url, "after").status_code == 201


def test_reads_may_be_stale_where_that_is_configured(server, tmp_path):
    more = {"REGISTRY_KV_BUCKET": BUCKET, "VAR_DIR": str(tmp_path / "var"), "REGISTRY_STALE_READS": "60"}
    with serving(server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
        assert publish(url, "here").status_code == 201
        assert "Registry-Stale" not in httpx.get(f"{url}/registry/contracts/here/1.0.0", headers=HEADERS).headers
        server.stop()
        time.sleep(3)
        for path in ("here/1.0.0", "here/latest", "here", ""):
            answer = httpx.get(f"{url}/registry/contracts/{path}".rstrip("/"), headers=HEADERS)
            assert answer.status_code == 200, path
            assert 1 <= int(answer.headers["Registry-Stale"]) <= 30
            assert answer.headers["Age"] == answer.headers["Registry-Stale"]
        assert httpx.get(f"{url}/readyz").json()["status"] == "stale"
        assert publish(url, "there").status_code == 503
        again = restarted(server, tmp_path)
        until(lambda: publish(url, "there").status_code == 201, 5)
        again.stop()
