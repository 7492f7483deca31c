"""Imports of leads, program members and custom objects: their arguments and answers. See ``import_jobs``."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.import_jobs import ImportFamily
from marketo_async.sandbox.families.lead_push import known_status
from marketo_async.sandbox.permissions import LEAD_WRITERS, object_writers
from marketo_async.sandbox.records.delimited import as_format
from marketo_async.sandbox.records.import_jobs import ImportJob, ImportPlan
from marketo_async.sandbox.records.imported import import_lead, import_member, import_object
from marketo_async.sandbox.records.upsert import find_partition
from marketo_async.sandbox.routing import Routes

routes = Routes()


def plan_leads(call: Call, imported: str) -> ImportPlan:
    """Plan to create or update leads, and optionally add them to a static list."""
    instance = call.instance
    lookup = instance.lead_fields.filterable(call.text("lookupField") or "email")
    partition = find_partition(instance, call.text("partitionName"))
    list_id = call.integer("listId")
    static_list = None if list_id is None else instance.lists.get(list_id)
    if list_id is not None and static_list is None:
        raise ApiError("1013", f"List '{list_id}' not found")
    return ImportPlan(
        imported=imported,
        file_format=as_format(call.text("format")),
        content=call.upload("file").content,
        import_row=lambda record: import_lead(instance, record, lookup, partition, static_list),
        list_id=list_id,
    )


def plan_members(call: Call, imported: str) -> ImportPlan:
    """Plan to make leads members of a program, all with the same status."""
    instance = call.instance
    program = instance.programs.get(call.path_id("programId"))
    if program is None:
        raise ApiError("1013", "Program not found")
    status = known_status(program, call.text("programMemberStatus") or "")
    return ImportPlan(
        imported=imported,
        file_format=as_format(call.text("format")),
        content=call.upload("file").content,
        import_row=lambda record: import_member(instance, record, program, status),
        required_columns=("email",),
    )


def plan_objects(call: Call, imported: str) -> ImportPlan:
    """Plan to create or update the records of a custom object type."""
    instance = call.instance
    store = instance.objects.custom.records(call.path_text("apiName"))
    return ImportPlan(
        imported=imported,
        file_format=as_format(call.text("format")),
        content=call.upload("file").content,
        import_row=lambda record: import_object(instance, record, store),
    )


def accepted_row(job: ImportJob) -> Members:
    """Return the row of an import of leads or members in the answer to its upload."""
    return {"batchId": job.batch_id, "importId": str(job.batch_id), "status": job.status}


def lead_row(job: ImportJob) -> Members:
    """Return the row of an import of leads or members, with counters."""
    return {**accepted_row(job), "numOfLeadsProcessed": job.processed, **_rejects(job)}


def accepted_object_row(job: ImportJob) -> Members:
    """Return the row of an import of custom objects in the answer to its upload."""
    name = job.plan.imported.split("/")[4]
    return {"batchId": job.batch_id, "operation": "import", "objectApiName": name, "status": job.status}


def object_row(job: ImportJob) -> Members:
    """Return the row of an import of custom objects, with counters."""
    return {
        **accepted_object_row(job),
        "numOfObjectsProcessed": job.processed,
        "importTime": f"{job.seconds} second(s)",
        **_rejects(job),
    }


def _rejects(job: ImportJob) -> Members:
    return {
        "numOfRowsFailed": len(job.failures),
        "numOfRowsWithWarning": len(job.warnings),
        "message": job.message,
    }


_OBJECTS = "/bulk/v1/customobjects/{apiName}/import"
_MEMBERS = "/bulk/v1/program/members/import/{batchId}"

for _family in (
    ImportFamily(
        path="/bulk/v1/leads.json",
        batch="/bulk/v1/leads/batch/{batchId}",
        status="/bulk/v1/leads/batch/{batchId}.json",
        writers=LEAD_WRITERS,
        plan=plan_leads,
        # The description requires the counter in the answer to the upload, too.
        accepted_row=lead_row,
        row=lead_row,
        optional=("lookupField", "partitionName", "listId"),
    ),
    ImportFamily(
        path="/bulk/v1/program/{programId}/members/import.json",
        batch=_MEMBERS,
        status=f"{_MEMBERS}/status.json",
        writers=LEAD_WRITERS,
        plan=plan_members,
        accepted_row=accepted_row,
        row=lead_row,
        required=("programMemberStatus", "format"),
    ),
    ImportFamily(
        path=f"{_OBJECTS}.json",
        batch=f"{_OBJECTS}/{{batchId}}",
        status=f"{_OBJECTS}/{{batchId}}/status.json",
        writers=object_writers("Custom Object"),
        plan=plan_objects,
        accepted_row=accepted_object_row,
        row=object_row,
    ),
):
    _family.serve(routes)
