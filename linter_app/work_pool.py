"""Function calls in child processes, ended by limits of time and memory.

What a schema or an instance can cost is not known in advance, and native code cannot be interrupted from Python. So
calls that are not known to be cheap run here: a child that exceeds a limit ends, and the caller gets WorkAborted.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

from pebble import ProcessExpired, ProcessFuture, ProcessPool

MAX_CALLS = 500
"""Calls after which a child is replaced, so that its memory stays bounded."""
MIB = 1024 * 1024
_MAX_START_SECONDS = 5
_NICENESS = 10
_MAX_KEPT_PAGES = 40_000
"""Pages that a child may use between two calls: about 100 MB more than at its start."""
CACHES: list[Callable[[], None]] = []
"""Functions that empty the caches of modules whose functions are called."""
_PDEATHSIG = 1


class WorkAborted(Exception):
    """A call was ended by a limit; `reason` names it. `limit` is `time`, `memory` or `cancelled`."""

    def __init__(self, reason: str, limit: Literal["time", "memory", "cancelled"]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.limit = limit


class WorkPool:
    """Child processes that call functions. They start at the first call, or at `start`.

    Functions, arguments and results are pickled, and the functions are members of modules. Children have a lower
    priority than this process and end with it. Each calls `prepare` when it starts.
    """

    def __init__(self, processes: int, *, memory_bytes: int, prepare: Callable[[], None] | None = None) -> None:
        self._processes = processes
        self._memory_bytes = memory_bytes
        self.prepare = prepare
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        atexit.register(self.stop)

    def start(self) -> None:
        """Start the children without waiting for them."""
        self._running().schedule(os.getpid)

    def call(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        seconds: float,
        started: Callable[[ProcessFuture[Any]], None] = lambda future: None,
    ) -> Any:
        """Return the result of a call, or raise what it raises; WorkAborted where it exceeds a limit.

        `seconds` counts from when a child takes the call. `started` receives the future, whose `cancel` ends the call.
        """
        pool = self._running()
        future = pool.schedule(_call, args=(function, arguments), timeout=seconds)
        started(future)
        try:
            return future.result(seconds + _MAX_START_SECONDS)
        except TimeoutError:
            if not future.done():  # no child took it, though the caller was given its turn
                future.cancel()  # type: ignore[no-untyped-call]
                self._replace(pool)
            raise WorkAborted(f"not decided within {seconds:.2g} seconds", "time") from None
        except CancelledError:
            raise WorkAborted("the request was cancelled", "cancelled") from None
        except (MemoryError, ProcessExpired, BrokenProcessPool):
            # Native code ends the process where it cannot allocate memory.
            raise WorkAborted(f"not decided within {self._memory_bytes // MIB} MiB of memory", "memory") from None

    def _replace(self, broken: ProcessPool) -> None:
        """Use new children for further calls, and end those of a pool that does not work."""
        with self._lock:
            if self._pool is not broken:
                return
            self._pool = None
        threading.Thread(target=broken.stop, name="stop-work-pool", daemon=True).start()

    def stop(self) -> None:
        """End all children, with their calls."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]  # it has no return type
            pool.join()

    def _running(self) -> ProcessPool:
        with self._lock:
            if self._pool is None or not self._pool.active:
                self._pool = ProcessPool(
                    self._processes,
                    max_tasks=MAX_CALLS,
                    initializer=_start,
                    initargs=[self._memory_bytes, self.prepare],
                    context=_context(),
                )
            return self._pool


def _context() -> Any:
    """Return how children start: from a server process without threads, which has imported the linter."""
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["linter_app.bounded"])
    return context


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function in a child, and give back what memory it leaves behind: the limit is for each call."""
    try:
        return function(*arguments)
    finally:
        if sys.platform == "linux" and _pages()[1] > _MAX_KEPT_PAGES:
            for clear in CACHES:
                clear()
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)


def _pages() -> tuple[int, int]:
    """Return the pages of memory that this process has mapped, and those that it uses."""
    mapped, used, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return int(mapped), int(used)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when the one that started it ends; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, number)


def _start(memory_bytes: int, prepare: Callable[[], None] | None) -> None:
    if prepare is not None:
        prepare()
    _limit_this_process(memory_bytes)


def _limit_this_process(memory_bytes: int) -> None:
    """Limit the memory of a child above what it has at its start, and lower its priority."""
    if sys.platform != "linux":
        return
    import resource  # not on every platform

    # The library's handler would run after native code has returned, if it ever does.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.nice(_NICENESS)
    die_with_parent()
    limit = _pages()[0] * resource.getpagesize() + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
