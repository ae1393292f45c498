"""The service refuses to start with an unusable configuration, and says what to set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SECRET = "s" * 40


def manage(*arguments: str, **variables: str):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )


PRODUCTION = {"JWT_SECRET": SECRET, "ALLOWED_HOSTS": "a.example"}
CHECK = ("check", "--deploy", "--fail-level", "WARNING")


def test_check_deploy_is_clean_in_production(tmp_path):
    settings = {**PRODUCTION, "VAR_DIR": str(tmp_path)}
    done = manage(*CHECK, **settings)
    assert (done.returncode, "manage.py migrate" in done.stderr) == (1, True)
    assert manage("migrate", **settings).returncode == 0
    done = manage(*CHECK, **settings)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("variables", "identity"),
    [
        ({"DATABASE_URL": "postgres://nobody@127.0.0.1:9/none"}, "contracts.E007"),
        ({"DATABASE_URL": "sqlite:////nowhere/at/all"}, "contracts.E007"),
        ({"JWT_SECRET": "", "JWT_ALGORITHM": "RS256", "JWT_JWKS": "http://127.0.0.1:9/keys"}, "contracts.E006"),
    ],
)
def test_check_deploy_names_what_cannot_be_used(variables, identity, tmp_path):
    done = manage(*CHECK, **{**PRODUCTION, "VAR_DIR": str(tmp_path), **variables})
    assert (done.returncode, identity in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr


def test_check_deploy_warns_in_development():
    assert "JWT_SECRET" in manage("check", "--deploy", "--fail-level", "WARNING").stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"BIND_ADDR": "0.0.0.0:8090"}, "set JWT_SECRET"),
        ({"BIND_ADDR": "8090"}, "not host:port"),
        ({"JWT_SECRET": "dev-secret-change-in-production"}, "public default"),
        ({"JWT_ALGORITHM": "HS999"}, "HS999"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
        ({"CONTRACT_MAX_BYTES": "1"}, "CONTRACT_MAX_BYTES"),
        ({"SCHEMA_DIALECTS": "http://example.com/a#=draft-05"}, "draft-04"),
        ({"SCHEMA_DIALECTS": "draft-04"}, "URI=DRAFT"),
    ],
)
def test_invalid_settings_are_refused(variables, says):
    for command in (["manage.py", "check"], ["-m", "gunicorn", "--check-config", "registry_project.asgi"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True
        )
        assert done.returncode == 1
        assert "Configuration error: " in done.stderr
        assert says in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("hosts", [{}, {"ALLOWED_HOSTS": "*"}])
def test_production_requires_the_names_of_its_hosts(hosts):
    check = manage("check", "--deploy", JWT_SECRET=SECRET, **hosts)
    assert (check.returncode, "ALLOWED_HOSTS must name the hosts" in check.stderr) == (1, True)
    command = [sys.executable, "-m", "gunicorn", "--check-config", "registry_project.asgi"]
    variables = {**os.environ, "JWT_SECRET": SECRET, **hosts}
    server = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    assert (server.returncode, "Configuration error: ALLOWED_HOSTS" in server.stderr) == (1, True)


def test_what_the_service_keeps_is_readable_by_its_user_alone(tmp_path):
    assert manage("migrate", VAR_DIR=str(tmp_path / "var")).returncode == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "var", *(tmp_path / "var").iterdir()]}
    assert modes == {"var": 0o700, "registry.sqlite3": 0o600, "secret_key": 0o600}


def test_a_bucket_name_is_checked():
    done = manage("check", REGISTRY_KV_BUCKET="not a bucket")
    assert done.returncode == 1
    assert "REGISTRY_KV_BUCKET" in done.stderr


def test_issue_token_prints_a_token():
    assert manage("issue_token", "--sub", "me", "--scopes", "contracts:read").stdout.count(".") == 2
    assert manage("issue_token", "--ttl", "0").returncode == 2
    pem = "JWT_JWKS", "http://127.0.0.1:9/keys"
    assert "only verifies" in manage("issue_token", JWT_ALGORITHM="RS256", **dict([pem])).stderr


def test_tests_and_benchmarks_use_the_served_worker():
    def pins(file):
        text = (ROOT / "requirements" / f"{file}.txt").read_text()
        return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;]+)", text, re.MULTILINE))

    tested = pins("dev")
    assert len(tested) > 50
    for file in ("base", "bench"):
        assert {name: version for name, version in pins(file).items() if tested.get(name, version) != version} == {}
    assert pins("base").keys() <= tested.keys()


def test_the_hook_installs_the_pinned_versions():
    """Of everything that the linter needs, directly or not: the versions that the tests run with."""
    requirements = (ROOT / "requirements" / "base.txt").read_text()
    pinned = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)", requirements, re.MULTILINE))
    pinned = {name.lower().replace("_", "-"): version for name, version in pinned.items()}
    hook = dict(re.findall(r"^    - ([a-z0-9-]+)==(.+)$", (ROOT / ".pre-commit-hooks.yaml").read_text(), re.MULTILINE))
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split("[>=]", each)[0] for each in needed} <= hook.keys()
    assert hook == {name: pinned[name] for name in hook}, "write the versions of requirements/base.txt there"


def test_every_variable_is_documented_and_every_documented_one_is_read():
    paths = [*ROOT.glob("registry_project/*.py"), *ROOT.glob("contracts_app/**/*.py"), ROOT / "gunicorn.conf.py"]
    calls = re.compile(r'(?:env(?:\.\w+)?\(|environ\.setdefault\(|environ\.get\()\s*"([A-Z][A-Z_]+)"')
    read = {name for path in paths for name in calls.findall(path.read_text())}
    table = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs" / "configuration.md").read_text(), re.MULTILINE)
    documented = {name for cell in table for name in re.findall(r"`([A-Z][A-Z_]+)`", cell)}
    elsewhere = {"DJANGO_SETTINGS_MODULE", "UV_TCP_SINGLE_ACCEPT", "JWT_TOKEN", "REGISTRY_ENDPOINT"}
    assert {name for name in read - documented - elsewhere if not name.startswith("OTEL_")} == set()
    named = " ".join(path.read_text() for path in paths)
    unread = {name for name in documented - read if f'"{name}"' not in named}
    assert unread == {"FORWARDED_ALLOW_IPS"}, "gunicorn reads that one itself"
