"""`Mirror`: keeps the tables of a destination equal to an instance: a first load, then the feed.

Producers and the feed put chunks; one loader gathers what is there, writes it as one load with the state after it, and
only then counts it as done. See ``following`` for the feed, ``backfill`` for the first load, ``loading`` for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from types import TracebackType
from typing import Self

import anyio
from msgspec.structs import replace

from marketo_async.changes import Budget, Changes
from marketo_async.client import Marketo
from marketo_async.errors import ConfigurationError
from marketo_async.governor import Priority
from marketo_async.mirror.backfill.backfill import FACTS, USE, Backfill
from marketo_async.mirror.backfill.context import LoadContext
from marketo_async.mirror.backfill.stored import StoredRows
from marketo_async.mirror.describing import InstanceTables, Tables, instance_tables, planned_tables
from marketo_async.mirror.folding import Folding
from marketo_async.mirror.following import Following
from marketo_async.mirror.freshness import Freshness
from marketo_async.mirror.gathering import Gathering
from marketo_async.mirror.loader import Loader
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.meter import Allowance, Meter
from marketo_async.mirror.plan import CallPace, InstanceFacts, LoadBudget, MirrorPlan, planned, since_of
from marketo_async.mirror.probing import probe
from marketo_async.mirror.rereading import Rereading
from marketo_async.mirror.state import DayUse, MirrorState
from marketo_async.mirror.status import MirrorProgress, MirrorStatus
from marketo_async.mirror.tables import LEAD_MERGES
from marketo_async.mirror.target import Target, target_of
from marketo_async.mirror.verify import Repair, Verifier, VerifyReport
from marketo_async.mirror.verify.verifier import CHUNKS, PARTS, VerifyProgress, horizon_of, unheard
from marketo_async.mirror.views import VIEW, activities_view
from marketo_async.models.moment import When, to_datetime

_DELETIONS_KEPT = 14 * 86_400.0
_MEGABYTES = 500.0  # of exports in a day, by default


class Mirror:
    """A mirror of an instance at ``target``; open it with ``async with``.

    ``target`` is ``duckdb:///file``, ``postgresql://user@host/database`` or ``dlt:NAME``; the password of a database
    may be in the environment variable MARKETO_MIRROR_PASSWORD. ``dataset`` is the schema of the tables, one for each
    instance. ``tables`` are the names of tables; "activities" stands for all tables of activities.

    ``since`` is where the history of activities begins, by default 25 months ago or with the instance. Changes of
    values and merges come from the feed alone: it starts with the first run, or at ``since``, if that is at most 14
    days ago. ``budget`` limits the calls of a day and ``budget_mb`` the exports, by default to those of the instance;
    the feed keeps a share of the calls that the first load can't take. ``poll``, ``lag`` and ``sweep`` are those of
    `Marketo.changes`, ``job_poll`` the seconds between two looks at an export. A load waits ``gather`` seconds for more
    rows.

    Raises `ConfigurationError` if the target can't be read, or is a mirror of another instance.
    """

    def __init__(  # noqa: PLR0913 - each is an argument of the command too
        self,
        marketo: Marketo,
        target: str | Target,
        *,
        dataset: str | None = None,
        tables: Tables = "all",
        since: When | None = None,
        budget: Budget | None = None,
        budget_mb: float | None = None,
        poll: float = 60.0,
        lag: timedelta = timedelta(minutes=30),
        sweep: timedelta = timedelta(minutes=30),
        job_poll: float | None = None,
        gather: float = 1.0,
        folder: Path | None = None,
        destination: Destination | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._marketo = marketo
        self._target = target if isinstance(target, Target) else target_of(target, dataset=dataset)
        self._tables = tables
        self._since = since
        self._budget, self._budget_mb = budget, budget_mb
        self._job_poll = job_poll
        self._poll, self._lag, self._sweep = poll, lag, sweep
        self._gather = gather
        self._clock = clock
        self.destination = destination or Destination(self._target, folder=folder)
        self._state: MirrorState | None = None
        self._changes: Changes | None = None
        self._loader: Loader | None = None
        self._meter: Meter | None = None
        self._loading = False  # a first load

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        return f"Mirror of {self._instance} at {self._target}"

    async def __aenter__(self) -> Self:
        """Open the destination, and read the state of the last completed load."""
        self._state = await self.destination.open(self._instance)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the destination."""
        self._state = None
        await self.destination.close()

    @property
    def state(self) -> MirrorState:
        """The state after the last completed load."""
        if self._state is None:
            raise ConfigurationError("the mirror is not open; use it inside `async with Mirror(...)`")
        return self._state

    async def status(self) -> MirrorStatus:
        """Return what the mirror holds."""
        rows = {}
        for name in self.state.tables:
            found = await self.destination.query(f"SELECT count(*) FROM {{{name}}}")  # noqa: S608 - a name of our own
            rows[name] = int(found[0][0]) if found else 0
        settled = None if self.state.position is None else horizon_of(self.state)
        return MirrorStatus(
            instance=self._instance, target=str(self._target), rows=rows, settled=settled, state=self.state
        )

    def progress(self) -> MirrorProgress:
        """Return what this run has written, and how far the feed is."""
        try:
            feed = self._changes.snapshot() if self._changes else None
        except ConfigurationError:  # it is closed
            feed = None
        behind = [lane.behind for lane in feed.lanes if lane.behind is not None] if feed else []
        return MirrorProgress(
            rows=dict(self.destination.written),
            expected=self._expected(),
            bytes_left=None if self._meter is None else self._meter.bytes_left,
            behind=max(behind) if feed and len(behind) == len(feed.lanes) else None,
            held_back=(feed.trouble or feed.held_back) if feed else "",
        )

    def _expected(self) -> int | None:
        """Return how many rows the first load that runs has, about."""
        facts = self._loader.state.progress_of(FACTS, InstanceFacts) if self._loader and self._loading else None
        if facts is None:
            return None
        names = self._loader.state.tables if self._loader else ()
        rows = facts.leads if "leads" in names else 0
        if any(name.startswith("activity_") for name in names):
            since = None if self._since is None else to_datetime(self._since, name="since").timestamp()
            rows += round(facts.activities(since_of(facts, since), facts.at))
        return rows

    async def plan(self) -> MirrorPlan:
        """Return what a first load will cost; some 50 calls, which `probing` names. Nothing is written."""
        limits, tables = self._marketo.governor.limits, planned_tables(self._tables)
        since = None if self._since is None else to_datetime(self._since, name="since").timestamp()
        fields = [field.name for field in (await self._marketo.leads.describe2()).fields]
        facts = await probe(self._marketo, fields=fields, since=since, activities=VIEW in tables, clock=self._clock)
        calls = self._budget.calls_per_day if self._budget else limits.daily
        budget = LoadBudget(
            calls=min(calls, limits.daily - limits.reserve),
            exported=round((self._budget_mb or _MEGABYTES) * 1_000_000),
        )
        pace = CallPace(calls=limits.calls, per=limits.per, slots=limits.concurrency, latency=facts.latency)
        return planned(tables, facts, pace, budget, since=since)

    async def run(self, *, follow: bool = False) -> None:
        """Load what is missing, then apply what has changed since; with ``follow``, continue until it is cancelled.

        Run again, it continues where the last completed load ended. Raises the first error of any part.
        """
        failure: Exception | None = None
        try:
            await self._run(follow=follow)
        except ExceptionGroup as group:
            failure = _first(group)
        if failure is not None:
            raise failure

    async def verify(
        self,
        *,
        full: bool = False,
        parts: Sequence[str] = PARTS,
        chunks: int = CHUNKS,
        since: When | None = None,
        repair: bool = False,
        job_poll: float | None = None,
        progress: VerifyProgress = unheard,
    ) -> VerifyReport:
        """Compare the tables with Marketo as `Verifier.verify` does; ``repair`` makes the rows that differ right.

        ``job_poll`` is how many seconds are between two looks at a bulk job, by default a minute. Raises
        `ConfigurationError` where nothing is mirrored yet.
        """
        horizon_of(self.state)
        found = await instance_tables(self._marketo, self.destination, tables=self.state.tables, taken=self.state.types)
        verifier = Verifier(self._marketo, self.destination, found.catalog, self.state, poll=job_poll)
        report = await verifier.verify(full=full, parts=parts, chunks=chunks, since=since, progress=progress)
        if repair and not report.right:
            repairing = Repair(self._marketo, self.destination, found, instance=self._instance, clock=self._clock)
            report = replace(report, repaired=True, left=await repairing.run(report.differences))
            self._state = await self.destination.open(self._instance)
        return report

    async def _run(self, *, follow: bool) -> None:
        found = await instance_tables(self._marketo, self.destination, tables=self._tables, taken=self.state.types)
        freshness = Freshness(self.destination, found.catalog, started=self._clock())
        loader = Loader(self.destination, found.catalog, freshness, replace(self.state, types=found.types))
        self._loader = loader
        self._loading = self.state.progress_of(FACTS, InstanceFacts) is None
        gathering = Gathering(found.catalog, seconds=self._gather)
        rereading = Rereading(self._marketo, found.catalog)
        following = Following(
            Folding(found.catalog, found.kinds, found.types), rereading, gather=self._gather, clock=self._clock
        )
        backfill = self._backfill(found)
        try:
            async with anyio.create_task_group() as tasks:
                if not backfill.done(self.state) or follow or self.state.position is None:
                    async with self._feed(found, self.state.position, follow=True) as feed:
                        await self._begin(loader, found, feed)
                        tasks.start_soon(loader.run, gathering)
                        await self._load(backfill, following, feed, gathering, follow=follow)
                else:
                    await self._begin(loader, found, None)
                    tasks.start_soon(loader.run, gathering)
                async with self._feed(found, gathering.position or loader.state.position, follow=False) as feed:
                    await following.run(feed, gathering.put)
                await gathering.end()
        finally:
            self._state, self._loader = loader.state, None

    async def _begin(self, loader: Loader, found: InstanceTables, feed: Changes | None) -> None:
        """Create the tables and the view, and keep where the feed starts, before anything is read."""
        await loader.begin(self.state.position or (feed.position if feed else None), self._clock())
        views = {name: found.kinds[number].name for number, name in found.types.items() if name in found.catalog}
        if views:
            await self.destination.execute(activities_view(views, merges=LEAD_MERGES.name in found.catalog))

    async def _load(
        self,
        backfill: Backfill,
        following: Following,
        feed: Changes,
        gathering: Gathering,
        *,
        follow: bool,
    ) -> None:
        """Load beside the feed; end once everything is loaded, unless the mirror follows."""
        async with anyio.create_task_group() as beside:
            beside.start_soon(following.run, feed, gathering.put)
            await backfill.run(gathering.put, self.state)
            if follow:
                await backfill.keep(gathering.put)
            beside.cancel_scope.cancel()

    def _backfill(self, found: InstanceTables) -> Backfill:
        lanes = len(found.feed) / 10 + 2
        allowance = Allowance(
            calls=self._budget.calls_per_day if self._budget else self._marketo.governor.limits.daily,
            exported=round((self._budget_mb or _MEGABYTES) * 1_000_000),
            feed=lanes / self._poll + 2 * lanes / self._sweep.total_seconds(),
        )
        self._meter = Meter(
            self._marketo.governor, allowance, use=self.state.progress_of(USE, DayUse), clock=self._clock
        )
        context = LoadContext(
            marketo=self._marketo.with_options(priority=Priority.BULK),
            catalog=found.catalog,
            meter=self._meter,
            folder=self.destination.exports or Path(gettempdir(), f"marketo-mirror-{self._target.digest}"),
            facts=InstanceFacts(at=self._clock(), began=self._clock()),
            stored=StoredRows(self.destination),
            since=None if self._since is None else to_datetime(self._since, name="since").timestamp(),
            poll=self._job_poll,
            clock=self._clock,
        )
        return Backfill(context, kinds=found.kinds, types=found.types, objects=found.objects)

    def _feed_since(self) -> When | None:
        """Return where the feed starts: at ``since``, as long as Marketo lists deletions from there."""
        if self._since is None:
            return None
        recent = to_datetime(self._since, name="since").timestamp() > self._clock() - _DELETIONS_KEPT
        return self._since if recent else None

    def _feed(self, found: InstanceTables, position: str | None, *, follow: bool) -> Changes:
        self._changes = self._marketo.changes(
            position=position,
            since=None if position else self._feed_since(),
            types=sorted(found.feed),
            poll=self._poll,
            lag=self._lag,
            sweep=self._sweep,
            follow=follow,
            budget=self._budget,
        )
        return self._changes

    @property
    def _instance(self) -> str:
        return self._marketo.munchkin_id or self._marketo.base_url


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, Exception) else RuntimeError(str(error))
