"""What arrived at a sandbox, where it is kept: every API call with its body, answered or refused, without the token."""

from __future__ import annotations

from contextlib import suppress

from marketo_async import Marketo
from marketo_async.errors import MarketoError
from marketo_async.sandbox import Fault, Sandbox
from marketo_async.sandbox.stats import Arrived


async def test_arrivals_are_kept_where_they_are_asked_for() -> None:
    async with (
        Sandbox(leads=3, activities=0) as sandbox,
        Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            ingestion_url=sandbox.ingestion_url,
            munchkin_id=sandbox.munchkin_id,
        ) as marketo,
    ):
        await marketo.leads.get(1)
        assert sandbox.stats.requests is None
        sandbox.stats.requests = kept = list[Arrived]()
        await marketo.lists.add(1001, [1, 2])
        await marketo.ingestion.add_to_list(1001, [3])
        sandbox.faults.append(Fault("603", times=1))
        with suppress(MarketoError):
            await marketo.leads.get(2)

    assert kept == [
        Arrived("POST", "/rest/v1/lists/1001/leads.json", b'{"input":[{"id":1},{"id":2}]}'),
        Arrived("POST", f"/subscriptions/{sandbox.munchkin_id}/lists", b'{"listId":1001,"input":[{"leadId":3}]}'),
        Arrived("GET", "/rest/v1/lead/2.json", b""),
    ]
