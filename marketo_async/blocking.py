"""What a blocking client hands out where the async one hands out something to iterate.

Not here: the loop and its thread (``portal``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from marketo_async.batching import Outcomes, Result, Results
from marketo_async.operation import Page
from marketo_async.paging import Pager

if TYPE_CHECKING:  # families know these classes; who makes no blocking calls does not pay for a portal
    from marketo_async.portal import Feed, Portal

T = TypeVar("T")


class BlockingPager(Generic[T]):
    """The records of a listing: iterate it, or its ``pages()``; ``first()``, ``all()``, and ``token`` to go on later.

    As `Pager`, without a loop: the next page is fetched while the caller works on the last one.
    """

    def __init__(self, pager: Pager[T], portal: Portal) -> None:
        self._pager = pager
        self._portal = portal

    @property
    def token(self) -> str | None:
        """The token behind the last page that was taken whole; pass it to the same method to go on from there."""
        return self._pager.token

    def pages(self) -> Generator[Page[T], None, None]:
        """Yield the pages; a page counts as taken when the next one is asked for."""
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
        """Return the next record, or ``None``, without fetching ahead; it does not count as taken."""
        return self._portal.call(self._pager.first)

    def all(self) -> list[T]:
        """Return every record; all of them are in memory at once. If that fails, none counts as taken."""
        return self._portal.call(self._pager.all)


class BlockingResults(Generic[T]):
    """The results of a write: iterate them, or take them with ``all()``; nothing is sent before, and once only.

    As `Results`, without a loop: the records are read in the thread that takes the results, as they are needed.
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

    def all(self) -> Outcomes[T]:
        """Return every result; all of them are in memory at once.

        An error of a call, or of a record that can't be sent, carries what is known by then as ``error.results``.
        """
        return self._portal.call_with(self._feeds, self._results.all)
