"""Reads through the tools: whole listings by cursor, projections, counts, deadlines and files."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from marketo_async import Marketo
from marketo_async.mcp import reading
from marketo_async.mcp.answers import as_text
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.policy import AccessLevel, Agent
from marketo_async.sandbox import Fault, Sandbox
from tests.mcp.conftest import Connect, Tools


async def drained(tools: Tools, operation: str, limit: int, **arguments: Any) -> list[Any]:
    """Follow the cursors of a listing to its end."""
    found: list[Any] = []
    answer = await tools.read(operation, limit, **arguments)
    while True:
        assert len(answer["items"]) <= limit
        found += answer["items"]
        if not answer["more"]:
            assert "cursor" not in answer
            return found
        answer = await tools(
            "marketo_read", operation=operation, arguments=arguments, limit=limit, cursor=answer["cursor"]
        )


LISTINGS: list[tuple[str, dict[str, Any]]] = [
    ("lists.leads", {"list_id": 1001, "fields": ["id", "email"]}),
    ("leads.by_filter", {"filter_type": "id", "values": list(range(1, 351)), "fields": ["id"]}),
    ("activities.since", {"since": "2020-01-01", "types": [1, 2, 6, 12, 13]}),
    ("activities.since", {"since": "2020-01-01", "types": ["Visit Webpage"]}),
    ("activities.lead_changes", {"since": "2020-01-01", "fields": "all"}),
    ("programs.browse", {}),
    ("folders.browse", {}),
    ("users.browse", {}),
    ("channels.browse", {}),
    ("activities.types", {}),
]


@pytest.mark.parametrize("limit", [7, 100, 300])
@pytest.mark.parametrize(
    ("operation", "arguments"), LISTINGS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(LISTINGS)]
)
async def test_the_answers_of_a_listing_are_the_whole_listing(
    operation: str, arguments: dict[str, Any], limit: int, connect: Connect, sandbox: Sandbox
) -> None:
    async with connect(tools="meta") as tools:
        found = await drained(tools, operation, limit, **arguments)
    family, verb = operation.split(".")
    async with Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo:
        made = getattr(getattr(marketo, family), verb)(**arguments)
        direct = await (made.all() if hasattr(made, "all") else made)
    assert len(found) == len(direct) > 0
    assert len({as_text(item) for item in found}) == len(found)


async def test_an_answer_is_never_above_its_size(connect: Connect, desk: Desk) -> None:
    async with connect(tools="meta") as tools:
        answer = await tools.read("activities.since", 300, since="2020-01-01", types=[1, 2, 6, 12, 13])
        assert len(as_text(answer)) <= desk.policy.agents["reader"].answer_chars
        assert answer["more"]
        before = answer["cost"]["left_today"]
        again = await tools(
            "marketo_read",
            operation="activities.since",
            arguments={"since": "2020-01-01", "types": [1, 2, 6, 12, 13]},
            cursor=answer["cursor"],
        )
        assert again["cost"]["calls"] == 0  # the rest of the page was kept
        assert again["cost"]["left_today"] == before


async def test_fields_cut_every_record(connect: Connect) -> None:
    async with connect() as tools:
        answer = await tools("marketo_read", operation="programs.browse", arguments={}, fields=["id", "name"], limit=3)
        assert [set(item) for item in answer["items"]] == [{"id", "name"}] * len(answer["items"])
        people = await tools(
            "marketo_read",
            operation="leads.by_filter",
            arguments={"filter_type": "id", "values": [1]},
            fields=["email", "company"],
        )
        assert set(people["items"][0]) <= {"email", "company"}


async def test_a_count_returns_no_record(connect: Connect) -> None:
    async with connect() as tools:
        answer = await tools(
            "marketo_read", operation="lists.leads", arguments={"list_id": 1001}, count_only=True, limit=1
        )
        assert (answer["count"], answer["more"]) == (400, False)
        assert "items" not in answer
        types = await tools("marketo_read", operation="activities.types", arguments={}, count_only=True)
        assert types["count"] > 10


async def test_a_cursor_continues_its_own_listing_alone(connect: Connect) -> None:
    async with connect() as tools:
        cursor = (await tools.read("lists.leads", 5, list_id=1001))["cursor"]
        for operation, arguments in [
            ("lists.leads", {"list_id": 1002}),
            ("lists.legacy_leads", {"list_id": 1001}),
            ("lists.leads", {"list_id": 1001, "fields": ["id"]}),
        ]:
            error = await tools.refused("marketo_read", operation=operation, arguments=arguments, cursor=cursor)
            assert error["kind"] == "invalid"
            assert "does not continue this listing" in error["message"]
    async with connect("writer") as other:
        error = await other.refused("marketo_read", operation="lists.leads", arguments={"list_id": 1001}, cursor=cursor)
        assert "does not continue this listing" in error["message"]


async def test_one_value_is_a_result(connect: Connect) -> None:
    async with connect() as tools:
        assert (await tools.read("leads.get", lead_id=7))["result"]["id"] == 7
        assert (await tools.read("leads.get", lead_id=999_999))["result"] is None
        member = await tools.read("lists.is_member", list_id=1001, lead_ids=[1, 999_999])
        assert [item["id"] for item in member["items"]] == [1, 999_999]


async def test_a_token_or_page_size_of_marketo_s_is_not_an_argument(connect: Connect) -> None:
    async with connect() as tools:
        answer = await tools.read("lists.leads", 3, list_id=1001, token="forged", batch_size=300)
        assert len(answer["items"]) == 3


async def test_a_write_is_not_read(connect: Connect) -> None:
    async with connect("writer") as tools:
        error = await tools.refused("marketo_read", operation="leads.delete", arguments={"lead_ids": [1]})
        assert error["kind"] == "invalid"
        assert "marketo_write" in error["next"]


async def test_text_of_outsiders_is_clean(connect: Connect, sandbox: Sandbox) -> None:
    async with Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo:
        await marketo.leads.sync([{"email": "lead1@example.com", "lastName": "A\u202eB\U000e0041C"}])
    async with connect() as tools:
        answer = await tools("leads_get", lead_id=1, fields=["lastName"])
        assert answer["result"]["lastName"] == "ABC"
        assert answer["hidden_characters_removed"] == 2


async def test_a_listing_answers_what_it_has_at_its_deadline(connect: Connect, sandbox: Sandbox) -> None:
    async with connect(tools="meta", deadline=0.4) as tools:
        first = await tools.read("leads.by_filter", 300, filter_type="id", values=[1, 2], fields=["id"])
        assert len(first["items"]) == 2
        sandbox.faults.append(Fault("slow", seconds=1.0))
        error = await tools.refused("marketo_read", operation="lists.leads", arguments={"list_id": 1001})
        assert error["kind"] == "busy"
        assert "deadline" in error["message"]


async def test_every_part_of_a_person_comes_in_six_calls(connect: Connect) -> None:
    async with connect() as tools:
        answer = await tools("marketo_person", id=7)
        assert answer["person"]["id"] == 7
        assert answer["lists"]
        dates = [activity["activityDate"] for activity in answer["activities"]]
        assert dates == sorted(dates)
        assert all(isinstance(activity["type"], str) for activity in answer["activities"])
        assert answer["cost"]["calls"] <= 6
        by_email = await tools("marketo_person", email="lead7@example.com")
        assert by_email["person"]["id"] == 7
        assert by_email["cost"]["calls"] <= 6
        assert (await tools.refused("marketo_person", email="nobody@example.com"))["kind"] == "not_found"
        assert (await tools.refused("marketo_person"))["kind"] == "invalid"


async def test_a_person_fits_into_an_answer(connect: Connect, desk: Desk) -> None:
    small = replace(desk.policy.agents["reader"], answer_chars=1_500)
    desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "reader": small}))
    async with connect() as tools:
        answer = await tools("marketo_person", id=7)
        assert len(as_text(answer)) <= 1_500
        assert answer["activities_left_out"] == "there are more"


async def test_reads_of_several_tools_at_once(connect: Connect) -> None:
    async with connect() as tools:
        answers = await asyncio.gather(*(tools("leads_get", lead_id=number) for number in range(1, 21)))
        assert [answer["result"]["id"] for answer in answers] == list(range(1, 21))


async def test_the_rows_of_an_export_are_paged(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("alone") as tools:
        day = (datetime.now(UTC) - timedelta(days=30)).replace(microsecond=0)
        selection = {"createdAt": {"startAt": day.isoformat(), "endAt": (day + timedelta(days=31)).isoformat()}}
        started = await tools("marketo_export_start", family="leads", fields=["id", "email"], selection=selection)
        export = started["export"]
        assert (await tools.refused("marketo_export_rows", export=export))["kind"] == "conflict"
        sandbox.clock.advance(600.0)
        assert (await tools("marketo_export_status", export=export))["result"]["status"] == "Completed"
        first = await tools("marketo_export_rows", export=export, limit=2)
        assert set(first["items"][0]) == {"id", "email"}
        found, answer = first["items"], first
        while answer["more"]:
            answer = await tools("marketo_export_rows", export=export, limit=50, cursor=answer["cursor"])
            assert answer["cost"]["calls"] == 0  # the file was kept
            found += answer["items"]
        assert len({row["id"] for row in found}) == len(found) > 2
        counted = await tools(
            "marketo_read",
            operation="bulk.leads.file",
            arguments={"export_id": export.partition(":")[2]},
            count_only=True,
        )
        assert counted["count"] == len(found)


async def test_an_export_of_custom_objects_names_its_type(connect: Connect) -> None:
    async with connect("alone") as tools:
        started = await tools.refused(
            "marketo_export_start",
            family="custom_objects",
            api_name="car_c",
            fields=["vin"],
            selection={"staticListId": 1001},
        )
        assert started["kind"] in {"not_found", "invalid", "unavailable"}
        status = await tools.refused("marketo_export_status", export="custom_objects:car_c:x")
        assert status["kind"] != "internal"


async def test_a_file_that_is_too_large_is_not_paged(
    connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_FILE", 10)
    async with connect("alone") as tools:
        day = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
        selection = {"createdAt": {"startAt": day.isoformat(), "endAt": (day + timedelta(days=31)).isoformat()}}
        started = await tools("marketo_export_start", family="leads", fields=["id"], selection=selection)
        sandbox.clock.advance(600.0)
        error = await tools.refused("marketo_export_rows", export=started["export"])
        assert error["kind"] == "too_large"


async def test_a_part_of_a_person_that_can_t_be_read_is_named(connect: Connect, desk: Desk, sandbox: Sandbox) -> None:
    people = Agent(access={"people": AccessLevel.READ})
    desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "people": people}))
    async with connect("people") as tools:
        answer = await tools("marketo_person", id=7)
        assert answer["activities"] == {"error": "activities.since: this agent may not call it"}
        assert answer["lists"]
        sandbox.faults.append(Fault("610", path="/rest/v1/leads/7/listMembership.json"))
        answer = await tools("marketo_person", id=7)
        assert "610" in answer["lists"]["error"]
        assert (await tools.refused("marketo_person", id=999_999))["kind"] == "not_found"


async def test_two_people_of_one_address_are_named(connect: Connect, sandbox: Sandbox) -> None:
    async with Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo:
        await marketo.leads.sync([{"email": "lead7@example.com"}], action="createDuplicate")
    async with connect() as tools:
        answer = await tools("marketo_person", email="lead7@example.com")
        assert "pass id" in answer["others"]


async def test_empty_pages_of_a_listing_are_passed(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as tools:
        answer = await tools.read("activities.since", 5, since="2020-01-01", types=[9_999])
        assert answer["items"] == []
        assert not answer["more"]


async def test_a_listing_stops_at_its_deadline_with_a_cursor(connect: Connect, sandbox: Sandbox) -> None:
    async def slow_down(*_: object) -> None:
        sandbox.faults.append(Fault("slow", seconds=2.0))  # once the first page has come

    listing = {
        "operation": "leads.by_filter",
        "arguments": {"filter_type": "id", "values": list(range(1, 401)), "fields": ["id"]},
        "limit": 400,
    }
    async with connect(tools="meta", deadline=1.5) as tools:
        result = await tools.client.call_tool("marketo_read", listing, progress_callback=slow_down)
        answer = json.loads(result.content[0].text)
        assert len(answer["items"]) == 300
        assert answer["more"]
        sandbox.faults.clear()
        rest = await tools("marketo_read", **listing, cursor=answer["cursor"])
        assert (len(rest["items"]), rest["more"]) == (100, False)
