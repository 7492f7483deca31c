"""``usage``: shows today's calls and errors of all API users of the instance, as tables or as JSON."""

from __future__ import annotations

import asyncio
from datetime import datetime

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from marketo_async import Marketo
from marketo_async.codes import lookup
from marketo_async.models.usage import ErrorsDay, UsageDay


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """Today's calls and errors, and the calls left of the daily quota."""

    usage: UsageDay
    errors: ErrorsDay
    daily: int
    left: int
    resets_at: datetime

    def table(self) -> RenderableType:
        """Return two tables and a line about the quota."""
        calls = Table(
            "API user", "calls", title="Calls today", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
        )
        calls.columns[1].justify = "right"
        for user in self.usage.users:
            calls.add_row(user.user_id, f"{user.count:,}")
        calls.add_row("all", f"{self.usage.total:,}", style="bold")
        errors = Table(
            "code", "errors", "meaning", title="Errors today", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
        )
        errors.columns[1].justify = "right"
        for error in self.errors.errors:
            code = str(error.error_code)
            errors.add_row(code, f"{error.count:,}", lookup(code, "").meaning)
        errors.add_row("all", f"{self.errors.total:,}", "", style="bold")
        quota = Text(f"{self.left:,} of {self.daily:,} calls are left until {self.resets_at:%Y-%m-%d %H:%M} UTC.")
        return Group(calls, errors, quota)


async def fetch(marketo: Marketo) -> Report:
    """Fetch today's figures from Marketo; makes two calls."""
    async with marketo:
        usage, errors = await asyncio.gather(marketo.calibrate(), marketo.usage.errors_today())
        now = marketo.governor.snapshot()
    return Report(
        usage=usage, errors=errors, daily=marketo.governor.limits.daily, left=now.left_today, resets_at=now.resets_at
    )
