"""``marketo.emails``: emails of the classic editors. See ``email_content`` for sections, modules and variables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marketo_async.envelope import Envelope
from marketo_async.models.assets import FolderId, Version
from marketo_async.models.emails import CcField, Email, SampleResult
from marketo_async.operation import Page, Paging, Plan, Repeat, many, one, page
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.email_content import EmailContent
from marketo_async.resources.mixins import ByNameInFolder, DeleteAsset, Drafts, GetVersion, as_json, distinct


class Emails(EmailContent, GetVersion[Email], ByNameInFolder[Email], Drafts, DeleteAsset):
    """Emails; those of A/B tests are never returned, and those of the new designer lack some members.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/emails
    """

    name, area, root = "emails", "Assets", "/rest/asset/v1/email"
    model = Email

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        status: Version | None = None,
        folder: FolderId | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        token: str | None = None,
    ) -> Plan[Page[Email]]:
        """Iterate the emails, or those in a folder, in a version, or changed within a period."""
        query = {
            "status": status,
            "folder": as_json(folder),
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(Email, query=query, token=token, sift=distinct(Email))

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(
        self,
        name: str,
        folder: FolderId,
        template: int,
        *,
        description: str | None = None,
        subject: str | None = None,
        from_name: str | None = None,
        from_email: str | None = None,
        reply_email: str | None = None,
        operational: bool | None = None,
        text_only: bool | None = None,
        auto_copy_to_text: bool | None = None,
        is_open_tracking_disabled: bool | None = None,
    ) -> Plan[Email]:
        """Create an email from a template, as a draft; its name must be unique in the folder (709 otherwise).

        The sender defaults to the instance's own; approval needs a subject, a sender and a reply address.
        """
        form = {
            "name": name,
            "folder": folder,
            "template": template,
            "description": description,
            "subject": subject,
            "fromName": from_name,
            "fromEmail": from_email,
            "replyEmail": reply_email,
            "operational": operational,
            "textOnly": text_only,
            "autoCopyToText": auto_copy_to_text,
            "isOpenTrackingDisabled": is_open_tracking_disabled,
        }
        return one(Email, form=form)

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        id: int,
        *,
        name: str | None = None,
        description: str | None = None,
        pre_header: str | None = None,
        operational: bool | None = None,
        published: bool | None = None,
        text_only: bool | None = None,
        web_view: bool | None = None,
        auto_copy_to_text: bool | None = None,
    ) -> Plan[Email]:
        """Change the metadata of an email; a pre-header has at most 1,024 characters."""
        form = {
            "name": name,
            "description": description,
            "preHeader": pre_header,
            "operational": operational,
            "published": published,
            "textOnly": text_only,
            "webView": web_view,
            "autoCopyToText": auto_copy_to_text,
        }
        return one(Email, path={"id": id}, form=form)

    @endpoint("POST", "{root}/{id}/clone.json")
    def clone(
        self, id: int, name: str, folder: FolderId, *, description: str | None = None, operational: bool | None = None
    ) -> Plan[Email]:
        """Copy the approved version of an email, or its draft if none is approved; never retried automatically."""
        form = {"name": name, "folder": folder, "description": description, "operational": operational}
        return one(Email, path={"id": id}, form=form)

    @endpoint("POST", "{root}/{id}/sendSample.json")
    def send_sample(
        self, id: int, email_address: str, *, lead_id: int | None = None, text_only: bool | None = None
    ) -> Plan[bool]:
        """Send a sample as a lead would get it; return whether Marketo sent it. Never retried automatically."""
        form = {"emailAddress": email_address, "leadId": lead_id, "textOnly": text_only}
        return Plan(answer=list[SampleResult | str] | str, unwrap=_sent, path={"id": id}, form=form)

    @endpoint("GET", "{root}/ccFields.json")
    def cc_fields(self) -> Plan[list[CcField]]:
        """Return the fields whose addresses can receive a copy of an email."""
        return many(CcField)


def _sent(envelope: Envelope[Any]) -> bool:
    """Read a result that is an object or text: only an object can say that nothing was sent."""
    return not any(isinstance(item, SampleResult) and item.result is False for item in envelope.result or ())
