"""Example calls of the new designer's assets, of users and of data ingestion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec

from marketo_async import Marketo
from marketo_async.models.designer import (
    Content,
    EditorContext,
    EmailChange,
    EmailHeaders,
    EmailPlace,
    EmailSearch,
    EmailSettings,
    FragmentChange,
    FragmentSearch,
    FragmentSettings,
    HeadersChange,
    Html,
    NewFragmentSettings,
    Place,
    PlainText,
    Search,
    TemplateChange,
)
from marketo_async.models.ingestion import ProgramRemoval, ProgramStatus
from marketo_async.models.users import Invitation, RoleGrant, UserChange

WHEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
PLACE = Place(folder_id="15", workspace_id="1", editor_type="x")
CONTENT = Content(html=Html(body="<p>"), text=PlainText(body="p", sync_from_html=True))
CONTEXT = EditorContext(dynamic_content={"a": 1})
HEADERS = EmailHeaders(
    subject="s", from_name="n", from_email="f@x.io", reply_email="r@x.io", preheader="p", cc_emails=["c@x.io"]
)
SETTINGS = EmailSettings(
    is_operational=True,
    is_text_only=False,
    is_web_page_view=True,
    enable_url_tracking=True,
    branded_domain="b",
    dedicated_ip="i",
)
FRAGMENT = FragmentSettings(fragment_type="html", fragment_sub_type="x", supported_channels=["email"])
FILTER = {
    "name": "n",
    "folderId": "15",
    "folderType": "Folder",
    "status": ["draft", "approved"],
    "createdAtStart": WHEN,
    "createdAtEnd": WHEN,
    "modifiedAtStart": WHEN,
    "modifiedAtEnd": WHEN,
    "isCreatedByMe": True,
    "isModifiedByMe": False,
    "scriptEngine": "v",
    "isValueNonNullable": "x",
    "includeArchived": True,
    "sortKey": "name",
    "sortOrder": "ASC",
}
SEARCH = msgspec.convert(FILTER, Search)
EMAIL_SEARCH = msgspec.convert({**FILTER, "templateId": "9"}, EmailSearch)
FRAGMENT_SEARCH = msgspec.convert({**FILTER, "fragmentType": "html"}, FragmentSearch)
NEW_FRAGMENT = NewFragmentSettings(fragment_type="html", fragment_sub_type="x", supported_channels=["email"])
ROLES = [RoleGrant(access_role_id=1, workspace_id=0)]

Call = Callable[[Marketo], Awaitable[object]]

CALLS: dict[str, Call] = {
    "emails_v2.browse": lambda m: m.emails_v2.browse("1", EMAIL_SEARCH, token="1").first(),
    "emails_v2.create": lambda m: m.emails_v2.create(
        "n",
        EmailPlace(folder_id="15", workspace_id="1", editor_type="x", program_id="3"),
        HEADERS,
        description="d",
        data=CONTENT,
        settings=SETTINGS,
        template_id="9",
        editor_context=CONTEXT,
    ),
    "emails_v2.update": lambda m: m.emails_v2.update(
        "7",
        EmailChange(
            name="n",
            description="d",
            data=CONTENT,
            editor_context=CONTEXT,
            headers=HeadersChange(
                subject="s",
                from_name="n",
                from_email="f@x.io",
                reply_email="r@x.io",
                preheader="p",
                cc_emails=["c@x.io"],
            ),
            settings=SETTINGS,
            template_id="9",
        ),
    ),
    "email_templates_v2.browse": lambda m: m.email_templates_v2.browse("1", SEARCH, token="1").first(),
    "email_templates_v2.create": lambda m: m.email_templates_v2.create(
        "n", PLACE, description="d", data=CONTENT, editor_context=CONTEXT
    ),
    "email_templates_v2.update": lambda m: m.email_templates_v2.update(
        "7", TemplateChange(name="n", description="d", data=CONTENT, editor_context=CONTEXT)
    ),
    "fragments.browse": lambda m: m.fragments.browse("1", FRAGMENT_SEARCH).first(),
    "fragments.create": lambda m: m.fragments.create(
        "n", PLACE, NEW_FRAGMENT, description="d", data=CONTENT, editor_context=CONTEXT
    ),
    "fragments.update": lambda m: m.fragments.update(
        "7", FragmentChange(name="n", description="d", data=CONTENT, editor_context=CONTEXT, settings=FRAGMENT)
    ),
    "users.browse": lambda m: m.users.browse(token="200").first(),
    "users.get": lambda m: m.users.get("a@x.io"),
    "users.update": lambda m: m.users.update(
        "a@x.io", UserChange(email_address="b@x.io", first_name="A", last_name="B", expires_at=WHEN, api_only=True)
    ),
    "users.delete": lambda m: m.users.delete("a@x.io"),
    "users.invite": lambda m: m.users.invite(
        Invitation(
            email_address="a@x.io",
            first_name="A",
            last_name="B",
            user_role_workspaces=ROLES,
            api_only=True,
            expires_at=WHEN,
            userid="a@x.io",
            reason="r",
        )
    ),
    "users.invited": lambda m: m.users.invited("a@x.io"),
    "users.delete_invitation": lambda m: m.users.delete_invitation("a@x.io"),
    "users.roles": lambda m: m.users.roles(),
    "users.workspaces": lambda m: m.users.workspaces(),
    "users.roles_of": lambda m: m.users.roles_of("a@x.io"),
    "users.add_roles": lambda m: m.users.add_roles("a@x.io", ROLES),
    "users.remove_roles": lambda m: m.users.remove_roles("a@x.io", ROLES),
    "ingestion.sync_persons": lambda m: m.ingestion.sync_persons(
        [{"email": "a@x.io"}], dedupe_fields=["email", "id"], partition_name="p", priority="high"
    ),
    "ingestion.sync_custom_objects": lambda m: m.ingestion.sync_custom_objects(
        "car_c", [{"vin": "1"}], dedupe_by="dedupeFields", priority="normal"
    ),
    "ingestion.sync_companies": lambda m: m.ingestion.sync_companies(
        [{"externalCompanyId": "1"}], action="createOrUpdate", dedupe_by="dedupeFields"
    ),
    "ingestion.sync_program_members": lambda m: m.ingestion.sync_program_members(
        [ProgramStatus(program_id=7, status="Attended", members=[{"leadId": 1}])]
    ),
    "ingestion.delete_program_members": lambda m: m.ingestion.delete_program_members(
        [ProgramRemoval(program_id=7, lead_ids=[1])]
    ),
    "ingestion.add_to_list": lambda m: m.ingestion.add_to_list(7, [1, 2]),
    "ingestion.remove_from_list": lambda m: m.ingestion.remove_from_list(7, [1, 2]),
}


def _designer(kind: str) -> dict[str, Call]:
    """Return the calls that the three kinds share."""

    return {
        f"{kind}.get": lambda m: getattr(m, kind).get("7"),
        f"{kind}.get_many": lambda m: getattr(m, kind).get_many(["7", "8"]),
        f"{kind}.clone": lambda m: getattr(m, kind).clone("7", "n", description="d"),
        f"{kind}.transition": lambda m: getattr(m, kind).transition("7", "approve"),
        f"{kind}.delete": lambda m: getattr(m, kind).delete("7"),
        f"{kind}.delete_many": lambda m: getattr(m, kind).delete_many(["7"], ignore_used_by=True),
        f"{kind}.used_by": lambda m: getattr(m, kind).used_by("7", kind="email", token="1").first(),
        f"{kind}.used_by_many": lambda m: getattr(m, kind).used_by_many(["7"]),
    }


for kind in ("emails_v2", "email_templates_v2", "fragments"):
    CALLS |= _designer(kind)

NEVER_SENT = {
    (name, "query", "access_token"): "a token never stands in a URL"
    for name in CALLS
    if name.startswith(("emails_v2", "email_templates_v2", "fragments"))
}
NOT_REQUIRED = {(name, "access_token"): why for (name, _, _), why in NEVER_SENT.items()}
OPEN = {
    ("emails_v2.create", "dynamicContent"),
    ("ingestion.sync_persons", "persons"),
    ("ingestion.sync_custom_objects", "customObjects"),
    ("ingestion.sync_companies", "input"),
    ("ingestion.sync_program_members", "members"),
    ("ingestion.delete_program_members", "members"),
}
