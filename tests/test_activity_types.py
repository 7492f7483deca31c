"""The activity types of an instance, which a client keeps for a day."""

from __future__ import annotations

import asyncio

import pytest

from marketo_async import Marketo
from marketo_async.descriptions import KEPT
from marketo_async.errors import ApiError
from marketo_async.governor import Priority
from marketo_async.models.activities import ActivityType
from marketo_async.sandbox import Sandbox
from marketo_async.sync import Marketo as BlockingMarketo
from tests.wire import MockedMarketo, ok, refused

VISIT = {"id": 1, "name": "Visit Webpage", "primaryAttribute": {"name": "Webpage ID", "dataType": "integer"}}
FORM = {"id": 2, "name": "Fill Out Form", "apiName": "fillOutForm"}


@pytest.mark.looptime
async def test_many_tasks_and_siblings_make_one_call_a_day(mocked: MockedMarketo, patient: Marketo) -> None:
    async with patient as marketo:
        mocked.script = [ok(VISIT, FORM)]
        mocked.latency = 1.0
        low = marketo.with_options(priority=Priority.BULK)
        found = await asyncio.gather(*(family.types_by_id() for family in [marketo.activities, low.activities] * 3))
        await asyncio.sleep(KEPT - 10)
        found.append(await marketo.activities.types_by_id())
        assert len(mocked.calls) == 1

        await asyncio.sleep(10)
        mocked.script = [ok(FORM)]
        changed = await marketo.activities.types_by_id()
        assert len(mocked.calls) == 2

    assert [list(types) for types in found] == [[1, 2]] * 7
    assert found[0][2] == ActivityType(id=2, name="Fill Out Form", api_name="fillOutForm")
    assert list(changed) == [2]


async def test_an_error_is_not_kept_and_the_plain_call_is_made_each_time(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    async with patient as marketo:
        mocked.script = [refused("603"), ok(VISIT)]
        with pytest.raises(ApiError, match="603"):
            await marketo.activities.types_by_id()
        assert list(await marketo.activities.types_by_id()) == [1]
        assert [kind.id for kind in await marketo.activities.types()] == [1]
        assert [kind.id for kind in await marketo.activities.types()] == [1]
    assert len(mocked.calls) == 4


async def test_a_changed_result_changes_nothing_for_others(mocked: MockedMarketo, patient: Marketo) -> None:
    async with patient as marketo:
        mocked.script = [ok(VISIT)]
        types = dict(await marketo.activities.types_by_id())
        types.clear()
        assert list(await marketo.activities.types_by_id()) == [1]


async def test_a_client_without_a_loop_asks_once_as_well() -> None:
    async with Sandbox(leads=1, activities=0) as sandbox:

        def ask() -> list[list[int]]:
            with BlockingMarketo(
                sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret
            ) as marketo:
                return [list(marketo.activities.types_by_id()) for _ in range(3)]

        first, *others = await asyncio.to_thread(ask)
        assert {1, 12, 13, 37} <= set(first)
        assert others == [first, first]
        assert sandbox.stats.by_operation == {"GET /rest/v1/activities/types.json": 1}
