"""Where the state of a fleet lives, when more than one process works on one instance: the stores and what they share.

`Store` is what a governor asks; ``sqlite`` serves the processes of one machine, ``redis`` those of many. Each is
imported when it is first named. Not here: the rule that they keep (``fleet``).
"""

from __future__ import annotations

from typing import Protocol

from marketo_async.governor.messages import Question, Reply


class Store(Protocol):
    """Keeps one instance's `Fleet`, and lets it decide about one question after the other, whoever asks."""

    lease: float | None
    """Seconds that a call is held for a worker that gives no sign of life; `None` for the governor's choice."""

    async def ask(self, question: Question) -> Reply:
        """Decide, atomically; asking the same thing twice does no harm. Raises `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Let go of connections; the next question opens them again."""
        ...
