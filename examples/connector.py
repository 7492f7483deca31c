"""The nine actions of a marketing connector, each in one call or a few lines, single and batched.

Without MARKETO_* in the environment, it uses a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID, MARKETO_CLIENT_SECRET, MARKETO_LIST_ID and MARKETO_CAMPAIGN_ID to use your instance; it writes leads
named connector-*@example.com there.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from marketo_async import Marketo
from marketo_async.batcher import Batcher
from marketo_async.models.records import Reason, RecordResult
from marketo_async.sandbox import Quirks, Sandbox
from marketo_async.writes import ResultList, WriteRow

Strategy = Literal["createOrUpdate", "createOnly", "updateOnly", "createDuplicate"]

LIST, CAMPAIGN = 1001, 4002  # of the sandbox
MISSING = RecordResult(status="skipped", reasons=[Reason("1004", "Lead not found")])


class Known(Struct, frozen=True):
    """A lead as a connector knows it: by the value of a lookup field (``email``, ``sfdcLeadId``, ``cookies`` ...)."""

    field: str
    value: str


async def lead_ids(marketo: Marketo, leads: Sequence[Known], *, create: bool) -> dict[Known, int]:
    """Find leads by lookup, 300 per call; with ``create``, create the missing ones."""
    found: dict[Known, int] = {}
    for field in dict.fromkeys(lead.field for lead in leads):
        values = {lead.value.casefold(): lead for lead in leads if lead.field == field}
        if create:
            records: list[WriteRow] = [{field: lead.value} for lead in values.values()]
            results = await marketo.leads.sync(records, lookup_field=field)
            ids = {value: result.id for value, result in zip(values, results, strict=True)}
        else:
            pager = marketo.leads.by_filter(field, [lead.value for lead in values.values()], fields=["id", field])
            ids = {str(lead[field]).casefold(): lead["id"] async for lead in pager}
        found |= {lead: number for lead in leads if lead.field == field and (number := ids.get(lead.value.casefold()))}
    return found


async def put_into_list(
    marketo: Marketo, list_id: int, leads: Sequence[Known], *, create: bool = False, remove: bool = False
) -> list[RecordResult]:
    """Add leads to a list, or remove them (actions 1 and 3), with a result for each."""
    ids = await lead_ids(marketo, leads, create=create)
    verb = marketo.lists.remove if remove else marketo.lists.add
    results = {result.record: result async for result in verb(list_id, set(ids.values()))}
    return [results[ids[lead]] if lead in ids else MISSING for lead in leads]


def list_batcher(
    marketo: Marketo, list_id: int, *, create: bool = False, remove: bool = False
) -> Batcher[Known, RecordResult]:
    """Do the same in batches (2 and 4) of 300 leads, 30 minutes or 1 MB; use ``lists.batcher`` for lead ids."""

    def send(leads: Sequence[Known]) -> asyncio.Future[list[RecordResult]]:
        return asyncio.ensure_future(put_into_list(marketo, list_id, leads, create=create, remove=remove))

    return Batcher(send, max_records=300, max_age=30 * 60, max_bytes=1_000_000)


async def send_email(marketo: Marketo, campaign_id: int, lead_id: int, tokens: Mapping[str, str]) -> str | None:
    """Send a transactional e-mail (action 5): request a trigger campaign for a lead; the request is never repeated."""
    (result,) = await marketo.campaigns.request(campaign_id, [lead_id], tokens=tokens)
    return result.status


async def write_leads(
    marketo: Marketo, records: Sequence[WriteRow], strategy: Strategy = "createOrUpdate", lookup_field: str = "email"
) -> ResultList[WriteRow]:
    """Create or update leads by an update strategy (action 6); ``leads.batcher`` does it in batches (7)."""
    return await marketo.leads.sync(records, action=strategy, lookup_field=lookup_field, check=True)


async def merge(marketo: Marketo, winner: int, losers: Sequence[int], *, in_crm: bool = False) -> list[str | None]:
    """Merge leads into one (action 8), with ``in_crm`` in the CRM too."""
    return [result.status async for result in marketo.leads.merge(winner, losers, merge_in_crm=in_crm)]


def import_batcher(
    marketo: Marketo, *, list_id: int | None = None, poll: float | None = None
) -> Batcher[Mapping[str, str], RecordResult]:
    """Gather rows for a bulk import (action 9), up to 25,000 rows, 30 minutes or 10 MB; with ``list_id`` into a list.

    Each failed row has its own result. ``poll`` is how many seconds pass between two looks at a job.
    """

    async def send(rows: Sequence[Mapping[str, str]]) -> list[RecordResult]:
        report = await marketo.bulk.leads.load(rows, lookup_field="email", list_id=list_id, poll=poll)
        failed = {failure.index: Reason("", failure.reason) for failure in report.failures}
        return [
            RecordResult(status="skipped", reasons=[failed[index]])
            if index in failed
            else RecordResult(status="imported")
            for index in range(len(rows))
        ]

    return Batcher(send, max_records=25_000, max_age=30 * 60, max_bytes=10_000_000, repeats=False)


async def tour(marketo: Marketo, list_id: int, campaign_id: int, poll: float | None = None) -> None:
    """Run every action once."""
    emails = [f"connector-{number}@example.com" for number in range(1, 6)]
    known = [Known("email", email) for email in emails]

    one = await write_leads(marketo, [{"email": emails[0], "firstName": "Ann"}])
    print("6 create or update a lead:", one[0].status)
    many = await write_leads(marketo, [{"email": email, "city": "Oslo"} for email in emails[:4]])
    print("6 several:", [result.status for result in many])
    async with marketo.leads.batcher(max_records=300, max_age=30 * 60, max_bytes=1_000_000) as batcher:
        for email in emails[:4]:
            await batcher.put({"email": email, "title": "Owner"})
        await batcher.flush()
        print("7 create or update, batched: set aside", await batcher.set_aside(), "waiting", batcher.waiting)

    added = await put_into_list(marketo, list_id, known[:1])
    unknown = await put_into_list(marketo, list_id, known[4:])
    created = await put_into_list(marketo, list_id, known[4:], create=True)
    print("1 add to a list:", added[0].status, unknown[0].status, created[0].status)
    async with list_batcher(marketo, list_id, create=True) as adding:
        submitted = asyncio.gather(*map(adding.submit, known))
        flushed = asyncio.ensure_future(adding.flush())
        print("2 add to a list, batched:", [result.status for result in await submitted])
        await flushed
    (removed,) = await marketo.lists.remove(list_id, [many[0].id or 0])
    print("3 remove from a list:", removed.status)
    async with list_batcher(marketo, list_id, remove=True) as removing:
        gone, _ = await asyncio.gather(removing.submit(known[1]), removing.flush())
        print("4 remove from a list, batched:", gone.status)

    print("5 transactional e-mail:", await send_email(marketo, campaign_id, many[0].id or 0, {"{{my.message}}": "hi"}))
    print("8 merge:", await merge(marketo, many[0].id or 0, [many[1].id or 0], in_crm=False))
    async with import_batcher(marketo, list_id=list_id, poll=poll) as importing:
        for number in range(100):
            await importing.put({"email": f"connector-import-{number}@example.com", "leadScore": str(number)})
        await importing.put({"email": "connector-bad@example.com", "leadScore": "high"})
        await importing.flush()
        aside = [(found.record["email"], found.reason) for found in await importing.set_aside()]
        print("9 bulk import into a list, set aside:", aside)


async def main() -> None:
    """Run the actions on the instance in the environment, or on a sandbox."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        async with Marketo.from_env() as marketo:
            await tour(marketo, int(os.environ["MARKETO_LIST_ID"]), int(os.environ["MARKETO_CAMPAIGN_ID"]))
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    async with Sandbox(leads=100, activities=0, quirks=Quirks(import_wait=0.05, import_seconds=0.05)) as sandbox:
        marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
        async with marketo:
            await tour(marketo, LIST, CAMPAIGN, poll=0.05)


if __name__ == "__main__":
    asyncio.run(main())
