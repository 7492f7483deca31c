"""Emails, email templates and fragments of the new designer."""

from typing import Any

import pytest

from marketo_async.sandbox import Quirks
from marketo_async.sandbox.families.v2_asset_kinds import KINDS
from marketo_async.sandbox.permissions import AllOf

from .api import Api, Body, Connect, code
from .models import check_answer

HEADERS = {"subject": "Hi", "fromName": "Me", "fromEmail": "me@x.example", "replyEmail": "me@x.example"}
PLACE = {"workspaceId": "1", "folderId": "77"}
BODIES: dict[str, Body] = {
    "email": {"headers": HEADERS, "settings": {"isOperational": True, "dedicatedIp": "192.0.2.1"}},
    "emailtemplate": {},
    "fragment": {"settings": {"fragmentType": "html", "supportedChannels": ["email"]}},
}
MODELS = {"email": "EmailNew", "emailtemplate": "EmailTemplateNew", "fragment": "FragmentNew"}
FILTER_MODELS = {"email": "EmailFilter", "emailtemplate": "EmailTemplateFilter", "fragment": "FragmentFilter"}
APP = {"x-app-type": "marketo"}

each_kind = pytest.mark.parametrize("kind", list(BODIES))


class Contents:
    def __init__(self, api: Api, kind: str = "email") -> None:
        self.api, self.kind = api, kind

    async def call(self, method: str, path: str, **content: Any) -> Body:
        url = f"/rest/asset/v2/{self.kind}{path}"
        return (await self.api.raw(method, url, headers=APP, **content)).json()

    async def get(self, content_id: str) -> Body:
        return await self.call("GET", f"/{content_id}")

    async def post(self, path: str, **body: Any) -> Body:
        return await self.call("POST", path, json=body)

    async def filter(self, **params: Any) -> Body:
        return await self.call("GET", "/filter", params={"workspaceId": "1", **params})

    async def names(self, **params: Any) -> list[str]:
        return [item["name"] for item in (await self.filter(**params))["result"]["items"]]

    async def create(self, name: str = "New", **members: Any) -> Body:
        return await self.post("", **{"name": name, "appData": PLACE, **BODIES[self.kind], **members})

    async def new(self, name: str = "New", **members: Any) -> str:
        [row] = (await self.create(name, **members))["result"]
        return str(row["id"])

    async def turn(self, content_id: str, action: str) -> Body:
        return await self.post("/state/transition", contentId=content_id, action=action)


@pytest.fixture
def emails(api: Api) -> Contents:
    return Contents(api)


@pytest.fixture
def templates(api: Api) -> Contents:
    return Contents(api, "emailtemplate")


@each_kind
async def test_creating_and_reading(api: Api, kind: str) -> None:
    contents = Contents(api, kind)

    created = await contents.create(description="Words", data={"html": {"body": "<p>Hi</p>"}})

    [row] = created["result"]
    assert (row["name"], row["description"], row["status"]) == ("New", "Words", "draft")
    assert row["data"] == {"html": {"body": "<p>Hi</p>"}}
    assert row["appData"] == PLACE
    assert isinstance(row["id"], str)
    assert row["metadata"]["createdBy"] == api.sandbox.user.login
    assert row["associatedStates"] == [{"contentId": row["id"], "externalId": row["id"], "state": "draft"}]
    assert (await contents.get(row["id"]))["result"] == [row]
    check_answer(created, "asset", f"{MODELS[kind]}Response")


@each_kind
async def test_finding_and_bulk_reading(api: Api, kind: str) -> None:
    contents = Contents(api, kind)
    new = await contents.new()

    found = await contents.filter(name="new")

    assert [item["id"] for item in found["result"]["items"]] == [new]
    assert "data" not in found["result"]["items"][0]
    check_answer(found, "asset", f"{FILTER_MODELS[kind]}Response")
    bulk = await contents.post("/bulk/get", assetIds=[new, "9999", new])
    assert bulk["result"] == (await contents.get(new))["result"]
    check_answer(bulk, "asset", f"{MODELS[kind]}Response")


@each_kind
async def test_a_life(api: Api, kind: str) -> None:
    contents = Contents(api, kind)
    live = await contents.new(data={"html": {"body": "first"}})

    async def bodies(*ids: str) -> list[str]:
        return [(await contents.get(content_id))["result"][0]["data"]["html"]["body"] for content_id in ids]

    assert (await contents.turn(live, "approve"))["result"][0]["state"] == "approved"
    assert code(await contents.turn(live, "approve")) == "709"
    assert code(await contents.turn(live, "discard")) == "709"
    [draft] = (await contents.turn(live, "create_draft"))["result"]
    assert (draft["state"], draft["virtualId"]) == ("draft", live)
    assert code(await contents.turn(live, "create_draft")) == "709"
    await contents.post(f"/{draft['id']}/update", data={"html": {"body": "second"}})
    assert await bodies(live, draft["id"]) == ["first", "second"]
    assert (await contents.get(live))["result"][0]["associatedStates"] == [
        {"contentId": live, "externalId": live, "state": "approved"},
        {"contentId": draft["id"], "externalId": draft["id"], "state": "draft"},
    ]
    [approved] = (await contents.turn(draft["id"], "approve"))["result"]
    assert (approved["id"], await bodies(live)) == (live, ["second"])
    assert code(await contents.get(draft["id"])) == "702"
    assert code(await contents.turn(live, "publish")) == "1003"
    assert code(await contents.call("POST", f"/{live}/delete")) == "709"
    [row] = (await contents.turn(live, "unapprove"))["result"]
    assert (row["id"], row["state"]) == (live, "draft")
    assert code(await contents.turn(live, "unapprove")) == "709"
    deleted = await contents.call("POST", f"/{live}/delete")
    assert deleted["success"]
    assert "result" not in deleted
    check_answer(deleted, "asset", "DeleteResponse")
    assert code(await contents.get(live)) == "702"


async def test_updating_what_is_approved_makes_a_draft(emails: Contents) -> None:
    live = await emails.new()
    await emails.turn(live, "approve")

    [renamed] = (await emails.post(f"/{live}/update", name="Newer", description="Words"))["result"]
    [draft] = (await emails.post(f"/{live}/update", headers={"subject": "Ho"}))["result"]

    assert (renamed["id"], renamed["name"], renamed["state"]) == (live, "Newer", "approved")
    assert (draft["state"], draft["headers"]) == ("draft", {**HEADERS, "subject": "Ho"})
    assert (await emails.get(live))["result"][0]["headers"]["subject"] == "Hi"
    [kept] = (await emails.turn(draft["id"], "discard"))["result"]
    assert (kept["id"], kept["headers"]["subject"]) == (live, "Hi")
    [again] = (await emails.post(f"/{live}/update", name="Newest"))["result"]
    assert again["description"] == "Words"


async def test_an_email_cannot_be_approved_without_a_sender(emails: Contents) -> None:
    content_id = await emails.new(headers={"subject": "Hi"})

    answer = await emails.turn(content_id, "approve")

    assert code(answer) == "709"
    assert answer["errors"][0]["type"] == "error"
    check_answer(answer, "asset", "ErrorResponse")


@each_kind
async def test_cloning(api: Api, kind: str) -> None:
    contents = Contents(api, kind)
    source = await contents.new(data={"html": {"body": "first"}}, description="Words")
    await contents.turn(source, "approve")

    [copy] = (await contents.post("/clone", assetId=source, newAsset={"name": "Copy"}))["result"]
    await contents.post(f"/{copy['id']}/update", data={"html": {"body": "other"}})
    [third] = (await contents.post("/clone", assetId=source, newAsset={"name": "3", "description": "Own"}))["result"]

    assert (copy["state"], copy["data"], copy["description"]) == ("draft", {"html": {"body": "first"}}, "Words")
    assert (await contents.get(source))["result"][0]["data"] == {"html": {"body": "first"}}
    assert third["description"] == "Own"
    assert code(await contents.post("/clone", assetId=source, newAsset={"name": "Copy"})) == "709"
    assert code(await contents.post("/clone", assetId=source, newAsset={"description": "x"})) == "1002"
    assert code(await contents.post("/clone", assetId="99999", newAsset={"name": "x"})) == "702"


async def test_a_template_overwrites_what_comes_with_it(emails: Contents, templates: Contents) -> None:
    template = await templates.new(data={"html": {"body": "template"}})

    [email] = (await emails.create(templateId=template, data={"html": {"body": "own"}}))["result"]

    assert (email["templateId"], email["data"]) == (template, {"html": {"body": "template"}})
    assert await emails.names(templateId=template) == ["New"]
    assert code(await emails.create("Other", templateId="99999")) == "702"
    assert await emails.names(name="Other") == []


async def test_uses(emails: Contents, templates: Contents) -> None:
    template, other = await templates.new(), await templates.new("Unused")
    ids = [await emails.new(f"E{number}", templateId=template) for number in range(3)]

    first = await templates.post("/usedby", assetId=template, pageSize=2)
    second = await templates.post("/usedby", assetId=template, pageSize=2, pageIndex=1)

    assert [row["id"] for row in first["result"] + second["result"]] == ids
    assert second["pageDetails"] == {"totalItems": 3, "pageSize": 2, "currentPage": 1}
    check_answer(first, "asset", "UsedByResponse")
    assert (await templates.post("/usedby", assetId=template, type="fragment"))["result"] == []
    assert len((await templates.post("/usedby", assetId=template, type="email"))["result"]) == 3
    bulk = await templates.post("/bulk/usedby", assetIds=[template, other, "99999"])
    assert bulk["result"] == [
        {"id": template, "name": "New", "count": 3, "used": True},
        {"id": other, "name": "Unused", "count": 0, "used": False},
    ]
    check_answer(bulk, "asset", "BulkUsedByResponse")


async def test_what_is_in_use_stays(emails: Contents, templates: Contents) -> None:
    template, other = await templates.new(), await templates.new("Unused")
    await emails.new(templateId=template)
    await templates.turn(template, "approve")

    assert code(await templates.turn(template, "unapprove")) == "709"
    assert code(await templates.post("/bulk/delete", assetIds=[other, template])) == "709"
    assert (await templates.get(other))["success"]
    third = await templates.new("Third")
    await emails.new("Second", templateId=third)
    assert code(await templates.call("POST", f"/{third}/delete")) == "709"
    assert (await templates.post("/bulk/delete", assetIds=[other, third], ignoreUsedBy=True))["success"]
    assert (await templates.post("/bulk/get", assetIds=[other, third]))["result"] == []


async def test_a_seeded_fragment_is_used_by_the_approved_email(api: Api) -> None:
    fragments = Contents(api, "fragment")
    [fragment] = (await fragments.filter(fragmentType="html"))["result"]["items"]

    [user] = (await fragments.post("/usedby", assetId=fragment["id"]))["result"]

    assert (user["name"], user["contentType"]) == ("Welcome", "email")
    assert await fragments.names(fragmentType="visual") == []


async def test_pages(emails: Contents) -> None:
    for number in range(5):
        await emails.new(f"E{number}", appData={"folderId": "123"})

    pages = [(await emails.filter(folderId="123", pageIndex=index, pageSize=2))["result"] for index in range(4)]

    assert [[item["name"] for item in page["items"]] for page in pages] == [["E0", "E1"], ["E2", "E3"], ["E4"], []]
    assert {name: pages[1][name] for name in ("totalItems", "pageSize", "currentPage")} == {
        "totalItems": 5,
        "pageSize": 2,
        "currentPage": 1,
    }
    assert (await emails.filter())["result"]["pageSize"] == 20


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "approved"}, ["Welcome"]),
        ({"status": "Draft"}, ["Reminder", "Mine"]),
        ({"status": ["draft", "approved"]}, ["Welcome", "Reminder", "Mine"]),
        ({"workspaceId": "2"}, []),
        ({"folderId": "6"}, ["Welcome", "Reminder"]),
        ({"folderIds": "77,78"}, ["Mine"]),
        ({"folderId": "77", "folderType": "Folder"}, ["Mine"]),
        ({"folderId": "77", "folderType": "Program"}, []),
        ({"isCreatedByMe": "true"}, ["Mine"]),
        ({"isModifiedByMe": "true", "isCreatedByMe": "false"}, ["Mine"]),
        ({"createdBy": "marketer@sandbox.example"}, ["Welcome", "Reminder"]),
        ({"sortKey": "name"}, ["Mine", "Reminder", "Welcome"]),
        ({"sortKey": "createdAt", "sortOrder": "DESC"}, ["Mine", "Welcome", "Reminder"]),
        ({"sortKey": "modifiedAt"}, ["Welcome", "Reminder", "Mine"]),
        ({"createdAtStart": "2100-01-01T00:00:00Z"}, []),
        ({"modifiedAtEnd": "2100-01-01T00:00:00Z", "sortOrder": "desc"}, ["Mine", "Reminder", "Welcome"]),
        ({"scriptEngine": "velocity", "includeArchived": "true"}, ["Welcome", "Reminder", "Mine"]),
        ({"scriptEngine": "handlebars"}, []),
    ],
)
async def test_filters(emails: Contents, params: dict[str, Any], found: list[str]) -> None:
    await emails.new("Mine")

    assert await emails.names(**params) == found


async def test_a_draft_beside_the_approved_version_is_found_as_a_draft(emails: Contents) -> None:
    live = await emails.new()
    await emails.turn(live, "approve")
    [draft] = (await emails.turn(live, "create_draft"))["result"]

    async def ids(**params: str) -> list[str]:
        return [item["id"] for item in (await emails.filter(name="New", **params))["result"]["items"]]

    assert await ids(status="draft") == [draft["id"]]
    assert await ids(status="approved") == await ids() == [live]


@pytest.mark.parametrize(
    "params",
    [
        {"pageIndex": -1},
        {"pageSize": 51},
        {"pageSize": 0},
        {"status": "lost"},
        {"sortKey": "colour"},
        {"sortOrder": "UP"},
    ],
)
async def test_filters_that_make_no_sense(emails: Contents, params: dict[str, Any]) -> None:
    assert code(await emails.filter(**params)) == "1003"


async def test_an_email_in_a_program(emails: Contents) -> None:
    [row] = (await emails.create(appData={"programId": "2001"}))["result"]

    assert row["appData"]["programName"] == "Spring Webinar"
    assert await emails.names(folderId="2001", folderType="Program") == ["New"]
    assert code(await emails.create("Other", appData={"programId": "9"})) == "710"
    assert code(await emails.create("Other", appData={"programId": "nine"})) == "710"


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("email", {"name": "welcome"}, "709"),
        ("email", {"name": ""}, "1002"),
        ("email", {"name": 5}, "1001"),
        ("email", {"appData": {"editorType": "html"}}, "1002"),
        ("email", {"appData": {"folderId": 5}}, "1001"),
        ("email", {"headers": {"fromName": "x"}}, "1002"),
        ("email", {"headers": {"subject": 5}}, "1001"),
        ("email", {"headers": {"subject": "x", "ccEmails": "me@x.example"}}, "1001"),
        ("email", {"settings": {"isTextOnly": 5}}, "1001"),
        ("email", {"data": "text"}, "1001"),
        ("emailtemplate", {"appData": {"programId": "2001"}}, "1002"),
        ("fragment", {"settings": {"fragmentType": "html"}}, "1002"),
        ("fragment", {"settings": {"fragmentType": "html", "supportedChannels": "email"}}, "1001"),
    ],
)
async def test_creating_what_cannot_be(api: Api, kind: str, members: Body, expected: str) -> None:
    contents = Contents(api, kind)
    before = (await contents.filter())["result"]["totalItems"]

    assert code(await contents.create(**{"name": "New", **members})) == expected
    assert (await contents.filter())["result"]["totalItems"] == before


async def test_ids_of_another_kind_are_not_found(emails: Contents, templates: Contents) -> None:
    content_id = await emails.new()

    assert code(await templates.get(content_id)) == "702"
    assert code(await emails.post("/99999/update", name="x")) == "702"
    assert code(await emails.post(f"/{content_id}/update", name="Welcome")) == "709"


async def test_bulk_limits(emails: Contents) -> None:
    many = [str(number) for number in range(51)]

    assert code(await emails.post("/bulk/get", assetIds=many[:21])) == "1003"
    assert code(await emails.post("/bulk/delete", assetIds=many[:21])) == "1003"
    assert (await emails.post("/bulk/usedby", assetIds=many[:50]))["success"]
    assert code(await emails.post("/bulk/usedby", assetIds=many)) == "1003"
    assert code(await emails.post("/bulk/get", assetIds="501")) == "1001"
    assert code(await emails.post("/bulk/delete", assetIds=["99999"])) == "702"


async def test_the_application_has_to_be_named(api: Api) -> None:
    assert code(await api.get("/rest/asset/v2/email/501")) == "1002"
    assert code((await api.raw("GET", "/rest/asset/v2/email/501", headers={"x-app-type": "other"})).json()) == "1002"


async def test_a_token_in_the_query_is_a_quirk(connect: Connect) -> None:
    ordinary, lenient = await connect(), await connect(quirks=Quirks(query_token=True))
    for api, accepted in ((ordinary, False), (lenient, True)):
        params = {"workspaceId": "1", "access_token": str(api.token)}
        api.token = None
        answer = (await api.raw("GET", "/rest/asset/v2/email/filter", params=params, headers=APP)).json()
        assert answer["success"] is accepted


async def test_every_permission_is_needed(api: Api) -> None:
    [email, *_] = KINDS
    assert isinstance(email.readers, AllOf)
    for lacking in email.readers:
        await api.authorize(api.sandbox.add_user(f"{lacking}@x.example", frozenset(email.readers - {lacking})))
        assert code(await Contents(api).filter()) == "603"
    await api.authorize(api.sandbox.add_user("reader@x.example", frozenset(email.readers)))
    assert (await Contents(api).filter())["success"]
