"""`Batcher`: records that come one by one, gathered until they are worth a call.

A batch goes when enough records wait, when the oldest has waited long enough, when they are large enough, on demand,
and at the end. Batches go one after the other, so that what is accepted first is written first.

What becomes of a record
    Written: its caller has the result, and it is let go of. Refused, by Marketo or because it can't be sent: its caller
    has the result or the error; where nobody waits it is set aside with the reason, and blocks nothing. A call that
    failed: whoever waits has the error, and takes the record back; what nobody waits for stays, and is tried again
    after a while. A lost answer: the same, unless a second call could do harm; then the record is set aside.

Not here: how a batch is written (``send``), and where accepted records are kept (``queue``, ``journal``).
"""

from __future__ import annotations

import asyncio
import logging
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

from marketo_async.batching.batches import Batches
from marketo_async.batching.chunks import Cutter
from marketo_async.batching.queue import Entry, MemoryQueue, Queue, SetAside
from marketo_async.batching.results import Result, Results
from marketo_async.errors import ConfigurationError, InvalidRequest, OutcomeUnknown, QuotaExceeded, RecordRefused, own
from marketo_async.models.records import RecordResult
from marketo_async.request import plain

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
    *repeats* says that a batch may be sent again whose outcome is unknown. A failed send is tried again after
    ``retry_after`` seconds, or when the quota starts anew.
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
        if min(max_records, max_bytes, width) < 1 or max_age <= 0 or (max_queued is not None and max_queued < 1):
            raise InvalidRequest("max_records, max_bytes, max_queued and width are at least 1, and max_age is above 0")
        self._send = send
        self._max_records, self._max_age, self._max_bytes = max_records, max_age, max_bytes
        self._max_queued = max(max_records, _QUEUED * max_records if max_queued is None else max_queued)
        self._width = width
        self._journal = journal
        self._refusal = refusal
        self._repeats = repeats
        self._retry_after = retry_after
        self._queue: Queue = MemoryQueue()
        self._room = asyncio.Semaphore(0)
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

    async def __aenter__(self) -> Self:
        if self._worker is not None or self._closing:
            raise ConfigurationError("this batcher has been opened before: make another one")
        if self._journal is not None:
            from marketo_async.batching.journal import Journal  # noqa: PLC0415 - SQLite is for those who ask for it

            self._queue = Journal(self._journal)
        self._count, self._size, self._last = await self._queue.open()
        self._room = asyncio.Semaphore(max(0, self._max_queued - self._count))
        self._debt = max(0, self._count - self._max_queued)
        self._worker = asyncio.get_running_loop().create_task(self._work())
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

        Raises `InvalidRequest` for one that can't be sent, which is then not accepted.
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
        if self._worker is None or self._closing:
            return
        self._closing = True  # whoever still waits for room is not let in any more
        try:
            await self._flush()
        finally:
            self._worker.cancel()
            await asyncio.wait([self._worker])
            self._abandon(ConfigurationError("the batcher was closed before the record was written"))
            await self._queue.close()

    async def _flush(self) -> None:
        if self._worker is not None and self._worker.done():
            self._worker.result()
        if self._count > 0:
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushes.append((self._last, done))
            self._wake.set()
            await done

    def _check_open(self) -> None:
        if self._worker is None or self._closing:
            raise ConfigurationError("this batcher is not open: use it inside its `async with` block")
        if self._worker.done():
            self._worker.result()

    async def _accept(self, record: V, caller: asyncio.Future[R] | None) -> None:
        self._check_open()
        if self._refusal is not None:
            self._refusal(record)
        try:
            encoded = msgspec.json.encode(record, enc_hook=plain)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(f"the record can't be written as JSON: {error}") from error
        await self._room.acquire()
        if self._closing:
            self._room.release()
            self._check_open()
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
            self._room.release()
            raise
        self._count += 1
        self._size += len(entry.encoded)
        self._wake.set()

    def _due(self, now: float) -> int:
        """Return how many records are to go now."""
        if self._count <= 0:
            return 0
        if self._flushes:
            return self._count
        if now < self._not_before:
            return 0
        if self._size >= self._max_bytes or now >= self._oldest + self._max_age:
            return self._count
        return self._count - self._count % self._max_records

    @property
    def _oldest(self) -> float:
        """When the oldest record came; what an earlier process left has waited long enough."""
        return -inf if self._count > len(self._arrived) else next(iter(self._arrived.values()), inf)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                if due := self._due(loop.time()):
                    await self._send_batch(min(due, self._max_records * self._width))
                else:
                    await self._sleep(loop.time())
        except Exception as error:
            self._abandon(error)
            raise

    async def _sleep(self, now: float) -> None:
        """Wait until something has happened, or until a record has waited long enough."""
        until = None
        if self._count > 0:
            enough = self._size >= self._max_bytes or self._count >= self._max_records
            until = max(self._not_before, -inf if enough else self._oldest + self._max_age)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if until is None else max(_SHORTEST_NAP, until - now)):
                await self._wake.wait()

    async def _send_batch(self, most: int) -> None:
        entries = self._within_bytes(await self._queue.oldest(most))
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
                failure = InvalidRequest(f"send returned {len(found)} results for {len(entries)} records")
        await self._settle(entries, known, failure)

    def _within_bytes(self, entries: list[Entry]) -> list[Entry]:
        """Return the first of *entries* that together are not too large; at least one."""
        sizes = accumulate(len(entry.encoded) for entry in entries)
        fitting = sum(size <= self._max_bytes * self._width for size in sizes)
        return entries[: max(1, fitting)]

    async def _settle(self, entries: list[Entry], known: dict[int, R], failure: Exception | None) -> None:
        """Tell the callers, and let go of what is done with."""
        refused = failure.index if isinstance(failure, RecordRefused) else None
        refused = None if refused not in range(len(entries)) else refused
        fates: dict[Fate, list[Entry]] = {fate: [] for fate in Fate}
        aside: list[tuple[Entry, str]] = []
        told: list[tuple[asyncio.Future[R], R | None, Exception | None]] = []
        for place, entry in enumerate(entries):
            caller, result = self._callers.get(entry.number), known.get(place)
            error = failure if refused in {None, place} else None  # what was refused is one record's own affair
            awaited = caller is not None and not caller.done()
            fate = fate_of(result, error, refused=place == refused, awaited=awaited, repeats=self._repeats)
            fates[fate].append(entry)
            if fate is Fate.ASIDE:
                aside.append((entry, str(error) if result is None else _reason(result)))
            elif fate is Fate.WAITS and result is not None:
                failure = failure or OutcomeUnknown(_reason(result), operation="batcher")
            elif caller is not None and fate is Fate.DONE:
                told.append((caller, result, error))
        await self._queue.settle([entry.number for entry in fates[Fate.DONE]], aside)
        self._let_go(entries, {entry.number for fate in (Fate.DONE, Fate.ASIDE) for entry in fates[fate]})
        for future, outcome, wrong in told:
            if future.done():
                continue
            if outcome is not None:
                future.set_result(outcome)
            elif wrong is not None:
                future.set_exception(own(wrong))
        self._note(None if refused is not None else failure)

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
                    self._room.release()
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

    def _abandon(self, error: Exception) -> None:
        """Tell everybody who waits that nothing comes any more."""
        waiters: list[asyncio.Future[Any]] = [*self._callers.values(), *(future for _, future in self._flushes)]
        for future in waiters:
            if not future.done():
                future.set_exception(own(error))
        self._callers.clear()
        self._flushes.clear()


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


def _reason(result: Any) -> str:
    why = result.why[0] if result.why else None
    return f"{result.status or 'failed'}" + (f": {f'{why.code} {why.message}'.strip()}" if why else "")
