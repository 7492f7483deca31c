"""`EventFile`: the file of a feed's events and its checkpoint, kept in step batch by batch. `EventStream` is stdout.

The lines of a batch reach the disk first. Then one transaction in FILE.checkpoint counts their bytes, and keeps the
position and the GUIDs. A process that is killed at any moment leaves at most lines that are not counted; the next run
cuts them off. The GUIDs let it drop the events that a sweep reads again. See ``tail`` for the feed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

import msgspec
from msgspec.structs import replace

from marketo_async.atomic_file import append_to, disk, guard, write_all
from marketo_async.changes import Batch, ChangeEvent, Gap
from marketo_async.changes.position import Position
from marketo_async.changes.store import FeedStore
from marketo_async.cli.checkpoint import Checkpoint
from marketo_async.cli.event_lines import Encode
from marketo_async.errors import InvalidRequest

_SUFFIXES = ("", "-wal", "-shm")  # of the files of an SQLite database


class EventFile:
    """A file of events that a later run continues; use it as an asynchronous context manager.

    Entering it reads the checkpoint. It raises `InvalidRequest` if the file can't be continued, as `Output` does, and
    ``start_over`` replaces file and checkpoint instead. If the file was moved away, a new one holds only new events.
    """

    resumable: ClassVar[bool] = True

    def __init__(self, path: Path, encode: Encode, *, instance: str, format: str, start_over: bool) -> None:
        self.path = path
        self.beside = path.with_name(f"{path.name}.checkpoint")
        self.checkpoint = Checkpoint(arguments={"instance": instance, "--format": format})
        self._encode = encode
        self._instance = instance
        self._start_over = start_over
        self._store = FeedStore(self.beside)
        self._known: frozenset[str] = frozenset()
        self._began = False

    async def __aenter__(self) -> Self:
        """Read the checkpoint; the file is not changed before `begin`."""
        self._file, self._created = append_to(self.path)
        try:
            guard(self._file, self.path)
            if not self._start_over:
                await self._resume()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._leave()

    async def begin(self, position: str) -> None:
        """Cut off what the checkpoint does not count; a new file keeps where its feed starts, even without events."""
        if self._start_over:
            self._remove_checkpoint()
            await self._store.open()
        with disk(self.path):
            self._file.truncate(self.checkpoint.written)
        self._began = True
        if self.checkpoint.token is None:
            await self._count(replace(self.checkpoint, token=position), [])

    async def take(self, batch: Batch) -> None:
        """Write the events that the file does not have yet, then the checkpoint after them."""
        events = [event for event in batch.events if not self._has(event)]
        lines = self._encode(events)
        with disk(self.path):
            write_all(self._file, lines)
            os.fsync(self._file.fileno())
        after = replace(
            self.checkpoint,
            token=batch.position,
            written=self.checkpoint.written + len(lines),
            records=self.checkpoint.records + len(events),
        )
        await self._count(after, events)

    async def _count(self, checkpoint: Checkpoint, events: Sequence[ChangeEvent]) -> None:
        """Keep a checkpoint and the GUIDs of the events that it counts, in one transaction."""
        # An event that is read again was delivered after that moment, however late it was.
        guids = [(event.guid, event.seen_at.timestamp()) for event in events if not isinstance(event, Gap)]
        since = Position.read(checkpoint.token or "", instance=self._instance).read_again
        await self._store.save(msgspec.json.encode(checkpoint).decode(), guids, since=since)
        self.checkpoint = checkpoint

    def _has(self, event: ChangeEvent) -> bool:
        """Return whether an earlier run wrote the event; within one run, the feed delivers each once."""
        return not isinstance(event, Gap) and event.guid in self._known

    async def _resume(self) -> None:
        """Take over the checkpoint, if the file fits to it."""
        size = os.fstat(self._file.fileno()).st_size
        if size and not self.beside.exists():
            raise InvalidRequest(
                f"{self.path} exists without a checkpoint, so it can't be resumed; --start-over replaces it"
            )
        text, known = await self._store.open()
        if text is None:
            return
        found = _checkpoint(text, self.beside)
        if changes := found.changes(self.checkpoint.arguments):
            raise InvalidRequest(
                f"{self.beside} belongs to other arguments ({'; '.join(changes)});"
                " give the same arguments to resume, or use --start-over"
            )
        if not size:  # moved away, or still without events
            found = replace(found, written=0, records=0)
        if size < found.written:
            raise InvalidRequest(
                f"{self.path} has {size:,} bytes, but its checkpoint counts {found.written:,};"
                " put the original file back to resume, or use --start-over"
            )
        self.checkpoint, self._known = found, frozenset(guid for guid, _ in known)

    async def _leave(self) -> None:
        """Close the files; remove those that this run created and did not use."""
        await self._store.close()
        self._file.close()
        if self._created and not self._began:
            self.path.unlink(missing_ok=True)
            if self.checkpoint.token is None and not self._start_over:
                self._remove_checkpoint()

    def _remove_checkpoint(self) -> None:
        for suffix in _SUFFIXES:
            self.beside.with_name(f"{self.beside.name}{suffix}").unlink(missing_ok=True)


class EventStream:
    """Standard output in place of an `EventFile`: it has no checkpoint, and every run starts at ``--since``."""

    path: ClassVar[str] = "stdout"
    resumable: ClassVar[bool] = False

    def __init__(self, encode: Encode) -> None:
        self.checkpoint = Checkpoint(arguments={})
        self._encode = encode

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return

    async def begin(self, _: str) -> None:
        """Do nothing; nothing is written yet."""

    async def take(self, batch: Batch) -> None:
        """Write the events."""
        events: Sequence[ChangeEvent] = batch.events
        sys.stdout.buffer.write(self._encode(events))
        sys.stdout.buffer.flush()
        self.checkpoint = replace(self.checkpoint, records=self.checkpoint.records + len(events))


def _checkpoint(text: str, path: Path) -> Checkpoint:
    try:
        return msgspec.json.decode(text, type=Checkpoint)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{path} is not a checkpoint of this command; remove it, or --start-over") from error
