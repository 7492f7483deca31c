import pytest

from .api import Api, Body, code, reason

FIELDS = "/rest/v1/leads/schema/fields.json"


def field(name: str, **changes: object) -> Body:
    return {"name": name, "displayName": name.title(), "dataType": "string", **changes}


async def test_describe_has_a_rest_name_where_there_is_one(api: Api) -> None:
    rows = {row["displayName"]: row for row in (await api.get("/rest/v1/leads/describe.json"))["result"]}

    assert rows["Email Address"]["rest"] == {"name": "email", "readOnly": False}
    assert rows["Email Address"]["soap"] == {"name": "Email", "readOnly": False}
    assert rows["Email Address"]["length"] == 255
    assert rows["Created At"]["rest"]["readOnly"] is True
    assert "rest" not in rows["Legacy Notes"]
    assert "length" not in rows["Lead Score"]


async def test_describe2_lists_exactly_what_can_be_filtered_by(api: Api) -> None:
    [described] = (await api.get("/rest/v1/leads/describe2.json"))["result"]
    searchable = {name for [name] in described["searchableFields"]}
    names = [row["name"] for row in described["fields"]]

    assert described["name"] == "API Lead"
    assert {"id", "email", "accountTier", "memberNumber"} <= searchable
    assert "renewalDate" in names
    assert "Legacy_Notes" not in names
    for name in names:
        answer = await api.get("/rest/v1/leads.json", filterType=name, filterValues="1")
        assert answer["success"] is (name in searchable), name


async def test_program_members_are_described_too(api: Api) -> None:
    [described] = (await api.get("/rest/v1/program/members/describe.json"))["result"]

    assert described["name"] == "API Program Member"
    assert {"leadId", "programId", "reachedSuccess"} <= {row["name"] for row in described["fields"]}


async def test_all_fields_in_pages(api: Api) -> None:
    rows = await api.drain(FIELDS, batchSize=25)

    assert len(rows) > 50
    assert len({row["name"] for row in rows}) == len(rows)
    [email] = (await api.get("/rest/v1/leads/schema/fields/email.json"))["result"]
    assert email in rows
    assert email["isCustom"] is False


async def test_created_fields_can_be_used_at_once(api: Api) -> None:
    record = field("shoe_size", dataType="integer", isHidden=False, isSensitive=True, description="EU")
    answer = await api.post(FIELDS, {"input": [record]})
    [created] = (await api.get("/rest/v1/leads/schema/fields/shoe_size.json"))["result"]
    await api.post("/rest/v1/leads.json", {"input": [{"email": "lead1@example.com", "shoe_size": 44}]})
    found = await api.get("/rest/v1/leads.json", filterType="shoe_size", filterValues=44)

    assert answer["result"] == [{"name": "shoe_size", "status": "created"}]
    assert created["isApiCreated"] is created["isCustom"] is created["isSensitive"] is True
    assert created["description"] == "EU"
    assert [lead["id"] for lead in found["result"]] == [1]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (field("1st"), "1003"),
        (field("with space"), "1003"),
        (field("odd", displayName="Odd!"), "1003"),
        (field("blob", dataType="blob"), "1003"),
        (field("email"), "1017"),
        (field("mail", displayName="Email Address"), "1017"),
    ],
)
async def test_fields_that_are_skipped(api: Api, record: Body, expected: str) -> None:
    answer = await api.post(FIELDS, {"input": [record, field("fine")]})

    assert reason(answer["result"][0]) == expected
    assert answer["result"][1] == {"name": "fine", "status": "created"}


async def test_no_more_than_a_hundred_fields(api: Api) -> None:
    answer = await api.post(FIELDS, {"input": [field(f"f{number}") for number in range(101)]})

    assert [row["status"] for row in answer["result"]] == ["created"] * 100 + ["skipped"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [({"name": "x"}, "1002"), (field("x", dataType=7), "1001"), (field("x", isHidden="maybe"), "1001")],
)
async def test_fields_that_cannot_be(api: Api, record: Body, expected: str) -> None:
    assert code(await api.post(FIELDS, {"input": [record]})) == expected


async def test_a_field_of_ones_own_can_be_renamed_and_hidden(api: Api) -> None:
    await api.post(FIELDS, {"input": [field("shoeSize")]})
    path = "/rest/v1/leads/schema/fields/shoeSize.json"
    answer = await api.post(path, {"input": [{"displayName": "Shoe", "isHidden": True, "description": "EU"}]})
    [changed] = (await api.get(path))["result"]

    assert answer["result"] == [{"name": "shoeSize", "status": "updated"}]
    assert (changed["displayName"], changed["isHidden"], changed["description"]) == ("Shoe", True, "EU")
    [described] = (await api.get("/rest/v1/leads/describe2.json"))["result"]
    assert "shoeSize" not in [row["name"] for row in described["fields"]]


@pytest.mark.parametrize(
    ("name", "records", "expected"),
    [
        ("email", [{"displayName": "Mail"}], "1003"),
        ("accountTier", [{"isHidden": True}], "1003"),
        ("accountTier", [{"dataType": "integer"}], "1003"),
        ("accountTier", [{"name": "tier"}], "1003"),
        ("accountTier", [{}, {}], "1003"),
        ("accountTier", [{"displayName": 7}], "1001"),
        ("shoeSize", [{"description": "EU"}], "1006"),
    ],
)
async def test_changes_that_cannot_be(api: Api, name: str, records: list[Body], expected: str) -> None:
    assert code(await api.post(f"/rest/v1/leads/schema/fields/{name}.json", {"input": records})) == expected


async def test_a_standard_field_takes_a_description(api: Api) -> None:
    answer = await api.post("/rest/v1/leads/schema/fields/email.json", {"input": [{"description": "Work mail"}]})

    assert answer["result"] == [{"name": "email", "status": "updated"}]
