"""The results of a write: one `Result` for each record, in the order of the input, one by one or all at once."""

from __future__ import annotations

import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing
from typing import Any, Generic, TypeVar

from marketo_async.errors import ConfigurationError, MarketoError, RecordsFailed
from marketo_async.models.records import RecordResult

V = TypeVar("V")

_NAMED = 5  # failures that a message names; all of them are on the exception


class Result(RecordResult, Generic[V], frozen=True, kw_only=True):
    """The outcome of one ``record``, at ``index`` of the input."""

    index: int
    record: V


def result_of(index: int, record: V, found: RecordResult) -> Result[V]:
    """Combine Marketo's result with the record that it belongs to."""
    return Result(
        index=index,
        record=record,
        id=found.id,
        name=found.name,
        marketo_guid=found.marketo_guid,
        lead_id=found.lead_id,
        seq=found.seq,
        status=found.status,
        reasons=found.reasons,
        reason=found.reason,
        errors=found.errors,
        settled=found.settled,
    )


class ResultList(list[Result[V]]):
    """All results of a write, in the order of the input."""

    @property
    def failed(self) -> list[Result[V]]:
        """The results of the records that Marketo did not accept, or whose outcome is unknown."""
        return [result for result in self if result.failed]

    def raise_for_failures(self) -> None:
        """Raise `RecordsFailed` if any record was not accepted, or its outcome is unknown."""
        if not (failed := self.failed):
            return
        reasons = (f"record {found.index} {found.outcome}" for found in failed[:_NAMED])
        more = f", and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        raise RecordsFailed(f"{len(failed)} of {len(self)} records: {', '.join(reasons)}{more}", failed=failed)


class Results(Generic[V]):
    """The results of a write: use ``async for``, ``await results.all()``, or ``await results``, which equals ``all()``.

    Nothing is sent before one of these begins, and only one of them can: the records are written once. If you leave the
    loop early, no more is sent; calls under way continue to their end, and their results are lost.
    """

    def __init__(self, run: Callable[[], AsyncGenerator[Result[V], None]]) -> None:
        self._run: Callable[[], AsyncGenerator[Result[V], None]] | None = run

    def __del__(self) -> None:
        if self._run is not None:
            message = "nothing was written, because the results were not used: iterate them, await them or call all()"
            warnings.warn(message, RuntimeWarning, stacklevel=2, source=self)

    async def __aiter__(self) -> AsyncIterator[Result[V]]:
        async with aclosing(self._begin()) as results:
            async for result in results:
                yield result

    def __await__(self) -> Generator[Any, None, ResultList[V]]:
        return self.all().__await__()

    async def all(self) -> ResultList[V]:
        """Return every result; all of them are in memory at once.

        An error of a call, or of a record that can't be sent, carries the results known by then as ``error.results``.
        """
        found: ResultList[V] = ResultList()
        try:
            async with aclosing(self._begin()) as results:
                async for result in results:
                    found.append(result)
        except MarketoError as error:
            own = error.with_context(results=found)
            raise own from own.__cause__
        return found

    def _begin(self) -> AsyncGenerator[Result[V], None]:
        if self._run is None:
            raise ConfigurationError("these results were used already: call the method again to send the records again")
        run, self._run = self._run, None
        return run()
