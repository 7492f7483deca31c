"""`Batcher`: collects records that come one by one, and sends them in batches, at least once.

A batch is sent when enough records wait, when the oldest has waited long enough, when they are large enough, on demand,
and at the end. Batches are sent one after the other, so that records are written in the order of acceptance.

The fate of a record
    Written: its caller receives the result, and the record is removed.
    Refused, by Marketo or because it can't be sent: its caller receives the result or the error. Without a caller the
    record is set aside with the reason, as a dead letter, and blocks nothing.
    The call failed: its caller receives the error, and the record is removed. Without a caller it stays and is retried.
    The answer was lost: the same, unless a second call could do harm; then the record is set aside.
    One record made the call fail: the call is halved until that record is found. It is treated as a refused one, and
    the others are written.

See ``queue`` and ``journal`` for where accepted records are kept, and ``search`` for how the record at fault is found.
The module is longer than 350 lines because all methods of the class work on one queue and its counts.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum
from itertools import accumulate
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from marketo_async.argument_kinds import positive
from marketo_async.batcher.queue import Entry, MemoryQueue, RecordQueue, Room, SetAside
from marketo_async.batcher.search import FaultSearch, Finding, Incomplete, may_be_a_record, not_executed
from marketo_async.errors import (
    ConfigurationError,
    InvalidRequest,
    JournalUnavailable,
    OutcomeUnknown,
    QuotaExceeded,
    RecordRefused,
    own,
)
from marketo_async.models.records import RecordResult
from marketo_async.request import plain
from marketo_async.wire_value import as_json
from marketo_async.writes.chunks import Cutter
from marketo_async.writes.plan import Batches
from marketo_async.writes.results import Result, Results

log = logging.getLogger("marketo_async.batcher")

V = TypeVar("V")
R = TypeVar("R", bound=RecordResult)

WaitFor = Callable[[Callable[[], Awaitable[object]]], Awaitable[object]]

_SIDE_BY_SIDE = 10  # the batches of a backlog that one send may take
_SHORTEST_NAP = 0.001  # seconds; rounding may leave less than a clock can measure
_QUEUED = 10  # the default of max_queued, in batches


class Fate(Enum):
    """The fate of an accepted record after a send."""

    DONE = "removed"
    ASIDE = "set aside"
    WAITS = "sent again later"


def fate_of(
    result: RecordResult | None, error: Exception | None, *, refused: bool, awaited: bool, repeats: bool
) -> Fate:
    """Decide by a record's ``result``, or the ``error`` instead of one; ``awaited`` says that a caller waits for it."""
    if result is None and error is None:
        return Fate.WAITS
    if awaited:
        return Fate.DONE
    if result is None:
        return Fate.ASIDE if refused else Fate.WAITS
    if result.unknown and repeats:
        return Fate.WAITS
    return Fate.ASIDE if result.failed else Fate.DONE


class Batcher(Generic[V, R]):
    """Collects records and sends them in batches; use it in ``async with``, which sends the remaining records.

    ``send`` writes at most ``max_records * width`` records and returns a result for each, in their order. A batch is
    sent when ``max_records`` wait, after ``max_age`` seconds, or with ``max_bytes`` of JSON. At most ``max_queued``
    records wait; beyond that, ``put`` and ``submit`` wait (back-pressure). With a ``journal``, a file, accepted records
    survive a crash, and the next batcher that opens it sends them at least once. ``refusal`` raises an error for a
    record that can't be accepted. Set ``repeats`` if sending a batch twice does no harm: then a batch of unknown
    outcome is sent again. Without it, ``send`` must raise an error of this package that shows that nothing was written;
    after any other error the records are set aside. A failed send is retried after ``retry_after`` seconds, or when the
    quota restarts; so is a journal that can't be read or written. ``wait_for`` awaits what the batcher waits for
    between two sends; an error that it raises ends the batcher, and all its waiting callers get that error.
    """

    def __init__(
        self,
        send: Callable[[Sequence[V]], Awaitable[Sequence[R]]],
        *,
        max_records: int = 300,
        max_age: float = 30 * 60,
        max_bytes: int = 1_000_000,
        max_queued: int | None = None,
        width: int = 1,
        journal: str | Path | None = None,
        refusal: Callable[[V], None] | None = None,
        repeats: bool = True,
        retry_after: float = 60.0,
        wait_for: WaitFor | None = None,
    ) -> None:
        for name, count in (("max_records", max_records), ("max_bytes", max_bytes), ("width", width)):
            positive(name, count, whole=True)
        if max_queued is not None:
            positive("max_queued", max_queued, whole=True)
        positive("max_age", max_age)
        positive("retry_after", retry_after)
        self._send = send
        self._max_records, self._max_age, self._max_bytes = max_records, max_age, max_bytes
        self._max_queued = max(max_records, _QUEUED * max_records if max_queued is None else max_queued)
        self._width = width
        self._journal = journal
        self._refusal = refusal
        self._repeats = repeats
        self._retry_after = retry_after
        self._wait_for = wait_for
        self._queue: RecordQueue = MemoryQueue()
        self._room = Room(0)
        self._wake = asyncio.Event()
        self._callers: dict[int, asyncio.Future[R]] = {}
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._arrived: dict[int, float] = {}  # the records of this process, and when they came
        self._count = self._size = self._last = 0
        self._written = 0  # no record up to this number waits any more
        self._excess = 0  # records of an earlier process beyond what may wait
        self._not_before = -inf
        self._closing = False
        self._end_reason: Exception | None = None  # why the worker has ended
        self._search = FaultSearch()
        self._unrecorded: tuple[list[int], list[tuple[Entry, str]]] = (
            [],
            [],
        )  # fates that the queue has not recorded yet
        self._process = os.getpid()

    async def __aenter__(self) -> Self:
        if self._worker is not None or self._closing:
            raise ConfigurationError("this batcher was opened before; create another one")
        if self._journal is not None:
            from marketo_async.batcher.journal import Journal  # noqa: PLC0415 - SQLite only with a journal

            self._queue = Journal(self._journal)
        self._count, self._size, self._last = await self._queue.open()
        self._room = Room(max(0, self._max_queued - self._count))
        self._excess = max(0, self._count - self._max_queued)
        self._process = os.getpid()
        self._worker = asyncio.get_running_loop().create_task(self._work())
        self._worker.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except Exception:
            if error is None:
                raise
            log.exception("a batcher could not send its remaining records")

    @property
    def waiting(self) -> int:
        """The number of accepted records that are not written yet."""
        return self._count

    async def put(self, record: V) -> None:
        """Accept a record: return when it is safely queued, and wait while the queue is full.

        Raises `InvalidRequest` for a record that can't be sent, `JournalUnavailable` if the journal can't keep it, and
        `ConfigurationError` if the batcher is closed meanwhile; the record is then not accepted.
        """
        await self._accept(record, None)

    async def submit(self, record: V) -> R:
        """Accept a record, wait until its batch is written, and return its result; ``index`` counts within the batch.

        Raises the error of its call; the record is then not retried. If the caller is cancelled, the record is still
        written.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        await self._accept(record, future)
        return await future

    async def flush(self) -> None:
        """Send all records accepted so far; raises the error of a call, and the records then still wait."""
        self._check_open()
        await self._flush()

    async def set_aside(self, *, forget: bool = False) -> list[SetAside]:
        """Return the dead letters: accepted records that can't be written, and why; ``forget`` deletes them."""
        self._check_open()
        return await self._queue.set_aside(forget=forget)

    async def close(self) -> None:
        """Send the remaining records and accept no more; raises the error of a call, and a journal keeps them."""
        if self._worker is None or self._closing or self._process != os.getpid():
            return
        self._closing = True  # callers that wait for room are refused
        try:
            await self._flush()
        finally:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            await self._queue.close()

    async def _flush(self) -> None:
        left = self._count > 0 or any(self._unrecorded)
        if self._end_reason is not None and (left or not isinstance(self._end_reason, ConfigurationError)):
            raise own(self._end_reason)
        if left:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushes.append((self._last, done))
            self._wake.set()
            await done

    def _check_open(self) -> None:
        if self._worker is None or self._closing:
            raise ConfigurationError("this batcher is not open; use it inside its `async with` block")
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the batcher was opened in process {self._process} and can't be used in its fork; open a batcher with"
                " a separate journal in each process"
            )
        if self._end_reason is not None:
            raise own(self._end_reason)

    async def _accept(self, record: V, caller: asyncio.Future[R] | None) -> None:
        self._check_open()
        if self._refusal is not None:
            self._refusal(record)
        try:
            encoded = msgspec.json.encode(as_json(record), enc_hook=plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"the record can't be encoded as JSON: {error}") from error
        await self._room.take()
        try:
            self._check_open()
        except BaseException:
            self._room.give()
            raise
        self._last += 1
        keep = self._keep(Entry(self._last, record, encoded), caller)
        # A record is accepted once its journal write begins, even if its caller is cancelled.
        await (keep if self._journal is None else asyncio.shield(keep))

    async def _keep(self, entry: Entry, caller: asyncio.Future[R] | None) -> None:
        if caller is not None:
            self._callers[entry.number] = caller
        self._arrived[entry.number] = asyncio.get_running_loop().time()
        try:
            await self._queue.add(entry)
        except BaseException:
            self._callers.pop(entry.number, None)
            self._arrived.pop(entry.number, None)
            self._room.give()
            raise
        self._count += 1
        self._size += len(entry.encoded)
        self._wake.set()

    def _due(self, now: float) -> int:
        """Return how many records to send now."""
        if self._count <= 0 or any(self._unrecorded):
            return 0
        if self._flushes:
            return self._count
        if now < self._not_before:
            return 0
        if self._search.running or self._size >= self._max_bytes or now >= self._oldest + self._max_age:
            return self._count
        return self._count - self._count % self._max_records

    @property
    def _oldest(self) -> float:
        """When the oldest record came; records of an earlier process have waited long enough."""
        return -inf if self._count > len(self._arrived) else next(iter(self._arrived.values()), inf)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            try:
                if any(self._unrecorded) and (self._flushes or now >= self._not_before):
                    await self._record_fates()
                elif due := self._due(now):
                    await self._send_batch(min(due, self._max_records * self._width))
                else:
                    await self._sleep(now)
            except JournalUnavailable as error:
                self._stall(error)

    async def _sleep(self, now: float) -> None:
        """Wait for an event, or until a record has waited long enough."""
        until = self._not_before if any(self._unrecorded) else None
        if until is None and self._count > 0:
            enough = self._size >= self._max_bytes or self._count >= self._max_records
            until = max(self._not_before, -inf if enough else self._oldest + self._max_age)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(_SHORTEST_NAP, until - now)):
                await (self._wake.wait() if self._wait_for is None else self._wait_for(self._wake.wait))

    async def _send_batch(self, most: int) -> None:
        skipped = len(self._search.suspects)
        entries = (await self._queue.oldest(skipped + self._search.size(most)))[skipped:]
        if damaged := [(entry, InvalidRequest(entry.damage)) for entry in entries if entry.damage]:
            await self._decide_fates([entry for entry, _ in self._search.suspects] + entries, {}, None, damaged)
            return
        entries = self._within_bytes(entries)
        known: dict[int, R] = {}
        failure: Exception | None = None
        try:
            found = await self._send([entry.record for entry in entries])
        except Exception as error:  # noqa: BLE001 - the callers receive any error, and the records stay
            failure = error
            known = {result.index: result for result in getattr(error, "results", ())}
        else:
            known = dict(enumerate(found[: len(entries)]))
            if len(found) != len(entries):
                failure = Incomplete(
                    f"send returned {len(found)} results for {len(entries)} records; return one for each"
                )
        await self._find_fault(entries, {entries[place].number: known[place] for place in known}, failure)

    async def _find_fault(self, entries: list[Entry], known: dict[int, R], failure: Exception | None) -> None:
        """Decide which records caused a ``failure``, if any, and the fates that are certain now."""
        suspects = [entry for entry, _ in self._search.suspects]
        guilty = self._search.succeeded(len(known)) if known else []
        left = [entry for entry in entries if entry.number not in known]
        if isinstance(failure, RecordRefused) and failure.index is not None and 0 <= failure.index < len(entries):
            guilty, failure = [*guilty, (entries[failure.index], failure)], None
        elif failure is not None and may_be_a_record(failure, repeats=self._repeats) and left:
            now, waiting = asyncio.get_running_loop().time(), self._count - len(known)
            match self._search.failed(left, failure, now=now, waiting=waiting):
                case Finding.NARROWED:
                    failure = None
                case Finding.FOUND:
                    guilty, failure = [*guilty, *self._search.suspects], None
                    self._search.suspects = []
        elif failure is not None:
            self._search.end()
        await self._decide_fates([*suspects, *entries], known, failure, guilty)

    def _within_bytes(self, entries: list[Entry]) -> list[Entry]:
        """Return the first of ``entries`` that fit into a batch; at least one."""
        sizes = accumulate(len(entry.encoded) for entry in entries)
        fitting = sum(size <= self._max_bytes * self._width for size in sizes)
        return entries[: max(1, fitting)]

    async def _decide_fates(
        self,
        entries: list[Entry],
        known: dict[int, R],
        failure: Exception | None,
        guilty: Sequence[tuple[Entry, Exception]],
    ) -> None:
        """Resolve the callers, and remove finished records; ``failure`` is that of the others."""
        faults = {entry.number: error for entry, error in guilty}
        doubtful = failure is not None and not self._repeats and not not_executed(failure)
        done: list[int] = []
        aside: list[tuple[Entry, str]] = []
        for entry in entries:
            caller, result = self._callers.get(entry.number), known.get(entry.number)
            error = faults.get(entry.number, failure)
            awaited = caller is not None and not caller.done()
            refused = entry.number in faults or doubtful
            fate = fate_of(result, error, refused=refused, awaited=awaited, repeats=self._repeats)
            if fate is Fate.WAITS:
                if result is not None:
                    failure = failure or OutcomeUnknown(_reason(result), operation="batcher")
                continue
            if fate is Fate.ASIDE:
                aside.append((entry, str(error) if result is None else _reason(result)))
            else:
                done.append(entry.number)
            if caller is not None and awaited:
                _resolve(caller, result, error)
        self._let_go(entries, {*done, *(entry.number for entry, _ in aside)})
        self._unrecorded = done, aside
        if any(self._unrecorded):
            await self._record_fates()
        self._note_outcome(failure)

    async def _record_fates(self) -> None:
        """Record the fates in the queue; until that succeeds, no more is read from it."""
        await self._queue.remove(*self._unrecorded)
        self._unrecorded = [], []
        self._note_outcome(None)

    def _let_go(self, entries: list[Entry], gone: set[int]) -> None:
        for entry in entries:
            if entry.number in gone:
                self._callers.pop(entry.number, None)
                self._arrived.pop(entry.number, None)
                self._count -= 1
                self._size -= len(entry.encoded)
                if self._excess:
                    self._excess -= 1
                else:
                    self._room.give()
        left = [entry.number for entry in entries if entry.number not in gone]
        self._written = left[0] - 1 if left else entries[-1].number

    def _note_outcome(self, failure: Exception | None) -> None:
        """Resolve the flushes, and delay the next attempt after a failure."""
        if failure is not None:
            self._not_before = asyncio.get_running_loop().time() + _pause(failure, self._retry_after)
            log.warning("a batch was not written, and %d records wait: %s", self._count, failure)
        pending: list[tuple[int, asyncio.Future[None]]] = []
        for upto, future in self._flushes:
            if future.done():
                continue
            if failure is not None:
                future.set_exception(own(failure))
            elif upto <= self._written or self._count <= 0:
                future.set_result(None)
            else:
                pending.append((upto, future))
        self._flushes = pending

    def _stall(self, error: JournalUnavailable) -> None:
        """Fail all waiters because the journal can't be read or written, and retry later."""
        self._not_before = asyncio.get_running_loop().time() + self._retry_after
        log.warning("%s; it is tried again in %g s", error, self._retry_after)
        self._fail_all(error)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Fail all waiters once the worker has ended, however it ended."""
        error = None if worker.cancelled() else worker.exception()
        if isinstance(error, Exception):
            self._end_reason = error
        elif self._closing:
            self._end_reason = ConfigurationError("the batcher was closed before the record was written")
        else:
            self._end_reason = ConfigurationError("the batcher's task was cancelled; create another batcher")
        self._fail_all(self._end_reason)

    def _fail_all(self, error: Exception) -> None:
        waiters: list[asyncio.Future[Any]] = [*self._callers.values(), *(future for _, future in self._flushes)]
        for future in waiters:
            if not future.done():
                future.set_exception(own(error))
        self._callers.clear()
        self._flushes.clear()
        self._room.fail(error)


def batching(
    send: Callable[[Sequence[V]], Results[V]],
    batches: Batches[V],
    *,
    max_records: int,
    max_age: float,
    max_bytes: int,
    max_queued: int | None,
    journal: str | Path | None,
    wait_for: WaitFor,
    repeats: bool = True,
) -> Batcher[V, Result[V]]:
    """Return a batcher of a write: it refuses invalid records at once, and sends a backlog in parallel batches."""
    cutter = Cutter(batches)

    def refusal(record: V) -> None:
        cutter.check([record])

    return Batcher(
        send,
        max_records=max_records,
        max_age=max_age,
        max_bytes=max_bytes,
        max_queued=max_queued,
        width=_SIDE_BY_SIDE,
        journal=journal,
        refusal=refusal,
        repeats=repeats,
        wait_for=wait_for,
    )


def _pause(failure: Exception, otherwise: float) -> float:
    if isinstance(failure, QuotaExceeded):
        return max(otherwise, (failure.resets_at - datetime.now(UTC)).total_seconds())
    return otherwise


def _resolve(caller: asyncio.Future[R], result: R | None, error: Exception | None) -> None:
    if result is not None:
        caller.set_result(result)
    elif error is not None:
        caller.set_exception(own(error))


def _reason(result: Any) -> str:
    why = result.why[0] if result.why else None
    return f"{result.status or 'failed'}" + (f": {f'{why.code} {why.message}'.strip()}" if why else "")
