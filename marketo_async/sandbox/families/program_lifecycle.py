"""Programs: approving and unapproving email programs, cloning, deleting, and setting and removing single tags."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.asset_arguments import asset_description, asset_name
from marketo_async.sandbox.families.folder_arguments import parent_folder
from marketo_async.sandbox.families.program_rows import program_row
from marketo_async.sandbox.families.program_values import known_tag
from marketo_async.sandbox.permissions import ASSET_WRITERS
from marketo_async.sandbox.records.drafts import not_found, refused
from marketo_async.sandbox.records.folders import FOLDER, MARKETING_ACTIVITIES
from marketo_async.sandbox.records.program_tree import ProgramTree
from marketo_async.sandbox.records.programs import Program
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _program(call: Call) -> Program:
    return call.instance.program_assets.programs.get(call.path_id("id"))


def _tree(call: Call) -> ProgramTree:
    return ProgramTree(call.instance.folders, call.instance.program_assets)


def _email_program(call: Call) -> Program:
    program = _program(call)
    if program.type != "email":
        raise refused(f"Program '{program.name}' is not an email program")
    return program


def _lock(call: Call, program: Program, state: str) -> Answer:
    program.state, program.updated_at = state, call.instance.clock.time()
    return Answer([{"id": program.id}])


@routes.post("/rest/asset/v1/program/{id}/approve.json", ASSET_WRITERS)
def approve_program(call: Call) -> Answer:
    """Approve an email program that has both dates, and a smart list and an e-mail made in Marketo's user interface."""
    program = _email_program(call)
    if program.state == "locked":
        raise refused(f"Program '{program.name}' is approved already")
    if program.start_date is None or program.end_date is None:
        raise refused(f"Program '{program.name}' lacks a start date or an end date")
    if program.rules is None:
        raise refused(f"Program '{program.name}' has no smart list")
    return _lock(call, program, "locked")


@routes.post("/rest/asset/v1/program/{id}/unapprove.json", ASSET_WRITERS)
def unapprove_program(call: Call) -> Answer:
    """Unapprove an email program that is approved."""
    program = _email_program(call)
    if program.state != "locked":
        raise refused(f"Program '{program.name}' is not approved")
    return _lock(call, program, "unlocked")


@routes.post(
    "/rest/asset/v1/program/{id}/clone.json",
    ASSET_WRITERS,
    body=("folder", "name"),
    body_optional=("description",),
)
def clone_program(call: Call) -> Answer:
    """Copy a program with all its contents."""
    program, name, description = _program(call), asset_name(call), asset_description(call)
    folder = parent_folder(call, types=(FOLDER,), roots=(MARKETING_ACTIVITIES,))
    if folder.workspace != program.workspace:
        raise refused("A program can only be cloned within its workspace")
    clone = _tree(call).clone(program, name, folder.key, description, call.instance.clock.time())
    return Answer([program_row(call, clone, tags=True, costs=True)])


@routes.post("/rest/asset/v1/program/{id}/delete.json", ASSET_WRITERS)
def delete_program(call: Call) -> Answer:
    """Delete a program with all its contents, if nothing outside uses them."""
    program = _program(call)
    _tree(call).delete(program)
    return Answer([{"id": program.id}])


@routes.post("/rest/asset/v1/program/{id}/tag/{tagType}.json", ASSET_WRITERS, required=("tagValue",))
def set_tag(call: Call) -> Answer:
    """Add a tag to a program, or change its value."""
    program = _program(call)
    name, value = known_tag(call, program.type, call.path_text("tagType"), call.text("tagValue") or "")
    program.tags[name], program.updated_at = value, call.instance.clock.time()
    return Answer([{"id": program.id}])


@routes.post("/rest/asset/v1/program/{id}/tag/{tagType}/delete.json", ASSET_WRITERS)
def drop_tag(call: Call) -> Answer:
    """Remove a tag from a program, unless its type requires the tag."""
    program, name = _program(call), call.path_text("tagType")
    tag_type = call.instance.program_assets.tag_type(name)
    if tag_type is not None and tag_type.required and program.type in tag_type.program_types:
        raise refused(f"Tag '{name}' is required for programs of this type")
    if program.tags.pop(name, None) is None:
        raise not_found("Tag", name)
    program.updated_at = call.instance.clock.time()
    return Answer([{"id": program.id}])
