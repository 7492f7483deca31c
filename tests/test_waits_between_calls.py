"""What waits between two calls, for minutes or hours, hears at once that its client was closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from marketo_async import Marketo
from marketo_async.batcher import Batcher
from marketo_async.errors import ConfigurationError, ImportStopped
from tests.wire import MockedMarketo, Step, ok, refused

pytestmark = pytest.mark.looptime

HOUR = 3600.0
FIELDS = ok({"name": "API Lead", "fields": [{"name": "email", "dataType": "email"}]})
ROWS = [{"email": "a@example.com"}]


async def load(marketo: Marketo) -> object:
    return await marketo.bulk.leads.load(ROWS, poll=HOUR)


async def export(marketo: Marketo) -> object:
    rows = marketo.bulk.leads.export(
        fields=["email"], created_at=("2026-01-01", "2026-01-02"), poll=HOUR, on_quota="wait"
    )
    return [row async for row in rows]


def batcher(marketo: Marketo) -> Batcher[Any, Any]:
    return marketo.leads.batcher(max_records=1, max_queued=1)


async def put(marketo: Marketo) -> object:
    async with batcher(marketo) as full:
        await full.put(ROWS[0])
        await full.put(ROWS[0])
    return None


async def submit(marketo: Marketo) -> object:
    async with marketo.leads.batcher(max_records=300) as waiting:
        return await waiting.submit(ROWS[0])


async def slow_records(marketo: Marketo) -> object:
    async def never() -> AsyncIterator[dict[str, str]]:
        await asyncio.sleep(HOUR)
        yield ROWS[0]

    return await marketo.leads.sync(never(), lookup_field="email").all()


JOB = {"exportId": "e", "status": "Created"}
WAITS: dict[str, tuple[Callable[[Marketo], Awaitable[object]], list[Step]]] = {
    "an import's next look": (load, [FIELDS, ok({"batchId": 1, "status": "Importing"})]),
    "an import's full queue": (load, [FIELDS, refused("1016", "too many imports queued")]),
    "an export's next look": (export, [FIELDS, ok(JOB), ok({**JOB, "status": "Queued"})]),
    "an export's full queue": (export, [FIELDS, ok(JOB), refused("1029", "Too many jobs (10) in queue")]),
    "an export's spent volume": (export, [FIELDS, refused("1029", "Export daily quota 500MB exceeded")]),
    "a write's next record": (slow_records, []),
    "a batcher's room": (put, [refused("1003")]),
    "a batcher's age": (submit, [FIELDS]),
}


@pytest.mark.parametrize(("wait", "script"), WAITS.values(), ids=WAITS)
async def test_closing_the_client_ends_a_wait_between_calls_at_once(
    wait: Callable[[Marketo], Awaitable[object]], script: list[Step], mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = list(script)
    await patient.__aenter__()
    waiting = asyncio.ensure_future(wait(patient))
    for _ in range(100):
        await asyncio.sleep(0.1)
    assert not waiting.done(), waiting.exception()

    loop = asyncio.get_running_loop()
    closed = loop.time()
    await patient.close()
    (error,) = await asyncio.gather(waiting, return_exceptions=True)
    assert loop.time() - closed < 1
    if isinstance(error, ImportStopped):
        assert error.unknown or error.unsent
        error = error.__cause__
    assert isinstance(error, ConfigurationError), error


async def test_closing_the_client_ends_a_wait_for_the_keys_of_another_write(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script, mocked.latency = [ok({"id": 1, "status": "updated"})], 30.0
    await patient.__aenter__()
    first, second = (asyncio.ensure_future(patient.leads.sync(ROWS, lookup_field="email").all()) for _ in range(2))
    await asyncio.sleep(1)

    closing = asyncio.ensure_future(patient.close(grace=60.0))
    await asyncio.sleep(0.1)
    assert second.done(), "it waits for the exchange of the first"
    assert isinstance(second.exception(), ConfigurationError)
    await closing
    assert [result.status for result in await first] == ["updated"]


async def test_a_batcher_with_nothing_left_closes_after_its_client(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok({"id": 1, "status": "created"})]
    await patient.__aenter__()
    idle = await batcher(patient).__aenter__()
    await idle.submit(ROWS[0])
    await patient.close()
    await asyncio.sleep(1)
    with pytest.raises(ConfigurationError, match="closed"):
        await idle.put(ROWS[0])
    await idle.close()
