"""A process that makes a first load, and prints how many megabytes it took at most."""

# ruff: noqa: T201 - the test reads what is printed
from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from benchmarks.elsewhere import peak
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.gathering import Gathering
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import packed
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import ACTIVITY_FIELDS, Catalog, table_of
from marketo_async.mirror.target import target_of
from marketo_async.models.columns import ColumnType

KINDS: list[ColumnType] = ["text", "text", "bigint", "timestamp", "bool"]
FIELDS = [f"field{number}" for number in range(60)]
LEADS, _ = table_of(
    "leads", ["id"], [("id", "bigint"), *((name, KINDS[place % 5]) for place, name in enumerate(FIELDS))], guarded=True
)
ACTIVITIES = [
    table_of(f"activity_{number}", ["marketoGUID"], [*ACTIVITY_FIELDS, ("@URL", "text")])[0] for number in range(12)
]
CATALOG = Catalog([LEADS, *ACTIVITIES])


def lead(number: int) -> dict[str, object]:
    values = [f"value {number}", f"name{number}@example.com", number, "2026-01-01T00:00:00Z", True]
    return {"id": number, **{name: values[place % 5] for place, name in enumerate(FIELDS)}}


def activity(kind: int, number: int) -> dict[str, object]:
    own = {"marketoGUID": f"{kind}-{number}", "leadId": number, "activityDate": "2026-01-01T00:00:00Z"}
    return {**own, "activityTypeId": kind, "@URL": f"/page/{number}"}


async def load(destination: Destination, state: MirrorState, *chunks: LoadChunk) -> MirrorState:
    gathering = Gathering(CATALOG, seconds=0.001)
    for chunk in chunks:
        await gathering.put(chunk)
    package = packed(await gathering.take(), state)
    await destination.load(package, CATALOG)
    return package.state


async def first_load(destination: Destination, state: MirrorState) -> None:
    """Load 24,000 leads of 60 fields."""
    for start in range(0, 24_000, 8_000):
        state = await load(
            destination,
            state,
            *(
                LoadChunk(
                    rows={"leads": [lead(page + number) for number in range(300)]}, read_at=time.time(), snapshot=True
                )
                for page in range(start, start + 8_000, 300)
            ),
        )


async def main(folder: Path) -> None:
    destination = Destination(target_of(f"duckdb:///{folder}/a.duckdb"), folder=folder / "dlt")
    state = await destination.open("i")
    await first_load(destination, state)
    print(peak())
    await destination.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
