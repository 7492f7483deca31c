"""Example calls of the record families, of campaigns and of bulk jobs, and what the files have otherwise there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from marketo_async import Marketo
from marketo_async.models.bulk import (
    ActivitySelection,
    CustomObjectSelection,
    DateRange,
    LeadSelection,
    ProgramMemberSelection,
)
from marketo_async.models.custom_object_types import Link, NewObjectField, ObjectFieldChange
from marketo_async.models.leads import FieldChange, NewField

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
DATES = DateRange(start_at=SINCE, end_at=SINCE)
FILE = b"email\na@x.io\n"
HEADERS = {"email": "E-mail"}
LINK = Link(name="Lead", field="Id")
FIELD = NewField(
    name="seat",
    display_name="Seat",
    data_type="string",
    description="d",
    is_hidden=False,
    is_html_encoding_in_email=True,
    is_sensitive=False,
)
CHANGE = FieldChange(
    display_name="n", description="d", is_hidden=False, is_html_encoding_in_email=True, is_sensitive=False
)
OBJECT_FIELD = NewObjectField(
    name="vin", display_name="VIN", data_type="string", description="d", is_dedupe_field=True, related_to=LINK
)
OBJECT_CHANGE = ObjectFieldChange(
    name="vin", display_name="VIN", data_type="string", description="d", is_dedupe_field=True, related_to=LINK
)

CALLS: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "program_members.by_filter": lambda m: m.program_members.by_filter(
        7, "leadId", [1, 2], fields=["leadId"], batch_size=7, token="0:T"
    ).first(),
    "program_members.sync": lambda m: m.program_members.sync(7, [{"leadId": 1, "seat": "4A"}]),
    "program_members.change_status": lambda m: m.program_members.change_status(7, "Attended", [1, 2]),
    "program_members.delete": lambda m: m.program_members.delete(7, [1, 2]),
    "program_members.describe": lambda m: m.program_members.describe(),
    "program_members.field": lambda m: m.program_members.field("seat"),
    "program_members.fields": lambda m: m.program_members.fields(batch_size=7, token="T").first(),
    "program_members.create_fields": lambda m: m.program_members.create_fields([FIELD]),
    "program_members.update_field": lambda m: m.program_members.update_field("seat", CHANGE),
    "campaigns.browse": lambda m: m.campaigns.browse(
        ids=[1, 2],
        names=["a"],
        program_names=["p"],
        workspace_names=["w"],
        is_triggerable=True,
        batch_size=7,
        token="T",
    ).first(),
    "campaigns.get": lambda m: m.campaigns.get(7),
    "campaigns.request": lambda m: m.campaigns.request(7, [1, 2], tokens={"{{my.name}}": "x"}),
    "campaigns.schedule": lambda m: m.campaigns.schedule(
        7, run_at=SINCE, clone_to_program_name="Copy", tokens={"{{my.name}}": "x"}
    ),
    "companies.by_filter": lambda m: m.companies.by_filter(
        "company", ["Acme"], fields=["id"], batch_size=7, token="0:T"
    ).first(),
    "companies.sync": lambda m: m.companies.sync(
        [{"id": 1, "company": "Acme"}], action="updateOnly", dedupe_by="idField"
    ),
    "companies.delete": lambda m: m.companies.delete([{"id": 1}], delete_by="idField"),
    "companies.describe": lambda m: m.companies.describe(),
    "companies.field": lambda m: m.companies.field("company"),
    "companies.fields": lambda m: m.companies.fields(batch_size=7, token="T").first(),
    "opportunities.by_filter": lambda m: m.opportunities.by_filter(
        "externalOpportunityId", ["o1"], fields=["name"], batch_size=7, token="0:T"
    ).first(),
    "opportunities.sync": lambda m: m.opportunities.sync(
        [{"externalOpportunityId": "o1", "name": "A"}], action="updateOnly", dedupe_by="dedupeFields"
    ),
    "opportunities.delete": lambda m: m.opportunities.delete([{"externalOpportunityId": "o1"}]),
    "opportunities.describe": lambda m: m.opportunities.describe(),
    "opportunities.field": lambda m: m.opportunities.field("name"),
    "opportunities.fields": lambda m: m.opportunities.fields(batch_size=7, token="T").first(),
    "opportunity_roles.by_filter": lambda m: m.opportunity_roles.by_filter(
        "leadId", [1, 2], fields=["role"], batch_size=7, token="0:T"
    ).first(),
    "opportunity_roles.sync": lambda m: m.opportunity_roles.sync(
        [{"externalOpportunityId": "o1", "leadId": 1, "role": "Buyer"}], action="createOnly", dedupe_by="dedupeFields"
    ),
    "opportunity_roles.delete": lambda m: m.opportunity_roles.delete([{"marketoGUID": "g"}], delete_by="idField"),
    "opportunity_roles.describe": lambda m: m.opportunity_roles.describe(),
    "sales_persons.by_filter": lambda m: m.sales_persons.by_filter(
        "email", ["a@x.io"], fields=["id"], batch_size=7, token="0:T"
    ).first(),
    "sales_persons.sync": lambda m: m.sales_persons.sync(
        [{"externalSalesPersonId": "s1"}], action="createOnly", dedupe_by="dedupeFields"
    ),
    "sales_persons.delete": lambda m: m.sales_persons.delete([{"externalSalesPersonId": "s1"}]),
    "sales_persons.describe": lambda m: m.sales_persons.describe(),
    "named_accounts.by_filter": lambda m: m.named_accounts.by_filter(
        "name", ["Acme"], fields=["name"], batch_size=7, token="0:T"
    ).first(),
    "named_accounts.sync": lambda m: m.named_accounts.sync(
        [{"name": "Acme"}], action="createOrUpdate", dedupe_by="dedupeFields"
    ),
    "named_accounts.delete": lambda m: m.named_accounts.delete([{"name": "Acme"}]),
    "named_accounts.describe": lambda m: m.named_accounts.describe(),
    "named_accounts.field": lambda m: m.named_accounts.field("name"),
    "named_accounts.fields": lambda m: m.named_accounts.fields(batch_size=7, token="T").first(),
    "named_account_lists.by_filter": lambda m: m.named_account_lists.by_filter(
        "dedupeFields", ["Key accounts"], batch_size=7, token="0:T"
    ).first(),
    "named_account_lists.sync": lambda m: m.named_account_lists.sync(
        [{"name": "Key accounts"}], action="createOnly", dedupe_by="dedupeFields"
    ),
    "named_account_lists.delete": lambda m: m.named_account_lists.delete([{"name": "Key accounts"}]),
    "named_account_lists.members": lambda m: m.named_account_lists.members(
        "g", fields=["name"], batch_size=7, token="T"
    ).first(),
    "named_account_lists.add": lambda m: m.named_account_lists.add("g", ["a", "b"]),
    "named_account_lists.remove": lambda m: m.named_account_lists.remove("g", ["a", "b"]),
    "custom_objects.browse": lambda m: m.custom_objects.browse(names=["car_c"]),
    "custom_objects.describe": lambda m: m.custom_objects.describe("car_c"),
    "custom_objects.by_filter": lambda m: m.custom_objects.by_filter(
        "car_c", "vin", ["v1"], fields=["vin"], batch_size=7, token="0:T"
    ).first(),
    "custom_objects.sync": lambda m: m.custom_objects.sync(
        "car_c", [{"vin": "v1"}], action="updateOnly", dedupe_by="dedupeFields"
    ),
    "custom_objects.delete": lambda m: m.custom_objects.delete("car_c", [{"vin": "v1"}]),
    "custom_object_types.browse": lambda m: m.custom_object_types.browse(names=["car_c"], state="draft"),
    "custom_object_types.describe": lambda m: m.custom_object_types.describe("car_c", state="approved"),
    "custom_object_types.sync": lambda m: m.custom_object_types.sync(
        "car_c", "Car", action="createOnly", plural_name="Cars", description="d", show_in_lead_detail=True
    ),
    "custom_object_types.approve": lambda m: m.custom_object_types.approve("car_c"),
    "custom_object_types.discard_draft": lambda m: m.custom_object_types.discard_draft("car_c"),
    "custom_object_types.delete": lambda m: m.custom_object_types.delete("car_c"),
    "custom_object_types.create_fields": lambda m: m.custom_object_types.create_fields("car_c", [OBJECT_FIELD]),
    "custom_object_types.update_field": lambda m: m.custom_object_types.update_field("car_c", "vin", OBJECT_CHANGE),
    "custom_object_types.delete_fields": lambda m: m.custom_object_types.delete_fields("car_c", ["vin"]),
    "custom_object_types.data_types": lambda m: m.custom_object_types.data_types(),
    "custom_object_types.linkable_objects": lambda m: m.custom_object_types.linkable_objects(),
    "custom_object_types.used_by": lambda m: m.custom_object_types.used_by("car_c"),
    "bulk.leads.jobs": lambda m: m.bulk.leads.jobs(statuses=["Queued"], batch_size=7, token="T").first(),
    "bulk.leads.create": lambda m: m.bulk.leads.create(
        ["email"], LeadSelection(created_at=DATES), format="CSV", column_header_names=HEADERS
    ),
    "bulk.leads.enqueue": lambda m: m.bulk.leads.enqueue("e"),
    "bulk.leads.status": lambda m: m.bulk.leads.status("e"),
    "bulk.leads.cancel": lambda m: m.bulk.leads.cancel("e"),
    "bulk.leads.file": lambda m: m.bulk.leads.file("e"),
    "bulk.leads.import_file": lambda m: m.bulk.leads.import_file(
        FILE, "CSV", lookup_field="email", partition_name="p", list_id=7
    ),
    "bulk.leads.import_status": lambda m: m.bulk.leads.import_status(7),
    "bulk.leads.import_failures": lambda m: m.bulk.leads.import_failures(7),
    "bulk.leads.import_warnings": lambda m: m.bulk.leads.import_warnings(7),
    "bulk.activities.jobs": lambda m: m.bulk.activities.jobs(statuses=["Queued"], batch_size=7, token="T").first(),
    "bulk.activities.create": lambda m: m.bulk.activities.create(
        ["leadId"],
        ActivitySelection(created_at=DATES, activity_type_ids=[1], primary_attribute_value_ids=[2]),
        format="TSV",
        column_header_names=HEADERS,
    ),
    "bulk.activities.enqueue": lambda m: m.bulk.activities.enqueue("e"),
    "bulk.activities.status": lambda m: m.bulk.activities.status("e"),
    "bulk.activities.cancel": lambda m: m.bulk.activities.cancel("e"),
    "bulk.activities.file": lambda m: m.bulk.activities.file("e"),
    "bulk.program_members.jobs": lambda m: m.bulk.program_members.jobs(
        statuses=["Queued", "Completed"], batch_size=7, token="T"
    ).first(),
    "bulk.program_members.create": lambda m: m.bulk.program_members.create(
        ["leadId"],
        ProgramMemberSelection(
            program_ids=[7, 8], is_exhausted=False, nurture_cadence="normal", status_names=["A"], updated_at=DATES
        ),
        format="SSV",
        column_header_names=HEADERS,
    ),
    "bulk.program_members.enqueue": lambda m: m.bulk.program_members.enqueue("e"),
    "bulk.program_members.status": lambda m: m.bulk.program_members.status("e"),
    "bulk.program_members.cancel": lambda m: m.bulk.program_members.cancel("e"),
    "bulk.program_members.file": lambda m: m.bulk.program_members.file("e"),
    "bulk.program_members.import_file": lambda m: m.bulk.program_members.import_file(7, "Attended", FILE, "TSV"),
    "bulk.program_members.import_status": lambda m: m.bulk.program_members.import_status(7),
    "bulk.program_members.import_failures": lambda m: m.bulk.program_members.import_failures(7),
    "bulk.program_members.import_warnings": lambda m: m.bulk.program_members.import_warnings(7),
    "bulk.custom_objects.jobs": lambda m: (
        m.bulk.custom_objects("car_c").jobs(statuses=["Queued"], batch_size=7, token="T").first()
    ),
    "bulk.custom_objects.create": lambda m: m.bulk.custom_objects("car_c").create(
        ["vin"], CustomObjectSelection(static_list_id=7), format="CSV", column_header_names=HEADERS
    ),
    "bulk.custom_objects.enqueue": lambda m: m.bulk.custom_objects("car_c").enqueue("e"),
    "bulk.custom_objects.status": lambda m: m.bulk.custom_objects("car_c").status("e"),
    "bulk.custom_objects.cancel": lambda m: m.bulk.custom_objects("car_c").cancel("e"),
    "bulk.custom_objects.file": lambda m: m.bulk.custom_objects("car_c").file("e"),
    "bulk.custom_objects.import_file": lambda m: m.bulk.custom_objects("car_c").import_file(FILE, "SSV"),
    "bulk.custom_objects.import_status": lambda m: m.bulk.custom_objects("car_c").import_status(7),
    "bulk.custom_objects.import_failures": lambda m: m.bulk.custom_objects("car_c").import_failures(7),
    "bulk.custom_objects.import_warnings": lambda m: m.bulk.custom_objects("car_c").import_warnings(7),
}

LOOKUPS = ("opportunities.by_filter", "opportunity_roles.by_filter", "custom_objects.by_filter")
LOOKUP_BODY = ("batchSize", "fields", "filterType", "input", "nextPageToken")
OBJECTS = ("opportunities", "opportunity_roles", "named_accounts", "named_account_lists", "custom_objects")
CREATED = ("bulk.leads.create", "bulk.activities.create", "bulk.program_members.create", "bulk.custom_objects.create")
AS_RECORDS = "the files use the record of the answer for the request"

NEVER_SENT = {
    ("program_members.by_filter", "query", "startAt"): "program_members.updated sends it, by the same call",
    ("program_members.by_filter", "query", "endAt"): "program_members.updated sends it, by the same call",
    **{(name, "body", member): "by_key sends it, by the same call" for name in LOOKUPS for member in LOOKUP_BODY},
}
NOT_REQUIRED = {
    **{(f"{family}.{verb}", "marketoGUID"): AS_RECORDS for family in OBJECTS for verb in ("sync", "delete")},
    **{(f"{family}.{verb}", "seq"): AS_RECORDS for family in OBJECTS for verb in ("sync", "delete")},
    ("named_account_lists.add", "seq"): AS_RECORDS,
    ("named_account_lists.remove", "seq"): AS_RECORDS,
    ("program_members.sync", "leadId"): "the caller's record: Marketo says what it lacks",
    ("program_members.sync", "{fieldApiName}"): "a placeholder, not a name",
    **{(name, member): "a map, as its description says" for name in CREATED for member in ("name", "value")},
}
OPEN = {
    *(
        (f"{family}.{verb}", "input")
        for family in (*OBJECTS, "companies", "sales_persons")
        for verb in ("sync", "delete")
    ),
    ("program_members.sync", "input"),
    *((name, "columnHeaderNames") for name in CREATED),
}
BEYOND_THE_FILES = {
    "ObjectDescription": "one model for the describe calls of all record types",
    "Deletion": "one model for the deletions of all families",
    "Relationship": "one of the documentation's samples names the target otherwise",
    "ImportJob": "one model for the imports of all families",
}
LEFT_OUT = {
    **{
        (model, member): "the files use the record itself for the result"
        for model in ("RecordResult", "Deletion")
        for member in ("createdAt", "updatedAt", "name", "type", "updateable")
    },
    **{("NamedAccountList", member): "only results of writes have it" for member in ("reasons", "status")},
    **{
        ("AssetId", member): "running a campaign answers with its id alone"
        for member in (
            "active",
            "createdAt",
            "description",
            "name",
            "programId",
            "programName",
            "type",
            "updatedAt",
            "workspaceName",
        )
    },
}
