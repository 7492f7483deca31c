"""Snippets: how they are read, and their lives in the sandbox."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import Conflict
from marketo_async.models.assets import FolderId
from marketo_async.models.snippets import SnippetContent
from tests.families.conftest import Tell

SNIPPETS, SEGMENTATION, LEGAL_NOTE = FolderId(7), 1001, 401


async def test_a_snippet_may_have_no_url(tell: Tell) -> None:
    row = {"id": 23, "name": "Note", "url": None, "folder": {"type": "Folder", "value": 620}, "status": "draft"}

    snippet = await tell(row).snippets.get(23, status="draft")

    assert snippet is not None
    assert (snippet.url, snippet.folder and snippet.folder.number, snippet.workspace) == (None, 620, None)


async def test_a_dynamic_snippet_has_a_variant_for_each_segment_and_type(tell: Tell) -> None:
    one = {"id": "Nzk*", "segmentId": 1001, "segmentName": "Area", "content": "<p>", "type": "HTML"}
    row = {"createdAt": "2015-03-13T06:24:35Z+0000", "id": 70, "segmentation": 1001}

    found = await tell({**row, "content": [one, {**one, "type": "Text", "content": "p"}]}).snippets.dynamic_content(70)

    assert found is not None
    assert [(variant.segment_id, variant.type, variant.content) for variant in found.variants] == [
        (1001, "HTML", "<p>"),
        (1001, "Text", "p"),
    ]


async def test_the_life_of_a_snippet(marketo: Marketo) -> None:
    snippets = marketo.snippets
    made = await snippets.create("Note", SNIPPETS, description="d")
    await snippets.update_content(made.id, "HTML", "<p>ü & 100%+1</p>")
    await snippets.update_content(made.id, "Text", "ü")
    content = await snippets.content(made.id)
    await snippets.approve(made.id)
    renamed = await snippets.update(made.id, name="Note 2")
    clone = await snippets.clone(made.id, "Copy", SNIPPETS)
    with pytest.raises(Conflict):
        await snippets.delete(made.id)
    await snippets.unapprove(made.id)
    await snippets.delete(made.id)

    assert content == [
        SnippetContent(type="HTML", content="<p>ü & 100%+1</p>"),
        SnippetContent(type="Text", content="ü"),
    ]
    assert (renamed.name, renamed.description, renamed.status) == ("Note 2", "d", "approved")
    assert clone.id in [snippet.id for snippet in await snippets.browse(status="draft").all()]
    assert await snippets.get(made.id) is None


async def test_a_snippet_becomes_dynamic(marketo: Marketo) -> None:
    snippets = marketo.snippets
    await snippets.update_content(LEGAL_NOTE, "DynamicContent", SEGMENTATION)
    before = await snippets.dynamic_content(LEGAL_NOTE, status="draft")
    assert before is not None
    segment = before.variants[0].segment_id
    assert segment is not None
    await snippets.update_dynamic_content(LEGAL_NOTE, segment, type="HTML", value="<p>Here</p>")
    after = await snippets.dynamic_content(LEGAL_NOTE, status="draft")
    await snippets.discard_draft(LEGAL_NOTE)

    assert after is not None
    assert [variant.segment_id for variant in after.variants if variant.content == "<p>Here</p>"] == [segment]
    assert await snippets.dynamic_content(LEGAL_NOTE) is None
