"""The state of an export in small: its windows, the job of each, and how much of the output is written.

Kept in a file beside the output it lets another run take up the jobs that were made, also where this one was killed
between asking for a job and hearing its id: the intent stands first. Not here: the output (``output``).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import differences, replace_file
from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import ExportJob


class ExportWindow(Struct, kw_only=True, omit_defaults=True):
    """One part of an export and its job.

    ``mark`` stands in the header of the job's file, and so proves whose job it is. ``intended_at`` is when the job was
    asked for, in epoch seconds, as long as no answer is known, and ``given_up_at`` when its answer was lost;
    ``adopted`` says that a job was taken for the lost one without proof, and ``not_ours`` holds jobs that turned out to
    be another program's. ``records`` are those of the job, and once its file is here those of the file.
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
        """Whether no job was asked for, and nothing has come."""
        return not self.written and self.job_id is None and self.intended_at is None

    def intend(self, now: float) -> None:
        """Note that a job is asked for now."""
        self.intended_at, self.given_up_at, self.adopted = now, None, False

    def complete(self, job: ExportJob) -> None:
        """Note what the job's file is to be."""
        self.file_size, self.file_checksum, self.records = job.file_size, job.file_checksum, job.number_of_records

    def forget(self) -> None:
        """Be as if no job had been asked for."""
        self.intended_at = self.given_up_at = self.job_id = None
        self.file_size = self.file_checksum = self.records = None
        self.adopted = False


class ExportState(Struct, kw_only=True):
    """All windows of an export, the arguments that they belong to, and the bytes of the output that they fill.

    The arguments are those that the jobs' files depend on, and not the format of the output that is made of them.
    """

    arguments: Mapping[str, str]
    windows: list[ExportWindow]
    written: int = 0
    complete: bool = False

    @property
    def rows(self) -> int:
        """How many rows are written."""
        return sum(window.records or 0 for window in self.windows if window.written)

    @property
    def blank(self) -> bool:
        """Whether nothing would be lost without this state."""
        return not self.complete and all(window.blank for window in self.windows)


class StateFile:
    """Where a state is kept: in a file at ``path``, or in memory alone."""

    def __init__(self, state: ExportState, path: Path | None = None) -> None:
        self.state = state
        self._path = path

    def save(self) -> None:
        """Keep the state as it is now, for good."""
        if self._path is not None:
            replace_file(self._path, msgspec.json.format(msgspec.json.encode(self.state)))

    def drop(self) -> None:
        """Keep no state any more."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def load(path: Path, arguments: Mapping[str, str]) -> ExportState | None:
    """Read the state at ``path``, or return ``None`` where there is none.

    Raises `InvalidRequest` for a file of another kind, and for a state that belongs to other ``arguments``.
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


def new_state(arguments: Mapping[str, str], parts: Iterable[str], rng: random.Random) -> ExportState:
    """Return the state of an export that has not begun, with a mark for every part."""
    return ExportState(
        arguments=arguments, windows=[ExportWindow(part=part, mark=f"~{rng.getrandbits(48):012x}") for part in parts]
    )
