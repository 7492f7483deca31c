"""`Batcher`: records that come one by one, gathered until they are worth a call.

A batch goes when enough records wait, when the oldest has waited long enough, when they are large enough, on demand,
and at the end. Batches go one after the other, so that what is accepted first is written first.

What becomes of a record
    Written: its caller has the result, and it is let go of. Refused, by Marketo or because it can't be sent: its caller
    has the result or the error; where nobody waits it is set aside with the reason, and blocks nothing. A call that
    failed: whoever waits has the error, and takes the record back; what nobody waits for stays, and is tried again
    after a while. A lost answer: the same, unless a second call could do harm; then the record is set aside. A call
    that one of its records made fail: it is halved until that record is found, which is treated as a refused one, and
    the others are written.

Not here: how a batch is written (``send``), where accepted records are kept (``queue``, ``journal``), and which record
is at fault (``search``).
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

_SIDE_BY_SIDE = 10  # batches of a backlog that one send may take
_SHORTEST_NAP = 0.001  # seconds; rounding may leave less than a clock can measure
_QUEUED = 10  # times as many records as a batch has may wait, where nothing else is said


class Fate(Enum):
    """What becomes of an accepted record after a send."""

    DONE = "let go of"
    ASIDE = "set aside"
    WAITS = "sent again later"


def fate_of(
    result: RecordResult | None, error: Exception | None, *, refused: bool, awaited: bool, repeats: bool
) -> Fate:
    """Decide by a record's *result*, or the *error* that left it without one; *awaited* tells of a caller."""
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
    """Gathers records and sends them in batches; use it in ``async with``, which sends what is left.

    *send* writes at most ``max_records * width`` records and returns a result for each, in their order. A batch goes
    when ``max_records`` wait, after ``max_age`` seconds, or with ``max_bytes`` of JSON. At most ``max_queued`` records
    wait; more let ``put`` and ``submit`` wait. With a *journal*, a file, what was accepted survives a crash and is sent
    by the next batcher that opens it, at least once. *refusal* raises what is wrong with a record before it is taken.
    *repeats* says that a batch may be sent again whose outcome is unknown; without it, what *send* raises must be an
    error of this package that says so where nothing was written, or the records are set aside. A failed send is tried
    again after ``retry_after`` seconds, or when the quota starts anew; so is a journal that can't be read or written.
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
        self._queue: RecordQueue = MemoryQueue()
        self._room = Room(0)
        self._wake = asyncio.Event()
        self._callers: dict[int, asyncio.Future[R]] = {}
        self._flushes: list[tuple[int, asyncio.Future[None]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._arrived: dict[int, float] = {}  # the records of this process, and when they came
        self._count = self._size = self._last = 0
        self._written = 0  # up to this number, nothing waits any more
        self._debt = 0  # records of an earlier process beyond what may wait
        self._not_before = -inf
        self._closing = False
        self._over: Exception | None = None  # why the worker has ended
        self._search = FaultSearch()
        self._unsettled: tuple[list[int], list[tuple[Entry, str]]] = [], []  # what the journal did not take yet
        self._process = os.getpid()

    async def __aenter__(self) -> Self:
        if self._worker is not None or self._closing:
            raise ConfigurationError("this batcher has been opened before: make another one")
        if self._journal is not None:
            from marketo_async.batcher.journal import Journal  # noqa: PLC0415 - SQLite is for those who ask for it

            self._queue = Journal(self._journal)
        self._count, self._size, self._last = await self._queue.open()
        self._room = Room(max(0, self._max_queued - self._count))
        self._debt = max(0, self._count - self._max_queued)
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
            log.exception("a batcher could not send what was left")

    @property
    def waiting(self) -> int:
        """How many accepted records are not written yet."""
        return self._count

    async def put(self, record: V) -> None:
        """Accept a record: this returns when it is safely queued, and waits while the queue is full.

        Raises `InvalidRequest` for one that can't be sent, `JournalUnavailable` where the journal can't keep it, and
        `ConfigurationError` where the batcher is closed meanwhile; the record is then not accepted.
        """
        await self._accept(record, None)

    async def submit(self, record: V) -> R:
        """Accept a record, wait until its batch is written, and return its own result; an index is that in the batch.

        Raises what its call failed with; the record is then not tried again. A caller who is cancelled leaves the
        record to be written.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        await self._accept(record, future)
        return await future

    async def flush(self) -> None:
        """Send all that was accepted so far; raises what a call failed with, and the records then still wait."""
        self._check_open()
        await self._flush()

    async def set_aside(self, *, forget: bool = False) -> list[SetAside]:
        """Return the records that were accepted and can't be written, with the reasons; *forget* them afterwards."""
        self._check_open()
        return await self._queue.set_aside(forget=forget)

    async def close(self) -> None:
        """Send what is left and accept no more; raises what a call failed with: a journal keeps the records then."""
        if self._worker is None or self._closing or self._process != os.getpid():
            return
        self._closing = True  # whoever still waits for room is not let in any more
        try:
            await self._flush()
        finally:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            await self._queue.close()

    async def _flush(self) -> None:
        if self._over is not None:
            raise own(self._over)
        if self._count > 0 or any(self._unsettled):
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushes.append((self._last, done))
            self._wake.set()
            await done

    def _check_open(self) -> None:
        if self._worker is None or self._closing:
            raise ConfigurationError("this batcher is not open: use it inside its `async with` block")
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the batcher was opened in process {self._process} and can't be used in its fork: open a batcher in"
                " each process, with a journal of its own"
            )
        if self._over is not None:
            raise own(self._over)

    async def _accept(self, record: V, caller: asyncio.Future[R] | None) -> None:
        self._check_open()
        if self._refusal is not None:
            self._refusal(record)
        try:
            encoded = msgspec.json.encode(as_json(record), enc_hook=plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"the record can't be written as JSON: {error}") from error
        await self._room.take()
        try:
            self._check_open()
        except BaseException:
            self._room.give()
            raise
        self._last += 1
        keep = self._keep(Entry(self._last, record, encoded), caller)
        # Once it is being written down it is accepted, whether or not its caller is still there to hear it.
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
        """Return how many records are to go now."""
        if self._count <= 0 or any(self._unsettled):
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
        """When the oldest record came; what an earlier process left has waited long enough."""
        return -inf if self._count > len(self._arrived) else next(iter(self._arrived.values()), inf)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            now = loop.time()
            try:
                if any(self._unsettled) and (self._flushes or now >= self._not_before):
                    await self._settle_rest()
                elif due := self._due(now):
                    await self._send_batch(min(due, self._max_records * self._width))
                else:
                    await self._sleep(now)
            except JournalUnavailable as error:
                self._stall(error)

    async def _sleep(self, now: float) -> None:
        """Wait until something has happened, or until a record has waited long enough."""
        until = self._not_before if any(self._unsettled) else None
        if until is None and self._count > 0:
            enough = self._size >= self._max_bytes or self._count >= self._max_records
            until = max(self._not_before, -inf if enough else self._oldest + self._max_age)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(_SHORTEST_NAP, until - now)):
                await self._wake.wait()

    async def _send_batch(self, most: int) -> None:
        skipped = len(self._search.suspects)
        entries = (await self._queue.oldest(skipped + self._search.size(most)))[skipped:]
        if damaged := [(entry, InvalidRequest(entry.damage)) for entry in entries if entry.damage]:
            await self._settle([entry for entry, _ in self._search.suspects] + entries, {}, None, damaged)
            return
        entries = self._within_bytes(entries)
        known: dict[int, R] = {}
        failure: Exception | None = None
        try:
            found = await self._send([entry.record for entry in entries])
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers hear of it and the records stay
            failure = error
            known = {result.index: result for result in getattr(error, "results", ())}
        else:
            known = dict(enumerate(found[: len(entries)]))
            if len(found) != len(entries):
                failure = Incomplete(f"send returned {len(found)} results for {len(entries)} records")
        await self._judge(entries, {entries[place].number: known[place] for place in known}, failure)

    async def _judge(self, entries: list[Entry], known: dict[int, R], failure: Exception | None) -> None:
        """Decide whose fault a *failure* is, and settle what is certain now."""
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
        await self._settle([*suspects, *entries], known, failure, guilty)

    def _within_bytes(self, entries: list[Entry]) -> list[Entry]:
        """Return the first of *entries* that together are not too large; at least one."""
        sizes = accumulate(len(entry.encoded) for entry in entries)
        fitting = sum(size <= self._max_bytes * self._width for size in sizes)
        return entries[: max(1, fitting)]

    async def _settle(
        self,
        entries: list[Entry],
        known: dict[int, R],
        failure: Exception | None,
        guilty: Sequence[tuple[Entry, Exception]],
    ) -> None:
        """Tell the callers, and let go of what is done with: *failure* is of all that are neither known nor guilty."""
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
                _tell(caller, result, error)
        self._let_go(entries, {*done, *(entry.number for entry, _ in aside)})
        self._unsettled = done, aside
        if any(self._unsettled):
            await self._settle_rest()
        self._note(failure)

    async def _settle_rest(self) -> None:
        """Write down what was decided; until that is done, nothing more is read from the queue."""
        await self._queue.settle(*self._unsettled)
        self._unsettled = [], []
        self._note(None)

    def _let_go(self, entries: list[Entry], gone: set[int]) -> None:
        for entry in entries:
            if entry.number in gone:
                self._callers.pop(entry.number, None)
                self._arrived.pop(entry.number, None)
                self._count -= 1
                self._size -= len(entry.encoded)
                if self._debt:
                    self._debt -= 1
                else:
                    self._room.give()
        left = [entry.number for entry in entries if entry.number not in gone]
        self._written = left[0] - 1 if left else entries[-1].number

    def _note(self, failure: Exception | None) -> None:
        """Tell those who wait for a flush, and put off the next try after a failure."""
        if failure is not None:
            self._not_before = asyncio.get_running_loop().time() + _pause(failure, self._retry_after)
            log.warning("a batch was not written, and %d records wait: %s", self._count, failure)
        still: list[tuple[int, asyncio.Future[None]]] = []
        for upto, future in self._flushes:
            if future.done():
                continue
            if failure is not None:
                future.set_exception(own(failure))
            elif upto <= self._written or self._count <= 0:
                future.set_result(None)
            else:
                still.append((upto, future))
        self._flushes = still

    def _stall(self, error: JournalUnavailable) -> None:
        """Tell everybody who waits that the journal can't be read or written; what it has is tried again later."""
        self._not_before = asyncio.get_running_loop().time() + self._retry_after
        log.warning("%s; it is tried again in %g s", error, self._retry_after)
        self._fail_all(error)

    def _ended(self, worker: asyncio.Task[None]) -> None:
        """Tell everybody who waits that nothing comes any more, however the worker came to its end."""
        error = None if worker.cancelled() else worker.exception()
        if isinstance(error, Exception):
            self._over = error
        elif self._closing:
            self._over = ConfigurationError("the batcher was closed before the record was written")
        else:
            self._over = ConfigurationError("the batcher's task was cancelled: make another batcher")
        self._fail_all(self._over)

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
    repeats: bool = True,
) -> Batcher[V, Result[V]]:
    """Return a batcher of a write: what it would refuse is refused at once, and large backlogs go side by side."""
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
    )


def _pause(failure: Exception, otherwise: float) -> float:
    if isinstance(failure, QuotaExceeded):
        return max(otherwise, (failure.resets_at - datetime.now(UTC)).total_seconds())
    return otherwise


def _tell(caller: asyncio.Future[R], result: R | None, error: Exception | None) -> None:
    if result is not None:
        caller.set_result(result)
    elif error is not None:
        caller.set_exception(own(error))


def _reason(result: Any) -> str:
    why = result.why[0] if result.why else None
    return f"{result.status or 'failed'}" + (f": {f'{why.code} {why.message}'.strip()}" if why else "")
