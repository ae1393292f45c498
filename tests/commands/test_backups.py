"""Backups: consistent under load, verified, encrypted, restored byte for byte, and up to a time."""

from __future__ import annotations

import json
import threading
import time
import uuid
from pathlib import Path

import httpx
import pyrage
import pytest
from moto.server import ThreadedMotoServer

from contracts_app.services import change_state, object_stores
from contracts_app.services.events import EventId, check_resumption
from contracts_app.services.policies import set_policy
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from contracts_app.storage import contract_store, contract_stores
from tests.commands.test_store_commands import ACTOR, failing, publish, run

pytestmark = pytest.mark.usefixtures("registry")


@pytest.fixture
def elsewhere(settings, tmp_path):
    """Turn to an empty server, where the bucket has the same name."""
    server = EmbeddedServer(tmp_path / "elsewhere", port=free_port(0), max_record_bytes=21 * 1024 * 1024)

    def turn() -> None:
        server.start()
        options = {**settings.CONTRACT_STORAGES["default"]["OPTIONS"], "servers": server.url}
        settings.CONTRACT_STORAGES = {"default": {**settings.CONTRACT_STORAGES["default"], "OPTIONS": options}}
        contract_stores.close()

    yield turn
    contract_stores.close()
    server.stop()


@pytest.fixture(autouse=True)
def stamp(settings, tmp_path) -> Path:
    settings.BACKUP_STAMP = str(tmp_path / "var" / "last-backup.json")
    return Path(settings.BACKUP_STAMP)


@pytest.fixture
def stocked(registry):
    for number in range(5):
        publish(f"order.n{number}", "1.0.0")
    change_state(name="order.n1", version="1.0.0", action="deprecate", actor=ACTOR)
    set_policy(level="prefix", name="order", policy={"compatibility": "full"}, actor=ACTOR)


def everything() -> tuple[object, ...]:
    store = contract_store()
    return store.list_all(), store.history(), sorted(store.index("policy").documents.items())


def backup_of(folder: Path) -> Path:
    return max(folder.iterdir())


def test_a_restored_bucket_equals_the_one_that_was_backed_up(stocked, elsewhere, tmp_path, stamp):
    before = everything()
    assert "7 messages" in run("backup", str(tmp_path / "b"))
    folder = backup_of(tmp_path / "b")
    assert json.loads(stamp.read_text())["lastSequence"] == 7
    assert "can be restored: 7 messages" in run("verify_backup", str(folder))
    elsewhere()
    assert "Every record is verified" in run("restore", str(folder))
    assert everything() == before
    publish("order.n5", "1.0.0")
    assert contract_store().history()[-1].sequence == 8
    code, output = failing("restore", str(folder))
    assert (code, "exists, with 8 messages" in output) == (1, True)


def test_a_backup_under_load_is_consistent(stocked, elsewhere, tmp_path):
    done, written = threading.Event(), []

    def write() -> None:
        while not done.is_set():
            publish(f"load.n{len(written)}", "1.0.0")
            written.append(len(written))

    thread = threading.Thread(target=write)
    thread.start()
    time.sleep(0.3)
    at_least = len(written)
    run("backup", str(tmp_path / "b"))
    done.set()
    thread.join()
    before = contract_store().history()
    elsewhere()
    run("restore", str(backup_of(tmp_path / "b")))
    after = contract_store().history()
    assert after == before[: len(after)]
    assert len(after) >= 7 + at_least


def test_listeners_learn_that_the_restored_stream_is_another(stocked, elsewhere, tmp_path):
    position = contract_store().position()
    run("backup", str(tmp_path / "b"))
    elsewhere()
    run("restore", str(backup_of(tmp_path / "b")))
    with pytest.raises(Exception, match="made anew") as gone:
        check_resumption(contract_store(), EventId(position.last, position.stream))
    assert gone.value.status == 410


def test_an_encrypted_backup_needs_its_key(stocked, elsewhere, tmp_path):
    identity = pyrage.x25519.Identity.generate()
    key, wrong = tmp_path / "key", tmp_path / "wrong"
    key.write_text(f"# a comment\n{identity}\n")
    wrong.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    run("backup", str(tmp_path / "b"), "--recipient", str(identity.to_public()))
    folder = backup_of(tmp_path / "b")
    assert (folder / "stream.tar.s2.age").read_bytes().startswith(b"age-encryption.org/v1")
    assert failing("verify_backup", str(folder))[0] == 2
    assert "can be restored" in run("verify_backup", str(folder), "--identity", str(key))
    before = everything()
    elsewhere()
    code, output = failing("restore", str(folder), "--identity", str(wrong))
    assert (code, "cannot be decrypted" in output) == (2, True)
    run("restore", str(folder), "--identity", str(key))
    assert everything() == before
    assert failing("backup", str(tmp_path / "c"), "--recipient", "age1nonsense")[0] == 2
    assert list((tmp_path / "c").iterdir() if (tmp_path / "c").exists() else []) == []


def test_a_bucket_is_restored_as_it_was_at_a_time(stocked, elsewhere, tmp_path):
    before = everything()
    time.sleep(1.1)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    publish("order.later", "1.0.0")
    change_state(name="order.n2", version="1.0.0", action="deprecate", actor=ACTOR)
    run("backup", str(tmp_path / "b"))
    elsewhere()
    run("restore", str(backup_of(tmp_path / "b")), "--point-in-time", moment)
    assert everything() == before
    publish("order.after", "1.0.0")
    assert contract_store().history()[-1].sequence == 10, "no sequence is used twice"
    assert run("verify_contracts").startswith("Verified ")
    assert failing("restore", str(tmp_path), "--point-in-time", moment)[0] == 2


def test_a_key_whose_history_begins_after_the_time_is_named(stocked, elsewhere, tmp_path):
    time.sleep(1.1)
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    for number in range(64):
        set_policy(level="prefix", name="order", policy={"minimumNoticeDays": number}, actor=ACTOR)
    publish("order.later", "1.0.0")
    run("backup", str(tmp_path / "b"))
    elsewhere()
    output = run("restore", str(backup_of(tmp_path / "b")), "--point-in-time", moment)
    assert [line for line in output.splitlines() if "missing" in line] == [
        "policy.prefix.order: its history begins after that time, so it is missing; look for it in an older backup"
    ]


@pytest.mark.parametrize("file", ["stream.tar.s2", "backup.json"])
@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_a_damaged_backup_is_refused(stocked, elsewhere, tmp_path, file, damage):
    run("backup", str(tmp_path / "b"))
    path = backup_of(tmp_path / "b") / file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(
            content[: len(content) // 2] + (b"" if damage == "cut" else b"\0" + content[len(content) // 2 + 1 :])
        )
    assert failing("verify_backup", str(path.parent))[0] == 2
    elsewhere()
    assert failing("restore", str(path.parent))[0] == 2
    publish("a.new.beginning", "1.0.0")


def test_old_backups_are_removed_on_request(stocked, tmp_path):
    for _ in range(3):
        run("backup", str(tmp_path / "b"), "--keep", "2")
        time.sleep(1.1)
    assert len(list((tmp_path / "b").iterdir())) == 2
    assert failing("backup", str(tmp_path / "b"), "--keep", "0")[0] == 2


def test_without_a_store_nothing_is_left(settings, tmp_path):
    options = {"servers": "nats://127.0.0.1:9", "bucket": "none", "timeout": 0.5}
    settings.CONTRACT_STORAGES = {"default": {**settings.CONTRACT_STORAGES["default"], "OPTIONS": options}}
    contract_stores.close()
    assert failing("backup", str(tmp_path / "b"))[0] == 3
    assert list((tmp_path / "b").iterdir()) == []


@pytest.fixture(scope="module")
def object_store():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(object_store, monkeypatch):
    """An empty bucket; the variables that lead to it are set."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": object_store,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"backups-{uuid.uuid4().hex[:8]}"
    assert httpx.put(f"{object_store}/{bucket}").status_code == 200
    return f"s3://{bucket}/registry"


def test_backups_are_uploaded_verified_and_restored_from_an_object_store(stocked, tmp_path, s3, elsewhere):
    folder = tmp_path / "backups"
    output = run("backup", folder, "--upload", s3)
    name = backup_of(folder).name
    assert f"Uploaded {s3}/{name}" in output
    assert "can be restored" in run("verify_backup", f"{s3}/{name}")
    before = contract_store().list_all()
    elsewhere()
    run("restore", f"{s3}/{name}")
    assert contract_store().list_all() == before


def test_an_upload_that_failed_is_completed_by_the_next_backup(stocked, tmp_path, s3, object_store, monkeypatch):
    folder = tmp_path / "backups"
    monkeypatch.setattr(object_stores, "_RETRIES", {"max_retries": 0})
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port(0)}")
    code, message = failing("backup", folder, "--upload", s3)
    assert (code, "was made, but not uploaded" in message) == (1, True)
    assert "Debug source" not in message
    first = backup_of(folder).name
    monkeypatch.setenv("AWS_ENDPOINT_URL", object_store)
    # Interrupted before its end: the snapshot is there, its description is not.
    bucket, _, prefix = s3.removeprefix("s3://").partition("/")
    snapshot = (folder / first / "stream.tar.s2").read_bytes()
    httpx.put(f"{object_store}/{bucket}/{prefix}/{first}/stream.tar.s2", content=snapshot[:100])
    code, message = failing("verify_backup", f"{s3}/{first}")
    assert (code, "not uploaded to its end" in message) == (2, True)
    time.sleep(1.1)  # folders are named by the second
    assert run("backup", folder, "--upload", s3).count("Uploaded") == 2
    assert "can be restored" in run("verify_backup", f"{s3}/{first}")


@pytest.mark.parametrize("url", ["nope://x/y", "s3://"])
def test_a_url_that_is_none_of_an_object_store_is_named(stocked, tmp_path, url):
    code, message = failing("backup", tmp_path / "backups", "--upload", url)
    assert (code, url in message) == (1, True)
    assert failing("restore", url)[0] == 2
