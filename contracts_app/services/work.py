"""Work on schemas that is not known to be cheap: in child processes of this process, shared fairly between callers."""

from __future__ import annotations

from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from functools import cache, partial
from typing import Any

from django.conf import settings

from contracts_app import metrics
from contracts_app.exceptions import RequestCancelled, ServerBusy
from contracts_app.fair_queue import FairQueue, QueueFull
from contracts_app.request_context import RequestWork, current_work
from contracts_app.tracing import span
from linter_app.bounded import BoundedLinter
from linter_app.schema.dialects import configure_dialects
from linter_app.work_pool import MIB, WorkAborted, WorkPool

MAX_WAITING = 100
"""Calls that wait for a child process."""
MAX_WAIT_SECONDS = 5.0
COMMAND_SECONDS = 3600.0
"""For a management command, whose work has no other limit than that of each call."""


class Workers:
    """The child processes of one process, and the queue for them."""

    def __init__(self, processes: int, *, memory_bytes: int, seconds: float) -> None:
        prepare = partial(configure_dialects, settings.SCHEMA_DIALECTS)
        self._pool = WorkPool(processes, memory_bytes=memory_bytes, prepare=prepare)
        # One caller never has all of them, as far as there are several.
        self._queue = FairQueue(processes, per_caller=max(1, processes - 1), max_waiting=MAX_WAITING)
        self._seconds = seconds

    def start(self) -> None:
        self._pool.start()

    def stop(self) -> None:
        self._pool.stop()

    def call(self, function: Any, *arguments: Any, seconds: float) -> Any:
        """Call a function in a child process, for the current request and until its deadline.

        Raises what the function raises, WorkAborted where it exceeds a limit, ServerBusy where no process gets free in
        time, and RequestCancelled.
        """
        work = current_work.get() or RequestWork(seconds=COMMAND_SECONDS)
        if work.seconds_left <= 0:
            raise WorkAborted("not decided within the time of one request", "time")
        try:
            ticket = self._queue.enter(work.caller)
        except QueueFull:
            raise ServerBusy("Too many requests wait for a process that compares or validates; try again") from None
        metrics.work_waiting.inc()
        try:
            work.on_cancel(ticket.cancel)
            ticket.result(min(MAX_WAIT_SECONDS, work.seconds_left))
            with span("work", function=getattr(function, "__name__", "")):
                return self._pool.call(
                    function,
                    *arguments,
                    seconds=min(seconds, self._seconds, max(work.seconds_left, 0.1)),
                    started=lambda future: work.on_cancel(future.cancel),
                )
        except FutureTimeout:
            raise ServerBusy("All processes that compare or validate are busy; try again") from None
        except CancelledError:
            raise RequestCancelled("The client closed the connection") from None
        except WorkAborted as aborted:
            if aborted.limit == "cancelled":
                raise RequestCancelled("The client closed the connection") from None
            raise
        finally:
            metrics.work_waiting.dec()
            work.on_cancel(None)
            self._queue.leave(work.caller, ticket)


@cache
def workers() -> Workers:
    """Return the child processes of this process; they start with the first call."""
    return Workers(settings.WORK_PROCESSES, memory_bytes=settings.WORK_MEMORY_MIB * MIB, seconds=settings.WORK_SECONDS)


@cache
def linter() -> BoundedLinter:
    """Return the linter, which runs in child processes."""
    return BoundedLinter(workers().call, seconds=settings.WORK_SECONDS)
