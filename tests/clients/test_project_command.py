"""`contract-registry`: locking, pulling, checking and generated code, against a real server."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from contract_registry_client import RegistryClient
from contract_registry_client.cli import main
from contract_registry_client.plain_schemas import module_name

from contracts_app.services.demo import versions
from tests.api.conftest import make_token
from tests.commands.serving import ROOT, serving
from tests.conftest import LOGIN
from tests.signing_keys import Key, flipped

GO = shutil.which("go") or ("/usr/local/go/bin/go" if os.path.exists("/usr/local/go/bin/go") else None)
TOKEN = make_token("contracts:read", "contracts:write")
NAMES = sorted({each.name for each in versions() if each.schema is not None and not each.draft})


@pytest.fixture(scope="module")
def url(nats_server, tmp_path_factory):
    """A registry with the thirty contracts of the demonstration."""
    folder = tmp_path_factory.mktemp("project")
    variables = {f"NATS_{name.upper()}": value for name, value in LOGIN.items()} | {"VAR_DIR": str(folder / "var")}
    with serving(nats_server.url, folder / "log", "registry_project.asgi", **variables) as (url, _):
        bucket = {"NATS_URL": nats_server.url, "REGISTRY_KV_BUCKET": f"served-{url.rpartition(':')[2]}"}
        environment = {**os.environ, **variables, **bucket}
        subprocess.run([sys.executable, "manage.py", "fill_demo"], cwd=ROOT, env=environment, check=True)
        yield url


@pytest.fixture
def project(url, tmp_path, monkeypatch):
    """A function that runs the command in a project's folder, and returns its exit code."""
    monkeypatch.setenv("JWT_TOKEN", TOKEN)
    monkeypatch.setenv("REGISTRY_ENDPOINT", url)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        return main(list(arguments))

    run.folder = tmp_path
    run.write = lambda text: (tmp_path / "contracts.toml").write_text(text)
    return run


def locked(project) -> dict[str, dict]:
    found = json.loads((project.folder / "contracts.lock").read_text())["contracts"]
    return {each["name"]: each for each in found}


def test_a_project_is_locked_pulled_and_verified(project, capsys):
    assert project("init") == 0
    assert project("init") == 1
    project.write('[contracts]\n"order.placed" = "^1"\n')
    assert project("pull", "--frozen") == 1
    assert "contract-registry lock" in capsys.readouterr().err
    assert project("lock") == 0
    first = locked(project)["order.placed"]
    assert "order.placed - -> 1." in capsys.readouterr().out
    assert project("pull", "--frozen") == 0
    folder = project.folder / "contracts" / "order.placed"
    assert json.loads((folder / "contract.json").read_text())["digest"] == first["digest"]
    assert json.loads((folder / "schema.json").read_text())["type"] == "object"
    assert project("verify") == 0
    before = (project.folder / "contracts.lock").read_bytes()
    assert project("lock") == 0
    assert (project.folder / "contracts.lock").read_bytes() == before


def test_what_a_contract_depends_on_is_locked_with_it(project):
    name = next(each.name for each in versions() if each.schema and "contract:" in json.dumps(each.schema))
    project.write(f'[contracts]\n"{name}" = "latest"\n')
    assert project("pull") == 0
    assert len(locked(project)) > 1
    assert project("verify") == 0


@pytest.mark.parametrize("file", ["contract.json", "schema.json"])
def test_tampering_and_drift_fail(project, capsys, file):
    project.write('[contracts]\n"order.placed" = "^1"\n')
    assert project("pull") == 0
    path = project.folder / "contracts" / "order.placed" / file
    path.write_text(path.read_text().replace("object", "array"))
    assert project("verify") == 1
    assert f"{file} of order.placed" in capsys.readouterr().err
    assert project("generate", "--lang", "python") == 1, "no code is made of other files"
    path.unlink()
    assert project("verify") == 1
    lock = project.folder / "contracts.lock"
    lock.write_text(lock.read_text().replace(locked(project)["order.placed"]["digest"], "0" * 64))
    assert project("pull", "--frozen") == 1
    assert "another content" in capsys.readouterr().err
    assert not path.exists(), "nothing is written that was not verified"
    project.write('[contracts]\n"order.placed" = "^1"\n"order.paid" = "latest"\n')
    assert project("pull", "--frozen") == 1
    assert "order.paid" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ("[contracts", "cannot be read"),
        ("other = 1", "'other' is not known"),
        ("contracts = 1", "a table of texts"),
        ('folder = "../elsewhere"', "must be below"),
        ('[contracts]\n"no.such.contract" = "^1"\n', "not found"),
        ('[contracts]\n"order.placed" = "^9"\n', "^9"),
    ],
)
def test_a_bad_manifest_is_refused_with_the_reason(project, capsys, manifest, reason):
    project.write(manifest)
    assert project("lock") == 1
    assert reason in capsys.readouterr().err
    assert not (project.folder / "contracts.lock").exists()


def test_texts_of_the_project_are_checked_like_in_ci(project, url, capsys):
    with RegistryClient(url, TOKEN) as registry:
        present = json.loads(registry.get("order.placed")["jsonSchema"])
    (project.folder / "order.json").write_text(json.dumps(present))
    (project.folder / "new.json").write_text('{"type": "string"}')
    project.write('[local]\n"order.placed" = "order.json"\n"brand.new" = "new.json"\n')
    assert project("check") == 0
    assert "brand.new: new" in capsys.readouterr().out
    present["properties"]["tenantId"] = {"type": "integer"}
    (project.folder / "order.json").write_text(json.dumps(present))
    assert project("check") == 1
    assert "! type-" in capsys.readouterr().out
    assert project("check", "--json") == 1
    assert json.loads(capsys.readouterr().out)["order.placed"]["requiredBump"] == "major"
    (project.folder / "order.json").write_text("{")
    assert project("check") == 1


def test_a_difference_to_a_newer_version_is_shown(project, capsys):
    name, first = next((each.name, each.version) for each in versions() if each.version == "1.0.0" and each.schema)
    project.write(f'[contracts]\n"{name}" = "{first}"\n')
    assert project("lock") == 0
    assert project("diff", name) == 0
    assert f"{name} 1.0.0 -> " in capsys.readouterr().out
    assert project("diff", "other") == 1


def test_a_registry_that_does_not_answer_and_a_bad_token_have_their_codes(project, monkeypatch):
    project.write('[contracts]\n"order.placed" = "^1"\n')
    assert project("--registry", "http://127.0.0.1:9", "lock") == 3
    monkeypatch.setenv("JWT_TOKEN", "bad")
    assert project("lock") == 2
    monkeypatch.delenv("JWT_TOKEN")
    assert project("lock") == 1


@pytest.fixture
def thirty(project, url):
    """The project with every contract of the demonstration, and their verified examples."""
    project.write("[contracts]\n" + "".join(f'"{name}" = "latest"\n' for name in NAMES))
    assert project("pull") == 0
    with RegistryClient(url, TOKEN) as registry:
        return {name: registry.examples(name)["valid"] for name in NAMES}


def test_generated_python_accepts_every_verified_example(project, thirty, monkeypatch, capsys):
    monkeypatch.setenv("REGISTRY_ENDPOINT", "http://127.0.0.1:9")  # offline
    assert project("generate", "--lang", "python") == 0, capsys.readouterr().err
    assert f"{len(NAMES)} of {len(NAMES)}" in capsys.readouterr().out
    monkeypatch.syspath_prepend(str(project.folder / "generated"))
    sys.modules.pop("python", None)
    checked = 0
    for name, examples in thirty.items():
        module = importlib.import_module(f"python.{module_name(name)}")
        model = getattr(module, "".join(part.capitalize() for part in module_name(name).split("_")))
        for example in examples:
            model.model_validate(example)
            checked += 1
    assert checked >= len(NAMES)


@pytest.mark.skipif(not os.environ.get("REQUIRE_NODE"), reason="REQUIRE_NODE=1 generates and compiles TypeScript")
def test_generated_typescript_accepts_every_verified_example(project, thirty, capsys):
    assert project("generate", "--lang", "typescript") == 0, capsys.readouterr().err
    folder = project.folder / "generated" / "typescript"
    for name, examples in thirty.items():
        module = module_name(name)
        exported = next(
            line for line in (folder / f"{module}.ts").read_text().splitlines() if line.startswith("export")
        )
        _, kind, type_name, *_ = exported.split()
        assert kind in ("interface", "type")
        lines = [f'import type {{ {type_name} }} from "./{module}";']
        lines += [f"export const e{number}: {type_name} = {json.dumps(each)};" for number, each in enumerate(examples)]
        (folder / f"check_{module}.ts").write_text("\n".join(lines))
    compiler = ["npx", "--yes", "--package", "typescript@5.9.3", "tsc", "--strict", "--noEmit"]
    sources = sorted(map(str, folder.glob("*.ts")))
    done = subprocess.run([*compiler, *sources], capture_output=True, text=True, timeout=300, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


GO_PROGRAM = """package main

import (
	"encoding/json"
	"os"
IMPORTS
)

func check[T any](path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var all []T
	if err := json.Unmarshal(data, &all); err != nil {
		panic(path + err.Error())
	}
}

func main() {
CHECKS
}
"""


@pytest.mark.skipif(not os.environ.get("REQUIRE_GO"), reason="REQUIRE_GO=1 generates and compiles Go")
@pytest.mark.xdist_group("go")
def test_generated_go_accepts_every_verified_example(project, thirty, capsys):
    assert GO, "Go is required and not installed"
    assert project("generate", "--lang", "go") == 0, capsys.readouterr().err
    folder: Path = project.folder / "generated" / "go"
    imports, checks = [], []
    for name, examples in thirty.items():
        module = module_name(name)
        text = (folder / module / f"{module}.go").read_text()
        root = module.replace("_", "")
        types = [line.split()[1] for line in text.splitlines() if line.startswith("type ")]
        type_name = next(each for each in types if each.lower() == root)
        (folder / module / "examples.json").write_text(json.dumps(examples))
        imports.append(f'\t{module} "example.com/contracts/{module}"')
        checks.append(f'\tcheck[{module}.{type_name}]("{module}/examples.json")')
    program = GO_PROGRAM.replace("IMPORTS", "\n".join(imports)).replace("CHECKS", "\n".join(checks))
    (folder / "main.go").write_text(program)
    for command in (["mod", "init", "example.com/contracts"], ["mod", "tidy"], ["run", "."]):
        done = subprocess.run([GO, *command], cwd=folder, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_project_asks_for_the_signatures_of_its_signers(project, url, capsys):
    key, other = Key(password=b"secret"), Key("Ed25519")
    (project.folder / "ci.pem").write_text(key.public)
    (project.folder / "ci.key").write_bytes(key.private)
    admin = make_token("contracts:read", "contracts:write", "contracts:admin")
    put = httpx.put(
        f"{url}/registry/signers/ci", json={"publicKey": key.public}, headers={"Authorization": f"Bearer {admin}"}
    )
    assert put.status_code == 201, put.text
    with RegistryClient(url, TOKEN) as registry:
        registry.publish({"name": "signed.event", "version": "1.0.0", "jsonSchema": "true"})
    project.write('[contracts]\n"signed.event" = "^1"\n[signers]\nci = "ci.pem"\n')
    assert project("lock") == 1
    assert "signed.event 1.0.0 is not signed by ci" in capsys.readouterr().err
    assert project("sign", "signed.event", "1.0.0", "--key", "ci.key") == 1, "its password is missing"
    assert "private key" in capsys.readouterr().err
    os.environ["SIGNING_KEY_PASSWORD"] = "secret"
    try:
        assert project("sign", "signed.event", "1.0.0", "--key", "ci.key") == 0
    finally:
        del os.environ["SIGNING_KEY_PASSWORD"]
    assert "as ci" in capsys.readouterr().out
    assert project("pull") == 0
    assert project("verify") == 0
    path = project.folder / "contracts" / "signed.event" / "signatures.json"
    stored = json.loads(path.read_text())
    for damaged in ([{**stored[0], "envelope": flipped(stored[0]["envelope"], "sig")}], [], [1], {"a": 1}, None):
        path.write_text(json.dumps(damaged))
        assert project("verify") == 1
        assert "not signed by ci" in capsys.readouterr().err
    path.unlink()
    assert project("verify") == 1
    (project.folder / "ci.pem").write_text(other.public)
    assert project("pull") == 1
    (project.folder / "ci.pem").write_text("nothing")
    assert project("pull") == 1
    assert "not a public key" in capsys.readouterr().err
