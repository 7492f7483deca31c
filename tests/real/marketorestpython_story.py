"""Every method of marketorestpython, called as its documentation shows, in the order of a story; one JSON line each.

Run by the Python of an environment that has that client, with the address and credentials of a sandbox. A line holds
the method and what became of it: ``ok``, or the error. What a step returns can be used by the steps after it.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from marketorestpython.client import MarketoClient

FOLDER: dict[str, Any] = {"folderId": 15, "folderType": "Folder"}
PROGRAM: dict[str, Any] = {"folderId": 2001, "folderType": "Program"}
DESIGN: dict[str, Any] = {"folderType": "Folder"}
PAGE = "<html><head><title>t</title></head><body><div class='mktEditable' id='main'>x</div></body></html>"
SINCE = "2020-01-01T00:00:00Z"


def main() -> None:  # noqa: C901, PLR0915 - one step after the other, as a story is
    """Tell the story."""
    base_url, client_id, client_secret = sys.argv[1:]
    client = MarketoClient("100-SBX-001", client_id, client_secret, max_retry_time=2, requests_timeout=30)
    client.host = base_url
    made: dict[str, Any] = {}
    folder = Path(tempfile.mkdtemp())
    names = {
        "leads.csv": "email,firstName\nstory@example.com,Story\n",
        "page.html": PAGE,
        "picture.png": "not much of a picture",
    }
    for name, text in names.items():
        (folder / name).write_text(text)
    os.chdir(folder)  # what is uploaded is called as the file that is opened
    page = "page.html"

    def step(method: str, *, keep: str = "", listed: bool = False, **arguments: Any) -> None:
        """Call a method, and keep the id of what it returned under a name."""
        try:
            given = {name: value() if callable(value) else value for name, value in arguments.items()}
            found = client.execute(method=method, **given)
            if hasattr(found, "__next__"):
                found = [row for page in found for row in (page or ())]
            if listed and not found:
                raise LookupError("nothing came back")  # noqa: TRY301
            if keep:
                made[keep] = found[0] if isinstance(found, list) else found
            outcome = "ok"
        except BaseException as error:  # noqa: BLE001 - the judge wants to know of every end
            outcome = f"{type(error).__name__}: {error}"
        print(json.dumps({"method": method, "outcome": outcome}), flush=True)  # noqa: T201

    def of(name: str, member: str = "id") -> Callable[[], Any]:
        return lambda: made[name][member]

    step("get_lead_by_id", id=1, listed=True)
    step("get_multiple_leads_by_filter_type", filterType="id", filterValues=["1", "2"], fields=["email"], listed=True)
    for ending in ("", "_yield"):
        step(f"get_multiple_leads_by_list_id{ending}", listId=1001, fields=["email"], batchSize=20, listed=True)
        step(f"get_multiple_leads_by_program_id{ending}", programId=2001, fields=["email"], listed=True)
    step("create_update_leads", leads=[{"email": "story@example.com", "firstName": "S"}], keep="lead", listed=True)
    step("create_update_leads", leads=[{"email": "loser@example.com"}], keep="loser", listed=True)
    step("associate_lead", id=of("lead"), cookie="id:100-SBX-001&token:_mch-localhost-1536605780000-12345")
    step("push_lead", leads=[{"email": "pushed@example.com"}], programName="Spring Webinar", lookupField="email")
    step("merge_lead", id=of("lead"), leadIds=lambda: [made["loser"]["id"]])
    step("change_lead_program_status", id=2001, leadIds=[3], status="Registered")
    step("sync_program_member_data", id=2001, input=[{"leadId": 3, "registrationCode": "x"}])
    step("get_smart_campaigns_by_lead_id", lead_id=1)
    step("get_lead_partitions", listed=True)
    step("update_leads_partition", input=[{"id": 2, "partitionName": "Default"}])
    step(
        "submit_form",
        formId=3001,
        input={"leadFormFields": {"email": "form@example.com", "firstName": "F"}, "visitorData": {"pageURL": "x"}},
    )

    step("create_list", name="Story list", **FOLDER, keep="list", listed=True)
    step("update_list", id=of("list"), description="d")
    step("get_list_by_id", id=of("list"), listed=True)
    step("get_list_by_name", name="Story list", listed=True)
    step("get_multiple_lists", id=[1001], listed=True)
    step("browse_lists", listed=True)
    step("browse_lists_yield", folderId=15, folderType="Folder", listed=True)
    step("add_leads_to_list", listId=of("list"), id=[1, 2])
    step("member_of_list", listId=of("list"), id=[1, 2])
    step("remove_leads_from_list", listId=of("list"), id=[1])
    step("delete_list", id=of("list"))

    step("get_smart_lists", listed=True, keep="smart")
    step("get_smart_list_by_id", id=of("smart"), includeRules=True)
    step("get_smart_list_by_name", name=of("smart", "name"))
    step("clone_smart_list", id=of("smart"), name="Story smart", **FOLDER, keep="clone", listed=True)
    step("delete_smart_list", id=of("clone"))
    step("get_smart_campaigns", listed=True, keep="campaign")
    step("get_smart_campaign_by_id", id=of("campaign"))
    step("get_smart_campaign_by_name", name=of("campaign", "name"))
    step("get_smart_list_by_smart_campaign_id", id=of("campaign"))
    step("create_smart_campaign", name="Story campaign", **FOLDER, keep="own", listed=True)
    step("update_smart_campaign", id=of("own"), name="Story campaign 2", description="d")
    step("clone_smart_campaign", id=of("own"), name="Story campaign 3", **FOLDER)
    step("activate_smart_campaign", id=4003)
    step("deactivate_smart_campaign", id=4003)
    step("delete_smart_campaign", id=of("own"))
    step("get_campaign_by_id", id=4001, listed=True)
    step("get_multiple_campaigns", id=[4001], listed=True)
    step("request_campaign", id=4002, leads=[1], tokens={"my.message": "v"})
    step("schedule_campaign", id=4001)

    step("import_lead", format="csv", file="leads.csv", keep="batch")
    step("get_import_lead_status", id=of("batch", "batchId"), listed=True)
    time.sleep(1)
    step("get_import_failure_file", id=of("batch", "batchId"))
    step("get_import_warning_file", id=of("batch", "batchId"))

    for method in ("describe", "describe2", "describe_program_member", "get_activity_types", "get_daily_usage"):
        step(method, listed=True)
    for method in ("get_last_7_days_usage", "get_daily_errors", "get_last_7_days_errors"):
        step(method)
    step("get_paging_token", sinceDatetime=SINCE)
    for ending in ("", "_yield"):
        step(f"get_lead_activities{ending}", activityTypeIds=["1", "12", "13"], sinceDatetime=SINCE, listed=True)
        step(f"get_lead_changes{ending}", fields=["firstName", "title"], sinceDatetime=SINCE, listed=True)
    step("delete_lead", id=lambda: [made["lead"]["id"]], listed=True)
    step("get_deleted_leads", sinceDatetime=SINCE, listed=True)

    step("create_folder", name="Story folder", parentId=15, parentType="Folder", keep="folder", listed=True)
    step("get_folder_by_id", id=of("folder"), type="Folder", listed=True)
    step("get_folder_by_name", name="Story folder", type="Folder", root="{'id': 15, 'type': 'Folder'}", listed=True)
    step("get_folder_contents", id=15, type="Folder", listed=True)
    step("update_folder", id=of("folder"), description="d")
    step("browse_folders", root="{'id': 15, 'type': Folder}", maxDepth=5, listed=True)
    step("browse_folders_yield", root="{'id': 15, 'type': Folder}", maxDepth=5, listed=True)
    step("delete_folder", id=of("folder"))
    step("create_token", id="2001", folderType="Program", type="text", name="story", value="v")
    step("get_tokens", id="2001", folderType="Program", listed=True)
    step("delete_tokens", id="2001", folderType="Program", name="story", type="text")

    step("get_email_templates", listed=True, keep="template0")
    step("get_email_templates_yield", listed=True)
    step(
        "create_email_template",
        name="Story template",
        folderId=10,
        **DESIGN,
        content=page,
        keep="template",
        listed=True,
    )
    step("get_email_template_by_id", id=of("template"), listed=True)
    step("get_email_template_by_name", name="Story template", listed=True)
    step("update_email_template", id=of("template"), description="d")
    step("update_email_template_content", id=of("template"), content=page)
    step("approve_email_template", id=of("template"))
    step("get_email_template_content", id=of("template"), listed=True)
    step("get_email_template_used_by", id=of("template0"))
    step("clone_email_template", id=of("template"), name="Story template 2", folderId=10, **DESIGN, keep="copy")
    step(
        "create_email",
        name="Story mail",
        **FOLDER,
        template=of("template"),
        subject="s",
        fromName="n",
        fromEmail="n@example.com",
        replyEmail="r@example.com",
        keep="mail",
        listed=True,
    )
    step("get_email_by_id", id=of("mail"), listed=True)
    step("get_email_by_name", name="Story mail", listed=True)
    step("update_email", id=of("mail"), description="d")
    step("get_emails", listed=True)
    step("get_emails_yield", listed=True)
    step("get_email_content", id=of("mail"), listed=True)
    step(
        "update_email_content",
        id=of("mail"),
        type="Text",
        subject="new",
        fromName="n",
        fromEmail="n@example.com",
        replyTo="r@example.com",
    )
    step("update_email_content_in_editable_section", id=of("mail"), htmlId="main", type="Text", value="<b>x</b>")
    step("approve_email", id=of("mail"))
    step("get_email_full_content", id=of("mail"), type="HTML", listed=True)
    step("send_sample_email", id=of("mail"), emailAddress="a@example.com")
    step("get_email_variables", id=700)
    step("update_email_variable", id=700, name="background", value="#000", moduleId="hero")
    step("update_email_content_in_editable_section", id=of("mail"), htmlId="main", type="DynamicContent", value="1001")
    variant = base64.b64encode(b"ES-1").decode()
    step("get_email_dynamic_content", id=of("mail"), dynamicContentId=variant, status="draft")
    step(
        "update_email_dynamic_content",
        id=of("mail"),
        dynamicContentId=variant,
        segment="Europe",
        value="x",
        type="HTML",
    )
    step("discard_email_draft", id=of("mail"))
    step("clone_email", id=of("mail"), name="Story mail 2", **FOLDER, keep="mail2")
    step("update_email_full_content", id=708, content=page)  # made without a template
    step("unapprove_email", id=of("mail"))
    step("delete_email", id=of("mail"))
    step("delete_email", id=of("mail2"))
    step("update_email_template_content", id=of("template"), content=page)
    step("discard_email_template_draft", id=of("template"))
    step("unapprove_email_template", id=of("template"))
    step("delete_email_template", id=of("template"))

    step(
        "create_landing_page_template",
        name="Story page template",
        folderId=9,
        **DESIGN,
        templateType="freeForm",
        keep="page template",
        listed=True,
    )
    step("get_landing_page_template_by_id", id=of("page template"), listed=True)
    step("get_landing_page_template_by_name", name="Story page template", listed=True)
    step("get_landing_page_templates", listed=True)
    step("get_landing_page_templates_yield", listed=True)
    step("update_landing_page_template_content", id=of("page template"), content=page)
    step("get_landing_page_template_content", id=of("page template"))
    step("update_landing_page_template", id=of("page template"), description="d")
    step("approve_landing_page_template", id=of("page template"))
    step("clone_landing_page_template", id=of("page template"), name="Story page template 2", folderId=9, **DESIGN)
    step("create_landing_page", name="Story page", **PROGRAM, template=of("page template"), keep="page", listed=True)
    step("get_landing_page_by_id", id=of("page"), listed=True)
    step("get_landing_page_by_name", name="Story page", listed=True)
    step("update_landing_page", id=of("page"), description="d")
    step("get_landing_pages", listed=True)
    step("get_landing_pages_yield", listed=True)
    step("create_landing_page_content_section", id=of("page"), type="RichText", value="<p>x</p>")
    step("get_landing_page_content", id=of("page"), status="draft", listed=True, keep="section")
    step(
        "update_landing_page_content_section",
        id=of("page"),
        contentId=of("section"),
        type="DynamicContent",
        value="1001",
    )
    page_variant = base64.b64encode(b"LS-1").decode()
    step("get_landing_page_dynamic_content", id=of("page"), dynamicContentId=page_variant)
    step(
        "update_landing_page_dynamic_content",
        id=of("page"),
        dynamicContentId=page_variant,
        segment="Europe",
        value="<p>y</p>",
        type="RichText",
    )
    step("delete_landing_page_content_section", id=of("page"), contentId=of("section"))
    step("approve_landing_page", id=of("page"))
    step("get_landing_page_full_content", id=of("page"))
    step("get_landing_page_variables", id=501, listed=True)
    step("update_landing_page", id=of("page"), title="t")
    step("discard_landing_page_draft", id=of("page"))
    step(
        "clone_landing_page", id=of("page"), name="Story page 2", **PROGRAM, template=of("page template"), keep="page2"
    )
    step("delete_landing_page", id=of("page2"))
    step("unapprove_landing_page", id=of("page"))
    step("delete_landing_page", id=of("page"))
    step("get_landing_page_redirect_rules", listed=True)
    step("get_landing_page_domains", listed=True)
    step("update_landing_page_template_content", id=of("page template"), content=page)
    step("discard_landing_page_template_draft", id=of("page template"))
    step("unapprove_landing_page_template", id=of("page template"))
    step("delete_landing_page_template", id=of("page template"))

    step("create_form", name="Story form", **FOLDER, keep="form", listed=True)
    step("get_form_by_id", id=of("form"), listed=True)
    step("get_form_by_name", name="Story form", listed=True)
    step("update_form", id=of("form"), description="d")
    step("get_forms", listed=True)
    step("get_forms_yield", listed=True)
    step("create_form_field", id=of("form"), fieldId="Phone", label="Phone")
    step("get_form_fields", id=of("form"), listed=True)
    step("update_form_field", id=of("form"), fieldId="Phone", label="Call me")
    step("delete_form_field", id=of("form"), fieldId="Phone")
    step("get_thank_you_page_by_form_id", id=of("form"))
    step("approve_form", id=of("form"))
    step("clone_form", id=of("form"), name="Story form 2", **FOLDER, keep="form2")
    step("update_form", id=of("form"), labelPosition="above")
    step("discard_form_draft", id=of("form"))
    step("unapprove_form", id=of("form"))
    step("delete_form", id=of("form"))

    step(
        "create_file",
        name="picture.png",
        file="picture.png",
        folder="{'id': 8, 'type': Folder}",
        keep="file",
        listed=True,
    )
    step("get_file_by_id", id=of("file"), listed=True)
    step("get_file_by_name", name="picture.png", listed=True)
    step("list_files", folder="{'id': 8, 'type': Folder}", listed=True)
    step("get_files_yield", folderId=8, folderType="Folder", listed=True)
    step("update_file_content", id=of("file"), file="picture.png")

    step("create_snippet", name="Story snippet", folderId=7, **DESIGN, keep="snippet", listed=True)
    step("get_snippet_by_id", id=of("snippet"), listed=True)
    step("update_snippet", id=of("snippet"), description="d")
    step("get_snippets", listed=True)
    step("get_snippets_yield", listed=True)
    step("update_snippet_content", id=of("snippet"), type="HTML", content="<p>x</p>")
    step("get_snippet_content", id=of("snippet"), listed=True)
    step("update_snippet_content", id=of("snippet"), type="DynamicContent", content="1001")
    step("update_snippet_dynamic_content", id=of("snippet"), segmentId=1101, type="HTML", value="<p>y</p>")
    step("approve_snippet", id=of("snippet"))
    step("get_snippet_dynamic_content", id=of("snippet"), listed=True)
    step("update_snippet_content", id=of("snippet"), type="HTML", content="<p>z</p>")
    step("discard_snippet_draft", id=of("snippet"))
    step("clone_snippet", id=of("snippet"), name="Story snippet 2", folderId=7, **DESIGN)
    step("unapprove_snippet", id=of("snippet"))
    step("delete_snippet", id=of("snippet"))
    step("get_segmentations", listed=True)
    step("get_segments", id=1001, listed=True)

    step("get_channels", listed=True)
    step("get_channel_by_name", name="Webinar", listed=True)
    step("get_tags", listed=True)
    step("get_tag_by_name", name="Region", listed=True)
    step(
        "create_program",
        **FOLDER,
        name="Story program",
        type="Default",
        channel="Online Advertising",
        tags={"Region": "EMEA"},
        keep="program",
        listed=True,
    )
    step("get_program_by_id", id=of("program"), listed=True)
    step("get_program_by_name", name="Story program", listed=True)
    step("get_program_by_tag_type", tagType="Region", tagValue="EMEA", listed=True)
    step("update_program", id=of("program"), description="d")
    step("browse_programs", listed=True)
    step("get_programs_yield", listed=True)
    step("clone_program", id=of("program"), name="Story program 2", **FOLDER)
    step("approve_program", id=2003)
    step("unapprove_program", id=2003)
    step("get_smart_list_by_program_id", id=2003)
    step("delete_program", id=of("program"))

    step("create_update_custom_object_type", apiName="story", displayName="Story")
    step(
        "add_field_custom_object_type",
        apiName="story",
        fields=[
            {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True},
            {
                "name": "leadId",
                "displayName": "Lead",
                "dataType": "integer",
                "relatedTo": {"name": "lead", "field": "id"},
            },
        ],
    )
    step("approve_custom_object_type", apiName="story")
    step("get_list_of_custom_object_types", listed=True)
    step("describe_custom_object_type", apiName="story", listed=True)
    step("get_list_of_custom_objects", names=["story"], listed=True)
    step("describe_custom_object", name="story", listed=True)
    step("create_update_custom_objects", name="story", input=[{"vin": "1", "leadId": 1}], listed=True)
    step("get_custom_objects", name="story", input=[{"vin": "1"}], filterType="dedupeFields", fields=["vin"])
    step("delete_custom_objects", name="story", input=[{"vin": "1"}], deleteBy="dedupeFields")
    step("create_update_custom_object_type", apiName="story", displayName="Story", description="changed")
    step("discard_custom_object_type", apiName="story")
    step("create_update_custom_object_type", apiName="gone", displayName="Gone")
    step("delete_custom_object_type", apiName="gone")

    step("describe_opportunity", listed=True)
    step("create_update_opportunities", input=[{"externalOpportunityId": "o1", "name": "One"}], listed=True)
    step("get_opportunities", filterType="externalOpportunityId", filterValues=["o1"], listed=True)
    step("describe_opportunity_role", listed=True)
    role = {"externalOpportunityId": "o1", "leadId": 1, "role": "Captain"}
    step("create_update_opportunities_roles", input=[{**role, "isPrimary": False}], listed=True)
    step("get_opportunity_roles", filterType="leadId", filterValues=["1"], listed=True)
    step("delete_opportunity_roles", input=[role], deleteBy="dedupeFields")
    step("delete_opportunities", input=[{"externalOpportunityId": "o1"}], deleteBy="dedupeFields")
    step("describe_company", listed=True)
    step("create_update_companies", input=[{"externalCompanyId": "c1", "company": "One"}], listed=True)
    step("get_companies", filterType="externalCompanyId", filterValues=["c1"], fields=["company"], listed=True)
    step("delete_companies", input=[{"externalCompanyId": "c1"}], deleteBy="dedupeFields")
    step("describe_sales_person", listed=True)
    step("create_update_sales_persons", input=[{"externalSalesPersonId": "s1", "email": "s@example.com"}], listed=True)
    step("get_sales_persons", filterType="externalSalesPersonId", filterValues=["s1"], fields=["email"], listed=True)
    step("delete_sales_persons", input=[{"externalSalesPersonId": "s1"}], deleteBy="dedupeFields")

    step(
        "create_custom_activity_type",
        apiName="seen",
        name="Seen",
        triggerName="t",
        filterName="f",
        primaryAttributeApiName="place",
        primaryAttributeName="Place",
    )
    step(
        "create_custom_activity_type_attribute",
        apiName="seen",
        attributes=[{"apiName": "colour", "name": "Colour", "dataType": "string"}],
    )
    step("update_custom_activity_type_attribute", apiName="seen", attributes=[{"apiName": "colour", "name": "Color"}])
    step("approve_custom_activity_type", apiName="seen")
    step("get_custom_activity_types", listed=True, keep="type")
    step("describe_custom_activity_type", apiName="seen", listed=True)
    step(
        "add_custom_activities",
        input=lambda: [
            {
                "leadId": 1,
                "activityDate": "2026-01-01T00:00:00Z",
                "activityTypeId": made["type"]["id"],
                "primaryAttributeValue": "here",
                "attributes": [],
            }
        ],
    )
    step("update_custom_activity_type", apiName="seen", description="d")
    step("delete_custom_activity_type_attribute", apiName="seen", attributes=[{"apiName": "colour"}])
    step("discard_custom_activity_type_draft", apiName="seen")
    step(
        "create_custom_activity_type",
        apiName="gone",
        name="Gone",
        triggerName="t2",
        filterName="f2",
        primaryAttributeApiName="place",
        primaryAttributeName="Place",
    )
    step("delete_custom_activity_type", apiName="gone")

    dates = {"createdAt": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-15T00:00:00Z"}}
    kinds: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "leads": ([], {"fields": ["id", "email"], "filters": dates}),
        "activities": ([], {"fields": ["marketoGUID"], "filters": {**dates, "activityTypeIds": [1, 37]}}),
        "custom_objects": (["story"], {"fields": ["vin"], "filters": {"updatedAt": dates["createdAt"]}}),
        "program_members": ([], {"fields": ["leadId"], "filters": {"programId": 2001}}),
    }
    for kind, (place, asked) in kinds.items():
        path: dict[str, Any] = {"object_name": place[0]} if place else {}
        step(f"create_{kind}_export_job", **path, **asked, keep=f"job {kind}", listed=True)
        step(f"enqueue_{kind}_export_job", **path, job_id=of(f"job {kind}", "exportId"))
        step(f"get_{kind}_export_job_status", **path, job_id=of(f"job {kind}", "exportId"), listed=True)
        time.sleep(1)
        step(f"get_{kind}_export_job_file", **path, job_id=of(f"job {kind}", "exportId"))
        step(f"get_{kind}_export_jobs_list", **path)
        step(f"create_{kind}_export_job", **path, **asked, keep=f"job {kind}")
        step(f"cancel_{kind}_export_job", **path, job_id=of(f"job {kind}", "exportId"))
    step("get_named_accounts", filterType="dedupeFields", filterValues=["Northwind"], listed=True, keep="account")
    step("describe_named_accounts", listed=True)
    step("get_named_account_lists", filterType="dedupeFields", filterValues=["CRM view"], listed=True, keep="accounts")
    step("get_named_account_list_members", id=of("accounts", "marketoGUID"))


main()
