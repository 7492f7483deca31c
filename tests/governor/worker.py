"""A process that makes calls and says how many: ``python -m tests.governor.worker STORE BASE_URL CALLS PER EACH``."""

from __future__ import annotations

import asyncio
import os
import sys

from marketo_async import Governor, Limits, Marketo
from marketo_async.governor import RedisStore, SQLiteStore, Store


def store_at(where: str) -> Store:
    """Return the store in a file, or at a URL whose fragment names the instance."""
    url, _, instance = where.partition("#")
    return RedisStore(url, instance=instance) if instance else SQLiteStore(where)


async def work(where: str, base_url: str, limits: Limits, calls: int) -> int:
    """Make calls by ten tasks, and return how many were answered."""
    numbers, done = iter(range(1, calls + 1)), 0
    governor = Governor(limits, store=store_at(where))
    client_id, client_secret = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
    async with Marketo(base_url, client_id=client_id, client_secret=client_secret, governor=governor) as marketo:

        async def some() -> None:
            nonlocal done
            for number in numbers:
                assert await marketo.leads.get(number, fields=["id"]) is not None
                done += 1

        await asyncio.gather(*(some() for _ in range(10)))
    return done


if __name__ == "__main__":
    where, base_url, calls, per, each = sys.argv[1:]
    sys.stdout.write(str(asyncio.run(work(where, base_url, Limits(calls=int(calls), per=float(per)), int(each)))))
