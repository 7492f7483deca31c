"""A mirror against a sandbox: its tables equal the instance, row by row."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import marketo_async.mirror
from marketo_async import Marketo
from marketo_async.errors import ConfigurationError, InvalidRequest, TransportError
from marketo_async.mirror import Mirror
from marketo_async.sandbox import Sandbox, Traffic
from marketo_async.sandbox.records.lead_changes import create_lead

from .follower import QUICK
from .truth import differences, held, true

CORE = ["leads", "lead_deletions", "lead_merges", "list_members", "program_members"]


@pytest.mark.slow
async def test_a_mirror_has_the_instance_and_then_what_happened_since(
    sandbox: Sandbox, traffic: Traffic, marketo: Marketo, duckdb: str, tmp_path: Path
) -> None:
    async with Mirror(marketo, duckdb, tables=CORE, folder=tmp_path / "dlt", **QUICK) as mirror:
        await mirror.run()
        truth = {name: rows for name, rows in true(sandbox, traffic).items() if name in CORE}
        assert differences(await held(mirror.destination, CORE), truth) == {}

        for _ in range(200):
            traffic.happen()
        await mirror.run()
        truth = {name: rows for name, rows in true(sandbox, traffic).items() if name in CORE}
        assert differences(await held(mirror.destination, CORE), truth) == {}
        status = await mirror.status()
    assert status.rows == {name: len(rows) for name, rows in truth.items()}
    assert (status.instance, status.target) == (marketo.base_url, duckdb)


@pytest.mark.slow
@pytest.mark.parametrize("destination", ["duckdb", "postgres"])
async def test_every_table_equals_the_instance_after_a_first_load_and_after_more_events(
    destination: str,
    sandbox: Sandbox,
    traffic: Traffic,
    marketo: Marketo,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    target = request.getfixturevalue(destination)
    dataset = None if destination == "duckdb" else "every_table"
    for events in (0, 400):
        for _ in range(events):
            traffic.happen()
        async with Mirror(marketo, target, dataset=dataset, folder=tmp_path / "dlt", **QUICK) as mirror:
            await mirror.run()
            assert differences(await held(mirror.destination), true(sandbox, traffic)) == {}

    assert len(traffic.log) == 400


async def appears(mirror: Mirror, lead_id: int) -> None:
    """Wait until a lead is in its table."""
    async with asyncio.timeout(40):
        while not await mirror.destination.query("SELECT id FROM {leads} WHERE id = %s", lead_id):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_a_mirror_follows_until_it_is_cancelled(
    sandbox: Sandbox, marketo: Marketo, duckdb: str, tmp_path: Path
) -> None:
    async with Mirror(marketo, duckdb, tables=["leads"], folder=tmp_path / "dlt", **QUICK) as mirror:
        following = asyncio.create_task(mirror.run(follow=True))
        await appears(mirror, 700)
        lead_id = create_lead(sandbox.instance, {"email": "new@example.com"})
        await appears(mirror, lead_id)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

        assert mirror.state.position is not None
        loads = mirror.state.loads
    async with Mirror(marketo, duckdb, tables=["leads"], folder=tmp_path / "dlt", **QUICK) as mirror:
        assert mirror.state.loads >= loads


async def test_the_first_error_of_any_part_is_raised_as_it_is(
    sandbox: Sandbox, marketo: Marketo, duckdb: str, tmp_path: Path
) -> None:
    async with Mirror(marketo, duckdb, tables=["leads"], folder=tmp_path / "dlt", **QUICK) as mirror:
        await marketo.activities.types_by_id()
        await marketo.leads.describe2()
        await sandbox.__aexit__(None, None, None)
        with pytest.raises(TransportError):
            await mirror.run()
        assert mirror.state.loads <= 1


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (["leads", "activity_nothing"], "'activity_nothing' is not a table of this mirror; choose from activities"),
        ([], "empty"),
    ],
)
async def test_a_table_that_no_mirror_has_is_refused(
    marketo: Marketo, duckdb: str, tmp_path: Path, tables: list[str], told: str
) -> None:
    async with Mirror(marketo, duckdb, tables=tables, folder=tmp_path / "dlt") as mirror:
        with pytest.raises(InvalidRequest, match=told):
            await mirror.run()


async def test_a_mirror_that_is_not_open_says_so_and_shows_no_password(marketo: Marketo) -> None:
    mirror = Mirror(marketo, "postgresql://u:s3cret@h/d")

    assert repr(mirror) == f"<Mirror of {marketo.base_url} at postgresql://u@h/d>"
    with pytest.raises(ConfigurationError, match="inside `async with Mirror"):
        _ = mirror.state
    assert all(hasattr(marketo_async.mirror, name) for name in marketo_async.mirror.__all__)
