"""`Portal`: one event loop in a thread, through which code without a loop makes its calls.

A portal belongs to one blocking client, and any number of threads may call through it. Work abandoned by Ctrl-C, an
early ``break`` or an exception is cancelled in the loop before control returns to the caller. Records that a caller
passes are read in the caller's own thread, while it waits, because a database cursor belongs to the thread that made
it.

What ends a portal
    ``close()``, the garbage collector, and the interpreter's exit, which never waits for a loop. A forked child has
    the parent's portal without its thread, and must not use the parent's sockets: every call there raises
    `ConfigurationError`, and nothing is closed.

See ``sync`` for the clients, and ``blocking`` for the pagers, results and batchers that they return. The module is
longer than 350 lines because both sides of each hand-over, the thread's and the loop's, change together.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import weakref
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from concurrent.futures import CancelledError, Future, wait
from contextlib import aclosing, closing, suppress
from enum import Enum
from functools import partial
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, ParamSpec, Self, TypeVar

import anyio
from anyio.from_thread import BlockingPortal
from msgspec import Struct

from marketo_async.errors import ConfigurationError

log = logging.getLogger("marketo_async.portal")

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
L = TypeVar("L")

_PLAIN = (list, tuple, set, frozenset, range, str, bytes, Mapping, os.PathLike)  # reading these never blocks
_AHEAD = 1000  # items that may wait for a caller: back-pressure beyond that
_READ_AHEAD = 300  # records read from a caller's iterable at a time: those of one call
_END_TIMEOUT = 10.0  # seconds for a loop to end, or for an abandoned call to be cancelled


class _Thread(Struct, frozen=True):
    """A loop that runs in a thread, the portal that stops it, and the tasks that threads have started in it."""

    portal: BlockingPortal
    loop: asyncio.AbstractEventLoop
    under_way: set[asyncio.Task[Any]]


class Portal:
    """An event loop in a thread; `open` it, `call` into it, `close` it."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._thread: _Thread | None = None
        # No call starts after the end. Reentrant, as the garbage collector may close a portal in the middle of a call.
        self._lock = threading.RLock()
        self._stop: Callable[[], None] = _nothing

    @property
    def usable(self) -> bool:
        """Whether there is a loop to call into: opened in this process, and not closed."""
        return self._thread is not None and self._process == os.getpid()

    def open(self, at_end: Callable[[], Coroutine[Any, Any, None]]) -> Self:
        """Start the loop; ``at_end`` is awaited in it before it ends, however it ends.

        Raises `ConfigurationError` if the portal is open, here or in the process that this one was forked from, and if
        threads are green threads.
        """
        if self._thread is not None:
            self._check_process()
            raise ConfigurationError("this client is open already")
        _check_threads()
        started: Future[_Thread] = Future()
        thread = threading.Thread(target=_run, args=(started, at_end), name="marketo-async", daemon=True)
        thread.start()
        self._process = os.getpid()
        self._thread = started.result()
        self._stop = weakref.finalize(self, _end, self._process, thread, self._thread)
        return self

    def close(self) -> None:
        """Cancel all calls in progress and end the loop; a second call, or one in a forked child, does nothing."""
        if self.usable:
            with self._lock:
                self._thread = None
            self._stop()

    def call(self, method: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a coroutine method in the loop and return its result; an interrupted caller cancels it.

        Raises `ConfigurationError` in a closed portal, in a forked child, and in the loop's own thread.
        """
        work = self._start(partial(method, *args, **kwargs))
        try:
            return work.result()
        finally:
            work.abandon()

    def stream(self, source: AsyncGenerator[T, None], *feeds: Feed[Any]) -> Generator[T, None, None]:
        """Yield the items of an async generator, which runs a little ahead of the caller.

        The generator runs in one task from its beginning to its end. The records that it takes from ``feeds`` are read
        in the caller's thread, while that waits for the next item.
        """
        events: SimpleQueue[_Event | Feed[Any]] = SimpleQueue()
        pump = _Pump(source, events)
        for feed in feeds:
            feed.connect(events)
        work = self._start(pump.run)
        try:
            while True:
                self._check_process()  # a fork may continue a generator, and would wait for items that never come
                event = events.get()
                if isinstance(event, Feed):
                    self._soon(event.give, *event.read())
                    continue
                while items := pump.take():
                    self._soon(pump.make_room)
                    yield from items
                if event is _Event.LAST:
                    break
            work.result()
        finally:
            work.abandon()

    def call_with(self, feeds: Sequence[Feed[Any]], method: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Call a coroutine method that reads from ``feeds``."""
        if not feeds:
            return self.call(method)

        async def once() -> AsyncGenerator[R, None]:
            yield await method()

        with closing(self.stream(once(), *feeds)) as results:
            return next(results)

    def lend(self, records: L) -> tuple[L | Feed[Any], list[Feed[Any]]]:
        """Return ``records`` as the loop may read them, with the feeds to serve: only plain collections never block."""
        if isinstance(records, _PLAIN) or not isinstance(records, Iterable):
            return records, []
        feed: Feed[Any] = Feed(records)
        return feed, [feed]

    def finish(self, method: Callable[[], Awaitable[None]]) -> None:
        """Clean up in the loop, if it still runs and this thread may wait for it."""

        async def run() -> None:
            await method()

        with suppress(ConfigurationError):
            if self._thread is not None and _is_running_here(self._thread.loop):  # garbage, collected in its thread
                asyncio.run_coroutine_threadsafe(run(), self._thread.loop)
            else:
                self.call(run)

    def _start(self, method: Callable[[], Coroutine[Any, Any, R]]) -> _Work[R]:
        self._check_process()
        with self._lock:
            if self._thread is None:
                raise ConfigurationError("the client is not open: make calls inside `with Marketo(...) as marketo:`")
            thread, loop = self._thread, self._thread.loop
            if _is_running_here(loop):
                raise ConfigurationError(
                    "a blocking call inside its own event loop would never return: await the async client"
                )
            work = _Work(method, loop)
            try:
                loop.call_soon_threadsafe(work.begin, thread.under_way)
            except RuntimeError as error:  # the interpreter's exit has ended the loop
                raise _closed() from error
        return work

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the client was opened in process {self._process} and can't be used in its fork {os.getpid()}: open a"
                " client in each process, with one governor store for all"
            )

    def _soon(self, function: Callable[..., None], *args: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended, and so has the task that waited for this
            if self._thread is not None:
                self._thread.loop.call_soon_threadsafe(function, *args)


class _Work(Generic[R]):
    """A coroutine that a thread has started in the loop, as a task."""

    def __init__(self, method: Callable[[], Coroutine[Any, Any, R]], loop: asyncio.AbstractEventLoop) -> None:
        self._method = method
        self._loop = loop
        self._process = os.getpid()
        self._task: asyncio.Task[R] | None = None
        self._future: Future[R] = Future()

    def begin(self, under_way: set[asyncio.Task[Any]]) -> None:
        """Start in the loop; a task that is still in ``under_way`` when the loop ends is cancelled."""
        self._task = task = self._loop.create_task(self._run())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        task.add_done_callback(self._ended)

    async def _run(self) -> R:
        return await self._method()  # called here, so that wrong arguments fail in the task, too

    def result(self) -> R:
        """Wait for the result, in the thread."""
        try:
            return self._future.result()
        except CancelledError as error:
            raise _closed() from error

    def abandon(self) -> None:
        """Cancel the task unless it has ended, and wait until it has; the loop's own thread can't wait."""
        if self._future.done() or self._process != os.getpid():  # a fork must not touch the loop of its parent
            return
        with suppress(RuntimeError):  # a loop that has ended has cancelled the task
            self._loop.call_soon_threadsafe(self._cancel)
        if not _is_running_here(self._loop):
            wait([self._future], _END_TIMEOUT)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _ended(self, task: asyncio.Task[R]) -> None:
        if task.cancelled():
            self._future.cancel()
            self._future.set_running_or_notify_cancel()
        elif (error := task.exception()) is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(task.result())


class Feed(AsyncIterator[T]):
    """A caller's iterable as the loop sees it: the caller's thread reads it, in portions of one call."""

    def __init__(self, records: Iterable[T]) -> None:
        self._records = iter(records)
        self._ready: deque[T] = deque()
        self._done = False
        self._wanted: asyncio.Future[None] | None = None
        self._error: BaseException | None = None
        self._events: SimpleQueue[_Event | Feed[Any]] | None = None

    def connect(self, events: SimpleQueue[_Event | Feed[Any]]) -> None:
        """Set the queue on which the reading thread waits."""
        self._events = events

    def read(self) -> tuple[list[T], bool, BaseException | None]:
        """Read in the caller's thread: return some records, whether they are the last ones, and an error."""
        found: list[T] = []
        try:
            for record in islice(self._records, _READ_AHEAD):
                found.append(record)  # noqa: PERF402 - what came before an error counts
        except Exception as error:  # noqa: BLE001 - it is raised where the records are read
            return found, True, error
        return found, len(found) < _READ_AHEAD, None

    def give(self, records: list[T], done: bool, error: BaseException | None) -> None:  # noqa: FBT001 - as read
        """Take the records that were read, in the loop."""
        self._ready.extend(records)
        self._done, self._error = done, error
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    async def __anext__(self) -> T:
        while not self._ready:
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            if self._done or self._events is None:
                raise StopAsyncIteration
            self._wanted = asyncio.get_running_loop().create_future()
            self._events.put(self)
            await self._wanted
        return self._ready.popleft()


class _Event(Enum):
    """A message to a waiting thread; the other kind is a feed that needs to be read."""

    ITEMS = "items are ready"
    LAST = "no more items will come"


class _Pump(Generic[T]):
    """Runs an async generator and keeps a bounded number of its items for a thread to take."""

    def __init__(self, source: AsyncGenerator[T, None], events: SimpleQueue[_Event | Feed[Any]]) -> None:
        self._source = source
        self._events = events
        self._items: deque[T] = deque()
        self._room = asyncio.Event()

    async def run(self) -> None:
        try:
            async with aclosing(self._source) as source:
                async for item in source:
                    self._items.append(item)
                    if len(self._items) == 1:
                        self._events.put(_Event.ITEMS)
                    if len(self._items) >= _AHEAD:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._events.put(_Event.LAST)

    def take(self) -> list[T]:
        """Take the items that are ready, in the caller's thread.

        All of them: only an item that finds the queue empty is announced.
        """
        found: list[T] = []
        while self._items and len(found) < _AHEAD:
            found.append(self._items.popleft())
        return found

    def make_room(self) -> None:
        """Continue, in the loop."""
        self._room.set()


def _run(started: Future[_Thread], at_end: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a loop, as the body of its thread."""
    try:
        anyio.run(_keep, started, at_end)
    except BaseException as error:
        if started.done():
            raise
        started.set_exception(error)


async def _keep(started: Future[_Thread], at_end: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the loop until the portal is stopped, and then cancel the tasks that still run."""
    under_way: set[asyncio.Task[Any]] = set()
    async with BlockingPortal() as portal:
        started.set_result(_Thread(portal, asyncio.get_running_loop(), under_way))
        await portal.sleep_until_stopped()
    for task in under_way:
        task.cancel()
    if under_way:
        await asyncio.wait(under_way)
    try:
        await at_end()
    except Exception:
        log.exception("the client was not closed properly")


def _end(process: int, thread: threading.Thread, running: _Thread) -> None:
    """Stop the loop of a portal that is gone; called once, by ``close``, the garbage collector or the exit."""
    if process != os.getpid():
        return  # a child does not have the thread, and closing its copies of the sockets would disturb the parent
    with suppress(RuntimeError):
        running.loop.call_soon_threadsafe(lambda: running.loop.create_task(running.portal.stop()))
    if not _is_running_here(running.loop):
        thread.join(_END_TIMEOUT)


def _check_threads() -> None:
    """Refuse threads that are coroutines of a hub: the loop would block its own callers."""
    if (module := threading.get_ident.__module__) != "_thread":
        raise ConfigurationError(
            f"{module.partition('.')[0]} has replaced the threads of this process, and the blocking client needs a real"
            " thread: patch without threads, as gevent.monkey.patch_all(thread=False) does (a call then blocks all"
            " greenlets), or use the client in a separate process"
        )


def _is_running_here(loop: asyncio.AbstractEventLoop) -> bool:
    return asyncio._get_running_loop() is loop  # noqa: SLF001 - documented, and the only one that does not raise


def _closed() -> ConfigurationError:
    return ConfigurationError("the client was closed during the call: close it when its calls have ended")


def _nothing() -> None:
    """Do nothing, as the end of a portal that was never opened."""
