"""gunicorn's worker: the stock uvicorn worker, with limits on connections that do not send a request in time."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

MAX_HEAD_SECONDS = 60
"""Seconds within which a request's head must arrive, and a new connection must begin one."""
MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a head that arrives in several parts, not counting its first part."""
MAX_HOST_BYTES = 1024
"""Bytes of a Host header: several libraries remember its values."""
MAX_WRITE_SECONDS = 60
"""Seconds for which a client may leave the socket full, without reading any of a response."""
GRACEFUL_SECONDS = 25
IDLE_STOP_SECONDS = 1.0
"""Seconds for which a worker that stops still answers requests on connections that were idle."""
STOP = "registry.stop"
"""Key in the scope of a request: a function that the application sets, and that ends a response which waits."""
_REFUSALS = {400: b"400 Bad Request", 408: b"408 Request Timeout", 431: b"431 Request Header Fields Too Large"}


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 on one connection. uvicorn itself waits for a head without limits of time and size.

    Only methods of asyncio.Protocol and callbacks of the parser are extended; no private attribute is used.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_bytes: int | None = None
        """Bytes of an unfinished head, not counting its first part."""
        self._head_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._stopping = False
        self._start_timer()
        if len(self.connections) > settings.MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(MAX_WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        before = self._head_bytes
        super().data_received(data)
        if before is not None and self._head_bytes is not None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(431)
        # Line breaks between requests cancel uvicorn's keep-alive timeout but begin no request.
        if self._head_timer is None and self.is_idle:
            self._start_timer()

    def on_message_begin(self) -> None:
        self._head_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(value) > MAX_HOST_BYTES and name.lower() == b"host":
            self._refuse(400)

    def on_headers_complete(self) -> None:
        self._head_bytes = None
        self._stop_timer()
        super().on_headers_complete()
        if self._stopping and self.cycle is not None:
            self.cycle.keep_alive = False  # the response says that the connection is closed after it

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.idle_since = self.loop.time()

    def shutdown(self) -> None:
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            stop: Any = cycle.scope.get(STOP)
            if stop is not None:
                stop()  # a stream or a long poll: it ends now, and its client resumes with another worker
            elif cycle.response_started:
                self.transport.close()
                return
            super().shutdown()
        else:
            # A request may be on its way on an idle connection: it is answered, and the connection closed after it.
            self._stopping = True
            self.loop.call_later(IDLE_STOP_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        if self.is_idle:
            self.transport.close()

    @property
    def is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> None:
        """Close the connection that has waited for its next request for longest; this one, if all are busy."""
        idle = [each for each in self.connections if isinstance(each, BoundedProtocol) and each.is_idle]
        min(idle, key=lambda each: each.idle_since, default=self).transport.abort()

    def _start_timer(self) -> None:
        self.idle_since = self.loop.time()
        self._head_timer = self.loop.call_later(MAX_HEAD_SECONDS, self._time_out)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _time_out(self) -> None:
        if self._head_bytes is not None:
            self._refuse(408)
        else:
            self.transport.abort()

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %s\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % _REFUSALS[status])
            self.transport.close()


class RegistryWorker(UvicornWorker):  # type: ignore[misc]  # it has no types
    CONFIG_KWARGS: dict[str, Any] = {
        "loop": "auto",
        "http": BoundedProtocol,
        "ws": "none",
        "lifespan": "on",
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": GRACEFUL_SECONDS,
    }

    def init_signals(self) -> None:
        super().init_signals()
        # uvicorn raises the signal once more when it has stopped. The process exits then and is not killed, so that its
        # temporary folders are removed.
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: sys.exit(0))
