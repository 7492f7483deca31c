"""JSON arguments become the plan that the method makes, and a plan is written as the bytes that arrive."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.caller import Caller
from marketo_async.errors import InvalidRequest, MarketoError, RecordRefused
from marketo_async.operation import Deferred, Merged, Ordered, Plan
from marketo_async.planning import Refused, chunks, describes, parts, plan_of, requests, unsendable
from marketo_async.schema import callees
from marketo_async.writes import Batches
from tests.conftest import Client
from tests.json_arguments import json_arguments
from tests.test_openapi import CALLS, answer
from tests.wire import ScriptedServer

MUNCHKIN = "123-ABC-456"


def a_client(client: Client, origin: str) -> Marketo:
    return client(
        origin,
        ingestion_url=origin,
        munchkin_id=MUNCHKIN,
        retry=RetryPolicy(attempts=1),
        governor=Governor(Limits(calls=1000)),
    )


@pytest.mark.parametrize("name", sorted(callees()))
async def test_what_is_planned_from_json_is_what_arrives(name: str, client: Client) -> None:
    """The first request of the plan equals the bytes that the server gets, and those of the method itself."""
    operation, planned = plan_of(name, json_arguments()[name], munchkin_id=MUNCHKIN)
    async with ScriptedServer() as server, a_client(client, server.origin) as marketo:
        server.default = answer
        sender = Caller(marketo._open_client, marketo._options)
        shown = list(requests(operation, planned, server.origin))
        with suppress(MarketoError):
            if isinstance(planned, Batches):
                await sender.writes(operation, planned).all()
            elif isinstance(planned, Ordered | Merged) or operation.paging is not None:
                await sender.pages(operation, planned).first()
            else:
                assert isinstance(planned, Plan)
                await sender.send(operation, planned)
        sent = server.calls[-len(shown) :] if isinstance(planned, Batches) else server.calls
        arrived = [(one.method, server.origin + one.target, one.body) for one in sent]
        assert arrived[0] == (shown[0].method, shown[0].url, shown[0].body or b"")
        assert sent[0].headers.get("content-type") == shown[0].content_type

        if operation.paging is None:  # the example call of a listing asks for a later page
            server.calls.clear()
            with suppress(MarketoError):
                await CALLS[name](marketo)
            assert (server.calls[-1].method, server.calls[-1].target, server.calls[-1].body) == (
                sent[-1].method,
                sent[-1].target,
                sent[-1].body,
            )


def refusal(name: str, arguments: dict[str, Any]) -> str:
    with pytest.raises(InvalidRequest) as caught:
        plan_of(name, arguments)
    return str(caught.value)


ADD = "call lists.add(list_id: int, lead_ids: [int])"


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("lists.add", {"list_id": 5}, f"lists.add: lead_ids is missing; {ADD}"),
        ("lists.add", {}, f"lists.add: list_id, lead_ids is missing; {ADD}"),
        ("lists.add", {"list_id": 5, "lead_ids": [1], "all": 1}, f"lists.add: 'all' is not an argument; {ADD}"),
        ("lists.add", {"list_id": 5, "lead_ids": [1, "x"]}, f"lists.add: lead_ids[1]: expected int, got str; {ADD}"),
        ("lists.add", {"list_id": 5, "lead_ids": 1}, f"lists.add: lead_ids: expected array, got int; {ADD}"),
        ("lists.add", {"list_id": None, "lead_ids": [1]}, f"lists.add: list_id: expected int, got null; {ADD}"),
        ("lists.add", {"list_id": True, "lead_ids": [1]}, f"lists.add: list_id: expected int, got bool; {ADD}"),
        ("folders.get", {"folder": {"id": 1, "x": 2}}, "folder: 'x' is not a member, the members are id, type; call"),
        ("folders.get", {"folder": {"id": 1, "type": "F"}}, "folder.type: invalid enum value 'F'; call"),
        (
            "bulk.leads.create",
            {"fields": ["id"], "selection": {"createdAt": {"startAt": "2024-01-01T00:00:00Z", "until": 1}}},
            "selection.createdAt: object missing required field endAt; call",
        ),
        (
            "activities.add",
            {"activities": [{"leadId": 1, "activityDate": "2024-01-01", "activityTypeId": 1,
                             "primaryAttributeValue": "x", "attributes": [{"name": "a", "value": 1, "x": 1}]}]},
            "activities[0].attributes[0]: 'x' is not a member",
        ),
        ("leads.get", {"lead_id": 1, "fields": []}, "fields is empty"),
        ("ingestion.add_to_list", {"list_id": 1, "lead_ids": [1]}, "needs the munchkin id"),
    ],
)  # fmt: skip
def test_a_wrong_argument_is_refused_with_its_place_and_the_signature(
    name: str, arguments: dict[str, Any], text: str
) -> None:
    assert text in refusal(name, arguments)


def test_text_is_read_as_what_the_operation_takes() -> None:
    operation, planned = plan_of("lists.add", {"list_id": "5", "lead_ids": ["1", 2]})
    (request,) = requests(operation, planned, "https://h")
    assert (request.url, request.body) == ("https://h/rest/v1/lists/5/leads.json", b'{"input":[{"id":1},{"id":2}]}')


def test_text_stays_text_where_text_is_taken() -> None:
    operation, planned = plan_of("leads.by_filter", {"filter_type": "zip", "values": ["01234", 5, True]})
    (request,) = requests(operation, planned, "https://h")
    assert request.url == "https://h/rest/v1/leads.json?filterType=zip&filterValues=01234,5,true"


def test_a_null_leaves_an_optional_argument_out() -> None:
    operation, planned = plan_of("lists.leads", {"list_id": 5, "fields": None, "token": None})
    (request,) = requests(operation, planned, "https://h")
    assert request.url == "https://h/rest/v1/lists/5/leads.json"


def test_a_listing_is_shown_at_its_token() -> None:
    operation, planned = plan_of("lists.leads", {"list_id": 5, "token": "T"})
    (request,) = requests(operation, planned, "https://h")
    assert request.url.endswith("?nextPageToken=T")


def test_every_part_of_a_listing_is_shown() -> None:
    values = [f"a{number}@x.io" for number in range(301)]
    operation, planned = plan_of("leads.by_filter", {"filter_type": "email", "values": values})
    assert len(list(requests(operation, planned, "https://h"))) == len(list(parts(planned))) == 2


def test_nothing_is_known_of_a_listing_whose_arguments_the_instance_knows() -> None:
    operation, planned = plan_of("activities.since", {"since": "2024-01-01", "types": ["Visit Webpage"]})
    assert isinstance(planned, Deferred)
    assert list(requests(operation, planned, "https://h")) == []
    assert list(parts(planned)) == []


def test_a_write_is_cut_into_calls() -> None:
    operation, planned = plan_of("lists.add", {"list_id": 5, "lead_ids": list(range(1, 602))})
    assert isinstance(planned, Batches)
    assert len(list(chunks(planned))) == 3
    assert (
        sum(request.body.count(b"id") for request in requests(operation, planned, "https://h") if request.body) == 601
    )


def test_a_repeated_key_makes_another_call() -> None:
    _, planned = plan_of("leads.sync", {"records": [{"email": "a@x.io"}, {"email": "b@x.io"}, {"email": "A@x.io "}]})
    assert isinstance(planned, Batches)
    assert [bytes(part.json["input"]).count(b"email") for part in chunks(planned)] == [2, 1]  # type: ignore[index]


def test_records_that_can_t_be_sent_are_named() -> None:
    operation, planned = plan_of(
        "leads.sync", {"records": [{"email": "a@x.io"}, {"x": 1}, {"email": "b@x.io", "id": 1}]}
    )
    assert isinstance(planned, Batches)
    found = unsendable(planned)
    assert [one.index for one in found] == [1, 2]
    assert isinstance(found[0], Refused)
    assert "no email" in found[0].why
    with pytest.raises(RecordRefused):
        list(requests(operation, planned, "https://h"))


def test_a_write_whose_key_marketo_describes_asks_first() -> None:
    _, cars = plan_of("custom_objects.sync", {"api_name": "car_c", "records": [{"vin": "1"}]})
    _, leads = plan_of("leads.sync", {"records": [{"email": "a@x.io"}]})
    _, checked = plan_of("leads.sync", {"records": [{"email": "a@x.io"}], "check": True})
    assert [describes(one) for one in (cars, leads, checked) if isinstance(one, Batches)] == [True, False, True]


def test_records_that_are_read_while_they_are_sent_can_t_be_shown() -> None:
    _, planned = plan_of("lists.add", {"list_id": 5, "lead_ids": [1]})
    assert isinstance(planned, Batches)
    from msgspec.structs import replace  # noqa: PLC0415

    with pytest.raises(InvalidRequest, match="pass a list"):
        list(chunks(replace(planned, records=iter([1]))))
