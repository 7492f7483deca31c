"""A mirror in DuckDB: a first load, a run that applies what has changed since, and a proof that the tables are right.

Without MARKETO_* in the environment, it uses a sandbox on this machine, and a DuckDB file in a temporary folder. Set
MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to mirror the leads, lists and
activities of your instance into marketo.duckdb. It needs the extra: pip install 'marketo-async[mirror]'
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from marketo_async import Marketo
from marketo_async.mirror import Mirror
from marketo_async.sandbox import Sandbox

TABLES = ["leads", "lead_changes", "lead_deletions", "lists", "list_members"]


async def update(marketo: Marketo, target: str) -> None:
    """Load what is missing, apply what has changed since the last run, and show what the tables hold."""
    async with Mirror(marketo, target, tables=TABLES) as mirror:
        await mirror.run()
        status = await mirror.status()
        print(", ".join(f"{name} {rows:,}" for name, rows in status.rows.items()))


async def prove(marketo: Marketo, target: str, *, repair: bool = False) -> None:
    """Compare random leads in every field, and lists by their members; show the rows that differ."""
    async with Mirror(marketo, target, tables=TABLES) as mirror:
        report = await mirror.verify(repair=repair)
    for row in report.differences:
        print(row.kind, row.table, dict(row.key), "repaired" if report.repaired else "")
    print(report)


async def damage(marketo: Marketo, target: str) -> None:
    """Delete a row of the mirror, as a careless user would."""
    async with Mirror(marketo, target) as mirror:
        await mirror.destination.execute("DELETE FROM {leads} WHERE id = 3")


async def main() -> None:
    """Mirror the instance in the environment, or a sandbox that changes meanwhile."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        async with Marketo.from_env() as marketo:
            await update(marketo, "duckdb:///marketo.duckdb")
            await prove(marketo, "duckdb:///marketo.duckdb")
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    with TemporaryDirectory() as folder:
        target = f"duckdb:///{Path(folder) / 'marketo.duckdb'}"
        async with Sandbox(leads=1_000, activities=0) as sandbox:
            marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
            async with marketo:
                await update(marketo, target)
                await marketo.leads.sync([{"id": 7, "title": "Owner"}], action="updateOnly", lookup_field="id")
                await marketo.leads.delete([8])
                await update(marketo, target)
                await damage(marketo, target)
                await prove(marketo, target, repair=True)
                await prove(marketo, target)


if __name__ == "__main__":
    asyncio.run(main())
