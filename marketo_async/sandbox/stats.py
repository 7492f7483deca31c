"""Live counters of the calls of a sandbox, for tests and benchmarks.

They count what the instance saw. See ``records.usage_log`` for the statistics of the usage operations.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrived:
    """One request as it arrived, answered or refused; the token is in neither part."""

    method: str
    target: str
    """The path and the query, as they were sent."""
    body: bytes


@dataclass(slots=True)
class Stats:
    """Counters since the sandbox was made; read them at any time."""

    calls: int = 0
    """API calls that arrived, including refused ones, without identity calls."""
    identity_calls: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Calls that the limits refused with 606, 607 or 615, without injected faults."""
    in_flight: int = 0
    max_in_flight: int = 0
    peak_window: int = 0
    """The maximum number of counted arrivals in any rolling window."""
    arrivals: list[float] = field(default_factory=list)
    """The arrival time of each API call, by the sandbox's clock."""
    requests: list[Arrived] | None = None
    """The API calls that arrived; assign a list to keep them."""
    by_operation: Counter[str] = field(default_factory=Counter)
    """Admitted calls per method and path template, such as ``GET /rest/v1/leads.json``."""
    errors: Counter[str] = field(default_factory=Counter)
    """Answers per error code, including injected faults."""
    faults_injected: Counter[str] = field(default_factory=Counter)
    overlaps: Counter[str] = field(default_factory=Counter)
    """Records written while another call with the same key was under way, by kind such as ``leads by email``."""
    counted_today: int = 0
    """Calls counted against today's quota."""

    def keep(self, method: str, target: str, body: bytes) -> None:
        """Keep a request, where they are kept."""
        if self.requests is not None:
            self.requests.append(Arrived(method, target, body))
