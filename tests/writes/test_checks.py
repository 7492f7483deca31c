"""Records held against what describe tells, and the descriptions that are kept for it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec import UNSET, Struct, UnsetType, field

from marketo_async import Marketo
from marketo_async.descriptions import KEPT, FieldCheck
from marketo_async.errors import ApiError, RecordRefused
from marketo_async.models.leads import Description, FieldSummary
from marketo_async.sandbox import Sandbox
from marketo_async.writes import WriteRow
from tests.wire import MockedMarketo, ok, refused
from tests.writes.instances import GENEROUS, client_of

TYPES = {
    "email": "email",
    "name": "string",
    "count": "integer",
    "score": "score",
    "share": "percent",
    "price": "currency",
    "agrees": "boolean",
    "born": "date",
    "seen": "datetime",
    "odd": "something new",
}
DESCRIPTION = Description(
    fields=[
        *(FieldSummary(name=name, data_type=kind, updateable=True) for name, kind in TYPES.items()),
        FieldSummary(name="short", data_type="string", length=5, updateable=True),
        FieldSummary(name="id", data_type="integer", updateable=False),
        FieldSummary(name="createdAt", data_type="datetime", updateable=False),
    ]
)


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"EMAIL": "a@x.io", "name": "Ann", "short": "12345"},
        {"name": 5, "odd": 5, "email": None},
        {"count": 5, "score": "7", "share": 2.5, "price": "1.5"},
        {"agrees": True, "born": date(2024, 1, 2), "seen": datetime(2024, 1, 2, tzinfo=UTC)},
        {"agrees": "false", "born": "2024-01-02", "seen": "2024-01-02T03:04:05Z"},
        {"id": 5},
    ],
)
def test_what_marketo_takes_passes(record: dict[str, Any]) -> None:
    assert FieldCheck(DESCRIPTION, always=frozenset({"id"}))(record) is None


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"nmae": "Ann"}, "nmae is not a field"),
        ({"createdAt": "2024-01-02"}, "createdAt is read-only"),
        ({"id": 5}, "id is read-only"),
        ({"short": "123456"}, "short has 6 characters, Marketo takes 5"),
        ({"count": "five"}, "count is str, Marketo expects integer"),
        ({"count": True}, "is bool, Marketo"),
        ({"count": 1.5}, "is float, Marketo"),
        ({"price": "a lot"}, "is str, Marketo"),
        ({"agrees": "perhaps"}, "boolean"),
        ({"agrees": 2}, "boolean"),
        ({"born": "tomorrow"}, "date"),
        ({"seen": 5}, "datetime"),
        ({"name": ["Ann"]}, "name is list"),
        ({"odd": {"a": 1}}, "odd is dict"),
        ({"nmae": 1, "short": "123456"}, "nmae is not a field.*; short has"),
    ],
)
def test_what_marketo_would_refuse_or_drop_is_told(record: dict[str, Any], words: str) -> None:
    found = FieldCheck(DESCRIPTION)(record)
    assert found is not None
    assert re.search(words, found)


class Person(Struct, omit_defaults=True):
    address: str | UnsetType = field(default=UNSET, name="email")
    nmae: str | None = None


def test_a_struct_is_held_to_what_is_sent_of_it() -> None:
    check = FieldCheck(DESCRIPTION)

    assert check(Person("a@x.io")) is None
    assert "nmae" in (check(Person("a@x.io", "Ann")) or "")


async def test_unknown_read_only_and_ill_typed_values_are_refused_before_a_call_is_spent() -> None:
    async with Sandbox(leads=3, activities=0, limits=GENEROUS) as sandbox:
        async with client_of(sandbox) as marketo:
            bad: list[WriteRow] = [
                {"email": "a@example.com", "shoeSize": 44},
                {"email": "a@example.com", "createdAt": "2024-01-02"},
                {"email": "a@example.com", "leadScore": "high"},
                {"email": "a@example.com", "city": "x" * 256},
            ]
            for record, word in zip(bad, ["not a field", "read-only", "integer|score", "256"], strict=True):
                with pytest.raises(RecordRefused, match=word):
                    await marketo.leads.sync([{"email": "b@example.com"}, record], check=True)
            (pushed,) = await marketo.leads.push([{"email": "a@example.com"}], "Spring Webinar", check=True)
            (by_id,) = await marketo.leads.sync(
                [{"id": 1, "city": "Oslo"}], action="updateOnly", lookup_field="id", check=True
            )
            with pytest.raises(RecordRefused, match="externalCompanyid_ is not a field"):
                await marketo.companies.sync([{"externalCompanyId": "1", "externalCompanyid_": 1}], check=True)

        assert (pushed.status, by_id.status) == ("created", "updated")
        assert sandbox.stats.by_operation == {
            "GET /rest/v1/leads/describe2.json": 1,
            "POST /rest/v1/leads/push.json": 1,
            "POST /rest/v1/leads.json": 1,
            "GET /rest/v1/companies/describe.json": 1,
        }


@pytest.mark.looptime
async def test_a_description_is_asked_for_once_a_day_however_many_want_it(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    described = ok({"name": "Lead", "fields": [{"name": "email", "dataType": "email"}]})
    updated = ok({"id": 1, "status": "updated"})
    async with patient as marketo:
        mocked.script = [refused("1003"), described]
        with pytest.raises(ApiError):
            await marketo.leads.sync([{"email": "a"}], check=True)
        mocked.latency = 1.0
        mocked.script = [described, updated]
        await asyncio.gather(*(marketo.leads.sync([{"email": f"{n}"}], check=True).all() for n in range(3)))
        await asyncio.sleep(KEPT)
        mocked.script = [described, updated]
        await marketo.leads.sync([{"email": "a"}], check=True)
        marketo._open_client().descriptions.forget()
        mocked.script = [described, updated]
        await marketo.leads.sync([{"email": "a"}], check=True)

    asked = [sent.path.rpartition("/")[2] for sent in mocked.calls]
    assert asked.count("describe2.json") == 4
