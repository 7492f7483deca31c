"""A typed table of leads, handed to pandas, polars and DuckDB; and the page views of a month, batch by batch.

Without MARKETO_* in the environment, it uses a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to use your instance; the exports then take minutes.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl

from marketo_async import Marketo
from marketo_async.sandbox import Sandbox

VISIT = 1  # the activity type Visit Webpage


async def leads(marketo: Marketo, poll: float | None) -> None:
    """Ask three libraries the same question; none of them parses a date or a number."""
    until = datetime.now(UTC)
    people = await marketo.bulk.leads.table(
        fields=["id", "leadScore", "unsubscribed", "createdAt"],
        created_at=(until - timedelta(days=180), until),
        poll=poll,
    )
    print(f"{len(people):,} leads: {', '.join(f'{field.name} {field.type}' for field in people.schema)}")

    frame = people.to_pandas()
    print(f"pandas: mean score {frame[~frame.unsubscribed].leadScore.mean():.3f}")
    score = pl.DataFrame(people).filter(~pl.col("unsubscribed")).select(pl.col("leadScore").mean()).item()
    print(f"polars: mean score {score:.3f}")
    [(score,)] = duckdb.execute("select avg(leadScore) from people where not unsubscribed").fetchall()
    print(f"DuckDB: mean score {score:.3f}")


async def visits(marketo: Marketo, poll: float | None) -> None:
    """Count the pages that were visited; each attribute of the one type is a column."""
    pages: Counter[str] = Counter()
    async for batch in marketo.bulk.activities.batches(created_at=(timedelta(days=30), None), types=[VISIT], poll=poll):
        pages.update(batch["Webpage URL"].to_pylist())
    print(f"{pages.total():,} visits of {len(pages)} pages")


async def main() -> None:
    """Show everything on the instance in the environment, or on a sandbox."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        async with Marketo.from_env() as marketo:
            await leads(marketo, None)
            await visits(marketo, None)
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    async with Sandbox(leads=1_000, activities=1_000) as sandbox:
        marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
        async with marketo:
            await leads(marketo, 0.15)
            await visits(marketo, 0.15)


if __name__ == "__main__":
    asyncio.run(main())
