"""`ListCheck`: compares static lists and their members with Marketo."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Literal

import anyio

from marketo_async.client import Marketo
from marketo_async.errors import NotFound
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.verify.recent import Recent
from marketo_async.mirror.verify.report import Difference, VerifiedPart

_PAGE = 300  # members in one call
_AT_ONCE = 4  # lists that are read concurrently

Pair = tuple[int, int]
_Kind = Literal["missing", "extra"]


class ListCheck:
    """Compares the tables ``lists`` and ``list_members`` with Marketo."""

    def __init__(self, marketo: Marketo, destination: Destination) -> None:
        self._marketo = marketo
        self._destination = destination

    async def check(
        self,
        recent: Callable[[], Awaitable[Recent]],
        *,
        most_calls: int | None = None,
        rng: random.Random | None = None,
        on_list: Callable[[int], None] = lambda _: None,
    ) -> VerifiedPart:
        """Compare the lists, and the members of each of them, or of random ones for about ``most_calls`` calls.

        ``recent`` says what happened after the horizon; it is asked if a member differs.
        """
        theirs = {one.id async for one in self._marketo.lists.browse()}
        ours = {list_id for (list_id,) in await self._destination.query("SELECT id FROM {lists}")}
        found = _rows(theirs, ours)
        sizes = dict(await self._destination.query("SELECT list_id, count(*) FROM {list_members} GROUP BY list_id"))
        chosen = _drawn(sorted(theirs & ours), sizes, most_calls, rng or random.Random())  # noqa: S311
        suspects: dict[Pair, _Kind] = {}
        compared, parts = 0, iter(chosen)

        async def work() -> None:
            nonlocal compared
            for list_id in parts:
                members, differing = await self._members(list_id)
                suspects.update(differing)
                compared += members
                on_list(compared)

        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_ONCE):
                tasks.start_soon(work)
        members, unsettled = await self._judged(suspects, recent)
        return VerifiedPart(
            part="lists",
            noun="members",
            compared=compared,
            scope=f" of {len(chosen):,} of {len(theirs | ours):,} lists",
            differences=[*found, *members],
            unsettled=unsettled,
        )

    async def _members(self, list_id: int) -> tuple[int, dict[Pair, _Kind]]:
        """Return how many members a list has on either side, and the pairs that one side alone has."""
        theirs: set[int] = set()
        try:
            theirs.update([lead["id"] async for lead in self._marketo.lists.leads(list_id, fields=["id"])])
        except NotFound:  # it was deleted meanwhile
            return 0, {}
        rows = await self._destination.query("SELECT lead_id FROM {list_members} WHERE list_id = %s", list_id)
        ours = {lead_id for (lead_id,) in rows}
        differing: dict[Pair, _Kind] = {(list_id, lead_id): "missing" for lead_id in theirs - ours}
        differing.update({(list_id, lead_id): "extra" for lead_id in ours - theirs})
        return len(theirs | ours), differing

    async def _judged(
        self, suspects: dict[Pair, _Kind], recent: Callable[[], Awaitable[Recent]]
    ) -> tuple[list[Difference], int]:
        """Compare the lists that differ once more, as the mirror may be running; leave out what changed since.

        Returns the differences, and the number of members that can't be judged.
        """
        again: dict[Pair, _Kind] = {}
        for list_id in sorted({list_id for list_id, _ in suspects}):
            again.update((await self._members(list_id))[1])
        again = {pair: kind for pair, kind in again.items() if suspects.get(pair) == kind}
        if not again:
            return [], 0
        since = await recent()
        found = [
            Difference(table="list_members", kind=kind, key={"list_id": list_id, "lead_id": lead_id})
            for (list_id, lead_id), kind in sorted(again.items())
            if not since.touches(list_id, lead_id)
        ]
        return found, len(again) - len(found)


def _rows(theirs: set[int], ours: set[int]) -> list[Difference]:
    sides: list[tuple[_Kind, set[int]]] = [("missing", theirs - ours), ("extra", ours - theirs)]
    return [Difference(table="lists", kind=kind, key={"id": list_id}) for kind, ids in sides for list_id in sorted(ids)]


def _drawn(lists: list[int], sizes: dict[int, int], most_calls: int | None, rng: random.Random) -> list[int]:
    """Return all lists, or random ones whose members ``most_calls`` calls can read."""
    if most_calls is None:
        return lists
    chosen: list[int] = []
    for list_id in rng.sample(lists, len(lists)):
        calls = sizes.get(list_id, 0) // _PAGE + 1
        if calls <= most_calls:
            most_calls -= calls
            chosen.append(list_id)
    return chosen
