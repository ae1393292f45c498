"""Buckets that others made, and servers that refuse: the real cause is said, with the remedy."""

from __future__ import annotations

import subprocess

import pytest
from nats.js import api

from contracts_app.exceptions import StorageUnavailable
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.storage.suite import AUDIT, make
from tests.storage.test_replica import wait_for


@pytest.fixture
def stream_of(nats_server, bucket):
    """Create the bucket's stream with other settings than the registry's, and return a store for it."""
    admin = JetStreamContractStore(servers=nats_server.url, bucket=f"{bucket}-admin")
    stores = [admin]

    def create(*, replicas: int = 1, **config) -> JetStreamContractStore:
        wanted = {
            "name": f"KV_{bucket}",
            "subjects": [f"$KV.{bucket}.>"],
            "discard": api.DiscardPolicy.NEW,
            "max_msgs_per_subject": 64,
        } | config
        admin._connection.run(lambda js: js.add_stream(api.StreamConfig(**wanted)))
        store = JetStreamContractStore(servers=nats_server.url, bucket=bucket, replicas=replicas)
        stores.append(store)
        return store

    yield create
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"max_age": 3600.0, "duplicate_window": 60.0}, "--max-age=0"),
        ({"discard": api.DiscardPolicy.OLD}, "--discard=new"),
        ({"retention": api.RetentionPolicy.INTEREST}, "made anew with the retention limits"),
        ({"subjects": ["other.>", "$KV.placeholder.>"]}, "a stream of their own"),
        ({"replicas": 3}, "--replicas=3"),
    ],
    ids=["max_age", "discard", "retention", "subjects", "replicas"],
)
def test_settings_that_lose_contracts_are_refused(stream_of, bucket, settings, remedy):
    if "subjects" in settings:
        settings = {"subjects": [f"other.{bucket}", f"$KV.{bucket}.>"]}
    store = stream_of(**settings)
    with pytest.raises(StorageUnavailable) as refused:
        store.create(make(), after=0, audit=AUDIT)
    assert remedy in refused.value.message
    store.enable_replica()
    assert store.replica is not None
    wait_for(lambda: remedy in store.replica.status().reason, 5, store.replica.status)
    assert not store.replica.is_current


def test_settings_that_may_surprise_are_warnings(stream_of):
    store = stream_of(
        max_msgs_per_subject=8, max_bytes=10_000_000, max_msg_size=100_000, storage=api.StorageType.MEMORY
    )
    store.create(make(), after=0, audit=AUDIT)
    store.enable_replica()
    wait_for(lambda: store.replica.is_current, 5)
    said = " ".join(store.replica.status().warnings)
    for part in ("keeps 8 writes", "in memory", "max_bytes: 10000000", "max_msg_size: 100000"):
        assert part in said
    assert [problem.msg for problem in store.check_server()] == list(store.replica.status().warnings)


STORE = 'jetstream { store_dir: "FOLDER/js" }\n'


@pytest.mark.parametrize(
    ("config", "cause"),
    [
        (STORE + "authorization { user: u, password: other }", "Authorization Violation"),
        ("authorization { user: u, password: p }", "JetStream: it is not enabled"),
        (
            STORE
            + 'authorization { users: [ { user: u, password: p, permissions: { publish: { deny: "$JS.API.>" } } } ] }',
            'permissions violation for publish to "$js.api.stream.info',
        ),
    ],
    ids=["password", "no JetStream", "permissions"],
)
def test_the_cause_of_a_refusal_is_said(server_with, config, cause):
    port = server_with(config)
    store = JetStreamContractStore(servers=f"nats://127.0.0.1:{port}", user="u", password="p", timeout=2)
    with pytest.raises(StorageUnavailable) as refused:
        store.get("a", "v1")
    assert cause in refused.value.message
    store.enable_replica()
    assert store.replica is not None
    wait_for(lambda: cause in store.replica.status().reason, 5, store.replica.status)
    store.close()


def test_an_untrusted_certificate_is_named(server_with, tmp_path):
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    port = server_with(STORE + 'tls { cert_file: "FOLDER/cert.pem", key_file: "FOLDER/key.pem" }')
    untrusting = JetStreamContractStore(servers=f"tls://127.0.0.1:{port}", timeout=2)
    with pytest.raises(StorageUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        untrusting.get("a", "v1")
    untrusting.close()
    trusting = JetStreamContractStore(servers=f"tls://127.0.0.1:{port}", tls_ca=str(tmp_path / "cert.pem"))
    trusting.create(make(), after=0, audit=AUDIT)
    trusting.close()
