"""A million activities leave no trace in memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio, sys
from benchmarks.elsewhere import peak
from marketo_async.governor.quota import as_utc
from marketo_async.models.activities import Activity
from marketo_async.operation import Page
from tests.changes.instance import FakeInstance, feed_of, now
from tests.changes.virtual import in_jumps

count, mode = int(sys.argv[1]), sys.argv[2]
DAYS = 3 * 86_400.0

class Endless(FakeInstance):
    '''Activities that are made when they are asked for, evenly over three days.'''
    def _answer(self, name, query):
        if name == "paging_token":
            return str(max(0, int((query["sinceDatetime"].timestamp() - self.start) / DAYS * count)))
        first = int(query["nextPageToken"])
        last = min(count, first + min(300, query.get("batchSize") or 300))
        rows = [
            Activity(
                marketo_guid=f"{number:036d}", lead_id=7, activity_type_id=1,
                activity_date=as_utc(int(self.start + number / count * DAYS)),
            )
            for number in range(first, last)
        ]
        return Page(rows, str(last), last < count)

async def main():
    instance = Endless("date", latency=0.05)
    instance.start = now() - DAYS - 3600
    seen = 0
    async with feed_of(instance, types=[1], since=as_utc(instance.start), mode=mode) as feed:
        async for batch in feed:
            seen += len(batch.events)
            if seen > 20_000 and not begun:
                begun.append(peak())
            if seen == count:
                break
    print(peak() - begun[0])

begun = []
in_jumps(main())
"""


def growth(count: int, mode: str) -> float:
    """Return by how many MiB a process grows after the first 20,000 activities."""
    found = subprocess.run(  # noqa: S603 - the script above
        [sys.executable, "-c", SCRIPT, str(count), mode], capture_output=True, text=True, check=False, timeout=300
    )
    assert found.returncode == 0, found.stderr
    return float(found.stdout)


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.mark.parametrize("mode", ["live", "settled"])
def test_some_activities_leave_little_in_memory(mode: str) -> None:
    assert growth(30_000, mode) < 16


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["live", "settled"])
def test_a_million_activities_leave_little_in_memory(mode: str) -> None:
    grown = growth(1_000_000, mode)

    print(f"\n{mode}: {grown:.1f} MiB")  # noqa: T201 - shown by -s
    assert 0 < grown < 32
