"""The tutorial of docs/subjects.md, block by block."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts_app.api.auth.config import DEVELOPMENT_SECRET
from contracts_app.serving.embedded_nats import EmbeddedServer, free_port
from tests.api.conftest import make_token
from tests.commands.serving import ROOT, serving

SCOPES = ("contracts:read", "contracts:write", "contracts:admin")


@pytest.fixture
def started(tmp_path):
    server = EmbeddedServer(tmp_path / "nats", port=free_port(0), max_record_bytes=4 << 20)
    server.start()
    more = {"REGISTRY_KV_BUCKET": "contracts", "VAR_DIR": str(tmp_path / "var")}
    with serving(server.url, tmp_path / "log", "registry_project.asgi", "--workers", "1", **more) as (url, _):
        yield {
            **os.environ,
            **more,
            "NATS_URL": server.url,
            "REGISTRY_ENDPOINT": url,
            "JWT_TOKEN": make_token(*SCOPES, key=DEVELOPMENT_SECRET),
        }
    server.stop()


def test_the_tutorial_works_as_it_stands(started):
    text = (ROOT / "docs" / "subjects.md").read_text()
    outputs = []
    for block in re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        script = block.replace(".venv/bin/python", str(Path(sys.executable)))
        done = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=started, capture_output=True, text=True)
        assert done.returncode == (1 if "check_stream" in block else 0), (block, done.stdout, done.stderr)
        outputs.append(done.stdout)
    published, example, checked, inferred, exported, asked = outputs
    assert "Nothing breaks; it needs at least a minor version" in asked
    assert "order.created 1.0.0 can be withdrawn: nobody uses it" in asked
    assert '"title": "order.seen"' in inferred
    assert json.loads(exported)["channels"]["orders"]["address"] == "orders.{rest}"
    assert "orders.> is bound to order.created 1.0.0 (enforce)" in published
    assert example.count("stored as") == 3
    assert "refused: orders.eu.created: not valid by order.created 1.0.0 at /orderId" in example
    assert "on dead-letter.orders.eu.created" in example
    assert "order.created: 3 of 3 are valid" in checked
    assert "2 messages are valid now, and not by the proposal (sequences 1, 2)" in checked
