"""The operations on import jobs, the same for all object types. See ``import_kinds`` for what they import.

A family gives its paths, its permissions, and how the rows of a file are imported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Download, Members
from marketo_async.sandbox.records.import_jobs import ImportJob, ImportPlan
from marketo_async.sandbox.routing import Routes

_NO_FILE = "File not found"

Plan = Callable[[Call, str], ImportPlan]
"""Returns the plan of an import by a call at this path."""
Row = Callable[[ImportJob], Members]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFamily:
    """The operations on the import jobs of one object type."""

    path: str
    """The path of an accepted upload."""
    batch: str
    """The path of a batch; the paths of its files extend it."""
    status: str
    """The path of the status of a batch."""
    writers: frozenset[str]
    plan: Plan
    accepted_row: Row
    row: Row
    required: tuple[str, ...] = ("format",)
    optional: tuple[str, ...] = ()

    def serve(self, routes: Routes) -> None:
        """Declare the four operations."""
        routes.post(self.path, self.writers, required=self.required, optional=self.optional, body=("file",))(self.start)
        routes.get(self.status, self.writers)(self.follow)
        routes.get(f"{self.batch}/failures.json", self.writers)(self.failures)
        routes.get(f"{self.batch}/warnings.json", self.writers)(self.warnings)

    def start(self, call: Call) -> Answer:
        """Accept a file and queue its import."""
        return Answer([self.accepted_row(call.instance.imports.add(self.plan(call, self._imported(call))))])

    def follow(self, call: Call) -> Answer:
        """Answer the status of an import."""
        return Answer([self.row(call.instance.imports.get(self._imported(call), call.path_id("batchId")))])

    def failures(self, call: Call) -> Answer:
        """Answer the rows that could not be imported."""
        return self._file(call, "Failure")

    def warnings(self, call: Call) -> Answer:
        """Answer the rows that were imported with a warning."""
        return self._file(call, "Warning")

    def _file(self, call: Call, kind: Literal["Failure", "Warning"]) -> Answer:
        job = call.instance.imports.find(self._imported(call), call.path_id("batchId"))
        content = None if job is None else job.file(kind)
        return Answer(download=Download(_NO_FILE.encode(), found=False) if content is None else Download(content))

    def _imported(self, call: Call) -> str:
        return self.batch.replace("{apiName}", call.arguments.get("apiName", ""))
