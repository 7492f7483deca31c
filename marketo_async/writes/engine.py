"""Runs a write: it sends chunks as slots come free, holds keys while they are under way, and yields results in order.

When a chunk is sent
    A chunk is sent when it is full, or when the input has ended; for slow input use a batcher. After the end of the
    input, a chunk that is not full waits for calls under way whose keys would fill it.

Back-pressure
    The engine reads at most ``_AHEAD`` times as many records as can be under way before the first missing result, and
    at most that many wait for a key. A result is dropped once it has been yielded.

Errors
    A record that can't be sent, or an input that fails, ends the input: the records before it are still sent, their
    results are yielded, and then the error is raised. An error of a call (no permission, the daily quota used up, no
    connection) ends the sending: calls under way finish, all known results are yielded, and then the error is raised.
    A lost answer ends nothing: the records of that call have the status ``unknown``.

Nothing is ever yielded from within a time-out, a task group, a lock or a slot. See ``session`` for how one call is
made, and ``chunks`` for how records are cut into calls. The module is longer than 350 lines because reading, sending
and yielding share one state.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.descriptions import Described, FieldCheck
from marketo_async.errors import CallTimeout, ConfigurationError, InvalidRequest, MarketoError, OutcomeUnknown
from marketo_async.models.leads import Description, Record
from marketo_async.models.moment import parse
from marketo_async.models.objects import ObjectDescription
from marketo_async.models.records import UNKNOWN, Reason, RecordResult
from marketo_async.operation import Operation, Plan
from marketo_async.writes.chunks import Chunk, Cutter, Item
from marketo_async.writes.keys import Claim, InFlight, KeyOf
from marketo_async.writes.plan import Batches, Look, WriteRow
from marketo_async.writes.results import Result, Results, result_of
from marketo_async.writes.source import AsyncSource, PlainSource, RecordSource

D = TypeVar("D")
V = TypeVar("V")
R = TypeVar("R")

_AHEAD = 3  # records to read, in multiples of those that can be under way
_RESOLUTION = 1.0  # seconds, the resolution of Marketo's dates
_DOUBT = 5.0  # seconds before an attempt in which the attempt may still have created a record, as clocks differ


class Posted(Struct, frozen=True):
    """The answer to a chunk; ``since`` is the first attempt, if its answer was lost, in Marketo's epoch seconds."""

    answer: Any
    since: float | None = None


class ChunkSender(Protocol):
    """Makes the calls of one write."""

    @property
    def width(self) -> int:
        """How many calls of one write may be under way at once."""
        ...

    @property
    def in_flight(self) -> InFlight:
        """The keys that are under way on this instance."""
        ...

    @property
    def operation(self) -> Operation:
        """The operation that the write makes."""
        ...

    @property
    def timeout(self) -> float | None:
        """For how many seconds a call may last, waits included."""
        ...

    async def post(self, plan: Plan[Any], over: Callable[[], None]) -> Posted:
        """Send a chunk, and call ``over`` once no exchange of it is under way any more."""
        ...

    async def ask(self, operation: Operation, plan: Plan[R]) -> R:
        """Make any other call."""
        ...

    async def wait_for(self, what: Callable[[], Awaitable[object]]) -> object:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        ...

    async def describe(self, described: Described[D]) -> D:
        """Return the description of a record type."""
        ...


def write(batches: Batches[V], sender: ChunkSender) -> Results[V]:
    """Return the results of a write, which begins when they are asked for."""

    async def run() -> AsyncGenerator[Result[V], None]:
        writing = Writing(await completed(batches, sender), sender)
        try:
            async for result in writing.results():
                yield result
        finally:
            writing.close()

    return Results(run)


async def completed(batches: Batches[V], sender: ChunkSender) -> Batches[V]:
    """Add the key and the field checks that only the description of the record type holds."""
    described, refusal, key = batches.described, batches.refusal, batches.key
    if described is None or not (batches.check or (key is None and batches.scope is not None)):
        return batches
    description: Description | ObjectDescription = await sender.describe(described)
    if key is None and batches.scope is not None:
        key = cast(Callable[[V], Hashable], KeyOf(*description.dedupe_fields))
    if batches.check:
        refusal = _first_refusal(refusal, FieldCheck(description, always=frozenset(getattr(key, "fields", ()))))
    return replace(batches, key=key, refusal=refusal)


def _first_refusal(
    first: Callable[[V], str | None] | None, second: Callable[[Any], str | None]
) -> Callable[[V], str | None]:
    return lambda record: (first and first(record)) or second(record)


class Writing(Generic[V]):
    """One write under way."""

    def __init__(self, batches: Batches[V], sender: ChunkSender) -> None:
        self._batches = batches
        self._sender = sender
        self._wake = asyncio.Event()
        self._cutter = Cutter(batches, sender.in_flight.of(batches.scope))
        self._source = self._source_of(batches)
        self._end_listening = sender.in_flight.listen(self._freed)
        self._ahead = _AHEAD * sender.width * batches.most
        self._tasks: set[asyncio.Task[list[Result[V]]]] = set()
        self._ready: dict[int, Result[V]] = {}
        self._read = 0  # records read
        self._next = 0  # the index of the result that is due
        self._refill_due = False  # keys have come free, or a chunk was opened
        self._failure: BaseException | None = None
        self._index: int | None = None  # of the first record of the calls that failed
        self._stopped = False
        self._held_until: float | None = None  # while only the keys of other writes are in the way

    async def results(self) -> AsyncGenerator[Result[V], None]:
        """Yield the results in the order of the input; after a failure, yield them with gaps and then raise it."""
        while True:
            while (result := self._ready.pop(self._next, None)) is not None:
                self._next += 1
                yield result
                if self._wake.is_set():
                    self._advance(idle=False)
            self._advance(idle=True)
            if self._next in self._ready:
                continue
            if not self._tasks and self._done:
                break
            await self._woken()
        for index in sorted(self._ready):
            yield self._ready[index]
        if isinstance(self._failure, MarketoError) and self._stopped:
            raise self._failure.with_context(index=self._index)
        if self._failure is not None:
            raise self._failure

    async def _woken(self) -> None:
        """Wait for something to do; if only keys of other writes are in the way, no longer than a call may last.

        Without a call under way, nothing but the client's close would end the wait.
        """
        idle = not self._tasks
        held_back = idle and (self._source.ended or not self._may_read)
        limit = self._sender.timeout
        if not held_back or limit is None:
            self._held_until = None
        elif self._held_until is None:  # keys that come free may be others than those in the way
            self._held_until = asyncio.get_running_loop().time() + limit
        try:
            async with asyncio.timeout_at(self._held_until):
                await (self._sender.wait_for(self._wake.wait) if idle else self._wake.wait())
        except ConfigurationError as error:
            self._stop(error, self._next)
        except TimeoutError as error:
            late = CallTimeout(
                f"not sent within {limit or 0:g} s: another write has records of the same keys under way; try again"
                " when it has ended, or with a longer timeout",
                operation=self._sender.operation.name,
                sent=False,
            )
            late.__cause__ = error
            self._stop(late, self._next)

    def close(self) -> None:
        """Send no more; exchanges under way continue to their end, and hold their keys until then."""
        self._end_listening()
        self._source.close()
        for task in self._tasks:
            task.cancel()

    @property
    def _done(self) -> bool:
        return self._stopped or (self._source.ended and not self._cutter.opened and not self._cutter.waiting)

    def _source_of(self, batches: Batches[V]) -> RecordSource[V]:
        """Open the input. A list is checked whole, so that none of it is sent if a record can't be."""
        records = batches.records
        if isinstance(records, AsyncIterable):
            return AsyncSource(records, self._wake.set)
        if isinstance(records, Sequence):
            self._cutter.check(records)
        return PlainSource(records)

    def _freed(self) -> None:
        self._refill_due = True
        self._wake.set()

    def _advance(self, *, idle: bool) -> None:
        """Read, cut and send as far as possible; ``idle`` says whether no result is ready to yield."""
        self._wake.clear()
        while not self._stopped:
            try:
                if self._refill_due:
                    self._refill_due = False
                    self._cutter.refill()
                self._fill()
                if not self._may_send(idle=idle):
                    return
                chunk = self._cutter.take()
                self._refill_due = True
            except InvalidRequest as error:
                self._refuse(error)
            else:
                if chunk is not None:
                    self._send(chunk)

    @property
    def _may_read(self) -> bool:
        return self._read - self._next < self._ahead and self._cutter.waiting < self._ahead

    def _fill(self) -> None:
        while not self._cutter.full and self._may_read and (found := self._source.get()):
            index, self._read = self._read, self._read + 1
            self._cutter.add(index, found[0])
        if self._source.ended and self._source.error is not None and self._failure is None:
            self._failure = self._source.error

    def _may_send(self, *, idle: bool) -> bool:
        cutter = self._cutter
        if not cutter.opened or len(self._tasks) >= self._sender.width or cutter.held_up:
            return False
        if cutter.full:
            return True
        if self._source.ended:
            return not cutter.may_fill_up
        return idle and not self._tasks and not self._may_read  # the next records wait for those in the open chunk

    def _refuse(self, error: InvalidRequest) -> None:
        """Read no more after a record that can't be sent; the records before it are sent."""
        self._failure = self._failure or error
        self._refill_due = True
        self._source.close()

    def _send(self, chunk: Chunk[V]) -> None:
        claim = self._sender.in_flight.take(self._batches.scope, chunk.keys)
        self._held_until = None
        task = asyncio.get_running_loop().create_task(self._result_of(chunk, claim))
        self._tasks.add(task)
        task.add_done_callback(partial(self._on_chunk_done, chunk, claim))

    def _on_chunk_done(self, chunk: Chunk[V], claim: Claim, task: asyncio.Task[list[Result[V]]]) -> None:
        self._tasks.discard(task)
        self._wake.set()
        if not claim.lent:  # cancelled before it began
            claim.release()
        if task.cancelled():
            return
        if (error := task.exception()) is None:
            self._ready.update((result.index, result) for result in task.result())
        else:
            self._stop(error, chunk.items[0].index)

    def _stop(self, error: BaseException, index: int) -> None:
        """Send no more after a call that failed."""
        if not self._stopped:
            self._failure = error
        self._index = index if self._index is None else min(self._index, index)
        self._stopped = True
        self._source.close()
        self._cutter.drop()

    async def _result_of(self, chunk: Chunk[V], claim: Claim) -> list[Result[V]]:
        """Send a chunk, and return the results of its records."""
        claim.lent = True
        try:
            posted = await self._sender.post(self._batches.plan(chunk.encoded), claim.release)
        except OutcomeUnknown as error:
            found = [_unknown(str(error))] * len(chunk.items)
        else:
            found = self._matched(posted.answer, len(chunk.items))
            look = self._batches.look
            if posted.since is not None and look is not None and any(result.unknown for result in found):
                found = await self._look_up(look, chunk.items, found, posted.since)
        return [result_of(item.index, item.record, result) for item, result in zip(chunk.items, found, strict=True)]

    def _matched(self, answer: Any, count: int) -> list[RecordResult]:
        """Return one result for each record: from the answer or, if the answer names no records, the plan's status."""
        if self._batches.success_status is not None:
            return [RecordResult(status=self._batches.success_status)] * count
        if len(answer) == count:
            found: list[RecordResult] = answer
            return found
        return [_unknown(f"the answer has {len(answer)} results for {count} records")] * count

    async def _look_up(
        self, look: Look, items: list[Item[V]], found: list[RecordResult], since: float
    ) -> list[RecordResult]:
        """Resolve records of unknown outcome: find by their creation date whether this call created them."""
        key = cast(KeyOf, self._batches.key)  # a write that can be looked up has a key of fields
        asked = [cast(WriteRow, item.record) for item, result in zip(items, found, strict=True) if result.unknown]
        try:
            page = await self._sender.ask(look.operation, look.plan(key, asked))
        except MarketoError:
            return found  # the look-up failed, so they stay unknown
        seen = Counter(map(key, page.items))
        records = {key(record): record for record in page.items}
        return [
            _attributed(result, records[item.key], since) if result.unknown and seen[item.key] == 1 else result
            for item, result in zip(items, found, strict=True)
        ]


def _attributed(result: RecordResult, record: Record, since: float) -> RecordResult:
    """Decide by a record's creation date whether the call first sent at ``since`` created it, or an earlier one did.

    Dates are whole seconds; shortly before the call the outcome stays unknown.
    """
    number, guid = record.get("id"), record.get("marketoGUID")
    named = replace(result, id=number if isinstance(number, int) else None, marketo_guid=guid)
    try:
        created = parse(str(record.get("createdAt"))).timestamp()
    except ValueError:
        return named
    if created >= since - _RESOLUTION:
        return replace(named, status="created", settled=True)
    return replace(named, status="skipped") if created < since - _DOUBT else named


def _unknown(why: str) -> RecordResult:
    return RecordResult(status=UNKNOWN, reasons=[Reason(message=why)])
