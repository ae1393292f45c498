"""A read-only registry over a mirror of the bucket in a leaf node, with real servers and a link that is cut."""

from __future__ import annotations

import json
import subprocess
import time

import httpx
import pytest

from contracts_app.exceptions import ReadOnlyMirror, StorageUnavailable
from contracts_app.serving.embedded_nats import free_port, is_nats_server, nats_server_path
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.commands.serving import serving
from tests.drills.cluster import until
from tests.drills.ledger import HEADERS
from tests.storage.suite import AUDIT, make

HUB = "https://registry.example.com"


class Node:
    """A nats-server that can stop and start again with its data."""

    def __init__(self, folder, name, more):
        folder.mkdir(exist_ok=True)
        self.folder, self.port = folder, free_port(0)
        self.url = f"nats://127.0.0.1:{self.port}"
        (folder / "conf").write_text(
            f"listen: 127.0.0.1:{self.port}\nserver_name: {name}\nmax_payload: 8388608\n"
            f'jetstream {{ store_dir: "{folder}/js", domain: {name} }}\n{more}\n'
        )
        self.start()

    def start(self):
        command = [nats_server_path(), "-c", str(self.folder / "conf")]
        self.process = subprocess.Popen(command, stderr=(self.folder / "log").open("a"))
        until(lambda: is_nats_server("127.0.0.1", self.port), 20)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def nodes(tmp_path):
    link = free_port(0)
    hub = Node(tmp_path / "hub", "hub", f"leafnodes {{ listen: 127.0.0.1:{link} }}")
    remote = f'leafnodes {{ remotes: [{{ url: "nats://127.0.0.1:{link}" }}], reconnect: 1 }}'
    leaf = Node(tmp_path / "leaf", "leaf", remote)
    yield hub, leaf
    for node in (leaf, hub):
        node.stop()


def publish(store, first, last):
    """Publish the versions 1.<first>.0 to 1.<last - 1>.0 of one contract."""
    for number in range(first, last):
        store.create(make("order", f"1.{number}.0"), after=store.index("order").revision("order"), audit=AUDIT)


def test_a_mirror_answers_alone_and_catches_up_without_a_gap(nodes):
    hub, leaf = nodes
    origin = JetStreamContractStore(servers=hub.url)
    publish(origin, 0, 5)
    mirror = JetStreamContractStore(servers=leaf.url, mirror_of=HUB, mirror_domain="hub")
    mirror.enable_replica()
    seen = []
    mirror.watch(lambda sequence, size, read: seen.append(sequence), lambda sequence, stream: seen.append(sequence))
    try:
        until(lambda: len(mirror.index().versions("order")) == 5, 20)
        until(lambda: mirror.mirror.age is not None and mirror.mirror.age < 3, 20)
        assert mirror.get("order", "1.4.0") == origin.get("order", "1.4.0")
        publish(origin, 5, 8)
        until(lambda: len(mirror.index().versions("order")) == 8, 10)

        hub.stop()
        assert mirror.get("order", "1.7.0").version == "1.7.0"
        first = mirror.mirror.age
        time.sleep(2)
        assert mirror.index().versions("order")[-1].version == "1.7.0"
        assert mirror.mirror.age > first + 1.5
        for write in (
            lambda: mirror.create(make("order", "2.0.0"), after=8, audit=AUDIT),
            lambda: mirror.put_document("policy.default", b"{}", after=0, audit=AUDIT),
            lambda: mirror.put_expiring("usage", "a", b"{}"),
            lambda: mirror.put_upload("a", b""),
        ):
            with pytest.raises(ReadOnlyMirror, match=f"write to {HUB}") as refused:
                write()
            assert refused.value.extras["writeTo"] == HUB

        hub.start()
        publish(origin, 8, 20)
        until(lambda: len(mirror.index().versions("order")) == 20, 60)
        assert [each.sequence for each in mirror.history()] == [each.sequence for each in origin.history()]
        assert seen[-12:] == list(range(9, 21))
        until(lambda: mirror.mirror.age < 3 and mirror.mirror.lag == 0, 20)
    finally:
        mirror.close()
        origin.close()


def test_a_served_mirror_says_how_old_it_is_and_where_to_write(nodes, tmp_path):
    hub, leaf = nodes
    origin = JetStreamContractStore(servers=hub.url, bucket="mirrored")
    publish(origin, 0, 2)
    more = {"REGISTRY_KV_BUCKET": "mirrored", "VAR_DIR": str(tmp_path / "var"), "REGISTRY_MIRROR_OF": HUB}
    more["REGISTRY_MIRROR_DOMAIN"] = "hub"
    try:
        with serving(leaf.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
            client = httpx.Client(base_url=url, headers=HEADERS, timeout=30)
            until(lambda: client.get("/registry/contracts/order/1.1.0").status_code == 200, 20)
            until(lambda: client.get("/registry/contracts").headers["registry-mirror-age"] in ("1", "2"), 20)
            ready = client.get("/readyz").json()
            assert (ready["status"], ready["mirror"]["of"], ready["mirror"]["lag"]) == ("ready", HUB, 0)
            assert client.get("/readyz/writes").json()["code"] == "read_only_mirror"
            body = {"name": "order", "version": "2.0.0", "jsonSchema": True}
            for refused in (
                client.post("/registry/contracts", json=body),
                client.put("/registry/policies/default", json={"compatibility": "full"}),
                client.put("/registry/usage/billing", json={"uses": [{"contract": "order"}]}),
            ):
                assert refused.status_code == 409, refused.text
                problem = refused.json() if refused.headers["content-type"].endswith("json") else {}
                assert HUB in refused.text, problem
            checked = client.post("/registry/contracts?dryRun=true", json=body | {"jsonSchema": json.dumps(True)})
            assert checked.status_code == 200, checked.text
            hub.stop()
            until(lambda: int(client.get("/registry/contracts").headers["registry-mirror-age"]) > 4, 20)
            assert client.get("/registry/contracts/order/latest").json()["version"] == "1.1.0"
            assert client.get("/readyz").status_code == 200
            hub.start()
            publish(origin, 2, 3)
            until(lambda: client.get("/registry/contracts/order/latest").json()["version"] == "1.2.0", 60)
    finally:
        origin.close()


def test_a_bucket_and_the_setting_must_agree(nodes):
    hub, leaf = nodes
    origin = JetStreamContractStore(servers=hub.url)
    publish(origin, 0, 1)
    wrong = JetStreamContractStore(servers=hub.url, mirror_of=HUB)
    made = JetStreamContractStore(servers=leaf.url, mirror_of=HUB, mirror_domain="hub")
    plain = JetStreamContractStore(servers=leaf.url)
    try:
        made.set_up()
        with pytest.raises(StorageUnavailable, match="is no mirror, and REGISTRY_MIRROR_OF is set"):
            wrong.index()
        with pytest.raises(StorageUnavailable, match="is a mirror; set REGISTRY_MIRROR_OF to the URL"):
            plain.index()
    finally:
        for store in (origin, wrong, made, plain):
            store.close()


def test_a_domain_alone_is_a_mistake():
    (problem,) = JetStreamContractStore(mirror_domain="hub").check()
    assert problem.id == "contracts.E009"
    assert JetStreamContractStore(mirror_domain="hub", mirror_of=HUB).check() == []
