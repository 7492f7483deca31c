"""Long work in small parts, so that the event loop does not stop: a hundred steps in each of its turns."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

_STEPS = 100  # a step often wakes a task, which takes up to 0.1 ms to run: a turn stays near 10 ms
_END = object()


def in_turns(loop: asyncio.AbstractEventLoop, steps: Iterator[object]) -> None:
    """Advance ``steps`` to its end: the first hundred now, and a hundred more in each later turn of ``loop``.

    The steps must not raise. Steps are dropped if the loop ends before them.
    """
    for _ in range(_STEPS):
        if next(steps, _END) is _END:
            return
    loop.call_soon(in_turns, loop, steps)
