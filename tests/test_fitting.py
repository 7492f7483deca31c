"""Members that come as another type: one rule for every model, and records that nobody can read."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, inspect

from marketo_async import Marketo, models
from marketo_async.envelope import Envelope, read
from marketo_async.errors import AccessDenied, ApiError, BadRecord, ErrorItem, InvalidData, NotFound, UnexpectedShape
from marketo_async.fitting import fitted
from marketo_async.models.activities import Activity, LeadChange
from marketo_async.models.assets import FolderId
from marketo_async.models.emails import Email
from marketo_async.models.moment import Moment
from tests.wire import Answer, MockedMarketo, ok, refused

WHEN = "2024-01-02T03:04:05Z"


class Thing(Struct):
    id: int
    name: str | None = None


def decoded(body: object, answer: Any, **knobs: Any) -> Envelope[Any]:
    return read(json.dumps(body).encode(), answer, status=200, operation="things.get", **knobs)


def structs() -> Iterator[type[Struct]]:
    """Yield every Struct of the models that answers hold; the others are only sent."""
    for module in pkgutil.iter_modules(models.__path__, f"{models.__name__}."):
        for found in vars(importlib.import_module(module.name)).values():
            if isinstance(found, type) and issubclass(found, Struct) and found.__module__ == module.name:
                if found.__name__.startswith("New"):
                    continue
                yield found


def alternatives(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    return kind.types if isinstance(kind, inspect.UnionType) else (kind,)


def sample(kind: inspect.Type) -> object:
    """Return a value as a type wants it, in JSON."""
    kind = alternatives(kind)[0]
    match kind:
        case inspect.StructType():
            return {field.encode_name: sample(field.type) for field in kind.fields if field.required}
        case inspect.ListType():
            return [sample(kind.item_type)]
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.CustomType() | inspect.DateTimeType():
            return WHEN
        case inspect.StrType():
            return "text"
        case inspect.BoolType():
            return True
        case inspect.IntType() | inspect.FloatType():
            return 7
        case inspect.DictType():
            return {}
    return None


def odd_spellings(kind: inspect.Type) -> Iterator[object]:
    """Yield what has been seen, or may be expected, in the place of a value of this type."""
    kinds = alternatives(kind)
    if any(isinstance(one, inspect.AnyType | inspect.LiteralType) for one in kinds):
        return
    yield None
    if any(isinstance(one, inspect.StrType) for one in kinds):
        yield from ("", "7", "text", 7, 1.5, False, True)
    elif any(isinstance(one, inspect.IntType | inspect.FloatType) for one in kinds):
        yield from ("", "7", 7)
    elif any(isinstance(one, inspect.BoolType) for one in kinds):
        yield from ("", "true", "false", 0, 1)
    else:
        yield ""


# Two names of one value: what one of them loses, the other one has.
TWINS = {
    "ObjectDescription": {"name": "api_name", "api_name": "name"},
    "InvitedUser": {"userid": "user_id", "user_id": "userid"},
    "Role": {
        "hidden": "is_hidden",
        "is_hidden": "hidden",
        "only_all_zones": "is_only_all_zones",
        "is_only_all_zones": "only_all_zones",
    },
}


@pytest.mark.parametrize("model", [*structs()], ids=lambda model: model.__name__)
def test_no_odd_spelling_of_an_optional_member_loses_a_record_of_any_model(model: type[Struct]) -> None:
    kind = inspect.type_info(model)
    assert isinstance(kind, inspect.StructType)
    plain = sample(kind)
    assert isinstance(plain, dict)
    (expected,) = decoded({"success": True, "result": [plain]}, list[model]).result or []  # type: ignore[valid-type]
    for field in kind.fields:
        if field.required:
            continue
        for spelling in odd_spellings(field.type):
            record = {**plain, field.encode_name: spelling}
            envelope = decoded({"success": True, "result": [record, plain]}, list[model])  # type: ignore[valid-type]
            assert envelope.result is not None, (field.name, spelling)
            assert envelope.result[1] == expected, (field.name, spelling)
            same = {field.name, TWINS.get(model.__name__, {}).get(field.name)}
            others = [other.name for other in kind.fields if other.name not in same]
            for name in others:
                assert getattr(envelope.result[0], name) == getattr(expected, name), (field.name, spelling)


@pytest.mark.parametrize(
    ("members", "warnings", "failures"),
    [
        ({"requestId": 123456}, None, []),
        ({"warnings": "careful"}, ["careful"], []),
        ({"warnings": ""}, None, []),
        ({"errors": ""}, None, []),
        ({"warnings": 7}, ["7"], []),
        ({"errors": "it broke"}, None, [ErrorItem("", "it broke")]),
        (
            {"errors": ["it broke", {"code": 610, "message": 7}]},
            None,
            [ErrorItem("", "it broke"), ErrorItem("610", "7")],
        ),
        ({"nextPageToken": 7, "moreResult": "true"}, None, []),
        ({"success": "true"}, None, []),
    ],
    ids=str,
)
def test_no_odd_member_of_the_envelope_loses_an_answer(
    members: dict[str, object], warnings: object, failures: list[ErrorItem]
) -> None:
    envelope = decoded({"requestId": "1#2", "success": True, "result": [{"id": 1}], **members}, list[Thing])

    assert (envelope.warnings, envelope.failures) == (warnings, failures)
    assert envelope.request_id == str(members.get("requestId", "1#2"))
    if not failures:
        assert envelope.result == [Thing(1)]


def test_errors_count_however_they_are_written_beside_a_result_that_can_not_be_read() -> None:
    body = {"requestId": 7, "success": False, "errors": "it broke", "result": {"no": "list"}}

    envelope = decoded(body, list[Thing])

    assert (envelope.failures, envelope.request_id) == ([ErrorItem("", "it broke")], "7")


@pytest.mark.parametrize(
    ("model", "record", "member", "value"),
    [
        (Email, {"id": 1, "name": "a", "status": False}, "status", "false"),
        (Email, {"id": 1, "name": "a", "template": ""}, "template", None),
        (Email, {"id": "1", "name": 7}, "name", "7"),
        (
            Activity,
            {"leadId": 1, "activityDate": WHEN, "activityTypeId": 1, "primaryAttributeValue": 12.5},
            "primary_attribute_value",
            "12.5",
        ),
        (Activity, {"leadId": 1, "activityDate": WHEN, "activityTypeId": 1, "campaignId": ""}, "campaign_id", None),
    ],
)
def test_what_is_known_to_come_is_read(model: type[Struct], record: object, member: str, value: object) -> None:
    (found,) = decoded({"success": True, "result": [record]}, list[model]).result or []  # type: ignore[valid-type]

    assert getattr(found, member) == value


def test_values_of_changes_are_text_however_they_come() -> None:
    fields = [{"name": "leadScore", "newValue": 7, "oldValue": None}, {"name": 7, "newValue": True, "oldValue": 1.5}]
    record = {"leadId": 1, "activityDate": WHEN, "activityTypeId": 13, "fields": fields}

    (change,) = decoded({"success": True, "result": [record]}, list[LeadChange]).result or []

    assert [(one.name, one.new_value, one.old_value) for one in change.fields] == [
        ("leadScore", "7", None),
        ("7", "true", "1.5"),
    ]


def test_free_records_are_as_they_came_beside_a_member_that_had_to_be_made_to_fit() -> None:
    record = {"id": "12", "score": "", "flag": False, "nothing": None, "many": [None, {"x": None}]}

    envelope = decoded({"success": True, "requestId": 7, "result": [record]}, list[dict[str, Any]])

    assert envelope.result == [record]


def test_a_callers_own_model_is_read_by_the_same_rule() -> None:
    class Person(Struct):
        id: int
        score: int = 0
        nickname: str = ""
        born: Moment | None = None
        known: int | None = 5

    record = {"id": "7", "score": "", "nickname": 12, "born": "", "known": None, "more": 1}
    (found,) = decoded({"success": True, "result": [record]}, list[Person]).result or []

    assert found == Person(7, 0, "12", None, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from(["", "7", "text", WHEN]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "leadId", "fields", "attributes", "status", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(json_values, st.sampled_from([Email, Activity, LeadChange, dict[str, Any]]))
def test_anything_is_read_or_refused_with_a_path_and_what_fits_is_left_alone(value: object, model: Any) -> None:
    refusal: UnexpectedShape | None = None
    found = None
    try:
        found = decoded({"success": True, "result": [value]}, list[model]).result
    except UnexpectedShape as error:
        refusal = error

    assert refusal is None or refusal.path.startswith("$.result")
    if refusal is None and found:
        whole = msgspec.to_builtins(found)
        assert fitted(whole, list[model]) == whole


BAD = {"id": {}, "name": "b"}


def test_a_record_that_can_not_be_read_is_named_by_index_and_member() -> None:
    with pytest.raises(UnexpectedShape) as caught:
        decoded({"success": True, "result": [{"id": 1}, BAD]}, list[Thing])

    assert caught.value.path == "$.result[1].id"


@pytest.mark.parametrize("bad", [BAD, "text", None, [], {"name": "no id"}], ids=str)
@pytest.mark.parametrize("places", [[0], [1], [3], [0, 1, 3], [0, 1, 2, 3]], ids=str)
def test_a_record_that_can_not_be_read_goes_to_whoever_takes_it(bad: object, places: list[int]) -> None:
    records: list[object] = [bad if number in places else {"id": number} for number in range(4)]
    taken: list[BadRecord] = []

    envelope = decoded({"success": True, "result": records}, list[Thing], on_bad_record=taken.append)

    assert envelope.result == [Thing(number) for number in range(4) if number not in places]
    assert [error.index for error in taken] == places
    assert all(error.record == bad for error in taken)
    assert all(error.member == (".id" if bad is BAD else "") for error in taken)
    assert "things.get" in str(taken[0])
    assert envelope.unread == len(places)


def test_what_is_wrong_outside_of_the_records_is_nobody_s_bad_record() -> None:
    taken: list[BadRecord] = []
    for result in ("text", 7, {"id": 1}):
        with pytest.raises(UnexpectedShape):
            decoded({"success": True, "result": result}, list[Thing], on_bad_record=taken.append)

    assert taken == []


@pytest.mark.looptime
async def test_a_listing_continues_without_the_record_that_can_not_be_read(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    """By offset, where a page that looks short would end it."""
    full = [{"id": number, "name": "x"} for number in range(200)]
    taken: list[BadRecord] = []
    async with patient as marketo:
        mocked.script = [ok(*full[:7], BAD, *full[8:]), ok({"id": 200, "name": "y"})]
        found = await marketo.with_options(on_bad_record=taken.append).static_lists.browse().all()
        mocked.script = [ok(*full[:7], BAD, *full[8:]), ok({"id": 200, "name": "y"})]
        with pytest.raises(UnexpectedShape, match=r"result\[7\]\.id"):
            await marketo.static_lists.browse().all()

    assert [one.id for one in found] == [*range(7), *range(8, 201)]
    assert [(error.index, error.member) for error in taken] == [(7, ".id")]


@pytest.mark.looptime
async def test_results_of_writes_and_single_records_are_never_dropped(mocked: MockedMarketo, patient: Marketo) -> None:
    taken: list[BadRecord] = []
    async with patient as marketo:
        other = marketo.with_options(on_bad_record=taken.append)
        mocked.script = [ok({"id": {}, "status": "updated"}, {"id": 2, "status": "updated"})]
        results = await other.leads.sync([{"email": "a@x.io"}, {"email": "b@x.io"}])
        mocked.script = [ok(BAD)]
        with pytest.raises(UnexpectedShape):
            await other.lists.get(1)

    assert [result.unknown for result in results] == [True, True]
    assert taken == []


@pytest.mark.looptime
async def test_users_without_an_envelope_are_read_by_the_same_rule(mocked: MockedMarketo, patient: Marketo) -> None:
    users = [{"userid": 7, "id": "", "firstName": False}, {"userid": [], "id": 2}]
    taken: list[BadRecord] = []
    mocked.script = [Answer(json.dumps(users).encode())]
    async with patient as marketo:
        found = await marketo.with_options(on_bad_record=taken.append).users.browse().all()
        with pytest.raises(UnexpectedShape, match="userid"):
            await marketo.users.browse().all()

    assert [(user.userid, user.id, user.first_name) for user in found] == [("7", None, "false")]
    assert [(error.index, error.member) for error in taken] == [(1, ".userid")]


@pytest.mark.looptime
async def test_a_refusal_in_an_envelope_is_no_success_where_answers_have_none(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    """The gateway in front of all families writes envelopes; a user that was not deleted must not be told as gone."""
    mocked.script = [refused("603", "Access denied")]
    async with patient as marketo:
        with pytest.raises(AccessDenied, match="Access denied") as caught:
            await marketo.users.delete("a@x.io")

    assert caught.value.request_id == "1a2b#3c"


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errors": "it broke"}, "it broke"),
        ({"errors": [{"code": 1003, "message": 7}]}, "1003 7"),
        ({"message": 7}, "7"),
    ],
)
async def test_errors_without_an_envelope_are_read_by_the_same_rule(
    body: object, message: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [Answer(json.dumps(body).encode(), 400)]
    async with patient as marketo:
        with pytest.raises(ApiError, match=message):
            await marketo.users.get("a@x.io")


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Email not found: 7", NotFound),
        ("No assets found for the given search criteria.", NotFound),
        ("No user", NotFound),
        ("The folder does not exist", NotFound),
        ("", NotFound),
        ("Update content on dynamic email is not allowed.", None),
        ("Name already exists", None),
    ],
)
@pytest.mark.looptime
async def test_702_is_not_found_only_where_it_says_so(
    message: str, kind: type[Exception] | None, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [refused("702", message)]
    async with patient as marketo:
        with pytest.raises(Exception, match="702") as caught:
            await marketo.emails.update(7, name="x")

    assert isinstance(caught.value, NotFound) is (kind is NotFound)


@pytest.mark.looptime
async def test_609_names_what_was_sent_as_json(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [refused("609", "Invalid JSON")]
    async with patient as marketo:
        with pytest.raises(InvalidData, match="input"):
            await marketo.leads.sync([{"email": "a@x.io", "title": "t"}])
        with pytest.raises(InvalidData, match="members a"):
            await marketo.call("POST", "/rest/v1/x.json", json={"a": 1})
        with pytest.raises(InvalidData, match="folder"):
            await marketo.static_lists.create("a", FolderId(id=1))
        with pytest.raises(InvalidData, match="needs no body"):
            await marketo.lists.get(1)
