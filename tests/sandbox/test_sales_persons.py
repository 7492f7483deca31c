from .api import Api, Connect, reason

PATH = "/rest/v1/salespersons"


async def test_all_that_is_known_is_answered(api: Api) -> None:
    [row] = (await api.get(f"{PATH}.json", filterType="email", filterValues="INES@sandbox.example"))["result"]

    assert row["firstName"] == "Ines"
    assert "title" not in row
    assert row["id"] == 1
    [few] = await api.drain(f"{PATH}.json", filterType="id", filterValues=1, fields="title")
    assert few == {"seq": 0, "id": 1, "title": None}


async def test_syncing_and_describing(api: Api) -> None:
    records = [{"externalSalesPersonId": "sales-3", "email": "kim@sandbox.example"}, {"email": "x@sandbox.example"}]
    rows = (await api.post(f"{PATH}.json", {"input": records}))["result"]
    [description] = (await api.get(f"{PATH}/describe.json"))["result"]

    assert rows[0] == {"seq": 0, "id": 3, "status": "created"}
    assert reason(rows[1]) == "1003"
    assert description["dedupeFields"] == ["externalSalesPersonId"]
    assert description["searchableFields"] == [["externalSalesPersonId"], ["id"], ["email"]]


async def test_one_with_leads_stays(connect: Connect) -> None:
    api = await connect(leads=[{"id": 1, "email": "a@example.com", "externalSalesPersonId": "sales-1"}], activities=0)
    records = [{"externalSalesPersonId": "sales-1"}, {"externalSalesPersonId": "sales-2"}]
    rows = (await api.post(f"{PATH}/delete.json", {"input": records}))["result"]

    assert reason(rows[0]) == "1022"
    assert rows[1] == {"seq": 1, "id": 2, "status": "deleted"}
    assert [row["id"] for row in await api.drain(f"{PATH}.json", filterType="id", filterValues="1,2")] == [1]
