"""The console's users and sessions in a real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from contracts_app.serving.embedded_nats import free_port
from tests.commands.serving import ROOT, environment, serving

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
PASSWORD = "a password of thirty-two characters"
pytestmark = [
    pytest.mark.skipif(
        not PROGRAMS and "REQUIRE_POSTGRESQL" not in os.environ,
        reason="PostgreSQL is not installed (Debian's package postgresql); CI installs it",
    ),
    pytest.mark.xdist_group("postgresql"),
]


@pytest.fixture(scope="module")
def database():
    """A server with an empty database; yields its DATABASE_URL."""
    folder = Path(tempfile.mkdtemp(prefix="registry-postgresql-"))
    as_user: dict[str, str] = {}
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = {"user": "postgres"}
    programs, port = PROGRAMS[-1].parent, free_port(0)
    data = ["-D", str(folder / "data")]

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], check=True, capture_output=True, cwd=folder, **as_user)

    run("initdb", *data, "-A", "trust", "-U", "registry", "--no-sync")
    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    run("pg_ctl", *data, "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "registry", "registry")
        yield f"postgres://registry@127.0.0.1:{port}/registry"
    finally:
        run("pg_ctl", *data, "-m", "immediate", "stop")
        shutil.rmtree(folder)


def manage(database: str, *arguments: str, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(DATABASE_URL=database, **more),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def log_in(client: httpx.Client, password: str) -> httpx.Response:
    client.get("/admin/login/")
    form = {"username": "operator", "password": password, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    return client.post("/admin/login/", data=form, headers={"Referer": f"{client.base_url}/admin/login/"})


def test_the_console_works_with_postgresql(database, nats_server, tmp_path):
    assert "Applying contracts_app" in manage(database, "migrate")
    assert "No migrations to apply" in manage(database, "migrate")
    manage(
        database,
        *("createsuperuser", "--noinput", "--username", "operator", "--email", "operator@example.com"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
    )
    assert "publisher" in manage(
        database, "shell", "-c", "from django.contrib.auth.models import Group as G; print(G.objects.all())"
    )
    arguments = ("--workers", "2", "registry_project.asgi")
    with serving(nats_server.url, tmp_path / "log", *arguments, DATABASE_URL=database) as (url, _):
        with httpx.Client(base_url=url, timeout=30) as client:
            assert log_in(client, "wrong").status_code == 200
            assert log_in(client, PASSWORD).status_code == 302
            page = client.get("/admin/")
            assert (page.status_code, "operator" in page.text) == (200, True)
        with httpx.Client(base_url=url, timeout=30) as stranger:
            for _ in range(20):
                refused = log_in(stranger, "guessed")
            assert refused.status_code in (403, 429), "logins are throttled, by attempts kept in the database"
