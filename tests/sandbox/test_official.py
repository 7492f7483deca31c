"""The sandbox against the official description of the API, where that lies beside the repository."""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import marketo_async.sandbox
from marketo_async.sandbox.families import FAMILIES
from marketo_async.sandbox.routing import Route, Router

from .api import Api, Body, Connect

SHARED = Path(__file__).resolve().parents[3] / "shared"
OPERATIONS = SHARED / "operations.json"
MODELS = SHARED / "marketo-openapi" / "swagger-mapi.json"
SERVED_TAGS = {"Leads", "Static Lists", "Activities", "Usage"}
PREFIX = "/rest/v1"
TYPE = f"{PREFIX}/activities/external/type"

ROUTES = Router(FAMILIES).routes

# Where the sandbox knowingly differs from the description, and why.
REQUIRED_ELSEWHERE = {
    f"POST {PREFIX}/leads/push.json": "the documentation requires input and programName, the description nothing",
    f"DELETE {PREFIX}/lists/{{listId}}/leads.json": "ids come in the query or in the body, not in both",
    f"POST {PREFIX}/lists/{{listId}}/leads.json": "ids come in the query or in the body",
    f"GET {PREFIX}/lists/{{listId}}/leads/ismember.json": "ids come in the query or in the body",
    f"POST {PREFIX}/leads/delete.json": "ids come in the query or in the body",
    f"POST {TYPE}/{{apiName}}.json": "the documentation lets an update leave members out",
}
PERMITTED_ELSEWHERE = {
    f"GET {PREFIX}/lists/{{listId}}/leads/ismember.json": "the documentation lets readers test membership",
}


def official() -> dict[str, Body]:
    if not OPERATIONS.exists():
        pytest.skip(f"the official operations are not at {OPERATIONS}")
    operations = msgspec.json.decode(OPERATIONS.read_bytes())
    return {f"{operation['method']} {operation['path']}": operation for operation in operations}


def names(members: Iterable[Body], *, required: bool | None = None) -> set[str]:
    return {member["name"] for member in members if required is None or member["required"] is required}


def test_every_operation_of_the_families_is_served() -> None:
    expected = {
        key for key, operation in official().items() if operation["spec"] == "mapi" and operation["tag"] in SERVED_TAGS
    }

    assert len(expected) == 22 + 7 + 16 + 4
    assert expected <= {route.operation for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_a_route_is_as_described(route: Route) -> None:
    operation = official()[route.operation]
    body = operation["body"] or {"properties": [], "required_fields": []}

    assert route.parameters == names(operation["query_params"])
    assert set(route.body + route.body_optional) == names(body["properties"])
    if route.operation not in REQUIRED_ELSEWHERE:
        assert set(route.required) == names(operation["query_params"], required=True)
        assert set(route.body) == set(body["required_fields"])
    if route.operation not in PERMITTED_ELSEWHERE:
        assert route.permissions == set(operation["permissions"])


def test_exceptions_are_needed() -> None:
    described = official()
    for route in ROUTES:
        operation = described[route.operation]
        body = operation["body"] or {"required_fields": []}
        same = set(route.required) == names(operation["query_params"], required=True) and set(route.body) == set(
            body["required_fields"]
        )
        assert same is (route.operation not in REQUIRED_ELSEWHERE), route.operation
        permitted = route.permissions == set(operation["permissions"])
        assert permitted is (route.operation not in PERMITTED_ELSEWHERE), route.operation


# Members that answers are documented or seen to have although the models lack them.
BEYOND_MODELS = {
    "Program": {"progressionStatusType"},
    "LeadChange": {"primaryAttributeValue"},
    "ProgramMemberAttribute": {"searchableFields"},
}

READS: dict[str, dict[str, str | int]] = {
    f"{PREFIX}/activities/types.json": {},
    f"{PREFIX}/activities.json": {"activityTypeIds": "1,2,13,12,22"},
    f"{PREFIX}/activities/leadchanges.json": {"fields": "title,city,leadScore"},
    f"{PREFIX}/activities/deletedleads.json": {},
    f"{PREFIX}/activities/external/types.json": {},
    f"{PREFIX}/leads/describe.json": {},
    f"{PREFIX}/leads/describe2.json": {},
    f"{PREFIX}/program/members/describe.json": {},
    f"{PREFIX}/leads/schema/fields.json": {},
    f"{PREFIX}/leads/schema/fields/{{fieldApiName}}.json": {},
    f"{PREFIX}/leads/partitions.json": {},
    f"{PREFIX}/leads/{{leadId}}/listMembership.json": {},
    f"{PREFIX}/leads/{{leadId}}/programMembership.json": {},
    f"{PREFIX}/leads/{{leadId}}/smartCampaignMembership.json": {},
    f"{PREFIX}/lists.json": {},
    f"{PREFIX}/lists/{{listId}}.json": {},
    f"{PREFIX}/lists/{{listId}}/leads/ismember.json": {"id": "1,99999"},
    f"{PREFIX}/stats/usage.json": {},
    f"{PREFIX}/stats/usage/last7days.json": {},
    f"{PREFIX}/stats/errors.json": {},
    f"{PREFIX}/stats/errors/last7days.json": {},
}
ARGUMENTS = {"fieldApiName": "email", "leadId": 5, "listId": 1001}


@pytest.mark.parametrize("path", READS)
async def test_answers_have_only_members_of_their_models(connect: Connect, path: str) -> None:
    if not MODELS.exists():
        pytest.skip(f"the official models are not at {MODELS}")
    models = msgspec.json.decode(MODELS.read_bytes())["definitions"]
    api = await connect(leads=50, activities=300)
    await api.get(f"{PREFIX}/nothing.json")
    await api.post(f"{PREFIX}/leads/delete.json", {"input": [{"id": 9}]})
    await a_custom_type(api)
    params = dict(READS[path])
    if "nextPageToken" in next(route for route in ROUTES if route.operation == f"GET {path}").required:
        params["nextPageToken"] = await api.since()

    answer = await api.get(path.format(**ARGUMENTS), **params)

    assert answer["result"]
    check_members(answer, official()[f"GET {path}"]["response_schema"], models)


async def a_custom_type(api: Api) -> None:
    primary = {"apiName": "attendee", "name": "Attendee"}
    body = {"apiName": "webinar", "name": "Webinar", "triggerName": "t", "filterName": "f", "primaryAttribute": primary}
    assert (await api.post(f"{TYPE}.json", body))["success"]
    assert (await api.post(f"{TYPE}/webinar/approve.json"))["success"]


def check_members(value: object, model: str, models: dict[str, Any]) -> None:
    properties = models[model].get("properties", {})
    if isinstance(value, list):
        for item in value:
            check_members(item, model, models)
        return
    if not isinstance(value, dict):
        return
    unknown = set(value) - set(properties) - BEYOND_MODELS.get(model, set())
    assert not unknown, f"{model} has no {unknown}"
    for name, item in value.items():
        described = properties.get(name, {})
        inner = described.get("$ref") or described.get("items", {}).get("$ref")
        if inner is not None:
            check_members(item, inner.rsplit("/", 1)[-1], models)


def test_the_sandbox_shares_no_code_with_the_client() -> None:
    package = Path(marketo_async.sandbox.__file__).parent
    allowed = {"aiohttp", "msgspec", *sys.stdlib_module_names}
    for module in package.rglob("*.py"):
        own = allowed | ({"pytest", "pytest_asyncio"} if module.name == "fixtures.py" else set())
        for node in ast.walk(ast.parse(module.read_text())):
            imported = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in imported:
                assert name.startswith("marketo_async.sandbox") or name.partition(".")[0] in own, f"{module}: {name}"
