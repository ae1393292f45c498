"""The commands of the first pages are run as they stand, against a service that was just started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from contracts_app.api.auth.config import DEVELOPMENT_SECRET
from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

ROOT = Path(__file__).parent.parent.parent
STARTED = ("make run", "make test", "export JWT_TOKEN")
"""What the test has done already, or would never end."""


def blocks(page: str) -> list[str]:
    """Return the page's blocks of shell commands that can be run here, in order."""
    found = re.findall(r"^```bash\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith(STARTED)]


@pytest.fixture(scope="module")
def url(nats_server, tmp_path_factory):
    log = tmp_path_factory.mktemp("documented") / "log"
    with serving(nats_server.url, log, "--workers", "1", "registry_project.asgi") as (url, _):
        yield url


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_commands_of_a_page_work(url, page):
    python = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "JWT_TOKEN": make_token(*ALL, key=DEVELOPMENT_SECRET),
        "REGISTRY_ENDPOINT": url,
        "PATH": f"{python}:{os.environ['PATH']}",
    }
    ran, outputs = 0, []
    for block in blocks(page):
        script = block.replace("http://localhost:8090", url).replace(".venv/bin/python", sys.executable)
        done = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True, text=True)
        # A comparison that finds a break ends with 1, as documented.
        assert done.returncode == (1 if "lint_contracts compare" in block else 0), (block, done.stdout, done.stderr)
        outputs.append(done.stdout)
        ran += 1
    assert ran >= 1
    if page == "docs/index.md":
        assert '"code":"content_refused"' in outputs[-1], "the second version is refused, as the page says"
        assert "type-narrowed" in outputs[-1]
