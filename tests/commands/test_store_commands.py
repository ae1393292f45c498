"""The commands that open the store: archives, verification, the audit log."""

from __future__ import annotations

import hashlib
import json
import subprocess
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from contracts_app.bindings import Binding
from contracts_app.bundles import ContractBundle
from contracts_app.client import RegistryClient, RegistryError
from contracts_app.embedded_login import read_login
from contracts_app.exceptions import StorageUnavailable
from contracts_app.management.commands import serve
from contracts_app.policies import policy_of
from contracts_app.services import change_state, publish_contract
from contracts_app.services.bindings import all_bindings, set_binding
from contracts_app.services.policies import set_policy
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from contracts_app.storage import Actor, AuditEntry, contract_store, contract_stores
from contracts_app.storage.nats.known_stream import KnownStream
from contracts_app.storage.nats.store import JetStreamContractStore

ACTOR = Actor("tester", "r-1")


def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def failing(command: str, *arguments: str) -> tuple[int, str]:
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(command, *arguments, stdout=out, stderr=out)
    return caught.value.returncode, out.getvalue() + str(caught.value)


def publish(name: str, version: str, schema: str = '{"type": "object"}', **fields) -> None:
    publish_contract(bundle=ContractBundle(name=name, version=version, json_schema=schema, **fields), actor=ACTOR)


@pytest.fixture
def stocked(registry):
    publish("pay.money", "1.0.0", '{"type": "integer"}', descriptor={"a": [1.0, 1e30]}, labels=("x",))
    publish("pay.order", "1.0.0", '{"properties": {"total": {"$ref": "contract:pay.money@^1"}}}', description="ü")
    publish("pay.order", "1.1.0", '{"properties": {"total": {"$ref": "contract:pay.money@1.0.0"}}}')
    publish("other", "v1")
    change_state(name="other", version="v1", action="deprecate", actor=ACTOR, reason="old", sunset_at="2999-01-01")


@pytest.fixture
def elsewhere(settings, nats_server, bucket):
    """Switch to an empty bucket."""

    def turn(name: str = "-elsewhere") -> None:
        options = {"servers": nats_server.url, "bucket": bucket + name}
        settings.CONTRACT_STORAGES = {
            "default": {"BACKEND": "contracts_app.storage.nats.store.JetStreamContractStore", "OPTIONS": options}
        }
        contract_stores.close()

    return turn


def test_an_archive_is_reproducible_and_imports_completely(stocked, elsewhere, tmp_path):
    assert "4 versions" in run("export_archive", str(tmp_path / "a"))
    run("export_archive", str(tmp_path / "b"))
    files = ("contracts.json", "manifest.json", "archive.sha256")
    assert [(tmp_path / "a" / name).read_bytes() for name in files] == [
        (tmp_path / "b" / name).read_bytes() for name in files
    ]
    subprocess.run(["sha256sum", "--check", "--quiet", "archive.sha256"], cwd=tmp_path / "a", check=True)
    before = contract_store().list_all()
    elsewhere()
    assert run("import_archive", str(tmp_path / "a"), "--dry-run") == "Would be: 4 imported\n"
    assert contract_store().list_all().bundles == ()
    assert run("import_archive", str(tmp_path / "a")) == "4 imported\n"
    assert contract_store().list_all() == before
    assert run("import_archive", str(tmp_path / "a")) == "4 unchanged\n"
    run("export_archive", str(tmp_path / "c"))
    assert (tmp_path / "c" / "contracts.json").read_bytes() == (tmp_path / "a" / "contracts.json").read_bytes()
    assert run("verify_contracts").startswith("Verified 4 versions of 3 contracts and 0 policies in the bucket ")


def test_an_archive_carries_the_policies_that_apply(stocked, elsewhere, tmp_path):
    for level, name in (("default", ""), ("prefix", "pay"), ("contract", "pay.order"), ("contract", "elsewhere")):
        set_policy(level=level, name=name, policy={"compatibility": "full"}, actor=ACTOR)
    assert "3 versions and 3 policies" in run("export_archive", str(tmp_path / "a"), "--name", "pay.order")
    elsewhere()
    assert "3 imported, 3 imported (policies)" in run("import_archive", str(tmp_path / "a"))
    documents = contract_store().index("policy").documents
    assert set(documents) == {"policy.default", "policy.prefix.pay", "policy.contract.pay.order"}
    assert policy_of(documents, "pay.order").compatibility == "full"
    assert "3 unchanged (policies)" in run("import_archive", str(tmp_path / "a"))
    set_policy(level="prefix", name="pay", policy={"compatibility": "none"}, actor=ACTOR)
    code, output = failing("import_archive", str(tmp_path / "a"))
    assert (code, "the registry has another policy.prefix.pay" in output) == (1, True)
    assert policy_of(contract_store().index("policy").documents, "pay.money").compatibility == "none"


def test_an_archive_carries_the_bindings_of_its_contracts(stocked, elsewhere, tmp_path):
    for name, subject, contract in (("orders", "pay.order.>", "pay.order"), ("odd", "odd", "other")):
        set_binding(name=name, binding=Binding(name, subject, contract, mode="enforce"), actor=ACTOR)
    assert "3 versions and 1 bindings" in run("export_archive", str(tmp_path / "a"), "--name", "pay.order")
    elsewhere()
    assert "1 imported (bindings)" in run("import_archive", str(tmp_path / "a"), "--dry-run")
    assert all_bindings() == []
    assert "3 imported, 1 imported (bindings)" in run("import_archive", str(tmp_path / "a"))
    assert all_bindings() == [Binding("orders", "pay.order.>", "pay.order", mode="enforce")]
    assert "1 unchanged (bindings)" in run("import_archive", str(tmp_path / "a"))
    set_binding(name="orders", binding=Binding("orders", "pay.order.>", "pay.order", mode="off"), actor=ACTOR)
    code, output = failing("import_archive", str(tmp_path / "a"))
    assert (code, "another binding of the name orders or for pay.order.>" in output) == (1, True)
    assert all_bindings()[0].mode == "off"


@pytest.mark.parametrize("policies", ['{"policy.odd.x": {}}', '{"policy.default": {"no": 1}}', "[1]", '{"x": {}}'])
def test_an_archive_with_a_bad_policy_is_refused(stocked, tmp_path, policies):
    run("export_archive", str(tmp_path))
    write_member(tmp_path, "policies", policies)
    assert failing("import_archive", str(tmp_path))[0] == 2


@pytest.mark.parametrize("bindings", ["[1]", '{"x": {}}', '{"x": {"subject": "a b", "contract": "pay.order"}}'])
def test_an_archive_with_a_bad_binding_is_refused(stocked, tmp_path, bindings):
    run("export_archive", str(tmp_path))
    write_member(tmp_path, "bindings", bindings)
    assert failing("import_archive", str(tmp_path))[0] == 2


def write_member(folder, name, value):
    """Add a member to an archive, and write the digests anew."""
    path = folder / "contracts.json"
    path.write_text(path.read_text().rstrip().removesuffix("}") + f',"{name}":{value}}}')
    names = ("contracts.json", "manifest.json")
    digests = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (folder / "archive.sha256").write_text("\n".join(digests) + "\n")


def test_a_subset_includes_its_dependencies(stocked, tmp_path):
    assert "3 versions" in run("export_archive", str(tmp_path), "--name", "pay.order")
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert [(each["name"], each["version"]) for each in manifest["contracts"]] == [
        ("pay.money", "1.0.0"),
        ("pay.order", "1.0.0"),
        ("pay.order", "1.1.0"),
    ]
    assert failing("export_archive", str(tmp_path / "x"), "--prefix", "zz")[0] == 1


def test_a_later_state_is_imported_and_other_content_is_a_conflict(stocked, elsewhere, tmp_path):
    run("export_archive", str(tmp_path / "a"))
    elsewhere()
    publish("other", "v1")
    publish("pay.money", "1.0.0", '{"type": "number"}')
    code, output = failing("import_archive", str(tmp_path / "a"))
    assert (code, "1 conflict, 2 imported, 1 updated" in output) == (1, True)
    assert contract_store().get("other", "v1").state == "deprecated"


@pytest.mark.parametrize("file", ["contracts.json", "manifest.json", "archive.sha256"])
def test_a_changed_archive_is_refused(stocked, tmp_path, file):
    run("export_archive", str(tmp_path))
    path = tmp_path / file
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    code, output = failing("import_archive", str(tmp_path))
    assert code == 2
    assert "is not the file" in output


def test_a_folder_that_is_no_archive_is_refused(tmp_path):
    assert failing("import_archive", str(tmp_path))[0] == 2


def test_every_error_in_the_bucket_is_reported(stocked, bucket):
    store = contract_store()
    audit = AuditEntry(ACTOR)
    money = store.get("pay.money", "1.0.0")
    store.put_document("meta.bad.v1", b"?", after=0, audit=audit)
    broken = money.to_record().replace(b'\\"integer\\"', b'\\"intege\\"')
    last = store.index("pay.money").revision("pay.money")
    store.put_document("meta.pay.money.1.0.0", broken, after=last, audit=audit)
    store.put_document("policy.default", b'{"compatibility": "odd"}', after=0, audit=audit)
    store.put_document("binding.odd", b'{"subject": "a"}', after=0, audit=audit)
    code, output = failing("verify_contracts")
    assert code == 1
    for said in (
        "meta.bad.v1: not JSON",
        "meta.pay.money.1.0.0: its digest does not match",
        "meta.pay.order.1.0.0: its dependency pay.money/1.0.0 is missing",
        "policy.default: compatibility must be one of",
        "binding.odd: The member contract is missing",
    ):
        assert said in output, output
    assert "6 errors" in output


def test_the_audit_log_prints_and_exports(stocked):
    lines = run("audit_log").splitlines()
    assert len(lines) == 5
    assert lines[-1].endswith("tester deprecate other v1 (active -> deprecated): old")
    entries = [json.loads(line) for line in run("audit_log", "--format", "json", "--contract", "other").splitlines()]
    assert [entry["action"] for entry in entries] == ["publish", "deprecate"]
    assert run("audit_log", "--since", "2999-01-01") == ""
    assert failing("audit_log", "--since", "x")[0] == 2


def test_an_export_does_not_write_through_links(registry, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("kept")
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in ("contracts.json", "manifest.json", "archive.sha256"):
        (folder / name).symlink_to(outside)
    call_command("export_archive", str(folder), stdout=StringIO())
    assert outside.read_text() == "kept"
    assert not any(path.is_symlink() for path in folder.iterdir())


def test_the_embedded_server_requires_the_login_of_this_start(tmp_path):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=1024 * 1024, with_login=True)
    server.start()
    try:
        login = read_login(tmp_path / "nats")
        assert login == server.login
        files = [tmp_path / "nats" / name for name in ("login.json", "nats-server.conf")]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        with_login = JetStreamContractStore(servers=server.url, user=login["user"], password=login["password"])
        assert with_login.index().versions("a") == ()
        with_login.close()
        without = JetStreamContractStore(servers=server.url, timeout=1)
        with pytest.raises(StorageUnavailable):
            without.index()
        without.close()
    finally:
        server.stop()


def test_the_client_follows_no_link_to_another_host():
    with RegistryClient("http://127.0.0.1:8090", "token") as client:
        assert client._url("http://127.0.0.1:8090/a?b=c").endswith("/a?b=c")
        for host in ("http://evil.example", "https://127.0.0.1:8090", "//evil.example", "http://127.0.0.1:80901"):
            link = f"{host}/a"
            with pytest.raises(RegistryError, match="links to another host"):
                client._url(link)


def test_an_embedded_server_without_data_has_forgotten_its_bucket(settings, tmp_path, monkeypatch):
    """Removing its folder is how a developer begins anew; a lost bucket of another server is remembered."""
    options = {**settings.CONTRACT_STORAGES["default"]["OPTIONS"], "known_folder": str(tmp_path / "buckets")}
    settings.CONTRACT_STORAGES = {"default": {**settings.CONTRACT_STORAGES["default"], "OPTIONS": options}}
    settings.NATS_URL, settings.VAR_DIR = "", tmp_path
    monkeypatch.setattr(serve, "free_port", lambda preferred: 4999)

    def known(url: str) -> KnownStream:
        return KnownStream(str(tmp_path / "buckets"), [url], options["bucket"])

    for url in ("nats://127.0.0.1:4999", "nats://nats.example:4222"):
        known(url).remember("2026-01-01T00:00:00Z")
    (tmp_path / "nats" / "data").mkdir(parents=True)
    serve.Command()._embedded()
    assert known("nats://127.0.0.1:4999").created
    (tmp_path / "nats" / "data").rmdir()
    serve.Command()._embedded()
    assert not known("nats://127.0.0.1:4999").created
    assert known("nats://nats.example:4222").created
