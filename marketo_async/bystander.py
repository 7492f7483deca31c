"""Waiting for a task that others wait for too, or that must run to its end whoever has gone. Not here: the tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from marketo_async.errors import MarketoError

T = TypeVar("T")


async def outcome_of(task: asyncio.Task[T], *, gone: Callable[[], MarketoError]) -> T:
    """Wait for *task* without cancelling it when the caller is cancelled.

    Where the task itself was cancelled, what *gone* makes is raised: that is no cancellation of the caller, and must
    not look like one. Where both were, the caller's own counts.
    """
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if not task.cancelled() or (caller is not None and caller.cancelling()):
            raise
        raise gone() from None
