"""Bulk exports and imports: half a year of leads as rows and as a file, and an import with the rows that failed.

Without MARKETO_* in the environment, it uses a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to use your instance; it then only exports, which takes minutes.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from marketo_async import Marketo
from marketo_async.bulk import ExportProgress
from marketo_async.sandbox import Sandbox


class Person(Struct):
    """A lead as this program sees it; only these fields are requested."""

    id: int
    email: str | None
    createdAt: datetime  # noqa: N815 - Marketo's name


def show(progress: ExportProgress) -> None:
    """Print the size of an export once it is complete."""
    if progress.windows_done == progress.windows and progress.bytes == progress.bytes_expected:
        print(f"{progress.windows} windows, {progress.rows:,} rows, {progress.bytes:,} bytes")


async def export(marketo: Marketo, folder: Path, poll: float | None) -> None:
    """Export the leads of half a year, as rows and into a file."""
    until = datetime.now(UTC)
    since = until - timedelta(days=180)
    count, last = 0, None
    async for person in marketo.bulk.leads.of(Person).export(created_at=(since, until), poll=poll):
        count, last = count + 1, person
    print(f"{count:,} leads, the last one: {last and last.email}")

    report = await marketo.bulk.leads.export_to(
        folder / "leads.jsonl", fields=["id", "email"], created_at=(since, until), poll=poll, progress=show
    )
    print(
        f"{report.rows:,} rows in {Path(report.path).name}; exported today: {await marketo.bulk.used_today():,} bytes"
    )


async def load(marketo: Marketo, poll: float | None) -> None:
    """Import some leads, one of which Marketo refuses."""
    rows = [{"email": f"new{number}@example.com", "firstName": "Neu"} for number in range(100)]
    rows[42]["email"] = "no address"
    report = await marketo.bulk.leads.load(rows, list_id=1001, poll=poll)
    print(f"{report.processed} of {report.rows} rows taken")
    for failure in report.failures:
        print(f"row {failure.index}: {failure.reason}: {failure.record}")


async def main() -> None:
    """Show everything on the instance in the environment, or on a sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        if any(name.startswith("MARKETO_") for name in os.environ):
            async with Marketo.from_env() as marketo:
                await export(marketo, Path(folder), None)
            return
        print("No MARKETO_* in the environment: this is a sandbox on this machine.")
        async with Sandbox(leads=1_000, activities=0) as sandbox:
            marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
            async with marketo:
                await export(marketo, Path(folder), 0.15)
                await load(marketo, 0.15)


if __name__ == "__main__":
    asyncio.run(main())
