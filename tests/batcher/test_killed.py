"""A few of the kills that ``benchmarks/journal.py`` does by the dozen: real processes, SIGKILL, a real journal."""

from __future__ import annotations

import pytest

from benchmarks.journal import killed


@pytest.mark.parametrize("kills", [1, pytest.param(4, marks=pytest.mark.slow)])
async def test_what_a_killed_producer_had_accepted_reaches_the_server(kills: int) -> None:
    found = await killed(kills, seed=5)

    assert (found.kills, found.lost, found.outdated) == (kills, 0, 0)
    assert found.accepted >= kills
