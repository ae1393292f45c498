"""Three real nats-servers whose routes lead through proxies, so that a node can be isolated, frozen or killed."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

from contracts_app.serving.embedded_nats import free_port, is_nats_server, nats_server_path
from linter_app.work_pool import die_with_parent

NODES = ("n1", "n2", "n3")


def until(condition: Callable[[], object], seconds: float, what: str = "it did not come in time") -> None:
    """Wait until a condition holds. Raises AssertionError, saying what, after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


class Proxy:
    """A TCP proxy to one port: it passes bytes on, refuses connections, or swallows all bytes in silence."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._state = "open"
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        """Pass bytes on. Connections whose bytes were swallowed are closed: what they carried has a gap."""
        if self._state == "silent":
            self._close_all()
        self._state = "open"

    def cut(self) -> None:
        """Close every connection, and each new one at once."""
        self._state = "cut"
        self._close_all()

    def silence(self) -> None:
        """Keep connections open, and accept new ones, but pass nothing on."""
        self._state = "silent"

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _close_all(self) -> None:
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        if self._state == "cut":
            near.close()
            return
        try:
            far = socket.create_connection(("127.0.0.1", self._target), 2)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        self._sockets |= {near, far}
        for pair in ((near, far), (far, near)):
            threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._state == "open":
                    sink.sendall(data)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._sockets.discard(source)
        source.close()


class Node:
    def __init__(self, name: str, folder: Path, routes: list[int], cluster_port: int) -> None:
        self.name = name
        self.port = free_port(0)
        self.url = f"nats://127.0.0.1:{self.port}"
        self._config = folder / f"{name}.conf"
        self._config.write_text(
            f"""
            server_name: {name}
            host: 127.0.0.1
            port: {self.port}
            max_payload: 8388608
            jetstream {{ store_dir: "{folder / name}" }}
            accounts {{ SYS {{ users: [ {{ user: sys, password: sys }} ] }}
                        R {{ jetstream: enabled, users: [ {{ user: registry, password: registry }} ] }} }}
            system_account: SYS
            cluster {{ name: drill, host: 127.0.0.1, port: {cluster_port}, pool_size: -1
                       # Nodes learn each other's address from third ones: this one leads nowhere.
                       advertise: "127.0.0.1:9", no_advertise: true
                       routes: [ {", ".join(f'"nats://127.0.0.1:{port}"' for port in routes)} ] }}
            """
        )
        self._log = (folder / f"{name}.log").open("ab")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [nats_server_path(), "-c", str(self._config)],
            stdout=self._log,
            stderr=self._log,
            preexec_fn=lambda: die_with_parent(signal.SIGKILL),
        )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it as if the machine had lost power."""
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        assert self.process is not None
        self.process.wait()

    @property
    def answers(self) -> bool:
        return is_nats_server("127.0.0.1", self.port, 0.3)


class Cluster:
    """Nodes n1, n2 and n3, each with a proxy before it for the clients."""

    login = {"user": "registry", "password": "registry"}

    def __init__(self, folder: Path) -> None:
        ports = {name: free_port(0) for name in NODES}
        self._routes = {pair: Proxy(ports[pair[1]]) for pair in permutations(NODES, 2)}
        self.nodes = {
            name: Node(name, folder, [p.port for (a, _), p in self._routes.items() if a == name], ports[name])
            for name in NODES
        }
        self.doors = {name: Proxy(node.port) for name, node in self.nodes.items()}
        """The proxies before the nodes: what a client connects to."""

    def urls(self, *names: str) -> str:
        return ",".join(f"nats://127.0.0.1:{self.doors[name].port}" for name in names or NODES)

    def start(self) -> None:
        for node in self.nodes.values():
            node.start()
        self.wait_until_up()

    def wait_until_up(self, timeout: float = 20) -> None:
        until(lambda: all(node.answers for node in self.nodes.values()), timeout, "the nats-servers did not start")

    def isolate(self, name: str, *, silently: bool = False) -> None:
        """Cut a node off from its peers; its clients still reach it."""
        for pair, proxy in self._routes.items():
            if name in pair:
                if silently:
                    proxy.silence()
                else:
                    proxy.cut()

    def heal(self) -> None:
        for proxy in (*self._routes.values(), *self.doors.values()):
            proxy.open()

    def stop(self) -> None:
        for node in self.nodes.values():
            if node.process is not None and node.process.poll() is None:
                node.thaw()
                node.signal(signal.SIGKILL)
                node.process.wait()
        for proxy in (*self._routes.values(), *self.doors.values()):
            proxy.close()
