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
from marketo_async.sandbox.permissions import AllOf
from marketo_async.sandbox.routing import Route, Router

from .api import Api, Body, Connect
from .models import RECORDED

SHARED = Path(__file__).resolve().parents[3] / "shared"
OPERATIONS = SHARED / "operations.json"
MODELS = SHARED / "marketo-openapi" / "swagger-mapi.json"
SERVED_TAGS = {"Leads", "Static Lists", "Activities", "Usage", "Program Members", "Campaigns", "Companies"}
SERVED_TAGS |= {"Opportunities", "Sales Persons", "Named Accounts", "Named Account Lists", "Custom Objects"}
SERVED_TAGS |= {f"Bulk Export {kind}" for kind in ("Leads", "Activities", "Program Members", "Custom Objects")}
SERVED_TAGS |= {f"Bulk Import {kind}" for kind in ("Leads", "Program Members", "Custom Objects")}
PREFIX = "/rest/v1"
ASSET = "/rest/asset/v1"
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
    f"GET {PREFIX}/programs/{{programId}}/members.json": "a window of time has no filterValues",
    f"POST {PREFIX}/companies/delete.json": "without records there is nothing to delete",
    f"GET {PREFIX}/opportunities.json": "a lookup comes in the query or in the body",
    f"GET {PREFIX}/opportunities/roles.json": "a lookup comes in the query or in the body",
    f"GET {PREFIX}/customobjects/{{customObjectName}}.json": "a lookup comes in the query or in the body",
    f"POST {PREFIX}/customobjects/schema.json": "the documentation lets an update leave the display name out",
    "POST /bulk/v1/activities/export/create.json": "the documentation has a default for the fields",
    f"GET {ASSET}/channel/byName.json": "the name comes in either of two spellings",
    f"GET {ASSET}/folder/{{id}}/content.json": "the description requires the type and also gives it a default",
    f"POST {ASSET}/folder/{{id}}/delete.json": "the documentation shows no type",
    f"POST {ASSET}/file/{{id}}/content.json": "the description asks for the id in the body, too",
    f"POST {ASSET}/emails.json": "the documentation lets subject and sender come later, before approval",
    f"POST {ASSET}/forms.json": "the documentation requires the name, without which there is no form",
    f"POST {ASSET}/emailTemplate/{{id}}/content.json": "there is nothing to do without the document",
    f"POST {ASSET}/email/{{id}}/content/{{moduleId}}/add.json": "the documentation knows no name",
    f"POST {ASSET}/email/{{id}}/content/{{moduleId}}/duplicate.json": "the documentation knows no name",
    f"POST {ASSET}/landingPage/{{id}}/content.json": "the documentation's samples add content without an id",
}
NAMED_ELSEWHERE = {
    f"GET {ASSET}/channel/byName.json": "the documentation spells Name as name",
    f"GET {ASSET}/folders.json": "the documentation spells workSpace as workspace",
    f"GET {ASSET}/folder/byName.json": "the documentation spells workSpace as workspace",
    f"GET {ASSET}/programs.json": "the documentation has status, and the description forgets filterValues",
    f"GET {ASSET}/redirectRules.json": "the documentation has hostname, and spells redirectToLandingPageId",
    f"POST {ASSET}/smartCampaign/{{id}}/clone.json": "isExecutable came after the description",
    f"POST {ASSET}/email/{{id}}/content/rearrange.json": "the description forgets the member that it calls positions",
    f"POST {ASSET}/email/{{id}}/dynamicContent/{{contentId}}.json": "the documentation names the segment",
    f"POST {ASSET}/landingPages.json": "the documentation spells prefillForm as formPrefill",
}
UNDESCRIBED = {
    f"DELETE {PREFIX}/leads.json": "recorded from an instance, and what two published clients send",
    f"POST {ASSET}/program/{{id}}/tag/{{tagType}}.json": "the documentation alone has single tags",
    f"POST {ASSET}/program/{{id}}/tag/{{tagType}}/delete.json": "the documentation alone has single tags",
    f"POST {ASSET}/form/{{id}}/unapprove.json": "forms must be unapproved before they are deleted",
}
PERMITTED_ELSEWHERE = {
    f"POST {ASSET}/form/{{id}}/thankYouPage.json": "the table of operations does not let readers change it",
    f"GET {ASSET}/landingPage/{{id}}/variables.json": "the description forgets the permission",
    f"GET {PREFIX}/lists/{{listId}}/leads/ismember.json": "the documentation lets readers test membership",
}


def official() -> dict[str, Body]:
    if not OPERATIONS.exists():
        pytest.skip(f"the official operations are not at {OPERATIONS}")
    operations = msgspec.json.decode(OPERATIONS.read_bytes())
    for operation in operations:
        # A token in the query is a switch of the whole sandbox, off by default, and no parameter of an operation.
        operation["query_params"] = [item for item in operation["query_params"] if item["name"] != "access_token"]
    return {f"{operation['method']} {operation['path']}": operation for operation in operations}


def names(members: Iterable[Body], *, required: bool | None = None) -> set[str]:
    return {member["name"] for member in members if required is None or member["required"] is required}


def test_every_operation_of_the_families_is_served() -> None:
    expected = {
        key for key, operation in official().items() if operation["spec"] == "mapi" and operation["tag"] in SERVED_TAGS
    }

    assert len(expected) == 22 + 7 + 16 + 4 + 9 + 4 + 6 + 10 + 4 + 6 + 6 + 17 + 24 + 12
    assert expected <= {route.operation for route in ROUTES}


@pytest.mark.parametrize(
    ("spec", "prefix", "number"),
    [
        ("asset", f"{ASSET}/email", 26 + 13),
        ("asset", f"{ASSET}/snippet", 13),
        ("asset", f"{ASSET}/form", 13 + 11),
        # The domains of landing pages, which belong to redirect rules, begin in the same way.
        ("asset", f"{ASSET}/landingPage", 13 + 6 + 12 + 1),
        ("asset", "/rest/asset/v2/", 3 * 11),
        ("user", "/userservice/management/v1/users/", 12),
        ("data-ingestion", "/subscriptions/", 7),
    ],
)
def test_every_operation_of_the_later_parts_is_served(spec: str, prefix: str, number: int) -> None:
    expected = {
        key: operation
        for key, operation in official().items()
        if operation["spec"] == spec and operation["path"].startswith(prefix)
    }
    served = {route.operation: route for route in ROUTES}

    assert len(expected) == number
    assert expected.keys() <= served.keys()
    for key, operation in expected.items():
        assert isinstance(served[key].permissions, AllOf) is (operation["permissions_mode"] == "all")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_a_route_is_as_described(route: Route) -> None:
    if route.operation in UNDESCRIBED:
        return
    operation = official()[route.operation]
    body = operation["body"] or {"properties": [], "required_fields": []}

    if route.operation not in NAMED_ELSEWHERE:
        assert route.parameters == names(operation["query_params"])
        assert set(route.body + route.body_optional) == names(body["properties"])
    if route.operation not in REQUIRED_ELSEWHERE:
        assert set(route.required) == names(operation["query_params"], required=True)
        assert set(route.body) == set(body["required_fields"])
    if route.operation not in PERMITTED_ELSEWHERE:
        assert route.permissions == set(operation["permissions"] or ())


def test_exceptions_are_needed() -> None:
    described = official()
    for route in ROUTES:
        assert (route.operation not in described) is (route.operation in UNDESCRIBED), route.operation
        if route.operation in UNDESCRIBED:
            continue
        operation = described[route.operation]
        body = operation["body"] or {"properties": [], "required_fields": []}
        named = route.parameters == names(operation["query_params"]) and set(route.body + route.body_optional) == names(
            body["properties"]
        )
        assert named is (route.operation not in NAMED_ELSEWHERE), route.operation
        same = set(route.required) == names(operation["query_params"], required=True) and set(route.body) == set(
            body["required_fields"]
        )
        assert same is (route.operation not in REQUIRED_ELSEWHERE), route.operation
        permitted = route.permissions == set(operation["permissions"] or ())
        assert permitted is (route.operation not in PERMITTED_ELSEWHERE), route.operation


# Members that answers are documented or seen to have although the models lack them.
BEYOND_MODELS = {
    "Program": {"progressionStatusType"},
    "LeadChange": {"primaryAttributeValue", "primaryAttributeValueId"},
    "ProgramMemberAttribute": {"searchableFields"},
    # Records have the fields of their object, which no model can list.
    "CompanyResponse": {"externalCompanyId", "createdAt", "updatedAt"},
    "CustomObject": {"externalOpportunityId", "vin", "createdAt", "updatedAt"},
    "SalesPerson": {"title"},
    "NamedAccount": {"name", "createdAt", "updatedAt"},
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
    f"{PREFIX}/programs/members/describe.json": {},
    f"{PREFIX}/programs/members/schema/fields.json": {},
    f"{PREFIX}/programs/{{programId}}/members.json": {"filterType": "leadId", "filterValues": "1,2"},
    f"{PREFIX}/campaigns.json": {},
    f"{PREFIX}/companies.json": {"filterType": "idField", "filterValues": 1},
    f"{PREFIX}/companies/describe.json": {},
    f"{PREFIX}/companies/schema/fields.json": {},
    f"{PREFIX}/opportunities.json": {"filterType": "dedupeFields", "filterValues": "deal-1"},
    f"{PREFIX}/opportunities/describe.json": {},
    f"{PREFIX}/opportunities/roles/describe.json": {},
    f"{PREFIX}/opportunities/schema/fields.json": {},
    f"{PREFIX}/salespersons.json": {"filterType": "id", "filterValues": 1, "fields": "title"},
    f"{PREFIX}/salespersons/describe.json": {},
    f"{PREFIX}/namedaccounts.json": {"filterType": "dedupeFields", "filterValues": "Northwind"},
    f"{PREFIX}/namedaccounts/describe.json": {},
    f"{PREFIX}/namedaccounts/schema/fields.json": {},
    f"{PREFIX}/namedAccountLists.json": {"filterType": "dedupeFields", "filterValues": "CRM view"},
    f"{PREFIX}/customobjects.json": {},
    f"{PREFIX}/customobjects/{{customObjectName}}.json": {"filterType": "vin", "filterValues": "1"},
    f"{PREFIX}/customobjects/{{customObjectName}}/describe.json": {},
    f"{PREFIX}/customobjects/schema.json": {},
    f"{PREFIX}/customobjects/schema/{{apiName}}/describe.json": {},
    f"{PREFIX}/customobjects/schema/{{apiName}}/dependentAssets.json": {},
    f"{PREFIX}/customobjects/schema/linkableObjects.json": {},
}
ARGUMENTS = {
    "fieldApiName": "email",
    "leadId": 5,
    "listId": 1001,
    "programId": 2001,
    "customObjectName": "car",
    "apiName": "car",
}


@pytest.mark.parametrize("path", READS)
async def test_answers_have_only_members_of_their_models(connect: Connect, path: str) -> None:
    if not MODELS.exists():
        pytest.skip(f"the official models are not at {MODELS}")
    models = msgspec.json.decode(MODELS.read_bytes())["definitions"]
    api = await connect(leads=50, activities=300)
    await api.get(f"{PREFIX}/nothing.json")
    await api.post(f"{PREFIX}/leads/delete.json", {"input": [{"id": 9}]})
    await a_custom_type(api)
    await linked_custom_objects(api)
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


async def linked_custom_objects(api: Api) -> None:
    schema = f"{PREFIX}/customobjects/schema"
    key = {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True}
    link = {"name": "car", "displayName": "Car", "dataType": "string", "relatedTo": {"name": "car", "field": "vin"}}
    for name, fields in (("car", [key]), ("part", [key, link])):
        assert (await api.post(f"{schema}.json", {"apiName": name, "displayName": name.title()}))["success"]
        assert (await api.post(f"{schema}/{name}/addField.json", {"input": fields}))["success"]
        assert (await api.post(f"{schema}/{name}/approve.json"))["success"]
    assert (await api.post(f"{PREFIX}/customobjects/car.json", {"input": [{"vin": "1"}]}))["success"]


def check_members(value: object, model: str, models: dict[str, Any]) -> None:
    properties = models[model].get("properties", {})
    if isinstance(value, list):
        for item in value:
            check_members(item, model, models)
        return
    if not isinstance(value, dict):
        return
    unknown = set(value) - set(properties) - BEYOND_MODELS.get(model, set()) - RECORDED.get(model, set())
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
