"""The commands, and the policy under concurrency, with a real gunicorn of several workers."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from contracts_app.serving.embedded_nats import free_port
from linter_app import lint
from linter_app.semver import Version
from tests.api.conftest import ALL, make_token
from tests.commands.serving import ROOT, environment, serving, wait_for
from tests.signing_keys import Key

SERVERS = {
    "asgi": ["--workers", "4", "--preload", "registry_project.asgi"],
    "wsgi": ["--workers", "4", "--worker-class", "gthread", "--threads", "8", "registry_project.wsgi"],
}

on_one_server = pytest.mark.parametrize("server", ["asgi"], indirect=True)
"""For what the commands do with the answers, which both servers give alike."""

SCHEMA = ("--json-schema", str(ROOT / "contracts" / "fixtures" / "linter" / "base-v1.0.0.json"))


@pytest.fixture(scope="module", params=SERVERS)
def server(request, nats_server, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "log.jsonl"
    with serving(nats_server.url, log, *SERVERS[request.param], measured=True) as (url, _):
        yield url
    for line in log.read_text().splitlines():
        assert {"time", "level", "message"} <= json.loads(line).keys()


def publish_command(server, *arguments, token=None, **env):
    return subprocess.run(
        [sys.executable, "manage.py", "publish_contract", "--registry-endpoint", server, *arguments],
        cwd=ROOT,
        env=environment(**({"JWT_TOKEN": token} if token else {}), **env),
        capture_output=True,
        text=True,
    )


def test_publish_contract_prints_the_published_contract(server, fixtures, tmp_path):
    (tmp_path / "a.wit").write_text("package demo:a;\n\ninterface i {}\n")
    (tmp_path / "a.json").write_text('{"owner": "team"}')
    done = publish_command(
        server,
        *("--name", "cli.contract", "--version", "1.0.0", "--description", "From a file"),
        *("--json-schema", str(fixtures / "base-v1.0.0.json")),
        *("--wit-path", str(tmp_path / "a.wit"), "--descriptor-path", str(tmp_path / "a.json")),
        token=make_token(*ALL),
    )
    assert (done.returncode, done.stderr) == (0, "")
    headers = {"Authorization": f"Bearer {make_token(*ALL)}"}
    stored = httpx.get(f"{server}/registry/contracts/cli.contract/1.0.0", headers=headers).json()
    assert done.stdout == (
        "Contract published successfully!\n\n"
        "Name:      cli.contract\nVersion:   1.0.0\n"
        f"Digest:    {stored['digest']}\nCreatedAt: {stored['createdAt']}\n"
    )
    assert stored["jsonSchema"] == (fixtures / "base-v1.0.0.json").read_text()
    assert (stored["wit"], stored["descriptor"]) == ("package demo:a;\n\ninterface i {}\n", {"owner": "team"})
    again = publish_command(server, "--name", "cli.contract", "--version", "1.0.0", *SCHEMA, "--jwt", make_token(*ALL))
    assert again.returncode == 1
    assert "409" in again.stderr
    assert stored["digest"] in again.stderr
    dry = publish_command(server, "--name", "cli.dry", "--version", "v1", *SCHEMA, "--dry-run", token=make_token(*ALL))
    assert (dry.returncode, "may be published" in dry.stdout) == (0, True)


@on_one_server
def test_publish_contract_signs_what_a_policy_asks_for(server, tmp_path):
    key, headers = Key(password=b"secret"), {"Authorization": f"Bearer {make_token(*ALL, 'contracts:admin')}"}
    (tmp_path / "key.pem").write_bytes(key.private)
    signer = f"{server}/registry/signers/ci"
    assert httpx.put(signer, json={"publicKey": key.public}, headers=headers).status_code == 201
    policy = f"{server}/registry/policies/prefixes/signed"
    assert httpx.put(policy, json={"requiredSigners": ["ci"]}, headers=headers).status_code == 200
    arguments = ("--name", "signed.contract", "--version", "1.0.0", *SCHEMA, "--jwt", make_token(*ALL))
    assert "signature by ci" in publish_command(server, *arguments).stderr
    signing = (*arguments, "--sign-with", str(tmp_path / "key.pem"))
    refused = publish_command(server, *signing)
    assert (refused.returncode, "cannot be used" in refused.stderr) == (2, True)
    assert publish_command(server, *signing, SIGNING_KEY_PASSWORD="secret").returncode == 0
    stored = httpx.get(f"{server}/registry/contracts/signed.contract/1.0.0", headers=headers).json()
    assert stored["signedBy"] == ["ci"]


@on_one_server
def test_publish_contract_proposes_and_waits_for_the_review(server, tmp_path):
    def review(*arguments, who="bob", status=0):
        token = make_token(*ALL, "contracts:approve", sub=who)
        done = subprocess.run(
            [
                sys.executable,
                "manage.py",
                "review_proposals",
                "--registry-endpoint",
                server,
                "--jwt",
                token,
                *arguments,
            ],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    headers = {"Authorization": f"Bearer {make_token(*ALL, 'contracts:admin')}"}
    policy = f"{server}/registry/policies/prefixes/reviewed"
    assert httpx.put(policy, json={"review": ["new"]}, headers=headers).status_code == 200
    alice = make_token(*ALL, "contracts:approve", sub="alice")
    first = ("--name", "reviewed.one", "--version", "1.0.0", *SCHEMA, "--jwt", alice)
    assert "after a review, because it is new" in publish_command(server, *first, "--dry-run").stdout
    waiting = publish_command(server, *first)
    assert (waiting.returncode, "Nobody has decided" in waiting.stderr) == (4, True)
    assert "reviewed.one 1.0.0 (new), proposed by alice" in review()
    one = ("--name", "reviewed.one", "--version", "1.0.0")
    assert "pending" in review(*one)
    assert "--reason" in review(*one, "--approve", status=2)
    assert "--version" in review("--name", "reviewed.one", status=2)
    assert "another person" in review(*one, "--approve", "--reason", "x", who="alice", status=1)
    assert "Approved and published" in review(*one, "--approve", "--reason", "looks good")
    assert "approved by bob: looks good" in review(*one)
    second = ("--name", "reviewed.two", "--version", "1.0.0")
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(publish_command, server, *second, *SCHEMA, "--jwt", alice, "--wait", "60")
        while "reviewed.two" not in review():
            time.sleep(0.2)
        review(*second, "--reject", "--reason", "not yet")
        refused = done.result()
    assert (refused.returncode, "rejected by bob: not yet" in refused.stderr) == (1, True)
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(publish_command, server, *second, *SCHEMA, "--jwt", alice, "--wait", "60")
        while "reviewed.two" not in review():
            time.sleep(0.2)
        review(*second, "--approve", "--reason", "now")
        published = done.result()
    assert (published.returncode, "Approved by bob: now" in published.stdout) == (0, True), published.stderr
    second = ("--name", "reviewed.three", "--version", "1.0.0")
    assert publish_command(server, *second, *SCHEMA, "--jwt", alice).returncode == 4
    assert "Taken back" in review(*second, "--take-back", who="alice")
    assert "0 wait" in review()


@pytest.mark.parametrize(
    ("arguments", "token", "status", "says"),
    [
        ([], None, 2, "No token"),
        (["--json-schema", "/none.json"], "x", 2, "cannot be read"),
        ([], "nonsense", 1, "401"),
        (["--registry-endpoint", "http://127.0.0.1:9"], "x", 3, "cannot be reached"),
        (["--registry-endpoint", "nonsense"], "x", 3, "cannot be reached"),
    ],
)
def test_publish_contract_reports_errors_with_exit_codes(server, arguments, token, status, says):
    done = publish_command(server, "--name", "a", "--version", "v1", *arguments, token=token)
    assert done.returncode == status
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_chunked_body_is_read_and_measured(server):
    body = json.dumps({"name": "chunked", "version": "v1", "jsonSchema": True}).encode()
    headers = {"Authorization": f"Bearer {make_token(*ALL)}"}
    url = f"{server}/registry/contracts"
    assert httpx.post(url, content=iter([body[:5], body[5:]]), headers=headers).status_code == 201
    # A chunked body has no announced length: it is measured while it is read.
    too_large = httpx.post(url, content=(b"x" * 1024 * 1024 for _ in range(11)), headers=headers, timeout=30)
    assert too_large.status_code == 413


def test_200_parallel_clients_leave_versions_that_satisfy_the_policy(server):
    dice = random.Random(7)
    types = ["string", "integer", "null"]
    requests = []
    for major in range(5):
        for minor in range(10):
            requests.append((f"{major}.{minor}.0", {"type": dice.choice(types)}))
    requests = requests * 4
    dice.shuffle(requests)
    headers = {"Authorization": f"Bearer {make_token(*ALL)}"}
    limits = httpx.Limits(max_connections=200)
    with httpx.Client(headers=headers, timeout=60, limits=limits) as client, ThreadPoolExecutor(200) as pool:

        def publish(request):
            version, schema = request
            body = {"name": "stampede", "version": version, "jsonSchema": schema}
            return client.post(f"{server}/registry/contracts", json=body).status_code

        statuses = list(pool.map(publish, requests))
        listed = client.get(f"{server}/registry/contracts").json()["contracts"]
        stored = sorted(Version.parse(item["version"]) for item in listed if item["name"] == "stampede")
        contents = [client.get(f"{server}/registry/contracts/stampede/{version}").json() for version in stored]
    assert set(statuses) <= {201, 409, 422}
    assert statuses.count(201) == len(stored) > 0
    schemas = [json.loads(body["jsonSchema"]) for body in contents]
    for index in range(len(stored) - 1):
        older, newer = stored[index], stored[index + 1]
        report = lint(schemas[index], schemas[index + 1], current_version=older.text, proposed_version=newer.text)
        assert report.acceptable, f"{older} -> {newer}"


def test_serve_starts_stops_and_keeps_its_data(tmp_path):
    port = free_port(0)
    headers = {"Authorization": f"Bearer {make_token(*ALL)}"}
    url = f"http://127.0.0.1:{port}/registry/contracts"
    for round_ in (1, 2):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment(VAR_DIR=str(tmp_path), BIND_ADDR=f"127.0.0.1:{port}", WEB_CONCURRENCY="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        # It prints a greeting when it listens; it is stopped only after that.
        greeting = list(itertools.takewhile(lambda line: "Ctrl-C stops everything" not in line, process.stdout))
        assert any("export JWT_TOKEN=" in line for line in greeting)
        wait_for(port)
        body = {"name": "kept", "version": "v1", "jsonSchema": True}
        status = httpx.post(url, json=body, headers=headers, timeout=20).status_code
        assert status == (201 if round_ == 1 else 409)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=40)
        assert process.returncode == 0, out
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", port), 1)


def command(server, name, *arguments, token=None):
    return subprocess.run(
        [sys.executable, "manage.py", name, "--registry-endpoint", server, *arguments],
        cwd=ROOT,
        env=environment(JWT_TOKEN=token or make_token(*ALL)),
        capture_output=True,
        text=True,
    )


@on_one_server
def test_a_folder_is_planned_published_and_then_unchanged(server, tmp_path):
    (tmp_path / "tree.money").mkdir()
    (tmp_path / "tree.money" / "1.0.0.json").write_text('{"type": "integer"}')
    (tmp_path / "tree.order.1.0.0.json").write_text('{"properties": {"total": {"$ref": "contract:tree.money@^1"}}}')
    (tmp_path / "tree.order.1.0.0.wit").write_text("package demo:tree;\n")
    plan = command(server, "publish_contracts", str(tmp_path), "--plan")
    assert (plan.returncode, plan.stderr) == (0, "")
    assert plan.stdout == "publish    tree.money 1.0.0\npublish    tree.order 1.0.0\n2 to publish, 0 unchanged\n"
    done = command(server, "publish_contracts", str(tmp_path))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 published, 0 unchanged")
    (tmp_path / "tree.money" / "1.1.0.json").write_text('{"type": "string"}')
    refused = command(server, "publish_contracts", str(tmp_path))
    assert refused.returncode == 1
    assert "REFUSED    tree.money 1.1.0" in refused.stdout
    assert "requires version 2.0.0" in refused.stdout
    (tmp_path / "tree.money" / "1.1.0.json").unlink()
    again = command(server, "publish_contracts", str(tmp_path))
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "0 to publish, 2 unchanged")
    assert command(server, "publish_contracts", str(tmp_path / "nowhere")).returncode == 2


@on_one_server
def test_versions_are_deprecated_and_withdrawn(server):
    publish_command(server, "--name", "old.one", "--version", "1.0.0", *SCHEMA, token=make_token(*ALL))
    publish_command(server, "--name", "old.one", "--version", "1.1.0", *SCHEMA, token=make_token(*ALL))
    which = ("--name", "old.one", "--version", "1.0.0")
    done = command(server, "deprecate_contract", *which, "--successor", "1.1.0", "--sunset", "2999-01-01")
    assert (done.returncode, done.stdout) == (0, "old.one 1.0.0 is deprecated, sunset 2999-01-01T00:00:00Z\n")
    done = command(server, "withdraw_contract", *which, "--reason", "gone")
    assert (done.returncode, done.stdout) == (0, "old.one 1.0.0 is withdrawn\n")
    again = command(server, "withdraw_contract", *which)
    assert (again.returncode, "is withdrawn; it cannot be withdrawn" in again.stderr) == (1, True)
    assert command("http://127.0.0.1:1", "withdraw_contract", *which).returncode == 3
