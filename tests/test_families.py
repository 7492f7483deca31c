"""Every operation of the families, from its typed arguments to its typed answer, against an instance on loopback."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import Struct, field

from marketo_async import Governor, Limits, Marketo, RetryPolicy, operations
from marketo_async.errors import AccessDenied, ApiError, Conflict, InvalidData, InvalidRequest, NotFound, RecordsFailed
from marketo_async.models.activities import (
    Activity,
    ActivityType,
    AttributeValue,
    CustomActivityType,
    NewActivity,
    NewActivityType,
    NewAttribute,
)
from marketo_async.models.leads import (
    FieldChange,
    FieldMetadata,
    NewField,
    Partition,
    ProgramMembership,
    VisitorData,
)
from marketo_async.models.lists import StaticList
from marketo_async.models.moment import Moment, parse
from marketo_async.models.usage import ErrorsDay, UsageDay
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox

GENEROUS = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)
EVERYBODY, PROGRAM, ENGAGEMENT, CAMPAIGN, FORM = 1001, 2001, 2002, 4001, 3001
LEADS = 700
FAMILIES = {"leads", "lists", "activities", "custom_activity_types", "usage"}
DEMO = NewActivityType(
    api_name="demo",
    name="Demo",
    trigger_name="Saw demo",
    filter_name="Saw a demo",
    primary_attribute=NewAttribute(api_name="what", name="What"),
    description="A demo was seen",
)


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(days=2)


def of(sandbox: Sandbox) -> Marketo:
    return Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        governor=Governor(Limits(calls=10_000)),
        retry=RetryPolicy(base=0.001, cap=0.002),
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(leads=LEADS, activities=900, limits=GENEROUS) as instance:
        yield instance


@pytest.fixture
async def marketo(sandbox: Sandbox) -> AsyncIterator[Marketo]:
    async with of(sandbox) as client:
        yield client


class Person(Struct):
    id: int
    email: str | None = None
    first_name: str | None = field(default=None, name="firstName")


class Member(Struct):
    id: int
    membership: ProgramMembership


def test_every_operation_is_called_here() -> None:
    called = set(re.findall(r"marketo\.(\w+\.\w+)\(", Path(__file__).read_text()))

    families = {name for name in operations() if name.split(".")[0] in FAMILIES}
    assert len(families) == 49
    assert families - called == set()


async def test_a_lead_is_a_record_or_a_struct_of_one_s_own(marketo: Marketo) -> None:
    record = await marketo.leads.get(1)
    asked = await marketo.leads.get(1, fields=["email", "leadScore"])
    person = await marketo.leads.of(Person).get(1)

    assert record is not None
    assert record.keys() == {"id", "email", "updatedAt", "createdAt", "firstName", "lastName"}
    assert asked == {"id": 1, "email": "lead1@example.com", "leadScore": 0}
    assert person == Person(1, "lead1@example.com", record["firstName"])
    assert await marketo.leads.get(999_999) is None
    assert await marketo.leads.of(Person).get(999_999) is None


async def test_leads_are_found_by_any_number_of_values_in_order(sandbox: Sandbox, marketo: Marketo) -> None:
    leads = await marketo.leads.by_filter("id", range(1, LEADS + 1), fields=["id"], batch_size=100).all()

    assert leads == [{"id": number} for number in range(1, LEADS + 1)]
    assert sandbox.stats.by_operation["GET /rest/v1/leads.json"] == 7
    assert await marketo.leads.by_filter("id", []).all() == []
    assert await marketo.leads.by_filter("email", ["nobody@example.com"]).first() is None
    (person,) = await marketo.leads.of(Person).by_filter("id", [2]).all()
    assert (person.id, person.email) == (2, "lead2@example.com")


async def test_a_pager_of_chunks_can_be_drained_again_after_first(marketo: Marketo) -> None:
    pager = marketo.leads.by_filter("id", range(1, LEADS + 1), fields=["id"])

    first = await pager.first()
    everyone = await pager.all()

    assert first == {"id": 1}
    assert [lead["id"] for lead in everyone] == list(range(1, LEADS + 1))


async def test_a_drained_pager_delivers_nothing_twice(marketo: Marketo) -> None:
    for pager in (
        marketo.leads.by_filter("id", range(1, LEADS + 1)),
        marketo.lists.leads(EVERYBODY),
        marketo.leads.fields(),
    ):
        everything = await pager.all()
        assert len(everything) > 50
        assert await pager.all() == []


async def test_a_drain_goes_on_from_its_token_in_another_client(sandbox: Sandbox, marketo: Marketo) -> None:
    seen = []
    pager = marketo.leads.by_filter("id", range(1, LEADS + 1), fields=["id"], batch_size=150)
    async for page in pager.pages():
        seen += page.items
        if len(seen) >= 400:
            break
    async with of(sandbox) as other:
        rest = await other.leads.by_filter(
            "id", range(1, LEADS + 1), fields=["id"], batch_size=150, token=pager.token
        ).all()

    ids = [lead["id"] for lead in seen + rest]
    assert sorted(set(ids)) == list(range(1, LEADS + 1))
    assert len(ids) - LEADS <= 150, "at most the page that was being read comes twice"


async def test_filters_that_can_not_be_are_refused(marketo: Marketo) -> None:
    with pytest.raises(InvalidData, match="describe2"):
        await marketo.leads.by_filter("firstName", ["x"]).all()
    with pytest.raises(InvalidData, match="1006"):
        await marketo.leads.by_filter("noSuchField", ["x"]).all()
    with pytest.raises(InvalidRequest, match="must be a list, not the text"):
        marketo.leads.by_filter("email", "a@x.io")
    with pytest.raises(InvalidRequest, match="batch_size"):
        marketo.leads.by_filter("email", ["a@x.io"], batch_size=301)
    with pytest.raises(InvalidRequest, match="fields"):
        await marketo.leads.get(1, fields="email")


async def test_leads_are_created_updated_and_skipped_in_the_order_of_the_input(marketo: Marketo) -> None:
    created, updated, skipped = await marketo.leads.sync(
        [
            {"email": "new@example.com", "firstName": "New"},
            {"email": "lead1@example.com", "firstName": "Changed"},
            {"email": "bad@example.com", "noSuchField": 1},
        ]
    )

    assert (created.status, updated.status, updated.id) == ("created", "updated", 1)
    assert not created.failed
    assert not updated.failed
    assert skipped.failed
    assert [reason.code for reason in skipped.why] == ["1006"]
    assert created.id is not None
    assert await marketo.leads.get(created.id, fields=["firstName"]) == {"id": created.id, "firstName": "New"}
    assert await marketo.leads.get(1, fields=["firstName"]) == {"id": 1, "firstName": "Changed"}


async def test_the_actions_of_sync_do_what_they_are_called(marketo: Marketo) -> None:
    (exists,) = await marketo.leads.sync([{"email": "lead1@example.com"}], action="createOnly")
    (missing,) = await marketo.leads.sync([{"email": "nobody@example.com"}], action="updateOnly")
    (twin,) = await marketo.leads.sync([{"email": "lead1@example.com"}], action="createDuplicate")
    (by_id,) = await marketo.leads.sync([{"id": 2, "city": "Kyiv"}], action="updateOnly", lookup_field="id")
    (placed,) = await marketo.leads.sync([{"email": "emea@example.com"}], partition_name="EMEA")
    later = await marketo.leads.sync([{"email": "later@example.com"}], async_processing=True)

    assert [exists.why[0].code, missing.why[0].code] == ["1005", "1004"]
    assert (twin.status, by_id.id, later[0].status) == ("created", 2, "accepted")
    assert placed.id is not None
    assert await marketo.leads.get(placed.id, fields=["leadPartitionId"]) == {"id": placed.id, "leadPartitionId": 2}
    assert await marketo.leads.by_filter("email", ["later@example.com"]).first() is not None
    with pytest.raises(InvalidRequest, match="updateOnly"):
        await marketo.leads.sync([{"id": 2}], lookup_field="id")


async def test_leads_are_deleted_for_good(marketo: Marketo) -> None:
    deleted, missing = await marketo.leads.delete([1, 999_999])

    assert (deleted.id, deleted.status, deleted.failed) == (1, "deleted", False)
    assert (missing.id, missing.status, missing.why[0].code) == (999_999, "skipped", "1004")
    assert await marketo.leads.get(1) is None


async def test_the_describe_calls_name_the_fields(marketo: Marketo) -> None:
    attributes = await marketo.leads.describe()
    description = await marketo.leads.describe2()
    members = await marketo.leads.describe_program_member()

    email = next(attribute for attribute in attributes if attribute.rest and attribute.rest.name == "email")
    assert (email.data_type, email.rest) == ("email", email.rest)
    assert ["email"] in description.searchable_fields
    assert {"email", "firstName"} <= {found.name for found in description.fields}
    assert members.fields != []


async def test_fields_are_created_read_and_changed(marketo: Marketo) -> None:
    created, bad = await marketo.leads.create_fields(
        [
            NewField(name="petName", display_name="Pet name", data_type="string", is_hidden=False),
            NewField(name="1st", display_name="First", data_type="string"),
        ]
    )
    changed = await marketo.leads.update_field("petName", FieldChange(display_name="Name of the pet", is_hidden=True))
    metadata = await marketo.leads.field("petName")
    everything = await marketo.leads.fields(batch_size=20).all()

    assert (created.name, created.status, changed.name, changed.status) == ("petName", "created", "petName", "updated")
    assert (bad.name, bad.failed) == ("1st", True)
    assert (metadata.display_name, metadata.is_hidden, metadata.is_custom) == ("Name of the pet", True, True)
    assert metadata in everything
    assert all(isinstance(found, FieldMetadata) for found in everything)
    with pytest.raises(ApiError):
        await marketo.leads.field("noSuchField")


async def test_leads_move_between_partitions(marketo: Marketo) -> None:
    partitions = await marketo.leads.partitions()
    moved, unknown = await marketo.leads.update_partitions({1: "EMEA", 2: "Nowhere"})

    assert [partition.name for partition in partitions] == ["Default", "EMEA"]
    assert isinstance(partitions[0], Partition)
    assert (moved.id, moved.status, unknown.failed) == (1, "updated", True)
    assert await marketo.leads.get(1, fields=["leadPartitionId"]) == {"id": 1, "leadPartitionId": 2}


async def test_the_leads_of_a_program_come_with_their_membership(marketo: Marketo) -> None:
    records = await marketo.leads.by_program(PROGRAM, fields=["email"], batch_size=200).all()
    members = await marketo.leads.of(Member).by_program(PROGRAM).all()

    assert len(records) == len(members) == 500
    assert records[0].keys() == {"id", "email", "membership"}
    assert isinstance(members[0].membership.membership_date, Moment)
    with pytest.raises(NotFound):
        await marketo.leads.by_program(9999).all()


async def test_program_statuses_only_move_forward(marketo: Marketo) -> None:
    members = await marketo.leads.of(Member).by_program(PROGRAM).all()
    invited = next(member.id for member in members if member.membership.progression_status == "Invited")

    (moved,) = await marketo.leads.change_program_status(PROGRAM, "Attended", [invited])
    back, stranger = await marketo.leads.change_program_status(PROGRAM, "Registered", [invited, LEADS])

    assert (moved.id, moved.status, moved.failed) == (invited, "Attended", False)
    assert [back.why[0].code, stranger.why[0].code] == ["1037", "1013"]


async def test_a_push_updates_the_lead_and_leaves_an_activity(sandbox: Sandbox, marketo: Marketo) -> None:
    before = len(sandbox.instance.activities)

    created, updated = await marketo.leads.push(
        [{"email": "pushed@example.com"}, {"email": "lead600@example.com"}],
        "Spring Webinar",
        program_status="Registered",
        reason="Asked for it",
        source="Booth",
    )

    assert (created.status, updated.status, updated.id) == ("created", "updated", 600)
    assert len(sandbox.instance.activities) >= before + 2
    assert created.id is not None
    assert await marketo.leads.program_membership(created.id).first() is not None


async def test_a_form_is_filled_in_for_one_person(marketo: Marketo) -> None:
    result = await marketo.leads.submit_form(
        FORM,
        {"email": "lead1@example.com", "firstName": "Filled"},
        visitor=VisitorData(page_url="https://example.com/contact", lead_client_ip_address="192.0.2.1"),
        program_id=PROGRAM,
    )
    with pytest.raises(RecordsFailed, match="1006"):
        await marketo.leads.submit_form(FORM, {"email": "lead1@example.com", "noSuchField": "x"})

    assert (result.id, result.status) == (1, "updated")
    assert await marketo.leads.get(1, fields=["firstName"]) == {"id": 1, "firstName": "Filled"}
    with pytest.raises(InvalidRequest, match="email"):
        await marketo.leads.submit_form(FORM, {"firstName": "Nobody"})


async def test_a_cookie_is_bound_to_a_lead(sandbox: Sandbox, marketo: Marketo) -> None:
    cookie = "id:100-SBX-001&token:_mch-example.com-1400000000000-12345"

    await marketo.leads.associate(1, cookie)

    lead = sandbox.instance.leads.get(1)
    assert lead is not None
    assert lead["cookies"] == cookie
    with pytest.raises(ApiError, match="1012"):
        await marketo.leads.associate(1, "no cookie")


async def test_leads_are_merged_into_one(marketo: Marketo) -> None:
    await marketo.leads.sync([{"id": 2, "city": "Oslo"}], action="updateOnly", lookup_field="id")

    merged = await marketo.leads.merge(1, [2, 3])

    assert [result.status for result in merged] == ["merged", "merged"]
    assert await marketo.leads.get(1, fields=["city"]) == {"id": 1, "city": "Oslo"}
    assert await marketo.leads.get(2) is None
    with pytest.raises(NotFound):
        await marketo.leads.merge(1, [2])
    with pytest.raises(InvalidRequest, match="itself"):
        await marketo.leads.merge(1, [1])
    many = await marketo.leads.merge(1, range(10, 36))
    assert [result.record for result in many] == list(range(10, 36))
    assert await marketo.leads.get(35) is None


async def test_a_lead_tells_where_it_is_a_member(marketo: Marketo) -> None:
    lists = await marketo.leads.list_membership(1, batch_size=1).all()
    programs = await marketo.leads.program_membership(1).all()
    none = await marketo.leads.program_membership(1, program_ids=[ENGAGEMENT]).all()
    recent = await marketo.leads.program_membership(1, earliest_updated_at=datetime.now(UTC)).all()
    campaigns = await marketo.leads.smart_campaign_membership(1, earliest_updated_at=long_ago()).all()

    assert [found.list_id for found in lists] == [EVERYBODY]
    assert isinstance(lists[0].created_at, Moment)
    assert [found.id for found in programs] == [PROGRAM]
    assert (none, recent) == ([], [])
    assert [found.smart_campaign_id for found in campaigns] == [CAMPAIGN]


async def test_memberships_are_assets_which_a_lead_only_user_may_not_read(sandbox: Sandbox) -> None:
    user = sandbox.add_user("leads@sandbox.example", frozenset({"Read-Write Lead"}))
    async with Marketo(sandbox.base_url, client_id=user.client_id, client_secret=user.client_secret) as marketo:
        assert await marketo.leads.get(1) is not None
        with pytest.raises(AccessDenied, match="Read-Only Assets"):
            await marketo.leads.list_membership(1).all()


async def test_static_lists_are_browsed_and_read(marketo: Marketo) -> None:
    everything = await marketo.lists.browse(batch_size=1).all()
    by_id = await marketo.lists.browse(ids=[EVERYBODY]).all()
    by_name = await marketo.lists.browse(names=["No such list"]).all()
    one = await marketo.lists.get(EVERYBODY)

    assert everything == by_id == [one]
    assert by_name == []
    assert isinstance(one, StaticList)
    assert isinstance(one.updated_at, Moment)
    with pytest.raises(NotFound):
        await marketo.lists.get(9999)


async def test_the_leads_of_a_list_come_by_either_path(marketo: Marketo) -> None:
    leads = await marketo.lists.leads(EVERYBODY, fields=["id"], batch_size=299).all()
    legacy = await marketo.lists.legacy_leads(EVERYBODY, fields=["id"]).all()
    people = await marketo.lists.of(Person).leads(EVERYBODY).all()

    assert leads == legacy == [{"id": number} for number in range(1, LEADS + 1)]
    assert people[0].email == "lead1@example.com"


async def test_leads_are_removed_from_a_list_and_added_again(marketo: Marketo) -> None:
    removed, missing = await marketo.lists.remove(EVERYBODY, [1, 999_999])
    (again,) = await marketo.lists.remove(EVERYBODY, [1])
    out, inside, unknown = await marketo.lists.is_member(EVERYBODY, [1, 2, 999_999])
    (added,) = await marketo.lists.add(EVERYBODY, [1])
    (back,) = await marketo.lists.is_member(EVERYBODY, [1])

    assert (removed.status, missing.why[0].code, again.why[0].code) == ("removed", "1004", "1015")
    assert [out.status, inside.status, unknown.status] == ["notmemberof", "memberof", "skipped"]
    assert (added.status, back.status) == ("added", "memberof")


async def test_activities_come_from_a_moment_on_each_once(sandbox: Sandbox, marketo: Marketo) -> None:
    types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})

    found = await marketo.activities.since(long_ago(), types=types, batch_size=100).all()

    assert len(found) == len(sandbox.instance.activities) == 900
    assert len({activity.marketo_guid for activity in found}) == 900
    assert all(isinstance(activity, Activity) for activity in found)
    assert [activity.activity_date for activity in found] == sorted(activity.activity_date for activity in found)


async def test_activities_are_narrowed_by_type_lead_list_and_asset(marketo: Marketo) -> None:
    visits = await marketo.activities.since(long_ago(), types=[1]).all()
    lead, page = visits[0].lead_id, visits[0].primary_attribute_value_id
    assert page is not None

    by_lead = await marketo.activities.since(long_ago(), types=[1], leads=[lead]).all()
    by_page = await marketo.activities.since(long_ago(), types=[1], asset_ids=[page]).all()
    by_list = await marketo.activities.since(long_ago(), types=[1], list_id=EVERYBODY).all()

    assert {activity.lead_id for activity in by_lead} == {lead}
    assert {activity.primary_attribute_value_id for activity in by_page} == {page}
    assert len(by_list) == len(visits)
    with pytest.raises(InvalidRequest, match="asset_ids"):
        marketo.activities.since(long_ago(), types=[1, 2], asset_ids=[page])
    with pytest.raises(InvalidRequest, match="types"):
        marketo.activities.since(long_ago(), types=[])
    with pytest.raises(InvalidRequest, match="leads"):
        marketo.activities.since(long_ago(), types=[1], leads=[])


async def test_more_types_and_leads_than_one_call_takes_are_asked_for_side_by_side(
    sandbox: Sandbox, marketo: Marketo
) -> None:
    types = [*range(1, 14), 37, 104]

    found = await marketo.activities.since(long_ago(), types=types, leads=range(1, 62)).all()

    wanted = [
        activity.marketo_guid
        for activity in sandbox.instance.activities
        if activity.activity_type_id in types and activity.lead_id <= 61
    ]
    assert sorted(str(activity.marketo_guid) for activity in found) == sorted(wanted)
    assert sandbox.stats.by_operation["GET /rest/v1/activities.json"] >= 6


@pytest.mark.parametrize("shards", [1, 3, 8])
async def test_a_range_of_activities_is_cut_at_both_ends(shards: int, sandbox: Sandbox, marketo: Marketo) -> None:
    dates = sorted(parse(activity.activity_date) for activity in sandbox.instance.activities)
    since, until = dates[100], dates[800]
    types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})

    found = await marketo.activities.between(since, until, types=types, shards=shards, batch_size=50).all()

    assert sorted(activity.activity_date for activity in found) == [date for date in dates if since <= date < until]
    with pytest.raises(InvalidRequest, match="before"):
        marketo.activities.between(until, since, types=types)
    with pytest.raises(InvalidRequest, match="shards"):
        marketo.activities.between(since, until, types=types, shards=0)


async def test_a_finished_drain_of_activities_goes_on_with_what_is_new(marketo: Marketo) -> None:
    pager = marketo.activities.since(long_ago(), types=[12])
    before = await pager.all()
    await marketo.leads.sync([{"email": "fresh@example.com"}])

    after = await pager.all()

    assert len(before) > 0
    assert len(after) == 1
    assert after[0].marketo_guid not in {activity.marketo_guid for activity in before}


async def test_changes_of_leads_are_told_field_by_field(marketo: Marketo) -> None:
    moment = datetime.now(UTC) - timedelta(seconds=2)
    await marketo.leads.sync([{"id": 1, "title": "Queen"}], action="updateOnly", lookup_field="id")
    await marketo.leads.sync([{"email": "fresh@example.com"}])

    changes = await marketo.activities.lead_changes(moment, fields=["title", "leadScore"]).all()

    changed = next(change for change in changes if change.activity_type_id == 13)
    assert (changed.lead_id, changed.fields[0].name, changed.fields[0].new_value) == (1, "title", "Queen")
    assert [change.activity_type_id for change in changes].count(12) == 1
    with pytest.raises(InvalidRequest, match="fields"):
        marketo.activities.lead_changes(moment, fields="title")


async def test_deleted_leads_are_told(marketo: Marketo) -> None:
    await marketo.leads.delete([5, 6])

    deletions = await marketo.activities.deleted_leads(long_ago()).all()

    assert [deletion.lead_id for deletion in deletions] == [5, 6]
    assert {deletion.activity_type_id for deletion in deletions} == {37}


async def test_a_paging_token_can_be_kept_and_used_later(marketo: Marketo) -> None:
    token = await marketo.activities.paging_token(long_ago())

    from_token = await marketo.activities.since(datetime.now(UTC), types=[1], token=token).all()
    from_moment = await marketo.activities.since(long_ago(), types=[1]).all()

    assert from_token == from_moment


async def test_activity_types_are_listed(marketo: Marketo) -> None:
    types = await marketo.activities.types()

    visit = next(found for found in types if found.id == 1)
    assert isinstance(visit, ActivityType)
    assert visit.primary_attribute is not None


async def test_a_custom_type_goes_from_draft_to_use_to_deletion(marketo: Marketo) -> None:
    created = await marketo.custom_activity_types.create(DEMO)
    with pytest.raises(NotFound):
        await marketo.custom_activity_types.describe("demo")
    draft = await marketo.custom_activity_types.describe("demo", draft=True)
    with_attributes = await marketo.custom_activity_types.create_attributes(
        "demo", [NewAttribute(api_name=name, name=name.title(), data_type="string") for name in ("length", "mood")]
    )
    renamed = await marketo.custom_activity_types.update_attributes(
        "demo", [NewAttribute(api_name="mood", name="Feeling")]
    )
    shorter = await marketo.custom_activity_types.delete_attributes("demo", ["length"])
    approved = await marketo.custom_activity_types.approve("demo")

    assert isinstance(created, CustomActivityType)
    assert (created.status, draft.name, draft.primary_attribute) == ("draft", "Demo", created.primary_attribute)
    assert {attribute.api_name for attribute in with_attributes.attributes} >= {"length", "mood"}
    assert "Feeling" in {attribute.name for attribute in renamed.attributes}
    assert "length" not in {attribute.api_name for attribute in shorter.attributes}
    assert approved.status == "approved"
    assert isinstance(approved.updated_at, Moment)
    with pytest.raises(Conflict):
        await marketo.custom_activity_types.create(DEMO)


async def test_custom_activities_are_added_once_and_read_back(marketo: Marketo) -> None:
    await marketo.custom_activity_types.create(DEMO)
    await marketo.custom_activity_types.create_attributes(
        "demo", [NewAttribute(api_name="mood", name="Mood", data_type="string")]
    )
    type_id = (await marketo.custom_activity_types.approve("demo")).id
    assert type_id is not None
    when = datetime.now(UTC).replace(microsecond=0)

    def demo(lead_id: int) -> NewActivity:
        return NewActivity(
            lead_id=lead_id,
            activity_date=when,
            activity_type_id=type_id,
            primary_attribute_value="the new one",
            attributes=[AttributeValue(name="Mood", value="happy")],
        )

    added, skipped = await marketo.activities.add([demo(1), demo(999_999)])
    (found,) = await marketo.activities.since(long_ago(), types=[type_id]).all()

    assert (added.status, added.failed) == ("added", False)
    assert (skipped.failed, skipped.why[0].code) == (True, "1004")
    assert found.marketo_guid == added.marketo_guid
    assert (found.lead_id, found.activity_date, found.primary_attribute_value) == (1, when, "the new one")
    assert [(attribute.name, attribute.value) for attribute in found.attributes] == [("Mood", "happy")]
    with pytest.raises(Conflict, match="in use"):
        await marketo.custom_activity_types.delete("demo")


async def test_a_draft_of_an_approved_type_is_changed_discarded_and_the_type_deleted(marketo: Marketo) -> None:
    await marketo.custom_activity_types.create(DEMO)
    await marketo.custom_activity_types.approve("demo")
    other = NewActivityType(
        api_name="demo",
        name="Other demo",
        trigger_name="t",
        filter_name="f",
        primary_attribute=NewAttribute(api_name="what", name="What"),
    )
    changed = await marketo.custom_activity_types.update("demo", other)
    discarded = await marketo.custom_activity_types.discard_draft("demo")
    live = await marketo.custom_activity_types.describe("demo")
    everything = await marketo.custom_activity_types.browse()
    deleted = await marketo.custom_activity_types.delete("demo")

    assert (changed.name, changed.status) == ("Other demo", "approved with draft")
    assert (discarded.name, live.name) == ("Demo", "Demo")
    assert [found.api_name for found in everything] == ["demo"]
    assert deleted.api_name == "demo"
    assert await marketo.custom_activity_types.browse() == []
    with pytest.raises(ApiError):
        await marketo.custom_activity_types.discard_draft("demo")


async def test_usage_and_errors_are_counted_by_day(sandbox: Sandbox, marketo: Marketo) -> None:
    for number in range(3):
        await marketo.leads.get(number + 1)
    with pytest.raises(ApiError):
        await marketo.lists.get(9999)

    today = await marketo.usage.today()
    week = await marketo.usage.last_7_days()
    errors = await marketo.usage.errors_today()
    errors_week = await marketo.usage.errors_last_7_days()

    assert isinstance(today, UsageDay)
    assert (today.total, today.users[0].user_id) == (5, sandbox.user.login)
    assert week[-1].day == today.day or week[0].day == today.day
    assert isinstance(errors, ErrorsDay)
    assert [(str(found.error_code), found.count) for found in errors.errors] == [("1013", 1)]
    assert sum(day.total for day in errors_week) == errors.total


QUIRKS = {
    "null members left out": Quirks(omit_null=True),
    "unknown members": Quirks(unknown_members=True),
    "members in any order": Quirks(shuffled_members=True),
    "no result on an empty page": Quirks(absent_result=True, empty_pages=0.4),
    "empty pages": Quirks(empty_pages=0.5, empty_run=5),
    "short pages": Quirks(short_pages=0.5),
    "long tokens": Quirks(token_padding=9_000),
    "no activity ids": Quirks(omit_activity_ids=True),
    "dates inclusive": Quirks(since_inclusive=True),
    "every dead token 602": Quirks(always_602=True),
}


@pytest.mark.parametrize("quirks", QUIRKS.values(), ids=QUIRKS)
async def test_every_drain_is_whole_whatever_the_instance_is_like(quirks: Quirks) -> None:
    async with (
        Sandbox(leads=400, activities=400, limits=GENEROUS, quirks=quirks) as sandbox,
        of(sandbox) as marketo,
    ):
        guids = sorted(activity.marketo_guid for activity in sandbox.instance.activities)
        types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})
        end = datetime.now(UTC) + timedelta(hours=1)

        by_list = await marketo.lists.of(Person).leads(EVERYBODY, batch_size=90).all()
        by_filter = await marketo.leads.of(Person).by_filter("id", range(1, 401), batch_size=90).all()
        since = await marketo.activities.since(long_ago(), types=types, batch_size=90).all()
        between = await marketo.activities.between(long_ago(), end, types=types, batch_size=90, shards=5).all()

        assert [person.id for person in by_list] == list(range(1, 401))
        assert [person.id for person in by_filter] == list(range(1, 401))
        assert sorted(str(activity.marketo_guid) for activity in since) == guids
        assert sorted(str(activity.marketo_guid) for activity in between) == guids
