"""``marketo.bulk_activities``: activities in files. Not here: waiting for a job to end, and deleted leads."""

from __future__ import annotations

from marketo_async.models.bulk import ActivitySelection
from marketo_async.resources.export_mixins import Exports


class BulkActivities(Exports[ActivitySelection]):
    """Exports of activities by date and type; their attributes are JSON in one column."""

    name, root, rights = "bulk_activities", "/bulk/v1/activities", ("Read-Only Activity",)
