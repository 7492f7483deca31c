"""How the public interface is typed, for the type checkers alone: nothing here runs.

``assert_type`` pins what is right, ``type: ignore`` with a code what must be an error: the check fails when either
is no longer so.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
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
from marketo_async.blocking import BlockingBatcher, BlockingPager, BlockingResults
from marketo_async.bulk import ExportReport, ImportReport, Rejected
from marketo_async.bulk.leads import LeadFiles
from marketo_async.changes import Batch, Budget, ChangeEvent, Changes, FeedSnapshot
from marketo_async.envelope import Envelope
from marketo_async.errors import ApiError, DailyQuotaExceeded, ErrorItem, MarketoError
from marketo_async.governor import Permit, RedisStore, SQLiteStore, Store
from marketo_async.models.activities import (
    Activity,
    ActivityType,
    CustomActivityType,
    LeadChange,
    NewActivity,
    NewActivityType,
    NewAttribute,
)
from marketo_async.models.assets import AssetSummary
from marketo_async.models.bulk import ExportJob
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
from marketo_async.models.users import Role, User, UserSummary
from marketo_async.resources import Companies, Leads, Lists
from marketo_async.resources.descriptors import Composite, Endpoint, Paged, Written
from marketo_async.sync import Marketo as BlockingMarketo
from marketo_async.sync.changes import BlockingBatch, BlockingChanges
from marketo_async.writes import ResultList, WriteRow


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
    assert_type(marketo.leads.sync([{"email": "a@x.io"}]), Results[WriteRow])
    assert_type(await marketo.leads.sync([{"email": "a@x.io"}]), ResultList[WriteRow])
    assert_type(await marketo.leads.sync([{"email": "a@x.io"}], action="createOnly").all(), ResultList[WriteRow])
    assert_type(await marketo.leads.delete([1]), ResultList[int])
    assert_type(await marketo.leads.push([{"email": "a@x.io"}], "Program"), ResultList[WriteRow])
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
    assert_type(await marketo.leads.update_partitions({1: "Default"}), ResultList[tuple[int, str]])
    assert_type(await marketo.leads.change_program_status(1, "Attended", [1]), ResultList[int])
    assert_type(await marketo.leads.associate(1, "cookie"), None)
    assert_type(await marketo.leads.merge(1, [2]), ResultList[int])
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
    assert_type(await marketo.lists.add(1, [2]), ResultList[int])
    assert_type(await marketo.lists.remove(1, [2]), ResultList[int])
    assert_type(await marketo.lists.is_member(1, [2]), ResultList[int])


async def activities(marketo: Marketo) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    assert_type(marketo.activities.since(since, types=[1]), Pager[Activity])
    assert_type(marketo.activities.since(date(2024, 1, 1), types=[1]), Pager[Activity])
    assert_type(marketo.activities.since("2024-01-01", types=[1]), Pager[Activity])
    assert_type(marketo.activities.since(since, types="all", until="2024-02-01"), Pager[Activity])
    assert_type(marketo.activities.since(since, types=["Visit Webpage", 12]), Pager[Activity])
    assert_type(marketo.activities.between(since, since, types=[1], shards=4), Pager[Activity])
    assert_type(marketo.activities.between(since, since, types="all", lag=timedelta(hours=1)), Pager[Activity])
    assert_type(marketo.activities.lead_changes(since, fields=["email"]), Pager[LeadChange])
    assert_type(marketo.activities.lead_changes(since, fields="all", until=since, shards=4), Pager[LeadChange])
    assert_type(marketo.activities.deleted_leads(since), Pager[Activity])
    assert_type(await marketo.activities.types_by_id(), Mapping[int, ActivityType])
    assert_type(await marketo.activities.paging_token(since), str)
    assert_type(await marketo.activities.types(), list[ActivityType])
    new = NewActivity(lead_id=1, activity_date=since, activity_type_id=2, primary_attribute_value="x")
    assert_type(await marketo.activities.add([new]), ResultList[NewActivity])
    activity = await marketo.activities.since(since, types=[1]).first()
    if activity is not None:
        assert_type(activity.activity_date, datetime)

    marketo.activities.since(since)  # type: ignore[call-arg]
    marketo.activities.since(1_700_000_000, types=[1])  # type: ignore[arg-type]
    marketo.activities.between(since, types=[1])  # type: ignore[call-arg]


async def writes(marketo: Marketo, stream: AsyncIterator[Person], results: Results[WriteRow]) -> None:
    async for result in marketo.leads.sync(stream, lookup_field="email"):
        assert_type(result, Result[WriteRow])
        assert_type(result.index, int)
        assert_type(result.record, WriteRow)
        assert_type(result.status, str | None)
        assert_type(result.failed, bool)
    outcomes = await results.all()
    assert_type(outcomes, ResultList[WriteRow])
    assert_type(outcomes.failed, list[Result[WriteRow]])
    assert_type(outcomes.raise_for_failures(), None)
    declared: Written[..., int] = Leads.delete
    assert_type(declared.operation, Operation)

    async with marketo.leads.batcher(journal="leads.journal") as batcher:
        assert_type(batcher, Batcher[WriteRow, Result[WriteRow]])
        assert_type(await batcher.put({"email": "a@x.io"}), None)
        assert_type(await batcher.submit(Person(1)), Result[WriteRow])
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

    stores: list[Store] = [SQLiteStore("one.db", lease=5), RedisStore("redis://localhost/0", instance="one")]
    assert_type(Governor(Limits(), store=stores[0], fallback=Limits(calls=25)).store, Store | None)

    RedisStore("redis://localhost/0")  # type: ignore[call-arg]
    Governor(store="one.db")  # type: ignore[arg-type]
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


async def a_permit(governor: Governor) -> None:
    permit = await governor.acquire(Priority.BULK)
    assert_type(permit, Permit)
    assert_type(permit.lapsed, bool)
    assert_type(await governor.flush(), None)


async def the_other_families(marketo: Marketo) -> None:
    assert_type(marketo.companies, Companies[Record])
    assert_type(marketo.companies.by_filter("id", [1]), Pager[Record])
    assert_type(marketo.companies.of(Person).by_filter("id", [1]), Pager[Person])
    assert_type(await marketo.companies.sync([{"company": "A"}]), ResultList[WriteRow])
    assert_type(await marketo.programs.get(1), Program | None)
    assert_type(marketo.programs.browse(), Pager[Program])
    assert_type(await marketo.emails.get(1, status="draft"), Email | None)
    assert_type(await marketo.emails.approve(1), AssetSummary)
    assert_type(await marketo.emails_v2.get("1"), DesignedEmail | None)
    assert_type(await marketo.emails_v2.approve("1"), DesignedEmail)
    assert_type(marketo.fragments.used_by("1"), Pager[UsedBy])
    assert_type(await marketo.users.get("a@x.io"), User)
    assert_type(await marketo.users.roles(), list[Role])
    assert_type(await marketo.ingestion.add_to_list(1, [2]), str | None)
    assert_type(await marketo.bulk.leads.file("id"), bytes)

    await marketo.emails.get("1")  # type: ignore[arg-type]
    await marketo.emails.get(1, status="archived")  # type: ignore[arg-type]
    await marketo.emails_v2.get(1)  # type: ignore[arg-type]
    await marketo.emails_v2.transition("1", "publish")  # type: ignore[arg-type]
    await marketo.programs.create("n")  # type: ignore[call-arg]
    await marketo.folders.create("n", 15)  # type: ignore[arg-type]
    marketo.smart_lists.create  # type: ignore[attr-defined]  # noqa: B018


def the_blocking_client(marketo: BlockingMarketo) -> None:
    with BlockingMarketo("123-ABC-456", client_id="i", client_secret="s") as opened:
        assert_type(opened, BlockingMarketo)
    assert_type(BlockingMarketo.from_env(), BlockingMarketo)
    assert_type(marketo.with_options(timeout=3, priority=Priority.BULK), BlockingMarketo)
    assert_type(marketo.snapshot(), Snapshot)
    assert_type(marketo.calibrate(), UsageDay)
    assert_type(marketo.call("GET", "/rest/v1/campaigns.json"), Envelope[Any])
    assert_type(marketo.open(), BlockingMarketo)
    assert_type(marketo.close(), None)

    assert_type(marketo.leads.get(7), Record | None)
    assert_type(marketo.leads.of(Person).get(7), Person | None)
    assert_type(marketo.leads.by_filter("id", [7]), BlockingPager[Record])
    assert_type(marketo.lists.of(Person).leads(1001), BlockingPager[Person])
    assert_type(marketo.lists.leads(1001).all(), list[Record])
    assert_type(marketo.lists.of(Person).leads(1001).first(), Person | None)
    assert_type(marketo.activities.between("2026-01-01", "2026-01-02", types=[1]), BlockingPager[Activity])
    assert_type(marketo.activities.deleted_leads("2026-01-01", until="2026-01-02", shards=4), BlockingPager[Activity])
    assert_type(marketo.activities.types_by_id(), Mapping[int, ActivityType])
    assert_type(marketo.programs.browse(), BlockingPager[Program])
    assert_type(marketo.emails.get(7), Email | None)
    assert_type(marketo.emails_v2.get("7"), DesignedEmail | None)
    assert_type(marketo.users.browse(), BlockingPager[UserSummary])
    for lead in marketo.leads.of(Person).by_filter("id", [7]):
        assert_type(lead, Person)
    for page in marketo.lists.leads(1001).pages():
        assert_type(page, Page[Record])

    assert_type(marketo.leads.sync([{"email": "a@x.io"}]), BlockingResults[WriteRow])
    assert_type(marketo.leads.sync([{"email": "a@x.io"}]).all(), ResultList[WriteRow])
    for result in marketo.lists.add(1001, [1]):
        assert_type(result, Result[int])
    with marketo.leads.batcher(journal="a.journal") as batcher:
        assert_type(batcher, BlockingBatcher[WriteRow, Result[WriteRow]])
        assert_type(batcher.put({"email": "a@x.io"}), None)
        assert_type(batcher.submit({"email": "a@x.io"}), Result[WriteRow])
    with marketo.changes(since="2026-11-01", types=["Visit Webpage", 12], lag={6: timedelta(hours=4)}) as changes:
        assert_type(changes, BlockingChanges)
        for batch in changes:
            assert_type(batch, BlockingBatch)
            assert_type(batch.events, Sequence[ChangeEvent])
            assert_type(batch.position, str)
        assert_type(changes.snapshot(), FeedSnapshot)

    marketo.leads.get("7")  # type: ignore[arg-type]
    marketo.leads.get()  # type: ignore[call-arg]
    marketo.leeds  # type: ignore[attr-defined]  # noqa: B018


async def the_feed(marketo: Marketo) -> None:
    async with marketo.changes(store="crm.feed", fields=["email"], budget=Budget(calls_per_day=9)) as changes:
        assert_type(changes, Changes)
        async for batch in changes:
            assert_type(batch, Batch)
            assert_type(batch.events, Sequence[ChangeEvent])
            assert_type(batch.ack(), None)
        assert_type(changes.position, str)

    marketo.changes(since=7)  # type: ignore[arg-type]
    marketo.changes(mode="late")  # type: ignore[arg-type]


async def bulk(marketo: Marketo, since: datetime, path: Path) -> None:
    leads = marketo.bulk.leads
    assert_type(leads, LeadFiles[dict[str, str | None]])
    rows = leads.export(fields=["id"], created_at=(since, "2026-11-01"))
    assert_type(rows, AsyncGenerator[dict[str, str | None], None])
    assert_type(leads.of(Person).export(static_list=1001), AsyncGenerator[Person, None])
    assert_type(await leads.export_to(path, fields=["id"], smart_list="Mine"), ExportReport)
    report = await leads.load([{"email": "a@x.io"}], list_id=1001)
    assert_type(report, ImportReport)
    assert_type(report.failures, list[Rejected])
    assert_type(report.failures[0].index, int | None)
    assert_type(await leads.load("new.csv", lookup_field="id"), ImportReport)
    assert_type(await leads.status("e"), ExportJob)
    assert_type(await leads.download("e", path), int)
    assert_type(await marketo.bulk.used_today(), int)
    cars = marketo.bulk.custom_objects("car_c")
    assert_type(cars.of(Person).export(updated_at=(since, since)), AsyncGenerator[Person, None])
    assert_type(await cars.enqueue("e"), ExportJob)
    assert_type(await cars.load([Person(1)]), ImportReport)
    members = marketo.bulk.program_members.export(program_id=[1, 2])
    assert_type(members, AsyncGenerator[dict[str, str | None], None])
    assert_type(await marketo.bulk.program_members.load(1, "Attended", path), ImportReport)
    declared: Composite[..., AsyncGenerator[Any, None], Generator[Any, None, None]] = LeadFiles.export
    assert_type(declared.__doc__, str | None)

    leads.export(created_at=since)  # type: ignore[arg-type]
    leads.export(["id"])  # type: ignore[call-arg]
    marketo.bulk.activities.export()
    await leads.export_to(path, format="xml")  # type: ignore[arg-type]
    await marketo.bulk.activities.load([])  # type: ignore[attr-defined]


def blocking_bulk(marketo: BlockingMarketo, since: datetime, path: Path) -> None:
    leads = marketo.bulk.leads
    rows = leads.export(fields=["id"], created_at=(since, "2026-11-01"))
    assert_type(rows, Generator[dict[str, str | None], None, None])
    assert_type(leads.of(Person).export(static_list=1001), Generator[Person, None, None])
    assert_type(leads.export_to(path, fields=["id"], smart_list="Mine"), ExportReport)
    assert_type(leads.load([{"email": "a@x.io"}], list_id=1001), ImportReport)
    assert_type(leads.status("e"), ExportJob)
    assert_type(leads.jobs(), BlockingPager[ExportJob])
    assert_type(marketo.bulk.used_today(), int)
    cars = marketo.bulk.custom_objects("car_c")
    assert_type(cars.of(Person).export(updated_at=(since, since)), Generator[Person, None, None])
    assert_type(cars.load([Person(1)]), ImportReport)

    leads.export(created_at=since)  # type: ignore[arg-type]
