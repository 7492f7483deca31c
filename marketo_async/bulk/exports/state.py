"""The state of an export: its windows, the job of each, and how many bytes of the output are written.

It is saved in a file beside the output, so that a later run resumes the same jobs. The intent is saved before a job is
created (write-ahead): a run that is killed before it receives the job's id leaves a trace. See ``output`` for the file.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import differences, replace_file
from marketo_async.bulk.exports.span import OpenRange
from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import ExportJob


class ExportWindow(Struct, kw_only=True, omit_defaults=True):
    """One part of an export and its job.

    ``mark`` is part of the header of the job's file, which proves that the job is ours. ``intended_at`` is when the
    creation was requested, in epoch seconds, until its response is known; ``given_up_at`` is when the response was
    lost. ``adopted``: the job was found by a search and is not proven to be ours. ``not_ours``: ids of jobs that proved
    to be another program's. ``records`` is the job's count, then the file's once that is downloaded.
    """

    part: str
    mark: str
    intended_at: float | None = None
    given_up_at: float | None = None
    job_id: str | None = None
    adopted: bool = False
    not_ours: list[str] = []
    file_size: int | None = None
    file_checksum: str | None = None
    records: int | None = None
    written: bool = False

    @property
    def blank(self) -> bool:
        """Whether no job was requested and nothing is written."""
        return not self.written and self.job_id is None and self.intended_at is None

    def intend(self, now: float) -> None:
        """Record that a job is about to be requested."""
        self.intended_at, self.given_up_at, self.adopted = now, None, False

    def complete(self, job: ExportJob) -> None:
        """Record the size, checksum and number of records that the job's file must have."""
        self.file_size, self.file_checksum, self.records = job.file_size, job.file_checksum, job.number_of_records

    def forget(self) -> None:
        """Remove all traces of a job."""
        self.intended_at = self.given_up_at = self.job_id = None
        self.file_size = self.file_checksum = self.records = None
        self.adopted = False


class ExportState(Struct, kw_only=True):
    """All windows of an export, the arguments of its jobs, and how many bytes of the output are ``written``.

    ``arguments`` are those that the jobs' files depend on; the format of the output is not one of them. ``span`` is
    their range. ``fields`` are those of a request for all fields, without the ``dropped`` ones that can't be exported.
    """

    arguments: Mapping[str, str]
    windows: list[ExportWindow]
    written: int = 0
    complete: bool = False
    span: OpenRange | None = None
    fields: list[str] | None = None
    dropped: list[str] = []

    @property
    def rows(self) -> int:
        """How many rows are written."""
        return sum(window.records or 0 for window in self.windows if window.written)

    @property
    def blank(self) -> bool:
        """Whether the state holds nothing worth keeping."""
        return not self.complete and all(window.blank for window in self.windows)


class StateFile:
    """Keeps a state in a file at ``path``; without a path, only in memory."""

    def __init__(self, state: ExportState, path: Path | None = None) -> None:
        self.state = state
        self._path = path

    def save(self) -> None:
        """Write the state to the file, atomically and durably."""
        if self._path is not None:
            replace_file(self._path, msgspec.json.format(msgspec.json.encode(self.state)))

    def drop(self) -> None:
        """Delete the file."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def load(path: Path, arguments: Mapping[str, str]) -> ExportState | None:
    """Read the state at ``path``; returns ``None`` if the file does not exist.

    Raises `InvalidRequest` if the file is not a state, or belongs to other ``arguments``.
    """
    try:
        state = msgspec.json.decode(path.read_bytes(), type=ExportState)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} is not the state of an export: remove it, or start over") from error
    if found := differences(state.arguments, arguments):
        raise InvalidRequest(
            f"{path} belongs to other arguments ({'; '.join(found)}): pass the same ones to resume, or start over"
        )
    return state


def kept_span(path: Path, asked: str) -> OpenRange | None:
    """Return the range that an unfinished export to ``path``, or to another format has, if ``asked`` is its text."""
    for other in (path, *(path.with_suffix(f".{suffix}") for suffix in ("csv", "tsv", "ssv", "jsonl", "parquet"))):
        with suppress(OSError, msgspec.DecodeError):
            state = msgspec.json.decode(other.with_name(f"{other.name}.state").read_bytes(), type=ExportState)
            if state.span is not None and state.span.asked == asked:
                return state.span
    return None


def new_state(
    arguments: Mapping[str, str],
    parts: Iterable[str],
    rng: random.Random,
    *,
    span: OpenRange | None = None,
    fields: list[str] | None = None,
) -> ExportState:
    """Return the state of an export that has not begun, with a random mark for each part."""
    return ExportState(
        arguments=arguments,
        windows=[ExportWindow(part=part, mark=f"~{rng.getrandbits(48):012x}") for part in parts],
        span=span,
        fields=fields,
    )
