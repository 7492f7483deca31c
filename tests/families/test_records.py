"""The record families: what they send beyond the judged calls, how odd answers are read, and flows on an instance."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import Struct, field

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.errors import InvalidRequest, NotFound, OutcomeUnknown
from marketo_async.models.campaigns import Campaign
from marketo_async.models.custom_object_types import Link, NewObjectField, ObjectFieldChange
from marketo_async.models.leads import FieldMetadata
from marketo_async.models.objects import NamedAccountList, ObjectDescription, RelatedObject
from marketo_async.operation import Repeat
from marketo_async.resources import Companies
from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.conftest import Client
from tests.wire import ScriptedServer, hang_up, ok, refused

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
GENEROUS = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)


class Role(Struct):
    external_opportunity_id: str = field(name="externalOpportunityId")
    lead_id: int = field(name="leadId")
    role: str
    seq: int | None = None


ROLE = Role(external_opportunity_id="o1", lead_id=1, role="Buyer")


async def test_a_compound_key_goes_in_the_body_of_a_post_that_stands_for_a_get(client: Client) -> None:
    row = {"seq": 0, "externalOpportunityId": "o1", "leadId": 1, "role": "Buyer", "more": None}
    async with ScriptedServer(ok(row, nextPageToken="T"), ok(row)) as server, client(server.origin) as marketo:
        found = await marketo.opportunity_roles.of(Role).by_key([ROLE], batch_size=1).all()

    assert [(role.role, role.seq) for role in found] == [("Buyer", 0), ("Buyer", 0)]
    first, second = server.calls
    assert (first.method, first.target) == ("POST", "/rest/v1/opportunities/roles.json?_method=GET")
    body = {
        "filterType": "dedupeFields",
        "fields": ["externalOpportunityId", "leadId", "role"],
        "batchSize": 1,
        "input": [{"externalOpportunityId": "o1", "leadId": 1, "role": "Buyer", "seq": None}],
    }
    assert json.loads(first.body) == body
    assert json.loads(second.body) == {**body, "nextPageToken": "T"}


async def test_more_keys_than_one_call_takes_are_asked_for_in_chunks(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.opportunities.by_key({"externalOpportunityId": str(n)} for n in range(301)).all()
        await marketo.custom_objects.by_key("car_c", [{"vin": "v", "plant": "p"}], fields=["vin"]).all()
        await marketo.custom_objects.by_filter("car_c", "vin", map(str, range(301))).all()

    sizes = [len(json.loads(sent.body)["input"]) for sent in server.calls[:3]]
    assert sorted(sizes) == [1, 1, 300]
    assert server.calls[2].path == "/rest/v1/customobjects/car_c.json"
    assert json.loads(server.calls[2].body)["fields"] == ["vin"]
    assert len(server.calls) == 5


async def test_a_struct_of_one_s_own_is_a_record_to_write_too(client: Client) -> None:
    done = {"seq": 0, "marketoGUID": "g", "status": "created"}
    async with ScriptedServer(ok(done)) as server, client(server.origin) as marketo:
        (result,) = await marketo.opportunity_roles.sync([ROLE])

    assert (result.marketo_guid, result.status, result.failed) == ("g", "created", False)
    assert json.loads(server.calls[0].body)["input"][0]["leadId"] == 1


async def test_members_who_were_changed_are_asked_for_in_windows_of_a_week(client: Client) -> None:
    end = SINCE + timedelta(days=9)
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.program_members.updated(7, SINCE, end, fields=["leadId"]).all()

    queries = sorted((sent.query for sent in server.calls), key=lambda query: query["startAt"])
    assert [(query["startAt"], query["endAt"]) for query in queries] == [
        ("2024-01-02T03:04:05Z", "2024-01-09T03:04:05Z"),
        ("2024-01-09T03:04:05Z", "2024-01-11T03:04:05Z"),
    ]
    assert all(query["filterType"] == "updatedAt" and "filterValues" not in query for query in queries)


async def test_what_exists_after_a_lost_answer_to_create_only_is_unknown_where_it_can_not_be_looked_up(
    client: Client,
) -> None:
    exists = {"seq": 0, "status": "skipped", "reasons": [{"code": "1017", "message": "exists already"}]}
    async with ScriptedServer(hang_up, ok(exists), refused("603")) as server, client(server.origin) as marketo:
        (result,) = await marketo.companies.sync([{"externalCompanyId": "c"}], action="createOnly")

    assert (result.status, result.settled, result.failed) == ("unknown", False, True)
    assert [sent.method for sent in server.calls] == ["POST", "POST"], "no date was told, so nothing was looked up"
    assert Companies.operations["sync"].repeat is Repeat.SAFE


async def test_a_campaign_whose_answer_is_lost_is_not_run_again(client: Client) -> None:
    async with ScriptedServer(hang_up) as server, client(server.origin) as marketo:
        (result,) = await marketo.campaigns.request(7, [1])
        with pytest.raises(OutcomeUnknown):
            await marketo.campaigns.schedule(7)

    assert result.unknown
    assert [json.loads(sent.body) for sent in server.calls] == [{"input": {"leads": [{"id": 1}]}}, {"input": {}}]


async def test_a_time_to_run_at_is_written_to_the_second(client: Client) -> None:
    async with ScriptedServer(ok({"id": 7})) as server, client(server.origin) as marketo:
        assert (await marketo.campaigns.schedule(7, run_at=SINCE.replace(microsecond=9))).id == 7

    assert json.loads(server.calls[0].body) == {"input": {"runAt": "2024-01-02T03:04:05Z"}}


def test_what_marketo_would_refuse_is_not_sent(client: Client) -> None:
    marketo = client("http://127.0.0.1:1")
    names, role = [{"name": "a"}], {"externalOpportunityId": "o1"}
    refused: list[Callable[[], object]] = [
        lambda: marketo.companies.by_filter("company", "Acme"),
        lambda: marketo.opportunities.by_key(role),  # type: ignore[arg-type]
        lambda: marketo.opportunities.by_key("o1"),  # type: ignore[arg-type]
        lambda: marketo.companies.by_filter("company", ["a"], batch_size=301),
        lambda: marketo.program_members.updated(7, SINCE, SINCE),
        lambda: marketo.program_members.updated(7, SINCE.replace(tzinfo=None), SINCE),
        lambda: Companies.sync.planner(marketo.companies, names, dedupe_by="idField"),
        lambda: Companies.sync.planner(marketo.companies, names[0]),
        lambda: Companies.delete.planner(marketo.companies, "c"),
        lambda: type(marketo.campaigns).request.planner(marketo.campaigns, 7, 1),
        lambda: type(marketo.campaigns).request.planner(marketo.campaigns, 7, [1], tokens={}),
        lambda: type(marketo.program_members).create_fields.planner(marketo.program_members, [None] * 21),
    ]
    for call in refused:
        with pytest.raises(InvalidRequest):
            call()


async def test_a_deletion_told_by_a_guid_in_the_place_of_the_id_is_read(client: Client) -> None:
    answer = ok(
        {"seq": 0, "id": "dff23271-f996-47d7-984f-f2676861b5fb", "status": "deleted"},
        {"seq": 1, "marketoGUID": "dff23271-f996-47d7-984f-f2676861b5fa", "status": "deleted"},
        {"seq": 2, "status": "skipped", "reasons": [{"code": "1013", "message": "Record not found"}]},
        {"seq": 3, "id": 28, "status": "deleted"},
    )
    async with ScriptedServer(answer) as server, client(server.origin) as marketo:
        first, second, third, fourth = await marketo.named_accounts.delete([{"name": str(n)} for n in range(4)])

    assert (first.marketo_guid, first.id) == ("dff23271-f996-47d7-984f-f2676861b5fb", None)
    assert second.marketo_guid == "dff23271-f996-47d7-984f-f2676861b5fa"
    assert (third.failed, third.why[0].code) == (True, "1013")
    assert fourth.id == 28
    assert json.loads(server.calls[0].body)["deleteBy"] == "dedupeFields"


@pytest.mark.parametrize("member", ["relatedTo", "object"])
async def test_a_description_is_read_by_either_name_of_its_links(member: str, client: Client) -> None:
    described = {
        "name": "car_c",
        "apiName": "car_c",
        "displayName": "Car",
        "createdAt": "2016-09-21T18:05:33Z",
        "updatedAt": "2016-09-21T18:05:33Z",
        "idField": "marketoGUID",
        "dedupeFields": ["vin"],
        "searchableFields": [["vin"], ["marketoGUID"], ["siebelId"]],
        "relationships": [{"field": "siebelId", "type": "child", member: {"name": "Lead", "field": "siebelId"}}],
        "fields": [{"name": "vin", "displayName": "VIN", "dataType": "string", "length": 36, "updateable": False}],
    }
    async with ScriptedServer(ok(described)) as server, client(server.origin) as marketo:
        found = await marketo.custom_objects.describe("car_c")

    assert found.relationships[0].target == RelatedObject(name="Lead", field="siebelId")
    assert (found.id_field, found.searchable_fields[2], found.fields[0].length) == ("marketoGUID", ["siebelId"], 36)
    assert found.created_at == datetime(2016, 9, 21, 18, 5, 33, tzinfo=UTC)


async def test_other_answers_are_read_as_the_documentation_shows_them(client: Client) -> None:
    campaign = {"id": 7, "name": "A", "type": "trigger", "createdAt": "2016-09-21T18:05:33Z+0000", "active": True}
    key_list = {"seq": 0, "marketoGUID": "g", "name": "Key", "type": "external", "updateable": False}
    asset = {"assetType": "Smart Campaign", "assetId": 7, "assetName": "A", "usedFields": ["vin"]}
    answers = (ok(campaign), ok(key_list), ok(asset), ok("string", "link"), ok())
    async with ScriptedServer(*answers) as server, client(server.origin) as marketo:
        assert (await marketo.campaigns.get(7)).created_at == datetime(2016, 9, 21, 18, 5, 33, tzinfo=UTC)
        (found,) = await marketo.named_account_lists.by_filter("dedupeFields", ["Key"]).all()
        assert found == NamedAccountList(marketo_guid="g", name="Key", type="external", updateable=False, seq=0)
        assert [used.used_fields for used in await marketo.custom_object_types.used_by("car_c")] == [["vin"]]
        assert await marketo.custom_object_types.data_types() == ["string", "link"]
        await marketo.custom_object_types.sync("car_c", "Car")  # answers with an empty array


# The same families against an instance on loopback.


@pytest.fixture
async def marketo() -> AsyncIterator[Marketo]:
    async with (
        Sandbox(leads=50, activities=0, limits=GENEROUS) as sandbox,
        Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            governor=Governor(Limits(calls=10_000)),
            retry=RetryPolicy(base=0.001, cap=0.002),
        ) as client,
    ):
        yield client


class Company(Struct):
    id: int
    company: str | None = None
    external_company_id: str | None = field(default=None, name="externalCompanyId")


async def test_companies_come_and_go(marketo: Marketo) -> None:
    companies = marketo.companies.of(Company)
    created = await companies.sync([{"externalCompanyId": f"c{n}", "company": f"Company {n}"} for n in range(300)])
    assert [result.status for result in created] == ["created"] * 300

    found = await companies.by_filter("externalCompanyId", (f"c{n}" for n in range(400)), batch_size=100).all()
    assert sorted(company.id for company in found) == sorted(result.id or 0 for result in created)

    updated = await companies.sync([{"id": found[0].id, "company": "New"}], action="updateOnly", dedupe_by="idField")
    assert [result.status for result in updated] == ["updated"]
    assert [company.company for company in await companies.by_filter("id", [found[0].id]).all()] == ["New"]

    gone = await companies.delete([{"externalCompanyId": "c0"}, {"externalCompanyId": "nobody"}])
    assert [result.status for result in gone] == ["deleted", "skipped"]
    described = await marketo.companies.describe()
    assert described.dedupe_fields == ["externalCompanyId"]
    assert (await marketo.companies.field("company")).name == "company"
    assert all(isinstance(one, FieldMetadata) for one in await marketo.companies.fields(batch_size=5).all())


async def test_opportunities_have_roles(marketo: Marketo) -> None:
    await marketo.opportunities.sync([{"externalOpportunityId": "o1", "name": "Big"}])
    (lead,) = (await marketo.leads.sync([{"email": "a@example.com"}]))[:1]
    role = {"externalOpportunityId": "o1", "leadId": lead.id, "role": "Buyer"}
    (result,) = await marketo.opportunity_roles.sync([role])
    assert result.status == "created"

    found = await marketo.opportunity_roles.of(Role).by_key([role]).all()
    assert [(one.external_opportunity_id, one.lead_id, one.role) for one in found] == [("o1", lead.id, "Buyer")]
    assert await marketo.opportunity_roles.by_key([{**role, "role": "Seller"}]).all() == []
    assert len(await marketo.opportunities.by_key([{"externalOpportunityId": "o1"}]).all()) == 1
    assert (await marketo.opportunity_roles.delete([role]))[0].status == "deleted"
    assert (await marketo.opportunities.delete([{"externalOpportunityId": "o1"}]))[0].status == "deleted"
    assert isinstance(await marketo.opportunity_roles.describe(), ObjectDescription)


async def test_named_accounts_stand_in_lists(marketo: Marketo) -> None:
    (account,) = await marketo.named_accounts.sync([{"name": "Acme"}])
    (made,) = await marketo.named_account_lists.sync([{"name": "Key accounts"}])
    guid, held = made.marketo_guid or "", account.marketo_guid or ""

    (added,) = await marketo.named_account_lists.add(guid, [held])
    assert added.status == "added"
    assert [member["name"] for member in await marketo.named_account_lists.members(guid, fields=["name"]).all()] == [
        "Acme"
    ]
    (removed,) = await marketo.named_account_lists.remove(guid, [held])
    assert removed.status == "removed"
    (known,) = await marketo.named_account_lists.by_filter("idField", [guid]).all()
    assert known.name == "Key accounts"
    assert (await marketo.named_account_lists.delete([{"name": "Key accounts"}]))[0].status == "deleted"
    assert (await marketo.named_accounts.delete([{"marketoGUID": held}], delete_by="idField"))[0].status == "deleted"


async def test_sales_persons_are_found_by_their_address(marketo: Marketo) -> None:
    await marketo.sales_persons.sync([{"externalSalesPersonId": "s1", "email": "s@example.com"}])

    (found,) = await marketo.sales_persons.by_filter("email", ["s@example.com"]).all()
    assert found["externalSalesPersonId"] == "s1"
    assert (await marketo.sales_persons.describe()).id_field == "id"
    assert (await marketo.sales_persons.delete([{"externalSalesPersonId": "s1"}]))[0].status == "deleted"


async def test_a_custom_object_type_is_made_filled_and_deleted(marketo: Marketo) -> None:
    types, objects = marketo.custom_object_types, marketo.custom_objects
    await types.sync("boat_c", "Boat", plural_name="Boats", show_in_lead_detail=True)
    await types.create_fields(
        "boat_c",
        [
            NewObjectField(name="hull", display_name="Hull", data_type="string", is_dedupe_field=True),
            NewObjectField(name="port", display_name="Port", data_type="string", is_dedupe_field=True),
            NewObjectField(
                name="owner", display_name="Owner", data_type="link", related_to=Link(name="Lead", field="id")
            ),
            NewObjectField(name="flag", display_name="Flag", data_type="string"),
        ],
    )
    await types.update_field("boat_c", "flag", ObjectFieldChange(display_name="Ensign"))
    await types.delete_fields("boat_c", ["flag"])
    assert (await types.describe("boat_c", state="draft")).state == "draft"
    await types.approve("boat_c")
    assert {"string", "link"} <= set(await types.data_types())
    assert "Lead" in {linkable.name for linkable in await types.linkable_objects()}
    assert "boat_c" in {found.api_name for found in await types.browse()}
    assert "boat_c" in {found.api_name for found in await objects.browse(names=["boat_c"])}

    boats = [{"hull": f"h{n}", "port": "Oslo"} for n in range(3)]
    assert [result.status for result in await objects.sync("boat_c", boats)] == ["created"] * 3
    found = await objects.by_key("boat_c", boats, fields=["hull"]).all()
    assert sorted(boat["hull"] for boat in found) == ["h0", "h1", "h2"]
    guid = found[0]["marketoGUID"]
    assert [boat["marketoGUID"] for boat in await objects.by_filter("boat_c", "idField", [guid]).all()] == [guid]
    assert [result.status for result in await objects.delete("boat_c", boats[:1])] == ["deleted"]
    assert (await objects.describe("boat_c")).relationships[0].target == RelatedObject(name="Lead", field="id")
    assert await types.used_by("boat_c") == []
    await types.delete("boat_c")
    with pytest.raises(NotFound):
        await objects.describe("boat_c")


async def test_members_of_a_program_get_a_status_and_fields(marketo: Marketo) -> None:
    program, leads = 2001, [lead.id or 0 for lead in await marketo.leads.sync([{"email": "m@example.com"}])]
    (result,) = await marketo.program_members.change_status(program, "Registered", leads)
    assert (result.lead_id, result.failed) == (leads[0], False), result
    (found,) = await marketo.program_members.by_filter(program, "leadId", leads).all()
    assert found["leadId"] == leads[0]
    now = datetime.now(UTC)
    changed = await marketo.program_members.updated(program, now - timedelta(days=20), now + timedelta(days=1)).all()
    assert leads[0] in {member["leadId"] for member in changed}
    assert (await marketo.program_members.describe()).dedupe_fields == ["leadId", "programId"]
    assert (await marketo.program_members.delete(program, leads))[0].status == "deleted"


async def test_campaigns_are_browsed(marketo: Marketo) -> None:
    campaigns = await marketo.campaigns.browse(batch_size=1).all()
    assert campaigns
    assert all(isinstance(found, Campaign) for found in campaigns)
    assert (await marketo.campaigns.get(campaigns[0].id)).name == campaigns[0].name
