"""How the public interface is typed, for the type checkers alone: nothing here runs.

``assert_type`` pins what is right, ``type: ignore`` with a code what must be an error: the check fails when either
is no longer so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping
from datetime import UTC, date, datetime
from typing import Any, assert_type

from msgspec import Struct

from marketo_async import (
    Batcher,
    CallRecord,
    Governor,
    Limits,
    Marketo,
    Operation,
    Page,
    Pager,
    Priority,
    Result,
    Results,
    RetryPolicy,
    Snapshot,
    operations,
)
from marketo_async.batching import Outcomes, Row
from marketo_async.envelope import Envelope
from marketo_async.errors import ApiError, DailyQuotaExceeded, ErrorItem, MarketoError
from marketo_async.models.activities import (
    Activity,
    ActivityType,
    CustomActivityType,
    LeadChange,
    NewActivity,
    NewActivityType,
    NewAttribute,
)
from marketo_async.models.assets import AssetId
from marketo_async.models.designer import DesignedEmail, UsedBy
from marketo_async.models.emails import Email
from marketo_async.models.leads import (
    Description,
    FieldChange,
    FieldMetadata,
    LeadAttribute,
    ListMembership,
    NewField,
    Partition,
    ProgramMembership,
    Record,
    SmartCampaignMembership,
)
from marketo_async.models.lists import StaticList
from marketo_async.models.programs import Program
from marketo_async.models.records import RecordResult
from marketo_async.models.usage import ErrorsDay, UsageDay
from marketo_async.models.users import Role, User
from marketo_async.resources import Companies, Leads, Lists
from marketo_async.resources.base import Endpoint, Paged, Written


class Person(Struct):
    id: int
    email: str | None = None


async def the_client(marketo: Marketo) -> None:
    async with Marketo("123-ABC-456", client_id="i", client_secret="s") as opened:
        assert_type(opened, Marketo)
    assert_type(Marketo.from_env(), Marketo)
    assert_type(marketo.with_options(timeout=3, priority=Priority.BULK), Marketo)
    assert_type(marketo.governor, Governor)
    assert_type(marketo.governor.snapshot(), Snapshot)
    assert_type(await marketo.calibrate(), UsageDay)
    assert_type(await marketo.call("GET", "/rest/v1/campaigns.json"), Envelope[Any])
    assert_type(await marketo.close(), None)

    Marketo("123-ABC-456")  # type: ignore[call-arg]
    Marketo("123-ABC-456", "i", "s")  # type: ignore[call-arg]
    Marketo("123-ABC-456", client_id=1, client_secret="s")  # type: ignore[arg-type]
    marketo.with_options(retries=3)  # type: ignore[call-arg]
    await marketo.call("PUT", "/rest/v1/campaigns.json")  # type: ignore[arg-type]
    marketo.no_such_family  # type: ignore[attr-defined]  # noqa: B018


async def leads(marketo: Marketo) -> None:
    assert_type(marketo.leads, Leads[Record])
    assert_type(await marketo.leads.get(1), Record | None)
    assert_type(await marketo.leads.get(1, fields=["email"]), Record | None)
    assert_type(marketo.leads.by_filter("email", ["a@x.io"]), Pager[Record])
    assert_type(marketo.leads.by_program(1), Pager[Record])
    assert_type(marketo.leads.sync([{"email": "a@x.io"}]), Results[Row])
    assert_type(await marketo.leads.sync([{"email": "a@x.io"}]), Outcomes[Row])
    assert_type(await marketo.leads.sync([{"email": "a@x.io"}], action="createOnly").all(), Outcomes[Row])
    assert_type(await marketo.leads.delete([1]), Outcomes[int])
    assert_type(await marketo.leads.push([{"email": "a@x.io"}], "Program"), Outcomes[Row])
    assert_type(await marketo.leads.submit_form(1, {"email": "a@x.io"}), RecordResult)
    assert_type(await marketo.leads.describe(), list[LeadAttribute])
    assert_type(await marketo.leads.describe2(), Description)
    assert_type(await marketo.leads.describe_program_member(), Description)
    assert_type(await marketo.leads.field("email"), FieldMetadata)
    assert_type(marketo.leads.fields(), Pager[FieldMetadata])
    assert_type(
        await marketo.leads.create_fields([NewField(name="a", display_name="A", data_type="string")]),
        list[RecordResult],
    )
    assert_type(await marketo.leads.update_field("a", FieldChange(is_hidden=True)), RecordResult)
    assert_type(await marketo.leads.partitions(), list[Partition])
    assert_type(await marketo.leads.update_partitions({1: "Default"}), Outcomes[tuple[int, str]])
    assert_type(await marketo.leads.change_program_status(1, "Attended", [1]), Outcomes[int])
    assert_type(await marketo.leads.associate(1, "cookie"), None)
    assert_type(await marketo.leads.merge(1, [2]), Outcomes[int])
    assert_type(marketo.leads.list_membership(1), Pager[ListMembership])
    assert_type(marketo.leads.program_membership(1), Pager[ProgramMembership])
    assert_type(marketo.leads.smart_campaign_membership(1), Pager[SmartCampaignMembership])

    await marketo.leads.get("1")  # type: ignore[arg-type]
    await marketo.leads.get(1, ["email"])  # type: ignore[call-arg]
    await marketo.leads.get()  # type: ignore[call-arg]
    await marketo.leads.sync([{"email": "a@x.io"}], action="upsert")  # type: ignore[arg-type]
    await marketo.leads.sync("a@x.io")  # type: ignore[arg-type]
    await marketo.leads.by_filter("email", ["a@x.io"])  # type: ignore[misc]
    marketo.leads.by_filter("email", [None])  # type: ignore[list-item]
    await marketo.leads.merge(1, 2)  # type: ignore[arg-type]
    NewField(name="a", display_name="A")  # type: ignore[call-arg]
    marketo.leads.no_such_verb  # type: ignore[attr-defined]  # noqa: B018


async def leads_of_one_s_own(marketo: Marketo) -> None:
    people = marketo.leads.of(Person)
    assert_type(people, Leads[Person])
    assert_type(await people.get(1), Person | None)
    assert_type(people.by_filter("id", [1, 2]), Pager[Person])
    assert_type(await people.by_filter("id", [1]).first(), Person | None)
    assert_type(await people.by_program(1).all(), list[Person])
    assert_type(marketo.lists.of(Person), Lists[Person])
    assert_type(marketo.lists.of(Person).leads(1), Pager[Person])
    async for person in people.by_filter("id", [1]):
        assert_type(person, Person)
        person.no_such_field  # type: ignore[attr-defined]  # noqa: B018

    marketo.leads.of(Person(1))  # type: ignore[arg-type]


async def lists(marketo: Marketo) -> None:
    assert_type(marketo.lists, Lists[Record])
    assert_type(marketo.lists.browse(names=["a"]), Pager[StaticList])
    assert_type(await marketo.lists.get(1), StaticList)
    assert_type(marketo.lists.leads(1), Pager[Record])
    assert_type(marketo.lists.legacy_leads(1), Pager[Record])
    assert_type(await marketo.lists.add(1, [2]), Outcomes[int])
    assert_type(await marketo.lists.remove(1, [2]), Outcomes[int])
    assert_type(await marketo.lists.is_member(1, [2]), Outcomes[int])


async def activities(marketo: Marketo) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    assert_type(marketo.activities.since(since, types=[1]), Pager[Activity])
    assert_type(marketo.activities.since(date(2024, 1, 1), types=[1]), Pager[Activity])
    assert_type(marketo.activities.since("2024-01-01", types=[1]), Pager[Activity])
    assert_type(marketo.activities.between(since, since, types=[1], shards=4), Pager[Activity])
    assert_type(marketo.activities.lead_changes(since, fields=["email"]), Pager[LeadChange])
    assert_type(marketo.activities.deleted_leads(since), Pager[Activity])
    assert_type(await marketo.activities.paging_token(since), str)
    assert_type(await marketo.activities.types(), list[ActivityType])
    new = NewActivity(lead_id=1, activity_date=since, activity_type_id=2, primary_attribute_value="x")
    assert_type(await marketo.activities.add([new]), Outcomes[NewActivity])
    activity = await marketo.activities.since(since, types=[1]).first()
    if activity is not None:
        assert_type(activity.activity_date, datetime)

    marketo.activities.since(since)  # type: ignore[call-arg]
    marketo.activities.since(1_700_000_000, types=[1])  # type: ignore[arg-type]
    marketo.activities.between(since, types=[1])  # type: ignore[call-arg]


async def writes(marketo: Marketo, stream: AsyncIterator[Person], results: Results[Row]) -> None:
    async for result in marketo.leads.sync(stream, lookup_field="email"):
        assert_type(result, Result[Row])
        assert_type(result.index, int)
        assert_type(result.record, Row)
        assert_type(result.status, str | None)
        assert_type(result.failed, bool)
    outcomes = await results.all()
    assert_type(outcomes, Outcomes[Row])
    assert_type(outcomes.failed, list[Result[Row]])
    assert_type(outcomes.raise_for_failures(), None)
    declared: Written[..., int] = Leads.delete
    assert_type(declared.operation, Operation)

    async with marketo.leads.batcher(journal="leads.journal") as batcher:
        assert_type(batcher, Batcher[Row, Result[Row]])
        assert_type(await batcher.put({"email": "a@x.io"}), None)
        assert_type(await batcher.submit(Person(1)), Result[Row])
        await batcher.put(1)  # type: ignore[arg-type]
    assert_type(marketo.lists.batcher(1, remove=True), Batcher[int, Result[int]])

    marketo.leads.sync(stream, lookup="email")  # type: ignore[call-arg]
    marketo.leads.delete(["1"])  # type: ignore[list-item]
    for _ in marketo.leads.delete([1]):  # type: ignore[attr-defined]
        pass


async def custom_activity_types(marketo: Marketo, new: NewActivityType, attribute: NewAttribute) -> None:
    types = marketo.custom_activity_types
    assert_type(await types.browse(), list[CustomActivityType])
    assert_type(await types.describe("a", draft=True), CustomActivityType)
    assert_type(await types.create(new), CustomActivityType)
    assert_type(await types.update("a", new), CustomActivityType)
    assert_type(await types.approve("a"), CustomActivityType)
    assert_type(await types.discard_draft("a"), CustomActivityType)
    assert_type(await types.delete("a"), CustomActivityType)
    assert_type(await types.create_attributes("a", [attribute]), CustomActivityType)
    assert_type(await types.update_attributes("a", [attribute]), CustomActivityType)
    assert_type(await types.delete_attributes("a", ["b"]), CustomActivityType)


async def usage(marketo: Marketo) -> None:
    assert_type(await marketo.usage.today(), UsageDay)
    assert_type(await marketo.usage.last_7_days(), list[UsageDay])
    assert_type(await marketo.usage.errors_today(), ErrorsDay)
    assert_type(await marketo.usage.errors_last_7_days(), list[ErrorsDay])


async def pagers(pager: Pager[Person]) -> None:
    async for person in pager:
        assert_type(person, Person)
    assert_type(pager.pages(), AsyncGenerator[Page[Person], None])
    async for page in pager.pages():
        assert_type(page, Page[Person])
        assert_type(page.items, list[Person])
        assert_type(page.token, str | None)
    assert_type(await pager.first(), Person | None)
    assert_type(await pager.all(), list[Person])
    assert_type(pager.token, str | None)

    for _ in pager:  # type: ignore[attr-defined]
        pass


def declarations(marketo: Marketo) -> None:
    assert_type(operations(), Mapping[str, Operation])
    assert_type(operations()["leads.get"].permissions, tuple[str, ...])
    partitions: Endpoint[[], list[Partition]] = Leads.partitions
    fields: Paged[..., FieldMetadata] = Leads.fields
    bound: Callable[[], Coroutine[Any, Any, list[Partition]]] = marketo.leads.partitions
    assert_type(partitions.operation, Operation)
    assert_type(fields.operation, Operation)
    assert_type(bound, Callable[[], Coroutine[Any, Any, list[Partition]]])


def settings() -> None:
    def hook(record: CallRecord) -> None:
        assert_type(record.latency, float)

    Governor(Limits(calls=50, reserve=1_000, burst=5), on_quota="wait", on_call=hook)
    RetryPolicy(attempts=3, base=0.1)

    Governor(on_quota="ignore")  # type: ignore[arg-type]
    Limits(calls="100")  # type: ignore[arg-type]
    RetryPolicy(3)  # type: ignore[call-arg]
    Limits().calls = 5  # type: ignore[misc]


def failures(error: MarketoError) -> None:
    assert_type(error.token, str | None)
    if isinstance(error, DailyQuotaExceeded):
        assert_type(error.resets_at, datetime)
    elif isinstance(error, ApiError):
        assert_type(error.code, str)
        assert_type(error.errors, tuple[ErrorItem, ...])
        assert_type(error.request_id, str | None)


async def the_other_families(marketo: Marketo) -> None:
    assert_type(marketo.companies, Companies[Record])
    assert_type(marketo.companies.by_filter("id", [1]), Pager[Record])
    assert_type(marketo.companies.of(Person).by_filter("id", [1]), Pager[Person])
    assert_type(await marketo.companies.sync([{"company": "A"}]), Outcomes[Row])
    assert_type(await marketo.programs.get(1), Program | None)
    assert_type(marketo.programs.browse(), Pager[Program])
    assert_type(await marketo.emails.get(1, status="draft"), Email | None)
    assert_type(await marketo.emails.approve(1), AssetId)
    assert_type(await marketo.emails_v2.get("1"), DesignedEmail | None)
    assert_type(await marketo.emails_v2.approve("1"), DesignedEmail)
    assert_type(marketo.fragments.used_by("1"), Pager[UsedBy])
    assert_type(await marketo.users.get("a@x.io"), User)
    assert_type(await marketo.users.roles(), list[Role])
    assert_type(await marketo.ingestion.add_to_list(1, [2]), str | None)
    assert_type(await marketo.bulk_leads.file("id"), bytes)

    await marketo.emails.get("1")  # type: ignore[arg-type]
    await marketo.emails.get(1, status="archived")  # type: ignore[arg-type]
    await marketo.emails_v2.get(1)  # type: ignore[arg-type]
    await marketo.emails_v2.transition("1", "publish")  # type: ignore[arg-type]
    await marketo.programs.create("n")  # type: ignore[call-arg]
    await marketo.folders.create("n", 15)  # type: ignore[arg-type]
    marketo.smart_lists.create  # type: ignore[attr-defined]  # noqa: B018
