"""`Counts`: the caps of an agent, counted for one read or write and for the day. See ``agent_share`` for the budget.

A write takes its records from the budget before it is sent, and gets them back if Marketo refused it. The records of a
read count when they are shown.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

from msgspec.structs import replace

from marketo_async.download import Sink
from marketo_async.errors import ApiError, CapReached, InvalidRequest
from marketo_async.mcp.agent_share import CALLS, RECORDS, DayBudget
from marketo_async.mcp.calls import carried
from marketo_async.mcp.policy import Caps
from marketo_async.operation import Operation, Page, Paging, Plan

R = TypeVar("R")

_PAGE = 300
_CAMPAIGN = "campaigns.request"
_SIZED = frozenset({Paging.POSITION, Paging.DATE})
_UNCOUNTED = frozenset({"campaigns.schedule"})  # it reaches all people of the campaign's smart list


class CountedSink:
    """A sink that counts the rows of a file, and raises ``above`` where there are more than ``most``."""

    def __init__(self, sink: Sink, most: int | None, above: CapReached | None) -> None:
        self._sink = sink
        self._most, self._above = most, above
        self._lines = 0

    @property
    def held(self) -> int:
        """How many bytes of the file the sink holds."""
        return self._sink.held

    @property
    def rows(self) -> int:
        """How many rows have come, without the header; a line break within a row counts too."""
        return max(0, self._lines - 1)

    def restart(self) -> None:
        """Drop all bytes: the file comes again from its beginning."""
        self._lines = 0
        self._sink.restart()

    def write(self, chunk: bytes) -> None:
        """Append the next bytes."""
        self._lines += chunk.count(b"\n")
        if self._most is not None and self.rows > self._most and self._above is not None:
            raise self._above
        self._sink.write(chunk)


class Counts:
    """What one read or write of an agent has used so far."""

    def __init__(self, agent: str, caps: Caps, budget: DayBudget) -> None:
        self._agent, self._caps, self._budget = agent, caps, budget
        self._read = self._written = 0

    def most(self, operation: Operation) -> int | None:
        """Return how many records one read or write may have."""
        return self._caps.records_a_write if operation.write else self._caps.records_a_read

    def check_whole(self, operation: Operation, records: int) -> None:
        """Raise `CapReached` where a write, or a question about many records, has too many of them."""
        most, used = self.most(operation), self._written if operation.write else self._read
        if most is not None and used + records > most:
            kind = "write" if operation.write else "read"
            why = f"one {kind} may have {most:,} records, and this one has {used + records:,}"
            raise self._reached(operation, f"records_a_{kind}", why, left=most)
        if operation.name in _UNCOUNTED and self._caps.people_a_campaign is not None:
            why = "how many people a scheduled campaign reaches is not known, and this agent has a limit of them"
            raise self._reached(operation, "people_a_campaign", why)

    def take(self, operation: Operation, plan: Plan[Any]) -> None:
        """Count a call that is about to be made. Raises `CapReached`, and then nothing is counted."""
        records = carried(operation, plan)
        if operation.write:
            self.check_whole(operation, records)
        self._check_read(operation)
        caps = self._caps
        taken: list[tuple[str, int]] = []
        try:
            if operation.name == _CAMPAIGN:
                campaign = plan.path.get("campaignId")
                self._take(operation, f"people:{campaign}", records, caps.people_a_campaign, taken, "people_a_campaign")
            if operation.write:
                self._take(operation, RECORDS, records, caps.records_a_day, taken, "records_a_day")
            self._take(operation, CALLS, 1, caps.calls_a_day, taken, "calls_a_day")
        except CapReached:
            for what, n in taken:
                self._budget.give_back(self._agent, what, n)
            raise
        self._written += records

    def repeated(self, calls: int) -> None:
        """Count the attempts of a call after its first."""
        if calls > 1 and self._caps.calls_a_day is not None:
            self._budget.take(self._agent, CALLS, calls - 1, self._caps.calls_a_day, whole=False)

    def failed(self, operation: Operation, plan: Plan[Any], error: BaseException) -> None:
        """Give back the records of a write that was certainly not done."""
        if not operation.write or not isinstance(error, ApiError | InvalidRequest):
            return
        records = carried(operation, plan)
        self._written -= records
        if self._caps.records_a_day is not None:
            self._budget.give_back(self._agent, RECORDS, records)
        if operation.name == _CAMPAIGN and self._caps.people_a_campaign is not None:
            self._budget.give_back(self._agent, f"people:{plan.path.get('campaignId')}", records)

    def narrowed(self, operation: Operation, plan: Plan[R]) -> Plan[R]:
        """Return a listing's plan with pages that are not larger than a read may be.

        The size depends on the policy alone, as a token of Marketo's belongs to the size that it was given for.
        """
        most = self._caps.records_a_read
        if most is None or operation.paging not in _SIZED or "batchSize" not in plan.query:
            return plan
        size = plan.query["batchSize"]
        asked = size if isinstance(size, int) else _PAGE
        return plan if asked <= most else replace(plan, query={**plan.query, "batchSize": most})

    def shown(self, operation: Operation, value: R) -> tuple[R, int]:
        """Return as much of an answer as may be read, and how many records it has; count them.

        Only a first answer is cut. A later page that is too much raises `CapReached`, so that no record of it is lost:
        the listing's token still leads to it.
        """
        if operation.write:
            return value, 0
        items: object = value.items if isinstance(value, Page) else value
        if isinstance(items, bytes):
            items = items.splitlines(keepends=True)[1:]  # after the header; a line break within a row counts too
        count = len(items) if isinstance(items, list) else int(items is not None)
        most, left = self._caps.records_a_read, count
        if most is not None and self._read + count > most:
            if self._read:
                why = f"one read may have {most:,} records, and {self._read:,} are read"
                raise self._reached(operation, "records_a_read", why, left=most - self._read)
            left = most
        if self._caps.records_a_day is not None:
            self._take(operation, RECORDS, left, self._caps.records_a_day, [], "records_a_day")
        self._read += left
        if left == count or not isinstance(items, list):
            return value, count
        if isinstance(value, bytes):
            return cast(R, b"".join([*value.splitlines(keepends=True)[: left + 1]])), left
        cut = replace(value, items=items[:left]) if isinstance(value, Page) else items[:left]
        return cast(R, cut), left

    def counted(self, operation: Operation, sink: Sink) -> CountedSink:
        """Return a sink that ends a download above what may be read; the file comes from its beginning."""
        caps = self._caps
        limits = [] if caps.records_a_read is None else [caps.records_a_read - self._read]
        if caps.records_a_day is not None:
            limits.append(caps.records_a_day - self._budget.used(self._agent, RECORDS))
        if not limits:
            return CountedSink(sink, None, None)
        why = f"this agent may read {min(limits):,} more rows, and the file has more"
        sink.restart()
        return CountedSink(sink, min(limits), self._reached(operation, "records_a_read", why, left=min(limits)))

    def took(self, operation: Operation, rows: int) -> None:
        """Count the rows of a file that was downloaded."""
        if self._caps.records_a_day is not None:
            self._take(operation, RECORDS, rows, self._caps.records_a_day, [], "records_a_day")
        self._read += rows

    def _check_read(self, operation: Operation) -> None:
        if operation.write:
            return
        caps = self._caps
        if caps.records_a_read is not None and self._read >= caps.records_a_read:
            raise self._reached(operation, "records_a_read", f"one read may have {caps.records_a_read:,} records")
        if caps.records_a_day is not None and self._budget.used(self._agent, RECORDS) >= caps.records_a_day:
            why = f"the agent has used its {caps.records_a_day:,} records of the day"
            raise self._reached(operation, "records_a_day", why, per_day=True)

    def _take(
        self, operation: Operation, what: str, n: int, most: int | None, taken: list[tuple[str, int]], cap: str
    ) -> None:
        if most is None:
            return
        if self._budget.take(self._agent, what, n, most) < n:
            left = max(0, most - self._budget.used(self._agent, what))
            kind = {"calls_a_day": "calls", "records_a_day": "records"}.get(cap, "people of this campaign")
            why = f"the agent may use {most:,} {kind} a day, {left:,} are left, and this call needs {n:,}"
            raise self._reached(operation, cap, why, left=left, per_day=True)
        taken.append((what, n))

    def _reached(self, operation: Operation, cap: str, why: str, *, left: int = 0, per_day: bool = False) -> CapReached:
        rule = f"agents.{self._agent}.limits.{cap}"
        return CapReached(why, operation=operation.name, rule=rule, left=left, per_day=per_day)
