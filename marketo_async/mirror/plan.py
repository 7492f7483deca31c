"""What a first load costs: calls, bytes, seconds and days of each table, and the cheapest way to load it. Pure.

A way costs the larger of its shares of the day's calls and of the day's export volume. See ``probing`` for where the
facts come from, and ``backfill`` for the loads.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Literal

from msgspec import Struct

Way = Literal["ids", "bulk", "paging", "listing"]

DAY = 86_400.0
MONTH = 31 * DAY
"""The widest range of one export job."""
KEPT = 25 * MONTH
"""Marketo keeps activities for about 25 months."""
CHUNK = 300
"""Records of one call."""
TAIL = 3
"""Chunks without a lead after which the ids are taken to end."""
JOB_CALLS = 5
"""Calls of one export job: create, enqueue, about two looks at its status, and its file."""
JOB_SECONDS = 120.0
"""How long an export job takes, about; Marketo renews its status once a minute."""
JOBS_AT_ONCE = 2
_PROGRAMS = 10  # of one export of members
_MEGABYTE = 1_000_000.0


class CallPace(Struct, frozen=True, kw_only=True):
    """How fast calls can be made: ``calls`` in any ``per`` seconds, ``slots`` at once, each ``latency`` seconds."""

    calls: int = 100
    per: float = 20.0
    slots: int = 10
    latency: float = 1.0

    def seconds(self, calls: int) -> float:
        """Return how long some calls take: the first window is open at once."""
        if calls <= 0:
            return 0.0
        windows = (calls - 1) // self.calls
        last = (calls - windows * self.calls) * self.latency / self.slots
        # A call counts in the window until ``per`` seconds after its answer.
        one = max(self.per + self.latency, self.calls * self.latency / self.slots)
        return windows * one + max(last, self.latency)


class LoadBudget(Struct, frozen=True, kw_only=True):
    """The calls and the bytes of exports that a first load may use in a day."""

    calls: int = 50_000
    exported: int = 500_000_000

    def share(self, calls: int, exported: int) -> float:
        """Return how much of a day some calls and bytes need: the larger of their shares."""
        return max(calls / max(self.calls, 1), exported / max(self.exported, 1))


class ActivityRate(Struct, frozen=True):
    """How many activities there are between two moments, by a sample."""

    since: float
    until: float
    rows: float

    def within(self, since: float, until: float) -> float:
        """Return how many of them lie in a range."""
        inside = min(until, self.until) - max(since, self.since)
        return 0.0 if inside <= 0 else self.rows * inside / (self.until - self.since)


class InstanceFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What probes found; a mirror keeps it. Moments are epoch seconds.

    ``newest`` is the highest id of a lead, ``density`` the share of the ids below it that exist. ``width`` is the bytes
    of a lead in an export, ``activity_width`` those of an activity. ``began`` is when the instance began,
    ``first_activity`` the date of the oldest activity that Marketo has. ``sampled`` says that activities were probed.
    ``type_groups`` is how many listings all types of activity need. ``calls`` is what the probes cost.
    """

    at: float
    newest: int | None = None
    density: float = 0.0
    width: float = 250.0
    began: float
    first_activity: float | None = None
    sampled: bool = False
    rates: tuple[ActivityRate, ...] = ()
    activity_width: float = 250.0
    type_groups: int = 1
    lists: int = 0
    programs: int = 0
    calls: int = 0
    latency: float = 1.0

    @property
    def leads(self) -> int:
        """How many leads there are, about."""
        return round((self.newest or 0) * self.density)

    def activities(self, since: float, until: float) -> float:
        """Return how many activities a range has, about."""
        return sum(rate.within(since, until) for rate in self.rates)


class TablePlan(Struct, frozen=True, kw_only=True):
    """How a table is loaded, and what that costs. ``at_least`` says that its size can't be known before."""

    table: str
    way: Way
    rows: int = 0
    calls: int = 0
    exported: int = 0
    seconds: float = 0.0
    at_least: bool = False


class ActivityWindow(Struct, frozen=True):
    """A range of activities that is loaded one way, ``rows`` of them about."""

    since: float
    until: float
    way: Way
    rows: float = 0.0


class MirrorPlan(Struct, frozen=True, kw_only=True):
    """The plan of a first load: its tables, what the probes cost, and the days that it needs."""

    tables: Sequence[TablePlan]
    probes: int
    seconds: float
    days: int
    budget: LoadBudget
    began: float

    @property
    def calls(self) -> int:
        """The calls of all tables and of the probes."""
        return self.probes + sum(table.calls for table in self.tables)

    @property
    def exported(self) -> int:
        """The bytes of all exports."""
        return sum(table.exported for table in self.tables)

    def text(self) -> str:
        """Return the plan as a table of plain text."""
        head = ("table", "way", "rows", "calls", "MB", "minutes", "days")
        lines: list[tuple[str, ...]] = [head, ("(probes)", "", "", f"{self.probes:,}", "0.0", "", "")]
        lines += [_line(table, self.budget) for table in self.tables]
        rows = sum(table.rows for table in self.tables)
        lines.append(
            (
                "total",
                "",
                f"{rows:,}",
                f"{self.calls:,}",
                f"{self.exported / _MEGABYTE:,.1f}",
                f"{self.seconds / 60:,.1f}",
                f"{self.days}",
            )
        )
        widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
        left = 2  # the columns of text
        text = [
            "  ".join(
                cell.ljust(width) if place < left else cell.rjust(width) for place, (cell, width) in cells
            ).rstrip()
            for cells in (enumerate(zip(line, widths, strict=True)) for line in lines)
        ]
        if any(table.at_least for table in self.tables):
            text.append("+: at least; only the load itself shows how many there are")
        return "\n".join(text)


def lead_ways(facts: InstanceFacts, pace: CallPace) -> list[TablePlan]:
    """Return the ways to load the leads: by chunks of ids, if the newest id is known, and by windows of exports."""
    windows = max(1, ceil((facts.at - facts.began) / MONTH))
    bulk_calls = windows * JOB_CALLS + 1
    ways = [
        TablePlan(
            table="leads",
            way="bulk",
            rows=facts.leads,
            calls=bulk_calls,
            exported=round(facts.leads * facts.width),
            seconds=max(ceil(windows / JOBS_AT_ONCE) * JOB_SECONDS, pace.seconds(bulk_calls)),
        )
    ]
    if facts.newest is not None:
        calls = ceil(facts.newest / CHUNK) + TAIL
        ways.insert(0, TablePlan(table="leads", way="ids", rows=facts.leads, calls=calls, seconds=pace.seconds(calls)))
    return ways


def cheapest(ways: Iterable[TablePlan], budget: LoadBudget) -> TablePlan:
    """Return the way that needs the smallest part of a day; of equal ones, the faster."""
    return min(ways, key=lambda way: (budget.share(way.calls, way.exported), way.seconds))


def paging_calls(rows: float, groups: int, shards: int) -> int:
    """Return the calls of listings of activities: each opens with one, and ends with a page that is partly used."""
    return ceil(rows / CHUNK) + 2 * groups * shards


def shards_for(rows: float, groups: int, slots: int = 10) -> int:
    """Return how many shards keep the slots busy, without more openings than the rows are worth."""
    return max(1, min(8, ceil(slots / groups), int(rows / (10 * CHUNK * groups))))


def activity_windows(
    facts: InstanceFacts, *, head: float, since: float, exported: int, paged: bool = True
) -> list[ActivityWindow]:
    """Return the ranges of activities from ``head`` back to ``since``, the newest first, each with its way.

    The newest month is paged if ``paged``, so that it can be used within minutes. Older ones are exported as long as
    ``exported`` bytes last and paging would cost more calls; then they are paged too.
    """
    found: list[ActivityWindow] = []
    until = head
    while until > since:
        start = max(since, until - MONTH)
        rows = facts.activities(start, until)
        size = round(rows * facts.activity_width)
        calls = paging_calls(rows, facts.type_groups, shards_for(rows, facts.type_groups))
        newest = paged and not found
        way: Way = "bulk" if not newest and calls > JOB_CALLS and size <= exported else "paging"
        if way == "bulk":
            exported -= size
        found.append(ActivityWindow(start, until, way, rows))
        until = start
    return found


def activity_plans(windows: Sequence[ActivityWindow], facts: InstanceFacts, pace: CallPace) -> list[TablePlan]:
    """Return what the windows of activities cost, by way."""
    plans = []
    paged = [window for window in windows if window.way == "paging"]
    exported = [window for window in windows if window.way == "bulk"]
    if paged:
        calls = sum(paging_calls(one.rows, facts.type_groups, shards_for(one.rows, facts.type_groups)) for one in paged)
        rows = round(sum(one.rows for one in paged))
        plans.append(TablePlan(table="activities", way="paging", rows=rows, calls=calls, seconds=pace.seconds(calls)))
    if exported:
        calls = len(exported) * JOB_CALLS
        rows = round(sum(one.rows for one in exported))
        plans.append(
            TablePlan(
                table="activities",
                way="bulk",
                rows=rows,
                calls=calls,
                exported=round(rows * facts.activity_width),
                seconds=max(ceil(len(exported) / JOBS_AT_ONCE) * JOB_SECONDS, pace.seconds(calls)),
            )
        )
    return plans


def listing_plans(tables: Iterable[str], facts: InstanceFacts, pace: CallPace) -> list[TablePlan]:
    """Return what the other tables cost at least: their listings, and one call or a part of a job for each parent."""
    least = {
        "lists": ceil(facts.lists / CHUNK) or 1,
        "list_members": facts.lists,
        "programs": ceil(facts.programs / 200) or 1,
    }
    rows = {"lists": facts.lists, "programs": facts.programs}
    plans = []
    for table in tables:
        if table == "program_members":
            jobs = ceil(facts.programs / _PROGRAMS)
            seconds = ceil(jobs / JOBS_AT_ONCE) * JOB_SECONDS
            plans.append(TablePlan(table=table, way="bulk", calls=jobs * JOB_CALLS, seconds=seconds, at_least=True))
            continue
        calls = least.get(table, 1)
        plans.append(
            TablePlan(
                table=table,
                way="listing",
                rows=rows.get(table, 0),
                calls=calls,
                seconds=pace.seconds(calls),
                at_least=table not in rows,
            )
        )
    return plans


def planned(
    tables: Iterable[str], facts: InstanceFacts, pace: CallPace, budget: LoadBudget, *, since: float | None = None
) -> MirrorPlan:
    """Return the plan of a first load of ``tables``; "activities" stands for those of all types.

    Calls of all tables share the pace, and jobs run beside them; so the plan takes as long as the longer of the two.
    """
    wanted = list(tables)
    found: list[TablePlan] = []
    if "leads" in wanted:
        found.append(cheapest(lead_ways(facts, pace), budget))
    if "activities" in wanted:
        volume = budget.exported - sum(plan.exported for plan in found)
        windows = activity_windows(facts, head=facts.at, since=since_of(facts, since), exported=max(0, volume))
        found += activity_plans(windows, facts, pace)
    found += listing_plans([name for name in wanted if name not in ("leads", "activities")], facts, pace)
    calls = facts.calls + sum(plan.calls for plan in found)
    jobs = sum(plan.seconds for plan in found if plan.way == "bulk")
    exported = sum(plan.exported for plan in found)
    return MirrorPlan(
        tables=found,
        probes=facts.calls,
        seconds=max(pace.seconds(calls), jobs),
        days=max(1, ceil(budget.share(calls, exported))),
        budget=budget,
        began=facts.began,
    )


def since_of(facts: InstanceFacts, since: float | None) -> float:
    """Return where the history of activities begins: as asked, or with the oldest; not before Marketo's memory."""
    oldest = facts.began if facts.first_activity is None else facts.first_activity
    return max(facts.at - KEPT, oldest if since is None else since)


def _line(plan: TablePlan, budget: LoadBudget) -> tuple[str, ...]:
    more = "+" if plan.at_least else ""
    return (
        plan.table,
        plan.way,
        f"{plan.rows:,}{more}",
        f"{plan.calls:,}{more}",
        f"{plan.exported / _MEGABYTE:,.1f}{more}",
        f"{plan.seconds / 60:,.1f}{more}",
        f"{budget.share(plan.calls, plan.exported):.2f}{more}",
    )
