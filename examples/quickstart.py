"""A tour for newcomers: leads, lists, activities, usage and the governor, in one async function.

Without MARKETO_* in the environment, it uses a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to use your instance; it only reads.
"""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta

from marketo_async import Marketo
from marketo_async.sandbox import Sandbox


async def tour(marketo: Marketo) -> None:
    """Read a little of everything."""
    print("lead 5:", await marketo.leads.get(5, fields=["email", "firstName"]))

    # Any number of values: they are sent 300 at a time, concurrently, and the leads arrive in order.
    async for lead in marketo.leads.by_filter("email", ["lead7@example.com", "lead8@example.com"], fields=["email"]):
        print("found:", lead)

    static_list = await marketo.lists.browse().first()
    if static_list is not None:
        members = await marketo.lists.leads(static_list.id, fields=["id"]).all()
        print(f"{static_list.name} has {len(members):,} members")

    kinds = {kind.id: kind.name for kind in await marketo.activities.types()}
    pager = marketo.activities.since(datetime.now(UTC) - timedelta(minutes=30), types=[1, 2, 12])
    async for activity in pager:
        print(f"{activity.activity_date:%H:%M} lead {activity.lead_id}: {kinds[activity.activity_type_id]}")
    print("later activities begin at", pager.token)

    print("calls today, by all integrations:", (await marketo.calibrate()).total)
    print("the governor:", marketo.governor.snapshot())


async def main() -> None:
    """Take the tour of the instance in the environment, or of a sandbox."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        async with Marketo.from_env() as marketo:
            await tour(marketo)
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    async with Sandbox(leads=1_000, activities=500) as sandbox:
        marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
        async with marketo:
            await tour(marketo)


if __name__ == "__main__":
    asyncio.run(main())
