"""The audit log as a chain of hashes: exported, continued, and verified by itself and against the bucket."""

from __future__ import annotations

import asyncio
import hashlib
import json

import nats
import pytest

from contracts_app.bundles import compact
from contracts_app.services.audit_chain import chained, read_chain
from contracts_app.services.policies import set_policy
from contracts_app.storage import contract_store
from tests.commands.test_store_commands import ACTOR, elsewhere, failing, publish, run, stocked  # noqa: F401  fixtures
from tests.conftest import LOGIN


@pytest.fixture
def file(stocked, tmp_path):  # noqa: F811
    path = tmp_path / "audit.jsonl"
    run("export_audit", str(path))
    return path


def head_of(output: str) -> str:
    return output.split("head ")[1].split()[0]


def test_the_log_is_exported_verified_and_continued(file, settings):
    lines = file.read_text().splitlines()
    entries = [json.loads(line) for line in lines[1:]]
    assert [each["action"] for each in entries] == ["publish"] * 4 + ["deprecate"]
    stored = contract_store().history()[-1].value
    assert entries[-1]["record"] == hashlib.sha256(stored).hexdigest()
    first = head_of(run("verify_audit", str(file)))
    assert first == entries[-1]["hash"]
    publish("pay.order", "2.0.0")
    assert "1 are not exported yet" in run("verify_audit", str(file))
    second = head_of(run("export_audit", str(file)))
    assert file.read_text().splitlines()[: len(lines)] == lines, "what was written stays"
    assert run("export_audit", str(file)).endswith(f"head {second}\n"), "nothing is new"
    assert head_of(run("verify_audit", str(file), "--head", first)) == second
    assert failing("verify_audit", str(file), "--head", "0" * 64)[0] == 1
    settings.CONTRACT_STORAGES = {}
    assert head_of(run("verify_audit", str(file), "--offline")) == second


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], lines[1].replace("tester", "nobody"), *lines[2:]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:2], lines[1], *lines[2:]],
        lambda lines: [lines[0].replace("stream", "other"), *lines[1:]],
        lambda lines: [lines[0].replace('"format":1', '"format":2'), *lines[1:]],
        lambda lines: [*lines, "{}"],
        lambda lines: [*lines, "[" * 10_000],
        lambda lines: [*lines, "no JSON"],
        lambda lines: [],
    ],
)
def test_a_changed_file_is_refused_with_the_line(file, change):
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in change(lines)))
    status, said = failing("verify_audit", str(file), "--offline")
    assert status == 1
    assert str(file) in said
    before = file.read_bytes()
    assert failing("export_audit", str(file))[0] == 1, "a chain that breaks is not continued"
    assert file.read_bytes() == before


def test_a_chain_that_was_computed_anew_does_not_go_through_the_head(file):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    kept = lines[-1]["hash"]
    head = hashlib.sha256(compact(lines[0])).hexdigest()
    for entry in lines[1:]:
        entry.pop("hash")
        entry["actor"] = "nobody"
        head = chained(entry, head)
        entry["hash"] = head
    file.write_bytes(b"".join(compact(line) + b"\n" for line in lines))
    assert read_chain(file).head == head
    assert failing("verify_audit", str(file), "--offline", "--head", kept)[0] == 1
    status, said = failing("verify_audit", str(file))
    assert (status, said.count("is another one in the bucket")) == (1, 5)


def test_a_line_that_an_interruption_cut_is_written_anew(file):
    whole = file.read_bytes()
    file.write_bytes(whole[:-20])
    run("export_audit", str(file))
    assert file.read_bytes() == whole
    file.write_bytes(b'{"form')
    assert failing("export_audit", str(file))[0] == 1


def test_a_write_that_was_removed_from_the_bucket_is_noticed(file, nats_server, bucket):
    async def remove() -> None:
        client = await nats.connect(nats_server.url, **LOGIN)
        await client.jetstream().purge_stream(f"KV_{bucket}", subject=f"$KV.{bucket}.meta.pay.order.1.0.0")
        await client.close()

    asyncio.run(remove())
    status, said = failing("verify_audit", str(file))
    assert (status, "the write 2 of meta.pay.order.1.0.0 was removed" in said) == (1, True)


def test_writes_that_the_bucket_no_longer_keeps_stay_in_the_file(registry, tmp_path):
    path = tmp_path / "audit.jsonl"
    for number in range(70):
        set_policy(level="default", policy={"minimumNoticeDays": number}, actor=ACTOR)
        if number == 40:
            run("export_audit", str(path))
    run("export_audit", str(path))
    assert len(path.read_text().splitlines()) == 71
    assert "6 are older than what it keeps" in run("verify_audit", str(path))


def test_a_file_of_another_bucket_and_a_bad_path_are_refused(file, elsewhere, tmp_path):  # noqa: F811
    elsewhere()
    publish("other.name", "1.0.0")
    assert "begin another one" in failing("export_audit", str(file))[1]
    assert failing("verify_audit", str(file))[0] == 1
    assert failing("verify_audit", str(tmp_path / "none"))[0] == 2
    assert failing("export_audit", str(tmp_path / "none" / "file"))[0] == 2
    assert contract_store()
