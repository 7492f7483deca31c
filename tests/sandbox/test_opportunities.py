import pytest

from .api import Api, Body, Connect, code, reason

PATH = "/rest/v1/opportunities.json"
ROLES = "/rest/v1/opportunities/roles.json"


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect(leads=5, activities=0)


async def test_an_opportunity_needs_a_name(api: Api) -> None:
    nameless = {"externalOpportunityId": "deal-2"}
    named = {"externalOpportunityId": "deal-3", "name": "Toys", "amount": "1604.47", "isWon": "true"}
    rows = (await api.post(PATH, {"input": [nameless, named, {"externalOpportunityId": "deal-1", "name": ""}]}))[
        "result"
    ]

    assert [reason(rows[0]), reason(rows[2])] == ["1003", "1003"]
    [row] = await api.drain(PATH, filterType="dedupeFields", filterValues="deal-3", fields="name,amount,isWon")
    assert row == {"seq": 0, "marketoGUID": rows[1]["marketoGUID"], "name": "Toys", "amount": 1604.47, "isWon": True}


async def test_a_name_given_once_stays(api: Api) -> None:
    answer = await api.post(
        PATH, {"input": [{"externalOpportunityId": "deal-1", "stage": "Won"}], "action": "updateOnly"}
    )

    assert [row["status"] for row in answer["result"]] == ["updated"]


async def test_an_unknown_sales_person_spoils_the_batch(api: Api) -> None:
    records: list[Body] = [
        {"externalOpportunityId": "deal-4", "name": "a", "externalSalesPersonId": "sales-1"},
        {"externalOpportunityId": "deal-5", "name": "b", "externalSalesPersonId": "nobody"},
    ]

    assert code(await api.post(PATH, {"input": records})) == "718"
    assert await api.drain(PATH, filterType="externalOpportunityId", filterValues="deal-4") == []
    assert (await api.post(PATH, {"input": records[:1]}))["result"][0]["status"] == "created"


async def test_only_text_and_whole_numbers_are_searchable(api: Api) -> None:
    await api.post(PATH, {"input": [{"externalOpportunityId": "deal-1", "renewalNumber": 7}]})

    assert len(await api.drain(PATH, filterType="renewalNumber", filterValues=7)) == 1
    assert code(await api.get(PATH, filterType="renewalDate", filterValues="2026-01-01")) == "1011"


async def test_deleting_an_opportunity(api: Api) -> None:
    answer = await api.post("/rest/v1/opportunities/delete.json", {"input": [{"externalOpportunityId": "deal-1"}]})

    assert answer["result"][0]["status"] == "deleted"
    assert await api.drain(PATH, filterType="externalOpportunityId", filterValues="deal-1") == []


async def test_a_role_needs_its_lead_and_its_opportunity(api: Api) -> None:
    records = [
        {"externalOpportunityId": "deal-1", "leadId": 99, "role": "Buyer"},
        {"externalOpportunityId": "deal-99", "leadId": 1, "role": "Buyer"},
        {"externalOpportunityId": "deal-1", "leadId": 1, "role": "Buyer"},
        {"externalOpportunityId": "deal-1", "leadId": 1},
    ]
    rows = (await api.post(ROLES, {"input": records}))["result"]

    assert [reason(row) for row in (rows[0], rows[1], rows[3])] == ["1004", "1013", "1003"]
    assert rows[2]["status"] == "created"


@pytest.mark.parametrize(
    ("path", "key"), [(PATH, ["externalOpportunityId"]), (ROLES, ["externalOpportunityId", "leadId", "role"])]
)
async def test_descriptions(api: Api, path: str, key: list[str]) -> None:
    [description] = (await api.get(path.replace(".json", "/describe.json")))["result"]

    assert description["idField"] == "marketoGUID"
    assert description["dedupeFields"] == key
    assert description["searchableFields"][:2] == [key, ["marketoGUID"]]
    assert description["relationships"][0]["relatedTo"]["name"] in ("company", "lead")
    updateable = {field["name"]: field["updateable"] for field in description["fields"]}
    assert updateable["marketoGUID"] is False
    assert updateable["externalOpportunityId"] is True


async def test_fields(api: Api) -> None:
    rows = await api.drain("/rest/v1/opportunities/schema/fields.json", batchSize=5)
    one = await api.get("/rest/v1/opportunities/schema/fields/renewalNumber.json")

    assert {"name", "amount", "renewalNumber"} <= {row["name"] for row in rows}
    assert one["result"][0]["isCustom"] is True
    assert code(await api.get("/rest/v1/opportunities/schema/fields/nonsense.json")) == "1006"
