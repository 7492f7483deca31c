import pytest

from .api import Api, Body, code, reason

PATH = "/rest/v1/namedaccounts"
LISTS = "/rest/v1/namedAccountLists"


async def guids(api: Api, path: str = LISTS) -> dict[str, str]:
    values = "Northwind,Contoso,Initech,Top accounts,CRM view,Prospects"
    rows = await api.drain(f"{path}.json", filterType="dedupeFields", filterValues=values)
    return {row["name"]: row["marketoGUID"] for row in rows}


async def test_syncing(api: Api) -> None:
    rows = (
        await api.post(f"{PATH}.json", {"input": [{"name": "Initech", "numberOfEmployees": 40}, {"name": "contoso"}]})
    )["result"]

    assert [row["status"] for row in rows] == ["created", "updated"]
    assert (await guids(api, PATH))["Initech"] == rows[0]["marketoGUID"]
    answer = await api.get(f"{PATH}.json", filterType="industry", filterValues="Software,Retail", batchSize=1)
    assert answer["moreResult"] is True
    [renamed] = (
        await api.post(
            f"{PATH}.json",
            {
                "input": [{"marketoGUID": rows[0]["marketoGUID"], "name": "Initrode"}],
                "action": "updateOnly",
                "dedupeBy": "idField",
            },
        )
    )["result"]
    assert renamed == {"seq": 0, "marketoGUID": rows[0]["marketoGUID"], "status": "updated"}


async def test_metadata(api: Api) -> None:
    [description] = (await api.get(f"{PATH}/describe.json"))["result"]
    fields = await api.drain(f"{PATH}/schema/fields.json", batchSize=5)
    [name] = (await api.get(f"{PATH}/schema/fields/name.json"))["result"]

    assert description["dedupeFields"] == ["name"]
    assert ["industry"] in description["searchableFields"]
    assert name in fields


async def test_a_deleted_account_leaves_its_lists(api: Api) -> None:
    members = f"/rest/v1/namedAccountList/{(await guids(api))['Top accounts']}/namedAccounts.json"
    before = await api.drain(members)
    await api.post(f"{PATH}/delete.json", {"input": [{"name": "Northwind"}]})

    assert [row["name"] for row in before] == ["Northwind"]
    assert await api.drain(members) == []


class TestLists:
    async def test_finding(self, api: Api) -> None:
        rows = await api.drain(f"{LISTS}.json", filterType="dedupeFields", filterValues="Top accounts,CRM view")
        ids = ",".join(row["marketoGUID"] for row in rows)

        assert [(row["name"], row["type"], row["updateable"]) for row in rows] == [
            ("Top accounts", "default", True),
            ("CRM view", "external", False),
        ]
        for alias in ("idField", "idFields"):
            assert await api.drain(f"{LISTS}.json", filterType=alias, filterValues=ids) == rows
        assert code(await api.get(f"{LISTS}.json", filterType="name", filterValues="Top accounts")) == "1011"

    async def test_creating_is_the_default_and_upserting_is_not_possible(self, api: Api) -> None:
        created = (await api.post(f"{LISTS}.json", {"input": [{"name": "Prospects"}, {"name": "Top accounts"}]}))[
            "result"
        ]

        assert created[0]["status"] == "created"
        assert reason(created[1]) == "1017"
        [row] = await api.drain(f"{LISTS}.json", filterType="dedupeFields", filterValues="Prospects")
        assert (row["type"], row["updateable"]) == ("default", True)
        assert code(await api.post(f"{LISTS}.json", {"input": [{"name": "x"}], "action": "createOrUpdate"})) == "1003"

    async def test_renaming_and_deleting(self, api: Api) -> None:
        lists = await guids(api)
        body: Body = {"action": "updateOnly", "dedupeBy": "idField"}
        records = [
            {"marketoGUID": lists["Top accounts"], "name": "Prospects"},
            {"marketoGUID": lists["CRM view"], "name": "x"},
        ]
        rows = (await api.post(f"{LISTS}.json", {"input": records, **body}))["result"]
        deleted = (await api.post(f"{LISTS}/delete.json", {"input": [{"name": "Prospects"}, {"name": "CRM view"}]}))[
            "result"
        ]

        assert rows[0] == {"seq": 0, "marketoGUID": lists["Top accounts"], "status": "updated"}
        assert reason(rows[1]) == "1018"
        assert deleted[0]["status"] == "deleted"
        assert reason(deleted[1]) == "1018"
        assert set(await guids(api)) == {"CRM view"}

    @pytest.mark.parametrize("member", ["marketoGUID", "id"])
    async def test_members(self, api: Api, member: str) -> None:
        lists, accounts = await guids(api), await guids(api, PATH)
        path = f"/rest/v1/namedAccountList/{lists['Top accounts']}/namedAccounts"
        body = {"input": [{member: accounts["Contoso"]}, {member: "nobody"}]}
        added = (await api.post(f"{path}.json", body))["result"]

        assert added[0] == {"seq": 0, "marketoGUID": accounts["Contoso"], "status": "added"}
        assert reason(added[1]) == "1013"
        rows = await api.drain(f"{path}.json", batchSize=1)
        assert [row["name"] for row in rows] == ["Northwind", "Contoso"]
        assert set(rows[0]) == {"seq", "marketoGUID", "name", "createdAt", "updatedAt"}
        removed = [(await api.post(f"{path}/remove.json", body))["result"][0] for _ in range(2)]
        assert removed[0]["status"] == "removed"
        assert reason(removed[1]) == "1013"
        assert [row["industry"] for row in await api.drain(f"{path}.json", fields="industry")] == ["Retail"]

    async def test_lists_that_cannot_have_members(self, api: Api) -> None:
        lists, accounts = await guids(api), await guids(api, PATH)
        body = {"input": [{"marketoGUID": accounts["Northwind"]}]}
        crm = await api.post(f"/rest/v1/namedAccountList/{lists['CRM view']}/namedAccounts.json", body)

        assert reason(crm["result"][0]) == "1018"
        assert code(await api.post("/rest/v1/namedAccountList/nothing/namedAccounts.json", body)) == "1013"
