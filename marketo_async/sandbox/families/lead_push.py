"""Push Lead and Submit Form: upserts that also write an activity, which triggers campaigns."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.parameters import as_integer, as_object
from marketo_async.sandbox.permissions import LEAD_WRITERS
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.activity_types import FILL_OUT_FORM, PUSH_LEAD
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import associate_cookie, check_cookie, move_in_program
from marketo_async.sandbox.records.programs import Program, Status, SubmittableForm
from marketo_async.sandbox.records.upsert import Upsert, find_partition
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _program(instance: Instance, name: str) -> Program:
    for program in instance.programs.values():
        if program.name == name:
            return program
    raise ApiError("1013", f"Program '{name}' not found")


@routes.post(
    "/rest/v1/leads/push.json",
    LEAD_WRITERS,
    body=("input", "programName"),
    body_optional=("lookupField", "partitionName", "programStatus", "reason", "source"),
)
async def push_lead(call: Call) -> Answer:
    """Upsert leads into a program, with one activity each."""
    program = _program(call.instance, call.body_text("programName") or "")
    status = program.statuses[0]
    named = call.body_text("programStatus")
    if named is not None:
        status = known_status(program, named)
    attributes = tuple(
        Attribute(name.capitalize(), call.body_text(name)) for name in ("reason", "source") if call.member(name)
    )
    upsert = Upsert(
        call.instance,
        call.records(),
        lookup=call.instance.lead_fields.filterable(call.body_text("lookupField") or "email"),
        partition=find_partition(call.instance, call.body_text("partitionName")),
        source=call.body_text("source") or "Push Lead to Marketo",
    )
    with upsert.under_way():
        await call.work.done()
        rows = upsert.apply()
    for row in rows:
        if "id" in row:
            lead_id = as_integer("id", row["id"])
            call.instance.activities.add(lead_id, PUSH_LEAD, (program.id, program.name), attributes)
            move_in_program(call.instance, program, lead_id, status)
    return Answer(rows, warnings=[])


def known_status(program: Program, name: str) -> Status:
    """Return a status of the program's channel, or raise 1025."""
    status = program.status(name)
    if status is None:
        raise ApiError("1025", f"Program status '{name}' not found")
    return status


@routes.post("/rest/v1/leads/submitForm.json", LEAD_WRITERS, body=("input", "formId"), body_optional=("programId",))
async def submit_form(call: Call) -> Answer:
    """Fill out a form for one lead; if several leads have its e-mail address, the newest is updated."""
    form = call.instance.forms.get(as_integer("formId", call.member("formId")))
    if form is None:
        raise ApiError("1013", "Form not found")
    program_id = call.member("programId")
    program = call.instance.programs.get(form.program_id if program_id is None else as_integer("programId", program_id))
    if program is None:
        raise ApiError("1013", "Program not found")
    records = call.records()
    if len(records) != 1:
        raise ApiError("1003", "'input' must hold exactly one record")
    fields = as_object("leadFormFields", records[0].get("leadFormFields"))
    cookie = records[0].get("cookie")
    try:
        _check_form(form, fields)
        if cookie is not None:
            check_cookie(str(cookie))
    except RecordError as error:
        return Answer([{"status": "skipped", "reasons": error.reasons}])
    # The form decides which fields may be filled in, including company columns.
    upsert = Upsert(
        call.instance,
        [fields],
        lookup=call.instance.lead_fields.get("email"),
        newest_of_several=True,
        company_writable=True,
        source="Web form fillout",
    )
    await call.work.done()
    rows = upsert.apply()
    if "id" in rows[0]:
        lead_id = as_integer("id", rows[0]["id"])
        visit = records[0].get("visitorData")
        call.instance.activities.add(lead_id, FILL_OUT_FORM, (form.id, form.name), _form_attributes(fields, visit))
        move_in_program(call.instance, program, lead_id, program.statuses[0])
        if cookie is not None:
            associate_cookie(call.instance, lead_id, str(cookie))
    return Answer(rows)


def _check_form(form: SubmittableForm, fields: Members) -> None:
    if not fields.get("email"):
        raise RecordError("1003", "'email' is required in leadFormFields")
    for name in fields:
        if name not in form.fields:
            raise RecordError("1006", f"Field '{name}' not found on form {form.id}")


def _form_attributes(fields: Members, visit: object) -> tuple[Attribute, ...]:
    attributes = [Attribute("Form Fields", ",".join(sorted(fields)))]
    if isinstance(visit, dict):
        attributes += [
            Attribute(label, str(visit[name]))
            for name, label in (("leadClientIpAddress", "Client IP Address"), ("queryString", "Query Parameters"))
            if visit.get(name)
        ]
    return tuple(attributes)
