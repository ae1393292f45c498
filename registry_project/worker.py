"""gunicorn's worker: uvicorn's, which bounds what a client may send before its request is known, and how long it takes.

There are two short ways, which uvicorn has not. What the application has ready it may send without a task of its own:
an application with a method `at_once` is asked first, with the target and the headers of a plain GET, and gives the
status, the header lines and the body, or None. And an answer that is whole is sent in one write: the scope's extensions
have WHOLE_ANSWER, to be called with the status, the headers and the body; it says whether it did.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from contracts_app.api.gate import WHOLE_ANSWER, header_lines

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
        # What comes after a request that ends the connection is not looked at.
        self._answered = self.transport.is_closing() or self._answer_at_once()
        if not self._answered:
            super().on_headers_complete()
            scope: dict[str, Any] = self.scope  # type: ignore[assignment]  # with an extension of its own
            scope["extensions"] = {WHOLE_ANSWER: partial(self._answer_whole, self.cycle)}

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
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    # The short ways

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
        ):
            return False
        try:
            found = self._at_once(self.url, self.headers)
        except Exception:  # within the parser it would look like a bad request
            logging.getLogger(__name__).exception("what is ready could not be told; the request goes on by ASGI")
            return False
        if found is None:
            return False
        status, lines, body = found
        last = parser.get_http_version() == "1.0" or not parser.should_keep_alive()
        self._write(status, lines, body, last=last)
        self.server_state.total_requests += 1
        if not last:
            self._wait_for_the_next()
        return True

    def _answer_whole(
        self, cycle: RequestResponseCycle, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes
    ) -> bool:
        """Send the answer to a request under way; False where it has to go by ASGI's messages."""
        lines = header_lines(headers)
        measured = b"\r\ncontent-length: %d\r\n" % len(body) in b"\r\n" + lines
        if (
            cycle.response_started
            or cycle.disconnected
            or self.flow.write_paused
            or cycle.scope["method"] == "HEAD"
            or not measured
            or b"\r\nconnection: " in lines
        ):
            return False
        cycle.response_started = cycle.response_complete = True
        self._write(status, lines, body, last=not cycle.keep_alive)
        cycle.message_event.set()
        cycle.on_response()
        return True

    def _write(self, status: int, lines: bytes, body: bytes, *, last: bool) -> None:
        date = header_lines(self.server_state.default_headers)
        head = b"%s%s%s%s\r\n" % (STATUS_LINE[status], date, lines, b"connection: close\r\n" if last else b"")
        if len(body) > AT_ONCE_BYTES:
            self.transport.write(head)
            self.transport.write(body)
        else:
            self.transport.write(head + body)
        if last:
            self.transport.close()


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
        # Without gunicorn's wrappers, which complain when the event loop has closed them.
        await _Server(self.config).serve(sockets=[each.sock for each in self.sockets])
