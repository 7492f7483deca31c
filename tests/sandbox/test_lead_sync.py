import asyncio

import pytest

from marketo_async.sandbox import Quirks

from .api import Api, Body, Connect, code, reason

LEADS = "/rest/v1/leads.json"


async def sync(api: Api, *records: Body, **options: object) -> list[Body]:
    answer = await api.post(LEADS, {"input": list(records), **options})
    assert answer["success"], answer
    result: list[Body] = answer["result"]
    return result


async def lead(api: Api, lead_id: int, fields: str) -> Body:
    [row] = (await api.get(f"/rest/v1/lead/{lead_id}.json", fields=fields))["result"]
    result: Body = row
    return result


async def test_create_or_update_in_the_order_of_input(api: Api) -> None:
    rows = await sync(
        api,
        {"email": "new@example.com", "firstName": "Nia"},
        {"email": "LEAD5@example.com", "title": "Owner"},
        {"email": "new@example.com", "firstName": "Nova"},
    )

    assert rows == [
        {"id": 101, "status": "created"},
        {"id": 5, "status": "updated"},
        {"id": 101, "status": "updated"},
    ]
    assert (await lead(api, 101, "firstName"))["firstName"] == "Nova"
    assert (await lead(api, 5, "title,email")) == {"id": 5, "title": "Owner", "email": "LEAD5@example.com"}


async def test_one_bad_record_never_blocks_the_others(api: Api) -> None:
    rows = await sync(
        api,
        {"email": "a@example.com"},
        {"email": "b@example.com", "shoeSize": 44},
        {"firstName": "Nobody"},
        {"email": "not an address"},
        {"email": "ä@example.com"},
        {"email": "c@example.com", "leadScore": "high"},
        {"email": "d@example.com", "company": "Initech"},
        {"email": "e@example.com", "id": 5},
        {"email": "f@example.com"},
    )

    assert [row["status"] for row in rows] == ["created", *["skipped"] * 7, "created"]
    assert [reason(row) for row in rows[1:-1]] == ["1006", "1003", "1003", "1003", "1001", "1021", "1003"]
    assert "id" not in rows[1]


async def test_create_only(api: Api) -> None:
    rows = await sync(api, {"email": "lead1@example.com"}, {"email": "new@example.com"}, action="createOnly")

    assert reason(rows[0]) == "1005"
    assert rows[1]["status"] == "created"


async def test_update_only(api: Api) -> None:
    rows = await sync(api, {"email": "lead1@example.com"}, {"email": "new@example.com"}, action="updateOnly")

    assert rows[0] == {"id": 1, "status": "updated"}
    assert reason(rows[1]) == "1004"


async def test_create_duplicate_and_then_nobody_knows_which(api: Api) -> None:
    rows = await sync(api, {"email": "lead1@example.com"}, action="createDuplicate")
    assert rows == [{"id": 101, "status": "created"}]

    [row] = await sync(api, {"email": "lead1@example.com", "title": "Owner"})
    assert reason(row) == "1007"


async def test_ids_only_with_update_only(api: Api) -> None:
    record = {"id": 4, "title": "Owner"}
    updated = await sync(api, record, {"id": 999}, {"id": "x"}, action="updateOnly", lookupField="id")

    assert updated[0] == {"id": 4, "status": "updated"}
    assert [reason(row) for row in updated[1:]] == ["1004", "1004"]
    assert reason((await sync(api, record, lookupField="id"))[0]) == "1003"
    assert reason((await sync(api, record, lookupField="id", action="createOnly"))[0]) == "1003"


async def test_other_lookup_fields(api: Api) -> None:
    first = await sync(api, {"memberNumber": 17, "lastName": "Ito"}, lookupField="memberNumber")
    second = await sync(api, {"memberNumber": "17", "lastName": "Sato"}, lookupField="memberNumber")

    assert [first[0]["status"], second[0]["status"]] == ["created", "updated"]
    assert first[0]["id"] == second[0]["id"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"lookupField": "shoeSize"}, "1006"),
        ({"lookupField": "firstName"}, "1011"),
        ({"lookupField": 7}, "1001"),
        ({"action": "upsert"}, "1003"),
        ({"partitionName": "APAC"}, "1008"),
        ({"partitionName": "EMEA", "action": "updateOnly"}, "1003"),
        ({"asyncProcessing": "perhaps"}, "1001"),
    ],
)
async def test_options_that_cannot_be(api: Api, options: Body, expected: str) -> None:
    assert code(await api.post(LEADS, {"input": [{"email": "a@example.com"}], **options})) == expected


async def test_no_more_than_three_hundred_records(api: Api) -> None:
    records = [{"email": f"{number}@example.com"} for number in range(301)]

    assert code(await api.post(LEADS, {"input": records})) == "1003"
    assert len(await sync(api, *records[:300])) == 300


async def test_empty_values_are_null_and_read_only_ones_ignored(api: Api) -> None:
    await sync(api, {"email": "lead1@example.com", "title": "", "country": None, "createdAt": "1999-01-01T00:00:00Z"})
    found = await lead(api, 1, "title,country,createdAt")

    assert found["title"] is None
    assert found["country"] is None
    assert not found["createdAt"].startswith("1999")


@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ({"leadScore": "12"}, {"leadScore": 12}),
        ({"urgency": "1.5"}, {"urgency": 1.5}),
        ({"unsubscribed": "TRUE"}, {"unsubscribed": True}),
        ({"unsubscribed": False}, {"unsubscribed": False}),
        ({"dateOfBirth": "1990-02-03"}, {"dateOfBirth": "1990-02-03"}),
        ({"title": 7}, {"title": "7"}),
    ],
)
async def test_values_are_stored_as_their_field_has_them(api: Api, values: Body, stored: Body) -> None:
    await sync(api, {"email": "lead1@example.com", **values})

    assert (await lead(api, 1, ",".join(values))) == {"id": 1, **stored}


@pytest.mark.parametrize(
    "values",
    [
        {"leadScore": True},
        {"leadScore": 1.5},
        {"urgency": True},
        {"urgency": "much"},
        {"unsubscribed": "yes"},
        {"unsubscribed": 1},
        {"dateOfBirth": "yesterday"},
        {"dateOfBirth": 1990},
        {"title": ["Owner"]},
    ],
)
async def test_values_of_the_wrong_type(api: Api, values: Body) -> None:
    [row] = await sync(api, {"email": "lead1@example.com", **values})

    assert reason(row) == "1001"


async def test_company_columns_can_be_made_writable(connect: Connect) -> None:
    api = await connect(quirks=Quirks(company_writable=True))

    assert (await sync(api, {"email": "lead1@example.com", "company": "Initech"}))[0]["status"] == "updated"


async def test_partitions_of_new_and_of_known_leads(api: Api) -> None:
    created, known = await sync(api, {"email": "new@example.com"}, {"email": "lead1@example.com"}, partitionName="EMEA")

    assert (await lead(api, created["id"], "leadPartitionId"))["leadPartitionId"] == 2
    assert reason(known) == "1010"


async def test_overlapping_upserts_of_one_key_create_duplicates(connect: Connect) -> None:
    api = await connect(latency=0.25)
    rows = await asyncio.gather(sync(api, {"email": "Race@example.com"}), sync(api, {"email": "race@example.com"}))

    assert [row[0]["status"] for row in rows] == ["created", "created"]
    assert rows[0][0]["id"] != rows[1][0]["id"]
    assert reason((await sync(api, {"email": "race@example.com"}))[0]) == "1007"
    assert api.sandbox.stats.overlaps == {"leads by email": 1}


async def test_upserts_one_after_the_other_do_not(connect: Connect) -> None:
    api = await connect(latency=0.01)
    statuses = [(await sync(api, {"email": "race@example.com"}))[0]["status"] for _ in range(2)]

    assert statuses == ["created", "updated"]
    assert not any(api.sandbox.stats.overlaps.values())


async def test_a_lead_deleted_meanwhile_is_not_updated(connect: Connect) -> None:
    arrived = asyncio.Event()

    def latency(rng: object, method: str, path: str) -> float:
        if path != LEADS:
            return 0.0
        arrived.set()
        return 0.3

    api = await connect(latency=latency)
    updating = asyncio.create_task(sync(api, {"email": "lead1@example.com"}, action="updateOnly"))
    await arrived.wait()
    await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 1}]})

    assert reason((await updating)[0]) == "1004"


async def test_asynchronous_processing_answers_at_once(connect: Connect) -> None:
    api = await connect(latency=30.0)
    answer = await api.post(LEADS, {"input": [{"email": "later@example.com"}], "asyncProcessing": True})

    assert answer["success"]
    assert answer["result"] == []
    assert len(api.sandbox.instance.leads) == 101


async def test_new_leads_and_changes_leave_activities(api: Api) -> None:
    token = await api.since()
    await sync(api, {"email": "new@example.com"}, {"email": "lead5@example.com", "title": "Chief", "leadScore": 4})
    rows = await api.drain("/rest/v1/activities/leadchanges.json", fields="title", nextPageToken=token)
    created = [row for row in rows if row["activityTypeId"] == 12 and row["leadId"] == 101]
    [changed] = [row for row in rows if row["activityTypeId"] == 13 and row["fields"][0]["newValue"] == "Chief"]

    assert len(created) == 1
    assert changed["leadId"] == 5
    assert changed["fields"] == [
        {"id": changed["fields"][0]["id"], "name": "title", "newValue": "Chief", "oldValue": "Owner"}
    ]
    assert {"name": "Source", "value": "Web service API"} in changed["attributes"]


async def test_a_value_that_stays_the_same_leaves_none(api: Api) -> None:
    before = len(api.sandbox.instance.activities)
    await sync(api, {"email": "lead5@example.com", "title": "Owner", "unsubscribed": False})

    assert len(api.sandbox.instance.activities) == before


async def test_a_changed_key_finds_its_lead_and_the_old_one_does_not(api: Api) -> None:
    old = await api.get(LEADS, filterType="email", filterValues="lead1@example.com")
    await sync(api, {"id": 1, "email": "moved@example.com"}, action="updateOnly", lookupField="id")

    assert [row["id"] for row in old["result"]] == [1]
    assert (await api.get(LEADS, filterType="email", filterValues="lead1@example.com"))["result"] == []
    found = await api.get(LEADS, filterType="email", filterValues="moved@example.com")
    assert [row["id"] for row in found["result"]] == [1]
