"""What is there now of all that events left to be read again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio

from marketo_async import Marketo
from marketo_async.mirror.folding import FoldedEvents
from marketo_async.mirror.rereading import Reread, Rereading
from marketo_async.mirror.tables import LIST_MEMBERS, LISTS, Catalog, MirrorTable, table_of
from marketo_async.models.columns import ColumnType
from marketo_async.sandbox import Fault, Sandbox
from marketo_async.sandbox.records.lead_changes import delete_lead, move_in_program

LEADS, _ = table_of("leads", ["id"], [("id", "bigint"), ("email", "text")], guarded=True)
FIELDS: list[tuple[str, ColumnType]] = [("programId", "bigint"), ("leadId", "bigint"), ("statusName", "text")]
MEMBERS, _ = table_of("program_members", ["programId", "leadId"], FIELDS, guarded=True)
TABLES = [LEADS, LISTS, LIST_MEMBERS, MEMBERS]
IS_MEMBER = "/rest/v1/lists/*/leads/ismember.json"


@pytest.fixture(params=[(), (Fault("603", path=IS_MEMBER),)], ids=["allowed", "ismember denied"])
def faults(request: pytest.FixtureRequest) -> Sequence[Fault]:
    found: Sequence[Fault] = request.param
    return found


@pytest_asyncio.fixture
async def sandbox(faults: Sequence[Fault]) -> AsyncIterator[Sandbox]:
    async with Sandbox(leads=20, activities=0, lists={7: [1, 2], 8: [2]}, faults=faults) as sandbox:
        yield sandbox


async def reread(marketo: Marketo, folded: FoldedEvents, tables: Sequence[MirrorTable] = TABLES) -> Reread:
    return await Rereading(marketo, Catalog(tables)).reread(folded)


def pairs(rows: Sequence[Mapping[str, Any]], one: str) -> set[tuple[int, int]]:
    return {(row[one], row["leadId"]) for row in rows}


async def test_leads_that_exist_are_read_again_and_the_others_deleted(marketo: Marketo, sandbox: Sandbox) -> None:
    folded = FoldedEvents()
    folded.dirty, folded.gone = {3, 99}, {4}
    found = await reread(marketo, folded)

    assert found.rows["leads"] == [{"id": 3, "email": (sandbox.instance.leads.get(3) or {})["email"]}]
    assert found.deletions["leads"] == [{"id": 4}, {"id": 99}]


async def test_members_of_lists_are_read_again_with_the_lists(marketo: Marketo, sandbox: Sandbox) -> None:
    delete_lead(sandbox.instance, 5)
    folded = FoldedEvents()
    folded.gone = {6}
    folded.lists |= {7: {1, 3, 5, 6}, 404: {1}, 8: {6}}
    found = await reread(marketo, folded)

    assert pairs(found.rows["list_members"], "listId") == {(7, 1)}
    assert pairs(found.deletions["list_members"], "listId") == {(7, 3), (7, 5), (404, 1)}
    assert [row["id"] for row in found.rows["lists"]] == [7, 8]


async def test_members_of_programs_are_read_again(marketo: Marketo, sandbox: Sandbox) -> None:
    program = next(iter(sandbox.instance.programs.values()))
    program.members.clear()
    move_in_program(sandbox.instance, program, 1, program.statuses[0])
    folded = FoldedEvents()
    folded.programs |= {program.id: {1, 2}, 404: {1}}
    found = await reread(marketo, folded)

    status = program.statuses[0].name
    assert found.rows["program_members"][0].items() >= {"leadId": 1, "statusName": status}.items()
    assert pairs(found.rows["program_members"], "programId") == {(program.id, 1)}
    assert pairs(found.deletions["program_members"], "programId") == {(program.id, 2), (404, 1)}


async def test_all_memberships_of_a_winner_are_read(marketo: Marketo, sandbox: Sandbox) -> None:
    for number, program in enumerate(sandbox.instance.programs.values()):
        program.members.clear()
        if number < 2:
            move_in_program(sandbox.instance, program, 2, program.statuses[0])
    folded = FoldedEvents()
    folded.winners = {2, 99}
    found = await reread(marketo, folded)

    assert pairs(found.rows["list_members"], "listId") == {(7, 2), (8, 2)}
    assert pairs(found.rows["program_members"], "programId") == {
        (program.id, 2) for program in [*sandbox.instance.programs.values()][:2]
    }
    assert not any(found.deletions.values())


async def test_only_the_tables_of_the_mirror_are_read(marketo: Marketo, sandbox: Sandbox) -> None:
    folded = FoldedEvents()
    folded.dirty, folded.winners = {1}, {2}
    folded.lists |= {7: {1}}
    folded.programs |= {1: {1}}
    calls = sandbox.stats.calls
    found = await reread(marketo, folded, [])

    assert (dict(found.rows), sandbox.stats.calls) == ({}, calls)
