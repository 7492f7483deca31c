"""Emails, templates and fragments of the new designer."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import Conflict, InvalidRequest
from marketo_async.models.designer import (
    Content,
    EmailChange,
    EmailHeaders,
    EmailPlace,
    EmailSearch,
    FragmentChange,
    HeadersChange,
    Html,
    NewFragmentSettings,
    Place,
    TemplateChange,
)
from marketo_async.sandbox import Sandbox

WORKSPACE = "1"


async def test_the_life_of_an_email(marketo: Marketo) -> None:
    made = await marketo.emails_v2.create(
        "Spring",
        EmailPlace(workspace_id=WORKSPACE),
        EmailHeaders(subject="Hello", from_name="A", from_email="a@example.com", reply_email="a@example.com"),
        data=Content(html=Html(body="<p>one</p>")),
    )
    changed = await marketo.emails_v2.update(made.id, EmailChange(headers=HeadersChange(subject="Hello again")))
    assert changed.headers is not None
    assert changed.headers.subject == "Hello again"
    approved = await marketo.emails_v2.approve(made.id)
    assert (approved.state or approved.status or "").lower() == "approved"
    with pytest.raises(Conflict):
        await marketo.emails_v2.delete(approved.id)
    draft = await marketo.emails_v2.create_draft(approved.id)
    await marketo.emails_v2.discard_draft(draft.id)
    back = await marketo.emails_v2.unapprove(approved.id)
    found = await marketo.emails_v2.get(back.id)
    assert found is not None
    assert found.data is not None
    assert found.data.html is not None
    assert found.data.html.body == "<p>one</p>"
    copy = await marketo.emails_v2.clone(back.id, "Spring copy", description="d")
    names = [email.name async for email in marketo.emails_v2.browse(WORKSPACE, EmailSearch(name="Spring copy"))]
    assert names == ["Spring copy"]
    assert {email.id for email in await marketo.emails_v2.get_many([back.id, copy.id])} == {back.id, copy.id}
    await marketo.emails_v2.delete_many([copy.id])
    await marketo.emails_v2.delete(back.id)
    assert await marketo.emails_v2.browse(WORKSPACE, EmailSearch(name="Spring")).all() == []


async def test_templates_page_by_index_to_their_end(marketo: Marketo) -> None:
    there = {template.id for template in await marketo.email_templates_v2.browse(WORKSPACE).all()}
    made = [
        await marketo.email_templates_v2.create(f"T{number}", Place(workspace_id=WORKSPACE)) for number in range(101)
    ]
    found = [template.id async for template in marketo.email_templates_v2.browse(WORKSPACE)]
    assert len(found) == len(set(found))
    assert set(found) == there | {template.id for template in made}
    pages = [page async for page in marketo.email_templates_v2.browse(WORKSPACE).pages()]
    assert [len(page.items) for page in pages[:2]] == [50, 50]
    assert pages[1].token == "2"
    renamed = await marketo.email_templates_v2.update(made[0].id, TemplateChange(name="Other"))
    assert renamed.name == "Other"


async def test_fragments_tell_what_uses_them(marketo: Marketo) -> None:
    settings = NewFragmentSettings(fragment_type="html", supported_channels=["email"])
    made = await marketo.fragments.create("F", Place(workspace_id=WORKSPACE), settings)
    changed = await marketo.fragments.update(made.id, FragmentChange(description="d"))
    assert changed.description == "d"
    assert await marketo.fragments.used_by(made.id).all() == []
    (count,) = await marketo.fragments.used_by_many([made.id])
    assert (count.id, count.count) == (made.id, 0)
    seeded = await marketo.fragments.browse(WORKSPACE).all()
    users = [use for fragment in seeded for use in await marketo.fragments.used_by(fragment.id).all()]
    assert users
    assert all(use.id for use in users)


async def test_more_than_one_call_takes_is_refused_before_it_is_sent(marketo: Marketo, sandbox: Sandbox) -> None:
    before = sandbox.stats.calls
    with pytest.raises(InvalidRequest, match="21 members"):
        await marketo.emails_v2.get_many([str(number) for number in range(21)])
    with pytest.raises(InvalidRequest, match="51 members"):
        await marketo.emails_v2.used_by_many([str(number) for number in range(51)])
    assert sandbox.stats.calls == before
