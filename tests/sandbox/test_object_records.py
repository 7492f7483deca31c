"""The rules that all families of records share, on companies and, for keys of several fields, on roles."""

from typing import Any

import pytest

from marketo_async.sandbox import Quirks, SandboxClock

from .api import Api, Body, Connect, code, reason

PATH = "/rest/v1/companies"
ROLES = "/rest/v1/opportunities/roles.json"
DAY = 86_400


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect(leads=5, activities=0)


def numbered(*numbers: int) -> list[Body]:
    return [{"externalCompanyId": f"c{number}", "company": f"Company {number}"} for number in numbers]


async def sync(api: Api, *records: Body, **members: Any) -> list[Body]:
    answer = await api.post(f"{PATH}.json", {"input": records, **members})
    assert answer["success"], answer
    rows: list[Body] = answer["result"]
    return rows


async def found(api: Api, filter_type: str, *values: str | int, **params: str | int) -> list[Body]:
    return await api.drain(f"{PATH}.json", filterType=filter_type, filterValues=",".join(map(str, values)), **params)


async def test_creating_and_updating_in_the_order_of_the_input(api: Api) -> None:
    created = await sync(api, *numbered(1, 2))
    mixed = await sync(api, {"externalCompanyId": "C2", "industry": "Toys"}, *numbered(3))

    assert [(row["seq"], row["status"]) for row in created] == [(0, "created"), (1, "created")]
    assert mixed[0] == {"seq": 0, "id": created[1]["id"], "status": "updated"}
    assert mixed[1]["status"] == "created"
    [row] = await found(api, "externalCompanyId", "c2", fields="company,industry,site")
    assert row == {"seq": 0, "id": created[1]["id"], "company": "Company 2", "industry": "Toys", "site": None}


async def test_default_fields_and_dates(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=1_767_225_600)
    api = await connect(leads=1, activities=0, clock=clock)
    await sync(api, *numbered(1))
    clock.advance(60)
    await sync(api, {"externalCompanyId": "c1", "site": "Lyon"})
    [row] = await found(api, "dedupeFields", "c1")

    assert row == {
        "seq": 0,
        "id": 3,
        "externalCompanyId": "c1",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:01:00Z",
    }


async def test_actions(api: Api) -> None:
    await sync(api, *numbered(1))

    assert reason((await sync(api, *numbered(1), action="createOnly"))[0]) == "1017"
    assert reason((await sync(api, *numbered(2), action="updateOnly"))[0]) == "1013"
    assert [row["status"] for row in await sync(api, *numbered(2), action="createOnly")] == ["created"]
    assert [row["status"] for row in await sync(api, *numbered(2), action="updateOnly")] == ["updated"]
    assert code(await api.post(f"{PATH}.json", {"input": numbered(1), "action": "createDuplicate"})) == "1003"


async def test_the_id_identifies_only_in_updates(api: Api) -> None:
    [first, _second] = await sync(api, *numbered(1, 2))
    by_id = {"dedupeBy": "idField", "action": "updateOnly"}

    assert (await sync(api, {"id": first["id"], "externalCompanyId": "renamed"}, **by_id))[0]["status"] == "updated"
    assert [row["id"] for row in await found(api, "externalCompanyId", "renamed", "c1")] == [first["id"]]
    assert reason((await sync(api, {"id": 999}, **by_id))[0]) == "1013"
    assert reason((await sync(api, {"company": "x"}, **by_id))[0]) == "1003"
    assert reason((await sync(api, {"id": first["id"], "externalCompanyId": "c2"}, **by_id))[0]) == "1017"
    assert reason((await sync(api, {"id": first["id"], "externalCompanyId": None}, **by_id))[0]) == "1003"
    assert reason((await sync(api, {"id": first["id"], "externalCompanyId": "renamed"}))[0]) == "1003"
    for members in ({"dedupeBy": "idField"}, {"dedupeBy": "idField", "action": "createOnly"}, {"dedupeBy": "company"}):
        assert code(await api.post(f"{PATH}.json", {"input": numbered(1), **members})) == "1003"


async def test_one_bad_record_does_not_block_the_others(api: Api) -> None:
    rows = await sync(
        api,
        {"externalCompanyId": "c1", "nonsense": 1},
        {"company": "No key"},
        {"externalCompanyId": "c2", "numberOfEmployees": "many"},
        *numbered(3, 3),
    )

    assert [reason(row) for row in (*rows[:3], rows[4])] == ["1006", "1003", "1001", "1036"]
    assert [row["seq"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[3]["status"] == "created"
    assert "id" not in rows[0]


async def test_empty_text_is_null_and_dates_are_nobodys_to_write(api: Api) -> None:
    await sync(api, {"externalCompanyId": "c1", "company": "x", "createdAt": "2001-01-01T00:00:00Z"})
    await sync(api, {"externalCompanyId": "c1", "company": ""})
    [row] = await found(api, "externalCompanyId", "c1", fields="company,createdAt")

    assert row["company"] is None
    assert not row["createdAt"].startswith("2001")


async def test_deleting(api: Api) -> None:
    [first, second] = await sync(api, *numbered(1, 2))
    by_key = await api.post(f"{PATH}/delete.json", {"input": numbered(1, 1, 9)})
    by_id = await api.post(f"{PATH}/delete.json", {"input": [{"id": second["id"]}], "deleteBy": "idField"})

    assert by_key["result"][0] == {"seq": 0, "id": first["id"], "status": "deleted"}
    assert [reason(row) for row in by_key["result"][1:]] == ["1036", "1013"]
    assert by_id["result"] == [{"seq": 0, "id": second["id"], "status": "deleted"}]
    assert await found(api, "externalCompanyId", "c1", "c2") == []
    assert code(await api.post(f"{PATH}/delete.json", {"input": numbered(1), "deleteBy": "company"})) == "1003"
    assert code(await api.post(f"{PATH}/delete.json", {})) == "1002"


async def test_ids_are_not_used_twice(api: Api) -> None:
    [row] = await sync(api, *numbered(1))
    await api.post(f"{PATH}/delete.json", {"input": numbered(1)})

    assert (await sync(api, *numbered(1)))[0]["id"] > row["id"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "1002"),
        ({"filterType": "id"}, "1002"),
        ({"filterType": "nonsense", "filterValues": "1"}, "1006"),
        ({"filterType": "industry", "filterValues": "Toys"}, "1011"),
        ({"filterType": "id", "filterValues": "one"}, "1001"),
        ({"filterType": "id", "filterValues": ",".join(map(str, range(301)))}, "1003"),
        ({"filterType": "id", "filterValues": "1", "fields": "nonsense"}, "1006"),
        ({"filterType": "id", "filterValues": "1", "batchSize": 301}, "1003"),
        ({"filterType": "id", "filterValues": "1", "nextPageToken": "AAAA"}, "1003"),
    ],
)
async def test_queries_that_cannot_be(api: Api, params: dict[str, str | int], expected: str) -> None:
    assert code(await api.get(f"{PATH}.json", **params)) == expected


@pytest.mark.parametrize("filter_type", ["idField", "id"])
async def test_finding_by_id(api: Api, filter_type: str) -> None:
    assert [row["id"] for row in await found(api, filter_type, 2, 1, 77)] == [1, 2]


@pytest.mark.parametrize("filter_type", ["company", "companySegment"])
async def test_finding_by_searchable_fields_whatever_the_case(api: Api, filter_type: str) -> None:
    await sync(api, {"externalCompanyId": "c1", filter_type: "Größe"})

    assert [row["externalCompanyId"] for row in await found(api, filter_type, "GRÖSSE")] == ["c1"]
    assert await found(api, filter_type, "nobody") == []


async def test_pages(api: Api) -> None:
    await sync(api, *numbered(*range(1, 8)))
    values = ",".join(f"c{number}" for number in range(1, 8))
    query: dict[str, str | int] = {"filterType": "dedupeFields", "filterValues": values, "batchSize": 3}
    first = await api.get(f"{PATH}.json", **query)
    rows = await api.drain(f"{PATH}.json", **query)

    assert len(first["result"]) == 3
    assert "moreResult" not in first
    assert [row["externalCompanyId"] for row in rows] == values.split(",")
    assert [row["seq"] for row in rows] == [0, 1, 2, 0, 1, 2, 0]
    other = {**query, "filterValues": "c1", "nextPageToken": first["nextPageToken"]}
    assert code(await api.get(f"{PATH}.json", **other)) == "1003"


async def test_a_query_may_come_as_a_form(api: Api) -> None:
    answer = await api.raw(
        "POST", f"{PATH}.json", params={"_method": "GET"}, data={"filterType": "id", "filterValues": "1,2"}
    )

    assert [row["id"] for row in answer.json()["result"]] == [1, 2]


async def test_three_hundred_records_at_most(api: Api) -> None:
    assert code(await api.post(f"{PATH}.json", {"input": numbered(*range(301))})) == "1003"
    assert code(await api.post(f"{PATH}.json", {"input": []})) == "1002"


async def test_members_without_a_value_may_be_absent(connect: Connect) -> None:
    api = await connect(leads=1, activities=0, quirks=Quirks(omit_null=True))

    assert await found(api, "id", 1, fields="company,site") == [{"seq": 0, "id": 1, "company": "Northwind"}]


@pytest.mark.parametrize(
    "path", ["companies", "opportunities", "opportunities/roles", "salespersons", "namedaccounts", "namedAccountLists"]
)
async def test_where_the_crm_writes_nobody_else_does(connect: Connect, path: str) -> None:
    api = await connect(leads=1, activities=0, quirks=Quirks(native_crm=True))
    answer = await api.post(f"/rest/v1/{path}/delete.json", {"input": [{"name": "x"}]})

    if path.startswith("named"):
        assert answer["success"]
    else:
        assert code(answer) == "1018"


class TestKeysOfSeveralFields:
    @pytest.fixture(autouse=True)
    async def roles(self, api: Api) -> None:
        records = [
            {"externalOpportunityId": "deal-1", "leadId": lead_id, "role": role}
            for lead_id in (1, 2, 3)
            for role in ("Buyer", "User")
        ]
        assert (await api.post(ROLES, {"input": records}))["success"]

    def key(self, lead_id: int, role: str = "Buyer") -> Body:
        return {"externalOpportunityId": "deal-1", "leadId": lead_id, "role": role}

    async def lookup(self, api: Api, **body: Any) -> Body:
        return await api.post(ROLES, body, _method="GET")

    async def test_finding(self, api: Api) -> None:
        inputs = [self.key(2), self.key(1, "user"), self.key(9)]
        answer = await self.lookup(api, filterType="dedupeFields", fields=["leadId", "role"], input=inputs)

        assert [(row["leadId"], row["role"]) for row in answer["result"]] == [(1, "User"), (2, "Buyer")]
        assert set(answer["result"][0]) == {"seq", "marketoGUID", "leadId", "role"}

    async def test_a_get_may_have_a_body_too(self, api: Api) -> None:
        body = {"filterType": "dedupeFields", "input": [self.key(3)]}

        assert len((await api.raw("GET", ROLES, json=body)).json()["result"]) == 1

    async def test_pages_repeat_all_inputs(self, api: Api) -> None:
        body: Body = {"filterType": "dedupeFields", "input": [self.key(1), self.key(2), self.key(3)], "batchSize": 2}
        first = await self.lookup(api, **body)
        second = await self.lookup(api, **body, nextPageToken=first["nextPageToken"])

        assert [row["leadId"] for row in first["result"] + second["result"]] == [1, 2, 3]
        assert first["moreResult"] is True
        assert second["moreResult"] is False
        fewer = {**body, "input": [self.key(1)], "nextPageToken": first["nextPageToken"]}
        assert code(await self.lookup(api, **fewer)) == "1003"

    async def test_inputs_by_id(self, api: Api) -> None:
        [row] = (await self.lookup(api, input=[self.key(1)]))["result"]
        answer = await self.lookup(api, filterType="idField", input=[{"marketoGUID": row["marketoGUID"]}])

        assert answer["result"] == [row]

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({"leadId": 1, "role": "Buyer"}, "1003"),
            ({"externalOpportunityId": "deal-1", "leadId": "one", "role": "Buyer"}, "1001"),
            ({"nonsense": 1}, "1006"),
        ],
    )
    async def test_inputs_that_cannot_be(self, api: Api, given: Body, expected: str) -> None:
        assert code(await self.lookup(api, filterType="dedupeFields", input=[given])) == expected

    async def test_the_query_has_no_place_for_them(self, api: Api) -> None:
        assert code(await api.get(ROLES, filterType="dedupeFields", filterValues="deal-1")) == "1003"
        assert code(await api.get(ROLES)) == "1002"
        assert code(await api.get(ROLES, filterType="leadId")) == "1002"

    async def test_single_filters(self, api: Api) -> None:
        rows = await api.drain(ROLES, filterType="leadId", filterValues="1,3", batchSize=3)

        assert [row["leadId"] for row in rows] == [1, 1, 3, 3]

    async def test_deleting(self, api: Api) -> None:
        answer = await api.post(ROLES.replace(".json", "/delete.json"), {"input": [self.key(1), self.key(1, "None")]})

        assert answer["result"][0]["status"] == "deleted"
        assert reason(answer["result"][1]) == "1013"
        assert len(await api.drain(ROLES, filterType="leadId", filterValues=1)) == 1
