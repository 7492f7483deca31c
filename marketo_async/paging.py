"""Reads listings to their end: one sequence of pages, several in order, or several side by side.

A `Lane` is one sequence: it holds the cursor and fetches the next page. A `Pager` delivers the pages of lanes to the
caller, and fetches ahead while the caller works on the last one.

What a token promises
    Every page carries the token of the next one, and ``pager.token`` resumes after the last page that the caller has
    finished reading. To resume there loses nothing, and repeats at most the page that was being read. The exception
    that ends a listing carries the same token.

No page is ever yielded from within a time-out, a task group, a lock or a slot. See ``caller`` for the function that
fetches a page. The module is long because the five pagers share lanes, tokens and the rules of pages.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec.structs import replace

from marketo_async.envelope import Envelope, MissingResult
from marketo_async.errors import InvalidRequest, MarketoError, TransportError
from marketo_async.operation import Arg, Page, PageFilter, Paging, Plan
from marketo_async.retry import EMPTY_PAGES

log = logging.getLogger("marketo_async.paging")

T = TypeVar("T")

_LOGGED = frozenset({10, 100, 1_000, 10_000})  # empty pages in a row
_DIGITS = 18  # of an offset; no listing has more records than that
OFFSET_SIZE = 200  # the largest page of an asset listing; the default is 20
_SIZES = {Paging.OFFSET: ("maxReturn", OFFSET_SIZE), Paging.INDEX: ("pageSize", 50), Paging.USERS: ("pageSize", 200)}
_CURSORS = {Paging.OFFSET: "offset", Paging.INDEX: "pageIndex", Paging.USERS: "pageOffset"}


def turn(rule: Paging, plan: Plan[Page[T]], cursor: str | None) -> Plan[Page[T]]:
    """Return the plan of the page at ``cursor``, which is sent where the listing's arguments are: query or JSON body.

    Pages are as large as Marketo allows, unless the plan asks for smaller ones.
    """
    arguments: Mapping[str, object] = plan.json if isinstance(plan.json, Mapping) else plan.query
    if rule in _SIZES:
        name, size = _SIZES[rule]
        arguments = {**arguments, name: arguments.get(name) or size, _CURSORS[rule]: _number(cursor)}
    elif cursor is not None:
        arguments = {**arguments, "nextPageToken": cursor}
    unwrap = partial(after, rule, arguments)
    if isinstance(plan.json, Mapping):
        return replace(plan, json=arguments, unwrap=unwrap)
    return replace(plan, query=cast("Mapping[str, Arg]", arguments), unwrap=unwrap)


def after(rule: Paging, arguments: Mapping[str, object], envelope: Envelope[Any]) -> Page[Any]:
    """Read an answer as a page: its records, the token of the next page, and whether there is more.

    A position listing ends without a token, or with ``moreResult`` false; the length of a page means nothing, and full
    pages may follow an empty one. A date listing always has a token. The others end with a page that is short or
    missing, or at the total, where Marketo reports it. A page that promises more without a token is an error: to end
    there would lose the rest.

    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/paging-tokens
    """
    items = envelope.items
    if rule in _SIZES:
        size, here = arguments[_SIZES[rule][0]], arguments[_CURSORS[rule]]
        if not isinstance(size, int) or not isinstance(here, int):
            raise InvalidRequest(f"the page size is {size!r}: pass a whole number")
        count = len(items) + envelope.unread
        reached = (here + 1) * size if rule is Paging.INDEX else here + count
        if count < size or (envelope.total is not None and reached >= envelope.total):
            return Page(items)
        return Page(items, str(here + (1 if rule is Paging.INDEX else size)), more=True)
    token = envelope.next_page_token or None
    if token is None and envelope.more_result:
        raise MissingResult("moreResult is true, but there is no nextPageToken", path="$.nextPageToken")
    if rule is Paging.DATE:
        return Page(items, token, more=bool(envelope.more_result))
    more = token is not None and envelope.more_result is not False
    return Page(items, token if more else None, more)


def _number(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.isdecimal() or len(cursor) > _DIGITS:
        raise not_a_token(cursor)
    return int(cursor)


class Distinct(PageFilter[T]):
    """Delivers each record once: a listing by offset repeats records when others add some meanwhile.

    With ``remember``, only that many keys at least are kept. A record whose key is ``None`` is always delivered.
    """

    def __init__(self, key: Callable[[T], Hashable], *, remember: int | None = None) -> None:
        self._key = key
        self._remember = remember
        self._recent: set[Hashable] = set()
        self._older: set[Hashable] = set()

    def __call__(self, items: list[T]) -> tuple[list[T], bool]:
        """Return the records whose key is new; never end the listing."""
        new = []
        for item in items:
            key = self._key(item)
            if key in self._recent or key in self._older:
                continue
            if len(self._recent) == self._remember:
                self._recent, self._older = set(), self._recent
            if key is not None:
                self._recent.add(key)
            new.append(item)
        return new, False


class Progress:
    """Checks that a listing advances: no token comes twice, and few enough pages in a row are empty.

    It keeps only the hashes of tokens: some 60 bytes a page.
    """

    def __init__(self, most_empty: int, start: str | None = None) -> None:
        self._most_empty = most_empty
        self._tokens = {hash(start)}
        self._empty = 0

    def check(self, token: str | None, *, count: int) -> None:
        """Raise `TransportError` where a page of ``count`` records, which continues at ``token``, did not advance."""
        if hash(token) in self._tokens:
            raise TransportError(
                f"the listing is not advancing: Marketo returned the token {token!r} a second time",
                hint="try again later, or narrow the selection",
            )
        self._tokens.add(hash(token))
        self._empty = 0 if count else self._empty + 1
        if self._empty >= self._most_empty:
            raise TransportError(
                f"{self._empty:,} pages in a row were empty, and Marketo announces more",
                hint="continue from this token, or raise RetryPolicy.empty_pages",
            )
        if self._empty in _LOGGED:
            log.warning("%d pages in a row were empty; the listing continues", self._empty)


class Lane(Generic[T]):
    """One sequence of pages, fetched one after the other, starting at a cursor."""

    def __init__(
        self,
        fetch: Callable[[str | None], Awaitable[Page[T]]],
        cursor: str | None = None,
        sift: PageFilter[T] | None = None,
        *,
        most_empty: int = EMPTY_PAGES,
    ) -> None:
        self._fetch = fetch
        self._sift = sift
        self._progress = Progress(most_empty, cursor)
        self.cursor = cursor
        self.more = True

    async def next(self) -> Page[T]:
        """Fetch the page at the cursor, and move the cursor after it."""
        page = await self._fetch(self.cursor)
        count = len(page.items)
        if self._sift is not None:
            items, enough = self._sift(page.items)
            if isinstance(self._sift, Distinct):  # a page that only repeats records counts as empty
                count = len(items)
            page = Page(items, page.token, page.more and not enough)
        if page.more:
            self._progress.check(page.token, count=count)
        self.cursor, self.more = page.token, page.more
        return page


class Pager(ABC, Generic[T]):
    """The records of a listing: ``async for``, ``pages()``, ``first()``, ``all()``, and ``token`` to resume later.

    Iterate it once at a time; iterating again resumes after the last page that you finished reading.
    """

    token: str | None
    _ended = False  # at the end there is no token, and no token also means "from the start"

    @abstractmethod
    def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        """Yield the pages after ``self.token``, each with its token; fetch ``ahead``, or only what is asked for."""

    async def pages(self, *, ahead: bool = True) -> AsyncGenerator[Page[T], None]:
        """Yield the pages; a page counts as read when the next one is asked for.

        Pages are fetched ahead, as many at once as there are slots; without ``ahead``, at most one is.
        """
        if self._ended:
            return
        try:
            async with aclosing(self._drain(ahead=ahead)) as drain:
                async for page in drain:
                    yield page
                    self._take(page)
        except MarketoError as error:
            own = error.with_context(token=self.token)
            raise own from own.__cause__

    async def __aiter__(self) -> AsyncIterator[T]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def first(self) -> T | None:
        """Return the next record, or ``None``, without fetching ahead; it does not count as read."""
        if self._ended:
            return None
        async with aclosing(self._drain(ahead=False)) as drain:
            async for page in drain:
                if page.items:
                    return page.items[0]
        return None

    async def all(self) -> list[T]:
        """Return every record; all of them are in memory at once. If that fails, none counts as read."""
        found: list[T] = []
        if self._ended:
            return found
        last: Page[T] | None = None
        try:
            async with aclosing(self._drain(ahead=True)) as drain:
                async for page in drain:
                    found += page.items
                    last = page
        except MarketoError as error:
            own = error.with_context(token=self.token)
            raise own from own.__cause__
        if last is not None:
            self._take(last)
        return found

    def _take(self, page: Page[T]) -> None:
        """Count a page as read: the next iteration resumes after it."""
        self.token = page.token
        self._ended = not page.more and page.token is None


class LanePager(Pager[T]):
    """The pages of one lane, one fetched ahead."""

    def __init__(self, lane: Callable[[str | None], Lane[T]], token: str | None = None) -> None:
        self._lane = lane
        self.token = token

    async def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        lane = self._lane(self.token)
        if not ahead:
            while lane.more:
                yield await lane.next()
            return
        page = await lane.next()
        while page.more:
            coming = asyncio.ensure_future(lane.next())
            try:
                yield page
                page = await coming
            finally:
                _drop(coming)
        yield page


class OffsetPager(Pager[T]):
    """The pages of a listing by offset, several at once: the offset of the next page is known in advance.

    The end is not, so it asks ahead for at most as many pages as have come full: a listing of one page costs no extra
    call, and a longer one at most doubles its calls.
    """

    def __init__(
        self,
        fetch: Callable[[str | None], Awaitable[Page[T]]],
        *,
        size: int,
        width: int,
        token: str | None = None,
        sift: Callable[[], PageFilter[T]] | None = None,
        most_empty: int = EMPTY_PAGES,
    ) -> None:
        self._fetch = fetch
        self._most_empty = most_empty
        self._size = size
        self._width = width
        self._sift = sift
        self.token = token

    async def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        sift = self._sift() if self._sift else None
        progress = Progress(self._most_empty, self.token)
        full, offset = 0, _number(self.token)
        coming: deque[asyncio.Future[Page[T]]] = deque()
        try:
            while True:
                page = await (coming.popleft() if coming else self._fetch(str(offset)))
                full += 1
                wanted = min(full, self._width) if ahead and page.more else 0
                for number in range(len(coming) + 1, wanted + 1):
                    coming.append(asyncio.ensure_future(self._fetch(str(offset + number * self._size))))
                offset += self._size
                items = sift(page.items)[0] if sift else page.items
                if page.more:
                    progress.check(page.token, count=len(items))
                yield Page(items, page.token, page.more)
                if not page.more:
                    return
        finally:
            for future in coming:
                _drop(future)


class OrderedPager(Pager[T]):
    """The pages of many lanes, lane after lane, with the next ``width`` lanes fetched ahead.

    A token is the lane's number and the token within it. Lanes are made when they are needed, in any number.
    """

    def __init__(
        self, lanes: Callable[[], Iterator[Callable[[str | None], Lane[T]]]], *, width: int, token: str | None = None
    ) -> None:
        self._lanes = lanes
        self._width = width
        self.token = token

    async def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        start, inner = _split(self.token)
        lanes = enumerate(islice(self._lanes(), start, None), start)
        width = self._width if ahead else 1
        coming: deque[tuple[int, Lane[T], asyncio.Future[Page[T]] | None]] = deque()

        def fill_up() -> None:
            for number, make in islice(lanes, width - len(coming)):
                lane = make(inner if number == start else None)
                # The first lane is awaited directly: only those that run beside it need a task.
                coming.append((number, lane, asyncio.ensure_future(lane.next()) if coming else None))

        try:
            fill_up()
            while coming:
                number, lane, future = coming[0]
                page = await (lane.next() if future is None else future)
                if page.more:
                    coming[0] = (number, lane, asyncio.ensure_future(lane.next()))
                    token = f"{number}:{page.token}"
                else:
                    coming.popleft()
                    if ahead:
                        fill_up()
                    token = f"{number + 1}:"
                yield Page(page.items, token, more=bool(coming))
                fill_up()
        finally:
            for _, _, future in coming:
                if future is not None:
                    _drop(future)


class MergedPager(Pager[T]):
    """The pages of several lanes side by side, in the order in which they arrive.

    Every lane has at most one page waiting. A token holds the cursor of every lane. A lane that has ended is not asked
    again until all lanes have ended, as asking a complete shard again would cost calls for nothing. A program that
    follows an instance therefore reads each lane as a listing of its own, as the change feed (``marketo.changes``)
    does.
    """

    def __init__(self, lanes: Sequence[Callable[[str | None], Lane[T]]], token: str | None = None) -> None:
        self._lanes = lanes
        self.token = token

    async def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        cursors = self._cursors()
        lanes = {n: make(cursors[n].cursor) for n, make in enumerate(self._lanes) if not cursors[n].done}
        width = len(lanes) if ahead else 1
        waiting = deque(lanes)
        coming: dict[asyncio.Future[Page[T]], int] = {}
        try:
            while waiting or coming:
                while waiting and len(coming) < width:
                    number = waiting.popleft()
                    coming[asyncio.ensure_future(lanes[number].next())] = number
                done, _ = await asyncio.wait(coming, return_when=asyncio.FIRST_COMPLETED)
                for future in done:
                    page = future.result()
                    number = coming.pop(future)
                    cursors[number] = _Cursor(page.token, done=not page.more)
                    if page.more and ahead:
                        coming[asyncio.ensure_future(lanes[number].next())] = number
                    elif page.more:
                        waiting.appendleft(number)
                    yield Page(page.items, msgspec.json.encode(cursors).decode(), more=bool(coming or waiting))
        finally:
            for future in coming:
                _drop(future)

    def _cursors(self) -> list[_Cursor]:
        if self.token is None:
            return [_Cursor() for _ in self._lanes]
        try:
            cursors = msgspec.json.decode(self.token, type=list[_Cursor])
        except msgspec.DecodeError as error:
            raise not_a_token(self.token) from error
        if len(cursors) != len(self._lanes):
            raise InvalidRequest(
                "the token belongs to a listing with other arguments: pass the arguments of that call again"
            )
        if all(cursor.done for cursor in cursors):  # a date listing that ended continues with new records
            return [_Cursor(cursor.cursor, done=cursor.cursor is None) for cursor in cursors]
        return cursors


class DeferredPager(Pager[T]):
    """The pages of another pager, which is made of a text that ``ask`` returns; a token is that text and a token of it.

    A listing that is resumed does not ask again.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[str]],
        pager: Callable[[str, str | None], Pager[T]],
        token: str | None = None,
    ) -> None:
        self._ask = ask
        self._pager = pager
        self.token = token

    async def _drain(self, *, ahead: bool) -> AsyncGenerator[Page[T], None]:
        text, inner = (await self._ask(), None) if self.token is None else _parted(self.token)
        pager = self._pager(text, inner)
        async with aclosing(pager._drain(ahead=ahead)) as drain:  # noqa: SLF001 - of the same class
            async for page in drain:
                yield Page(page.items, None if page.token is None else f"{text}:{page.token}", page.more)


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    cursor: str | None = None
    done: bool = False


def _split(token: str | None) -> tuple[int, str | None]:
    if token is None:
        return 0, None
    number, inner = _parted(token)
    if not number.isdecimal():
        raise not_a_token(token)
    return int(number), inner


def _parted(token: str) -> tuple[str, str | None]:
    """Return the two parts of a token at its first colon."""
    before, colon, inner = token.partition(":")
    if not colon:
        raise not_a_token(token)
    return before, inner or None


def not_a_token(token: str) -> InvalidRequest:
    """Return the error of a token that this listing did not give."""
    return InvalidRequest(f"{token[:40]!r} is not a token from this listing; pass the token of the same call")


def _drop(future: asyncio.Future[Any]) -> None:
    """Cancel a page that will not be read; take its exception, so that asyncio does not report it."""
    if not future.cancel() and not future.cancelled():
        future.exception()
