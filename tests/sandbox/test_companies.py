from .api import Api, code

PATH = "/rest/v1/companies"


async def test_description(api: Api) -> None:
    [description] = (await api.get(f"{PATH}/describe.json"))["result"]
    fields = {field["name"]: field for field in description["fields"]}

    assert description["idField"] == "id"
    assert description["dedupeFields"] == ["externalCompanyId"]
    assert description["searchableFields"] == [["externalCompanyId"], ["id"], ["company"], ["companySegment"]]
    assert fields["site"] == {
        "name": "site",
        "displayName": "Site",
        "dataType": "string",
        "length": 255,
        "updateable": True,
        "crmManaged": False,
    }
    assert fields["id"]["updateable"] is False
    assert "length" not in fields["annualRevenue"]


async def test_fields(api: Api) -> None:
    rows = await api.drain(f"{PATH}/schema/fields.json", batchSize=4)
    [one] = (await api.get(f"{PATH}/schema/fields/industry.json"))["result"]

    assert one in rows
    assert one["isCustom"] is False
    assert code(await api.get(f"{PATH}/schema/fields/nonsense.json")) == "1006"


async def test_who_may_do_what(api: Api) -> None:
    reader = api.sandbox.add_user("reader", frozenset({"Read-Only Company"}))
    await api.authorize(reader)

    assert (await api.get(f"{PATH}.json", filterType="id", filterValues=1))["success"]
    assert code(await api.post(f"{PATH}.json", {"input": [{"externalCompanyId": "c1"}]})) == "603"
    assert code(await api.get(f"{PATH}/schema/fields.json")) == "603"
