"""``marketo.activities``: the activities of leads since a date, and custom activities to add.

See ``activity_queries`` for types by name, ``activity_ranges`` for shards, and ``models.activity_values`` for the
attributes of an activity as Python values.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Literal, TypeVar

from msgspec import Raw
from msgspec.structs import replace

from marketo_async.descriptions import Described
from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity, ActivityType, LeadChange, NewActivity
from marketo_async.models.leads import Description
from marketo_async.models.moment import When, to_datetime
from marketo_async.models.records import RecordResult
from marketo_async.operation import (
    Deferred,
    Listing,
    Merged,
    Opening,
    Paging,
    Plan,
    many,
    one,
    page,
    paging_token,
    results,
)
from marketo_async.paging import Pager
from marketo_async.resources.activity_queries import (
    MOST_LEADS,
    ActivitySearch,
    LeadFilter,
    Query,
    Types,
    ids_in,
    ids_of,
    resolved,
)
from marketo_async.resources.activity_ranges import NO_LAG, Shard, shards_of
from marketo_async.resources.arguments import page_size, within
from marketo_async.resources.base import Resource
from marketo_async.resources.batches import several
from marketo_async.resources.descriptors import composite, endpoint, paged, written
from marketo_async.resources.leads import Leads
from marketo_async.writes import Batches

A = TypeVar("A", Activity, LeadChange)


class Activities(Resource):
    """Activities in the order in which Marketo stores them; one loop delivers each of them once.

    A loop ends when Marketo has no more; ``pager.token`` then resumes with the activities that were recorded since. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities

    Ranges
        With ``until``, a listing has the records with ``since <= activity_date < until``, and ends there, however many
        are added meanwhile. Its token belongs to the range: pass the same dates again. Marketo records some activities
        minutes after their date, and may list them in the order of recording. A listing with a ``lag`` reads that much
        past its end, and so misses no activity that was recorded at most ``lag`` after its date; choose an ``until`` at
        least ``lag`` in the past.
    Shards
        One listing fetches one page per round trip, whatever the limits allow; eight ``shards`` of a range fetch eight.
        Each record comes once, by its GUID; only a single shard keeps the order.
    Types
        ``types`` are ids, names or API names, or "all" for every type that the instance has but Delete Lead (37), whose
        activities ``deleted_leads`` lists. Names and "all" cost one call a day. A token holds the ids, so a resumed
        listing has the same types, whatever was added since.
    """

    name, area = "activities", "Activity"

    @paged("/rest/v1/activities.json", rule=Paging.DATE, timeout=30)
    def since(
        self,
        since: When,
        *,
        types: Types,
        until: When | None = None,
        lag: timedelta = NO_LAG,
        leads: LeadFilter = None,
        list_id: int | None = None,
        asset_ids: Iterable[int] | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Listing[Activity]:
        """Iterate the activities of some ``types`` after a moment or in a range, the oldest first.

        With more than 10 types or 30 leads, several listings run concurrently, and their activities are not in order.
        ``list_id`` names a list of fewer than 10,000 leads; ``asset_ids`` need exactly one type. Raises
        `InvalidRequest` for a name that no type has, at the first page.

        A stored token can miss activities that Marketo records late: an email is dated when it was sent, and recorded
        minutes later. A program that must not miss any reads the change feed, ``marketo.changes``, or re-reads an
        overlapping range with ``between`` and drops repeats by ``marketo_guid``.
        """
        shards = shards_of(since, until, lag=lag)
        return self._of_types(types, ActivitySearch.of(leads, list_id, asset_ids, batch_size), shards, token)

    @paged("/rest/v1/activities/leadchanges.json", rule=Paging.DATE, timeout=30)
    def lead_changes(
        self,
        since: When,
        *,
        fields: Sequence[str] | Literal["all"],
        until: When | None = None,
        shards: int = 1,
        lag: timedelta = NO_LAG,
        leads: LeadFilter = None,
        list_id: int | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Listing[LeadChange]:
        """Iterate new leads and changes of the values of ``fields`` after a moment or in a range, of at most 30 leads.

        ``fields`` are API names, or "all" for every field that ``leads.describe2`` has, which costs one call a day;
        its token holds their names. However many they are, they go in one query: by POST, where a URL is too short.
        """
        query: Query = {
            "leadIds": None if leads is None or leads == "all" else within("leads", leads, MOST_LEADS),
            "listId": list_id,
            "batchSize": page_size(batch_size),
        }
        span = shards_of(since, until, shards=shards, lag=lag)

        def listing(names: Sequence[str], token: str | None = None) -> Listing[LeadChange]:
            return self._listing(LeadChange, [{"fields": names, **query}], span, token)

        if not fields:
            raise InvalidRequest("fields is empty; pass at least one API name (leads.describe2() lists them), or 'all'")
        if fields != "all":
            return listing(fields, token)
        return Deferred(self._field_names, lambda text: listing(text.split(",")), token)

    @paged("/rest/v1/activities/deletedleads.json", rule=Paging.DATE, timeout=30)
    def deleted_leads(
        self,
        since: When,
        *,
        until: When | None = None,
        shards: int = 1,
        lag: timedelta = NO_LAG,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Listing[Activity]:
        """Iterate the deletions of leads after a moment or in a range; Marketo may drop them after 14 days."""
        queries: list[Query] = [{"batchSize": page_size(batch_size)}]
        return self._listing(Activity, queries, shards_of(since, until, shards=shards, lag=lag), token)

    @composite
    def between(
        self,
        since: When,
        until: When,
        *,
        types: Types,
        lag: timedelta = NO_LAG,
        leads: LeadFilter = None,
        list_id: int | None = None,
        asset_ids: Iterable[int] | None = None,
        shards: int = 8,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Pager[Activity]:
        """Iterate the activities with ``since <= activity_date < until``, in ``shards`` that are fetched concurrently.

        The other arguments are those of ``since``. Raises `InvalidRequest` for an empty range. Maps to GET
        /rest/v1/activities.json.
        """
        span = shards_of(since, until, shards=shards, lag=lag)
        listing = self._of_types(types, ActivitySearch.of(leads, list_id, asset_ids, batch_size), span, token)
        return self._sender.pages(self.operations["since"], listing)

    @endpoint("GET", "/rest/v1/activities/pagingtoken.json", timeout=300)
    def paging_token(self, since: When) -> Plan[str]:
        """Return the token with which a listing of activities starts at a moment."""
        return paging_token(query={"sinceDatetime": to_datetime(since, name="since")})

    @endpoint("GET", "/rest/v1/activities/types.json", timeout=30)
    def types(self) -> Plan[list[ActivityType]]:
        """Return all types of activity, standard and custom; they rarely change."""
        return many(ActivityType)

    @composite
    async def types_by_id(self) -> Mapping[int, ActivityType]:
        """Return all types of activity by their ids; Marketo is asked once a day, for all tasks of a client.

        A custom type that is approved meanwhile is among them a day later. ``models.activity_values.typed_values``
        reads the attributes of an activity by its type.

        Maps to GET /rest/v1/activities/types.json.
        """
        types = await self._sender.describe(Described(self.operations["types"], many(ActivityType)))
        return {kind.id: kind for kind in types}

    @written("POST", "/rest/v1/activities/external.json", timeout=90)
    def add(self, activities: Iterable[NewActivity] | AsyncIterable[NewActivity]) -> Batches[NewActivity]:
        """Add any number of custom activities, 300 a call; they can't be removed.

        If the response to a call is lost, the call is not retried and its activities are ``unknown``.
        """

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(json={"input": records})

        return Batches(records=several("activities", activities), plan=plan, row=_dated)

    def _of_types(
        self, types: Types, search: ActivitySearch, shards: Sequence[Shard], token: str | None
    ) -> Listing[Activity]:
        """Return the listing of types, which may be known to the instance alone."""

        async def ask() -> str:
            return ",".join(map(str, resolved(types, await self.types_by_id())))

        def listing(ids: Iterable[int], token: str | None = None) -> Listing[Activity]:
            return self._listing(Activity, search.queries(ids), shards, token)

        ids = ids_of(types)
        return Deferred(ask, lambda text: listing(ids_in(text)), token) if ids is None else listing(ids, token)

    async def _field_names(self) -> str:
        description = await self._sender.describe(Described(Leads.operations["describe2"], one(Description)))
        return ",".join(field.name for field in description.fields)

    def _listing(
        self, model: type[A], queries: Sequence[Query], shards: Sequence[Shard], token: str | None
    ) -> Listing[A]:
        """Return the listing of every query within every shard."""
        plans = [
            page(model, query=query, opening=self._opening(shard.opening), sift=shard.sift(model))
            for shard, query in product(shards, queries)
        ]
        return replace(plans[0], token=token) if len(plans) == 1 else Merged(plans, token)

    def _opening(self, since: datetime) -> Opening:
        plan = paging_token(query={"sinceDatetime": since})
        return Opening(self.operations["paging_token"], plan)


def _dated(activity: NewActivity) -> NewActivity:
    return replace(activity, activity_date=to_datetime(activity.activity_date, name="activity_date"))
