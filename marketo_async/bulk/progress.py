"""What a progress hook receives while a bulk export or import runs, and the report at the end. Pure data."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Literal, TypeVar

from msgspec import Struct

from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import ExportJob, ImportJob

log = logging.getLogger("marketo_async.bulk")

P = TypeVar("P")

RejectedKind = Literal["failure", "warning"]


class ExportProgress(Struct, frozen=True, kw_only=True):
    """How far an export is: its windows, those of them whose jobs wait or run, and what has come.

    ``bytes_expected`` and ``rows`` are those of the jobs that have completed. ``used_today`` is the volume of all your
    exports since midnight in America/Chicago as far as it is known, in bytes.
    """

    kind: str
    windows: int
    windows_done: int
    queued: int
    processing: int
    bytes: int
    bytes_expected: int
    rows: int
    used_today: int | None = None


class ImportProgress(Struct, frozen=True, kw_only=True):
    """How far an import is: rows read and files made of them, files that wait or run, and what became of the rows."""

    kind: str
    rows: int
    files: int
    files_done: int
    queued: int
    importing: int
    bytes: int
    processed: int
    failed: int
    warned: int


class ExportReport(Struct, frozen=True, kw_only=True):
    """The result of an export: the jobs in the order of their windows, rows by their count, bytes by the output's.

    ``resumed`` says whether the export resumed an earlier run.
    """

    path: str
    jobs: list[ExportJob]
    rows: int
    bytes: int
    resumed: bool


class Rejected(Struct, frozen=True, kw_only=True):
    """A row that was refused, or taken with a warning: ``index`` in the input from 0, the record as sent, the reason.

    ``index`` is ``None`` where Marketo names a row that was not among those sent in its file.
    """

    kind: RejectedKind
    index: int | None
    record: dict[str, str]
    reason: str
    batch_id: int


class Unlisted(Struct, frozen=True, kw_only=True):
    """Rejected rows that Marketo counts in one file of an import but does not list: which ones is not known.

    They are some of the input's rows in the half-open range from ``first`` to ``end``. ``rows`` is how many, ``None``
    where Marketo gives no count; ``reason`` says why they are not listed.
    """

    kind: RejectedKind
    batch_id: int
    first: int
    end: int
    rows: int | None
    reason: str


class ImportReport(Struct, frozen=True, kw_only=True):
    """The result of an import: its jobs, and the rows that failed or were taken with a warning, in input order.

    ``unlisted`` are rows that failed or have a warning by Marketo's count and can't be named.
    """

    rows: int
    processed: int
    failures: list[Rejected]
    warnings: list[Rejected]
    jobs: list[ImportJob]
    unlisted: list[Unlisted] = []

    @property
    def failed(self) -> int:
        """How many rows failed: those that are named, and those that are only counted."""
        return len(self.failures) + sum(one.rows or 0 for one in self.unlisted if one.kind == "failure")

    @property
    def uncounted(self) -> int:
        """How many rows Marketo has counted neither as taken nor as failed; rows that were not sent are among them."""
        return max(0, self.rows - self.processed - self.failed)

    @property
    def all_taken(self) -> bool:
        """Whether every row is known to have been taken, with or without a warning."""
        unknown = any(one.kind == "failure" for one in self.unlisted)
        return not (self.failures or unknown or self.uncounted)


def check_hook(hook: Callable[[P], object] | None) -> None:
    """Raise `InvalidRequest` for a progress hook that can't be called, or that would have to be awaited."""
    if hook is None:
        return
    if not callable(hook):
        raise InvalidRequest(f"progress is {hook!r}: pass a function that takes one argument")
    if any(map(inspect.iscoroutinefunction, (hook, type(hook).__call__))):
        raise InvalidRequest("progress is an async function, which nothing would await: pass an ordinary function")


def tell(hook: Callable[[P], object] | None, progress: P) -> None:
    """Hand progress to a hook; whatever it raises is logged, because the job itself did not fail.

    Only what ends the program is raised: `KeyboardInterrupt` and `SystemExit`.
    """
    if hook is None:
        return
    try:
        returned = hook(progress)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a CancelledError would look like a cancellation of the job
        log.exception("the progress hook failed")
    else:
        if inspect.iscoroutine(returned):
            returned.close()
            log.error("the progress hook returned a coroutine, which nothing awaits: pass an ordinary function")
