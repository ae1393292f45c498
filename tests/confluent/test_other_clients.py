"""Confluent's own clients for Go and Node.js, unchanged, against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
GO = shutil.which("go") or ("/usr/local/go/bin/go" if os.path.exists("/usr/local/go/bin/go") else None)


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(not os.environ.get("REQUIRE_GO"), reason="REQUIRE_GO=1 builds Confluent's Go client, and tries it")
@pytest.mark.xdist_group("go")
def test_the_go_client_works(url, tmp_path):
    assert GO, "Go is required and not installed"
    program = tmp_path / "client"
    run(GO, "build", "-o", str(program), ".", cwd=FOLDER / "go")
    assert '"id":' in run(str(program), url, "kafka", "a secret", cwd=tmp_path)


@pytest.mark.skipif(
    not os.environ.get("REQUIRE_NODE"), reason="REQUIRE_NODE=1 installs Confluent's client by npm, and tries it"
)
def test_the_node_client_works(url, tmp_path):
    folder = tmp_path / "client"
    shutil.copytree(FOLDER / "node", folder)
    run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=folder)
    assert run("node", "client.js", url, "kafka", "a secret", cwd=folder) == "done\n"
