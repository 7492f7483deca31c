"""The row of a program in answers."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.families.asset_arguments import described
from marketo_async.sandbox.records.channels import program_type_name
from marketo_async.sandbox.records.programs import Program


def program_row(
    call: Call, program: Program, *, tags: bool = False, costs: bool = False, dates: bool = True
) -> Members:
    """Return the row of a program; tags, costs and dates only if the operation answers them."""
    row: Members = {
        **described(program),
        "url": f"https://app-sb.marketo.com/#PG{program.id}A1",
        "type": program_type_name(program.type),
        "channel": program.channel,
        "folder": call.instance.folders.reference(program.folder),
        "status": program.state,
        "workspace": program.workspace,
    }
    if program.type == "email":
        row["headStart"] = False
    if dates and program.start_date is not None:
        row["startDate"] = program.start_date
    if dates and program.end_date is not None:
        row["endDate"] = program.end_date
    if tags:
        row["tags"] = [{"tagType": name, "tagValue": value} for name, value in program.tags.items()]
    if costs:
        row["costs"] = [{"startDate": cost.start_date, "cost": cost.cost, "note": cost.note} for cost in program.costs]
    return row
