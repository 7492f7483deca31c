"""`Verifier`: compares the tables of a mirror with Marketo, without changing anything.

What changed in Marketo after the mirror's watermark does not count as a difference: the feed may still deliver it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from marketo_async.changes.position import Position
from marketo_async.client import Marketo
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.mirror.backfill.activities import ActivitiesDone, ActivityLoad
from marketo_async.mirror.backfill.leads import LeadLoad, LeadsDone
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog
from marketo_async.mirror.verify.activities import ActivityCheck
from marketo_async.mirror.verify.leads import LeadCheck
from marketo_async.mirror.verify.lists import ListCheck
from marketo_async.mirror.verify.recent import Recent, recent
from marketo_async.mirror.verify.report import VerifiedPart, VerifyReport
from marketo_async.models.activities import DELETE_LEAD
from marketo_async.models.moment import When, to_datetime

CHUNKS = 30  # 9,000 ids: without a difference, fewer than 0.034 % of the leads differ
PARTS = ("leads", "activities", "lists")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_LIST_CALLS = 100  # of a verification that is not full

VerifyProgress = Callable[[str, int], None]


def unheard(_part: str, _rows: int) -> None:
    """Take progress that no caller asked for."""


def horizon_of(state: MirrorState) -> float:
    """Return the moment (epoch seconds) up to which a mirror has everything.

    Raises `ConfigurationError` where nothing is mirrored yet.
    """
    if state.position is None:
        raise ConfigurationError("the target holds no mirror yet; load it first, with Mirror.run or `mirror run`")
    return float(int(Position.read(state.position, instance=state.instance).watermark))


class Verifier:
    """Compares the tables of an open destination with Marketo.

    ``poll`` is how many seconds are between two looks at a bulk job, by default a minute. ``rng`` draws leads and
    lists. Raises `ConfigurationError` where nothing is mirrored yet.
    """

    def __init__(
        self,
        marketo: Marketo,
        destination: Destination,
        catalog: Catalog,
        state: MirrorState,
        *,
        poll: float | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._marketo = marketo
        self._destination = destination
        self._catalog = catalog
        self._state = state
        self._poll = poll
        self._rng = rng or random.Random()  # noqa: S311 - it draws samples
        self.horizon = horizon_of(state)
        self._recent: Recent | None = None

    async def verify(
        self,
        *,
        full: bool = False,
        parts: Sequence[str] = PARTS,
        chunks: int = CHUNKS,
        since: When | None = None,
        progress: VerifyProgress = unheard,
    ) -> VerifyReport:
        """Compare activities exactly, lists by their members, and random leads in every field, or all with ``full``.

        Activities are compared from ``since`` to the mirror's watermark, by default from where their first load began
        or, if it is not complete, has come to. Without ``full``, leads are ``chunks`` of 300 random ids, one call each,
        and lists those whose members about 100 calls can read. ``progress`` receives a part and the number of its rows.
        """
        if unknown := [part for part in parts if part not in PARTS]:
            raise InvalidRequest(f"parts: {unknown[0]!r} can't be verified; possible are {', '.join(PARTS)}")
        before = self._marketo.governor.snapshot().granted
        found: list[VerifiedPart] = []
        if "leads" in parts and "leads" in self._catalog:
            self._check_leads()
            fields = {field.name for field in (await self._marketo.leads.describe2()).fields}
            check = LeadCheck(
                self._marketo, self._destination, self._catalog["leads"], fields=fields, horizon=self.horizon
            )
            found.append(
                await check.check(
                    self._since_horizon,
                    chunks=None if full else chunks,
                    rng=self._rng,
                    on_chunk=lambda rows: progress("leads", rows),
                )
            )
        if "activities" in parts and (tables := await self._tables()):
            activities = ActivityCheck(self._marketo, self._destination, tables, poll=self._poll)
            found.append(
                await activities.check(
                    since=self._start(since),
                    until=datetime.fromtimestamp(self.horizon, UTC),
                    on_window=lambda rows: progress("activities", rows),
                )
            )
        if "lists" in parts and "lists" in self._catalog and "list_members" in self._catalog:
            found.append(
                await ListCheck(self._marketo, self._destination).check(
                    self._since_horizon,
                    most_calls=None if full else _LIST_CALLS,
                    rng=self._rng,
                    on_list=lambda rows: progress("lists", rows),
                )
            )
        return VerifyReport(parts=tuple(found), calls=self._marketo.governor.snapshot().granted - before)

    def _check_leads(self) -> None:
        loaded = self._state.progress_of(LeadLoad.name, LeadsDone)
        if loaded is not None and not loaded.complete:
            raise ConfigurationError("the first load of the leads is not complete; run the mirror to its end first")

    def _start(self, since: When | None) -> datetime | None:
        """Return from where activities are compared: where their first load began, or is complete up to now."""
        loaded = self._state.progress_of(ActivityLoad.name, ActivitiesDone)
        asked = None if since is None else to_datetime(since, name="since")
        if loaded is None:
            return asked
        start = max([loaded.start, *(span.end for span in loaded.left)])
        return max(datetime.fromtimestamp(start, UTC), asked or _LONG_AGO)

    async def _tables(self) -> Mapping[int, str]:
        """Return the tables of activities that can be compared: a listing of its own has the deletions of leads."""
        known = await self._marketo.activities.types_by_id()
        wanted = (known.keys() & self._state.types.keys()) - {DELETE_LEAD}
        return {kind: self._state.types[kind] for kind in sorted(wanted) if self._state.types[kind] in self._catalog}

    async def _since_horizon(self) -> Recent:
        if self._recent is None:
            self._recent = await recent(self._marketo, self.horizon)
        return self._recent
