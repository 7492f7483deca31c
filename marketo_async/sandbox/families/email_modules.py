"""The modules and variables of emails, as their templates define them.

Reads show the draft if there is one: these operations have no status parameter.
"""

from __future__ import annotations

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import found, json_field
from marketo_async.sandbox.families.designs import nothing
from marketo_async.sandbox.families.emails import EMAIL, family
from marketo_async.sandbox.parameters import missing
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.email_body import Value
from marketo_async.sandbox.records.emails import Email
from marketo_async.sandbox.routing import Routes

routes = Routes()
MODULE = f"{EMAIL}/content/{{moduleId}}"


class _Position(msgspec.Struct, rename="camel"):
    module_id: str
    index: int


@routes.post(f"{EMAIL}/content/rearrange.json", ASSET_WRITERS, body_optional=("positions",))
def rearrange(call: Call) -> Answer:
    """Put the modules in another order."""
    positions = json_field(call, "positions", list[_Position])
    if not positions:
        raise missing("positions")
    order = [(position.index, position.module_id) for position in positions]
    return Answer([{"id": family.edit(call, lambda email: email.body.rearrange(order)).id}])


@routes.post(f"{MODULE}/add.json", ASSET_WRITERS, required=("index",), optional=("name",))
def add(call: Call) -> Answer:
    """Insert a module of the template."""
    module_id, name, index = call.path_text("moduleId"), call.text("name"), call.integer("index") or 0
    return Answer([{"id": family.edit(call, lambda email: email.body.add_module(module_id, name, index)).id}])


@routes.post(f"{MODULE}/delete.json", ASSET_WRITERS)
def delete(call: Call) -> Answer:
    """Remove a module."""
    module_id = call.path_text("moduleId")
    return Answer([{"id": family.edit(call, lambda email: email.body.delete_module(module_id)).id}])


@routes.post(f"{MODULE}/duplicate.json", ASSET_WRITERS, optional=("name",))
def duplicate(call: Call) -> Answer:
    """Copy a module below itself."""
    module_id, name = call.path_text("moduleId"), call.text("name")
    return Answer([{"id": family.edit(call, lambda email: email.body.duplicate_module(module_id, name)).id}])


@routes.post(f"{MODULE}/rename.json", ASSET_WRITERS, required=("name",))
def rename(call: Call) -> Answer:
    """Rename a module."""
    module_id, name = call.path_text("moduleId"), call.text("name") or ""
    return Answer([{"id": family.edit(call, lambda email: email.body.rename_module(module_id, name)).id}])


def _row(variable: Value) -> Members:
    row: Members = {
        "name": variable.name,
        "value": variable.value,
        "moduleScope": variable.module_id is not None,
    }
    return row if variable.module_id is None else {**row, "moduleId": variable.module_id}


@routes.get(f"{EMAIL}/variables.json", ASSET_READERS)
def variables(call: Call) -> Answer:
    """Answer the variables; a module-scoped variable appears once per module."""
    email = call.instance.studio.emails.find(call.path_id("id"))
    return nothing() if email is None else found([_row(variable) for variable in email.newest.body.variables])


@routes.post(f"{EMAIL}/variable/{{name}}.json", ASSET_WRITERS, body_optional=("value", "moduleId"))
def update_variable(call: Call) -> Answer:
    """Set a variable."""
    name, module_id, value = call.path_text("name"), call.body_text("moduleId"), call.body_text("value")
    if value is None:
        raise missing("value")

    def change(email: Email) -> None:
        email.body.variable(name, module_id).value = value

    email = family.edit(call, change)
    return Answer([_row(email.newest.body.variable(name, module_id))])
