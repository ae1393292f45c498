"""A replica loaded before the fork is continued, and not loaded again."""

from __future__ import annotations

import json
import os
import time
import traceback

import pytest

from contracts_app.services.events import EventFeed
from contracts_app.storage import Actor, AuditEntry
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.storage.suite import make
from tests.storage.test_replica import wait_for


def in_a_child(work):
    """Return the result of `work` in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = work()
        except BaseException:
            answer = traceback.format_exc()
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        return json.loads(answer.read())


@pytest.fixture
def store(nats_server, bucket):
    store = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
    yield store
    store.close()


def create(store, name: str) -> None:
    store.create(make(name), after=0, audit=AuditEntry(Actor("someone")))


def current(store) -> None:
    wait_for(lambda: store.replica.status().current, 10, store.replica.status)


def test_children_continue_from_the_replica_loaded_before_the_fork(store, nats_server, bucket):
    create(store, "before.it")
    create(store, "changed.later")
    store.enable_replica()
    store.watch(lambda *arguments: None, lambda sequence, stream: None)
    assert store.preload_replica(seconds=10)
    writer = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
    create(writer, "after.it")
    writer.close()

    def look() -> list[object]:
        applied = []
        index = store._inherited.index
        apply, index.apply = index.apply, lambda key, *rest: (applied.append(key), apply(key, *rest))
        current(store)
        names = [entry.name for entry in store.index("any")]
        own = f"of.child{os.getpid()}"
        create(store, own)
        return [names, applied[:1], store.replica.cached_version(own, "1.0.0") is not None]

    names = ["after.it", "before.it", "changed.later"]
    assert in_a_child(look) == [names, ["meta.after.it.1.0.0"], True]
    # A later process, such as a replaced worker, continues from the same replica.
    assert in_a_child(look)[1] == ["meta.after.it.1.0.0"]


def test_without_a_store_each_process_loads_its_own_replica(nats_server, bucket):
    away = JetStreamContractStore(servers="nats://127.0.0.1:9", bucket=bucket, timeout=0.5)
    assert not away.preload_replica(seconds=1), "it was not configured to follow"
    away.enable_replica()
    begun = time.monotonic()
    assert not away.preload_replica(seconds=30)
    assert time.monotonic() - begun < 3, "it is not waited for"
    away.close()


def test_a_feed_in_use_serves_writes_from_memory(store):
    store.enable_replica()
    feed = EventFeed(store)
    current(store)
    create(store, "not.read")
    since = feed.last
    assert feed.recent(since) == []
    assert feed.recent(since - 1) is None, "without readers nothing is kept"
    create(store, "read.later")
    wait_for(lambda: feed.recent(since), 5)
    events = feed.recent(since)
    assert [json.loads(event.body)["subject"] for event in events] == ["read.later/1.0.0"]
    assert events == feed.older(since)
    assert len(feed.older(0)) == 2
