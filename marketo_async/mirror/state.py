"""`MirrorState`: all that a mirror knows beside its rows, as one JSON text that every load keeps with its rows. Pure.

The destination is the only memory: a mirror begins with the state of the last load that was completed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.errors import ConfigurationError

VERSION = 1
P = TypeVar("P")


class DayUse(Struct, frozen=True, omit_defaults=True):
    """What the mirror used of the instance's quotas in the day that began at ``day`` (epoch seconds): calls, bytes."""

    day: float = 0.0
    calls: int = 0
    exported: int = 0


class MirrorState(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a mirror of ``instance`` knows.

    ``position`` is that of the feed. ``progress`` is JSON of each producer, by its name: what it has loaded, and where
    it continues. ``tables`` are the names of the tables that belong to the mirror, ``types`` the names of the activity
    tables by the ids of their types. ``loads`` counts the loads.
    """

    instance: str
    v: int = VERSION
    position: str | None = None
    progress: Mapping[str, Any] = {}
    tables: tuple[str, ...] = ()
    types: Mapping[int, str] = {}
    use: DayUse = DayUse()
    loads: int = 0

    def text(self) -> str:
        """Return the state as JSON text."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def read(cls, text: str, *, instance: str) -> Self:
        """Return the state in a text.

        Raises `ConfigurationError` for the state of another instance or of a later release.
        """
        try:
            found = msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"the state of the mirror can't be read ({error}); mirror into a database or dataset of its own"
            ) from error
        if found.v != VERSION:
            raise ConfigurationError(
                f"the state of the mirror has version {found.v}, this release reads {VERSION}; use the release that"
                " wrote it"
            )
        if found.instance != instance:
            raise ConfigurationError(
                f"the target is a mirror of {found.instance}, and this client is of {instance}; use another database or"
                " dataset for each instance"
            )
        return found

    def progress_of(self, producer: str, kind: type[P]) -> P | None:
        """Return the progress of a producer as ``kind``, ``None`` before its first load."""
        kept = self.progress.get(producer)
        return None if kept is None else msgspec.convert(kept, kind)

    def with_progress(self, progress: Mapping[str, object]) -> Self:
        """Return the state with new progress of some producers."""
        if not progress:
            return self
        return replace(self, progress={**self.progress, **msgspec.to_builtins(progress)})
