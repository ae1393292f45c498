"""One asyncio event loop on a daemon thread, for the blocking callers of a process."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoopThread:
    """Started at first use, and again after a fork, because threads do not survive one.

    A server may have its own event loop used instead: with two loops each message would pass between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        # A fork while another thread starts it would leave the lock held forever.
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._loop = None
        self._thread = None

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use this loop, which a server runs, instead of a thread. Called before the first use."""
        with self._lock:
            if self._loop is not None:
                raise RuntimeError("the store is already in use on its own event loop")
            self._loop = loop

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(loop,), name="contract-store", daemon=True)
                self._thread.start()
                self._loop = loop
            return self._loop

    def is_current(self) -> bool:
        """Return whether the caller runs on the loop, where it must not block."""
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:
            return False

    def run(self, work: Coroutine[Any, Any, T], timeout: float) -> T:
        """Run `work` on the loop and wait. Raises TimeoutError, having cancelled the work."""
        if self.is_current():
            work.close()
            raise RuntimeError("the event loop cannot wait for itself: make this call in a thread")
        loop = self.loop()
        future = asyncio.run_coroutine_threadsafe(work, loop)
        try:
            return future.result(timeout)
        except concurrent.futures.TimeoutError:
            future.cancel()
            raise TimeoutError(f"no answer within {timeout:g} seconds") from None

    async def await_result(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and await it from any loop."""
        if self.is_current():
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop()))

    def stop(self) -> None:
        with self._lock:
            loop, self._loop = self._loop, None
            thread, self._thread = self._thread, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()
