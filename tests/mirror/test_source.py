"""The dlt source: pipelines of others load an instance with it, and continue where the last run ended."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from marketo_async import Marketo, mirror
from marketo_async.errors import ConfigurationError
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.target import target_of
from marketo_async.sandbox import Sandbox, Traffic
from marketo_async.sandbox.records import lead_changes

from .truth import differences, held, true

TABLES = ("leads", "lead_changes", "lead_deletions", "lead_merges", "lists", "list_members")


class Pipeline:
    """A pipeline as others write one, into a DuckDB."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox

    def client(self, secret: str | None = None) -> Marketo:
        return Marketo(
            self.sandbox.base_url,
            client_id=self.sandbox.client_id,
            client_secret=secret or self.sandbox.client_secret,
            munchkin_id=self.sandbox.munchkin_id,
        )

    async def run(self, *, secret: str | None = None, name: str = "crm", **options: Any) -> None:
        def work() -> None:  # dlt wants its pipelines made in the thread that runs them
            destination = dlt.destinations.duckdb(str(self.folder / "crm.duckdb"))
            pipeline = dlt.pipeline(
                name, pipelines_dir=str(self.folder), destination=destination, dataset_name="marketo"
            )
            if pipeline.has_pending_data:
                pipeline.drop_pending_packages()
            pipeline.run(mirror.source(lambda: self.client(secret), **options))

        await asyncio.to_thread(work)

    async def held(self) -> Any:
        target = target_of(f"duckdb:///{self.folder / 'crm.duckdb'}", dataset="marketo")
        destination = Destination(target, folder=self.folder / "reader")
        await destination.open(self.sandbox.munchkin_id)
        try:
            return await held(destination, TABLES)
        finally:
            await destination.close()


@pytest.fixture
async def pipeline(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "ERROR")
    return Pipeline(tmp_path, sandbox)


@pytest.mark.slow
async def test_runs_continue_and_the_tables_equal_the_instance(
    pipeline: Pipeline, sandbox: Sandbox, traffic: Traffic
) -> None:
    for _ in range(3):
        await pipeline.run(tables=TABLES)
        truth = true(sandbox, traffic)
        assert differences(await pipeline.held(), {name: truth[name] for name in TABLES}) == {}
        for _ in range(150):
            traffic.happen()


@pytest.mark.slow
async def test_a_deleted_lead_goes_with_its_memberships(pipeline: Pipeline, sandbox: Sandbox) -> None:
    tables = ("leads", "list_members", "lead_deletions")
    await pipeline.run(tables=tables)
    lead_changes.delete_lead(sandbox.instance, 7)
    calls = sandbox.stats.calls
    await pipeline.run(tables=tables)
    assert sandbox.stats.calls - calls < 15  # nothing but what is new
    found = await pipeline.held()
    assert len(found["leads"]) == len(found["list_members"]) == 699
    assert [row[0] for row in found["lead_deletions"]] == [7]


@pytest.mark.slow
async def test_a_run_that_fails_keeps_nothing_and_the_next_one_continues(pipeline: Pipeline) -> None:
    with pytest.raises(PipelineStepFailed, match="refuses the credentials"):
        await pipeline.run(secret="wrong", tables=["leads"])
    await pipeline.run(tables=["leads"])
    assert len((await pipeline.held())["leads"]) == 700


def test_there_is_a_resource_for_each_table_and_one_for_all_activities() -> None:
    everything = mirror.source(Marketo("123-ABC-456", client_id="a", client_secret="b"))
    own = ["leads", "lead_changes", "lead_deletions", "lead_merges", "lists", "list_members", "programs"]
    assert list(everything.selected_resources) == [*own, "program_members", "activities", "others"]
    some = mirror.source(tables=["leads", "activity_send_email", "activity_open_email", "custom_car"])
    assert list(some.selected_resources) == ["leads", "activities", "others"]


async def test_one_pipeline_holds_one_instance(pipeline: Pipeline) -> None:
    await pipeline.run(tables=["lists"])
    pipeline.sandbox.instance.munchkin_id = "200-SBX-002"
    with pytest.raises(PipelineStepFailed) as caught:
        await pipeline.run(tables=["lists"])
    causes: list[BaseException] = [caught.value]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    assert any(isinstance(cause, ConfigurationError) for cause in causes)
