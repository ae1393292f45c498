"""The service refuses to start with an unusable configuration, and says what to set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
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


def test_check_deploy_is_clean_in_production():
    done = manage("check", "--deploy", "--fail-level", "WARNING", JWT_SECRET=SECRET)
    assert done.returncode == 0, done.stderr


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
