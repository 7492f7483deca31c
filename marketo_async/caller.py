"""`Caller`: everything that makes more than one call over a session: listings, writes of many records, descriptions.

A caller holds the options of one client or sibling; resources send through it. See ``session`` for one call,
``paging`` for how pages follow each other, ``writes`` for how records become calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from marketo_async.call import Options
from marketo_async.descriptions import Described, Descriptions
from marketo_async.download import Sink
from marketo_async.errors import CallTimeout, MarketoError
from marketo_async.governor import Priority
from marketo_async.operation import Deferred, Listing, Merged, Operation, Ordered, Page, Paging, Plan
from marketo_async.paging import (
    OFFSET_SIZE,
    DeferredPager,
    Lane,
    LanePager,
    MergedPager,
    OffsetPager,
    OrderedPager,
    Pager,
    turn,
)
from marketo_async.session import SingleCalls
from marketo_async.writes import Batches, InFlight, Posted, Results, write

D = TypeVar("D")
T = TypeVar("T")
R = TypeVar("R")
S_co = TypeVar("S_co", bound=SingleCalls, covariant=True)


class OpenClient(Struct, Generic[S_co], frozen=True):
    """What all callers of one open client share: its session, the keys under way, and the descriptions."""

    session: S_co
    in_flight: InFlight = field(default_factory=InFlight)
    descriptions: Descriptions = field(default_factory=Descriptions)


class Caller:
    """An open client with the options of it or of a sibling: the `Sender` of its resources."""

    def __init__(self, opened: Callable[[], OpenClient[SingleCalls]], options: Options) -> None:
        """Take a function that returns the open client, and raises `ConfigurationError` while it is not open."""
        self._opened = opened
        self.options = options

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call."""
        return await self._opened().session.send(operation, plan, self.options)

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Download a file into ``sink``, from the byte that it has reached."""
        await self._opened().session.stream(operation, plan, sink, self.options)

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        return await self._opened().session.waits.wait_for(what)

    def writes(self, operation: Operation, batches: Batches[T]) -> Results[T]:
        """Write any number of records, with as many calls at once as there are slots."""
        return write(batches, _ChunkSender(self._opened(), operation, self.options))

    async def describe(self, described: Described[D]) -> D:
        """Return what an instance says of a record type, or its activity types; asked once a day for all callers."""
        return await _describe(self._opened(), described, self.options)

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Return the pager of a listing; several in order are fetched far enough ahead to keep every slot busy."""
        session, empty = self._opened().session, self.options.retry.empty_pages
        # Pages let single calls go first, unless the client has a priority.
        options = self.options if self.options.priority is not None else replace(self.options, priority=Priority.BULK)
        fetch = partial(_fetch, session, operation, options)

        def lane(plan: Plan[Page[T]], cursor: str | None) -> Lane[T]:
            return Lane(fetch(plan), cursor, plan.sift() if plan.sift else None, most_empty=empty)

        width = 2 * session.governor.limits.concurrency
        match listing:
            case Deferred(ask, known, token):
                return DeferredPager(
                    ask, lambda text, inner: self.pages(operation, replace(known(text), token=inner)), token
                )
            case Merged(plans, token):
                return MergedPager([partial(lane, plan) for plan in plans], token)
            case Ordered(plans, token):
                return OrderedPager(lambda: (partial(lane, plan) for plan in plans()), width=width, token=token)
            case Plan() if operation.paging is Paging.OFFSET:
                size = listing.query.get("maxReturn")
                return OffsetPager(
                    fetch(listing),
                    size=size if isinstance(size, int) else OFFSET_SIZE,
                    width=width,
                    token=listing.token,
                    sift=listing.sift,
                    most_empty=empty,
                )
            case Plan():
                return LanePager(partial(lane, listing), listing.token)


def _fetch(
    session: SingleCalls, operation: Operation, options: Options, plan: Plan[Page[T]]
) -> Callable[[str | None], Awaitable[Page[T]]]:
    """Return the function that fetches the page at a cursor."""
    rule = operation.paging or Paging.POSITION

    async def fetch(cursor: str | None) -> Page[T]:
        if cursor is None and plan.opening is not None:
            cursor = await session.send(plan.opening.operation, plan.opening.plan, options)
        return await session.send(operation, turn(rule, plan, cursor), options)

    return fetch


async def _describe(opened: OpenClient[SingleCalls], described: Described[D], options: Options) -> D:
    """Return a description; the time-out covers the wait for another call that asks for the same."""
    session, asked = opened.session, False

    async def ask(operation: Operation, plan: Plan[R]) -> R:
        nonlocal asked
        asked = True
        return await session.send(operation, plan, options)

    try:
        async with asyncio.timeout(options.timeout):
            return await opened.descriptions.get(described, ask, session.waits.wait_for)
    except TimeoutError as error:
        if isinstance(error, MarketoError) or options.timeout is None:
            raise
        raise CallTimeout(
            f"no answer within {options.timeout:g} s", operation=described.operation.name, sent=asked
        ) from error


class _ChunkSender(Struct, frozen=True):
    """An open client as one write sees it: see `writes.engine.ChunkSender`."""

    opened: OpenClient[SingleCalls]
    operation: Operation
    options: Options

    @property
    def width(self) -> int:
        return self.opened.session.governor.limits.concurrency

    @property
    def in_flight(self) -> InFlight:
        return self.opened.in_flight

    @property
    def timeout(self) -> float | None:
        return self.options.timeout

    async def post(self, plan: Plan[Any], over: Callable[[], None]) -> Posted:
        session, call = self.opened.session, None
        try:
            call = session.prepare(self.operation, plan, self.options)
            answer = await session.run(call)
            return Posted(answer, session.first_sent(call) if call.lost else None)
        finally:
            if call is None:
                over()
            else:
                call.when_over(over)

    async def ask(self, operation: Operation, plan: Plan[R]) -> R:
        return await self.opened.session.send(operation, plan, self.options)

    async def wait_for(self, what: Callable[[], Awaitable[object]]) -> object:
        return await self.opened.session.waits.wait_for(what)

    async def describe(self, described: Described[D]) -> D:
        return await _describe(self.opened, described, self.options)
