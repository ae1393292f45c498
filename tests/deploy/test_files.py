"""The files of deploy/ that are given to other programs: they exist where they are mounted, and are accepted."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from contracts_app.serving.embedded_nats import nats_server_path

ROOT = Path(__file__).parent.parent.parent


def test_what_compose_mounts_exists():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert [name for name, service in services.items() if "profiles" not in service] == ["nats"], (
        "`make up` is NATS alone"
    )
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = {path for path in mounted if path.startswith("./")}
    assert len(files) >= 4
    assert {path for path in files if not (ROOT / path).is_file()} == set()


@pytest.mark.parametrize("name", ["nats-server.conf", "cluster.conf", "least-privilege.conf"])
def test_nats_accepts_its_configuration(name, tmp_path):
    config = (ROOT / "deploy" / "nats" / name).read_text().replace("/data", str(tmp_path))
    (tmp_path / name).write_text(config)
    secrets = {"REGISTRY_NATS_PASSWORD": "p1", "REGISTRY_NATS_READER_PASSWORD": "p2"}
    command = [nats_server_path(), "-t", "-c", str(tmp_path / name)]
    found = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **secrets})
    assert found.returncode == 0, found.stderr


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed; CI installs it with Go")
def test_prometheus_accepts_its_configuration():
    for arguments in (("check", "config", "prometheus.yml"), ("test", "rules", "alerts_test.yml")):
        found = subprocess.run(["promtool", *arguments], cwd=ROOT / "deploy/monitoring", capture_output=True, text=True)
        assert found.returncode == 0, found.stdout + found.stderr


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist():
    known = (ROOT / "contracts_app" / "metrics.py").read_text() + (
        ROOT / "contracts_app/serving/metrics.py"
    ).read_text()
    names = set(re.findall(r'"(registry_[a-z_]+)"', known))
    names |= {f"registry_copy_{name}" for name in re.findall(r'_gauge\("([a-z_]+)"', known)}
    dashboard = json.loads((ROOT / "deploy/monitoring/dashboard.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked.append((ROOT / "deploy/monitoring/alerts.yml").read_text())
    used = set(re.findall(r"registry_[a-z_]+", " ".join(asked)))
    assert {name for name in used if name.removesuffix("_bucket") not in names} == set()
    operate = (ROOT / "docs" / "operate.md").read_text()
    assert {name for name in used if name.removesuffix("_bucket") not in operate} <= {"registry_copy_body_bytes"}
