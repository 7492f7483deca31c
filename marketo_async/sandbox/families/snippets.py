"""Snippets and their content, which may be dynamic by segment."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.designs import PREFIX, Family, link, nothing
from marketo_async.sandbox.parameters import missing, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.dynamic_content import find_segmentation
from marketo_async.sandbox.records.emails import Snippet
from marketo_async.sandbox.routing import Routes

routes = Routes()
SNIPPET = f"{PREFIX}/snippet/{{id}}"

family: Family[Snippet] = Family(
    f"{PREFIX}/snippet",
    f"{PREFIX}/snippets.json",
    lambda instance: instance.studio.snippets,
    lambda snippet, _: {"url": link("SN", snippet), "workspace": "Default"},
)
family.serve(
    routes,
    browse=("status", "maxReturn", "offset"),
    by_name=None,
    rows=("approveDraft", "unapprove"),
)


@routes.post(f"{PREFIX}/snippets.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description",))
def create(call: Call) -> Answer:
    """Create an empty snippet."""
    return family.answer(call, family.create(call, Snippet()))


@routes.post(f"{SNIPPET}.json", ASSET_WRITERS, body_optional=("description", "isArchive", "name"))
def update(call: Call) -> Answer:
    """Change name and description; the status stays."""
    archive = call.body_flag("isArchive")
    snippet = family.describe(call)
    archived = call.instance.studio.archived_snippets
    if archive is not None:
        (archived.add if archive else archived.discard)(snippet.id)
    return family.answer(call, snippet)


@routes.post(f"{SNIPPET}/clone.json", ASSET_WRITERS, body=("name", "folder"), body_optional=("description",))
def clone(call: Call) -> Answer:
    """Copy a snippet."""
    return family.answer(call, family.clone(call))


@routes.get(f"{SNIPPET}/content.json", ASSET_READERS, optional=("status",))
def content(call: Call) -> Answer:
    """Answer HTML and text, or the segmentation of dynamic content."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    _, version, _ = seen
    if version.dynamic is not None:
        return Answer([{"type": "DynamicContent", "content": str(version.dynamic.segmentation.id)}])
    return Answer([{"type": kind, "content": text} for kind, text in version.contents.items()])


@routes.post(f"{SNIPPET}/content.json", ASSET_WRITERS, required=("content", "type"))
def update_content(call: Call) -> Answer:
    """Set the HTML or the text, or make them dynamic by a segmentation."""
    kind, text = call.text("type") or "", call.text("content") or ""
    if kind == "DynamicContent":
        segmentation = find_segmentation(call.instance.segmentations, text)
        return Answer([{"id": family.edit(call, lambda snippet: snippet.vary(segmentation)).id}])
    if kind not in ("HTML", "Text"):
        raise wrong_type("type", "HTML, Text or DynamicContent")
    return Answer([{"id": family.edit(call, lambda snippet: snippet.set(kind, text)).id}])


@routes.get(f"{SNIPPET}/dynamicContent.json", ASSET_READERS, optional=("status",))
def dynamic_content(call: Call) -> Answer:
    """Answer the variants of a snippet by segment."""
    seen = family.seen(call)
    if seen is None or seen[1].dynamic is None:
        return nothing()
    snippet, _, _ = seen
    dynamic = seen[1].dynamic
    variants = [
        {"id": dynamic.id, "segmentId": segment.id, "segmentName": segment.name, "type": kind, "content": text}
        for segment, contents in dynamic.items()
        for kind, text in contents.items()
    ]
    return Answer(
        [
            {
                "id": snippet.id,
                "createdAt": asset_iso(snippet.created_at),
                "updatedAt": asset_iso(snippet.updated_at),
                "segmentation": dynamic.segmentation.id,
                "content": variants,
            }
        ]
    )


@routes.post(f"{SNIPPET}/dynamicContent/{{segmentId}}.json", ASSET_WRITERS, body_optional=("type", "value"))
def update_dynamic_content(call: Call) -> Answer:
    """Set the HTML or the text of one segment."""
    kind, value, segment_id = call.body_text("type") or "HTML", call.body_text("value"), call.path_id("segmentId")
    if value is None:
        raise missing("value")
    if kind not in ("HTML", "Text"):
        raise wrong_type("type", "HTML or Text")
    return Answer([{"id": family.edit(call, lambda snippet: snippet.set_variant(segment_id, kind, value)).id}])
