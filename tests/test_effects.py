"""The tables of effects and areas are complete, and the ids that a call names are read from what it sends."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from marketo_async import operations
from marketo_async.effects import (
    AREAS,
    EFFECTS,
    Effect,
    Scope,
    area_of,
    data_area_of,
    effect_of,
    family_of,
    named_ids,
)
from marketo_async.planning import parts, plan_of
from marketo_async.schema import callees

CALLED = {name: found.operation for name, found in callees().items()}

# By what a verb says; the table itself is written by hand.
ERASING = {"delete", "merge", "remove", "discard"}


def test_every_write_has_an_effect_and_nothing_else_has() -> None:
    assert set(EFFECTS) == {name for name, operation in CALLED.items() if operation.write}
    assert Effect.READ not in EFFECTS.values()


def test_no_read_changes_anything() -> None:
    for name, operation in operations().items():
        if effect_of(operation) is Effect.READ:
            assert not operation.write or name.startswith("identity."), name


def test_the_effects_are_counted() -> None:
    """A line that moves to a weaker effect must be seen."""
    assert Counter(effect_of(operation) for operation in CALLED.values()) == {
        Effect.READ: 170,
        Effect.CHANGE: 105,
        Effect.PUBLISH: 20,
        Effect.REACH: 6,
        Effect.ERASE: 52,
        Effect.ADMIN: 15,
    }


def test_a_verb_that_erases_erases() -> None:
    for name, effect in EFFECTS.items():
        words = set(name.rpartition(".")[2].split("_"))
        if words & ERASING and name != "users.remove_roles":
            assert effect is Effect.ERASE, name
        if words & {"approve", "unapprove", "activate", "deactivate"}:
            assert effect in {Effect.PUBLISH, Effect.REACH}, name


def test_every_family_is_in_one_area() -> None:
    assert set(AREAS) == {family_of(name) for name in CALLED}
    for name in CALLED:
        assert area_of(name)
    with pytest.raises(KeyError):
        area_of("pets.walk")


@pytest.mark.parametrize(
    ("name", "area", "data"),
    [
        ("leads.get", "people", None),
        ("leads.update_field", "schema", None),
        ("bulk.leads.create", "exports", "people"),
        ("bulk.custom_objects.file", "exports", "objects"),
        ("ingestion.add_to_list", "people", "lists"),
        ("custom_activity_types.approve", "schema", None),
    ],
)
def test_areas(name: str, area: str, data: str | None) -> None:
    assert (area_of(name), data_area_of(name)) == (area, data)


@pytest.mark.parametrize(
    ("action", "effect"),
    [
        ("discard", Effect.ERASE),
        ("create_draft", Effect.CHANGE),
        ("approve", Effect.PUBLISH),
        ("unapprove", Effect.PUBLISH),
    ],
)
def test_a_transition_has_the_effect_of_its_action(action: str, effect: Effect) -> None:
    operation, made = plan_of("emails_v2.transition", {"id": "1", "action": action})
    (part,) = parts(made)
    assert effect_of(operation, part) is effect
    assert effect_of(operation) is Effect.PUBLISH


PROGRAM = {"id": 5, "type": "Program"}
NAMED: list[tuple[str, dict[str, Any], dict[Scope, set[str]]]] = [
    ("lists.add", {"list_id": 5, "lead_ids": [1]}, {Scope.LIST: {"5"}}),
    ("lists.browse", {"ids": [5, 6]}, {Scope.LIST: {"5", "6"}}),
    ("lists.browse", {"names": ["a"]}, {}),
    ("lists.browse", {"workspace_names": ["w"]}, {Scope.WORKSPACE: {"w"}}),
    ("static_lists.delete", {"id": 5}, {Scope.LIST: {"5"}}),
    ("named_account_lists.add", {"list_id": "g", "account_ids": ["a"]}, {}),
    ("activities.lead_changes", {"since": "2024-01-01", "fields": ["a"], "list_id": 5}, {Scope.LIST: {"5"}}),
    ("bulk.leads.create", {"fields": ["id"], "selection": {"staticListId": 5}}, {Scope.LIST: {"5"}}),
    ("bulk.leads.create", {"fields": ["id"], "selection": {"staticListName": "a"}}, {}),
    ("bulk.leads.import_file", {"content": "email\n", "format": "CSV", "list_id": 5}, {Scope.LIST: {"5"}}),
    ("ingestion.add_to_list", {"list_id": 5, "lead_ids": [1]}, {Scope.LIST: {"5"}}),
    ("leads.by_program", {"program_id": 5}, {Scope.PROGRAM: {"5"}}),
    ("leads.push", {"records": [{"email": "a"}], "program_name": "5"}, {}),
    ("leads.submit_form", {"form_id": 1, "form_fields": {"email": "a"}, "program_id": 5}, {Scope.PROGRAM: {"5"}}),
    ("program_members.sync", {"program_id": 5, "records": [{"leadId": 1}]}, {Scope.PROGRAM: {"5"}}),
    ("programs.get", {"id": 5}, {Scope.PROGRAM: {"5"}}),
    ("programs.clone", {"id": 5, "name": "x", "folder": {"id": 9}}, {Scope.PROGRAM: {"5"}}),
    ("programs.smart_list", {"program_id": 5}, {Scope.PROGRAM: {"5"}}),
    ("programs.browse", {"filter_type": "programId", "filter_values": [5, 6]}, {Scope.PROGRAM: {"5", "6"}}),
    ("programs.browse", {"filter_type": "workspace", "filter_values": ["w"]}, {Scope.WORKSPACE: {"w"}}),
    ("programs.browse", {"filter_type": "folderId", "filter_values": [5]}, {}),
    ("programs.browse", {}, {}),
    ("programs.by_name", {"name": "5"}, {}),
    ("folders.get", {"folder": PROGRAM}, {Scope.PROGRAM: {"5"}}),
    ("folders.get", {"folder": {"id": 5}}, {}),
    ("folders.browse", {"root": PROGRAM, "workspace": "w"}, {Scope.PROGRAM: {"5"}, Scope.WORKSPACE: {"w"}}),
    ("folders.create", {"name": "x", "parent": PROGRAM}, {Scope.PROGRAM: {"5"}}),
    ("tokens.browse", {"folder": PROGRAM}, {Scope.PROGRAM: {"5"}}),
    ("tokens.delete", {"folder": PROGRAM, "name": "x", "type": "text"}, {Scope.PROGRAM: {"5"}}),
    ("emails.browse", {"folder": PROGRAM}, {Scope.PROGRAM: {"5"}}),
    ("emails.create", {"name": "x", "folder": PROGRAM, "template": 1}, {Scope.PROGRAM: {"5"}}),
    ("emails.get", {"id": 5}, {}),
    (
        "bulk.program_members.create",
        {"fields": ["id"], "selection": {"programIds": [5, 6]}},
        {Scope.PROGRAM: {"5", "6"}},
    ),
    ("bulk.program_members.create", {"fields": ["id"], "selection": {"programId": 5}}, {Scope.PROGRAM: {"5"}}),
    (
        "ingestion.sync_program_members",
        {"programs": [{"programId": 5, "status": "x", "members": [{"leadId": 1}]}]},
        {Scope.PROGRAM: {"5"}},
    ),
    ("campaigns.request", {"campaign_id": 5, "lead_ids": [1]}, {Scope.CAMPAIGN: {"5"}}),
    ("campaigns.browse", {"ids": [5]}, {Scope.CAMPAIGN: {"5"}}),
    ("smart_campaigns.activate", {"id": 5}, {Scope.CAMPAIGN: {"5"}}),
    ("emails_v2.browse", {"workspace_id": "5"}, {Scope.WORKSPACE: {"5"}}),
    ("users.add_roles", {"userid": "u", "roles": [{"accessRoleId": 1, "workspaceId": 5}]}, {Scope.WORKSPACE: {"5"}}),
    ("leads.sync", {"records": [{"email": "x", "listId": 4}]}, {}),
]


@pytest.mark.parametrize(
    ("name", "arguments", "ids"), NAMED, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(NAMED)]
)
def test_the_ids_that_a_call_names(name: str, arguments: dict[str, Any], ids: dict[Scope, set[str]]) -> None:
    operation, made = plan_of(name, arguments, munchkin_id="123-ABC-456")
    for part in parts(made):
        assert named_ids(operation, part) == ids


def test_a_root_that_is_not_json_names_nothing() -> None:
    operation, made = plan_of("folders.browse", {})
    (part,) = parts(made)
    from msgspec.structs import replace  # noqa: PLC0415

    assert named_ids(operation, replace(part, query={"root": "not json"})) == {}
