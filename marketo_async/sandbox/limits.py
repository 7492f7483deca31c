"""What an instance allows: calls per window, concurrency, daily quota, token life and sizes.

The numbers only. Enforcing them is the gate's work, and behaviour that is not a number belongs to the quirks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol


class Limits(Protocol):
    """The four numbers that any object must have to serve as the limits of a sandbox."""

    @property
    def calls(self) -> int:
        """Calls allowed in one rolling window."""
        ...

    @property
    def per(self) -> float:
        """Length of the window in seconds."""
        ...

    @property
    def concurrency(self) -> int:
        """Calls allowed in flight at one time."""
        ...

    @property
    def daily(self) -> int:
        """Calls allowed per day of US Central time."""
        ...


@dataclass(frozen=True, slots=True)
class InstanceLimits:
    """The limits of one instance, over all its API users."""

    calls: int = 100
    per: float = 20.0
    concurrency: int = 10
    daily: int = 50_000
    refusals_count: bool = True
    """Whether calls answered 606, 607 or 615 use up the window and the quota themselves."""
    token_life: float = 3600.0
    uri_bytes: int = 8_192
    asset_uri_bytes: int = 66_560
    body_bytes: int = 1_048_576
    import_bytes: int = 10_485_760
    """Bulk imports must be smaller than this, with all that is around the file."""
    export_daily_bytes: int = 524_288_000
    """Bytes that bulk exports may produce in a day of US Central time."""
    ingestion_per_second: int = 5_000
    """Data ingestion requests allowed in one second, for each client id."""
    ingestion_daily: int = 10_000_000
    """Objects that data ingestion takes in a day."""

    @classmethod
    def of(cls, limits: Limits) -> InstanceLimits:
        """Return complete limits from any object with the four numbers, taking further ones where it has them."""
        given = {field.name: getattr(limits, field.name) for field in fields(cls) if hasattr(limits, field.name)}
        return cls(**given)
