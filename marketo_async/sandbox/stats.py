"""Live counters of what reached a sandbox, for tests and benchmarks.

They see everything as the instance saw it. The statistics that the usage operations answer are kept elsewhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stats:
    """Counters since the sandbox was made; read them at any time."""

    calls: int = 0
    """API calls that arrived, refused ones included, identity calls not."""
    identity_calls: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Calls refused with 606, 607 or 615 by the limits themselves (injected ones are not among them)."""
    in_flight: int = 0
    max_in_flight: int = 0
    peak_window: int = 0
    """The most counted arrivals that any rolling window held."""
    arrivals: list[float] = field(default_factory=list)
    """When each API call arrived, by the sandbox's clock."""
    by_operation: Counter[str] = field(default_factory=Counter)
    """Admitted calls per method and path template, such as ``GET /rest/v1/leads.json``."""
    errors: Counter[str] = field(default_factory=Counter)
    """Answers per error code, injected ones included."""
    faults_injected: Counter[str] = field(default_factory=Counter)
    overlaps: Counter[str] = field(default_factory=Counter)
    """Records written while another call with the same key was under way, by kind: ``leads by email``, a family's."""
    counted_today: int = 0
    """Calls counted against today's quota."""
