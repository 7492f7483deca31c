"""The change feed: killed consumers, a backlog, the price and the lag at rest, and its memory.

Every part is judged by a server in another process, or by the sandbox's own log in virtual time, never by what the feed
says of itself. See ``feed_kills``, ``feed_backlog`` and ``feed_at_rest`` for the parts and their bounds.
"""

from __future__ import annotations

from benchmarks import feed_at_rest, feed_backlog, feed_kills
from benchmarks.report import Figure


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` measures less of each."""
    return [figure for part in (feed_kills, feed_backlog, feed_at_rest) for figure in part.run(quick=quick)]
