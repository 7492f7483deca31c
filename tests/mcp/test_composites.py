"""A composite makes its calls through the sender of its family, so none of them leads around the guard."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from marketo_async import resources
from marketo_async.batcher import Batcher
from marketo_async.bulk import JobSlots
from marketo_async.bulk.namespace import FAMILIES, Bulk
from marketo_async.errors import Denied
from marketo_async.models.leads import Record
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.descriptors import Composite
from tests.mcp.guarded import Stage, staged
from tests.mcp.test_guard import FREE

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
RANGE = (SINCE, UNTIL)
KEY = {"externalOpportunityId": "1", "leadId": 1, "role": "r"}

Made = Callable[[Any, Path], Awaitable[Any]]


async def rows(export: AsyncIterator[Any]) -> list[Any]:
    return [row async for row in export]


async def put(batcher: Batcher[Any, Any], record: object) -> None:
    async with batcher:
        await batcher.submit(record)


EXPORTS: dict[str, dict[str, Any]] = {
    "bulk.leads": {"fields": ["id"], "created_at": RANGE},
    "bulk.activities": {"created_at": RANGE},
    "bulk.program_members": {"fields": ["leadId"], "program_id": 1},
    "bulk.custom_objects": {"fields": ["vin"], "updated_at": RANGE},
}
CALLS: dict[str, Made] = {
    "leads.batcher": lambda family, _: put(family.batcher(max_records=1), {"email": "a@b.c"}),
    "lists.batcher": lambda family, _: put(family.batcher(1001, max_records=1), 1),
    "activities.between": lambda family, _: family.between(SINCE, UNTIL, types=[1]).all(),
    "activities.types_by_id": lambda family, _: family.types_by_id(),
    "program_members.updated": lambda family, _: family.updated(1, SINCE, UNTIL).all(),
    "opportunities.by_key": lambda family, _: family.by_key([KEY]).all(),
    "opportunity_roles.by_key": lambda family, _: family.by_key([KEY]).all(),
    "custom_objects.by_key": lambda family, _: family.by_key("car_c", [{"vin": "1"}]).all(),
    "bulk.used_today": lambda family, _: family.used_today(),
    "bulk.leads.load": lambda family, _: family.load([{"email": "a@b.c"}]),
    "bulk.program_members.load": lambda family, _: family.load(1, "Attended", [{"email": "a@b.c"}]),
    "bulk.custom_objects.load": lambda family, _: family.load([{"vin": "1"}]),
}


def exporting(asked: dict[str, Any]) -> dict[str, Made]:
    """Return the composites of the exports of one kind of files."""
    return {
        "export": lambda family, _: rows(family.export(**asked)),
        "export_to": lambda family, path: family.export_to(path / "out.csv", **asked),
        "batches": lambda family, _: rows(family.batches(**asked)),
        "table": lambda family, _: family.table(**asked),
        "download": lambda family, path: family.download("e1", path / "out.csv"),
    }


def moving(action: str) -> Made:
    """Return the composite that moves a new asset to another state."""
    return lambda family, _: getattr(family, action)("1")


CALLS |= {f"{name}.{verb}": made for name, asked in EXPORTS.items() for verb, made in exporting(asked).items()}
CALLS |= {
    f"{name}.{action}": moving(action)
    for name in ("emails_v2", "email_templates_v2", "fragments")
    for action in ("approve", "create_draft", "discard_draft", "unapprove")
}


def families() -> dict[str, type[Resource]]:
    kinds = [getattr(resources, kind) for _, kind in resources.HOMES.values()]
    return {kind.name: kind for kind in [*kinds, *FAMILIES, Bulk]}


def family_on(sender: Sender, name: str) -> Any:
    kind: Callable[..., Any] = families()[name]
    given = {"model": Record, "munchkin_id": "123-ABC-456", "api_name": "car_c", "slots": JobSlots()}
    given["used_today"] = Bulk(sender, JobSlots()).used_today
    taken = inspect.signature(kind).parameters
    return kind(sender, **{one: value for one, value in given.items() if one in taken})


def test_every_composite_is_tried() -> None:
    found = {
        f"{name}.{member}"
        for name, kind in families().items()
        for member in dir(kind)
        if isinstance(inspect.getattr_static(kind, member), Composite)
    }
    assert found == CALLS.keys()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with staged(tmp_path / "stage", leads=3, activities=3) as opened:
        yield opened


@pytest.mark.parametrize("name", CALLS)
async def test_no_composite_leads_around_the_guard(name: str, stage: Stage, tmp_path: Path) -> None:
    if name.endswith((".batches", ".table")):
        pytest.importorskip("pyarrow")
    composite = CALLS[name](family_on(stage.sender(""), name.rpartition(".")[0]), tmp_path)
    with pytest.raises(Denied):
        await composite

    assert stage.arrived == []
    assert {record.kind for record in stage.records()} == {"denied"}


@pytest.mark.parametrize(
    "name", ["activities.between", "program_members.updated", "lists.batcher", "emails_v2.approve"]
)
async def test_a_composite_of_an_agent_with_every_right_arrives(name: str, stage: Stage, tmp_path: Path) -> None:
    try:
        await CALLS[name](family_on(stage.sender(FREE), name.rpartition(".")[0]), tmp_path)
    except Denied:
        raise
    except Exception:  # noqa: BLE001, S110 - the sandbox has no such object
        pass

    assert stage.arrived
    assert {record.kind for record in stage.records()} == {"intent", "outcome"}
