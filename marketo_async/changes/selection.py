"""What a feed selects, and how it reads: the checked arguments of ``Marketo.changes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

from msgspec import Struct

from marketo_async.argument_kinds import checked, positive
from marketo_async.changes.budget import Budget
from marketo_async.changes.lanes import LaneQuery, lanes_of
from marketo_async.changes.translation import Translator
from marketo_async.descriptions import Described
from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import CHANGE_DATA_VALUE, DELETE_LEAD, NEW_LEAD
from marketo_async.models.leads import Description
from marketo_async.models.moment import When, to_datetime
from marketo_async.operation import one
from marketo_async.resources.activities import Activities
from marketo_async.resources.activity_queries import Types, resolved
from marketo_async.resources.base import Sender
from marketo_async.resources.leads import Leads

_LAG = timedelta(minutes=30)  # of types that have none of their own


class FeedPlan(Struct, frozen=True):
    """The lanes of a feed, and the translator of their activities."""

    lanes: Sequence[LaneQuery]
    translator: Translator


class FeedSelection(Struct, frozen=True):
    """The types and fields of a feed, as the caller names them, and the lags in seconds."""

    types: Types
    fields: Sequence[str] | Literal["all"]
    lag: float
    lags: Mapping[int, float]

    async def plan(self, sender: Sender, instance: str) -> FeedPlan:
        """Ask the instance for its activity types, and for its fields if all are wanted; both are cached for a day.

        Raises `InvalidRequest` for the name of a type that the instance does not have.
        """
        known = await Activities(sender).types_by_id()
        everything = {*known, NEW_LEAD, CHANGE_DATA_VALUE, DELETE_LEAD}
        types = everything if self.types == "all" else {*resolved(self.types, known)}
        fields = self.fields
        if fields == "all" and types & {NEW_LEAD, CHANGE_DATA_VALUE}:
            description = await sender.describe(Described(Leads.operations["describe2"], one(Description)))
            fields = [field.name for field in description.fields]
        return FeedPlan(lanes_of(types, fields, lag=self.lag, lags=self.lags), Translator(instance, known))


class FeedOptions(Struct, frozen=True, kw_only=True):
    """Where a feed starts and how it reads; moments are epoch seconds, durations seconds."""

    since: float | None
    position: str | None
    store: Path | None
    sweep: float
    poll: float
    follow: bool
    window: int
    settled: bool
    budget: Budget | None


@checked
def feed_selection(
    types: Types, fields: Sequence[str] | Literal["all"], lag: timedelta | Mapping[int, timedelta]
) -> FeedSelection:
    """Check what a feed is to select. Raises `InvalidRequest`."""
    if not types:
        raise InvalidRequest("types is empty; pass at least one activity type, or 'all'")
    if not fields:
        raise InvalidRequest("fields is empty; pass at least one API name of a field, or 'all'")
    if isinstance(lag, timedelta):
        return FeedSelection(types, fields, _seconds("lag", lag), {})
    lags = {number: _seconds(f"lag[{number!r}]", value) for number, value in lag.items()}
    return FeedSelection(types, fields, _LAG.total_seconds(), lags)


@checked
def feed_options(
    *,
    since: When | None,
    position: str | None,
    store: str | Path | None,
    sweep: timedelta,
    poll: float,
    follow: bool,
    window: int,
    mode: Literal["live", "settled"],
    budget: Budget | None,
) -> FeedOptions:
    """Check how a feed is to read. Raises `InvalidRequest`."""
    positive("poll", poll)
    positive("window", window, whole=True)
    return FeedOptions(
        since=None if since is None else to_datetime(since, name="since").timestamp(),
        position=position,
        store=None if store is None else Path(store),
        sweep=_seconds("sweep", sweep),
        poll=poll,
        follow=follow,
        window=window,
        settled=mode == "settled",
        budget=budget,
    )


def _seconds(name: str, value: timedelta) -> float:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        raise InvalidRequest(f"{name} is {value!r}; pass a timedelta above 0")
    return value.total_seconds()
