"""Export jobs of all object types, from their definition to their files."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import aiohttp
import pytest

from marketo_async.sandbox import Fault, InstanceLimits, Quirks, SandboxClock
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.permissions import READ_LEAD

from .api import Api, Body, Connect, code
from .bulk import NOW, a_car_type, create, created, exported, one
from .models import check_answer

DAY = 86_400.0
MODEL = "ResponseOfExportResponse"
LEADS = [
    {
        "id": 1,
        "email": "a@example.com",
        "city": "Lyon, Rhône",
        "createdAt": "2025-12-01T00:00:00Z",
        "updatedAt": "2025-12-20T00:00:00Z",
        "unsubscribed": False,
    },
    {
        "id": 2,
        "email": "b@example.com",
        "country": "Germany",
        "createdAt": "2025-12-02T00:00:00Z",
        "updatedAt": "2025-12-30T00:00:00Z",
    },
    {"id": 3, "email": "c@example.com", "createdAt": "2025-12-03T00:00:00Z", "updatedAt": "2025-12-31T00:00:00Z"},
]
ACTIVITIES = [
    {"leadId": 1, "activityTypeId": 1, "activityDate": "2025-12-30T00:00:00Z", "marketoGUID": "g1"},
    {
        "leadId": 2,
        "activityTypeId": 22,
        "activityDate": "2025-12-30T00:00:01Z",
        "marketoGUID": "g2",
        "primaryAttributeValueId": 60,
        "primaryAttributeValue": "Lead Score",
        "attributes": [{"name": "Change Value", "value": "+5"}],
    },
    {
        "leadId": 2,
        "activityTypeId": 24,
        "activityDate": "2025-12-30T00:00:02Z",
        "marketoGUID": "g3",
        "primaryAttributeValueId": 1001,
        "primaryAttributeValue": "List 1001",
    },
    {"leadId": 9, "activityTypeId": 37, "activityDate": "2025-12-30T00:00:03Z", "marketoGUID": "g4"},
]
DECEMBER = {"startAt": "2025-12-01T00:00:00Z", "endAt": "2026-01-01T00:00:00Z"}
EVERYBODY = {"createdAt": DECEMBER}
KNOBS: dict[str, Any] = {"leads": LEADS, "activities": ACTIVITIES, "lists": {1001: [1, 3]}}


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock(speed=0, start=NOW)


@pytest.fixture
async def api(connect: Connect, clock: SandboxClock) -> Api:
    return await connect(clock=clock, **KNOBS)


async def test_the_life_of_a_job(api: Api, clock: SandboxClock) -> None:
    answer = await create(api, "leads", EVERYBODY, "id", "email", format="tsv")
    [row] = answer["result"]
    job = f"/bulk/v1/leads/export/{row['exportId']}"

    assert row == {"exportId": row["exportId"], "format": "TSV", "status": "Created", "createdAt": iso(NOW)}
    clock.advance(10)
    row = await one(api, "POST", f"{job}/enqueue.json")
    assert (row["status"], row["queuedAt"]) == ("Queued", iso(NOW + 10))
    clock.advance(0.06)
    row = await one(api, "GET", f"{job}/status.json")
    assert (row["status"], row["startedAt"]) == ("Processing", iso(NOW + 10))
    assert not {"finishedAt", "fileSize", "fileChecksum", "numberOfRecords"} & set(row)
    clock.advance(1)
    answer = await api.get(f"{job}/status.json")
    [row] = answer["result"]
    response = await api.raw("GET", f"{job}/file.json")
    assert response.content == b"id\temail\n1\ta@example.com\n2\tb@example.com\n3\tc@example.com\n"
    assert (row["status"], row["finishedAt"], row["numberOfRecords"]) == ("Completed", iso(NOW + 10), 3)
    assert row["fileSize"] == len(response.content)
    assert row["fileChecksum"] == f"sha256:{hashlib.sha256(response.content).hexdigest()}"
    check_answer({"errors": [], "warnings": [], **answer}, "mapi", MODEL)


async def test_deleted_leads_are_in_no_file(connect: Connect, clock: SandboxClock) -> None:
    """Published connectors ask for type 37 by default; whether an instance refuses that is a quirk."""
    api = await connect(clock=clock, **KNOBS)
    [header] = await exported(api, "activities", {**EVERYBODY, "activityTypeIds": [37]}, "marketoGUID")
    assert header == ["marketoGUID"]
    stricter = await connect(clock=clock, quirks=Quirks(deleted_leads_refused=True), **KNOBS)
    assert code(await create(stricter, "activities", {**EVERYBODY, "activityTypeIds": [37]})) == "1003"


async def test_cells(api: Api) -> None:
    assert await exported(
        api,
        "leads",
        EVERYBODY,
        "email",
        "city",
        "unsubscribed",
        columnHeaderNames={"city": "Town", "email": "E-Mail"},
    ) == [
        ["E-Mail", "Town", "unsubscribed"],
        ["a@example.com", "Lyon, Rhône", "false"],
        ["b@example.com", "null", "null"],
        ["c@example.com", "null", "null"],
    ]
    header, *_ = await exported(api, "leads", EVERYBODY, "id", columnHeaderNames={"name": "id", "value": "Number"})
    assert header == ["Number"]


async def test_semicolons(api: Api) -> None:
    assert await exported(api, "leads", EVERYBODY, "id", "email", format="SSV") == [
        ["id;email"],
        *([f"{number};{letter}@example.com"] for number, letter in enumerate("abc", start=1)),
    ]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"createdAt": {"startAt": "2025-12-01T00:00:00Z", "endAt": "2025-12-02T00:00:00"}}, "12"),
        ({"createdAt": {"startAt": "2025-12-02T00:00:01Z", "endAt": "2025-12-02T00:00:02Z"}}, ""),
        ({"updatedAt": {"startAt": "2025-12-25T00:00:00+00:00", "endAt": "2025-12-31T00:00:00Z"}}, "23"),
        ({"staticListId": 1001}, "13"),
        ({"staticListName": "List 1001"}, "13"),
        ({"smartListId": 6001}, "3"),
        ({"smartListName": "German Speakers"}, "2"),
    ],
)
async def test_lead_filters(api: Api, filters: Body, ids: str) -> None:
    move = {"statusName": "Engaged", "input": [{"leadId": 2}, {"leadId": 3}]}
    await api.post("/rest/v1/programs/2002/members/status.json", move)
    assert await exported(api, "leads", filters, "id") == [["id"], *([number] for number in ids)]


async def test_lists_count_when_processing_starts(api: Api, clock: SandboxClock) -> None:
    job = await created(api, "leads", {"staticListId": 1001}, "id")
    await api.post("/rest/v1/lists/1001/leads.json", id=2)
    await one(api, "POST", f"{job}/enqueue.json")
    clock.advance(0.06)
    await api.post("/rest/v1/leads/delete.json", id=1)
    clock.advance(1)

    assert (await api.raw("GET", f"{job}/file.json")).content == b"id\n1\n2\n3\n"


@pytest.mark.parametrize(
    ("kind", "filters", "fields", "expected"),
    [
        ("leads", {}, ["id"], "1002"),
        ("leads", EVERYBODY, [], "1002"),
        ("leads", EVERYBODY, ["nothing"], "1006"),
        ("leads", {**EVERYBODY, "staticListId": 1001}, ["id"], "1003"),
        ("leads", {"createdAt": None}, ["id"], "1003"),
        ("leads", {"nothing": 1}, ["id"], "1003"),
        ("leads", {"staticListId": 999}, ["id"], "1003"),
        ("leads", {"createdAt": {**DECEMBER, "endAt": "2026-01-01T00:00:01Z"}}, ["id"], "1003"),
        ("leads", {"createdAt": {**DECEMBER, "endAt": "2025-11-01T00:00:01Z"}}, ["id"], "1003"),
        ("leads", {"createdAt": {**DECEMBER, "endAt": "2025-12-24T00:00:00.500Z"}}, ["id"], "1003"),
        ("leads", {"createdAt": {**DECEMBER, "endAt": "never"}}, ["id"], "1001"),
        ("leads", {"createdAt": {"startAt": "2025-12-24T00:00:00Z"}}, ["id"], "1002"),
        ("leads", {"createdAt": "2025"}, ["id"], "1001"),
        ("activities", {"activityTypeIds": [1]}, [], "1002"),
        ("activities", EVERYBODY, ["nothing"], "1006"),
        ("activities", {**EVERYBODY, "activityTypeIds": {"id": 1}}, [], "1001"),
        ("activities", {**EVERYBODY, "primaryAttributeValues": ["a"]}, [], "1003"),
        ("activities", {**EVERYBODY, "primaryAttributeValues": ["a"], "activityTypeIds": [1]}, [], "1003"),
        ("activities", {**EVERYBODY, "primaryAttributeValues": ["a"] * 51, "activityTypeIds": [22]}, [], "1003"),
        (
            "activities",
            {**EVERYBODY, "primaryAttributeValues": ["a"], "primaryAttributeValueIds": [1], "activityTypeIds": [22]},
            [],
            "1003",
        ),
        ("program/members", {"isExhausted": True}, ["leadId"], "1003"),
        ("program/members", {"programId": 2001, "programIds": [2001]}, ["leadId"], "1003"),
        ("program/members", {"programIds": [2001] * 11}, ["leadId"], "1003"),
        ("program/members", {"programId": 1}, ["leadId"], "1013"),
        ("program/members", {"programId": 2001}, ["nothing"], "1006"),
        ("program/members", {"programId": 2001, "statusNames": ["Nothing"]}, ["leadId"], "1003"),
        ("customobjects/nothing", {"updatedAt": DECEMBER}, ["vin"], "1013"),
        ("customobjects/loose", {"updatedAt": DECEMBER}, ["vin"], "1003"),
    ],
)
async def test_definitions_that_are_refused(
    api: Api, kind: str, filters: Body, fields: list[str], expected: str
) -> None:
    await a_car_type(api, "loose", linked=False)

    assert code(await create(api, kind, filters, *fields)) == expected


async def test_unknown_format(api: Api) -> None:
    assert code(await create(api, "leads", EVERYBODY, "id", format="XLS")) == "1003"


async def test_quirks_of_filters(connect: Connect) -> None:
    quirks = Quirks(unavailable_filters=frozenset({"updatedAt"}), export_milliseconds=True)
    api = await connect(clock=SandboxClock(speed=0, start=NOW), quirks=quirks, **KNOBS)
    fine = {"startAt": "2025-12-01T00:00:00.000Z", "endAt": "2025-12-01T00:00:00.999Z"}

    assert code(await create(api, "leads", {"updatedAt": DECEMBER}, "id")) == "1035"
    assert await exported(api, "leads", {"createdAt": fine}, "id") == [["id"], ["1"]]


async def test_activities(api: Api) -> None:
    header, first, second, _ = await exported(api, "activities", EVERYBODY)

    assert header[:4] == ["marketoGUID", "leadId", "activityDate", "activityTypeId"]
    assert header[4:] == ["campaignId", "primaryAttributeValueId", "primaryAttributeValue", "attributes"]
    assert first == ["g1", "1", "2025-12-30T00:00:00Z", "1", "null", "null", "null", "{}"]
    assert second[5:7] == ["60", "Lead Score"]
    assert json.loads(second[7]) == {"Change Value": "+5"}


@pytest.mark.parametrize(
    ("filters", "guids"),
    [
        ({"activityTypeIds": [1, 24]}, ["g1", "g3"]),
        ({"activityTypeIds": [22], "primaryAttributeValueIds": [60]}, ["g2"]),
        ({"activityTypeIds": [22], "primaryAttributeValueIds": [61]}, []),
        ({"activityTypeIds": [24, 25], "primaryAttributeValues": ["Some Program.List 1001"]}, ["g3"]),
    ],
)
async def test_activity_filters(api: Api, filters: Body, guids: list[str]) -> None:
    rows = await exported(api, "activities", {**EVERYBODY, **filters}, "marketoGUID", "actionResult")

    assert rows == [["marketoGUID", "actionResult"], *([guid, "succeeded"] for guid in guids)]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "123"),
        ({"statusNames": ["registered", "attended"]}, "13"),
        ({"isExhausted": True}, ""),
        ({"isExhausted": False}, "123"),
        ({"nurtureCadence": "normal"}, ""),
        ({"updatedAt": {"startAt": iso(NOW - 2 * DAY), "endAt": iso(NOW - DAY)}}, "123"),
        ({"updatedAt": {"startAt": iso(NOW), "endAt": iso(NOW)}}, ""),
    ],
)
async def test_member_filters(api: Api, filters: Body, ids: str) -> None:
    rows = await exported(api, "program/members", {"programId": 2001, **filters}, "leadId", "program", "email")

    assert [row[0] for row in rows] == ["leadId", *ids]
    assert all(row[2] == f"{' abc'[int(row[0])]}@example.com" for row in rows[1:])


async def test_members_of_several_programs(api: Api) -> None:
    move = {"statusName": "Engaged", "input": [{"leadId": 3}]}
    assert (await api.post("/rest/v1/programs/2002/members/status.json", move))["success"]
    filters = {"programIds": [2001, 2002], "nurtureCadence": "normal", "statusNames": ["Engaged"]}

    assert await exported(api, "program/members", filters, "id", "statusName") == [
        ["programId", "id", "statusName"],
        ["2002", "3", "Engaged"],
    ]


async def test_custom_objects(api: Api) -> None:
    await a_car_type(api)
    cars = [{"vin": "x", "leadId": 1, "wheels": 4}, {"vin": "y", "leadId": 2}]
    assert (await api.post("/rest/v1/customobjects/car.json", {"input": cars}))["success"]
    kind = "customobjects/car"

    header, first, second = ["vin", "wheels"], ["x", "4"], ["y", "null"]
    assert await exported(api, kind, {"staticListId": 1001}, "VIN", "wheels") == [header, first]
    now = {"startAt": iso(NOW), "endAt": iso(NOW)}
    assert await exported(api, kind, {"updatedAt": now}, *header) == [header, first, second]


async def test_two_jobs_run_and_ten_are_taken(api: Api, clock: SandboxClock) -> None:
    jobs = [await created(api, kind, EVERYBODY, *fields) for kind, *fields in [("leads", "id"), ("activities",)] * 6]
    for job in jobs[:10]:
        await one(api, "POST", f"{job}/enqueue.json")

    full = await api.post(f"{jobs[10]}/enqueue.json")
    again = await api.post(f"{jobs[0]}/enqueue.json")
    assert code(full) == code(again) == "1029"
    assert full["errors"] != again["errors"]
    clock.advance(0.06)
    statuses = [(await one(api, "GET", f"{job}/status.json"))["status"] for job in jobs[:4]]
    assert statuses == ["Processing", "Processing", "Queued", "Queued"]
    clock.advance(0.1)
    statuses = [(await one(api, "GET", f"{job}/status.json"))["status"] for job in jobs[:5]]
    assert statuses == ["Completed", "Completed", "Processing", "Processing", "Queued"]
    assert (await one(api, "POST", f"{jobs[10]}/enqueue.json"))["status"] == "Queued"
    assert code(await api.post(f"{jobs[0]}/enqueue.json")) == "1029"
    clock.advance(60)
    assert (await one(api, "GET", f"{jobs[10]}/status.json"))["status"] == "Completed"


async def test_cancelling(api: Api, clock: SandboxClock) -> None:
    idle, waiting, running, done = [await created(api, "leads", EVERYBODY, "id") for _ in range(4)]
    for job in (done, running):
        await one(api, "POST", f"{job}/enqueue.json")
        clock.advance(0.08)
    await one(api, "POST", f"{waiting}/enqueue.json")
    await one(api, "GET", f"{running}/status.json")
    clock.advance(0.04)
    assert (await one(api, "GET", f"{running}/status.json"))["status"] == "Processing"

    for job in (idle, waiting, running):
        for _ in range(2):
            assert (await one(api, "POST", f"{job}/cancel.json"))["status"] == "Cancelled"
        assert (await one(api, "GET", f"{job}/status.json"))["status"] == "Canceled"
        assert code(await api.post(f"{job}/enqueue.json")) == "1003"
    clock.advance(10)
    assert code(await api.post(f"{done}/cancel.json")) == "1003"
    assert (await one(api, "GET", f"{running}/status.json"))["status"] == "Canceled"


async def test_lists_of_jobs(api: Api, clock: SandboxClock) -> None:
    old = await created(api, "leads", EVERYBODY, "id")
    clock.advance(5 * DAY)
    await api.authorize()
    path = "/bulk/v1/leads/export.json"
    jobs = [await created(api, "leads", EVERYBODY, "id") for _ in range(3)]
    await created(api, "activities", EVERYBODY)
    await one(api, "POST", f"{jobs[0]}/cancel.json")
    await one(api, "POST", f"{jobs[1]}/enqueue.json")

    async def ids(**params: Any) -> list[str]:
        return [f"/bulk/v1/leads/export/{row['exportId']}" for row in await api.drain(path, **params)]

    assert await ids() == await ids(batchSize=1) == [old, *jobs]
    assert await ids(status="canceled") == await ids(status="Cancelled") == [jobs[0]]
    assert await ids(status="CREATED,queued") == await ids(status=["Created", "Queued"]) == [old, *jobs[1:]]
    assert code(await api.get(path, status="nothing")) == "1003"
    assert code(await api.get(path, batchSize=301)) == "1003"
    clock.advance(2.5 * DAY)
    await api.authorize()
    assert await ids() == jobs
    answer = await api.get(path, batchSize=1)
    assert "moreResult" not in answer
    check_answer({"errors": [], "warnings": [], **answer}, "mapi", f"{MODEL}WithToken")


async def test_strangers_know_nothing(api: Api) -> None:
    await exported(api, "leads", EVERYBODY, "id")
    job = f"/bulk/v1/leads/export/{(await api.get('/bulk/v1/leads/export.json'))['result'][0]['exportId']}"
    await api.authorize(api.sandbox.add_user("other@sandbox.example"))

    assert (await api.get("/bulk/v1/leads/export.json"))["result"] == []
    for call in ("enqueue", "cancel"):
        assert code(await api.post(f"{job}/{call}.json")) == "1013"
    assert code(await api.get(f"{job}/status.json")) == "1013"
    assert (await api.raw("GET", f"{job}/file.json")).status == 404
    await api.authorize()
    assert (await api.raw("GET", f"{job}/file.json")).status == 200
    assert code(await api.get(f"{job.replace('leads', 'activities')}/status.json")) == "1013"


async def test_permissions(connect: Connect) -> None:
    api = await connect(permissions=frozenset({READ_LEAD}))

    assert (await api.get("/bulk/v1/leads/export.json"))["success"]
    assert code(await api.get("/bulk/v1/activities/export.json")) == "603"


async def test_files(api: Api, clock: SandboxClock) -> None:
    job = await created(api, "leads", EVERYBODY, "id", "email")
    early = await api.raw("GET", f"{job}/file.json")
    assert (early.status, early.headers["Content-Type"]) == (404, "text/plain;charset=UTF-8")
    await one(api, "POST", f"{job}/enqueue.json")
    clock.advance(1)
    whole = await api.raw("GET", f"{job}/file.json")
    size = len(whole.content)

    async def part(asked: str) -> tuple[int, bytes, str | None]:
        response = await api.raw("GET", f"{job}/file.json", headers={"Range": f"bytes={asked}"})
        return response.status, response.content, response.headers.get("Content-Range")

    assert whole.headers["Content-Type"] == "text/csv;charset=UTF-8"
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert await part("0-0") == (206, b"i", f"bytes 0-0/{size}")
    assert await part(f"3-{size + 5}") == (206, whole.content[3:], f"bytes 3-{size - 1}/{size}")
    assert await part("10-") == (206, whole.content[10:], f"bytes 10-{size - 1}/{size}")
    assert await part("-4") == (206, whole.content[-4:], f"bytes {size - 4}-{size - 1}/{size}")
    assert await part(f"{size}-") == (416, b"", f"bytes */{size}")
    assert await part("nonsense") == await part("-") == (200, whole.content, None)
    clock.advance(8 * DAY)
    await api.authorize()
    assert (await api.raw("GET", f"{job}/file.json")).status == 404
    assert (await one(api, "GET", f"{job}/status.json"))["status"] == "Completed"
    clock.advance(23 * DAY)
    await api.authorize()
    assert code(await api.get(f"{job}/status.json")) == "1013"


async def test_files_are_never_compressed(connect: Connect) -> None:
    api = await connect(leads=500, clock=SandboxClock(speed=0, start=NOW))
    rows = await exported(api, "leads", {"staticListId": 1001}, "id", "email", "firstName")
    job = (await api.get("/bulk/v1/leads/export.json"))["result"][0]["exportId"]
    response = await api.raw("GET", f"/bulk/v1/leads/export/{job}/file.json", headers={"Accept-Encoding": "gzip"})

    assert len(rows) == 501
    assert "Content-Encoding" not in response.headers
    assert int(response.headers["Content-Length"]) == len(response.content)


async def test_the_bytes_of_a_day(connect: Connect) -> None:
    # Half an hour before midnight in Chicago.
    clock = SandboxClock(speed=0, start=NOW + 5.5 * 3_600)
    limits = InstanceLimits(calls=1_000, export_daily_bytes=10)
    api = await connect(clock=clock, **{**KNOBS, "limits": limits})
    idle = await created(api, "leads", EVERYBODY, "id")
    await exported(api, "leads", EVERYBODY, "id", "email")

    refused = await create(api, "leads", EVERYBODY, "id")
    assert code(refused) == code(await api.post(f"{idle}/enqueue.json")) == "1029"
    assert "quota" in refused["errors"][0]["message"]
    clock.advance(1_800)
    assert (await one(api, "POST", f"{idle}/enqueue.json"))["status"] == "Queued"


async def test_jobs_that_fail_and_files_that_are_lost(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=NOW)
    for quirks, status in ((Quirks(exports_fail=True), "Failed"), (Quirks(export_files_lost=True), "Completed")):
        api = await connect(clock=clock, quirks=quirks, **KNOBS)
        job = await created(api, "leads", EVERYBODY, "id")
        await one(api, "POST", f"{job}/enqueue.json")
        clock.advance(1)
        row = await one(api, "GET", f"{job}/status.json")

        assert row["status"] == status
        assert ("errorMsg" in row) is (status == "Failed")
        assert (await api.raw("GET", f"{job}/file.json")).status == 404


async def test_connections_that_break_in_the_middle_of_a_file(api: Api) -> None:
    await exported(api, "leads", EVERYBODY, "id")
    job = (await api.get("/bulk/v1/leads/export.json"))["result"][0]["exportId"]
    path = f"/bulk/v1/leads/export/{job}/file.json"
    api.sandbox.faults.append(Fault("truncate", path=path, when="after"))
    with pytest.raises(aiohttp.ClientPayloadError):
        await api.raw("GET", path)
    api.sandbox.faults[:] = [Fault("http_503", path=path, when="after")]
    assert (await api.raw("GET", path)).status == 503
    api.sandbox.faults[:] = [Fault("611", path=path, when="after")]
    assert code(await api.get(path)) == "611"
    api.sandbox.faults[:] = [Fault("no_result", path=path)]
    assert (await api.raw("GET", path)).content == b"id\n1\n2\n3\n"
