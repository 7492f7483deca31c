"""Both sides of an instance: a neighbour calls as its description says, and the server's answers are counted."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from benchmarks.instance import Instance, Road, in_virtual_time
from benchmarks.neighbours import COMING_AND_GOING, REGULAR, Bursts, Client, beside, governed, leaky
from marketo_async import Limits


def answers(bursts: Bursts, seconds: float, *, seed: int = 1) -> Client:
    """Let a neighbour call alone."""

    async def main() -> Client:
        seen = Client()
        await bursts.call(Road(Instance(Limits()), 0.5, seed=seed), random.Random(seed), seconds, seen)
        return seen

    return in_virtual_time(main())


def test_a_regular_neighbour_alone_is_never_refused() -> None:
    seen = answers(REGULAR, 200.0)
    assert (len(seen.done), seen.refusals) == (4 * 60, [])
    gaps = [later - sooner for sooner, later in pairwise(seen.done) if later - sooner > 10.0]
    assert gaps == pytest.approx([40.0] * 3, abs=1.0)


def test_a_neighbour_that_leaves_for_good_does_not_come_back() -> None:
    assert len(answers(Bursts(leaves=90.0), 400.0).done) == 2 * 60


@pytest.mark.slow
def test_a_random_neighbour_is_away_for_minutes_and_differs_by_seed() -> None:
    first, other = (answers(COMING_AND_GOING, 3000.0, seed=seed) for seed in (1, 2))
    assert first.done != other.done
    assert max(later - sooner for sooner, later in pairwise(first.done)) > 120.0


def test_refusals_are_counted_by_code_and_since_a_moment() -> None:
    client = Client()
    for moment, code in ((1.0, ""), (2.0, "606"), (3.0, "615"), (4.0, "606"), (5.0, "")):
        client.note(moment, code)
    assert client.refused("606", since=3.0) == 1
    assert client.part("606", "615") == 60.0
    assert client.between(0.0, 5.0) == 1.0
    assert Client().part("606") == 0.0


@pytest.mark.slow
def test_both_sides_are_counted_and_a_leaky_bucket_starves_its_neighbour() -> None:
    """If it did not, the neighbour's figures would say nothing about the governor."""
    [ours] = beside(REGULAR, governed, 1, 200.0)
    [theirs] = beside(REGULAR, leaky, 1, 200.0)
    for run in (ours, theirs):
        assert (len(run.neighbour.done) + len(run.neighbour.refusals)) % REGULAR.most == 0
    assert theirs.neighbour.part("606", "615") > 90.0
    assert theirs.refused > 30.0
    assert ours.neighbour.part("606", "615") < 50.0
    assert ours.refused < 10.0
