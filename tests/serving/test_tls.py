"""TLS with real certificates: to NATS with client certificates and nkeys, and before gunicorn by nginx."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import httpx
import nkeys
import pytest

from contracts_app.exceptions import StorageUnavailable
from contracts_app.serving.embedded_nats import free_port
from contracts_app.storage.nats.store import JetStreamContractStore
from tests.api.conftest import ALL, make_token
from tests.commands.serving import serving, wait_for
from tests.storage.suite import AUDIT, make

STORE = 'jetstream { store_dir: "FOLDER/js" }\n'
SECRET = "a secret of thirty-two characters!"


def openssl(folder: Path, command: str) -> None:
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


def issue(folder: Path, name: str, *, authority: str = "ca") -> None:
    """Issue a certificate for 127.0.0.1, as <name>.pem and <name>-key.pem."""
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
    openssl(folder, f"req -newkey rsa:2048 -nodes -keyout {name}-key.pem -out {name}.csr -subj /CN={name}")
    signer = f"-CA {authority}.pem -CAkey {authority}-key.pem -CAcreateserial"
    openssl(folder, f"x509 -req -in {name}.csr {signer} -days 2 -extfile names -out {name}.pem")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        files = f"-keyout {name}-key.pem -out {name}.pem"
        openssl(folder, f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} {files}")
    issue(folder, "server")
    issue(folder, "client")
    issue(folder, "stranger", authority="other")
    return folder


def tls_block(folder: Path) -> str:
    files = f'cert_file: "{folder}/server.pem", key_file: "{folder}/server-key.pem", ca_file: "{folder}/ca.pem"'
    return f"tls {{ {files}, verify: true }}\n"


def store_at(port: int, folder: Path, certificate: str = "client", ca: str = "ca") -> JetStreamContractStore:
    return JetStreamContractStore(
        servers=f"tls://127.0.0.1:{port}",
        tls_ca=str(folder / f"{ca}.pem"),
        tls_cert=str(folder / f"{certificate}.pem") if certificate else "",
        tls_key=str(folder / f"{certificate}-key.pem") if certificate else "",
        timeout=2,
    )


def test_a_client_certificate_is_needed_and_sent(server_with, certificates):
    port = server_with(STORE + tls_block(certificates))
    store = store_at(port, certificates)
    store.create(make(), after=0, audit=AUDIT)
    store.close()
    for certificate, ca in (("", "ca"), ("stranger", "ca"), ("client", "other")):
        refused = store_at(port, certificates, certificate, ca)
        with pytest.raises(StorageUnavailable):
            refused.get("order.placed", "1.0.0")
        refused.close()


def test_a_certificate_that_was_renewed_is_used_after_a_reconnection(server_with, certificates, tmp_path):
    """The files are read for each new connection: no restart is needed."""
    folder = tmp_path / "renewed"
    shutil.copytree(certificates, folder)
    port = server_with(STORE + tls_block(certificates))
    store = store_at(port, folder)
    store.create(make(), after=0, audit=AUDIT)
    issue(folder, "client")
    store._connection.thread.loop().call_soon_threadsafe(store._connection.reconnect)
    assert store.get("order.placed", "1.0.0").version == "1.0.0"
    store.close()


def test_an_nkey_logs_in(server_with):
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    public = nkeys.from_seed(bytearray(seed)).public_key.decode()
    port = server_with(STORE + f"authorization {{ users: [ {{ nkey: {public} }} ] }}\n")
    url = f"nats://127.0.0.1:{port}"
    store = JetStreamContractStore(servers=url, nkey_seed=seed.decode(), timeout=2)
    store.create(make(), after=0, audit=AUDIT)
    store.close()
    stranger = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    refused = JetStreamContractStore(servers=url, nkey_seed=stranger.decode(), timeout=1)
    with pytest.raises(StorageUnavailable, match="Authorization Violation"):
        refused.get("order.placed", "1.0.0")
    refused.close()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed; CI installs it")
def test_a_tls_proxy_before_gunicorn(nats_server, certificates, tmp_path):
    port = free_port(0)
    more = {
        "JWT_SECRET": SECRET,
        "ALLOWED_HOSTS": "127.0.0.1",
        "REGISTRY_KV_BUCKET": "proxied",
        "CSRF_TRUSTED_ORIGINS": f"https://127.0.0.1:{port}",
    }
    with serving(nats_server.url, tmp_path / "log", "--workers", "1", "registry_project.asgi", **more) as (url, _):
        config = (Path(__file__).parent.parent.parent / "deploy" / "nginx" / "registry.conf").read_text()
        config = config.replace("listen 443", f"listen 127.0.0.1:{port}").replace(
            "127.0.0.1:8090", url.removeprefix("http://")
        )
        config = config.replace("/etc/ssl/registry.pem", f"{certificates}/server.pem")
        config = config.replace("/etc/ssl/registry-key.pem", f"{certificates}/server-key.pem")
        (tmp_path / "nginx.conf").write_text(
            f"pid {tmp_path}/pid; daemon off; error_log {tmp_path}/error.log; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
            f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n{config}\n}}"
        )
        nginx = subprocess.Popen(["nginx", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")])
        try:
            wait_for(port)
            secure = f"https://127.0.0.1:{port}"
            headers = {"Authorization": f"Bearer {make_token(*ALL, key=SECRET)}"}
            trusted = ssl.create_default_context(cafile=certificates / "ca.pem")
            with httpx.Client(verify=trusted, base_url=secure, headers=headers, timeout=30) as client:
                body = {"name": "proxied.one", "version": "1.0.0", "jsonSchema": True}
                assert client.post("/registry/contracts", json=body).status_code == 201
                for _ in range(2):
                    read = client.get("/registry/contracts/proxied.one/1.0.0")
                    assert read.status_code == 200
                    assert "max-age" in read.headers["Strict-Transport-Security"]
                login = client.get("/admin/login/")
                assert login.status_code == 200
                assert "Secure" in login.headers["Set-Cookie"]
                events = client.get("/registry/events?since=0&wait=0")
                assert [each["subject"] for each in events.json()["events"]] == ["proxied.one/1.0.0"]
            plain = httpx.get(f"{url}/admin/login/", follow_redirects=False)
            assert (plain.status_code, plain.headers["Location"][:5]) == (301, "https")
        finally:
            nginx.terminate()
            nginx.wait()
