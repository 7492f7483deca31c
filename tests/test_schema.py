"""The JSON Schema and the signature of every operation, derived from the annotations of its planner."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec
import pytest

from marketo_async import operations
from marketo_async.errors import InvalidRequest
from marketo_async.schema import ABOUT, PAGING, callee, callees, object_schema, schema, signature
from tests.json_arguments import json_arguments

NAMES = sorted(callees())


def test_every_operation_can_be_called_but_those_of_the_session() -> None:
    assert set(NAMES) == {name for name in operations() if not name.startswith("identity.")}


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_has_the_parameters_of_the_planner(name: str) -> None:
    found, own = schema(name), callee(name)
    planned = {
        one.name: one.default is one.empty
        for one in list(inspect.signature(own.declared.planner).parameters.values())[1:]
    }
    if name.startswith("bulk.custom_objects."):
        planned = {"api_name": True, **planned}
    assert list(found["properties"]) == list(planned)
    assert set(found.get("required", ())) == {one for one, required in planned.items() if required}
    assert found["additionalProperties"] is False
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_holds_nothing_that_says_nothing(name: str) -> None:
    def walk(made: object) -> None:
        if isinstance(made, dict):
            assert not isinstance(made.get("title"), str)
            assert made.get("default", 0) is not None
            assert made.get("type") != "null"
            assert made.get("required") != []
            assert "\n" not in str(made.get("description"))
            for member in made.values():
                walk(member)
        elif isinstance(made, list):
            for member in made:
                walk(member)

    walk(schema(name))


def test_every_schema_is_one_and_takes_the_arguments_of_the_example_calls() -> None:
    validators: Any = pytest.importorskip("jsonschema", reason="jsonschema comes with the mcp extra")

    for name, arguments in json_arguments().items():
        made = schema(name)
        validators.Draft202012Validator.check_schema(made)
        given = _without_nulls(arguments)
        assert [error.message for error in validators.Draft202012Validator(made).iter_errors(given)] == [], name


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


def test_paging_can_be_left_out() -> None:
    assert list(schema("lists.leads", without=PAGING)["properties"]) == ["list_id", "fields"]
    assert signature("lists.leads", without=PAGING) == "lists.leads(list_id: int, fields?: [str])"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lists.add", "lists.add(list_id: int, lead_ids: [int])"),
        ("usage.today", "usage.today()"),
        ("folders.get", 'folders.get(folder: {id: int, type?: "Folder"|"Program"})'),
        ("emails.update_full_content", "emails.update_full_content(id: int, content: str)"),
        ("campaigns.request", "campaigns.request(campaign_id: int, lead_ids: [int], tokens?: {str: str})"),
        ("landing_pages.update_variable", "landing_pages.update_variable(id: int, variable_id: str, value: str|float)"),
        (
            "activities.deleted_leads",
            "activities.deleted_leads(since: str, until?: str, shards?: int, lag?: str, batch_size?: int, token?: str)",
        ),
        ("bulk.custom_objects.enqueue", "bulk.custom_objects.enqueue(api_name: str, export_id: str)"),
        (
            "bulk.activities.create",
            "bulk.activities.create(fields: [str], selection: {createdAt: {startAt: str, endAt: str},"  # noqa: ISC004
            " activityTypeIds?: [int], primaryAttributeValueIds?: [int], primaryAttributeValues?: [str]},"
            ' format?: "CSV"|"SSV"|"TSV", column_header_names?: {str: str})',
        ),
        (
            "form_fields.rearrange",
            "form_fields.rearrange(form_id: int, positions: [{fieldName: str, columnNumber: int, rowNumber: int,"  # noqa: ISC004
            " fieldList?: [FieldPosition]}])",
        ),
    ],
)
def test_a_signature_is_one_line(name: str, line: str) -> None:
    assert signature(name) == line


@pytest.mark.parametrize("name", NAMES)
def test_a_signature_names_every_parameter(name: str) -> None:
    line = signature(name)
    assert "\n" not in line
    assert line.startswith(f"{name}(")
    for parameter in callee(name).parameters:
        assert re.search(rf"\b{parameter.name}{'' if parameter.required else '[?]'}: ", line)


def test_the_facts_of_an_operation() -> None:
    assert callee("lists.leads").listed
    assert not callee("lists.leads").written
    assert callee("lists.add").written
    assert callee("leads.get").operation is callee("leads.get").family.operations["get"]


def test_an_unknown_operation_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidRequest, match=r"'leads\.put' is not an operation"):
        callee("leads.put")


def test_a_line_describes_a_parameter_that_exists() -> None:
    names = {parameter.name for found in callees().values() for parameter in found.parameters}
    assert set(ABOUT) <= names


def test_an_object_of_ones_own() -> None:
    made = object_schema({"limit": (int, 25, "how many"), "query": (str, msgspec.UNSET, None)})
    assert made == {
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "default": 25, "description": "how many"},
            "query": {"type": "string"},
        },
        "additionalProperties": False,
        "required": ["query"],
    }
