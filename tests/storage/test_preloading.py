"""A copy that was loaded before the fork is gone on from, and not loaded again."""

from __future__ import annotations

import json
import os
import time
import traceback

import pytest

from contracts_app.services.feeding import Feed
from contracts_app.storage import Actor, Deed
from contracts_app.storage.jetstream import JetStreamContractStorage
from tests.storage.suite import make
from tests.storage.test_follower import wait_for


def in_a_child(work):
    """What `work` returns in a forked process."""
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
def storage(nats_server, bucket):
    storage = JetStreamContractStorage(servers=nats_server.url, bucket=bucket)
    yield storage
    storage.close()


def create(storage, name: str) -> None:
    storage.create(make(name), after=0, deed=Deed(Actor("someone")))


def current(storage) -> None:
    wait_for(lambda: storage.status().current, 10, storage.status)


def test_children_go_on_from_what_was_loaded_before_the_fork(storage, nats_server, bucket):
    create(storage, "before.it")
    create(storage, "changed.later")
    storage.follow()
    storage.watch(lambda *told: None, lambda sequence: None)
    assert storage.preload(seconds=10)
    writer = JetStreamContractStorage(servers=nats_server.url, bucket=bucket)
    create(writer, "after.it")
    writer.close()

    def look() -> list[object]:
        applied = []
        index = storage._inherited.index
        apply, index.apply = index.apply, lambda key, *rest: (applied.append(key), apply(key, *rest))
        current(storage)
        names = [entry.name for entry in storage.index("any")]
        own = f"of.child{os.getpid()}"
        create(storage, own)
        return [names, applied[:1], storage.peek(own, "1.0.0") is not None]

    names = ["after.it", "before.it", "changed.later"]
    assert in_a_child(look) == [names, ["meta.after.it.1.0.0"], True]
    # A later one, as of a worker that is replaced, goes on from the same.
    assert in_a_child(look)[1] == ["meta.after.it.1.0.0"]


def test_without_the_store_each_process_tries_for_itself(nats_server, bucket):
    away = JetStreamContractStorage(servers="nats://127.0.0.1:9", bucket=bucket, timeout=0.5)
    assert not away.preload(seconds=1), "nobody asked it to follow"
    away.follow()
    begun = time.monotonic()
    assert not away.preload(seconds=30)
    assert time.monotonic() - begun < 3, "it is not waited for"
    away.close()


def test_a_feed_that_is_asked_is_told_of_writes_and_need_not_read_the_stream(storage):
    storage.follow()
    feed = Feed(storage)
    current(storage)
    create(storage, "nobody.asks")
    since = feed.last
    assert feed.recent(since) == []
    assert feed.recent(since - 1) is None, "where nobody asks, nothing is kept"
    create(storage, "told.of")
    wait_for(lambda: feed.recent(since), 5)
    events = feed.recent(since)
    assert [json.loads(event.body)["subject"] for event in events] == ["told.of/1.0.0"]
    assert events == feed.older(since)
    assert len(feed.older(0)) == 2
