"""The limits of an instance: calls per window, concurrency, daily quota, token life and sizes.

See ``gate`` for how they are enforced, and ``quirks`` for behaviour that is not a number. Marketo's page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/marketo-integration-best-practices
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Protocol


class Limits(Protocol):
    """The four numbers that an object needs to serve as the limits of a sandbox."""

    @property
    def calls(self) -> int:
        """Calls allowed in one rolling window."""
        ...

    @property
    def per(self) -> float:
        """The length of the window in seconds."""
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
    """Whether calls answered with 606, 607 or 615 count against the window and the quota."""
    token_life: float = 3600.0
    uri_bytes: int = 8_192
    asset_uri_bytes: int = 66_560
    body_bytes: int = 1_048_576
    import_bytes: int = 10_485_760
    """Upper limit of the body of a bulk import in bytes, multipart boundaries included."""
    export_daily_bytes: int = 524_288_000
    """Bytes that bulk exports may produce per day of US Central time."""
    ingestion_per_second: int = 5_000
    """Data ingestion requests allowed per second and client id."""
    ingestion_daily: int = 10_000_000
    """Objects that data ingestion accepts per day."""

    @classmethod
    def of(cls, limits: Limits) -> InstanceLimits:
        """Return complete limits from any object with the four numbers, and its other limits if it has them."""
        given = {field.name: getattr(limits, field.name) for field in fields(cls) if hasattr(limits, field.name)}
        return cls(**given)
