"""Import jobs of all object types, from their upload to the rows that could not be imported."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from marketo_async.sandbox import InstanceLimits, Quirks, SandboxClock
from marketo_async.sandbox.permissions import READ_LEAD

from .api import Api, Body, Connect, code
from .bulk import NOW, a_car_type, imported, one, upload
from .models import check_answer

LEADS = [{"id": 1, "email": "a@example.com", "firstName": "Ada"}, {"id": 2, "email": "b@example.com"}]
KNOBS: dict[str, Any] = {"leads": LEADS, "activities": 0, "lists": {1001: [], 1002: []}}
LEAD_BATCH = "leads/batch"
MEMBERS, MEMBER_BATCH = "program/2001/members/import", "program/members/import"
CARS = "customobjects/car/import"


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock(speed=0, start=NOW)


@pytest.fixture
async def api(connect: Connect, clock: SandboxClock) -> Api:
    return await connect(clock=clock, **KNOBS)


async def leads(api: Api, ids: str, fields: str) -> list[Body]:
    return await api.drain("/rest/v1/leads.json", filterType="id", filterValues=ids, fields=fields)


async def rejects(api: Api, batch: str, kind: str) -> str | None:
    response = await api.raw("GET", f"{batch}/{kind}.json")
    if response.status == 404:
        assert response.headers["Content-Type"] == "text/plain;charset=UTF-8"
        return None
    assert response.status == 200
    return response.content.decode()


def checked(answer: Body, model: str) -> Body:
    check_answer({"errors": [], "warnings": [], **answer}, "mapi", model)
    return answer


async def test_the_life_of_an_import(api: Api, clock: SandboxClock) -> None:
    rows = 'firstName,email\r\nBo,b@example.com\r\n\r\n"C, Jr.",c@example.com\r\n'
    answer = checked(await upload(api, "leads", rows, format="csv"), "ResponseOfImportLeadResponse")
    [row] = answer["result"]
    path = f"/bulk/v1/leads/batch/{row['batchId']}.json"

    assert (row["importId"], row["status"]) == (str(row["batchId"]), "Queued")
    clock.advance(0.06)
    row = await one(api, "GET", path)
    assert (row["status"], row["numOfLeadsProcessed"]) == ("Importing", 0)
    assert await leads(api, "3", "firstName") == []
    clock.advance(1)
    [row] = checked(await api.get(path), "ResponseOfImportLeadResponse")["result"]
    assert row["message"] == "Import succeeded, 2 records imported"
    assert row["status"] == "Complete"
    assert (row["numOfLeadsProcessed"], row["numOfRowsFailed"], row["numOfRowsWithWarning"]) == (2, 0, 0)
    assert [lead["firstName"] for lead in await leads(api, "2,3", "firstName")] == ["Bo", "C, Jr."]
    assert [await rejects(api, path[:-5], kind) for kind in ("failures", "warnings")] == [None, None]
    clock.advance(8 * 86_400)
    await api.authorize()
    assert code(await api.get(path)) == "1013"
    assert await rejects(api, path[:-5], "failures") is None


async def test_parameters_as_parts(api: Api, clock: SandboxClock) -> None:
    parts = {"format": "TSV", "lookupField": "id", "listId": 1001}
    answer = await upload(api, "leads", "id\tfirstName\n2\tBo\n9\tNo\n", parts=parts)
    clock.advance(1)
    batch = f"/bulk/v1/leads/batch/{answer['result'][0]['batchId']}"
    row = await one(api, "GET", f"{batch}.json")

    assert row["message"] == "Import completed with errors, 1 records imported (1 members), 1 failed"
    assert await rejects(api, batch, "failures") == "id\tfirstName\tImport Failure Reason\n9\tNo\tLead not found\n"
    assert [lead["id"] for lead in await api.drain("/rest/v1/list/1001/leads.json")] == [2]


async def test_rows_that_fail_or_have_a_warning(api: Api) -> None:
    row, batch = await imported(
        api,
        "leads",
        LEAD_BATCH,
        "email;leadScore;company;inferredCity\n"
        "a@example.com;7;Acme;\n;8;;\nb@example.com;many;;\nnobody;9;;\nc@example.com;1\n",
        format="SSV",
        lookupField="email",
        partitionName="Default",
    )

    assert (row["numOfLeadsProcessed"], row["numOfRowsFailed"], row["numOfRowsWithWarning"]) == (1, 4, 1)
    assert row["message"] == "Import completed with errors, 1 records imported, 4 failed, 1 warning."
    header, *failures = (await rejects(api, batch, "failures") or "").splitlines()
    assert header == "email;leadScore;company;inferredCity;Import Failure Reason"
    assert [line.rsplit(";", 1)[1] for line in failures] == [
        "missing.dedupe.fields",
        "Invalid data type in field Lead Score",
        "Invalid email address",
        "Row has 2 columns in place of 4",
    ]
    assert await rejects(api, batch, "warnings") == (
        "email;leadScore;company;inferredCity;Import Warning Reason\n"
        "a@example.com;7;Acme;;Field Inferred City is read-only\n"
    )
    [lead] = await leads(api, "1", "leadScore,company")
    assert (lead["leadScore"], lead["company"]) == (7, "Acme")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 200_000])
async def test_files_that_cannot_be_read(api: Api, content: bytes) -> None:
    row, batch = await imported(api, "leads", LEAD_BATCH, content)

    assert row["status"] == "Failed"
    assert row["message"].startswith("Import failed: ")
    assert await rejects(api, batch, "failures") is None


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("leads", {}, "1002"),
        ("leads", {"format": "xls"}, "1003"),
        ("leads", {"format": "csv", "lookupField": "firstName"}, "1011"),
        ("leads", {"format": "csv", "lookupField": "nothing"}, "1006"),
        ("leads", {"format": "csv", "partitionName": "Nowhere"}, "1008"),
        ("leads", {"format": "csv", "listId": 99}, "1013"),
        (MEMBERS, {"format": "csv"}, "1002"),
        (MEMBERS, {"format": "csv", "programMemberStatus": "Nothing"}, "1025"),
        ("program/1/members/import", {"format": "csv", "programMemberStatus": "Invited"}, "1013"),
        ("customobjects/nothing/import", {"format": "csv"}, "1013"),
    ],
)
async def test_uploads_that_are_refused(api: Api, path: str, params: dict[str, str | int], expected: str) -> None:
    assert code(await upload(api, path, "email\n", **params)) == expected


async def test_bodies_that_are_no_upload(api: Api) -> None:
    path, params = "/bulk/v1/leads.json", {"format": "csv"}
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", "email\na@example.com\n")

    assert code((await api.raw("POST", path, params=params)).json()) == "1002"
    assert code((await api.raw("POST", path, params=params, data=form)).json()) == "613"
    assert code(await api.post(path, {"file": "email"}, format="csv")) == "612"


async def test_the_size_of_an_upload(connect: Connect) -> None:
    limits = InstanceLimits(body_bytes=2_000, import_bytes=5_000)
    api = await connect(clock=SandboxClock(speed=0, start=NOW), **{**KNOBS, "limits": limits})

    async def status(size: int) -> int:
        form = aiohttp.FormData(default_to_multipart=True)
        form.add_field("file", b"x" * size, filename="rows.csv", content_type="text/csv")
        return (await api.raw("POST", "/bulk/v1/leads.json", params={"format": "csv"}, data=form)).status

    assert [await status(3_000), await status(5_000)] == [200, 413]


async def test_two_imports_run_and_ten_are_taken(api: Api, clock: SandboxClock) -> None:
    batches = []
    for number in range(10):
        answer = await upload(api, "leads", f"email\nnew{number}@example.com\n", format="csv")
        batches.append(f"/bulk/v1/leads/batch/{answer['result'][0]['batchId']}.json")

    assert code(await upload(api, "leads", "email\n", format="csv")) == "1016"
    clock.advance(0.06)
    statuses = [(await one(api, "GET", batch))["status"] for batch in batches[:4]]
    assert statuses == ["Importing", "Importing", "Queued", "Queued"]
    clock.advance(0.1)
    statuses = [(await one(api, "GET", batch))["status"] for batch in batches[:5]]
    assert statuses == ["Complete", "Complete", "Importing", "Importing", "Queued"]
    assert (await upload(api, "leads", "email\n", format="csv"))["success"]


async def test_one_import_for_each_list(api: Api, clock: SandboxClock) -> None:
    async def start(list_id: int) -> Body:
        return await upload(api, "leads", "email\na@example.com\n", format="csv", listId=list_id)

    assert (await start(1001))["success"]
    assert code(await start(1001)) == "1019"
    assert (await start(1002))["success"]
    clock.advance(1)
    assert (await start(1001))["success"]


async def test_program_members(api: Api, clock: SandboxClock) -> None:
    content = (
        "email,firstName,registrationCode,webinarUrl,trackName,acquiredBy\n"
        "d@example.com,Dee,r1,https://example.com,,true\n"
        "a@example.com,Ann,,,,maybe\n"
        ",No,,,,\n"
    )
    params: dict[str, str | int] = {"format": "CSV", "programMemberStatus": "Attended"}
    answer = checked(await upload(api, MEMBERS, content, **params), "ResponseOfImportProgramMemberResponse")
    assert set(answer["result"][0]) == {"batchId", "importId", "status"}
    clock.advance(1)
    batch = f"/bulk/v1/{MEMBER_BATCH}/{answer['result'][0]['batchId']}"
    row = await one(api, "GET", f"{batch}/status.json")

    assert (row["numOfLeadsProcessed"], row["numOfRowsFailed"], row["numOfRowsWithWarning"]) == (1, 2, 1)
    _, *failures = (await rejects(api, batch, "failures") or "").splitlines()
    assert [line.rsplit(",", 1)[1] for line in failures] == [
        "Invalid data type in field Acquired By",
        "missing.dedupe.fields",
    ]
    assert (await rejects(api, batch, "warnings") or "").endswith("Field Track Name is read-only\n")
    [member] = await api.drain(
        "/rest/v1/programs/2001/members.json",
        filterType="leadId",
        filterValues=3,
        fields="statusName,registrationCode,acquiredBy",
    )
    assert (member["statusName"], member["registrationCode"], member["acquiredBy"]) == ("Attended", "r1", True)
    row, _ = await imported(api, MEMBERS, MEMBER_BATCH, "email\nb@example.com\n", **params)
    assert row["numOfLeadsProcessed"] == 1


async def test_members_need_an_email_column(api: Api) -> None:
    params: dict[str, str | int] = {"programMemberStatus": "Invited"}
    row, _ = await imported(api, MEMBERS, MEMBER_BATCH, "firstName\nAda\n", **params)

    assert (row["status"], row["message"]) == ("Failed", "Import failed: column 'email' is missing")


async def test_custom_objects(api: Api, clock: SandboxClock) -> None:
    await a_car_type(api)
    content = "VIN,leadId,wheels,createdAt\nx,1,4,\ny,2,none,\n,1,4,\nx,2,3,\n"
    answer = checked(await upload(api, CARS, content, format="csv"), "ResponseOfImportCustomObjectResponse")
    [row] = answer["result"]
    batch = f"/bulk/v1/{CARS}/{row['batchId']}"
    expected = {"batchId": row["batchId"], "operation": "import", "objectApiName": "car", "status": "Queued"}
    assert row == expected
    clock.advance(1)
    [row] = checked(await api.get(f"{batch}/status.json"), "ResponseOfImportCustomObjectResponse")["result"]

    assert (row["numOfObjectsProcessed"], row["numOfRowsFailed"], row["numOfRowsWithWarning"]) == (2, 2, 2)
    assert row["importTime"] == "0 second(s)"
    _, *failures = (await rejects(api, batch, "failures") or "").splitlines()
    reasons = [line.rsplit(",", 1)[1] for line in failures]
    assert reasons == ["Invalid data type in field Wheels", "missing.dedupe.fields"]
    assert "Created At" in (await rejects(api, batch, "warnings") or "")
    [car] = await api.drain("/rest/v1/customobjects/car.json", filterType="vin", filterValues="x", fields="wheels")
    assert car["wheels"] == 3
    other = batch.replace("car", "truck")
    assert code(await api.get(f"{other}/status.json")) == "1013"


async def test_imports_that_fail(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0, start=NOW), quirks=Quirks(imports_fail=True), **KNOBS)
    row, _ = await imported(api, "leads", LEAD_BATCH, "email\na@example.com\n")

    assert (row["status"], row["numOfLeadsProcessed"]) == ("Failed", 0)


async def test_permissions(connect: Connect) -> None:
    api = await connect(permissions=frozenset({READ_LEAD}))

    assert code(await upload(api, "leads", "email\n", format="csv")) == "603"
    assert code(await api.get("/bulk/v1/leads/batch/1001.json")) == "603"
