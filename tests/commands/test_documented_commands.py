"""The commands of the first pages are run as they stand, against a service that was just started."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class

from contracts_app.api.auth.config import DEVELOPMENT_SECRET
from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving

ROOT = Path(__file__).parent.parent.parent
STARTED = ("make run", "make test", "export JWT_TOKEN", "make start")
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


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/confluent.md"])
def test_the_commands_of_a_page_work(url, nats_server, page):
    python = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "JWT_TOKEN": make_token(*ALL, key=DEVELOPMENT_SECRET),
        "REGISTRY_ENDPOINT": url,
        "NATS_URL": nats_server.url,
        "REGISTRY_KV_BUCKET": f"served-{url.rpartition(':')[2]}",
        "PATH": f"{python}:{os.environ['PATH']}",
    }
    ran, outputs = 0, []
    for block in blocks(page):
        script = block.replace("http://localhost:8090", url).replace(".venv/bin/python", sys.executable)
        done = subprocess.run(["bash", "-ec", script], cwd=ROOT, env=environment, capture_output=True, text=True)
        # A break ends a command with 1, as documented.
        breaks = "lint_contracts compare" in block or "order-breaking.json" in block
        assert done.returncode == (1 if breaks else 0), (block, done.stdout, done.stderr)
        outputs.append(done.stdout + done.stderr)
        ran += 1
    assert ran >= 1
    if page == "docs/index.md":
        assert '"code":"content_refused"' in outputs[-1], "the second version is refused, as the page says"
        assert "type-narrowed" in outputs[-1]
    elif page == "docs/confluent.md":
        assert '"contract:version":"1.0.0"' in outputs[0]
        assert outputs[-1].startswith("Would be: 1 imported\n")
    else:
        refused = next(each for each in outputs if "has breaking changes" in each)
        assert "for example" in refused
        assert any('"path":"currency"' in each for each in outputs)


PAGES = [*sorted(path.relative_to(ROOT) for path in ROOT.glob("docs/*.md")), Path("CONTRIBUTING.md"), Path("README.md")]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_options_of_documented_commands_exist(page):
    """Commands that need another machine, or a loss, are parsed as the command itself does it."""
    for block in re.findall(r"^```bash\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL):
        assert subprocess.run(["bash", "-n"], input=block, text=True, capture_output=True).returncode == 0, block
        for arguments in re.findall(r"manage(?:\.py)? (.+)", block.replace("\\\n", " ")):
            words = shlex.split(
                arguments.partition("&&")[0].partition(')"')[0].partition(" > ")[0].partition(" | ")[0], comments=True
            )
            parser = load_command_class(get_commands()[words[0]], words[0]).create_parser("manage.py", words[0])
            given = ["2026-01-01" if word == "DATE" else word for word in words[1:]]
            try:
                parser.parse_args(given)
            except (SystemExit, CommandError) as error:
                pytest.fail(f"{page}: {arguments}: {error}")


def test_the_certificates_of_the_page_about_tls_can_be_made(tmp_path):
    (block,) = [each for each in blocks("docs/tls.md") if "openssl" in each]
    done = subprocess.run(["bash", "-ec", block], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    verify = ["openssl", "verify", "-CAfile", "ca.pem", "registry.pem"]
    assert subprocess.run(verify, cwd=tmp_path, capture_output=True).returncode == 0
