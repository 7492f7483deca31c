"""An instance that a feed reads in virtual time: the sandbox's log of activities, without HTTP."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from marketo_async.changes import Budget, Changes
from marketo_async.changes.selection import feed_options, feed_selection
from marketo_async.errors import ConfigurationError, InvalidData, MarketoError
from marketo_async.governor.quota import as_utc
from marketo_async.models.activities import Activity, ActivityType, FieldValueChange, LeadChange
from marketo_async.models.moment import parse
from marketo_async.operation import Operation, Page, Plan
from marketo_async.sandbox.records.activity_log import LAST_SEQUENCE, ActivityLog, Order
from marketo_async.sandbox.records.activity_log import Activity as Logged

T = TypeVar("T")

EPOCH = 1_790_000_000.0  # 2026-09-21
NAME = "123-abc-456"
TYPES = (1, 6, 12, 13, 24, 37, 104)


def now() -> float:
    """Return the virtual wall clock."""
    return EPOCH + asyncio.get_running_loop().time()


class FakeInstance:
    """Sends the calls of a feed to a log of activities; a `Sender` of the operations that a feed needs.

    ``page`` is the largest page. ``short`` and ``empty`` are the shares of pages that are shorter, or empty although
    more follows. A token of a generation before ``accepted`` is refused. ``down`` is an error for every call.
    """

    def __init__(
        self, order: Order, *, page: int = 300, latency: float = 0.4, short: float = 0.0, empty: float = 0.0, seed: int = 1
    ) -> None:
        self.rng = random.Random(seed)
        self.page, self.latency, self.short, self.empty = page, latency, short, empty
        self.delays: deque[float] = deque()
        self.log = ActivityLog(
            now, omit_ids=False, order=order, delay=lambda: self.delays.popleft() if self.delays else 0.0
        )
        self.generation = self.accepted = 0
        self.down: MarketoError | None = None
        self.closed = asyncio.Event()
        self.calls: list[tuple[float, str]] = []
        self.deletions_kept = 14 * 86_400.0
        self._rows: dict[str, Activity | LeadChange] = {}

    def happen(self, kind: int, *, late: float = 0.0, lead_id: int = 7) -> str:
        """Log an activity that happens now, and is committed later; return its GUID."""
        self.delays.append(late)
        return self.log.add(lead_id, kind, (9, "asset")).marketo_guid

    def happened(self, kind: int, date: float, *, lead_id: int = 7) -> str:
        """Log an activity of an earlier date, committed then."""
        return self.log.add(lead_id, kind, (9, "asset"), date=date).marketo_guid

    def refuse_tokens(self) -> None:
        """Refuse every token that was issued so far."""
        self.generation += 1
        self.accepted = self.generation

    async def send(self, operation: Operation, plan: Plan[Any]) -> Any:
        """Answer a call, some time later, with what is there in the middle of that time."""
        if self.closed.is_set():
            raise ConfigurationError("the client is closed")
        name = operation.name.rpartition(".")[2]
        self.calls.append((now(), name))
        await asyncio.sleep(self.rng.uniform(0, self.latency))
        answer = self._answer(name, plan.query)
        await asyncio.sleep(self.rng.uniform(0, self.latency))
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def describe(self, described: Any) -> Any:
        """Return the activity types."""
        await asyncio.sleep(self.latency)
        return [ActivityType(id=number, name=f"Type {number}") for number in TYPES]

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Wait, until the client is closed."""
        if self.closed.is_set():
            raise ConfigurationError("the client is closed")
        closed, waiting = asyncio.ensure_future(self.closed.wait()), asyncio.ensure_future(what())
        try:
            await asyncio.wait({closed, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise ConfigurationError("the client is closed")
            return waiting.result()
        finally:
            closed.cancel()
            waiting.cancel()

    def _answer(self, name: str, query: Mapping[str, Any]) -> object:
        if self.down is not None:
            return self.down
        if name == "paging_token":
            return self._token(query["sinceDatetime"].timestamp(), LAST_SEQUENCE)
        generation, date, sequence, empties = query["nextPageToken"].split(":")
        if int(generation) < self.accepted:
            return InvalidData("Invalid paging token", code="1003", operation=name)
        oldest = as_utc(now() - self.deletions_kept).isoformat()
        wanted: Callable[[Logged], bool]
        if name == "since":
            types = set(query["activityTypeIds"])
            wanted = lambda row: row.activity_type_id in types  # noqa: E731
        elif name == "lead_changes":
            wanted = lambda row: row.activity_type_id in (12, 13)  # noqa: E731
        else:
            wanted = lambda row: row.activity_type_id == 37 and row.activity_date >= oldest  # noqa: E731
        size = min(self.page, query.get("batchSize") or 300)
        if size > 1 and self.rng.random() < self.short:
            size = self.rng.randrange(1, size)
        if self.rng.random() < self.empty:
            size = 0
        rows, reached, more = self.log.after((float(date), int(sequence)), wanted, size)
        empties = int(empties) + 1 if more and not rows else 0
        return Page([self._row(row) for row in rows], self._token(*reached, empties), more)

    def _token(self, date: float, sequence: int, empties: int = 0) -> str:
        return f"{self.generation}:{date!r}:{sequence}:{empties}"

    def _row(self, logged: Logged) -> Activity | LeadChange:
        if logged.marketo_guid not in self._rows:
            model: Any = LeadChange if logged.activity_type_id in (12, 13) else Activity
            more = {"fields": [FieldValueChange(name="title", new_value="b")]} if model is LeadChange else {}
            self._rows[logged.marketo_guid] = model(
                marketo_guid=logged.marketo_guid,
                lead_id=logged.lead_id,
                activity_date=parse(logged.activity_date),
                activity_type_id=logged.activity_type_id,
                primary_attribute_value_id=9,
                primary_attribute_value="asset",
                **more,
            )
        return self._rows[logged.marketo_guid]


def feed_of(instance: FakeInstance, *, name: str = NAME, **given: Any) -> Changes:
    """Return a feed of an instance with the arguments of `Marketo.changes`; fields are not asked for."""
    from datetime import timedelta  # noqa: PLC0415

    chosen: dict[str, Any] = {
        "since": None,
        "position": None,
        "store": None,
        "types": TYPES,
        "fields": ["title"],
        "lag": timedelta(minutes=30),
        "sweep": timedelta(minutes=30),
        "poll": 60.0,
        "follow": True,
        "window": 8,
        "mode": "live",
        "budget": None,
        **given,
    }
    selected = [chosen.pop(name) for name in ("types", "fields", "lag")]
    sender = cast("Any", instance)
    return Changes(
        feed_selection(*selected),
        feed_options(**chosen),
        instance=name,
        sender=sender,
        bulk=sender,
        clock=now,
        rng=random.Random(3),
    )


def guids(events: Sequence[Any]) -> list[str]:
    """Return the GUIDs of events, without gaps."""
    return [event.guid for event in events if hasattr(event, "guid")]


__all__ = ["EPOCH", "NAME", "TYPES", "Budget", "FakeInstance", "feed_of", "guids", "now"]
