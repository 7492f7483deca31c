"""A mirror as Dagster assets, a table each: ``dagster dev -f examples/mirror_dagster.py`` shows and schedules them.

It needs dagster, dagster-dlt and the extra: pip install dagster dagster-dlt 'marketo-async[mirror]'. Run as a script
without MARKETO_* in the environment, it materializes the assets twice in this process, of a sandbox on this machine.
"""

# mypy: ignore-errors
# Dagster is installed in an environment of its own, where the tests run this example.
# Dagster reads the annotations of assets, which therefore can't be text: no `from __future__ import annotations` here.
import os
from pathlib import Path
from tempfile import TemporaryDirectory

import dlt
import duckdb
from anyio.from_thread import start_blocking_portal
from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    Definitions,
    ScheduleDefinition,
    define_asset_job,
    materialize,
)
from dagster_dlt import DagsterDltResource, dlt_assets

from marketo_async import mirror, sync
from marketo_async.sandbox import Sandbox

TABLES = ["leads", "lead_changes", "lead_deletions", "lists", "list_members"]


def marketo_assets(database: Path) -> AssetsDefinition:
    """Return the assets of the instance in the environment, which is asked only when they are materialized."""

    @dlt_assets(
        dlt_source=mirror.source(tables=TABLES),
        dlt_pipeline=dlt.pipeline("crm", destination=dlt.destinations.duckdb(str(database)), dataset_name="marketo"),
        name="marketo",
    )
    def assets(context: AssetExecutionContext, dlt_resource: DagsterDltResource):  # noqa: ANN202 - an iterator
        yield from dlt_resource.run(context=context)

    return assets


everything = marketo_assets(Path(os.environ.get("MIRROR_DATABASE", "crm.duckdb")))
hourly = ScheduleDefinition(job=define_asset_job("mirror", [everything]), cron_schedule="0 * * * *")
defs = Definitions(assets=[everything], schedules=[hourly], resources={"dlt_resource": DagsterDltResource()})


def run_twice(sandbox: Sandbox) -> None:
    """Materialize the assets, delete a lead, and materialize them again."""
    os.environ["MARKETO_BASE_URL"] = sandbox.base_url
    os.environ["MARKETO_CLIENT_ID"], os.environ["MARKETO_CLIENT_SECRET"] = sandbox.client_id, sandbox.client_secret
    with TemporaryDirectory() as folder:
        database = Path(folder) / "demo.duckdb"
        os.environ["DLT_DATA_DIR"] = folder
        for lead_id in (7, 8):
            # dagster-dlt changes dlt's objects as it reads them, so each run in one process needs assets of its own.
            ended = materialize([marketo_assets(database)], resources={"dlt_resource": DagsterDltResource()})
            rows = {}
            with duckdb.connect(str(database), read_only=True) as tables:
                for name in TABLES:
                    ((rows[name],),) = tables.execute(f"SELECT count(*) FROM marketo.{name}").fetchall()  # noqa: S608
            print(ended.success, ", ".join(f"{name} {count:,}" for name, count in rows.items()))
            with sync.Marketo.from_env() as marketo:
                marketo.leads.delete([lead_id]).all()


if __name__ == "__main__":
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    instance = Sandbox(leads=1_000, activities=0)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(instance):
        run_twice(instance)
