"""Programs: finding, creating and changing them. See ``program_lifecycle`` for approval, clones and single tags."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.asset_arguments import (
    UPDATED,
    asset_description,
    asset_name,
    found,
    new_name_and_description,
    updated_between,
)
from marketo_async.sandbox.families.folder_arguments import parent_folder
from marketo_async.sandbox.families.program_rows import program_row
from marketo_async.sandbox.families.program_values import (
    check_tags,
    given_costs,
    given_date,
    given_tags,
    known_channel,
    known_type,
)
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import missing, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.folders import FOLDER, MARKETING_ACTIVITIES
from marketo_async.sandbox.records.program_tree import ProgramTree
from marketo_async.sandbox.records.programs import Program
from marketo_async.sandbox.routing import Routes

routes = Routes()

_FIRST_STATES = {"engagement": "off", "email": "unlocked"}


@routes.get("/rest/asset/v1/program/{id}.json", ASSET_READERS)
def program_by_id(call: Call) -> Answer:
    """Answer one program; only this read includes tags and costs by default."""
    program = call.instance.program_assets.programs.find(call.path_id("id"))
    return found([] if program is None else [program_row(call, program, tags=True, costs=True)])


@routes.get(
    "/rest/asset/v1/program/byName.json",
    ASSET_READERS,
    required=("name",),
    optional=("includeTags", "includeCosts"),
)
def program_by_name(call: Call) -> Answer:
    """Answer the program of exactly this name, with tags and costs on request."""
    name, tags, costs = call.text("name"), call.flag("includeTags"), call.flag("includeCosts")
    return found(
        [
            program_row(call, program, tags=bool(tags), costs=bool(costs))
            for program in call.instance.program_assets.programs
            if program.name == name
        ]
    )


@routes.get(
    "/rest/asset/v1/program/byTag.json",
    ASSET_READERS,
    required=("tagType", "tagValue"),
    optional=("maxReturn", "offset"),
)
def programs_by_tag(call: Call) -> Answer:
    """Answer the programs with a tag, in random order."""
    tag_type, value = call.text("tagType") or "", call.text("tagValue")
    programs = [one for one in call.instance.program_assets.programs if one.tags.get(tag_type) == value]
    call.instance.rng.shuffle(programs)
    return offset_page(call, [program_row(call, program, tags=True) for program in programs])


@routes.get(
    "/rest/asset/v1/programs.json",
    ASSET_READERS,
    optional=("maxReturn", "offset", "filterType", "filterValues", "status", *UPDATED),
)
def programs(call: Call) -> Answer:
    """Answer the programs that match all filters, without their tags."""
    status = call.text("status")
    kept = updated_between(call, _filtered(call, call.instance.program_assets.programs))
    return offset_page(
        call,
        [
            program_row(call, program, dates=False)
            for program in kept
            if status is None or program.state == status.lower()
        ],
    )


def _filtered(call: Call, every: Iterable[Program]) -> list[Program]:
    filter_type, values = call.text("filterType"), set(call.many("filterValues"))
    if filter_type is None:
        return list(every)
    if not values:
        raise missing("filterValues")
    if filter_type in ("id", "programId"):
        return [program for program in every if str(program.id) in values]
    if filter_type == "folderId":
        return [program for program in every if str(program.folder[0]) in values]
    if filter_type == "workspace":
        return [program for program in every if program.workspace in values]
    raise wrong_type("filterType", "id, programId, folderId or workspace")


@routes.post(
    "/rest/asset/v1/programs.json",
    ASSET_WRITERS,
    body=("channel", "folder", "name", "type"),
    body_optional=("costs", "description", "tags"),
)
def create_program(call: Call) -> Answer:
    """Create a program; its type and channel can't be changed later."""
    name, kind = asset_name(call), known_type(call)
    channel, tags, costs = known_channel(call, kind), given_tags(call, kind), given_costs(call)
    check_tags(call, kind, tags)
    folder = parent_folder(call, types=(FOLDER,), roots=(MARKETING_ACTIVITIES,))
    description = asset_description(call) or ""

    def made(new_id: int, now: float) -> Program:
        return Program(
            new_id,
            name,
            kind,
            channel.name,
            channel.statuses,
            folder=folder.key,
            created_at=now,
            updated_at=now,
            description=description,
            workspace=folder.workspace,
            tags=tags,
            costs=costs,
            state=_FIRST_STATES.get(kind, ""),
        )

    program = call.instance.program_assets.programs.add(name, folder.key, made)
    return Answer([program_row(call, program, tags=True, costs=True)])


@routes.post(
    "/rest/asset/v1/program/{id}.json",
    ASSET_WRITERS,
    body_optional=("costs", "costsDestructiveUpdate", "description", "endDate", "name", "startDate", "tags"),
)
def update_program(call: Call) -> Answer:
    """Change a program; costs are added to the existing ones, unless the call replaces them."""
    shelf = call.instance.program_assets.programs
    program = shelf.get(call.path_id("id"))
    name, description = new_name_and_description(call)
    tags, costs = given_tags(call, program.type), given_costs(call)
    start, end = given_date(call, "startDate"), given_date(call, "endDate")
    if (start or end) and program.type == "email" and program.state == "locked":
        raise refused(f"Program '{program.name}' is approved: its dates cannot be changed")
    replaced = call.body_flag("costsDestructiveUpdate")
    shelf.describe(program, name, description)
    ProgramTree(call.instance.folders, call.instance.program_assets).name_lists(program)
    program.tags.update(tags)
    program.costs = costs if replaced else [*program.costs, *costs]
    program.start_date, program.end_date = start or program.start_date, end or program.end_date
    return Answer([program_row(call, program, tags=True, costs=True)])
