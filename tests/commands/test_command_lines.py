"""What commands print on the command line: one clear line for an error, and nothing for a reader that has gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from contracts_app.serving.embedded_nats import free_port
from tests.commands.serving import ROOT


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def store(nats_server, tmp_path):
    return {"NATS_URL": nats_server.url, "REGISTRY_KV_BUCKET": "commands", "VAR_DIR": str(tmp_path)}


def test_a_command_without_a_token_says_how_to_get_one():
    done = run("publish_contract", "--name", "a", "--version", "1.0.0", JWT_TOKEN="")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("No token: give --jwt, or set JWT_TOKEN. A token comes from")
    assert len(done.stderr.splitlines()) == 1


def test_explain_suggests_similar_rules_and_lists_them_all():
    done = run("lint_contracts", "explain", "required-adde")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no rule 'required-adde'; did you mean required-added")
    assert done.stderr.endswith("? `lint_contracts explain` lists them\n")
    assert "required-added" in run("lint_contracts", "explain").stdout


def test_a_verification_says_what_it_verified(store):
    from contracts_app.bundles import ContractBundle
    from contracts_app.services import publish_contract
    from contracts_app.storage import Actor
    from contracts_app.storage.nats.store import JetStreamContractStore

    empty = run("verify_contracts", **store)
    assert empty.returncode == 1
    assert empty.stderr.startswith("There is nothing to verify in the bucket commands at 127.0.0.1:")
    bucket = JetStreamContractStore(servers=store["NATS_URL"], bucket="commands")
    for version in ("1.0.0", "1.1.0"):
        bundle = ContractBundle(name="a", version=version, json_schema="{}", description=version)
        publish_contract(bundle=bundle, actor=Actor("ci"), store=bucket)
    bucket.close()
    done = run("verify_contracts", **store)
    assert done.returncode == 0
    assert done.stdout.startswith("Verified 2 versions of 1 contracts and 0 policies in the bucket commands at")
    quiet = subprocess.run(
        f"{sys.executable} manage.py audit_log --format json | head -1",
        shell=True,
        cwd=ROOT,
        env={**os.environ, **store},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert quiet.stdout.count("\n") == 1
    assert quiet.stderr == ""


def test_a_port_that_is_taken_is_one_line_before_anything_starts(tmp_path):
    port = free_port(0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = run("serve", VAR_DIR=str(tmp_path), BIND_ADDR=f"127.0.0.1:{port}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"127.0.0.1:{port} cannot be used: Address already in use.")
    assert len(done.stderr.splitlines()) == 1
