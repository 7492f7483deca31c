"""The records of approved custom object types, and the descriptions of those types."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.object_records import ObjectFamily, description_row
from marketo_async.sandbox.permissions import object_readers, object_writers
from marketo_async.sandbox.records.custom_objects import CustomObjectType
from marketo_async.sandbox.routing import Routes

routes = Routes()

CUSTOM_OBJECTS = ObjectFamily(
    path="/rest/v1/customobjects/{customObjectName}",
    store=lambda call: call.instance.objects.custom.records(call.path_text("customObjectName")),
    readers=object_readers("Custom Object"),
    writers=object_writers("Custom Object"),
    by_body=True,
)
CUSTOM_OBJECTS.serve(routes)


def _row(kind: CustomObjectType) -> Members:
    return description_row(kind.describe(*kind.version("approved")))


@routes.get("/rest/v1/customobjects.json", CUSTOM_OBJECTS.readers, optional=("names",))
def custom_objects(call: Call) -> Answer:
    """Answer the approved custom object types."""
    names = call.many("names")
    return Answer(
        [
            _row(kind)
            for kind in call.instance.objects.custom
            if kind.live is not None and (not names or kind.api_name in names)
        ]
    )


@routes.get(f"{CUSTOM_OBJECTS.path}/describe.json", CUSTOM_OBJECTS.readers)
def describe_custom_object(call: Call) -> Answer:
    """Answer one approved custom object type."""
    return Answer([_row(call.instance.objects.custom.get(call.path_text("customObjectName")))])
