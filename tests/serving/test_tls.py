"""TLS with real certificates: to NATS with client certificates, nkeys and credentials, and before gunicorn by nginx."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import time
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


def identity(prefix: int) -> nkeys.KeyPair:
    return nkeys.from_seed(bytearray(nkeys.encode_seed(os.urandom(32), prefix)))


def claims(issuer: nkeys.KeyPair, subject: nkeys.KeyPair, kind: str, **nats: object) -> str:
    """Return a JWT as `nsc` issues it: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-14.md."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    members = {
        "iat": int(time.time()),
        "iss": issuer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "name": kind,
        "nats": {"type": kind, "version": 2, **nats},
    }
    members["jti"] = base64.b32encode(hashlib.sha256(json.dumps(members).encode()).digest()).decode().rstrip("=")
    signed = f"{part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{part(members)}"
    return f"{signed}.{base64.urlsafe_b64encode(issuer.sign(signed.encode())).decode().rstrip('=')}"


def credentials(path: Path, account: nkeys.KeyPair) -> Path:
    user = identity(nkeys.PREFIX_BYTE_USER)
    limits = {"pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1}
    path.write_text(
        f"-----BEGIN NATS USER JWT-----\n{claims(account, user, 'user', **limits)}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    return path


def test_credentials_log_in_to_a_server_in_operator_mode(server_with, tmp_path):
    operator, system, account, stranger = (
        identity(prefix) for prefix in (nkeys.PREFIX_BYTE_OPERATOR, *[nkeys.PREFIX_BYTE_ACCOUNT] * 3)
    )
    free = {
        "subs": -1,
        "data": -1,
        "payload": -1,
        "imports": -1,
        "exports": -1,
        "wildcards": True,
        "conn": -1,
        "leaf": -1,
    }
    stored = {**free, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    known = {
        system.public_key.decode(): claims(operator, system, "account", limits=free),
        account.public_key.decode(): claims(operator, account, "account", limits=stored),
    }
    listed = "\n".join(f"{key}: {token}" for key, token in known.items())
    port = server_with(
        f"{STORE}operator: {claims(operator, operator, 'operator')}\n"
        f"system_account: {system.public_key.decode()}\nresolver: MEMORY\nresolver_preload: {{\n{listed}\n}}\n"
    )
    url = f"nats://127.0.0.1:{port}"
    path = credentials(tmp_path / "registry.creds", account)
    store = JetStreamContractStore(servers=url, credentials=str(path), timeout=2)
    store.create(make(), after=0, audit=AUDIT)
    # Replaced credentials are read for the next connection.
    credentials(path, account)
    store._connection.thread.loop().call_soon_threadsafe(store._connection.reconnect)
    assert store.get("order.placed", "1.0.0").version == "1.0.0"
    store.close()
    forged = credentials(tmp_path / "forged.creds", stranger)
    refused = JetStreamContractStore(servers=url, credentials=str(forged), timeout=1)
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
