"""The pagers, results and batchers of a blocking client.

See ``portal`` for the loop and its thread.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from marketo_async.batcher import Batcher
from marketo_async.batcher.queue import SetAside
from marketo_async.models.records import RecordResult
from marketo_async.operation import Page
from marketo_async.paging import Pager
from marketo_async.writes import Result, ResultList, Results

if TYPE_CHECKING:  # a program that makes no blocking calls does not pay for a portal
    from marketo_async.portal import Feed, Portal

T = TypeVar("T")
R = TypeVar("R", bound=RecordResult)


class BlockingPager(Generic[T]):
    """The records of a listing: iterate it or its ``pages()``, call ``first()`` or ``all()``, resume with ``token``.

    The blocking form of `Pager`: the next page is fetched while the caller works on the last one.
    """

    def __init__(self, pager: Pager[T], portal: Portal) -> None:
        self._pager = pager
        self._portal = portal

    @property
    def token(self) -> str | None:
        """The token after the last page that you finished reading; pass it to the same method to resume there."""
        return self._pager.token

    def pages(self) -> Generator[Page[T], None, None]:
        """Yield the pages; a page counts as read when the next one is requested."""
        pages = self._pager.pages()

        async def following() -> Page[T] | None:
            return await anext(pages, None)

        try:
            while (page := self._portal.call(following)) is not None:
                yield page
        finally:
            self._portal.finish(pages.aclose)

    def __iter__(self) -> Iterator[T]:
        with closing(self.pages()) as pages:
            for page in pages:
                yield from page.items

    def first(self) -> T | None:
        """Return the next record, or ``None``, without fetching ahead; it does not count as read."""
        return self._portal.call(self._pager.first)

    def all(self) -> list[T]:
        """Return every record, all in memory at once. If that fails, no record counts as read."""
        return self._portal.call(self._pager.all)


class BlockingResults(Generic[T]):
    """The results of a write: iterate them or call ``all()``, once; nothing is sent before.

    The blocking form of `Results`: the thread that reads the results also reads the records, as they are needed.
    """

    def __init__(self, results: Results[T], portal: Portal, feeds: Sequence[Feed[Any]]) -> None:
        self._results = results
        self._portal = portal
        self._feeds = feeds

    def __iter__(self) -> Generator[Result[T], None, None]:
        async def drained() -> AsyncGenerator[Result[T], None]:
            async for result in self._results:
                yield result

        return self._portal.stream(drained(), *self._feeds)

    def all(self) -> ResultList[T]:
        """Return every result, all in memory at once.

        An error of a call, or of a record that can't be sent, has the results so far in ``error.results``.
        """
        return self._portal.call_with(self._feeds, self._results.all)


class BlockingBatcher(Generic[T, R]):
    """Collects records from any number of threads and sends them in batches; use it in ``with``, which sends the rest.

    The blocking form of `Batcher`: a batch is sent on count, age or bytes, while callers do other things.
    """

    def __init__(self, batcher: Batcher[T, R], portal: Portal) -> None:
        self._batcher = batcher
        self._portal = portal

    def __enter__(self) -> Self:
        self._portal.call(self._batcher.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._portal.call(self._batcher.__aexit__, kind, error, traceback)

    @property
    def waiting(self) -> int:
        """How many accepted records are not written yet."""
        return self._batcher.waiting

    def put(self, record: T) -> None:
        """Accept a record: return when it is safely queued, and wait while the queue is full."""
        self._portal.call(self._batcher.put, record)

    def submit(self, record: T) -> R:
        """Accept a record, wait until its batch is written, and return its own result."""
        return self._portal.call(self._batcher.submit, record)

    def flush(self) -> None:
        """Send all records accepted so far; raises the error of a failed call, whose records then stay queued."""
        self._portal.call(self._batcher.flush)

    def set_aside(self, *, forget: bool = False) -> list[SetAside]:
        """Return the accepted records that can't be written, with the reasons; ``forget`` removes them afterwards."""
        return self._portal.call(self._batcher.set_aside, forget=forget)

    def close(self) -> None:
        """Send the rest and accept no more; raises the error of a failed call, whose records a journal keeps."""
        self._portal.call(self._batcher.close)
