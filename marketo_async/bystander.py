"""Waiting for a task that others wait for too, or that must run to its end whoever has gone. Not here: the tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from marketo_async.errors import MarketoError, own

T = TypeVar("T")


async def shared(task: asyncio.Task[T], *, gone: Callable[[], MarketoError]) -> T:
    """Wait for *task* without cancelling it when the caller is cancelled.

    If the task fails, every caller gets an exception of its own (`own`). If the task itself was cancelled, what *gone*
    makes is raised: that does not cancel the caller, and must not look as if it did.
    """
    await asyncio.wait([task])  # and not the task: to raise its exception here would change what the others hold
    if task.cancelled():
        raise gone()
    if (error := task.exception()) is not None:
        raise own(error)
    return task.result()
