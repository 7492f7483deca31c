"""`WorkThread`: a thread for one library that blocks, which does one thing after the other for an event loop.

An executor would do, were it not for the ends: executors take no work once the main thread has ended, although other
threads may go on, and what there is to close at the interpreter's exit is closed later still. Not here: what is done.
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
    """A daemon thread called *name*; it starts with the first work, and ends with this object."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._started = False
        weakref.finalize(self, self._work.put, None).atexit = False  # there it ends with the interpreter

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run *function* in the thread, when its turn comes, and to its end even if nobody waits for it any more."""
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
        del work  # or it would live until the next one comes


def _done(work: Callable[[], R], loop: asyncio.AbstractEventLoop, future: asyncio.Future[R]) -> None:
    """Do *work*, and tell the loop how it went."""
    try:
        settle: Callable[[Any], None] = future.set_result
        outcome: Any = work()
    except BaseException as error:  # noqa: BLE001 - whoever waits is to have it
        settle, outcome = future.set_exception, error
    with suppress(RuntimeError):  # a loop that has ended waits for nothing
        loop.call_soon_threadsafe(_tell, future, settle, outcome)


def _tell(future: asyncio.Future[R], settle: Callable[[Any], None], outcome: Any) -> None:
    if not future.done():
        settle(outcome)
