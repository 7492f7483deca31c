"""A mirror against a sandbox: its tables equal the instance, row by row."""

from __future__ import annotations


import pytest

from marketo_async import Marketo
from marketo_async.mirror.runner import Mirror
from marketo_async.sandbox import Sandbox, Traffic

from .follower import QUICK
from .truth import differences, held, true


async def test_the_tables_equal_the_instance_after_a_first_load_and_after_more_events(
    sandbox: Sandbox, traffic: Traffic, marketo: Marketo, duckdb: str
) -> None:
    async with Mirror(marketo, duckdb, **QUICK) as mirror:
        await mirror.run()
        first = await held(mirror.destination)
    assert differences(first, true(sandbox, traffic)) == {}

    for _ in range(400):
        traffic.happen()
    async with Mirror(marketo, duckdb, **QUICK) as mirror:
        await mirror.run()
        later = await held(mirror.destination)

    assert len(traffic.log) == 400
    assert differences(later, true(sandbox, traffic)) == {}
