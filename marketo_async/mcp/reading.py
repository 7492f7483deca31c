"""Reads for tools: one value, or as much of a listing as an answer holds, and a cursor for the rest.

A listing is read page by page through the guarded sender, one call a page, and never ahead of the request. The
rest of a page that did not fit is kept, so that to continue costs no second call.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from itertools import islice
from typing import Any, cast

from msgspec import Struct

from marketo_async.effects import Effect, effect_of
from marketo_async.errors import MarketoError
from marketo_async.mcp.answers import Cursor, as_text, cleaned, digest, plain, projected, whole_records
from marketo_async.mcp.find import resolve
from marketo_async.mcp.toolcall import Refusal, ToolCall, refuse
from marketo_async.operation import Deferred, Operation, Page, PageFilter, Plan
from marketo_async.paging import turn
from marketo_async.planning import Planned, parts, plan_of
from marketo_async.resources.base import Sender
from marketo_async.schema import PAGING, Callee, callee
from marketo_async.writes import BATCH, Batches, Result

LIMIT = 25  # records, where a read does not say how many
_MOST_PAGES = 50  # of one tool call: a listing can have many empty pages
LARGEST_FILE = 20_000_000  # bytes of a bulk file whose rows are paged
OVERHEAD = 600  # characters of an answer beside its records


class Reading(Struct, frozen=True, kw_only=True):
    """One request to read: ``count_only`` counts the records and returns none."""

    operation: str
    arguments: Mapping[str, Any] = {}
    fields: list[str] = []
    limit: int = LIMIT
    cursor: str | None = None
    count_only: bool = False


class AnsweredPage(Struct, frozen=True):
    """One page as it is answered: clean JSON values, and where the listing continues."""

    items: list[Any]
    removed: int
    token: str | None = None
    more: bool = False


async def read(call: ToolCall, reading: Reading) -> dict[str, Any]:
    """Return ``items`` with a ``cursor`` if there are more, or the one ``result``, and the cost."""
    name = resolve(reading.operation)
    found = callee(name)
    if effect_of(found.operation) is not Effect.READ:
        raise refuse("invalid", f"{name} is a write", "Call marketo_plan, then marketo_write.", operation=name)
    call.require_allowed(found.operation, reading.arguments)
    arguments = {one: value for one, value in reading.arguments.items() if one not in PAGING or not found.listed}
    takes = {parameter.name: parameter for parameter in found.parameters}
    if reading.fields and "fields" in takes and "fields" not in arguments:
        arguments["fields"] = reading.fields
    return await _Reader(call, found, arguments, reading).answer()


async def first_page(call: ToolCall, name: str, arguments: Mapping[str, Any]) -> AnsweredPage:
    """Return the first page of a listing, as large as Marketo makes it; whole, as no answer is made of it yet."""
    found = callee(name)
    call.require_allowed(found.operation, arguments)
    return await _Reader(call, found, arguments, Reading(operation=name, limit=BATCH)).first_page()


class _Reader:
    """One read on its way: the records so far, and where to continue."""

    def __init__(self, call: ToolCall, found: Callee, arguments: Mapping[str, Any], reading: Reading) -> None:
        self._call = call
        self._found = found
        self._arguments = arguments
        self._reading = reading
        self._sender: Sender = call.seat.sender(call)
        self._bound = (call.seat.holder, call.seat.instance, found.operation.name, digest(arguments))
        self._sift: PageFilter[Any] | None = None

    async def answer(self) -> dict[str, Any]:
        start = Cursor()
        if self._reading.cursor is not None:
            start = self._call.seat.seal.unseal(self._reading.cursor, *self._bound)
        kept = self._call.seat.rests.get(self._bound)
        if isinstance(kept, list):
            return await self._list(kept, start)
        operation, planned = await self._planned()
        if self._found.listed:
            return await self._listing(operation, [*islice(parts(planned), start.part, None)], start)
        if isinstance(planned, Batches):
            results = await self._within(self._sender.writes(operation, planned).all())
            return await self._list([result_row(result) for result in results], start)
        plan = cast(Plan[Any], planned)
        if plan.answer is bytes:
            file = CappedFile(self._found.operation.name)
            await self._within(self._sender.stream(operation, plan, file))
            return await self._list(_rows(file.content), start)
        value = await self._within(self._sender.send(operation, plan))
        if isinstance(value, list):
            return await self._list([plain(item) for item in value], start)
        found = cleaned(plain(value))
        items, shortened = whole_records([projected(found.value, self._reading.fields)], self._room)
        return await self._with_cost({"result": items[0]}, found.removed, shortened)

    async def first_page(self) -> AnsweredPage:
        operation, planned = await self._planned()
        page = await self._page(operation, next(parts(planned)), Cursor(), something=False)
        return page or AnsweredPage([], 0)

    async def _planned(self) -> tuple[Operation, Planned]:
        """Plan the read; a listing that asks the instance for its arguments asks through the guarded sender."""
        name, seat = self._found.operation.name, self._call.seat
        operation, planned = plan_of(name, self._sized(), munchkin_id=seat.munchkin_id, sender=self._sender)
        if isinstance(planned, Deferred):
            return operation, planned.listing(await self._within(planned.ask()))
        return operation, planned

    @property
    def _room(self) -> int:
        return self._call.seat.answer_chars - OVERHEAD

    def _sized(self) -> dict[str, Any]:
        """Return the arguments with a page as large as the answer, where the operation takes a size."""
        takes = {parameter.name for parameter in self._found.parameters}
        if not self._found.listed or "batch_size" not in takes:
            return dict(self._arguments)
        wanted = BATCH if self._reading.count_only else max(1, min(self._reading.limit, BATCH))
        return {**self._arguments, "batch_size": wanted}

    async def _listing(self, operation: Operation, rest: Sequence[Plan[Page[Any]]], at: Cursor) -> dict[str, Any]:
        items: list[Any] = []
        shortened: list[str] = []
        first_part, removed, count = at.part, 0, 0
        following: Cursor | None = at
        for _ in range(_MOST_PAGES):
            if following is None or (not self._reading.count_only and len(items) >= self._reading.limit):
                break
            here, part = following, rest[following.part - first_part]
            page = await self._page(operation, part, here, something=bool(items) or here != at)
            if page is None:
                break
            removed += page.removed
            given = page.items[here.given :]
            if self._reading.count_only:
                count, taken = count + len(given), len(given)
            else:
                taken, cut = self._take(items, given)
                shortened += cut
            following = self._next(here, page, taken, last_part=first_part + len(rest) - 1)
            await self._call.report(len(items) or count, f"{len(items) or count} records")
            if taken < len(given):
                self._call.seat.rests.keep((*self._bound, here.part, here.token), page, weight=len(page.items))
                break
        answer: dict[str, Any] = {"count": count} if self._reading.count_only else {"items": items}
        answer["more"] = following is not None
        if following is not None:
            answer["cursor"] = self._call.seat.seal.seal(following, *self._bound)
        return await self._with_cost(answer, removed, shortened)

    def _take(self, items: list[Any], given: list[Any]) -> tuple[int, list[str]]:
        """Add to ``items`` what fits of a page; return how many, and what was shortened."""
        room = self._room - sum(len(as_text(item)) + 1 for item in items)
        wanted = given[: self._reading.limit - len(items)]
        if not wanted or (items and len(as_text(wanted[0])) + 1 > room):
            return 0, []
        found = whole_records(wanted, room)
        items += found.items
        return len(found.items), found.shortened

    @staticmethod
    def _next(here: Cursor, page: AnsweredPage, taken: int, *, last_part: int) -> Cursor | None:
        if here.given + taken < len(page.items):
            return Cursor(here.part, here.token, here.given + taken)
        if page.more:
            return Cursor(here.part, page.token)
        return Cursor(here.part + 1) if here.part < last_part else None

    async def _page(
        self, operation: Operation, part: Plan[Page[Any]], at: Cursor, *, something: bool
    ) -> AnsweredPage | None:
        """Return the page at a cursor; ``None`` if the deadline came first, and there is something to answer."""
        kept = self._call.seat.rests.get((*self._bound, at.part, at.token))
        if isinstance(kept, AnsweredPage):
            return kept
        assert operation.paging is not None  # noqa: S101 - a listing has a rule
        try:
            token = at.token
            if token is None and part.opening is not None:
                token = await self._within(self._sender.send(part.opening.operation, part.opening.plan))
            page = await self._within(self._sender.send(operation, turn(operation.paging, part, token)))
        except Refusal:  # the deadline
            if something:
                return None
            raise
        self._sift = self._sift or (part.sift() if part.sift else None)
        records, enough = self._sift(page.items) if self._sift else (page.items, False)
        found = cleaned([projected(plain(record), self._reading.fields) for record in records])
        return AnsweredPage(found.value, found.removed, page.token, page.more and not enough)

    async def _list(self, items: Sequence[Any], start: Cursor) -> dict[str, Any]:
        """Answer a part of a list that came at once."""
        found = cleaned([projected(item, self._reading.fields) for item in items[start.given :]])
        if self._reading.count_only:
            return await self._with_cost({"count": len(items), "more": False}, 0, [])
        fit, shortened = whole_records(found.value[: self._reading.limit], self._room)
        more = len(fit) < len(found.value)
        answer: dict[str, Any] = {"items": fit, "more": more}
        if more:
            self._call.seat.rests.keep(self._bound, items, weight=len(items))
            answer["cursor"] = self._call.seat.seal.seal(Cursor(given=start.given + len(fit)), *self._bound)
        return await self._with_cost(answer, found.removed, shortened)

    async def _within(self, awaited: Any) -> Any:
        """Wait until the deadline; refuse after it."""
        try:
            async with asyncio.timeout(max(0.0, self._call.seconds_left)):
                return await awaited
        except TimeoutError as error:
            if isinstance(error, MarketoError):
                raise
            name = self._found.operation.name
            late = refuse("busy", "nothing came before the deadline", "Try again in a minute.", operation=name)
            raise late from error

    async def _with_cost(self, answer: dict[str, Any], removed: int, shortened: list[str]) -> dict[str, Any]:
        if removed:
            answer["hidden_characters_removed"] = removed
        if shortened:
            answer["shortened"] = shortened
        return {**answer, "cost": await self._call.costs()}


class CappedFile:
    """Holds a file of Marketo's in memory, up to a size: see `download.Sink`."""

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self.content = bytearray()

    @property
    def held(self) -> int:
        """How many bytes it holds."""
        return len(self.content)

    def restart(self) -> None:
        """Drop all bytes."""
        self.content.clear()

    def write(self, chunk: bytes) -> None:
        """Append the next bytes; refuse a file that is too large to page through."""
        if len(self.content) + len(chunk) > LARGEST_FILE:
            raise refuse(
                "too_large",
                f"the file has more than {LARGEST_FILE:,} bytes",
                "Ask for fewer fields or a shorter range, or export it with `marketo-async export`.",
                operation=self._operation,
            )
        self.content += chunk


def result_row(result: Result[Any]) -> dict[str, Any]:
    """Return the result of one record: its index, status and id, and why it was not accepted."""
    row: dict[str, Any] = {"index": result.index, "status": result.status or ("failed" if result.failed else "ok")}
    known = {"id": result.id, "marketoGUID": result.marketo_guid, "lead_id": result.lead_id}
    row |= {name: value for name, value in known.items() if value is not None}
    if "id" not in row and isinstance(result.record, int | str):
        row["id"] = result.record
    if result.why:
        row["why"] = "; ".join(f"{reason.code} {reason.message}".strip() for reason in result.why)
    return row


def _rows(content: bytes | bytearray) -> list[dict[str, str]]:
    """Return the rows of a file of Marketo's by the names in its first line."""
    text = content.decode("utf-8-sig", errors="replace")
    return [{str(name): value or "" for name, value in row.items()} for row in csv.DictReader(StringIO(text))]
