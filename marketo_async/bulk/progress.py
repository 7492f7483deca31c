"""The progress that a hook receives while a bulk export or import runs, and the report at its end."""

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
    """The progress of an export: ``windows``, how many of them are done, queued or processing, and bytes received.

    ``bytes_expected`` and ``rows`` count the completed jobs. ``used_today`` is the volume of all your exports since
    midnight in America/Chicago, in bytes; ``None`` if it is not known.
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
    """The progress of an import: ``rows`` read, their files and how many are done, and the counts of Marketo.

    ``under_way`` are the batch ids of the files that were sent and whose result is not known yet.
    """

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
    under_way: tuple[int, ...] = ()


class ExportReport(Struct, frozen=True, kw_only=True):
    """The result of an export: ``jobs`` in the order of their windows, the sum of their rows, the bytes of the output.

    ``resumed`` says whether the export resumed an earlier run. ``dropped`` are the fields that an export of all fields
    left out, because the instance does not export them.
    """

    path: str
    jobs: list[ExportJob]
    rows: int
    bytes: int
    resumed: bool
    dropped: list[str] = []


class Rejected(Struct, frozen=True, kw_only=True):
    """A row that failed or has a warning: ``index`` in the input, counted from 0, the record as sent, the reason.

    ``index`` is ``None`` if the row that Marketo lists is not found among the rows that were sent.
    """

    kind: RejectedKind
    index: int | None
    record: dict[str, str]
    reason: str
    batch_id: int


class Unlisted(Struct, frozen=True, kw_only=True):
    """Rejected rows of one file of an import that Marketo counts but does not list, so they can't be identified.

    They are among the input's rows in the half-open range [``first``, ``end``). ``rows`` is how many there are, or
    ``None`` if Marketo gives no count; ``reason`` says why they are not listed.
    """

    kind: RejectedKind
    batch_id: int
    first: int
    end: int
    rows: int | None
    reason: str


class ImportReport(Struct, frozen=True, kw_only=True):
    """The result of an import: its jobs, and the rows that failed or have a warning, in input order.

    ``unlisted`` are further such rows, which Marketo counts but does not list. ``files`` is into how many files the
    rows were cut.
    """

    rows: int
    processed: int
    failures: list[Rejected]
    warnings: list[Rejected]
    jobs: list[ImportJob]
    unlisted: list[Unlisted] = []
    files: int = 0

    @property
    def failed(self) -> int:
        """How many rows failed: the listed ones and those that are only counted."""
        return len(self.failures) + sum(group.rows or 0 for group in self.unlisted if group.kind == "failure")

    @property
    def uncounted(self) -> int:
        """How many rows Marketo counts neither as processed nor as failed; rows that were not sent are among them."""
        return max(0, self.rows - self.processed - self.failed)

    @property
    def all_taken(self) -> bool:
        """Whether Marketo is known to have processed every row, with or without a warning."""
        unknown = any(group.kind == "failure" for group in self.unlisted)
        return not (self.failures or unknown or self.uncounted)


def check_hook(hook: Callable[[P], object] | None) -> None:
    """Raise `InvalidRequest` for a progress hook that can't be called, or that is an async function."""
    if hook is None:
        return
    if not callable(hook):
        raise InvalidRequest(f"progress is {hook!r}: pass a function that takes one argument")
    if any(map(inspect.iscoroutinefunction, (hook, type(hook).__call__))):
        raise InvalidRequest("progress is an async function, which nothing would await: pass an ordinary function")


def emit(hook: Callable[[P], object] | None, progress: P) -> None:
    """Call a hook with ``progress``; an exception of the hook is logged, because the job itself did not fail.

    Only `KeyboardInterrupt` and `SystemExit`, which end the program, are raised.
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
