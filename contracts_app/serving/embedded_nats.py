"""The embedded nats-server: its configuration, and a process that is restarted when it ends."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from functools import partial
from pathlib import Path

from contracts_app.embedded_login import write_login, write_private
from linter_app.work_pool import die_with_parent

MAX_PAYLOAD_BYTES = 64 * 1024 * 1024  # nats-server's own limit


class NATSServerMissing(RuntimeError):
    """nats-server is neither installed with this Python nor on PATH."""


def nats_server_path() -> str:
    local = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(local) if local.exists() else shutil.which("nats-server")
    if not found:
        raise NATSServerMissing("nats-server is not installed; `make install` brings it")
    return found


def is_nats_server(host: str, port: int, timeout: float = 1.0) -> bool:
    """Return whether a NATS server with JetStream answers at this address."""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            connection.settimeout(timeout)
            greeting = connection.makefile("rb").readline(65536)
        return greeting.startswith(b"INFO ") and bool(json.loads(greeting[5:]).get("jetstream"))
    except (OSError, ValueError):
        return False


def free_port(preferred: int) -> int:
    """Return `preferred` if it can be bound on loopback, otherwise another free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no port is free on 127.0.0.1")


class EmbeddedServer:
    """A nats-server on loopback with its data in a folder, restarted whenever it ends."""

    def __init__(self, folder: Path, *, port: int, max_record_bytes: int, with_login: bool = False) -> None:
        self.port = port
        self.url = f"nats://127.0.0.1:{port}"
        self._with_login = with_login
        self.login: dict[str, str] = {"url": self.url}
        """Its url, and if it has a login, user and password, from `start` on."""
        self._folder = folder
        self._payload = min(max_record_bytes, MAX_PAYLOAD_BYTES)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, timeout: float = 15) -> None:
        """Start it and wait until it answers. Raises NATSServerMissing, RuntimeError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authorization = ""
        if self._with_login:
            self.login = write_login(self._folder, self.url)
            authorization = f'authorization {{ user: {self.login["user"]}, password: "{self.login["password"]}" }}\n'
        write_private(
            self._folder / "nats-server.conf",
            f"listen: 127.0.0.1:{self.port}\n"
            f"{authorization}"
            "server_name: contract-registry-embedded\n"
            f"max_payload: {self._payload}\n"
            # Every acknowledged write is on disk; the default is to flush every two minutes.
            f'jetstream {{ store_dir: "{self._folder / "data"}", sync_interval: always }}\n',
        )
        self._spawn()
        deadline = time.monotonic() + timeout
        while not is_nats_server("127.0.0.1", self.port, 0.5):
            if (self._process and self._process.poll() is not None) or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"nats-server did not start; see {self._folder / 'nats-server.log'}")
            time.sleep(0.05)
        self._watcher = threading.Thread(target=self._watch, name="nats-server-watch", daemon=True)
        self._watcher.start()

    def _spawn(self) -> None:
        with self._lock:
            if self._stopping.is_set():
                return
            with open(self._folder / "nats-server.log", "ab") as log:
                self._process = subprocess.Popen(
                    [nats_server_path(), "-c", str(self._folder / "nats-server.conf")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl-C stops the registry first: the server outlives the workers, which still write.
                    start_new_session=True,
                    # Otherwise killing the supervisor would leave its child running.
                    preexec_fn=partial(die_with_parent, signal.SIGTERM),
                )

    def _watch(self) -> None:
        pause = 0.1
        while not self._stopping.is_set():
            process = self._process
            started = time.monotonic()
            if process is None:
                return
            process.wait()
            if self._stopping.is_set():
                return
            pause = 0.1 if time.monotonic() - started > 10 else min(pause * 2, 5)
            print(f"nats-server ended with status {process.returncode}; starting it again", file=sys.stderr, flush=True)
            self._stopping.wait(pause)
            self._spawn()

    def stop(self, timeout: float = 15) -> None:
        """Stop it; its data stays."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
