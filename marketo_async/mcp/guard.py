"""`GuardedSender`: the `Sender` of an agent's families, which enforces its policy on every single call.

Listings, writes, descriptions, files and composites all become single calls, and each passes here, whatever led to it:

1. level, 2. objects and 3. fields, by `Access`, on the call as it will be sent
4. caps: calls and records of the day, records of this read or write, people of a campaign
5. confirmation, of exactly what is sent, by its digest
6. the intent, on record (and on the disk, for a write)
7. the agent's share, the governor, the call
8. the answer: cut, masked, counted
9. the outcome, on record

Every step fails closed: an exception in 1 to 6 means that nothing is sent. A page after the first, and a batch after
the first, pass all steps again. A write is also judged as a whole before its first call, and a record that may not be
sent is refused by its index.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol, TypeVar, cast

from msgspec import Raw
from msgspec.structs import replace

from marketo_async.caller import Caller, OpenClient
from marketo_async.descriptions import Described
from marketo_async.download import Sink
from marketo_async.effects import Effect, effect_of
from marketo_async.errors import CapReached, Denied, InvalidRequest
from marketo_async.governor import CallRecord
from marketo_async.mcp.agent_guard import AgentGuard
from marketo_async.mcp.calls import carried, digest, row_of, whole
from marketo_async.mcp.fields import RECORDS
from marketo_async.mcp.passage import Admission, GuardedCalls, Passage
from marketo_async.mcp.recorder import Origin
from marketo_async.operation import Listing, Operation, Plan
from marketo_async.paging import Pager
from marketo_async.writes import Batches, Result, Results
from marketo_async.writes.chunks import Cutter

D = TypeVar("D")
R = TypeVar("R")
T = TypeVar("T")
V = TypeVar("V")

_CONFIRMED = frozenset({Effect.PUBLISH, Effect.REACH, Effect.ERASE, Effect.ADMIN})


class GivenConfirmation(Protocol):
    """A confirmation of one call: of what, by its ``digest``, and ``by`` whom."""

    @property
    def digest(self) -> str:
        """See `calls.digest`."""
        ...

    @property
    def by(self) -> str:
        """The person, as the audit names them."""
        ...


class GuardedSender:
    """The `Sender` of one tool call of an agent: its caps of a read and of a write begin here.

    ``confirmed`` is what a person confirmed, and is used once. ``on_call`` receives every attempt.
    """

    def __init__(
        self,
        guard: AgentGuard,
        origin: Origin | None = None,
        *,
        confirmed: GivenConfirmation | None = None,
        on_call: Callable[[CallRecord], None] | None = None,
    ) -> None:
        self._guard = guard
        self._confirmed = confirmed
        self._passage = Passage(guard, origin or Origin(), on_call)

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call. Raises `Denied`, `NeedsConfirmation`, `CapReached` or `AuditUnavailable`."""
        confirmed_by = self._admitted(operation, plan) if effect_of(operation, plan) in _CONFIRMED else ""
        return await self._caller(Admission(confirmed_by)).send(operation, plan)

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Iterate one listing, or several; each page is judged like a single call."""
        return self._caller(Admission()).pages(operation, listing)

    def writes(self, operation: Operation, batches: Batches[V]) -> Results[V]:
        """Write any number of records. A list is judged as a whole, and then each call of it; a stream by its calls."""

        async def run() -> AsyncGenerator[Result[V], None]:
            guarded, confirmed_by = self._admitted_write(operation, batches)
            described = batches.described
            describes = {} if described is None else {described.operation.name: operation.name}
            results = self._caller(Admission(confirmed_by, describes)).writes(operation, guarded)
            found = cast("AsyncGenerator[Result[V], None]", results.__aiter__())
            async with aclosing(found):
                async for result in found:
                    yield result

        return Results(run)

    async def describe(self, described: Described[D]) -> D:
        """Return the description of a record type; it is judged even where it is kept already."""
        self._passage.judged(described.operation, described.plan)
        return await self._caller(Admission()).describe(described)

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Download a file into ``sink``."""
        await self._caller(Admission()).stream(operation, plan, sink)

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        return await self._caller(Admission()).wait_for(what)

    def _caller(self, admission: Admission) -> Caller:
        opened = self._guard.opened()
        calls = GuardedCalls(self._passage, opened.session, admission)
        guarded = OpenClient(calls, opened.in_flight, opened.descriptions)
        return Caller(lambda: guarded, self._guard.options)

    def _admitted(self, operation: Operation, plan: Plan[Any], records: int | None = None) -> str:
        """Judge a whole call or write before anything is sent; return who confirmed it, empty where that needs none."""
        verdict = self._passage.judged(operation, plan)
        try:
            self._passage.counts.check_whole(operation, carried(operation, plan) if records is None else records)
        except CapReached as reached:
            raise self._passage.denied(operation, plan, reached) from None
        by = self._guard.confirmer(verdict)
        if by == "none":
            return ""
        wanted, confirmed = digest(operation, plan), self._confirmed
        if confirmed is not None and confirmed.digest == wanted:
            self._confirmed = None
            return confirmed.by
        raise self._passage.unconfirmed(operation, plan, verdict, by)

    def _admitted_write(self, operation: Operation, batches: Batches[V]) -> tuple[Batches[V], str]:
        """Judge a write: a list as a whole; a stream by its other arguments now, and record by record as it comes."""
        if isinstance(batches.records, Sequence):
            records = [*batches.records]
            kept = replace(batches, records=records)  # the caller's list may change later
            return kept, self._admitted(operation, _whole(kept), len(records))
        empty = batches.plan(Raw(b"[]"))
        verdict = self._passage.judged(operation, empty)
        if self._guard.confirmer(verdict) != "none":
            raise self._passage.denied(
                operation,
                empty,
                Denied(
                    "it must be confirmed as a whole, and its records come one by one; pass them as a list",
                    operation=operation.name,
                    rule=f"agents.{self._guard.access.name}.confirm",
                ),
            )
        return replace(batches, refusal=self._refusal_of_records(operation, batches, empty)), ""

    def _refusal_of_records(
        self, operation: Operation, batches: Batches[V], empty: Plan[Any]
    ) -> Callable[[V], str | None]:
        """Return the check of the records of a stream: their own one, their number, and their fields."""
        fields, most = self._guard.access.fields, self._passage.counts.most(operation)
        kind = "write" if operation.write else "read"
        named, own, count = fields.also_named(operation, empty), batches.refusal, 0

        def refusal(record: V) -> str | None:
            nonlocal count
            count += 1
            if why := own(record) if own is not None else None:
                return why
            if most is not None and count > most:
                return f"one {kind} of this agent may have {most:,} records"
            if operation.name not in RECORDS:
                return None
            return fields.refusal_of(row_of(batches, record), named)

        return refusal


def _whole(batches: Batches[Any]) -> Plan[Any]:
    """Return a write as one plan. Raises `RecordRefused`, with its index, for a record that can't be sent."""
    try:
        return whole(batches)
    except InvalidRequest:
        if isinstance(batches.records, Sequence):
            Cutter(batches).check(batches.records)
        raise
