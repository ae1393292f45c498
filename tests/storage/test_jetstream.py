"""The JetStream store on a real nats-server, in normal operation and in outages."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
import time

import pytest
from nats.js import JetStreamContext

from contracts_app.bundles import ContractBundle
from contracts_app.exceptions import ContractTooLarge, StorageUnavailable, VersionSetChanged
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from contracts_app.storage.nats.connection import NotProven
from contracts_app.storage.nats.reads import last
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.storage.suite import AUDIT, StorageSuite, make


def on_loop(store, work):
    """Run `work(js)` on the store's own connection."""
    return store._connection.run(work)


class TestJetStream(StorageSuite):
    @pytest.fixture
    def store(self, jetstream):
        return jetstream

    def put_raw(self, store, key, data):
        on_loop(store, lambda js: js.publish(f"$KV.{store.bucket}.{key}", data))


def test_a_created_bucket_has_the_documented_options(jetstream):
    jetstream.list_all()
    info = on_loop(jetstream, lambda js: js.stream_info(f"KV_{jetstream.bucket}"))
    config = info.config
    assert (config.storage, config.max_msgs_per_subject, config.deny_delete, config.allow_direct) == (
        "file",
        64,
        True,
        True,
    )


def test_an_existing_bucket_is_used_as_it_is(nats_server, bucket, jetstream):
    on_loop(jetstream, lambda js: js.stream_info(f"KV_{bucket}"))
    small = JetStreamContractStore(servers=nats_server.url, bucket=bucket, history=1, direct=False)
    small.create(make(), after=0, audit=AUDIT)
    info = on_loop(small, lambda js: js.stream_info(f"KV_{bucket}"))
    assert info.config.max_msgs_per_subject == 64
    assert small.get("order.placed", "1.0.0") == jetstream.get("order.placed", "1.0.0")
    small.close()


def test_a_record_has_its_actor(jetstream):
    bundle = make()
    jetstream.create(bundle, after=0, audit=type(AUDIT)(type(AUDIT.actor)("zoë\r\nX: y", "r-1")))
    message = on_loop(jetstream, lambda js: js.get_msg(f"KV_{jetstream.bucket}", seq=1))
    assert message.headers["Registry-Actor"] == "zo%C3%AB%0D%0AX:%20y"
    assert message.headers["Registry-Request-Id"] == "r-1"


def test_a_record_beyond_the_servers_limit_is_too_large(jetstream):
    with pytest.raises(ContractTooLarge, match="max_payload"):
        jetstream.create(make(description="x" * (22 * 1024 * 1024)), after=0, audit=AUDIT)


def test_an_unreachable_server_is_reported_within_the_timeout():
    store = JetStreamContractStore(servers=f"nats://127.0.0.1:{free_port(0)}", timeout=0.5)
    started = time.monotonic()
    with pytest.raises(StorageUnavailable, match="unreachable"):
        store.get("a", "v1")
    assert time.monotonic() - started < 5
    store.close()


def _race(url: str, bucket: str, rounds: int, start, wins) -> None:
    store = JetStreamContractStore(servers=url, bucket=bucket)
    store.list_all()
    won = [0] * rounds
    for round_ in range(rounds):
        start.wait(60)

        def attempt(round_=round_):
            try:
                store.create(make(f"race.r{round_}"), after=0, audit=AUDIT)
                won[round_] += 1
            except VersionSetChanged:
                pass

        threads = [threading.Thread(target=attempt) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wins.put(won)
    store.close()


def test_50_threads_over_5_processes_have_one_winner_in_each_of_100_rounds(nats_server, bucket):
    context = multiprocessing.get_context("spawn")
    start, wins = context.Barrier(5), context.Queue()
    workers = [context.Process(target=_race, args=(nats_server.url, bucket, 100, start, wins)) for _ in range(5)]
    for worker in workers:
        worker.start()
    results = [wins.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert [sum(round_) for round_ in zip(*results, strict=True)] == [1] * 100


def test_a_connection_is_not_carried_over_a_fork(jetstream):
    jetstream.create(make(), after=0, audit=AUDIT)
    reader, writer = os.pipe()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads is what is tested
        child = os.fork()
    if child == 0:
        try:
            os.write(writer, jetstream.get("order.placed", "1.0.0").version.encode())
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 100) == b"1.0.0"
    os.waitpid(child, 0)
    os.close(reader)
    assert jetstream.get("order.placed", "1.0.0").version == "1.0.0"


@pytest.fixture
def mortal_server(tmp_path):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=1024 * 1024)
    server.start()
    yield server
    server.stop()


def test_nothing_acknowledged_is_lost_over_kill_9_and_the_process_reconnects(mortal_server, bucket):
    store = JetStreamContractStore(servers=mortal_server.url, bucket=bucket, timeout=5)
    acknowledged: list[str] = []
    done = threading.Event()

    def write(worker: int) -> None:
        number = 0
        while not done.is_set():
            name = f"w{worker}.n{number}"
            number += 1
            try:
                store.create(make(name), after=0, audit=AUDIT)
                acknowledged.append(name)
            except StorageUnavailable:
                pass

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(3):
        time.sleep(0.7)
        os.kill(mortal_server.pid, signal.SIGKILL)
    time.sleep(2)
    before = len(acknowledged)
    time.sleep(1)
    done.set()
    for writer in writers:
        writer.join()
    assert len(acknowledged) > before, "writing did not go on after the last restart"
    stored = {bundle.name for bundle in store.list_all().bundles}
    assert set(acknowledged) <= stored
    store.close()


def test_an_unknown_outcome_is_resolved_by_reading_back(jetstream, monkeypatch):
    """The acknowledgement is lost once: the write is recognized as our own and is no conflict."""
    jetstream.list_all()
    publish, calls = JetStreamContext.publish, []

    async def lossy(self, subject, *args, **kwargs):
        sequence = await publish(self, subject, *args, **kwargs)
        calls.append(subject)
        if len(calls) == 1:
            raise TimeoutError
        return sequence

    monkeypatch.setattr(JetStreamContext, "publish", lossy)
    assert jetstream.create(make(), after=0, audit=AUDIT) == 1
    assert len(calls) == 1
    with pytest.raises(VersionSetChanged):
        jetstream.create(make(), after=0, audit=AUDIT)


def test_a_late_first_attempt_is_recognized_though_reading_back_fails_at_first(jetstream, monkeypatch):
    """The first attempt arrives after it was read back; the second is refused, and the store cannot be read then."""
    jetstream.list_all()
    publish, calls, reads = JetStreamContext.publish, [], []

    async def late(self, *args, **kwargs):
        calls.append((args, kwargs))
        if len(calls) == 1:
            raise TimeoutError
        first, options = calls[0]
        await publish(self, *first, **options)
        return await publish(self, *args, **kwargs)

    async def failing(*args):
        reads.append(args)
        if len(reads) == 2:
            raise NotProven("the stream has another leader now")
        return await last(*args)

    monkeypatch.setattr(JetStreamContext, "publish", late)
    monkeypatch.setattr("contracts_app.storage.nats.writer.last", failing)
    assert jetstream.create(make(), after=0, audit=AUDIT) == 1
    assert (len(calls), len(reads)) == (2, 3)


def test_a_server_loop_runs_all_work_and_never_blocks(nats_server, bucket):
    """A server that lends its loop: threads wait for it, and it never blocks."""
    store = JetStreamContractStore(servers=nats_server.url, bucket=bucket)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        store.use_event_loop(loop)
        store.enable_replica()
        assert store.replica is not None
        while not store.replica.status().current:
            await asyncio.sleep(0.01)
        await loop.run_in_executor(None, lambda: store.create(make("lent", "1.0.0"), after=0, audit=AUDIT))
        assert await store.replica.wait_until_current()
        assert store.replica.cached_version("lent", "1.0.0") is not None
        assert (await loop.run_in_executor(None, store.get, "lent", "1.0.0")).name == "lent"
        await loop.run_in_executor(None, lambda: store.create(make("lent", "2.0.0"), after=1, audit=AUDIT))
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            store.history()
        with pytest.raises(RuntimeError, match="already in use"):
            store.use_event_loop(loop)
        assert len(await loop.run_in_executor(None, store.history)) == 2
        await loop.run_in_executor(None, store.close)

    asyncio.run(serve())


def test_a_record_is_encoded_by_the_caller_and_not_on_the_loop(jetstream, monkeypatch):
    encoded = []
    real = ContractBundle.to_record
    monkeypatch.setattr(ContractBundle, "to_record", lambda self: encoded.append(threading.get_ident()) or real(self))
    jetstream.create(make(), after=0, audit=AUDIT)
    assert set(encoded) == {threading.get_ident()}
