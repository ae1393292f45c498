"""The replica equals the bucket, whatever happens to the server, the connection or the bucket."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref

import pytest

from contracts_app.exceptions import ContractNotFound, StorageUnavailable
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port, is_nats_server
from contracts_app.storage.nats.high_water_mark import HighWaterMark
from contracts_app.storage.nats.session import ConsumerSession
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.storage.suite import AUDIT, StorageSuite, make

# It takes about 0.1 s; a tracer makes everything several times slower.
ALLOWED = 5.0 if sys.gettrace() is None else 10.0
ROUNDS = int(os.environ.get("DRILL_ROUNDS", "6"))


def replicated(store: JetStreamContractStore, timeout: float = 10) -> JetStreamContractStore:
    store.enable_replica()
    wait_for(lambda: store.replica.status().current, timeout, store.replica.status)
    return store


def wait_for(condition, timeout: float, reason=lambda: "") -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, reason()
        time.sleep(0.005)


def view(store: JetStreamContractStore, *, fresh: bool = False) -> dict[str, tuple[int, str]]:
    return {entry.key: (entry.sequence, entry.digest) for entry in store.index(fresh=fresh)}


class TestFollowedStorage(StorageSuite):
    """The whole behaviour of a store, answered from the replica."""

    @pytest.fixture
    def store(self, jetstream):
        return replicated(jetstream)

    def put_raw(self, store, key, data):
        ack = store._connection.run(lambda js: js.publish(f"$KV.{store.bucket}.{key}", data))
        wait_for(lambda: store.replica.status().sequence >= ack.seq, 5)


def test_a_miss_is_confirmed_with_the_store(jetstream, nats_server, bucket):
    """Another program writes without raising the mark, and still there is no 404."""
    replicated(jetstream)
    other = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
    for number in range(100):
        other.create(make(f"other.n{number}"), after=0, audit=AUDIT)
        assert jetstream.get(f"other.n{number}", "1.0.0").name == f"other.n{number}"
    with pytest.raises(ContractNotFound):
        jetstream.get("other.never", "1.0.0")
    other.close()


def test_with_a_fence_lists_show_writes_of_other_machines(nats_server, bucket):
    """Marks belong to one machine; a store that never raises one stands for another machine."""
    fenced = replicated(JetStreamContractStore(servers=nats_server.url, bucket=bucket, several_hosts=True))
    other = JetStreamContractStore(servers=nats_server.url, bucket=bucket)
    for number in range(300):
        other.create(make(f"afar.n{number}"), after=0, audit=AUDIT)
        assert f"meta.afar.n{number}.1.0.0" in view(fenced)
    assert JetStreamContractStore(servers="nats://nats.example:4222")._several_hosts
    assert not JetStreamContractStore(servers="nats://127.0.0.1:4222,localhost:4223")._several_hosts
    other.close()
    fenced.close()


def test_with_a_fence_concurrent_readers_share_a_request(nats_server, bucket, monkeypatch):
    fenced = replicated(JetStreamContractStore(servers=nats_server.url, bucket=bucket, several_hosts=True))
    other = JetStreamContractStore(servers=nats_server.url, bucket=bucket)

    async def read(name: str) -> bool:
        return await fenced.replica.wait_until_current() and fenced.replica.cached_version(name, "1.0.0") is not None

    async def many(name: str) -> list[bool]:
        # Some come while a request is in flight that began before the write.
        early = asyncio.ensure_future(fenced.replica.wait_until_current())
        await asyncio.sleep(0)
        await asyncio.get_running_loop().run_in_executor(None, create, name)
        found = await asyncio.gather(*(read(name) for _ in range(50)))
        await early
        return found

    def create(name: str) -> None:
        other.create(make(name), after=0, audit=AUDIT)

    requests, ask = [], fenced.replica._follower.observe

    async def counted():
        requests.append(1)
        await ask()

    monkeypatch.setattr(fenced.replica._fence, "_observe", counted)
    for number in range(100):
        found = fenced._connection.thread.run(many(f"shared.n{number}"), 10)
        assert found == [True] * 50
    assert 100 <= len(requests) <= 300
    other.close()
    fenced.close()


def test_a_publish_takes_one_request_to_the_store(jetstream, monkeypatch):
    from contracts_app.services import publish_contract

    replicated(jetstream)
    client = jetstream._connection.client
    sent: list[str] = []
    publish = type(client).publish

    async def counting(self, subject, *args, **kwargs):
        sent.append(subject)
        return await publish(self, subject, *args, **kwargs)

    monkeypatch.setattr(type(client), "publish", counting)
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        publish_contract(
            bundle=make(version=version, json_schema='{"type": "object"}'), actor=AUDIT.actor, store=jetstream
        )
    # The probe asks for the stream's state from time to time.
    asked = [subject for subject in sent if subject.startswith(("$KV", "$JS.API")) and "STREAM.INFO" not in subject]
    assert asked == [f"$KV.{jetstream.bucket}.meta.order.placed.{version}" for version in ("1.0.0", "1.1.0", "1.2.0")]


def test_contents_beyond_the_cache_are_read_from_the_store(nats_server, bucket):
    store = replicated(JetStreamContractStore(servers=nats_server.url, bucket=bucket, copy_bytes=20_000))
    for number in range(50):
        store.create(make(f"large.n{number}", description="x" * 1000), after=0, audit=AUDIT)
    wait_for(lambda: store.replica.status().current, 5)
    status = store.replica.status()
    assert status.versions == 50
    assert 10_000 < status.body_bytes <= 20_000
    for number in range(50):
        assert len(store.get(f"large.n{number}", "1.0.0").description) == 1000
    store.close()


def test_a_broken_session_continues_where_it_ended(jetstream):
    replicated(jetstream)
    jetstream.create(make(), after=0, audit=AUDIT)
    replica = jetstream.replica
    index = replica.index
    for number in range(3):
        jetstream._connection.thread.loop().call_soon_threadsafe(replica._follower.end_session, "as a test")
        wait_for(
            lambda number=number: (
                jetstream.replica.status().resyncs == number + 1 and jetstream.replica.status().current
            ),
            5,
        )
        jetstream.create(make(f"later.n{number}"), after=0, audit=AUDIT)
        assert f"meta.later.n{number}.1.0.0" in view(jetstream)
    assert replica.index is index, "it was loaded anew"


def test_a_gap_in_the_consumers_messages_ends_the_session(jetstream):
    replicated(jetstream)
    jetstream.create(make(), after=0, audit=AUDIT)
    wait_for(lambda: jetstream.replica.status().current, 5)
    receive = ConsumerSession._receive
    dropped: list[str] = []

    async def lossy(self, message):
        if not dropped and "lost" in message.subject:
            dropped.append(message.subject)
            return
        await receive(self, message)

    ConsumerSession._receive = lossy
    try:
        # The session already holds a bound method: a new session takes the lossy one.
        jetstream._connection.thread.loop().call_soon_threadsafe(jetstream.replica._follower.end_session, "as a test")
        wait_for(lambda: jetstream.replica.status().resyncs == 1 and jetstream.replica.status().current, 5)
        jetstream.create(make("lost"), after=0, audit=AUDIT)
        assert "meta.lost.1.0.0" in view(jetstream), "a reader was shown less than was written"
        wait_for(
            lambda: jetstream.replica.status().resyncs >= 2 and jetstream.replica.status().current,
            5,
            jetstream.replica.status,
        )
        assert dropped
        assert "meta.lost.1.0.0" in {entry.key for entry in jetstream.replica.index}
    finally:
        ConsumerSession._receive = receive


def test_a_replaced_replica_is_freed(jetstream):
    """A load freezes all that is in memory, including circular references of the old replica."""
    replicated(jetstream)
    jetstream.create(make("a.b"), after=0, audit=AUDIT)
    before = weakref.ref(jetstream.replica.index)

    async def remove(js):
        await js.delete_stream(f"KV_{jetstream.bucket}")

    jetstream._connection.run(remove)
    jetstream.set_up()
    wait_for(
        lambda: before() is not jetstream.replica.index and jetstream.replica.status().current,
        10,
        jetstream.replica.status,
    )
    gc.collect()
    assert before() is None


def test_a_recreated_bucket_is_loaded_again(jetstream):
    replicated(jetstream)
    for number in range(5):
        jetstream.create(make(f"before.n{number}"), after=0, audit=AUDIT)
    wait_for(lambda: jetstream.replica.status().current, 5)
    stream = f"KV_{jetstream.bucket}"

    async def replace(js):
        config = (await js.stream_info(stream)).config
        await js.delete_stream(stream)
        await js.add_stream(config)
        await js.publish(f"$KV.{jetstream.bucket}.meta.after.1.0.0", make("after").to_record())

    jetstream._connection.run(replace)
    wait_for(lambda: list(view(jetstream)) == ["meta.after.1.0.0"], 5, lambda: view(jetstream))
    with pytest.raises(ContractNotFound):
        jetstream.get("before.n1", "1.0.0")


def test_the_high_water_mark_is_shared_and_never_decreases():
    identity = f"test {os.getpid()} {time.time_ns()}"
    one, other = HighWaterMark(identity), HighWaterMark(identity)
    one.raise_to(7)
    other.raise_to(3)
    assert (one.value, other.value) == (7, 7)
    other.lower(6, 2)
    assert one.value == 7
    other.lower(7, 2)
    assert one.value == 2


def _follow_elsewhere(url: str, bucket: str, pipe) -> None:
    store = replicated(JetStreamContractStore(servers=url, bucket=bucket))
    answers = {"status": store.replica.status, "view": lambda: view(store)}
    while (requests := pipe.recv()) in answers:
        pipe.send(answers[requests]())
    store.close()


def test_replicas_equal_the_bucket_after_each_kill_9(tmp_path, bucket):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=1024 * 1024)
    server.start()
    context = multiprocessing.get_context("spawn")
    pipes = []
    for _ in range(2):
        here, there = context.Pipe()
        context.Process(target=_follow_elsewhere, args=(server.url, bucket, there), daemon=True).start()
        pipes.append(here)
    store = replicated(JetStreamContractStore(servers=server.url, bucket=bucket))
    writing, done = threading.Event(), threading.Event()
    written: list[str] = []
    idle = [False] * 4

    def write(writer: int) -> None:
        number = 0
        while not done.is_set():
            idle[writer] = not writing.is_set()
            if not writing.wait(0.05):
                continue
            number += 1
            try:
                store.create(make(f"w{writer}.n{number}"), after=0, audit=AUDIT)
                written.append(f"meta.w{writer}.n{number}.1.0.0")
            except StorageUnavailable:
                pass

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for pipe in pipes:
        pipe.send("status")
    assert all(pipe.recv().current for pipe in pipes), "the other processes have not started"
    try:
        for _ in range(ROUNDS):
            writing.set()
            time.sleep(0.3)
            pid = server.pid
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda pid=pid: server.pid != pid and is_nats_server("127.0.0.1", server.port, 0.2), 10)
            returned = time.monotonic()
            writing.clear()

            def everywhere(question: str, here) -> list:
                for pipe in pipes:
                    pipe.send(question)
                return [here(), *(pipe.recv() for pipe in pipes)]

            def current() -> bool:
                return all(status.current for status in everywhere("status", store.replica.status))

            wait_for(current, 10)
            assert time.monotonic() - returned < ALLOWED, "the copies took too long"
            time.sleep(0.06)  # as the writers find them
            wait_for(lambda: all(idle), 20)  # and with the outcome of writes in flight when the server died
            wait_for(current, 10)
            bucket_now = view(store, fresh=True)
            assert all(seen == bucket_now for seen in everywhere("view", lambda: view(store)))
            assert set(written) <= set(bucket_now)
    finally:
        done.set()
        writing.set()
        for thread in threads:
            thread.join()
        for pipe in pipes:
            pipe.send("end")
        store.close()
        server.stop()
    assert len(written) > ROUNDS
