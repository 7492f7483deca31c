"""The client reads every recorded answer, and keeps all of its members but those that it drops on purpose."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from marketo_async import Marketo, operations
from marketo_async.envelope import Envelope, read, read_bare
from marketo_async.errors import MarketoError, RecordsFailed
from marketo_async.operation import Dialect, Operation, Paging
from marketo_async.response import read_response
from tests.recorded import RECORDED
from tests.recorded.conftest import Heard
from tests.recorded.kinds import Nothing, Value, answers, lost
from tests.test_openapi import CALLS
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, Answer, MockedMarketo, done, ok

# Calls that come before the one that is meant, and their answers.
BEFORE = {
    **dict.fromkeys(
        ["activities.since", "activities.lead_changes", "activities.deleted_leads"], done(nextPageToken="T")
    ),
    **dict.fromkeys(["custom_objects.sync", "custom_objects.delete"], ok({"name": "car_c", "dedupeFields": ["vin"]})),
}
# Members that the models drop, by operation and path, and why.
DROPPED = {
    ("emails.send_sample", "id"): "the call returns whether the sample was sent; the caller passed the id",
}


def bodies(operation: Operation) -> list[bytes]:
    """Return the recorded answers to an operation as they come on the wire, each once."""
    shape = RECORDED[operation.name]
    around: dict[str, Value] = {"requestId": "1a2b#19a0000000", "success": True}
    around |= {"errors": [], "warnings": []} if operation.path.startswith("/rest/asset/") else {}
    around |= {"nextPageToken": "T===", "moreResult": False} if operation.paging is Paging.DATE else {}
    if isinstance(shape, Nothing):
        return [json.dumps(around).encode()]
    bare = operation.dialect is not Dialect.ENVELOPE
    found = (value if bare else {**around, "result": value} for value in answers(shape))
    return list(dict.fromkeys(json.dumps(answer).encode() for answer in found))


def envelope_of(heard: Heard, body: bytes) -> Envelope[Any]:
    operation, answer = heard.operation, heard.plan.answer
    if operation.dialect is Dialect.ENVELOPE:
        return read(body, answer, status=200, operation=operation.name)
    return read_bare(body, answer, status=200, operation=operation.name, named=None)


async def planned(name: str, heard: list[Heard], mocked: MockedMarketo) -> Heard:
    """Make the example call of an operation, and return what the client wanted of the answer."""
    first = bodies(operations()[name])[0]
    mocked.script = [*([BEFORE[name]] if name in BEFORE else []), Answer(first)]
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, munchkin_id="123-ABC-456") as client:
        with suppress(MarketoError):  # the example sends another number of records than the recording has
            await CALLS[name](client)
    return next(found for found in heard if found.operation.name == name)


@pytest.mark.parametrize("name", RECORDED)
async def test_an_answer_is_read_and_kept(name: str, heard: list[Heard], mocked: MockedMarketo) -> None:
    call = await planned(name, heard, mocked)
    missing = set()
    for body in bodies(call.operation):
        outcome = read_response(call.operation, call.plan, 200, body, resets_at=lambda: datetime.now(UTC))
        assert outcome.error is None or isinstance(outcome.error, RecordsFailed), outcome.error
        kept = None if call.plan.void else msgspec.to_builtins(envelope_of(call, body).result)
        sent = json.loads(body)
        missing |= set(lost(sent.get("result") if call.operation.dialect is Dialect.ENVELOPE else sent, kept))

    assert missing == {member for operation, member in DROPPED if operation == name}


def test_what_is_dropped_is_recorded() -> None:
    assert {operation for operation, _ in DROPPED} <= RECORDED.keys()
