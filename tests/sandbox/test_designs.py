"""The life cycle of designed assets, which is the same for all kinds of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from .api import Api, Body, code
from .forms import EVENTS, NOTHING, read, refusal, submit, text, write
from .models import check_answer

HTML = b"<html><body>New</body></html>"


@dataclass(frozen=True)
class Kind:
    path: str
    listing: str
    folder: int
    more: tuple[tuple[str, object], ...]
    approved: int
    """An approved asset of a fresh instance."""
    model: str
    by_name: bool = True

    @property
    def home(self) -> dict[str, object]:
        return {"id": self.folder, "type": "Folder"}


SENDER = (
    ("subject", "News"),
    ("fromName", "Ann"),
    ("fromEmail", "ann@example.com"),
    ("replyEmail", "re@example.com"),
)
KINDS = [
    Kind("email", "emails", 6, (("template", 301), *SENDER), 700, "ResponseOfEmailResponse"),
    Kind("emailTemplate", "emailTemplates", 10, (), 301, "ResponseOfEmailTemplateResponse"),
    Kind("snippet", "snippets", 7, (), 401, "ResponseOfSnippetResponse", by_name=False),
    Kind("form", "forms", 5, (), 3001, "ResponseOfLpFormResponse"),
    Kind("landingPage", "landingPages", 4, (("template", 351),), 501, "ResponseOfLandingPageResponse"),
    Kind("landingPageTemplate", "landingPageTemplates", 9, (), 351, "ResponseOfLpTemplateResponse"),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.path)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def api(connect: Any) -> Api:
    started: Api = await connect(leads=3, activities=0)
    return started


async def post_file(api: Api, path: str, content: bytes = HTML, *, fields: Mapping[str, object] | None = None) -> Body:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in (fields or {}).items():
        form.add_field(name, text(value))
    form.add_field("content", content, filename="content.html", content_type="text/html")
    return (await api.raw("POST", f"/rest/asset/v1/{path}.json", data=form)).json()


async def create(api: Api, kind: Kind, name: str = "Mine", **changes: object) -> Body:
    fields: dict[str, object] = {"name": name, "folder": kind.home, **dict(kind.more), **changes}
    if kind.path == "emailTemplate":
        answer = await post_file(api, kind.listing, fields=fields)
    else:
        answer = await submit(api, kind.listing, **fields)
    return answer


async def made(api: Api, kind: Kind, name: str = "Mine") -> int:
    answer = await create(api, kind, name)
    assert answer["success"], answer
    modelled(answer, kind.model)
    [row] = answer["result"]
    return int(row["id"])


async def draft(api: Api, kind: Kind, asset_id: int) -> None:
    """Change something that makes a draft of an approved asset."""
    path = f"{kind.path}/{asset_id}"
    if kind.path.endswith("Template"):
        answer = await post_file(api, f"{path}/content")
    elif kind.path == "snippet":
        answer = await submit(api, f"{path}/content", type="HTML", content="New")
    elif kind.path == "form":
        answer = await submit(api, path, theme="plain")
    elif kind.path == "email":
        answer = await submit(api, path, preHeader="New")
    else:
        answer = await submit(api, path, title="New")
    assert answer["success"], answer


def modelled(answer: Body, model: str) -> None:
    """Check an answer; folders are seen with other members than the description has."""

    def described(row: Body) -> Body:
        folder = row.get("folder")
        if folder and model != "ResponseOfSnippetResponse":
            assert set(folder) == {"type", "value", "folderName"}
            return {**row, "folder": {"id": folder["value"], "type": folder["type"]}}
        return row

    result = [described(row) for row in answer["result"]]
    check_answer({**answer, "result": result}, "asset", model)


async def status(api: Api, kind: Kind, asset_id: int) -> set[str]:
    """The existing versions."""
    found = set()
    for wanted in ("draft", "approved"):
        for row in await read(api, f"{kind.path}/{asset_id}", status=wanted):
            assert row["status"] == wanted
            found.add(wanted)
    return found


async def test_from_a_draft_to_its_end(api: Api, kind: Kind) -> None:
    asset_id = await made(api, kind)
    path = f"{kind.path}/{asset_id}"
    assert await status(api, kind, asset_id) == {"draft"}
    assert await refusal(api, f"{path}/unapprove") == "709"
    assert await refusal(api, f"{path}/discardDraft") == "709"

    await write(api, f"{path}/approveDraft")
    assert await status(api, kind, asset_id) == {"approved"}
    for verb in ("approveDraft", "discardDraft", "delete"):
        assert await refusal(api, f"{path}/{verb}") == "709"

    await draft(api, kind, asset_id)
    assert await status(api, kind, asset_id) == {"approved", "draft"}
    assert await refusal(api, f"{path}/delete") == "709"
    await write(api, f"{path}/discardDraft")
    assert await status(api, kind, asset_id) == {"approved"}

    await draft(api, kind, asset_id)
    await write(api, f"{path}/approveDraft")
    assert await status(api, kind, asset_id) == {"approved"}
    await draft(api, kind, asset_id)
    await write(api, f"{path}/unapprove")
    assert await status(api, kind, asset_id) == {"draft"}

    assert await write(api, f"{path}/delete") == {"id": asset_id}
    assert await read(api, path) == []
    assert await refusal(api, f"{path}/delete") == "702"


async def test_answers_of_verbs_fit_their_models(api: Api, kind: Kind) -> None:
    asset_id = await made(api, kind)
    ids = {"email": {"approveDraft", "unapprove"}, "landingPage": {"approveDraft"}}.get(kind.path, set())
    for verb in ("approveDraft", "unapprove"):
        answer = await submit(api, f"{kind.path}/{asset_id}/{verb}")
        modelled(answer, "ResponseOfIdResponse" if verb in ids else kind.model)


async def test_name_and_description_make_no_draft(api: Api, kind: Kind) -> None:
    path = f"{kind.path}/{kind.approved}"
    changed = await submit(api, path, name="Renamed", description="")
    modelled(changed, kind.model)

    assert await status(api, kind, kind.approved) == {"approved"}
    [row] = await read(api, path)
    assert (row["name"], row["description"]) == ("Renamed", "")
    assert row["createdAt"].endswith("Z+0000")
    assert await refusal(api, path, name="") == "701"
    assert await refusal(api, f"{kind.path}/99999", name="Nobody") == "702"


async def test_names_are_unique(api: Api, kind: Kind) -> None:
    asset_id = await made(api, kind)
    await made(api, kind, "Other")

    assert code(await create(api, kind)) == "709"
    assert await refusal(api, f"{kind.path}/{asset_id}", name="Other") == "709"
    assert await refusal(api, f"{kind.path}/{asset_id}/clone", name="Other", folder=kind.home) == "709"


async def test_clones_take_what_is_approved(api: Api, kind: Kind) -> None:
    asset_id = await made(api, kind)
    first = await submit(api, f"{kind.path}/{asset_id}/clone", name="First", folder=kind.home, description="A copy")
    modelled(first, kind.model)
    [row] = first["result"]
    assert (row["name"], row["description"], row["status"]) == ("First", "A copy", "draft")
    assert row["id"] != asset_id
    assert row["folder"]["value"] == kind.folder


async def test_folders(api: Api, kind: Kind) -> None:
    for folder, expected in (({"id": 9999, "type": "Folder"}, "710"), ({"id": 8, "type": "Folder"}, "711")):
        assert code(await create(api, kind, folder=folder)) == expected
    assert code(await create(api, kind, folder="five")) == "1001"
    local = await create(api, kind, folder=EVENTS)
    if kind.path.endswith("Template"):
        assert code(local) == "711"
    else:
        assert local["result"][0]["folder"] == {"type": "Folder", "value": 15, "folderName": "Events"}


async def test_browsing(api: Api, kind: Kind) -> None:
    before = len(await read(api, kind.listing, maxReturn=200))
    for name in ("One", "Two"):
        await made(api, kind, name)
    rows = await read(api, kind.listing, maxReturn=200)
    assert [row["name"] for row in rows[before:]] == ["One", "Two"]
    assert [row["name"] for row in await read(api, kind.listing, offset=before + 1)] == ["Two"]
    assert await read(api, kind.listing, offset=before + 2) == []

    drafts = [row["name"] for row in await read(api, kind.listing, status="draft")]
    assert drafts[-2:] == ["One", "Two"]
    assert kind.approved in [row["id"] for row in await read(api, kind.listing, status="Approved")]
    assert await read(api, kind.listing, status="approved with draft") == []
    await draft(api, kind, kind.approved)
    assert [row["id"] for row in await read(api, kind.listing, status="approved with draft")] == [kind.approved]
    assert code(await api.get(f"/rest/asset/v1/{kind.listing}.json", status="lost")) == "1001"


@pytest.mark.parametrize("listing", ["emails", "forms", "landingPages", "landingPageTemplates"])
async def test_browsing_a_folder(api: Api, listing: str) -> None:
    assert await read(api, listing, folder=EVENTS) == []
    assert await read(api, listing, folder={"id": 2001, "type": "Program"} if listing == "forms" else HOMES[listing])


HOMES: dict[str, dict[str, object]] = {kind.listing: kind.home for kind in KINDS}


async def test_browsing_by_date(api: Api) -> None:
    assert await read(api, "emails", earliestUpdatedAt="2020-01-01T00:00:00Z")
    assert await read(api, "emails", latestUpdatedAt="2020-01-01T00:00:00Z") == []


async def test_by_name(api: Api, kind: Kind) -> None:
    if not kind.by_name:
        assert code(await api.get(f"/rest/asset/v1/{kind.path}/byName.json", name="x")) == "610"
        return
    asset_id = await made(api, kind)

    assert [row["id"] for row in await read(api, f"{kind.path}/byName", name="Mine")] == [asset_id]
    assert await read(api, f"{kind.path}/byName", name="mine") == []
    if kind.path != "landingPageTemplate":
        assert await read(api, f"{kind.path}/byName", name="Mine", status="approved") == []
    if kind.path in ("email", "form"):
        assert await read(api, f"{kind.path}/byName", name="Mine", folder=EVENTS) == []


async def test_equal_names_in_different_programs(api: Api) -> None:
    for program_id in (2001, 2002):
        await write(api, "forms", name="Survey", folder={"id": program_id, "type": "Program"})

    rows = await read(api, "form/byName", name="Survey")
    assert [row["folder"]["value"] for row in rows] == [2001, 2002]


async def test_what_is_used_stays(api: Api) -> None:
    assert await refusal(api, "emailTemplate/301/unapprove") == "709"
    assert await refusal(api, "landingPageTemplate/352/unapprove") == "709"
    assert await refusal(api, "form/3001/unapprove") == "709"
    users = await api.get("/rest/asset/v1/emailTemplates/301/usedBy.json")
    modelled(users, "ResponseOfEmailTemplateUsedByResponse")
    assert [row["id"] for row in users["result"]] == list(range(700, 708))
    pages = await api.get("/rest/asset/v1/form/3001/usedBy.json")
    modelled(pages, "ResponseOfFormUsedByResponse")
    assert [(row["id"], row["type"]) for row in pages["result"]] == [(501, "Landing Page")]
    assert await read(api, "form/9999/usedBy") == []


async def test_a_used_draft_is_not_deleted(api: Api) -> None:
    snippet = await write(api, "snippets", name="Mine", folder={"id": 7, "type": "Folder"})
    page = {"contentId": "note", "type": "Snippet", "value": snippet["id"]}
    await write(api, "landingPage/502/content", **page)

    assert await refusal(api, f"snippet/{snippet['id']}/delete") == "709"


async def test_a_program_takes_its_assets_along(api: Api) -> None:
    copy = await write(api, "program/2001/clone", name="Copy", folder=EVENTS)
    [form] = await read(api, "forms", folder={"id": copy["id"], "type": "Program"})
    assert (form["name"], form["status"]) == ("Contact us", "approved")
    await write(api, f"program/{copy['id']}/delete")
    assert await read(api, f"form/{form['id']}") == []


async def test_nothing_found(api: Api) -> None:
    answer = await api.get("/rest/asset/v1/email/99999.json")

    assert answer["warnings"] == [NOTHING]


@pytest.mark.parametrize("path", ["approveDraft", "unapprove"])
async def test_approving_takes_a_permission_of_its_own(api: Api, path: str) -> None:
    writer = api.sandbox.add_user("writer@sandbox.example", frozenset({"Read-Write Assets"}))
    await api.authorize(writer)

    assert await refusal(api, f"snippet/401/{path}") == "603"


async def test_forms_are_forms(api: Api) -> None:
    path = "/rest/asset/v1/snippet/401.json"

    assert code(await api.post(path, {"name": "x"})) == "612"
    assert (await api.post(path, name="In the query"))["result"][0]["name"] == "In the query"
