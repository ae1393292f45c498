"""gunicorn's worker: uvicorn's, which bounds what a client may send before its request is known, and how long it takes.

What the application has ready it may send without a task of its own: an application with a method `at_once` is asked
first, with the path and the headers of a plain GET, and gives the status, the header lines and the body, or None.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

HEAD_SECONDS = 60
"""How long a request's head may take to come."""
HEAD_BYTES = 64 * 1024
"""Of a head that does not come at once, beyond its first part."""
AT_ONCE_BYTES = 64 * 1024
"""Of a body that is sent together with its head."""


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._at_once: Callable[..., tuple[int, bytes, bytes] | None] | None
        self._at_once = getattr(self.config.app, "at_once", None)
        self._answered = False
        # Of a head that has begun, and not ended: None, or the bytes that came after its first part.
        self._head: int | None = None
        self._head_timer: asyncio.TimerHandle | None = None

    # The bounds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_the_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_ends()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self._head
        super().data_received(data)
        if self._head is None:
            return
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, 408)
        if before is not None:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse(431)

    def on_message_begin(self) -> None:
        self._answered = False
        self._head = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_ends()
        self._answered = self._answer_at_once()
        if not self._answered:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._answered:
            super().on_message_complete()

    def shutdown(self) -> None:
        cycle = self.cycle
        if cycle is not None and cycle.response_started and not cycle.response_complete:
            self.transport.close()  # a stream has no end: its client comes back, and reads on elsewhere
        else:
            super().shutdown()

    def _head_ends(self) -> None:
        self._head = None
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()

    def _wait_for_the_next(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    # The short way

    def _answer_at_once(self) -> bool:
        """Answer a plain GET whose answer is ready, unless another is under way or the client does not read."""
        parser, under_way = self.parser, self.cycle is not None and not self.cycle.response_complete
        if (
            self._at_once is None
            or parser.get_method() != b"GET"
            or parser.should_upgrade()
            or under_way
            or self.flow.write_paused
            or self.expect_100_continue
            or self.transport.is_closing()
        ):
            return False
        found = self._at_once(self.url, self.headers)
        if found is None:
            return False
        status, lines, body = found
        last = parser.get_http_version() == "1.0" or not parser.should_keep_alive()
        date = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        head = b"%s%s%s%s\r\n" % (STATUS_LINE[status], date, lines, b"connection: close\r\n" if last else b"")
        if len(body) > AT_ONCE_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)
        self.server_state.total_requests += 1
        if last:
            self.transport.close()
        else:
            self._wait_for_the_next()
        return True


class _Server(Server):
    async def serve(self, sockets: Any = None) -> None:
        with self.capture_signals():
            await self._serve(sockets)
            # To die of the signal once more would look like a crash to gunicorn.
            self._captured_signals.clear()


class Worker(UvicornWorker):  # type: ignore[misc]  # it has no types
    CONFIG_KWARGS = {
        "http": Protocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
    }

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        logger = logging.getLogger("uvicorn.error")
        logger.propagate = True  # to the root logger, which writes JSON
        logger.setLevel(logging.WARNING)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - 5)

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        self._install_sigquit_handler()
        await _Server(self.config).serve(sockets=self.sockets)
