"""What an agent may do: levels, objects, fields, addresses; judged on what would be sent."""

from __future__ import annotations

from typing import Any

import pytest

from marketo_async.effects import AREAS, EFFECTS, Effect, Scope, area_of, family_of
from marketo_async.mcp.access import CONFINED
from marketo_async.mcp.fields import RECORDS
from marketo_async.planning import plan_of
from marketo_async.schema import callees
from tests.json_arguments import json_arguments
from tests.mcp.policies import access, first_call, judged

ALL = ", ".join(f'{area} = "full"' for area in sorted(set(AREAS.values())))
EVERYTHING = f'access = {{ {ALL} }}\nsample_domains = ["example.com"]'
ADD = {"list_id": 1001, "lead_ids": [1, 2]}


def test_what_is_not_named_is_off() -> None:
    verdict = judged(access(""), "lists.get", {"list_id": 1})

    assert (verdict.allowed, verdict.rule) == (False, "agents.a.access.lists, which is not given and so off")
    assert verdict.why == "this agent may not read in lists"


@pytest.mark.parametrize(
    ("levels", "allowed"),
    [
        ('lists = "write"', True),
        ('lists = "read"', False),
        ('lists = "write", "lists.add" = "read"', False),
        ('lists = "off", "lists.add" = "write"', True),
        ('static_lists = "full"', False),
    ],
)
def test_the_most_specific_level_decides(levels: str, *, allowed: bool) -> None:
    assert judged(access(f"access = {{ {levels} }}"), "lists.add", ADD).allowed is allowed


def test_a_family_decides_before_its_area() -> None:
    of = access('access = { lists = "full", static_lists = "read" }')

    assert judged(of, "static_lists.get", {"id": 1}).allowed
    assert judged(of, "static_lists.delete", {"id": 1}).rule == "agents.a.access.static_lists = read"
    assert judged(of, "smart_lists.delete", {"id": 1}).allowed


@pytest.mark.parametrize(
    ("levels", "name", "allowed"),
    [
        ('exports = "write"', "bulk.leads.create", False),
        ('exports = "write", people = "read"', "bulk.leads.create", True),
        ('exports = "write", people = "read", leads = "off"', "bulk.leads.create", False),
        ('exports = "write", leads = "read"', "bulk.leads.create", True),
        ('exports = "write", people = "read"', "bulk.leads.import_file", False),
        ('exports = "write", people = "write"', "bulk.leads.import_file", True),
        ('people = "write"', "ingestion.add_to_list", False),
        ('people = "write", lists = "write"', "ingestion.add_to_list", True),
        ('people = "read", programs = "off"', "leads.by_program", False),
        ('people = "read", programs = "read"', "leads.by_program", True),
    ],
)
def test_records_of_another_area_need_its_level_too(levels: str, name: str, *, allowed: bool) -> None:
    assert judged(access(f"access = {{ {levels} }}"), name, json_arguments()[name]).allowed is allowed


@pytest.mark.parametrize("name", sorted(callees()))
def test_an_agent_with_every_right_may_do_everything(name: str) -> None:
    arguments = json_arguments()[name]
    if name == "emails.send_sample":
        arguments = {**arguments, "email_address": "a@example.com"}
    if name == "users.invite":
        arguments = {"invitation": {**arguments["invitation"], "emailAddress": "A@Example.com"}}

    verdict = judged(access(EVERYTHING), name, arguments)

    assert verdict.allowed, verdict
    assert (verdict.confirm == "none") is (verdict.effect in {Effect.READ, Effect.CHANGE})


@pytest.mark.parametrize("name", sorted(callees()))
def test_an_agent_with_no_rights_sees_nothing(name: str) -> None:
    assert not access("").allows(callees()[name].operation)
    assert not judged(access(""), name, json_arguments()[name]).allowed


def test_an_agent_sees_what_it_may_call() -> None:
    of = access('access = { lists = "write" }')

    seen = {name for name, found in callees().items() if of.allows(found.operation)}

    assert seen == {name for name in callees() if area_of(name) == "lists"} - {
        name for name, effect in EFFECTS.items() if effect is not Effect.CHANGE
    }
    assert not access('access = { emails = "full" }').allows(callees()["emails.send_sample"].operation)


ONLY = 'access = { lists = "full", programs = "full", campaigns = "full", people = "full", activities = "read" }\n'
ONLY += 'only = { list_id = [1001, 1002], program_id = [2001], workspace = ["Default"] }\nalso = ["campaigns.browse"]'
PROGRAM = {"id": 2001, "type": "Program"}


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("lists.add", ADD, ""),
        ("lists.add", {**ADD, "list_id": 7}, "list_id 7 is not among those of this agent"),
        ("lists.browse", {"ids": [1001, 1002]}, ""),
        ("lists.browse", {"ids": [1001, 7, 8]}, "list_id 7, 8 is not among those of this agent"),
        ("lists.browse", {}, "the call names no list_id or program_id or workspace, to some of which this"),
        ("lists.browse", {"workspace_names": ["Default"]}, ""),
        ("lists.browse", {"workspace_names": ["Other"]}, "workspace Other is not among"),
        ("lists.browse", {"program_names": ["Webinar"]}, "programName names an object by name; name it by its id"),
        ("static_lists.create", {"name": "x", "folder": PROGRAM}, ""),
        ("static_lists.create", {"name": "x", "folder": {"id": 2001, "type": "Folder"}}, "names no list_id"),
        ("static_lists.create", {"name": "x", "folder": {"id": 7, "type": "Program"}}, "program_id 7 is not among"),
        ("programs.get", {"id": 2001}, ""),
        ("programs.get", {"id": 1001}, "program_id 1001 is not among"),
        ("programs.by_name", {"name": "Webinar"}, "names no program_id or workspace"),
        ("leads.by_program", {"program_id": 7}, "program_id 7 is not among"),
        ("leads.get", {"lead_id": 7}, ""),
        ("leads.push", {"records": [{"email": "a@b.c"}], "program_name": "Webinar"}, "programName names an object"),
        ("ingestion.add_to_list", {"list_id": 7, "lead_ids": [1]}, "list_id 7 is not among"),
        ("activities.since", {"since": "2026-01-01", "types": [1]}, "names no list_id"),
        ("activities.since", {"since": "2026-01-01", "types": [1], "list_id": 1001}, ""),
        ("activities.paging_token", {"since": "2026-01-01"}, ""),
        ("campaigns.browse", {}, ""),
        ("campaigns.browse", {"program_names": ["Webinar"]}, ""),
        ("campaigns.get", {"campaign_id": 5}, "names no program_id or workspace"),
    ],
)
def test_an_agent_is_confined_to_its_objects(name: str, arguments: dict[str, Any], why: str) -> None:
    verdict = judged(access(ONLY), name, arguments)

    assert verdict.allowed is (why == "")
    assert why in verdict.why


def test_every_area_that_is_confined_is_an_area() -> None:
    assert set(AREAS.values()) >= CONFINED.keys()
    assert set().union(*CONFINED.values()) == set(Scope)


FIELDS = f'access = {{ {ALL} }}\nfields = {{ read = ["id", "email"], write = ["leadStatus"], mask = ["email"] }}'
CSV = "leadStatus,email\nopen,a@b.c\n"
CHANGES = {"since": "2026-01-01"}


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("leads.get", {"lead_id": 1}, ""),
        ("leads.get", {"lead_id": 1, "fields": ["ID", "Email"]}, ""),
        ("leads.get", {"lead_id": 1, "fields": ["id", "phone"]}, "may not read the field phone; ask for others"),
        ("leads.by_filter", {"filter_type": "Email", "values": ["a@b.c"]}, ""),
        ("leads.by_filter", {"filter_type": "phone", "values": ["1"]}, "may not filter by it"),
        ("program_members.by_filter", {"program_id": 1, "filter_type": "leadId", "values": [1]}, ""),
        ("activities.lead_changes", {**CHANGES, "fields": ["phone"]}, "may not read the field phone"),
        ("programs.browse", {"filter_type": "folderId", "filter_values": [1]}, ""),
        ("leads.sync", {"records": [{"email": "a@b.c", "leadStatus": "x"}]}, ""),
        ("leads.sync", {"records": [{"email": "a@b.c", "Phone": "1"}]}, "record 0: this agent may not write the field"),
        ("leads.sync", {"records": [{"phone": "1"}], "lookup_field": "phone"}, "may not write the field phone"),
        ("leads.sync", {"records": [{"id": 1}], "lookup_field": "id", "action": "updateOnly"}, ""),
        ("leads.submit_form", {"form_id": 1, "form_fields": {"email": "a@b.c", "x": "y"}}, "may not write the field x"),
        ("leads.submit_form", {"form_id": 1, "form_fields": {"email": "a@b.c", "leadStatus": "a"}}, ""),
        ("ingestion.sync_persons", {"persons": [{"email": "a@b.c", "leadStatus": "a"}]}, ""),
        (
            "ingestion.sync_persons",
            {"persons": [{"phone": "1"}], "dedupe_fields": ["phone"]},
            "may not write the field",
        ),
        ("companies.sync", {"records": [{"externalCompanyId": "1"}]}, "may not write the field externalCompanyId"),
        ("companies.delete", {"records": [{"id": 1}], "delete_by": "idField"}, ""),
        ("companies.delete", {"records": [{"externalCompanyId": "1"}]}, "may not write the field externalCompanyId"),
        ("program_members.sync", {"program_id": 1, "records": [{"leadId": 1, "leadStatus": "x"}]}, ""),
        ("bulk.leads.import_file", {"content": CSV, "format": "CSV"}, "may not write the field email"),
        ("bulk.leads.import_file", {"content": "leadStatus\nopen\n", "format": "CSV"}, ""),
        ("emails.full_content", {"id": 1, "lead_id": 2}, "leave lead_id out"),
        ("emails.full_content", {"id": 1}, ""),
        ("emails.send_sample", {"id": 1, "email_address": "a@b.c", "lead_id": 2}, "leave lead_id out"),
    ],
)
def test_fields_are_those_of_the_policy(name: str, arguments: dict[str, Any], why: str) -> None:
    verdict = judged(access(FIELDS), name, arguments)

    assert verdict.allowed is (why == "")
    assert why in verdict.why


def test_a_file_holds_no_masked_field() -> None:
    of = access(FIELDS)
    selection = {"createdAt": {"startAt": "2026-01-01T00:00:00Z", "endAt": "2026-01-02T00:00:00Z"}}

    assert judged(of, "bulk.leads.create", {"fields": ["id"], "selection": selection}).allowed
    assert (
        "is masked, and a file can't be"
        in judged(of, "bulk.leads.create", {"fields": ["email"], "selection": selection}).why
    )
    assert judged(of, "bulk.leads.file", {"export_id": "e1"}).own_job == "e1"
    assert judged(access(EVERYTHING), "bulk.leads.file", {"export_id": "e1"}).own_job is None


def test_each_forbidden_record_is_named() -> None:
    records = [{"email": f"{number}@b.c", "phone" if number % 2 else "leadStatus": "x"} for number in range(5)]
    verdict = judged(access(FIELDS), "leads.sync", {"records": records})

    assert [refused.index for refused in verdict.refused] == [1, 3]
    assert verdict.why == "record 1: this agent may not write the field phone (1 more are refused)"


def test_every_write_of_records_has_its_place() -> None:
    """A new write of a family of records must be in the table of records, or here, or its fields are not checked."""
    others = {
        "leads.delete",  # ids, statuses and cookies, and no fields of a record
        "leads.merge",
        "leads.associate",
        "leads.change_program_status",
        "lists.add",
        "lists.remove",
        "program_members.change_status",
        "program_members.delete",
        "named_account_lists.add",
        "named_account_lists.remove",
        "ingestion.add_to_list",
        "ingestion.remove_from_list",
        "ingestion.delete_program_members",
        "activities.add",  # attributes of activities, which are not fields
    }
    families = {family_of(name) for name in RECORDS} | {"lists", "activities"}
    writes = {name for name in EFFECTS if family_of(name) in families and area_of(name) != "schema"}

    assert writes - RECORDS.keys() == others


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("a@example.com", True),
        ("a@EXAMPLE.com ", True),
        ("a@example.com.evil.org", False),
        ("example.com", False),
        ("b@evil.org,a@example.com", False),
        ("b@evil.org a@example.com", False),
        ("b@evil.org@example.com", False),
    ],
)
def test_a_sample_goes_only_to_named_domains(address: str, *, allowed: bool) -> None:
    arguments = {"id": 1, "email_address": address}

    assert judged(access(EVERYTHING), "emails.send_sample", arguments).allowed is allowed


def test_the_readable_fields_are_asked_for() -> None:
    of = access(FIELDS)
    for name, arguments in (("leads.get", {"lead_id": 1}), ("lists.leads", {"list_id": 1})):
        operation, planned = plan_of(name, arguments)
        assert of.narrowed(operation, first_call(planned)).query["fields"] == ["id", "email"]
    operation, planned = plan_of("companies.by_filter", {"filter_type": "id", "values": [1]})
    assert of.narrowed(operation, first_call(planned)).query.get("fields") is None
