"""Calls that let a sandbox answer every recorded operation on records, activities, bulk files and users."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async import Marketo
from marketo_async.bulk.exports.endpoints import ExportEndpoints
from marketo_async.errors import RecordsFailed
from marketo_async.models.activities import AttributeValue, NewActivity, NewActivityType, NewAttribute
from marketo_async.models.bulk import (
    ActivitySelection,
    CustomObjectSelection,
    DateRange,
    ExportJob,
    LeadSelection,
    ProgramMemberSelection,
)
from marketo_async.models.custom_object_types import Link, NewObjectField, ObjectFieldChange
from marketo_async.models.leads import FieldChange, NewField
from marketo_async.models.users import Invitation, RoleGrant, UserChange
from marketo_async.sandbox import Sandbox

LIST, PROGRAM, FORM, BATCH, TRIGGER = 1001, 2001, 3001, 4001, 4002
NOBODY = 999_999
NOW = datetime.now(UTC)
WEEK = DateRange(start_at=NOW - timedelta(days=7), end_at=NOW)
FIELD = NewField(name="seat", display_name="Seat", data_type="string", description="d")


async def leads(m: Marketo) -> None:
    made = await m.leads.sync([{"email": "a@x.io"}, {"email": "b@x.io"}, {"email": "c@x.io"}])
    first, second, third = (result.id or 0 for result in made)
    await m.leads.sync([{"email": "gone@x.io"}], action="updateOnly")
    await m.leads.get(first)
    await m.leads.by_filter("email", ["a@x.io"]).all()
    await m.leads.describe()
    await m.leads.field("email")
    await m.leads.fields().all()
    await m.leads.create_fields([FIELD])
    await m.leads.update_field("seat", FieldChange(display_name="Place"))
    await m.leads.partitions()
    await m.leads.update_partitions({first: "Default", NOBODY: "Default"})
    await m.leads.by_program(PROGRAM).all()
    await m.leads.change_program_status(PROGRAM, "Attended", [first, NOBODY])
    await m.leads.push([{"email": "d@x.io"}], "Spring Webinar", lookup_field="email")
    await m.leads.push([{"email": "f@x.io", "leadScore": "no number"}], "Spring Webinar")
    await m.leads.submit_form(FORM, {"email": "e@x.io"})
    with suppress(RecordsFailed):
        await m.leads.submit_form(FORM, {"email": "e@x.io", "nothing": "x"})
    await m.leads.associate(first, "id:123-ABC-456&token:_mch-example.com-1-2")
    await m.leads.merge(first, [third])
    await m.lists.add(LIST, [first, NOBODY])
    await m.lists.is_member(LIST, [first, second, NOBODY])
    await m.lists.browse().all()
    await m.lists.get(LIST)
    await m.lists.leads(LIST).all()
    await m.lists.legacy_leads(LIST, fields=["id", "email", "firstName", "lastName", "postalCode"]).all()
    await m.leads.list_membership(first).all()
    await m.leads.program_membership(1).all()
    await m.leads.smart_campaign_membership(1).all()
    await m.lists.remove(LIST, [first, NOBODY])
    await m.leads.delete([second, NOBODY])


async def program_members(m: Marketo) -> None:
    members = m.program_members
    await members.create_fields([FIELD])
    await members.update_field("seat", FieldChange(display_name="Place"))
    await members.field("seat")
    await members.fields().all()
    await members.describe()
    await members.change_status(PROGRAM, "Attended", [5, NOBODY])
    await members.sync(PROGRAM, [{"leadId": 5, "seat": "4A"}, {"leadId": NOBODY, "seat": "1"}])
    await members.by_filter(PROGRAM, "leadId", [5]).all()
    await members.delete(PROGRAM, [5, NOBODY])


async def activities(m: Marketo) -> None:
    since = NOW - timedelta(days=40)
    await m.activities.types()
    await m.activities.since(since, types=[1, 2, 12, 13]).all()
    await m.activities.since(since, types=[6, 7, 8, 9, 10, 11]).all()
    await m.activities.lead_changes(since, fields=["title", "city"]).all()
    await m.activities.deleted_leads(since).all()
    types = m.custom_activity_types
    seats = NewAttribute(api_name="seats", name="Seats", data_type="integer", description="d")
    room = NewAttribute(api_name="room", name="Room", data_type="string", description="d")
    what = NewAttribute(api_name="what", name="What", data_type="string", description="d", is_primary=True)
    kind = NewActivityType(
        api_name="demo", name="Demo", trigger_name="t", filter_name="f", primary_attribute=what, description="d"
    )
    await types.create(kind)
    await types.create_attributes("demo", [seats, room])
    await types.update_attributes("demo", [seats])
    await types.update("demo", kind)
    await types.describe("demo", draft=True)
    await types.delete_attributes("demo", ["room"])
    demo = await types.approve("demo")
    await types.browse()
    record = NewActivity(lead_id=1, activity_date=NOW, activity_type_id=demo.id or 0, primary_attribute_value="x")
    record.attributes = [AttributeValue(name="Seats", api_name="seats", value=1)]
    nobody = NewActivity(lead_id=NOBODY, activity_date=NOW, activity_type_id=demo.id or 0, primary_attribute_value="x")
    await m.activities.add([record, nobody])


async def records(m: Marketo) -> None:
    await m.companies.sync([{"externalCompanyId": "c1", "company": "Acme"}])
    await m.companies.sync([{"externalCompanyId": "c9"}], action="updateOnly")
    await m.companies.by_filter("externalCompanyId", ["c1"], fields=["id", "externalCompanyId", "company"]).all()
    await m.opportunities.sync([{"externalOpportunityId": "o1", "name": "Big"}])
    await m.opportunities.sync([{"externalOpportunityId": "o9"}], action="updateOnly")
    wanted = ["externalOpportunityId", "name", "description", "amount"]
    await m.opportunities.by_filter("externalOpportunityId", ["o1"], fields=wanted).all()
    role = {"externalOpportunityId": "o1", "leadId": 1, "role": "Buyer"}
    await m.opportunity_roles.sync([role, {**role, "leadId": NOBODY}])
    await m.opportunity_roles.delete([role, {**role, "leadId": NOBODY}])
    await m.opportunities.delete([{"externalOpportunityId": "o1"}, {"externalOpportunityId": "o9"}])
    await m.sales_persons.sync([{"externalSalesPersonId": "s1", "email": "s@x.io"}])
    await m.sales_persons.sync([{"externalSalesPersonId": "s9"}], action="updateOnly")
    await m.sales_persons.by_filter("externalSalesPersonId", ["s1"]).all()
    await m.sales_persons.delete([{"externalSalesPersonId": "s1"}, {"externalSalesPersonId": "s9"}])
    await m.companies.delete([{"externalCompanyId": "c1"}, {"externalCompanyId": "c9"}])
    (account,) = await m.named_accounts.sync([{"name": "Acme"}])
    await m.named_accounts.sync([{"name": "None"}], action="updateOnly")
    await m.named_accounts.by_filter("name", ["Acme"]).all()
    (key,) = await m.named_account_lists.sync([{"name": "Key accounts"}])
    await m.named_account_lists.sync([{"name": "Key accounts"}])
    guid, held = key.marketo_guid or "", account.marketo_guid or ""
    await m.named_account_lists.by_filter("idField", [guid]).all()
    await m.named_account_lists.add(guid, [held, "nothing"])
    await m.named_account_lists.members(guid).all()
    await m.named_account_lists.remove(guid, [held, "nothing"])
    await m.named_account_lists.delete([{"name": "Key accounts"}, {"name": "None"}])
    await m.named_accounts.delete([{"name": "Acme"}, {"name": "None"}])
    for described in (m.companies, m.opportunities, m.opportunity_roles, m.sales_persons, m.named_accounts):
        await described.describe()
    for fielded, field in ((m.companies, "company"), (m.opportunities, "name"), (m.named_accounts, "name")):
        await fielded.fields().all()
        await fielded.field(field)


async def custom_objects(m: Marketo) -> None:
    types, link = m.custom_object_types, Link(name="Lead", field="id")
    vin = NewObjectField(name="vin", display_name="VIN", data_type="string", description="d", is_dedupe_field=True)
    owner = NewObjectField(name="owner", display_name="Owner", data_type="link", related_to=link)
    flag = NewObjectField(name="flag", display_name="Flag", data_type="string")
    await types.sync("car_c", "Car", plural_name="Cars", description="d")
    await types.create_fields("car_c", [vin, owner, flag])
    await types.update_field("car_c", "flag", ObjectFieldChange(display_name="Ensign"))
    await types.delete_fields("car_c", ["flag"])
    await types.describe("car_c", state="draft")
    await types.approve("car_c")
    await types.describe("car_c")
    await types.sync("car_c", "Car", action="updateOnly", description="e")
    await types.discard_draft("car_c")
    await types.browse()
    await types.data_types()
    await types.linkable_objects()
    key = NewObjectField(name="number", display_name="Number", data_type="string", is_dedupe_field=True)
    to_plant = NewObjectField(
        name="plant", display_name="Plant", data_type="string", related_to=Link(name="plant_c", field="number")
    )
    for name, fields in (("plant_c", [key]), ("part_c", [key, to_plant])):
        await types.sync(name, name)
        await types.create_fields(name, fields)
        await types.approve(name)
    await types.used_by("plant_c")
    await m.custom_objects.sync("car_c", [{"vin": "v1"}])
    await m.custom_objects.sync("car_c", [{"vin": "v9"}], action="updateOnly")
    await m.custom_objects.browse()
    await m.custom_objects.describe("car_c")
    await m.custom_objects.by_filter("car_c", "vin", ["v1"]).all()
    await m.custom_objects.delete("car_c", [{"vin": "v1"}, {"vin": "v9"}])


async def _created(m: Marketo) -> list[tuple[ExportEndpoints[Any], ExportJob]]:
    leads, activities, members = m.bulk.leads, m.bulk.activities, m.bulk.program_members
    cars = m.bulk.custom_objects("car_c")
    return [
        (leads, await leads.create(["id", "email"], LeadSelection(created_at=WEEK))),
        (activities, await activities.create(["leadId"], ActivitySelection(created_at=WEEK))),
        (members, await members.create(["leadId"], ProgramMemberSelection(program_id=PROGRAM))),
        (cars, await cars.create(["vin"], CustomObjectSelection(updated_at=WEEK))),
    ]


async def bulk(m: Marketo, sandbox: Sandbox) -> None:
    made = await _created(m)
    for files, job in made:
        await files.enqueue(job.export_id)
    sandbox.clock.advance(1800)
    for files, job in made:
        await files.status(job.export_id)
        await files.jobs().all()
    for files, job in await _created(m):
        await files.enqueue(job.export_id)
        await files.cancel(job.export_id)
    cars = m.bulk.custom_objects("car_c")
    people = b"email\na@x.io\n"
    of_leads = await m.bulk.leads.import_file(people, "CSV")
    of_members = await m.bulk.program_members.import_file(PROGRAM, "Attended", people, "CSV")
    of_cars = await cars.import_file(b"vin\nv1\n", "CSV")
    sandbox.clock.advance(1800)
    await m.bulk.leads.import_status(of_leads.batch_id)
    await m.bulk.program_members.import_status(of_members.batch_id)
    await cars.import_status(of_cars.batch_id)


async def users(m: Marketo, sandbox: Sandbox) -> None:
    role, other, *_ = await m.users.roles()
    workspace, *_ = await m.users.workspaces()
    grant = RoleGrant(access_role_id=role.id, workspace_id=workspace.id)
    more = RoleGrant(access_role_id=other.id, workspace_id=workspace.id)
    name = "new@example.com"
    await m.users.invite(
        Invitation(
            email_address=name,
            first_name="New",
            last_name="User",
            user_role_workspaces=[grant],
            userid=name,
            reason="r",
            expires_at=NOW + timedelta(days=90),
        )
    )
    await m.users.invited(name)
    sandbox.instance.users.accept(name)
    await m.users.get(name)
    await m.users.browse().all()
    await m.users.add_roles(name, [more])
    await m.users.remove_roles(name, [more])
    await m.users.roles_of(name)
    await m.users.update(name, UserChange(last_name="Name"))
    await m.usage.today()
    await m.usage.last_7_days()
    await m.usage.errors_today()
    await m.usage.errors_last_7_days()


PLAYS = (leads, program_members, activities, records, custom_objects)
PLAYS_INSIDE = (bulk, users)
