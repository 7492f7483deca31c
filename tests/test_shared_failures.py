"""One failure, many callers: each gets an exception of its own, and nobody writes to one that others may hold."""

from __future__ import annotations

import ast
import asyncio
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import marketo_async
from marketo_async import Marketo
from marketo_async.auth import shared
from marketo_async.batcher import Batcher
from marketo_async.errors import (
    AccessDenied,
    AuthenticationError,
    ConfigurationError,
    MarketoError,
    TransportError,
)
from marketo_async.writes import Result
from tests.wire import ORIGIN, Answer, MockedMarketo, grant, ok, refused

SOURCES = sorted(Path(marketo_async.__file__).parent.rglob("*.py"))


async def drained(marketo: Marketo, list_id: int) -> MarketoError:
    """Read a list until it fails, and return the error."""
    try:
        async for _ in marketo.lists.leads(list_id):
            pass
    except MarketoError as error:
        return error
    raise AssertionError("the list was read to its end")


@pytest.mark.looptime
async def test_lists_that_fail_by_one_renewal_of_the_token_carry_their_own_tokens(mocked: MockedMarketo) -> None:
    mocked.latency = 0.5
    mocked.script = [ok({"id": 1}, nextPageToken="T1"), ok({"id": 2}, nextPageToken="T2"), refused("602")]
    mocked.grants = [grant(), Answer(b'{"error":"unauthorized"}', 401)]
    async with Marketo(ORIGIN, client_id="i", client_secret="s") as marketo:
        first, second = await asyncio.gather(drained(marketo, 1), drained(marketo, 2))

    assert len(mocked.identity_calls) == 2, "one renewal failed for both"
    assert isinstance(first, AuthenticationError)
    assert isinstance(second, AuthenticationError)
    assert first is not second
    assert {first.token, second.token} == {"T1", "T2"}


async def test_every_caller_of_a_shared_task_gets_a_copy_with_the_original_as_its_cause() -> None:
    async def fail() -> None:
        raise TransportError("no answer", operation="identity.token", sent=False)

    task = asyncio.ensure_future(fail())
    waiters = [asyncio.ensure_future(shared(task, gone=lambda: ConfigurationError("closed"))) for _ in range(50)]
    errors = await asyncio.gather(*waiters, return_exceptions=True)
    original = task.exception()

    assert original is not None
    assert len({id(error) for error in errors}) == 50
    for error in errors:
        assert isinstance(error, TransportError)
        assert (str(error), error.sent, error.operation) == (str(original), False, "identity.token")
        assert error.__cause__ is original
    frames = traceback.extract_tb(original.__traceback__)
    assert [frame.name for frame in frames] == ["fail"], "waiting adds nothing to the traceback of the shared error"


async def test_a_shared_task_that_was_cancelled_is_no_cancellation_of_its_callers() -> None:
    task = asyncio.ensure_future(asyncio.sleep(1000))
    waiter = asyncio.ensure_future(shared(task, gone=lambda: ConfigurationError("closed")))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(ConfigurationError, match="closed"):
        await waiter


async def test_a_caller_that_is_cancelled_leaves_the_shared_task_to_the_others() -> None:
    done = asyncio.Event()

    async def work() -> str:
        await done.wait()
        return "value"

    task = asyncio.ensure_future(work())
    gone = asyncio.ensure_future(shared(task, gone=lambda: ConfigurationError("closed")))
    stays = asyncio.ensure_future(shared(task, gone=lambda: ConfigurationError("closed")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    done.set()

    assert await stays == "value"


@pytest.mark.looptime
async def test_an_error_raised_by_an_input_is_not_changed_by_the_write_that_reads_it(mocked: MockedMarketo) -> None:
    """The records may come from a listing: its error belongs to whoever holds that listing, too."""
    theirs = TransportError("no answer", operation="lists.leads")
    theirs.token = "T1"

    def records() -> Iterator[dict[str, object]]:
        yield {"email": "a@x.io"}
        raise theirs

    mocked.script = [ok({"id": 1, "status": "created"})]
    async with Marketo(ORIGIN, client_id="i", client_secret="s") as marketo:
        with pytest.raises(TransportError) as caught:
            await marketo.leads.sync(records())

    assert [result.id for result in caught.value.results] == [1]
    assert (caught.value.token, theirs.results) == ("T1", ())


@pytest.mark.looptime
async def test_calls_of_one_write_that_fail_alike_raise_one_error_with_the_first_index(mocked: MockedMarketo) -> None:
    mocked.latency = 0.5
    mocked.script = [refused("603", "Access denied")]
    async with Marketo(ORIGIN, client_id="i", client_secret="s") as marketo:
        with pytest.raises(AccessDenied) as caught:
            await marketo.leads.sync([{"email": f"{number}@x.io"} for number in range(900)])

    assert caught.value.index == 0
    assert isinstance(caught.value.__cause__, AccessDenied)
    assert caught.value.__cause__.index is None, "what was raised first is as it was"
    assert caught.value.__cause__.__cause__ is None, "and stands once in the traceback, however often it was copied"


async def test_callers_of_one_batch_that_fails_get_their_own_errors() -> None:
    cause = TransportError("no answer")

    async def send(_: Sequence[int]) -> list[Result[int]]:
        raise cause

    batcher: Batcher[int, Result[int]] = Batcher(send, max_records=2, max_age=60)
    async with batcher:
        errors = await asyncio.gather(batcher.submit(1), batcher.submit(2), return_exceptions=True)

    assert all(isinstance(error, TransportError) and error.__cause__ is cause for error in errors)
    assert errors[0] is not errors[1]


def written_to(tree: ast.Module) -> Iterator[int]:
    """Yield the lines that assign to an attribute of an exception which an ``except`` clause has caught."""
    for handler in ast.walk(tree):
        if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
            continue
        for node in ast.walk(handler):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                held = isinstance(node.value, ast.Name) and node.value.id == handler.name
                yield from [node.lineno] if held else []


def test_what_counts_as_writing_to_a_caught_exception() -> None:
    caught = "try: f()\nexcept E as error:\n    error.token = 1\n    raise"
    own = "try: f()\nexcept E as error:\n    mine = copy(error)\n    mine.token = 1\n    self.error = error"

    assert list(written_to(ast.parse(caught))) == [3]
    assert list(written_to(ast.parse(own))) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_no_code_writes_to_an_exception_that_it_has_caught(source: Path) -> None:
    assert list(written_to(ast.parse(source.read_text()))) == []
