"""Reading answers: tolerant of what Marketo is known to send, strict and explicit about the rest."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.envelope import Envelope, read, request_id
from marketo_async.errors import BadResponse, ErrorItem, UnexpectedShape
from marketo_async.models.activities import Activity, LeadChange
from marketo_async.models.lists import StaticList
from marketo_async.models.records import Reason, RecordResult

BOM = b"\xef\xbb\xbf"


class Thing(msgspec.Struct):
    id: int
    name: str | None = None


def decoded(body: bytes | object, answer: Any = list[Thing], *, status: int = 200) -> Envelope[Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(raw, answer, status=status, operation="things.get")


def test_every_member_is_read_whatever_the_order() -> None:
    envelope = decoded(
        {
            "moreResult": True,
            "result": [{"id": 1, "name": "a"}],
            "nextPageToken": "AB==",
            "warnings": ["careful", {"code": 7, "message": "hm"}],
            "requestId": "e42b#14272d07d78",
            "errors": [],
            "success": True,
        }
    )

    assert envelope.result == [Thing(1, "a")]
    assert (envelope.request_id, envelope.next_page_token, envelope.more_result) == ("e42b#14272d07d78", "AB==", True)
    assert envelope.warnings is not None
    assert envelope.warnings[0] == "careful"
    assert envelope.failures == []


@pytest.mark.parametrize("member", ["requestId", "result", "errors", "warnings", "nextPageToken", "moreResult"])
def test_members_may_be_null_or_missing(member: str) -> None:
    whole: dict[str, object] = {"success": True, "requestId": "1#2", "result": [{"id": 1}]}

    assert decoded({**whole, member: None}).failures == []
    assert decoded({name: value for name, value in whole.items() if name != member}).failures == []


def test_unknown_members_numbers_as_text_and_text_as_numbers_do_not_matter() -> None:
    envelope = decoded({"success": True, "surprise": {"a": 1}, "result": [{"id": "12", "name": "x", "extra": []}]})

    assert envelope.result == [Thing(12, "x")]


def test_free_records_are_not_touched() -> None:
    record = {"id": "12", "score": "7", "flag": "true", "nothing": None}

    assert decoded({"success": True, "result": [record]}, list[dict[str, Any]]).result == [record]


@pytest.mark.parametrize("code", ["610", 610])
def test_codes_are_text_whichever_way_they_come(code: object) -> None:
    envelope = decoded({"success": False, "errors": [{"code": code, "message": "gone"}]})

    assert envelope.failures == [ErrorItem("610", "gone")]


def test_errors_count_even_with_success_and_failure_counts_even_without_errors() -> None:
    assert decoded({"success": True, "errors": [{"code": "1", "message": None}]}).failures == [ErrorItem("1", "")]
    assert decoded({"success": False}).failures == [ErrorItem("", "success is false, and no error says why")]
    assert decoded({"errors": [{"code": 401}]}).failures == [ErrorItem("401", "")]


def test_errors_count_even_where_the_result_has_the_wrong_shape() -> None:
    envelope = decoded(
        {
            "requestId": "1#2",
            "success": False,
            "errors": [{"code": "601", "message": "Access token invalid"}],
            "result": [{"id": "not a number"}],
        }
    )

    assert envelope.failures == [ErrorItem("601", "Access token invalid")]
    assert envelope.request_id == "1#2"
    assert envelope.result is None


@pytest.mark.parametrize(
    ("body", "diagnosis"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html><body>Bad Gateway</body></html>", "HTML"),
        (b"\n  <!DOCTYPE html>", "HTML"),
        (b'{"requestId":"1#2","success":true,"result":[{"id":1', "not complete JSON"),
        (b"Service Unavailable", "not complete JSON"),
        (b'{"requestId":"1#2","result":[{"id":1,"name":"\xff\xfe"}]}', "not UTF-8"),
        (b"\xff\xfe{", "not UTF-8"),
        (b'{"result":"odd","x":"1#2","errors":[{"code":"\xff"}]}', "not UTF-8"),
        (b'{"result":"odd","nextPageToken":"\xff"}', "not UTF-8"),
        (b'{"result":"odd"}}', "not complete JSON"),
    ],
)
def test_what_is_no_json_says_what_it_is(body: bytes, diagnosis: str) -> None:
    with pytest.raises(BadResponse, match=diagnosis) as caught:
        decoded(body, status=502)

    error = caught.value
    assert not isinstance(error, UnexpectedShape)
    assert (error.status, error.body, error.operation) == (502, body, "things.get")
    assert error.request_id == ("1#2" if b"requestId" in body else None)
    assert "502" in str(error)
    assert "things.get" in str(error)
    if body:
        assert repr(body[:80]) in str(error)


def test_a_json_answer_that_nests_without_end_is_a_bad_response() -> None:
    with pytest.raises(BadResponse):
        decoded(b'{"result":' + b"[" * 100_000, Any)


@pytest.mark.parametrize(
    ("result", "path"),
    [
        ([{"id": "x"}], "$.result[0].id"),
        ([{"id": 1}, {}], "$.result[1]"),
        ({"id": 1}, "$.result"),
        ("text", "$.result"),
    ],
)
def test_a_result_of_another_shape_says_where(result: object, path: str) -> None:
    with pytest.raises(UnexpectedShape) as caught:
        decoded({"requestId": "1#2", "success": True, "result": result})

    assert caught.value.path == path
    assert caught.value.request_id == "1#2"


@pytest.mark.parametrize("body", [[1, 2], "text", 7, None, True])
def test_json_that_is_no_object_has_an_unexpected_shape(body: object) -> None:
    with pytest.raises(UnexpectedShape) as caught:
        decoded(json.dumps(body).encode())

    assert caught.value.path == "$"


@pytest.mark.parametrize("body", [{}, {"message": "Too many requests"}])
def test_an_object_that_is_no_envelope_is_a_bad_response(body: object) -> None:
    with pytest.raises(BadResponse, match="not a Marketo answer") as caught:
        decoded(body)

    assert not isinstance(caught.value, UnexpectedShape), "Marketo did not answer: the call may be sent again"


@pytest.mark.parametrize("body", [{"requestId": "1#2"}, {"errors": []}, {"result": []}, {"success": True}])
def test_one_member_of_an_envelope_makes_an_envelope(body: object) -> None:
    assert decoded(body).failures == []


@pytest.mark.parametrize("times", [1, 2, 5000])
def test_a_byte_order_mark_in_front_does_not_matter_or_is_a_bad_response(times: int) -> None:
    body = BOM * times + b'{"success":true,"result":[{"id":1}]}'

    if times == 1:
        assert decoded(body).result == [Thing(1)]
        return
    with suppress(BadResponse):  # anything else would be a mistake
        assert decoded(body).result == [Thing(1)]


@pytest.mark.parametrize("date", [123, 1.5, True, [], {}, "yesterday"])
def test_a_date_that_is_no_date_is_an_unexpected_shape_and_nothing_else(date: object) -> None:
    with pytest.raises(UnexpectedShape) as caught:
        decoded({"success": True, "result": [{"id": 1, "name": "a", "createdAt": date}]}, list[StaticList])

    assert caught.value.path == "$.result[0].createdAt"


@pytest.mark.parametrize(
    ("answer", "record"),
    [
        (RecordResult, {"id": 1, "status": "created", "reasons": None}),
        (RecordResult, {"id": 1, "status": "skipped", "reasons": [{"code": "1003", "message": None}]}),
        (Activity, {"leadId": 1, "activityDate": "2024-01-01T00:00:00Z", "activityTypeId": 1, "attributes": None}),
        (LeadChange, {"leadId": 1, "activityDate": "2024-01-01T00:00:00Z", "activityTypeId": 12, "fields": None}),
    ],
)
def test_null_for_a_list_or_a_message_is_no_reason_to_lose_a_whole_answer(answer: type, record: object) -> None:
    envelope = decoded({"success": True, "result": [record]}, list[answer])  # type: ignore[valid-type]

    assert envelope.result is not None
    assert len(envelope.result) == 1


@pytest.mark.parametrize(
    "record",
    [
        {"status": "skipped", "reasons": [{"code": "1004", "message": "no"}]},
        {"status": "skipped", "reason": {"code": "1004", "message": "no"}},
        {"status": "skipped", "reason": [{"code": "1004", "message": "no"}]},
        {"status": "skipped", "errors": [{"code": "1004", "message": "no"}]},
        {"reasons": [{"code": "1004", "message": "no"}]},
    ],
)
def test_a_failed_record_is_told_under_each_of_its_names(record: object) -> None:
    envelope = decoded({"success": True, "result": [record]}, list[RecordResult])

    assert envelope.result is not None
    (result,) = envelope.result
    assert result.failed
    assert result.why == [Reason("1004", "no")]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_a_bad_response(body: bytes) -> None:
    refusal: BadResponse | None = None
    try:
        envelope = decoded(body)
    except BadResponse as error:
        refusal = error

    assert refusal.body in {body, body.removeprefix(BOM)} if refusal else isinstance(envelope, Envelope)


@given(st.integers(0, 200))
def test_an_answer_cut_anywhere_keeps_its_request_id_if_it_had_come(cut: int) -> None:
    whole = b'{"requestId":"1a2b#3c4d","success":true,"result":[{"id":1,"name":"a"},{"id":2,"name":"b"}]}'
    body = whole[:cut]

    if body == whole:
        assert decoded(body).request_id == "1a2b#3c4d"
        return
    with pytest.raises(BadResponse) as caught:
        decoded(body)
    assert caught.value.request_id == ("1a2b#3c4d" if b'3c4d"' in body else None)


def test_a_request_id_is_found_in_what_is_no_json() -> None:
    assert request_id(b'<pre>{ "requestId" : "ab#12" </pre>') == "ab#12"
    assert request_id(b"nothing") is None
