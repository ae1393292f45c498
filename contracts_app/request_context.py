"""The current request: its id, for log lines and audit entries, and the work that is done for it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
ACCEPTED_ID = re.compile("[A-Za-z0-9._-]{1,128}")
"""Accepted form of a client's request id (X-Request-ID); any other value is replaced."""
MAX_REQUEST_SECONDS = 9.0
"""Seconds after which no further work is started for a request."""


class RequestWork:
    """The work for one request: who asks for it, until when it is useful, and how to cancel it."""

    def __init__(self, caller: str = "", seconds: float = MAX_REQUEST_SECONDS) -> None:
        self.caller = caller
        """Who shares a queue: the subject of the token, or the client's address."""
        self._deadline = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._cancel: Callable[[], object] | None = None
        self.cancelled = False

    @property
    def seconds_left(self) -> float:
        return self._deadline - time.monotonic()

    def on_cancel(self, cancel: Callable[[], object] | None) -> None:
        """Set what `cancel` calls from now on; called at once if the request is already cancelled."""
        with self._lock:
            self._cancel = cancel
            cancelled = self.cancelled
        if cancelled and cancel is not None:
            cancel()

    def cancel(self) -> None:
        """End the work: the client went away. Called from any thread."""
        with self._lock:
            self.cancelled = True
            cancel = self._cancel
        if cancel is not None:
            cancel()


class StaleReads:
    """A request that accepts reads that are out of date by some seconds, and by how much those are that it got."""

    def __init__(self, max_seconds: float) -> None:
        self.max_seconds = max_seconds
        self.seconds: float | None = None

    def note(self, seconds: float) -> None:
        self.seconds = max(seconds, self.seconds or 0)


stale_reads: ContextVar[StaleReads | None] = ContextVar("stale_reads", default=None)
"""Set where a request accepts reads that are out of date, if the store is configured to give them."""
current_work: ContextVar[RequestWork | None] = ContextVar("current_work", default=None)
