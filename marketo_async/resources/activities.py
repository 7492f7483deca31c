"""``marketo.activities``: the activities of leads since a date, and custom activities to add."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise, product
from typing import Literal, TypeVar

from msgspec import Raw
from msgspec.structs import replace

from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity, ActivityType, LeadChange, NewActivity
from marketo_async.models.moment import When, to_datetime
from marketo_async.models.records import RecordResult
from marketo_async.operation import (
    Arg,
    Listing,
    Merged,
    Opening,
    Page,
    PageFilter,
    Paging,
    Plan,
    batched,
    many,
    page,
    paging_token,
    results,
)
from marketo_async.paging import Distinct, Pager
from marketo_async.resources.arguments import page_size, within
from marketo_async.resources.base import Resource
from marketo_async.resources.batches import several
from marketo_async.resources.descriptors import composite, endpoint, paged, written
from marketo_async.writes import Batches

A = TypeVar("A", Activity, LeadChange)

LeadFilter = Iterable[int] | Literal["all"] | None  # `None` is all of them too

_TYPES = 10  # activity types in one query
_LEADS = 30  # lead ids in one query
_REMEMBERED = 50_000  # GUIDs that a loop remembers at least


class Activities(Resource):
    """Activities in the order in which Marketo stores them; one loop delivers each of them once.

    A loop ends when Marketo has no more; ``pager.token`` then resumes with the activities that were recorded since. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities
    """

    name, area = "activities", "Activity"

    @paged("/rest/v1/activities.json", rule=Paging.DATE, timeout=30)
    def since(
        self,
        since: When,
        *,
        types: Iterable[int],
        leads: LeadFilter = None,
        list_id: int | None = None,
        asset_ids: Iterable[int] | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Listing[Activity]:
        """Iterate the activities of some ``types`` after a moment, the oldest first.

        With more than 10 types or 30 leads, several listings run concurrently, and their activities are not in order.
        ``list_id`` names a list of fewer than 10,000 leads; ``asset_ids`` need exactly one type.

        A stored token can miss activities that Marketo records late: an email is dated when it was sent, and recorded
        minutes later. A program that must not miss any reads the change feed, ``marketo.changes``, or re-reads an
        overlapping range with ``between`` and drops repeats by ``marketo_guid``.
        """
        queries = _queries(types, leads, list_id, asset_ids, batch_size)
        start = to_datetime(since, name="since")
        if len(queries) == 1:
            return page(Activity, query=queries[0], token=token, opening=self._opening(start), sift=_once(Activity))
        plans = [page(Activity, query=query, opening=self._opening(start), sift=_once(Activity)) for query in queries]
        return Merged(plans, token)

    @paged("/rest/v1/activities/leadchanges.json", rule=Paging.DATE, timeout=30)
    def lead_changes(
        self,
        since: When,
        *,
        fields: Sequence[str],
        leads: LeadFilter = None,
        list_id: int | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[LeadChange]]:
        """Iterate new leads and changes of the values of ``fields`` after a moment, for at most 30 ``leads``."""
        query: dict[str, Arg] = {
            "fields": within("fields", fields),
            "leadIds": None if leads is None or leads == "all" else within("leads", leads, _LEADS),
            "listId": list_id,
            "batchSize": page_size(batch_size),
        }
        opening = self._opening(to_datetime(since, name="since"))
        return page(LeadChange, query=query, token=token, opening=opening, sift=_once(LeadChange))

    @paged("/rest/v1/activities/deletedleads.json", rule=Paging.DATE, timeout=30)
    def deleted_leads(
        self, since: When, *, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[Activity]]:
        """Iterate the deletions of leads after a moment; Marketo may drop them after 14 days."""
        opening = self._opening(to_datetime(since, name="since"))
        query = {"batchSize": page_size(batch_size)}
        return page(Activity, query=query, token=token, opening=opening, sift=_once(Activity))

    @composite
    def between(
        self,
        since: When,
        until: When,
        *,
        types: Iterable[int],
        leads: LeadFilter = None,
        list_id: int | None = None,
        asset_ids: Iterable[int] | None = None,
        shards: int = 8,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Pager[Activity]:
        """Iterate the activities with ``since <= activity_date < until``, in ``shards`` that are fetched concurrently.

        One listing fetches one page per round trip, whatever the limits allow; eight shards fetch eight. Each record
        comes once, by its GUID; only a single shard keeps the order. Raises `InvalidRequest` for an empty range. Maps
        to GET /rest/v1/activities.json.
        """
        start, end = to_datetime(since, name="since"), to_datetime(until, name="until")
        if start >= end:
            raise InvalidRequest(f"since ({start.isoformat()}) must be before until ({end.isoformat()})")
        if shards < 1:
            raise InvalidRequest(f"shards must be at least 1, not {shards}")
        queries = _queries(types, leads, list_id, asset_ids, batch_size)
        plans = [
            page(
                Activity,
                query=query,
                opening=self._opening(shard.start - timedelta(seconds=1)),
                sift=shard.sift,
            )
            for shard, query in product(_shards(start, end, shards), queries)
        ]
        return self._sender.pages(self.operations["since"], Merged(plans, token))

    @endpoint("GET", "/rest/v1/activities/pagingtoken.json", timeout=300)
    def paging_token(self, since: When) -> Plan[str]:
        """Return the token with which a listing of activities starts at a moment."""
        return paging_token(query={"sinceDatetime": to_datetime(since, name="since")})

    @endpoint("GET", "/rest/v1/activities/types.json", timeout=30)
    def types(self) -> Plan[list[ActivityType]]:
        """Return all types of activity, standard and custom; they rarely change."""
        return many(ActivityType)

    @written("POST", "/rest/v1/activities/external.json", timeout=90)
    def add(self, activities: Iterable[NewActivity] | AsyncIterable[NewActivity]) -> Batches[NewActivity]:
        """Add any number of custom activities, 300 a call; they can't be removed.

        If the response to a call is lost, the call is not retried and its activities are ``unknown``.
        """

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(json={"input": records})

        return Batches(records=several("activities", activities), plan=plan, row=_dated)

    def _opening(self, since: datetime) -> Opening:
        plan = paging_token(query={"sinceDatetime": since})
        return Opening(self.operations["paging_token"], plan)


def _dated(activity: NewActivity) -> NewActivity:
    return replace(activity, activity_date=to_datetime(activity.activity_date, name="activity_date"))


def _once(_: type[A]) -> Callable[[], Distinct[A]]:
    """Return what keeps a listing from delivering an activity twice, by its GUID."""
    return lambda: Distinct(lambda item: item.marketo_guid, remember=_REMEMBERED)


class _Shard:
    """The activities of one part of a range, each once."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.start = start
        self.end = end

    def sift(self) -> PageFilter[Activity]:
        return _Within(self.start, self.end)


class _Within(PageFilter[Activity]):
    """Keeps the activities with ``start <= date < end``, and ends the listing after them.

    Pages are usually in order of date, but Marketo does not promise it. So a page that is not in order says nothing
    about the next ones: the listing ends after a page in order whose last date is past the end, or after a page that is
    past it entirely.
    """

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start = start
        self._end = end
        self._distinct = _once(Activity)()

    def __call__(self, items: list[Activity]) -> tuple[list[Activity], bool]:
        dates = [item.activity_date for item in items]
        inside = [item for item in items if self._start <= item.activity_date < self._end]
        in_order = all(earlier <= later for earlier, later in pairwise(dates))
        past = bool(dates) and (dates[-1] >= self._end if in_order else min(dates) >= self._end)
        return self._distinct(inside)[0], past


def _shards(start: datetime, end: datetime, count: int) -> list[_Shard]:
    """Split a range at whole seconds, as activities are dated, into at most ``count`` parts."""
    seconds = max(1, int((end - start).total_seconds()))
    count = min(count, seconds)
    cuts = [start, *(start + timedelta(seconds=seconds * n // count) for n in range(1, count)), end]
    return [_Shard(left, right) for left, right in pairwise(cuts)]


def _queries(
    types: Iterable[int],
    leads: LeadFilter,
    list_id: int | None,
    asset_ids: Iterable[int] | None,
    batch_size: int | None,
) -> list[dict[str, Arg]]:
    """Return the queries that together ask for everything: ten types and thirty leads in each."""
    # A type or lead that is named twice could get into two listings, and its activities would come twice.
    type_groups = list(batched(dict.fromkeys(types), _TYPES))
    if not type_groups:
        raise InvalidRequest("types is empty; pass at least one activity type (activities.types() lists them)")
    assets = None if asset_ids is None else list(asset_ids)
    if assets and (len(type_groups) > 1 or len(type_groups[0]) > 1):
        raise InvalidRequest("asset_ids need exactly one activity type; make one call for each type")
    lead_groups: list[list[int] | None] = (
        [None] if leads is None or leads == "all" else [*batched(dict.fromkeys(leads), _LEADS)]
    )
    if not lead_groups:
        raise InvalidRequest("leads is empty; leave it out to ask for all leads")
    return [
        {
            "activityTypeIds": type_group,
            "leadIds": lead_group,
            "listId": list_id,
            "assetIds": assets,
            "batchSize": page_size(batch_size),
        }
        for type_group, lead_group in product(type_groups, lead_groups)
    ]
