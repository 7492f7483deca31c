"""`WorkThread`: a thread for a library that blocks; it runs one function after the other for an event loop.

An executor is not enough: executors refuse work once the main thread has ended, although other threads may still run,
and at the interpreter's exit a library may have to be closed even later.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_Work = Callable[[], None]


class WorkThread:
    """A daemon thread called ``name``; it starts with the first work, and ends with this object."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._started = False
        weakref.finalize(self, self._work.put, None).atexit = False  # at exit, the interpreter ends it

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run ``function`` in the thread, after earlier work, and to its end even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._work.put(partial(_done, partial(function, *args, **kwargs), loop, future))
        if not self._started:
            self._started = True
            threading.Thread(target=_serve, args=(self._work,), name=self._name, daemon=True).start()
        return await future


def _serve(queue: SimpleQueue[_Work | None]) -> None:
    while (work := queue.get()) is not None:
        work()
        del work  # otherwise it would stay until the next one


def _done(work: Callable[[], R], loop: asyncio.AbstractEventLoop, future: asyncio.Future[R]) -> None:
    """Do ``work``, and give its result or error to the loop."""
    try:
        finish: Callable[[Any], None] = future.set_result
        result: Any = work()
    except BaseException as error:  # noqa: BLE001 - the caller gets it
        finish, result = future.set_exception, error
    with suppress(RuntimeError):  # the loop has ended, and the caller with it
        loop.call_soon_threadsafe(_finish, future, finish, result)


def _finish(future: asyncio.Future[R], finish: Callable[[Any], None], result: Any) -> None:
    if not future.done():
        finish(result)
