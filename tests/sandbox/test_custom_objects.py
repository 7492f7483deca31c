"""Custom object types from draft to deletion, and the records of those that have been approved."""

from typing import Any

import pytest

from marketo_async.sandbox.records.custom_objects import DependentAsset

from .api import Api, Body, Connect, code, reason

OBJECTS = "/rest/v1/customobjects"
SCHEMA = f"{OBJECTS}/schema"
VIN = {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True}
LEAD = {"name": "Lead", "field": "id"}
OWNER = {"name": "leadId", "displayName": "Lead Id", "dataType": "integer", "relatedTo": LEAD}
COLOUR = {"name": "colour", "displayName": "Colour", "dataType": "string", "description": "Outside"}


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect(leads=3, activities=0)


async def done(api: Api, path: str, body: object = None) -> None:
    answer = await api.post(f"{SCHEMA}{path}.json", body)
    assert answer["success"], answer
    assert answer["result"] == []


async def add(api: Api, name: str, *fields: Body) -> None:
    await done(api, f"/{name}/addField", {"input": fields})


async def draft(api: Api, name: str = "car", *fields: Body) -> None:
    await done(api, "", {"apiName": name, "displayName": name.title(), "action": "createOnly"})
    if fields:
        await add(api, name, *fields)


async def approved(api: Api, name: str = "car", *fields: Body) -> None:
    await draft(api, name, *(fields or (VIN, OWNER, COLOUR)))
    await done(api, f"/{name}/approve")


async def described(api: Api, name: str = "car", **params: str) -> Body:
    answer = await api.get(f"{SCHEMA}/{name}/describe.json", **params)
    assert answer["success"], answer
    [row] = answer["result"]
    assert isinstance(row, dict)
    return row


def own_fields(row: Body) -> list[str]:
    return [field["name"] for field in row["fields"] if field["updateable"]]


async def refused(api: Api, path: str, body: object = None) -> str:
    return code(await api.post(f"{SCHEMA}{path}.json", body))


class TestLifeCycle:
    async def test_a_draft_has_no_records(self, api: Api) -> None:
        await draft(api, "car", VIN)
        row = await described(api)

        assert (row["state"], row["version"], row["dedupeFields"]) == ("draft", "draft", ["vin"])
        assert (await api.get(f"{OBJECTS}.json"))["result"] == []
        for path in ("/car/describe.json", "/car.json"):
            assert code(await api.get(f"{OBJECTS}{path}", filterType="vin", filterValues="1")) == "1013"
        assert code(await api.post(f"{OBJECTS}/car.json", {"input": [{"vin": "1"}]})) == "1013"

    async def test_approval(self, api: Api) -> None:
        await approved(api)
        row = await described(api)

        assert (row["state"], row["version"]) == ("approved", "approved")
        assert row["idField"] == "marketoGUID"
        assert row["searchableFields"] == [["vin"], ["marketoGUID"], ["leadId"]]
        assert row["relationships"] == [{"field": "leadId", "type": "child", "relatedTo": LEAD}]
        # Only the schema calls name the type ``apiName``.
        assert row["apiName"] == "car"
        row["name"] = row.pop("apiName")
        assert (await api.get(f"{OBJECTS}.json"))["result"] == [row]
        assert (await api.get(f"{OBJECTS}/car/describe.json"))["result"] == [row]
        assert await refused(api, "/car/approve") == "1003"

    async def test_approval_needs_a_dedupe_field(self, api: Api) -> None:
        await draft(api, "car", COLOUR)

        assert await refused(api, "/car/approve") == "1003"
        assert (await described(api))["searchableFields"] == [["marketoGUID"]]

    async def test_edits_wait_in_a_draft(self, api: Api) -> None:
        await approved(api)
        await add(api, "car", {"name": "doors", "displayName": "Doors", "dataType": "integer"})

        assert own_fields(await described(api)) == ["vin", "leadId", "colour"]
        assert (await described(api))["state"] == "approvedWithDraft"
        for state in ("draft", "approvedWithDraft"):
            assert own_fields(await described(api, state=state))[-1] == "doors"
        assert reason((await sync(api, {"vin": "1", "doors": 4}))[0]) == "1006"
        await done(api, "/car/approve")
        assert own_fields(await described(api, state="approved"))[-1] == "doors"
        assert (await sync(api, {"vin": "1", "doors": 4}))[0]["status"] == "created"

    async def test_discarding(self, api: Api) -> None:
        await draft(api, "car", VIN)
        assert await refused(api, "/car/discardDraft") == "1048"
        await done(api, "/car/approve")
        assert await refused(api, "/car/discardDraft") == "1048"
        await add(api, "car", COLOUR)
        await done(api, "/car/discardDraft")

        assert (await described(api))["state"] == "approved"
        assert code(await api.get(f"{SCHEMA}/car/describe.json", state="draft")) == "1013"

    async def test_deleting(self, api: Api) -> None:
        await approved(api, "car", VIN)
        part = {"name": "car", "displayName": "Car", "dataType": "string", "relatedTo": {"name": "car", "field": "vin"}}
        await draft(api, "part", part, {**VIN, "name": "number"})

        assert (await api.get(f"{SCHEMA}/car/dependentAssets.json"))["result"] == [
            {"assetType": "Custom Object", "assetId": 2, "assetName": "part", "usedFields": ["car"]}
        ]
        assert await refused(api, "/car/delete") == "1022"
        await done(api, "/part/delete")
        await done(api, "/car/delete")
        assert await refused(api, "/car/delete") == "1013"
        assert (await api.get(f"{SCHEMA}.json"))["result"] == []

    async def test_assets_that_use_a_type(self, api: Api) -> None:
        await approved(api)
        kind = api.sandbox.instance.objects.custom.get("car")
        kind.dependents.append(DependentAsset("Smart Campaign", 4001, "Newsletter", ("colour",)))

        assert await refused(api, "/car/delete") == "1022"
        [asset] = (await api.get(f"{SCHEMA}/car/dependentAssets.json"))["result"]
        assert (asset["assetType"], asset["assetId"]) == ("Smart Campaign", 4001)


class TestTypes:
    async def test_creating_and_editing(self, api: Api) -> None:
        await done(api, "", {"apiName": "car", "displayName": "Car", "pluralName": "Cars", "showInLeadDetail": True})
        await done(api, "", {"apiName": "car", "action": "updateOnly", "description": "On wheels"})
        await done(api, "", {"apiName": "car", "displayName": "Motor Car"})
        row = await described(api)

        assert (row["displayName"], row["pluralName"], row["description"]) == ("Motor Car", "Cars", "On wheels")

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"apiName": "car"}, "1002"),
            ({"displayName": "Car"}, "1002"),
            ({"apiName": "car", "displayName": "Car", "action": "createOnly"}, "1017"),
            ({"apiName": "van", "displayName": "Van", "action": "updateOnly"}, "1013"),
            ({"apiName": "van", "displayName": "Van", "action": "nonsense"}, "1003"),
            ({"apiName": "a van", "displayName": "Van"}, "1003"),
            ({"apiName": "van", "displayName": "Van", "showInLeadDetail": "perhaps"}, "1001"),
        ],
    )
    async def test_what_cannot_be(self, api: Api, body: Body, expected: str) -> None:
        await draft(api)

        assert await refused(api, "", body) == expected

    async def test_ten_at_most(self, api: Api) -> None:
        for number in range(10):
            await draft(api, f"car{number}")

        assert await refused(api, "", {"apiName": "more", "displayName": "More"}) == "1003"

    async def test_listing(self, api: Api) -> None:
        await draft(api, "van", VIN)
        await approved(api, "car")
        await approved(api, "bus")
        await add(api, "bus", {**COLOUR, "name": "roof"})

        async def names(**params: str) -> list[str]:
            return [row["apiName"] for row in (await api.get(f"{SCHEMA}.json", **params))["result"]]

        assert await names() == ["van", "car", "bus"]
        assert await names(names="car,van") == ["van", "car"]
        assert await names(state="draft") == ["van"]
        assert await names(state="approved") == ["car"]
        assert await names(state="approvedWithDraft") == ["bus"]
        assert code(await api.get(f"{SCHEMA}.json", state="nonsense")) == "1003"
        approved_only = (await api.get(f"{OBJECTS}.json", names="bus,van"))["result"]
        assert [(row["name"], row["state"]) for row in approved_only] == [("bus", "approvedWithDraft")]

    async def test_unknown_types(self, api: Api) -> None:
        assert code(await api.get(f"{SCHEMA}/van/describe.json")) == "1013"
        assert await refused(api, "/van/approve") == "1013"

    async def test_permissions_are_those_of_types(self, api: Api) -> None:
        await draft(api)
        await api.authorize(api.sandbox.add_user("writer", frozenset({"Read-Write Custom Object"})))

        assert code(await api.get(f"{SCHEMA}.json")) == "603"
        assert (await api.get(f"{OBJECTS}.json"))["success"]


class TestFields:
    async def test_adding_changing_and_deleting(self, api: Api) -> None:
        await draft(api, "car", VIN, COLOUR)
        change = {**COLOUR, "name": "paint", "displayName": "Paint", "dataType": "text", "isDedupeField": True}
        await done(api, "/car/colour/updateField", change)
        row = await described(api)

        assert own_fields(row) == ["vin", "paint"]
        assert row["dedupeFields"] == ["vin", "paint"]
        assert row["fields"][-1]["dataType"] == "text"
        await done(api, "/car/deleteField", {"input": [{"name": "paint"}]})
        assert own_fields(await described(api)) == ["vin"]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ([{"name": "x", "displayName": "X"}], "1002"),
            ([{**COLOUR, "dataType": "colour"}], "1003"),
            ([{**COLOUR, "name": "the colour"}], "1003"),
            ([VIN], "1017"),
            ([{**VIN, "name": f"k{number}"} for number in range(3)], "1003"),
            ([{**COLOUR, "name": f"f{number}"} for number in range(50)], "1003"),
            ([{**OWNER, "relatedTo": {"name": "Nobody", "field": "id"}}], "1003"),
            ([{**OWNER, "relatedTo": {"name": "Lead", "field": "firstName"}}], "1003"),
            ([{**OWNER, "relatedTo": {"name": "Lead"}}], "1001"),
            ([{**OWNER, "relatedTo": "Lead"}], "1001"),
            ([{**OWNER, "name": f"l{number}"} for number in range(3)], "1003"),
        ],
    )
    async def test_what_cannot_be_added(self, api: Api, fields: list[Body], expected: str) -> None:
        await draft(api, "car", VIN)

        assert await refused(api, "/car/addField", {"input": [{**COLOUR, "name": "first"}, *fields]}) == expected
        assert own_fields(await described(api)) == ["vin"]

    async def test_what_is_frozen_after_approval(self, api: Api) -> None:
        await approved(api)

        assert await refused(api, "", {"apiName": "car", "displayName": "Van"}) == "1003"
        assert await refused(api, "/car/deleteField", {"input": [{"name": "vin"}]}) == "1003"
        assert await refused(api, "/car/leadId/updateField", {"name": "ownerId"}) == "1003"
        assert await refused(api, "/car/colour/updateField", {"isDedupeField": True}) == "1003"
        assert await refused(api, "/car/colour/updateField", {"name": "vin"}) == "1017"
        assert await refused(api, "/car/nonsense/updateField", {"name": "x"}) == "1013"
        assert await refused(api, "/car/deleteField", {"input": [{"name": "nonsense"}]}) == "1013"
        many = [{**COLOUR, "name": f"f{number}"} for number in range(21)]
        assert await refused(api, "/car/addField", {"input": many}) == "1003"
        await add(api, "car", *many[:20])
        await done(api, "/car/colour/updateField", {"description": "Inside"})
        assert (await described(api))["state"] == "approvedWithDraft"

    async def test_data_types(self, api: Api) -> None:
        names = (await api.get(f"{SCHEMA}/fieldDataTypes.json"))["result"]

        assert {"string", "integer", "link", "text"} <= set(names)

    async def test_what_can_be_linked_to(self, api: Api) -> None:
        await approved(api, "car")
        await approved(api, "course", {**VIN, "name": "courseId", "displayName": "Course Id"})
        await draft(api, "van", VIN)
        linkable = {row["name"]: row for row in (await api.get(f"{SCHEMA}/linkableObjects.json"))["result"]}

        assert set(linkable) == {"Lead", "Company", "course"}
        assert linkable["course"]["fields"] == [{"name": "courseId", "displayName": "Course Id", "dataType": "string"}]
        assert {"id", "email"} <= {field["name"] for field in linkable["Lead"]["fields"]}


async def sync(api: Api, *records: Body, name: str = "car", **members: Any) -> list[Body]:
    answer = await api.post(f"{OBJECTS}/{name}.json", {"input": records, **members})
    assert answer["success"], answer
    rows: list[Body] = answer["result"]
    return rows


class TestRecords:
    async def test_syncing_and_finding(self, api: Api) -> None:
        await approved(api)
        red, blue = {"vin": "a1", "leadID": "2", "colour": "red"}, {"vin": "A1", "colour": "blue"}
        rows = await sync(api, red, blue, {"colour": "x"})
        again = await sync(api, blue)

        assert [row["status"] for row in rows] == ["created", "skipped", "skipped"]
        assert [reason(row) for row in rows[1:]] == ["1036", "1003"]
        assert again == [{"seq": 0, "marketoGUID": rows[0]["marketoGUID"], "status": "updated"}]
        found = await api.drain(f"{OBJECTS}/car.json", filterType="leadid", filterValues=2, fields="LEADID,colour")
        assert found == [{"seq": 0, "marketoGUID": rows[0]["marketoGUID"], "leadId": 2, "colour": "blue"}]
        [default] = await api.drain(f"{OBJECTS}/car.json", filterType="dedupeFields", filterValues="a1")
        assert set(default) == {"seq", "marketoGUID", "vin", "createdAt", "updatedAt"}
        assert code(await api.get(f"{OBJECTS}/car.json", filterType="colour", filterValues="red")) == "1011"

    async def test_by_guid(self, api: Api) -> None:
        await approved(api)
        [row] = await sync(api, {"vin": "a1"})
        guid = row["marketoGUID"]
        by_id: dict[str, Any] = {"action": "updateOnly", "dedupeBy": "idField"}

        assert (await sync(api, {"marketoGUID": guid, "vin": "b2"}, **by_id))[0]["status"] == "updated"
        assert len(await api.drain(f"{OBJECTS}/car.json", filterType="vin", filterValues="b2")) == 1
        gone = await api.post(f"{OBJECTS}/car/delete.json", {"input": [{"marketoGUID": guid}], "deleteBy": "idField"})
        assert gone["result"] == [{"seq": 0, "marketoGUID": guid, "status": "deleted"}]

    async def test_keys_of_several_fields(self, api: Api) -> None:
        await approved(api, "ride", VIN, {**OWNER, "isDedupeField": True})
        await sync(api, *({"vin": vin, "leadId": lead} for vin in "ab" for lead in (1, 2)), name="ride")
        body = {"filterType": "dedupeFields", "input": [{"vin": "a", "leadID": 2}, {"vin": "c", "leadId": 1}]}
        answer = await api.post(f"{OBJECTS}/ride.json", body, _method="GET")

        assert [(row["vin"], row["leadId"]) for row in answer["result"]] == [("a", 2)]
        deleted = await api.post(f"{OBJECTS}/ride/delete.json", {"input": body["input"]})
        assert [row["status"] for row in deleted["result"]] == ["deleted", "skipped"]

    async def test_records_outlive_new_versions_but_not_their_type(self, api: Api) -> None:
        await approved(api)
        await sync(api, {"vin": "a1", "colour": "red"})
        await add(api, "car", {"name": "doors", "displayName": "Doors", "dataType": "integer"})
        await done(api, "/car/approve")

        found = await api.drain(f"{OBJECTS}/car.json", filterType="vin", filterValues="a1", fields="colour,doors")
        assert [(row["colour"], row["doors"]) for row in found] == [("red", None)]
        await done(api, "/car/delete")
        await approved(api)
        assert await api.drain(f"{OBJECTS}/car.json", filterType="vin", filterValues="a1") == []
