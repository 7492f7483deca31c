"""The content of emails: header fields, sections, modules, variables, dynamic content, and the full HTML.

These are operations of ``marketo.emails``. See ``emails`` for the emails themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from marketo_async.models.assets import AssetId, Document, DynamicContent, Version
from marketo_async.models.emails import (
    EmailSection,
    EmailVariable,
    HeaderField,
    ModulePosition,
    SectionLook,
    SectionType,
)
from marketo_async.operation import Plan, Repeat, first, many, one
from marketo_async.resources.arguments import within
from marketo_async.resources.base import Resource, endpoint
from marketo_async.resources.mixins import html, members


class EmailContent(Resource):
    """The content of emails; changes go to the draft. Predictive content can't be read or changed (709)."""

    @endpoint("GET", "{root}/{id}/content.json")
    def content(self, id: int, *, status: Version | None = None) -> Plan[list[EmailSection]]:
        """Return the sections and modules of an email; without ``status``, of the approved version if there is one."""
        return many(EmailSection, path={"id": id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/content.json", repeat=Repeat.SAFE)
    def update_content(
        self,
        id: int,
        *,
        subject: HeaderField | None = None,
        from_name: HeaderField | None = None,
        from_email: HeaderField | None = None,
        reply_to: HeaderField | None = None,
        is_open_tracking_disabled: bool | None = None,
    ) -> Plan[AssetId]:
        """Change the header fields of an email."""
        form = {
            "subject": subject,
            "fromName": from_name,
            "fromEmail": from_email,
            "replyTO": reply_to,
            "isOpenTrackingDisabled": is_open_tracking_disabled,
        }
        return one(AssetId, path={"id": id}, form=form)

    @endpoint("POST", "{root}/{id}/content/{htmlId}.json", repeat=Repeat.SAFE)
    def update_section(
        self,
        id: int,
        html_id: str,
        type: SectionType,
        value: str | int,
        *,
        text_value: str | None = None,
        look: SectionLook | None = None,
    ) -> Plan[AssetId]:
        """Set the content of a section: HTML, the id of a snippet, or a segmentation's id for dynamic content."""
        form = {"type": type, "value": value, "textValue": text_value, **members(look)}
        return one(AssetId, path={"id": id, "htmlId": html_id}, form=form)

    @endpoint("GET", "{root}/{id}/dynamicContent/{contentId}.json")
    def dynamic_content(
        self, id: int, content_id: str, *, status: Version | None = None
    ) -> Plan[DynamicContent | None]:
        """Return the variants of a dynamic section, or ``None`` if there are none.

        ``content_id`` is the section's value.
        """
        return first(DynamicContent, path={"id": id, "contentId": content_id}, query={"status": status})

    @endpoint("POST", "{root}/{id}/dynamicContent/{contentId}.json", repeat=Repeat.SAFE)
    def update_dynamic_content(
        self, id: int, content_id: str, segment: str, type: str, value: str, *, look: SectionLook | None = None
    ) -> Plan[AssetId]:
        """Set the content for one segment, given by its name."""
        form = {"segment": segment, "type": type, "value": value, **members(look)}
        return one(AssetId, path={"id": id, "contentId": content_id}, form=form)

    @endpoint("POST", "{root}/{id}/content/rearrange.json", repeat=Repeat.SAFE)
    def rearrange_modules(self, id: int, positions: Iterable[ModulePosition]) -> Plan[AssetId]:
        """Put the modules in another order; ``positions`` must name every module."""
        return one(AssetId, path={"id": id}, form={"positions": within("positions", positions)})

    @endpoint("POST", "{root}/{id}/content/{moduleId}/add.json")
    def add_module(self, id: int, module_id: str, name: str, index: int) -> Plan[AssetId]:
        """Insert a module of the template; never retried automatically.

        An ``index`` beyond the end inserts it at the end.
        """
        return one(AssetId, path={"id": id, "moduleId": module_id}, form={"name": name, "index": index})

    @endpoint("POST", "{root}/{id}/content/{moduleId}/delete.json", repeat=Repeat.SETTLES)
    def delete_module(self, id: int, module_id: str) -> Plan[AssetId]:
        """Remove a module."""
        return one(AssetId, path={"id": id, "moduleId": module_id})

    @endpoint("POST", "{root}/{id}/content/{moduleId}/duplicate.json")
    def duplicate_module(self, id: int, module_id: str, name: str) -> Plan[AssetId]:
        """Copy a module to the place below it; never retried automatically."""
        return one(AssetId, path={"id": id, "moduleId": module_id}, form={"name": name})

    @endpoint("POST", "{root}/{id}/content/{moduleId}/rename.json", repeat=Repeat.SAFE)
    def rename_module(self, id: int, module_id: str, name: str) -> Plan[AssetId]:
        """Rename a module."""
        return one(AssetId, path={"id": id, "moduleId": module_id}, form={"name": name})

    @endpoint("GET", "{root}/{id}/variables.json")
    def variables(self, id: int) -> Plan[list[EmailVariable]]:
        """Return the variables of an email."""
        return many(EmailVariable, path={"id": id})

    @endpoint("POST", "{root}/{id}/variable/{name}.json", repeat=Repeat.SAFE)
    def update_variable(self, id: int, name: str, value: str, *, module_id: str | None = None) -> Plan[EmailVariable]:
        """Set a variable; one with module scope is set in one module."""
        return one(EmailVariable, path={"id": id, "name": name}, form={"value": value, "moduleId": module_id})

    @endpoint("GET", "{root}/{id}/fullContent.json")
    def full_content(
        self,
        id: int,
        *,
        status: Version | None = None,
        lead_id: int | None = None,
        type: Literal["HTML", "Text"] | None = None,
    ) -> Plan[Document | None]:
        """Return an email as it is sent, to a lead if one is given, or ``None`` if there is none."""
        return first(Document, path={"id": id}, query={"status": status, "leadId": lead_id, "type": type})

    @endpoint("POST", "{root}/{id}/fullContent.json", repeat=Repeat.SAFE)
    def update_full_content(self, id: int, content: str | bytes) -> Plan[AssetId]:
        """Replace the HTML of an email that was detached from its template; Marketo refuses scripts."""
        return one(AssetId, path={"id": id}, files=html("content", content))
