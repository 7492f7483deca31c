"""The sections of landing pages, and their variants by segment."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import found
from marketo_async.sandbox.families.designs import given, nothing
from marketo_async.sandbox.families.landing_pages import PAGE, family
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import not_found, refused
from marketo_async.sandbox.records.dynamic_content import find_segmentation
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.landing_pages import SECTION_TYPES, LandingPage, PageContent
from marketo_async.sandbox.routing import Routes

routes = Routes()
SECTION = f"{PAGE}/content/{{contentId}}"

_STYLES = ("backgroundColor", "borderColor", "borderStyle", "borderWidth", "height", "left", "opacity", "top")
_TEXTS = (*_STYLES, "width", "zIndex", "imageOpenNewWindow", "linkUrl")
_FLAGS = ("hideDesktop", "hideMobile")
_SETTINGS = (*_TEXTS, *_FLAGS)


def _number(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


@routes.get(f"{PAGE}/content.json", ASSET_READERS, optional=("status",))
def content(call: Call) -> Answer:
    """Answer the sections in their order."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    rows: list[Members] = []
    for index, section in enumerate(seen[1].sections):
        row: Members = {
            "id": _number(section.id),
            "type": section.content.type,
            "index": index,
            "content": _shown(section.content),
            "formattingOptions": _formatting(section.content),
        }
        if section.content.type == "Form":
            row |= {"followupType": "formDefined", "followupValue": None}
        rows.append(row)
    return found(rows)


def _formatting(content: PageContent) -> Members:
    order = content.settings.get("zIndex")
    return {**content.settings, "zIndex": _number(str(order))} if order is not None else dict(content.settings)


def _shown(content: PageContent) -> object:
    """Return the content of a section for the listing: embedded assets as objects, markup as text."""
    if content.type not in ("Form", "Image") or not content.value:
        return content.value
    url = content.value if content.type == "Image" else f"https://app-sb.marketo.com/#FO{content.value}A1"
    return {"content": content.value, "contentType": content.type, "contentUrl": url}


@routes.post(f"{PAGE}/content.json", ASSET_WRITERS, body=("type",), body_optional=(*_SETTINGS, "contentId", "value"))
def add(call: Call) -> Answer:
    """Add a section, with the id from the caller or a generated id."""
    chosen, new = call.body_text("contentId"), _content(call)

    def change(page: LandingPage) -> None:
        section_id = chosen or page.free_id()
        if new.type != "DynamicContent":
            page.add(section_id, new)
            return
        segmentation = find_segmentation(call.instance.segmentations, new.value)
        page.add(section_id, PageContent("RichText", "", new.settings))
        page.vary(page.section(section_id), segmentation)

    return Answer([{"id": family.edit(call, change).id}])


def _content(call: Call, current: PageContent | None = None) -> PageContent:
    kind = call.body_text("type") or (current.type if current else "RichText")
    # One page of the documentation writes the types with a small first letter.
    kind = next((known for known in SECTION_TYPES if known.lower() == kind.lower()), kind)
    if kind not in SECTION_TYPES:
        raise wrong_type("type", "section type")
    value = call.body_text("value")
    if value is None:
        value = current.value if current else ""
    if kind in ("Form", "Snippet"):
        _check_embedded(call.instance, kind, value)
    settings = given(call, texts=_TEXTS, flags=_FLAGS)
    return PageContent(kind, value, {**(current.settings if current else {}), **settings})


def _check_embedded(instance: Instance, kind: str, value: str) -> None:
    asset_id = int(value) if value.isdecimal() else 0
    studio = instance.studio
    asset = studio.forms.find(asset_id) if kind == "Form" else studio.snippets.find(asset_id)
    if asset is None:
        raise not_found(kind, value)


@routes.post(f"{SECTION}.json", ASSET_WRITERS, body=("type",), body_optional=(*_SETTINGS, "index", "value"))
def update(call: Call) -> Answer:
    """Change a section, or make its content dynamic by segment."""
    section_id, index = call.path_text("contentId"), call.body_integer("index")

    def change(page: LandingPage) -> None:
        section = page.section(section_id)
        new = _content(call, section.content)
        if new.type != "DynamicContent":
            section.content = new
        elif section.content.type == "DynamicContent":
            section.content = PageContent(new.type, section.content.value, new.settings)
        else:
            page.vary(section, find_segmentation(call.instance.segmentations, new.value))
        if index is not None:
            page.move(section_id, index)

    return Answer([{"id": family.edit(call, change).id}])


@routes.post(f"{SECTION}/delete.json", ASSET_WRITERS)
def delete(call: Call) -> Answer:
    """Remove a section."""
    section_id = call.path_text("contentId")
    return Answer([{"id": family.edit(call, lambda page: page.remove(section_id)).id}])


@routes.get(f"{PAGE}/dynamicContent/{{contentId}}.json", ASSET_READERS)
def dynamic_content(call: Call) -> Answer:
    """Answer the variants of a section by segment, from the draft if there is one."""
    page = call.instance.studio.landing_pages.find(call.path_id("id"))
    if page is None:
        return nothing()
    dynamic = page.newest.variation(call.path_text("contentId"))
    variants = [
        {"segmentId": segment.id, "segmentName": segment.name, "type": variant.type, "content": variant.value}
        for segment, variant in dynamic.items()
    ]
    return Answer(
        [
            {
                "id": page.id,
                # Only these dates have no time.
                "createdAt": iso(page.created_at)[:10],
                "updatedAt": iso(page.updated_at)[:10],
                "segmentation": dynamic.segmentation.id,
                "segments": variants,
            }
        ]
    )


@routes.post(
    f"{PAGE}/dynamicContent/{{contentId}}.json", ASSET_WRITERS, body_optional=(*_SETTINGS, "segment", "type", "value")
)
def update_dynamic_content(call: Call) -> Answer:
    """Set the variant of a segment, by default of the default segment."""
    content_id, segment = call.path_text("contentId"), call.body_text("segment")

    def change(page: LandingPage) -> None:
        dynamic = page.variation(content_id)
        segment_id = dynamic.segment(segment).id
        new = _content(call, dynamic.variants[segment_id])
        if new.type == "DynamicContent":
            raise refused("Dynamic content cannot vary once more")
        dynamic.variants[segment_id] = new

    return Answer([{"id": family.edit(call, change).id}])
