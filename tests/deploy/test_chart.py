"""The Helm chart, with the real helm: it is linted, renders valid manifests, and refuses bad values."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
CHART = ROOT / "deploy" / "helm" / "contract-registry"
KUBERNETES = "1.31"
HELM = shutil.which("helm")
pytestmark = pytest.mark.skipif(
    HELM is None and "REQUIRE_HELM" not in os.environ, reason="helm is not installed; CI installs it with Go"
)
LEAST = ("nats.url=nats://nats:4222", "auth.existingSecret=auth")
FORMS = {
    "least": (),
    "full": (
        "ingress.enabled=true",
        "ingress.hosts[0]=registry.example.com",
        "ingress.tlsSecret=tls",
        "console.existingSecret=console",
        "console.existingDatabaseSecret=database",
        "autoscaling.enabled=true",
        "networkPolicy.enabled=true",
    ),
    "backup": ("backup.enabled=true", "backup.existingClaim=backups", "backup.recipient=age1abc"),
    "upload": ("backup.enabled=true", "backup.existingClaim=b", "backup.upload=s3://b/r", "backup.uploadSecret=s3"),
    "nats": (
        "nats.existingSecret=nats",
        "nats.useCA=true",
        "nats.useCredentials=true",
        "nats.useClientCertificate=true",
    ),
    "webhooks": (
        "webhooks.enabled=true",
        "webhooks.networks[0]=10.0.0.0/8",
        "webhooks.networks[1]=fd00::/8",
        "console.existingSecret=console",
        "nats.existingSecret=nats",
    ),
    "single": (
        "replicaCount=1",
        "nats.replicas=1",
        "serviceAccount.create=false",
        "podDisruptionBudget.enabled=false",
        "topologySpread.enabled=false",
    ),
}


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HELM or "helm", *arguments], capture_output=True, text=True, cwd=ROOT)


def options(values: tuple[str, ...]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def rendered(*values: str) -> list[dict]:
    found = helm("template", "registry", str(CHART), "--kube-version", f"{KUBERNETES}.0", *options((*LEAST, *values)))
    assert found.returncode == 0, found.stderr
    return [each for each in yaml.safe_load_all(found.stdout) if each]


def of_kind(manifests: list[dict], kind: str) -> list[dict]:
    return [each for each in manifests if each["kind"] == kind]


def test_lint():
    found = helm("lint", str(CHART), "--strict", *options(LEAST))
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("values", FORMS.values(), ids=FORMS)
def test_the_manifests_are_valid(values, tmp_path):
    path = tmp_path / "manifests.yaml"
    path.write_text(yaml.safe_dump_all(rendered(*values)))
    command = [shutil.which("kubernetes-validate", path=str(Path(os.sys.executable).parent)) or "kubernetes-validate"]
    found = subprocess.run([*command, "--strict", "-k", KUBERNETES, str(path)], capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize(
    ("values", "place"),
    [
        (("nats.url=",), "nats.url"),
        (("nats.url=nats:4222",), "nats.url"),
        (("auth.existingSecret=",), "auth"),
        (("nats.replicas=2",), "nats.replicas"),
        (("ingress.enabled=true",), "ingress.hosts"),
        (("backup.enabled=true",), "backup.existingClaim"),
        (("nats.useCA=true",), "nats.existingSecret"),
        (("webhooks.enabled=true",), "console.existingSecret"),
        (("webhooks.networks[0]=everywhere",), "webhooks.networks"),
        (("replicas=3",), "replicas"),
        (("allowedHosts[0]=*",), "allowedHosts"),
    ],
)
def test_bad_values_are_refused(values, place):
    found = helm("template", "registry", str(CHART), "--kube-version", f"{KUBERNETES}.0", *options((*LEAST, *values)))
    assert found.returncode != 0
    assert place.split(".")[-1] in found.stderr


def test_pods_run_without_privileges_and_restart_only_for_themselves():
    pod = of_kind(rendered(), "Deployment")[0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    for container in (*pod["containers"], *pod["initContainers"]):
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    service = pod["containers"][0]
    assert service["livenessProbe"]["httpGet"]["path"] == "/healthz", "an outage of NATS must not restart pods"
    assert service["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_webhooks_have_pods_of_their_own_with_the_secret_key():
    manifests = rendered(*FORMS["webhooks"])
    (pods,) = [each for each in of_kind(manifests, "Deployment") if each["metadata"]["name"].endswith("-webhooks")]
    (container,) = pods["spec"]["template"]["spec"]["containers"]
    assert container["args"] == ["manage", "serve_webhooks"]
    assert "SECRET_KEY" in [each["name"] for each in container["env"]]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert of_kind(manifests, "ConfigMap")[0]["data"]["WEBHOOK_NETWORKS"] == "10.0.0.0/8,fd00::/8"
    # The service must not send requests to them.
    selector = of_kind(manifests, "Service")[0]["spec"]["selector"]
    assert not selector.items() <= pods["spec"]["template"]["metadata"]["labels"].items()


def test_the_migration_is_a_job_if_pods_share_a_database():
    manifests = rendered("console.existingDatabaseSecret=database")
    assert "initContainers" not in of_kind(manifests, "Deployment")[0]["spec"]["template"]["spec"]
    assert of_kind(manifests, "Job")[0]["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade"


def test_host_names_are_those_of_the_service_and_the_ingress():
    manifests = rendered("ingress.enabled=true", "ingress.hosts[0]=registry.example.com", "allowedHosts[0]=other")
    hosts = of_kind(manifests, "ConfigMap")[0]["data"]["ALLOWED_HOSTS"].split(",")
    name = "registry-contract-registry"
    assert hosts == [
        "other",
        "registry.example.com",
        name,
        f"{name}.default",
        f"{name}.default.svc",
        f"{name}.default.svc.cluster.local",
    ]


def test_alerts_and_plain_manifests_are_up_to_date():
    alerts = (ROOT / "deploy" / "monitoring" / "alerts.yml").read_text()
    assert (CHART / "files" / "alerts.yml").read_text() == alerts, "run `make manifests`"
    rule = of_kind(rendered("prometheusRule.enabled=true"), "PrometheusRule")[0]
    assert rule["spec"] == yaml.safe_load(alerts)
    values = str(ROOT / "deploy" / "kubernetes" / "values.yaml")
    found = helm("template", "registry", str(CHART), "--kube-version", "1.31.0", "--skip-tests", "--values", values)
    assert (ROOT / "deploy" / "kubernetes" / "registry.yaml").read_text() == found.stdout, "run `make manifests`"
