"""Runs of smart campaigns requested by the API: leads sent into trigger campaigns, and scheduled batch campaigns.

Nothing runs; the requests are only kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from marketo_async.sandbox.clock import central_day
from marketo_async.sandbox.errors import ApiError

MOST_CLONES = 20


@dataclass(frozen=True, slots=True)
class CampaignRun:
    """One run: its due time, its leads, and the values for my tokens."""

    campaign_id: int
    run_at: float
    lead_ids: tuple[int, ...] = ()
    tokens: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class CampaignRuns:
    """All requested runs, and the number of programs cloned for them per day."""

    runs: list[CampaignRun] = field(default_factory=list)
    clones: dict[date, int] = field(default_factory=dict)

    def check_clones(self, now: float) -> None:
        """Raise 1020 if the clones of the day are used up."""
        if self.clones.get(central_day(now), 0) >= MOST_CLONES:
            raise ApiError("1020", f"'cloneToProgramName' can be used {MOST_CLONES} times a day")

    def count_clone(self, now: float) -> None:
        """Use up one of the clones of the day."""
        day = central_day(now)
        self.clones[day] = self.clones.get(day, 0) + 1
