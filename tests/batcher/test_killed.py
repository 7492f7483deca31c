"""A few of the kills that ``benchmarks/journal.py`` does by the dozen: real processes, SIGKILL, a real journal."""

from __future__ import annotations

from benchmarks.journal import killed


async def test_what_a_killed_producer_had_accepted_reaches_the_server() -> None:
    found = await killed(4, seed=5)

    assert (found.kills, found.lost, found.outdated) == (4, 0, 0)
    assert found.accepted >= 4
