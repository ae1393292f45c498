"""What a server leaves behind when it has stopped."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.commands.serving import serving


@pytest.mark.parametrize("more", [{}, {"PROMETHEUS_MULTIPROC_DIR": ""}])
def test_a_server_that_stops_removes_its_temporary_files(nats_server, tmp_path, more):
    # The path of a Unix socket, in a folder of it, has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="t-") as name:
        temporary = Path(name)
        with serving(nats_server.url, tmp_path / "log", "registry_project.asgi", TMPDIR=name, **more) as (_, process):
            assert list(temporary.glob("pymp-*"))
            assert list(temporary.glob("registry-metrics-*"))
        assert process.returncode == 0
        # The folder of a user remains, where servers on this machine share what they have read last.
        assert [each.name for each in temporary.iterdir()] == [f"contract-registry-{os.getuid()}"]


def test_a_folder_for_metrics_that_is_given_is_made_and_kept_without_figures(nats_server, tmp_path):
    metrics = tmp_path / "given" / "metrics"
    more = {"PROMETHEUS_MULTIPROC_DIR": str(metrics)}
    with serving(nats_server.url, tmp_path / "log", "registry_project.asgi", **more) as (url, _):
        assert "registry_" in httpx.get(f"{url}/metrics").text
        assert list(metrics.glob("*.db"))
    assert metrics.is_dir()
    assert not list(metrics.glob("*.db"))
