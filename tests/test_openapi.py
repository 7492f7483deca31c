"""The judge: every operation as it goes over the wire, against Marketo's own OpenAPI files and not against the client.

The second half draws arguments for every operation from the planner's own signature.
"""

from __future__ import annotations

import asyncio
import collections.abc
import decimal
import enum
import inspect
import json
import types
import typing
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, Literal, Union
from unittest.mock import AsyncMock
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Marketo, RetryPolicy, operations
from marketo_async.errors import InvalidRequest, MarketoError
from marketo_async.models.activities import AttributeValue, NewActivity, NewActivityType, NewAttribute
from marketo_async.models.leads import FieldChange, NewField, VisitorData
from marketo_async.operation import Deferred, Dialect, Merged, Operation, Ordered, Plan, Provenance, Repeat
from marketo_async.paging import turn
from marketo_async.request import Request, build
from marketo_async.resources import Resource, families
from marketo_async.resources.descriptors import Declared
from marketo_async.writes import Batches
from marketo_async.writes.chunks import Cutter
from tests.conftest import Client
from tests.families import family_of, tables
from tests.official import Official, official
from tests.official.bodies import FORM, content, media
from tests.official.make_table import ORIGINALS, shape
from tests.wire import Reply, ScriptedServer, Sent, done, ok

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
ATTRIBUTE = NewAttribute(api_name="a", name="A", data_type="string", description="d", is_primary=False)
TYPE = NewActivityType(
    api_name="demo",
    name="Demo",
    trigger_name="t",
    filter_name="f",
    primary_attribute=NewAttribute(api_name="what", name="What", data_type="string", is_primary=True),
    description="d",
)
ACTIVITY = NewActivity(
    lead_id=1,
    activity_date=SINCE,
    activity_type_id=100_001,
    primary_attribute_value="x",
    attributes=[AttributeValue(name="a", api_name="a", value=1)],
)
FIELD = NewField(
    name="petName",
    display_name="Pet name",
    data_type="string",
    description="d",
    is_hidden=False,
    is_html_encoding_in_email=True,
    is_sensitive=False,
)
CHANGE = FieldChange(
    display_name="n", description="d", is_hidden=False, is_html_encoding_in_email=True, is_sensitive=False
)
VISITOR = VisitorData(page_url="p", query_string="q", lead_client_ip_address="192.0.2.1", user_agent_string="u")

# Every operation once, with every argument that it takes.
CALLS: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "leads.get": lambda m: m.leads.get(1, fields=["email", "id"]),
    "leads.by_filter": lambda m: m.leads.by_filter(
        "email", ["a@x.io", "b@x.io"], fields=["id", "email"], batch_size=7, token="0:T"
    ).first(),
    "leads.sync": lambda m: m.leads.sync(
        [{"email": "a@x.io", "score": 1, "gone": None}],
        action="createOnly",
        lookup_field="email",
        partition_name="p",
        async_processing=True,
    ),
    "leads.delete": lambda m: m.leads.delete([1, 2]),
    "leads.describe": lambda m: m.leads.describe(),
    "leads.describe2": lambda m: m.leads.describe2(),
    "leads.describe_program_member": lambda m: m.leads.describe_program_member(),
    "leads.field": lambda m: m.leads.field("petName"),
    "leads.fields": lambda m: m.leads.fields(batch_size=7, token="T").first(),
    "leads.create_fields": lambda m: m.leads.create_fields([FIELD]),
    "leads.update_field": lambda m: m.leads.update_field("petName", CHANGE),
    "leads.partitions": lambda m: m.leads.partitions(),
    "leads.update_partitions": lambda m: m.leads.update_partitions({1: "p", 2: "q"}),
    "leads.by_program": lambda m: m.leads.by_program(7, fields=["id"], batch_size=7, token="T").first(),
    "leads.change_program_status": lambda m: m.leads.change_program_status(7, "Attended", [1, 2]),
    "leads.push": lambda m: m.leads.push(
        [{"email": "a@x.io"}],
        "Program",
        lookup_field="email",
        program_status="s",
        partition_name="p",
        reason="r",
        source="s",
    ),
    "leads.submit_form": lambda m: m.leads.submit_form(
        7, {"email": "a@x.io", "firstName": "A"}, visitor=VISITOR, cookie="c", program_id=8
    ),
    "leads.associate": lambda m: m.leads.associate(1, "id:123-ABC-456&token:_mch-x"),
    "leads.merge": lambda m: m.leads.merge(1, [2, 3], merge_in_crm=True),
    "leads.list_membership": lambda m: m.leads.list_membership(1, batch_size=7, token="T").first(),
    "leads.program_membership": lambda m: m.leads.program_membership(
        1, program_ids=[7, 8], earliest_updated_at=SINCE, latest_updated_at=SINCE, batch_size=7, token="T"
    ).first(),
    "leads.smart_campaign_membership": lambda m: m.leads.smart_campaign_membership(
        1, earliest_updated_at=SINCE, latest_updated_at=SINCE, batch_size=7, token="T"
    ).first(),
    "lists.browse": lambda m: m.lists.browse(
        ids=[1, 2], names=["a"], program_names=["p"], workspace_names=["w"], batch_size=7, token="T"
    ).first(),
    "lists.get": lambda m: m.lists.get(7),
    "lists.leads": lambda m: m.lists.leads(7, fields=["id"], batch_size=7, token="T").first(),
    "lists.legacy_leads": lambda m: m.lists.legacy_leads(7, fields=["id"], batch_size=7, token="T").first(),
    "lists.add": lambda m: m.lists.add(7, [1, 2]),
    "lists.remove": lambda m: m.lists.remove(7, [1, 2]),
    "lists.is_member": lambda m: m.lists.is_member(7, [1, 2]),
    "activities.since": lambda m: m.activities.since(
        SINCE, types=[1], leads=[1, 2], list_id=7, asset_ids=[3, 4], batch_size=7
    ).first(),
    "activities.lead_changes": lambda m: m.activities.lead_changes(
        SINCE, fields=["email", "title"], leads=[1, 2], list_id=7, batch_size=7
    ).first(),
    "activities.deleted_leads": lambda m: m.activities.deleted_leads(SINCE, batch_size=7).first(),
    "activities.paging_token": lambda m: m.activities.paging_token(SINCE),
    "activities.types": lambda m: m.activities.types(),
    "activities.add": lambda m: m.activities.add([ACTIVITY]),
    "custom_activity_types.browse": lambda m: m.custom_activity_types.browse(),
    "custom_activity_types.describe": lambda m: m.custom_activity_types.describe("demo", draft=True),
    "custom_activity_types.create": lambda m: m.custom_activity_types.create(TYPE),
    "custom_activity_types.update": lambda m: m.custom_activity_types.update("demo", TYPE),
    "custom_activity_types.approve": lambda m: m.custom_activity_types.approve("demo"),
    "custom_activity_types.discard_draft": lambda m: m.custom_activity_types.discard_draft("demo"),
    "custom_activity_types.delete": lambda m: m.custom_activity_types.delete("demo"),
    "custom_activity_types.create_attributes": lambda m: m.custom_activity_types.create_attributes("demo", [ATTRIBUTE]),
    "custom_activity_types.update_attributes": lambda m: m.custom_activity_types.update_attributes("demo", [ATTRIBUTE]),
    "custom_activity_types.delete_attributes": lambda m: m.custom_activity_types.delete_attributes("demo", ["a"]),
    "usage.today": lambda m: m.usage.today(),
    "usage.last_7_days": lambda m: m.usage.last_7_days(),
    "usage.errors_today": lambda m: m.usage.errors_today(),
    "usage.errors_last_7_days": lambda m: m.usage.errors_last_7_days(),
    "identity.token": lambda m: m.usage.today(),
}

IDENTITY = {"identity.token", "identity.token_by_post"}
UNUSED = {"identity.token_by_post": "one of two ways to get a token; the client takes the other"}

# Where the files are known to be wrong, or leave a choice: operation, place and name, and why.
NEVER_SENT = {
    ("leads.delete", "query", "id"): "ids go in the body, which has room for 300",
    ("lists.add", "query", "id"): "ids go in the body, which has room for 300",
    ("lists.remove", "query", "id"): "ids go in the body; the file requires them twice",
    ("lists.is_member", "query", "id"): "ids go in the body, which has room for 300",
    ("leads.merge", "query", "leadId"): "leadIds takes one as well",
    ("identity.token", "query", "partner_id"): "not in the file",
}
NOT_REQUIRED = {
    ("lists.remove", "id"): "ids go in the body; the file requires them twice",
    ("activities.add", "id"): "the file uses the record of the answer for the request",
    ("activities.add", "errors"): "the file uses the record of the answer for the request",
    ("custom_activity_types.delete_attributes", "name"): "the documentation: apiName is the key",
}
# Parameters and content types that the documentation knows and the files do not.
DOCUMENTED: dict[tuple[str, str], str] = {}
# Operations whose query parameters, as the files have them, are sent in the form instead.
IN_FORM: dict[str, str] = {}
# Members whose type in the files is not Marketo's, by operation or model.
OTHER_TYPES: dict[tuple[str, str], str] = {}
# Records whose members are the instance's own fields.
OPEN = {("leads.sync", "input"), ("leads.push", "input"), ("leads.submit_form", "leadFormFields")}

for table in tables():
    CALLS |= table.CALLS
    NEVER_SENT |= getattr(table, "NEVER_SENT", {})
    NOT_REQUIRED |= getattr(table, "NOT_REQUIRED", {})
    DOCUMENTED |= getattr(table, "DOCUMENTED", {})
    IN_FORM |= getattr(table, "IN_FORM", {})
    OTHER_TYPES |= getattr(table, "OTHER_TYPES", {})
    OPEN |= getattr(table, "OPEN", set())

JUDGED = [name for name in CALLS if operations()[name].source is Provenance.OFFICIAL]
JUDGED_PLANS = set(JUDGED) - IDENTITY


def judged(operation: Operation, request: Request | Sent, target: str, content_type: str | None) -> list[str]:
    """Return what the official description of *operation* holds against a request."""
    described = official()[f"{operation.method} {operation.path}"]
    url = urlsplit(target)
    query = parse_qsl(url.query, keep_blank_values=True)
    overridden = ("_method", "GET") in query
    query = [pair for pair in query if pair != ("_method", "GET")]
    body = request.body or b""
    found = []
    if request.method != ("POST" if overridden else described.method) or (overridden and described.method != "GET"):
        found.append(f"method {request.method} instead of {described.method}")
    if not described.pattern.fullmatch(url.path):
        found.append(f"path {url.path} instead of {described.path}")
    if content_type == FORM and (overridden or operation.name in IN_FORM):
        query += parse_qsl(body.decode(), keep_blank_values=True)
        content_type, body = None, b""
    found += list(parameters(operation.name, described, query))
    if body:
        if described.members is None:
            found.append("a body where none is described")
        elif not content_type or not {media(content_type)} & accepted(operation.name, described):
            found.append(f"content type {content_type} instead of {described.consumes}")
        else:
            sent = content(body, content_type, described.members)
            found += list(misfits(operation.name, "", sent, described.members))
    elif described.method == "POST" and media(content_type) not in {None, *accepted(operation.name, described)}:
        found.append(f"content type {content_type} of no body instead of {described.consumes}")
    return found


def accepted(name: str, described: Official) -> set[str]:
    return {*described.consumes, *(kind for owner, kind in DOCUMENTED if owner == name and "/" in kind)}


def parameters(name: str, described: Official, query: list[tuple[str, str]]) -> Iterator[str]:
    sent = {parameter for parameter, _ in query}
    for missing in described.required("query") - sent:
        if (name, missing) not in NOT_REQUIRED:
            yield f"required parameter {missing} is missing"
    for unknown in sent - described.names("query") - {parameter for owner, parameter in DOCUMENTED if owner == name}:
        yield f"parameter {unknown} is unknown"
    for parameter, value in query:
        shape = described.shapes("query").get(parameter)
        kind, values = (shape[0], value.split(",")) if isinstance(shape, list) else (shape, [value])
        for member in values:
            if not fits(kind, member) and (name, parameter) not in OTHER_TYPES:
                yield f"parameter {parameter} is {member!r}, not {kind}"


def fits(kind: str | None, text: str) -> bool:
    """Tell whether text in a query is of a type."""
    if kind == "integer":
        return text.removeprefix("-").isdecimal()
    return text in {"true", "false"} if kind == "boolean" else True


KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (object,),
    "file": (str,),
}


def misfits(name: str, where: str, value: Any, shape: Any) -> Iterator[str]:
    """Yield what is wrong with a part of a JSON body."""
    if isinstance(shape, list) and isinstance(value, list):
        for member in value:
            yield from misfits(name, where, member, shape[0])
    elif isinstance(shape, dict) and isinstance(value, dict):
        yield from odd_members(name, where, value, shape)
    elif isinstance(shape, list | dict) or not is_a(value, shape):
        yield f"{where} is {value!r}, not {shape}"


def odd_members(name: str, where: str, value: Mapping[str, Any], shape: Mapping[str, Any]) -> Iterator[str]:
    known = {member.rstrip("!"): kind for member, kind in shape.items()}
    required = {member.rstrip("!") for member in shape if member.endswith("!")}
    for member in required - value.keys():
        if (name, member) not in NOT_REQUIRED:
            yield f"required member {where}.{member} is missing"
    for member, inner in value.items():
        if (name, member) in OTHER_TYPES:
            continue
        if member in known:
            yield from misfits(name, member, inner, known[member])
        elif (name, where) not in OPEN and (name, member) not in DOCUMENTED:
            yield f"member {where}.{member} is unknown"


def is_a(value: Any, kind: str) -> bool:
    """Tell whether a JSON value is of a type; a boolean is no number here."""
    return isinstance(value, KINDS[kind]) and (not isinstance(value, bool) or kind in {"boolean", "object"})


def test_the_judge_finds_mistakes() -> None:
    """A check that can't fail would be none: each of these requests is wrong in one way."""
    sync, browse = operations()["leads.sync"], operations()["lists.browse"]
    add = operations()["lists.add"]
    as_json = "application/json"

    def verdict(
        operation: Operation, method: str, target: str, body: bytes = b"", kind: str | None = None
    ) -> list[str]:
        return judged(operation, Sent(method, target, {}, body, 0.0), target, kind)

    assert verdict(browse, "GET", "/rest/v1/lists.json?id=1,2&name=a") == []
    assert verdict(sync, "POST", "/rest/v1/leads.json", b'{"input":[{"any":1}]}', as_json) == []
    assert verdict(browse, "POST", "/rest/v1/lists.json") != []
    assert verdict(sync, "POST", "/rest/v1/leads.json?_method=GET", b'{"input":[]}', as_json) != []
    assert verdict(browse, "GET", "/rest/v1/list.json") != []
    assert verdict(browse, "GET", "/rest/v1/lists.json?ids=1") != []
    assert verdict(browse, "GET", "/rest/v1/lists.json?id=1,x") != []
    assert verdict(sync, "POST", "/rest/v1/leads.json", b'{"inputs":[]}', as_json) != []
    assert verdict(sync, "POST", "/rest/v1/leads.json", b'{"input":{}}', as_json) != []
    assert verdict(sync, "POST", "/rest/v1/leads.json", b'{"input":[],"asyncProcessing":"true"}', as_json) != []
    assert verdict(sync, "POST", "/rest/v1/leads.json", b'{"input":[]}', "text/plain") != []
    assert verdict(add, "POST", "/rest/v1/lists/7/leads.json", b'{"input":[{"id":true}]}', as_json) != []
    assert verdict(add, "POST", "/rest/v1/lists/7/leads.json", b'{"input":[{"lead":1}]}', as_json) != []
    assert verdict(operations()["leads.associate"], "POST", "/rest/v1/leads/1/associate.json") != []


@pytest.fixture
def once(client: Client) -> Client:
    """Make clients that send everything once."""
    governor = Governor(Limits(calls=1000))
    here = {"munchkin_id": "123-ABC-456", "retry": RetryPolicy(attempts=1), "governor": governor}
    return lambda origin: client(origin, ingestion_url=origin, **here)


def answer(sent: Sent) -> Reply:
    """Answer with success and as little as ends every listing."""
    if sent.path.endswith("/describe.json"):
        return ok({"dedupeFields": ["vin"]})
    return done(nextPageToken="T") if sent.path.endswith("/pagingtoken.json") else done()


# The calls that come before others, by the end of their path.
OPENINGS = {"pagingtoken.json": "activities.paging_token", "describe.json": "custom_objects.describe"}


def test_every_operation_is_judged() -> None:
    assert operations().keys() - CALLS.keys() == UNUSED.keys()


@pytest.mark.parametrize("name", JUDGED)
async def test_an_operation_goes_over_the_wire_as_the_openapi_files_say(name: str, once: Client) -> None:
    async with ScriptedServer() as server, once(server.origin) as marketo:
        server.default = answer
        with suppress(MarketoError):  # what it makes of the answer is tested elsewhere
            await CALLS[name](marketo)
        calls = server.identity_calls if name == "identity.token" else server.calls

    operation = operations()[name]
    sent = calls[-1]
    assert judged(operation, sent, sent.target, sent.headers.get("content-type")) == []
    for opening in calls[:-1]:
        first = operations()[OPENINGS[opening.path.rpartition("/")[2]]]
        assert judged(first, opening, opening.target, opening.headers.get("content-type")) == []


@pytest.mark.parametrize("name", JUDGED)
async def test_every_official_parameter_can_be_sent(name: str, once: Client) -> None:
    async with ScriptedServer() as server, once(server.origin) as marketo:
        server.default = answer
        with suppress(MarketoError):
            await CALLS[name](marketo)
        sent = (server.identity_calls if name == "identity.token" else server.calls)[-1]

    operation = operations()[name]
    described = official()[f"{operation.method} {operation.path}"]
    body = content(sent.body, sent.headers["content-type"], described.members) if sent.body else {}
    query, body = (body.keys(), {}) if name in IN_FORM else (sent.query.keys(), body)
    missing = described.names("query") - query
    assert {parameter for parameter in missing if (name, "query", parameter) not in NEVER_SENT} == set()
    members = {member.rstrip("!") for member in described.members or {}}
    assert {member for member in members if (name, "body", member) not in NEVER_SENT} == {
        member for member in body if (name, member) not in DOCUMENTED
    }


texts = st.text(max_size=20)
ids = st.integers(1, 10**12)
moments = st.datetimes(timezones=st.just(UTC))
own_fields = texts.map("{}_c".format)  # never the name of a standard one, whose type is judged
records = st.dictionaries(own_fields, st.none() | texts | ids | st.booleans(), max_size=3)
keys = st.fixed_dictionaries(
    {"email": texts.map("a{}".format), "leadId": ids, "role": st.just("r"), "name": st.just("n")}
    | {f"external{kind}Id": texts.map("1{}".format) for kind in ("Company", "Opportunity", "SalesPerson")}
)
keyed = st.builds(lambda key, rest: {**rest, **key}, keys, records)
BY_NAME: Mapping[str, st.SearchStrategy[Any]] = {
    "records": st.lists(keyed, max_size=12) | st.lists(records, max_size=3),
    "lookup_field": st.none() | st.sampled_from(["email", "role", "id"]),
    "token": st.none(),
    "batch_size": st.none() | st.integers(-1, 400),
    "shards": st.integers(0, 20),
    "form_fields": st.fixed_dictionaries({"email": texts}, optional={"firstName": texts}),
    "until": st.none() | moments,
    "since": moments | st.dates() | moments.map(datetime.isoformat) | texts,
}


PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-1, 10**12),
    str: texts,
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    float: st.floats(-1e9, 1e9),
    datetime: moments,
    date: st.dates(),
    timedelta: st.timedeltas(timedelta(days=-1), timedelta(days=9)),
    decimal.Decimal: st.decimals(allow_nan=False, allow_infinity=False, places=2),
    uuid.UUID: st.uuids(),
    enum.Enum: st.sampled_from(Repeat),
    type(None): st.none(),
    msgspec.UnsetType: st.just(msgspec.UNSET),
    Any: st.none() | texts | ids | st.booleans(),
}


@cache
def drawn_from(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for a parameter's annotation."""
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in {Union, types.UnionType}:
        return st.one_of(*map(drawn_from, arguments))
    if origin in {collections.abc.Mapping, dict}:
        return records if arguments[1] is Any else st.dictionaries(*map(drawn_from, arguments), max_size=3)
    if origin in {collections.abc.Iterable, collections.abc.AsyncIterable, collections.abc.Sequence, list}:
        return st.lists(drawn_from(arguments[0]), max_size=12)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        # A Struct may hold its own kind.
        return st.deferred(lambda: st.builds(kind, **{name: drawn_from(hint) for name, hint in hints.items()}))
    raise NotImplementedError(f"no strategy for {kind}")


def declared(name: str) -> tuple[type[Resource], Declared]:
    family, verb = name.rsplit(".", 1)
    (owner,) = (found for found in families() if found.name == family)
    return owner, getattr(owner, verb)


def chosen(owner: type[Resource], hint: Any) -> Any:
    """Return what *owner* puts in the place of a type variable."""
    for base in getattr(owner, "__orig_bases__", ()):
        parameters = getattr(typing.get_origin(base), "__parameters__", ())
        hint = dict(zip(parameters, typing.get_args(base), strict=False)).get(hint, hint)
    return hint


@cache
def arguments_of(name: str) -> st.SearchStrategy[dict[str, Any]]:
    owner, found = declared(name)
    hints = {parameter: chosen(owner, hint) for parameter, hint in typing.get_type_hints(found.planner).items()}
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for parameter in list(inspect.signature(found.planner).parameters.values())[1:]:
        known = parameter.name in BY_NAME
        strategy = BY_NAME[parameter.name] if known else drawn_from(hints[parameter.name])
        (required if parameter.default is parameter.empty else optional)[parameter.name] = strategy
    return st.fixed_dictionaries(required, optional=optional)


class _Nobody:
    """A sender that sends nothing: plans need none."""

    async def send(self, operation: Operation, plan: Any) -> Any:
        raise AssertionError

    def pages(self, operation: Operation, listing: Any) -> Any:
        raise AssertionError

    def writes(self, operation: Operation, batches: Any) -> Any:
        raise AssertionError


def cut(batches: Batches[Any]) -> Iterator[Plan[Any]]:
    """Yield the calls of a write, one after the other."""
    cutter = Cutter(batches)
    for index, record in enumerate(typing.cast(list[Any], batches.records)):
        cutter.add(index, record)
    while cutter.opened or cutter.waiting:
        cutter.refill()
        load = cutter.take()
        assert load is not None
        yield batches.plan(load.encoded)


def planned(name: str, arguments: dict[str, Any]) -> list[tuple[Operation, Plan[Any]]]:
    """Return the calls that a planner decides on for these arguments, the first page of each listing."""
    owner, found = declared(name)
    resource = family_of(Marketo("123-ABC-456", client_id="i", client_secret="s"), owner.name)
    listing = found.planner(resource, **arguments)
    operation = owner.operations[found.operation.name]
    if isinstance(listing, Deferred):  # of any types or fields
        listing = listing.listing("1,12,13")
    plans: list[Any] = [*cut(listing)] if isinstance(listing, Batches) else [listing]
    if isinstance(listing, Ordered | Merged):
        source: Any = listing.plans
        plans = list(source() if callable(source) else source)
    calls = []
    for plan in plans:
        cursor = plan.token
        if plan.opening is not None:
            calls.append((plan.opening.operation, plan.opening.plan))
            cursor = "T"
        calls.append((operation, plan if operation.paging is None else turn(operation.paging, plan, cursor)))
    return calls


BASE = "https://123-abc-456.mktorest.com"


def is_official_or_refused(name: str, arguments: dict[str, Any]) -> None:
    requests: list[tuple[Operation, Request]] = []
    with suppress(InvalidRequest):  # any other exception would be a mistake
        requests = [(operation, build(operation, plan, BASE)) for operation, plan in planned(name, arguments)]

    for operation, request in requests:
        assert request.url.isascii()
        assert request.url.startswith(BASE + "/")
        assert judged(operation, request, request.url.removeprefix(BASE), request.content_type) == []


@pytest.mark.parametrize("name", sorted(JUDGED_PLANS))
@settings(max_examples=8)
@given(data=st.data())
def test_whatever_the_signature_allows_makes_an_official_request_or_is_refused(name: str, data: st.DataObject) -> None:
    is_official_or_refused(name, data.draw(arguments_of(name)))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(JUDGED_PLANS))
@settings(max_examples=100)
@given(data=st.data())
def test_whatever_the_signature_allows_of_many_is_official_or_refused(name: str, data: st.DataObject) -> None:
    is_official_or_refused(name, data.draw(arguments_of(name)))


class _Recorder(_Nobody):
    """A sender that keeps the plan it is given."""

    def __init__(self) -> None:
        self.plans: dict[str, Any] = {}

    async def send(self, operation: Operation, plan: Any) -> Any:
        self.plans[operation.name] = plan

    def pages(self, operation: Operation, listing: Any) -> Any:
        self.plans[operation.name] = next(iter(listing.plans())) if isinstance(listing, Ordered) else listing
        return AsyncMock()

    def writes(self, operation: Operation, batches: Any) -> Any:
        self.plans[operation.name] = next(cut(batches))
        return AsyncMock()()


@cache
def answers() -> Mapping[str, Any]:
    """Return what every operation decodes the result of its answer into."""
    recorder = _Recorder()
    marketo = Marketo("123-ABC-456", client_id="i", client_secret="s")
    marketo.bulk._sender = recorder  # type: ignore[assignment]  # before it opens the families of bulk files
    for family in families():
        family_of(marketo, family.name)._sender = recorder

    async def plan_all() -> None:
        for name in CALLS.keys() - IDENTITY:
            await CALLS[name](marketo)

    asyncio.run(plan_all())
    return {name: plan.answer for name, plan in recorder.plans.items()}


# Members of our models that the files do not have, and where they were seen.
BEYOND_THE_FILES = {
    "RecordResult": "one model for the results of all families, with three names for the reasons",
    "AttributeType": "one model for standard and custom types",
    "Description": "one model for the describe calls of all record types",
    "AssetSummary": "approve and unapprove answer the whole asset, as recorded",
    "FieldSummary": "fields of custom objects have a description in the documentation's samples",
    "Segment": "the documentation's samples have a status",
    "StaticList": "recorded lists have a workspaceId",
    "LeadChange": "recorded new leads have primary attributes",
    "Role": "two spellings of two members, of which the files have one",
    "InvitedUser": "two spellings of the login, of which the files have one",
    "ProgramMembership": "progressionStatusType is in the documentation's sample",
}
# Models of what the answers of several families have in common: the rest is read with ``get``.
SUMMARIES = {"AssetSummary"}
# Members of the files that our models do not have.
LEFT_OUT = {
    ("RecordResult", "membership"): "the files use a lead for the result of a write, which has none",
    ("RecordResult", "activityDate"): "the files use the record of the request for the result",
    ("RecordResult", "activityTypeId"): "the files use the record of the request for the result",
    ("RecordResult", "apiName"): "the files use the record of the request for the result",
    ("RecordResult", "attributes"): "the files use the record of the request for the result",
    ("RecordResult", "primaryAttributeValue"): "the files use the record of the request for the result",
}
for table in tables():
    BEYOND_THE_FILES |= getattr(table, "BEYOND_THE_FILES", {})
    LEFT_OUT |= getattr(table, "LEFT_OUT", {})

SCALARS: Mapping[Any, str] = {int: "integer", str: "string", bool: "boolean", float: "number"}


def differences(where: str, kind: Any, shape: Any) -> Iterator[str]:
    """Yield what a type that answers are decoded into has otherwise than the official answer."""
    arguments = [argument for argument in typing.get_args(kind) if argument is not type(None)]
    if typing.get_origin(kind) in {Union, types.UnionType}:
        fitting = [found for found in arguments if (typing.get_origin(found) is list) is isinstance(shape, list)]
        if len(fitting) == 1:
            yield from differences(where, fitting[0], shape)
    elif typing.get_origin(kind) is list and isinstance(shape, list):
        yield from differences(where, arguments[0], shape[0])
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(shape, dict):
        yield from odd_fields(where, kind, shape)
    elif isinstance(shape, list) or (kind in SCALARS and SCALARS[kind] != shape):
        yield f"{where} is {kind} where the answer has {shape}"


def odd_fields(where: str, kind: type[msgspec.Struct], shape: Mapping[str, Any]) -> Iterator[str]:
    official_members = {member.rstrip("!"): inner for member, inner in shape.items()}
    hints = typing.get_type_hints(kind)
    ours = {field.encode_name: hints[field.name] for field in msgspec.structs.fields(kind)}
    for member in official_members.keys() - ours.keys():
        if (kind.__name__, member) not in LEFT_OUT and kind.__name__ not in SUMMARIES:
            yield f"{where} has no {member}"
    for member in ours.keys() - official_members.keys():
        if kind.__name__ not in BEYOND_THE_FILES:
            yield f"{where} has {member}, the answer has not"
    for member in ours.keys() & official_members.keys():
        if (kind.__name__, member) not in OTHER_TYPES:
            yield from differences(f"{where}.{member}", ours[member], official_members[member])


@cache
def original(spec: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ORIGINALS / f"swagger-{spec}.json").read_bytes())
    return found


@pytest.mark.parametrize("name", sorted(JUDGED_PLANS))
def test_a_model_has_the_members_and_types_of_the_official_answer(name: str) -> None:
    if not ORIGINALS.exists():
        pytest.skip(f"the OpenAPI files are not at {ORIGINALS}")
    operation = operations()[name]
    spec = official()[f"{operation.method} {operation.path}"].spec
    document = original(spec)
    answered = document["paths"][operation.path][operation.method.lower()]["responses"].get("200", {})
    decoded = answers()[name]
    if "schema" not in answered:
        assert decoded is Any, "the files describe no answer, so none is decoded"
        return
    described = answered["schema"]
    if decoded is bytes:
        assert shape(document, described) == "object"  # a stream, by its name
        return
    envelope = shape(document, described)
    if operation.dialect is Dialect.USERS:  # the answer stands without an envelope, beside the errors of others
        bare = envelope[0] if isinstance(envelope, list) else envelope
        members = {name: kind for name, kind in bare.items() if name != "errors"} if isinstance(bare, dict) else bare
        expected = [members] if isinstance(envelope, list) else members
        assert decoded is Any or list(differences(name, decoded, expected)) == []
        return
    if not isinstance(envelope, Mapping):
        pytest.skip("the files describe no answer")
    answer = {member.rstrip("!"): inner for member, inner in envelope.items()}

    if decoded is Any:
        assert answer.get("result") in (None, ["object"])  # an empty array of nothing in particular
    else:
        assert list(differences(name, decoded, answer["result"])) == []
