"""Bulk exports and imports call by call: files that are no JSON, jobs as they stand, and what is refused unsent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from hashlib import sha256
from typing import Any

import pytest

from marketo_async import Marketo
from marketo_async.errors import BadResponse, Busy, Conflict, InvalidRequest, NotFound, QuotaExceeded, RequestTooLarge
from marketo_async.models.bulk import (
    ActivitySelection,
    CustomObjectSelection,
    DateRange,
    ExportJob,
    ImportJob,
    LeadSelection,
    ProgramMemberSelection,
)
from tests.conftest import Client
from tests.wire import Answer, ScriptedServer, cut, grant, ok, refused

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
MONTH = DateRange(start_at=SINCE, end_at=SINCE + timedelta(days=31))
FILE = "id,name\n1,Zoë\n2,null\n".encode()
CSV = {"Content-Type": "text/csv;charset=UTF-8"}
MISSING = Answer(b"Export file not found\n", status=404, headers={"Content-Type": "text/plain"})

FILES: dict[str, Callable[[Marketo], Any]] = {
    "export file": lambda m: m.bulk.leads.file("e"),
    "export file of a type": lambda m: m.bulk.custom_objects("car_c").file("e"),
    "failures": lambda m: m.bulk.leads.import_failures(7),
    "warnings": lambda m: m.bulk.program_members.import_warnings(7),
}


@pytest.mark.parametrize("fetch", FILES.values(), ids=FILES)
@pytest.mark.parametrize("content", [FILE, b"", b"\xff\xfe", b"{a},b\n1,2\n", b"[1]", b'{"success":true}'])
async def test_a_file_is_handed_out_byte_for_byte(
    content: bytes, fetch: Callable[[Marketo], Any], client: Client
) -> None:
    async with ScriptedServer(Answer(content, headers=CSV)) as server, client(server.origin) as marketo:
        assert await fetch(marketo) == content


@pytest.mark.parametrize("fetch", FILES.values(), ids=FILES)
async def test_a_file_that_is_not_there_is_told_in_plain_text(fetch: Callable[[Marketo], Any], client: Client) -> None:
    async with ScriptedServer(MISSING) as server, client(server.origin) as marketo:
        with pytest.raises(NotFound) as caught:
            await fetch(marketo)

    assert (caught.value.code, caught.value.message) == ("404", "Export file not found")
    assert len(server.calls) == 1


@pytest.mark.parametrize("status", [200, 401])
async def test_an_envelope_in_the_place_of_a_file_is_its_error(status: int, client: Client) -> None:
    expired = Answer(refused("602", "Access token expired").body, status=status)
    async with ScriptedServer(expired, Answer(FILE)) as server, client(server.origin) as marketo:
        server.grants = [grant(), grant("another")]
        assert await marketo.bulk.leads.file("e") == FILE

    assert (len(server.calls), len(server.identity_calls)) == (2, 2)


async def test_success_false_without_an_error_is_one(client: Client) -> None:
    async with (
        ScriptedServer(Answer(b'{"requestId":"1a#2b","success":false}')) as server,
        client(server.origin) as marketo,
    ):
        with pytest.raises(Exception, match="no error says why"):
            await marketo.bulk.leads.file("e")


PAGE = Answer(b"<!DOCTYPE html><title>Proxy</title>")


@pytest.mark.parametrize("bad", [PAGE, Answer(b"<html>", status=502), Answer(b"", status=503), cut(Answer(FILE), 80)])
async def test_a_file_that_a_proxy_or_the_network_spoiled_is_fetched_again(bad: Any, client: Client) -> None:
    async with ScriptedServer(bad, Answer(FILE)) as server, client(server.origin) as marketo:
        assert await marketo.bulk.leads.file("e") == FILE

    assert len(server.calls) == 2


async def test_a_web_page_is_never_taken_for_a_file(client: Client) -> None:
    async with ScriptedServer(PAGE) as server, client(server.origin) as marketo:
        with pytest.raises(BadResponse, match="web page"):
            await marketo.bulk.leads.file("e")


async def test_a_page_that_says_404_is_no_message(client: Client) -> None:
    async with ScriptedServer(Answer(b"<html>no</html>", status=404)) as server, client(server.origin) as marketo:
        with pytest.raises(NotFound, match="no such path, user or file"):
            await marketo.bulk.leads.file("e")


async def test_an_export_is_read_at_every_stage(client: Client) -> None:
    created = {"exportId": "e", "format": "CSV", "status": "Created", "createdAt": "2019-06-04T23:35:43Z"}
    finished = {
        **created,
        "status": "Completed",
        "queuedAt": "2019-06-04T23:36:43Z",
        "startedAt": "2019-06-04T23:37:43Z",
        "finishedAt": "2019-06-04T18:38:43-0500",
        "numberOfRecords": 2,
        "fileSize": len(FILE),
        "fileChecksum": "sha256:" + sha256(FILE).hexdigest(),
    }
    failed = {"exportId": "f", "status": "Failed", "errorMsg": "no", "fileSize": None, "queuedAt": None}
    answers = (ok(created), ok(finished), ok({**created, "status": "Cancelled"}), ok(finished, nextPageToken="T"))
    async with ScriptedServer(*answers, ok(failed)) as server, client(server.origin) as marketo:
        assert await marketo.bulk.activities.enqueue("e") == ExportJob(
            export_id="e", status="Created", format="CSV", created_at=datetime(2019, 6, 4, 23, 35, 43, tzinfo=UTC)
        )
        job = await marketo.bulk.activities.status("e")
        assert (job.number_of_records, job.file_size) == (2, len(FILE))
        assert job.file_checksum == "sha256:" + sha256(FILE).hexdigest()
        assert job.finished_at == datetime(2019, 6, 4, 23, 38, 43, tzinfo=UTC)
        assert (await marketo.bulk.activities.cancel("e")).status == "Cancelled"
        jobs = await marketo.bulk.activities.jobs(statuses=["Completed", "Failed"], batch_size=1).all()

    assert [(job.export_id, job.error_msg) for job in jobs] == [("e", None), ("f", "no")]
    assert server.calls[-1].query == {"status": "Completed,Failed", "batchSize": "1", "nextPageToken": "T"}


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Too many jobs (10) in queue", Busy),
        ("Export daily quota 500MB exceeded.", QuotaExceeded),
        ("Export is already queued", Conflict),
    ],
)
async def test_one_code_says_three_things(message: str, error: type[Exception], client: Client) -> None:
    async with ScriptedServer(refused("1029", message)) as server, client(server.origin) as marketo:
        with pytest.raises(error):
            await marketo.bulk.leads.enqueue("e")


async def test_a_job_is_created_with_what_was_given_and_dates_to_the_second(client: Client) -> None:
    east = timezone(timedelta(hours=2))
    dates = DateRange(start_at=SINCE.replace(microsecond=7).astimezone(east), end_at=SINCE + timedelta(days=1))
    async with ScriptedServer(ok({"exportId": "e", "status": "Created"})) as server, client(server.origin) as marketo:
        await marketo.bulk.leads.create(["id"], LeadSelection(updated_at=dates), column_header_names={"id": "Id"})

    assert json.loads(server.calls[0].body) == {
        "fields": ["id"],
        "filter": {"updatedAt": {"startAt": "2024-01-02T05:04:05+02:00", "endAt": "2024-01-03T03:04:05Z"}},
        "columnHeaderNames": {"id": "Id"},
    }


TOO_LONG = DateRange(start_at=SINCE, end_at=SINCE + timedelta(days=31, seconds=1))
BACKWARDS = DateRange(start_at=SINCE, end_at=SINCE - timedelta(seconds=1))
LOCAL = DateRange(start_at=SINCE.replace(tzinfo=None), end_at=SINCE)
FOREVER = DateRange(start_at=datetime.min.replace(tzinfo=UTC), end_at=datetime.max.replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("family", "selection"),
    [
        ("leads", LeadSelection()),
        ("leads", LeadSelection(created_at=MONTH, static_list_id=7)),
        ("leads", LeadSelection(created_at=TOO_LONG)),
        ("leads", LeadSelection(created_at=BACKWARDS)),
        ("leads", LeadSelection(updated_at=LOCAL)),
        ("leads", LeadSelection(updated_at=FOREVER)),
        ("activities", ActivitySelection(created_at=TOO_LONG)),
        (
            "activities",
            ActivitySelection(created_at=MONTH, primary_attribute_value_ids=[1], primary_attribute_values=["a"]),
        ),
        ("activities", ActivitySelection(created_at=MONTH, primary_attribute_values=["a"] * 51)),
        ("program_members", ProgramMemberSelection(is_exhausted=True)),
        ("program_members", ProgramMemberSelection(program_id=1, program_ids=[2])),
        ("program_members", ProgramMemberSelection(program_ids=list(range(11)))),
    ],
)
async def test_a_selection_that_marketo_would_refuse_is_not_sent(family: str, selection: Any, client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:
        with pytest.raises(InvalidRequest):
            await getattr(marketo.bulk, family).create(["id"], selection)

    assert server.calls == []


async def test_an_export_of_custom_objects_has_one_selection_and_some_fields(client: Client) -> None:
    server = ScriptedServer(ok({"exportId": "e", "status": "Created"}))
    fields: Any
    async with server, client(server.origin) as marketo:
        create = marketo.bulk.custom_objects("car_c").create
        for fields, selection in (
            (["vin"], CustomObjectSelection()),
            (["vin"], CustomObjectSelection(updated_at=MONTH, smart_list_id=7)),
            ([], CustomObjectSelection(updated_at=MONTH)),
            ("vin", CustomObjectSelection(updated_at=MONTH)),
        ):
            with pytest.raises(InvalidRequest):
                await create(fields, selection)
        await create(["vin"], CustomObjectSelection(updated_at=MONTH))

    (sent,) = server.calls
    assert sent.path == "/bulk/v1/customobjects/car_c/export/create.json"
    assert json.loads(sent.body)["fields"] == ["vin"]


@pytest.mark.parametrize(
    ("send", "target"),
    [
        (lambda m: m.bulk.leads.import_file(FILE, "TSV", list_id=7), "/bulk/v1/leads.json?format=tsv&listId=7"),
        (
            lambda m: m.bulk.program_members.import_file(5, "Attended", FILE, "CSV"),
            "/bulk/v1/program/5/members/import.json?programMemberStatus=Attended&format=csv",
        ),
        (
            lambda m: m.bulk.custom_objects("car_c").import_file(FILE, "SSV"),
            "/bulk/v1/customobjects/car_c/import.json?format=ssv",
        ),
    ],
)
async def test_a_file_is_one_part_of_a_form(send: Callable[[Marketo], Any], target: str, client: Client) -> None:
    answer = ok({"batchId": 1016, "importId": "1016", "status": "Queued"})
    async with ScriptedServer(answer) as server, client(server.origin) as marketo:
        job = await send(marketo)

    assert job == ImportJob(batch_id=1016, import_id="1016", status="Queued")
    (sent,) = server.calls
    assert sent.target == target
    form = message_from_bytes(f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode() + sent.body)
    (part,) = list(form.walk())[1:]
    assert part.get_param("name", header="content-disposition") == "file"
    assert str(part.get_filename()).startswith("import.")
    assert part.get_payload(decode=True) == FILE


async def test_imports_are_read_by_either_name_of_their_count(client: Client) -> None:
    leads = {
        "batchId": 1022,
        "importId": "1022",
        "status": "Complete",
        "numOfLeadsProcessed": 2,
        "numOfRowsFailed": 1,
        "numOfRowsWithWarning": 0,
        "message": "Import completed with errors, 2 records imported (2 members), 1 failed",
    }
    objects = {
        "batchId": 1023,
        "operation": "import",
        "status": "Complete",
        "objectApiName": "car_c",
        "numOfObjectsProcessed": 3,
        "importTime": "2 second(s)",
    }
    async with ScriptedServer(ok(leads), ok(objects)) as server, client(server.origin) as marketo:
        first = await marketo.bulk.leads.import_status(1022)
        second = await marketo.bulk.custom_objects("car_c").import_status(1023)

    assert (first.processed, first.num_of_rows_failed) == (2, 1)
    assert (second.processed, second.import_time, second.object_api_name) == (3, "2 second(s)", "car_c")


async def test_a_file_above_ten_megabytes_is_not_sent(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:
        with pytest.raises(RequestTooLarge):
            await marketo.bulk.leads.import_file(b"x" * 10_000_001, "CSV")

    assert server.calls == []
