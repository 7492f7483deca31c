"""Those who call: what each asked for, by when it must have an answer, and whether the answer that it got is true."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from marketo_async import Marketo
from marketo_async.errors import CallTimeout, MarketoError, OutcomeUnknown
from tests.life.instance import FILE, Instance

_NEVER_TWICE = frozenset({"push", "form", "trigger", "merge"})
LATE = 0.01  # seconds that an answer may come late


class Memory:
    """A file's bytes, in memory."""

    def __init__(self) -> None:
        self.content = b""

    @property
    def held(self) -> int:
        return len(self.content)

    def restart(self) -> None:
        self.content = b""

    def write(self, chunk: bytes) -> None:
        self.content += chunk


@dataclass(eq=False)
class Caller:
    """One caller; *bound* is how long it may take after it began, where its arguments set that."""

    kind: str
    tags: tuple[str, ...]
    began: float
    bound: float
    client: object
    due: float = inf
    task: asyncio.Task[Any] | None = None
    gave_up: bool = False
    """Cancelled by whoever made it."""
    left: bool = False
    """Left behind with its loop or its worker: what it receives is not for anybody."""
    ended: float | None = None
    value: Any = None
    error: BaseException | None = None
    delivered: list[int] = field(default_factory=list)
    sink: Memory = field(default_factory=Memory)
    foreign_token: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        self.due = self.began + self.bound + LATE

    @property
    def lateness(self) -> str:
        bound = "its client was closed" if self.closed else f"its {self.bound:g} s"
        return f"too late, or never: {bound}, {self.ended} of {self.due}"

    @property
    def waits(self) -> bool:
        return self.ended is None and not self.gave_up and not self.left

    def __repr__(self) -> str:
        return f"<{self.kind} {', '.join(self.tags)} since {self.began:.3f}>"


async def run(caller: Caller, work: Awaitable[Any], clock: Callable[[], float]) -> None:
    """Wait for *work* as a caller does, and note what came."""
    try:
        caller.value = await work
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is judged
        caller.error = error
    caller.ended = clock()


def get(client: Marketo, tag: str) -> Awaitable[Any]:
    return client.leads.get(int(tag))


async def drain(client: Marketo, caller: Caller) -> None:
    """Read a listing page by page."""
    pager = client.lists.leads(int(caller.tags[0]), batch_size=3)
    try:
        async for page in pager.pages():
            caller.delivered += [record["id"] for record in page.items]
    except MarketoError as error:
        caller.foreign_token = error.token != pager.token
        raise


def problems(caller: Caller, instance: Instance) -> list[str]:  # noqa: C901, PLR0912 - a case for each kind
    """Return what is untrue in what a caller received, now that everything it asked for is over."""
    acted = [instance.acted[tag] for tag in caller.tags]
    found = []
    if caller.kind in _NEVER_TWICE and max(acted) > 1:
        found.append(f"was done {max(acted)} times")
    if caller.kind == "list":
        found += _delivery(caller, instance.totals[int(caller.tags[0])])
    if caller.ended is None or caller.left or caller.gave_up:
        return found
    error = caller.error
    if isinstance(error, asyncio.CancelledError):
        return [*found, "was cancelled by nobody"]
    if error is not None and not isinstance(error, MarketoError):
        return [*found, f"got {error!r}, which is not an error of this package"]
    if caller.kind == "get":
        if error is None and caller.value != {"id": int(caller.tags[0])}:
            found.append(f"got {caller.value!r}, which is somebody else's")
    elif caller.kind == "file":
        if error is None and caller.sink.content != FILE:
            found.append(f"got {len(caller.sink.content)} bytes of {len(FILE)}, or others")
    elif caller.kind == "hot":  # others write the same records, so only a success tells
        told = error is None and not any(result.unknown or result.failed for result in caller.value)
        if told and not all(acted):
            found.append("got a success, and was not done")
    elif caller.kind != "list":
        found += _truth(caller, error, acted)
        sure = caller.bound == inf and not caller.closed and not instance.lost.intersection(caller.tags)
        if sure and isinstance(error, OutcomeUnknown):
            found.append(f"got {error!r} though every answer came back")
    return found


def _delivery(caller: Caller, total: int) -> list[str]:
    """Hold the records of a listing against what there is: each once, in order, and all where nothing was raised."""
    whole = list(range(total))
    finished = caller.ended is not None and not caller.left and caller.error is None
    if caller.delivered != whole[: len(caller.delivered)] or (finished and caller.delivered != whole):
        return [f"delivered {caller.delivered} of {total}"]
    return ["got an error that carries the token of another listing"] if caller.foreign_token else []


def _truth(caller: Caller, error: BaseException | None, acted: Sequence[int]) -> list[str]:
    """Hold what a write says against what was done."""
    if isinstance(error, OutcomeUnknown):
        return []
    if error is not None:
        sure = not isinstance(error, CallTimeout) or not error.sent
        return [f"got {error!r}, and was done"] if sure and any(acted) else []
    if isinstance(caller.value, list):
        return [
            f"got {result.status}{' (settled)' if result.settled else ''} for {tag}, done {times} times"
            for result, tag, times in zip(caller.value, caller.tags, acted, strict=True)
            if not result.unknown and (times > 0) is result.failed
        ]
    return [] if all(acted) else ["got a success, and was not done"]
