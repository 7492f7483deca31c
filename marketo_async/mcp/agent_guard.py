"""`AgentGuard`: what the guard knows of one agent on one instance, from call to call.

See ``guard`` for the steps that a call passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from marketo_async.call import Options
from marketo_async.caller import OpenClient
from marketo_async.effects import Effect, effect_of, family_of
from marketo_async.errors import Denied
from marketo_async.governor import Limits, Priority
from marketo_async.mcp.access import Access, Verdict
from marketo_async.mcp.agent_share import CALLS, RECORDS, DayBudget, share_of
from marketo_async.mcp.audit import AuditLog
from marketo_async.mcp.policy import Confirmer
from marketo_async.mcp.recorder import Origin, Recorder
from marketo_async.operation import Operation, Plan
from marketo_async.session import SingleCalls

_OUTSIDERS = 900.0  # seconds after an answer with outsiders' text in which a person must confirm
# The families whose answers hold what outsiders typed.
_OUTSIDE = frozenset(
    (
        "leads",
        "lists",
        "activities",
        "program_members",
        "companies",
        "opportunities",
        "opportunity_roles",
        "named_accounts",
        "custom_objects",
        "bulk.leads",
        "bulk.activities",
        "bulk.program_members",
        "bulk.custom_objects",
    )
)
_AT_RISK = frozenset({Effect.REACH, Effect.PUBLISH, Effect.ERASE})


class AgentGuard:
    """The guard of one agent on one instance: keep one for all of its calls, and make a `GuardedSender` for each tool.

    ``opened`` returns the open client, ``options`` are those of its calls, ``limits`` those of the instance. ``audit``
    and ``budget`` belong to the instance too.
    """

    def __init__(
        self,
        access: Access,
        opened: Callable[[], OpenClient[SingleCalls]],
        options: Options,
        *,
        audit: AuditLog,
        budget: DayBudget,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.access = access
        self.opened = opened
        self.budget = budget
        self.share = share_of(access.agent.limits, limits)
        self.recorder = Recorder(audit, agent=access.name, title=access.agent.title or access.name)
        priority = access.agent.call_priority
        # Listings of a normal agent let single calls go first, as they do without a priority.
        self.options = replace(options, share=self.share, priority=None if priority is Priority.NORMAL else priority)
        self._clock = clock
        self._outsiders_until = float("-inf")

    def confirmer(self, verdict: Verdict) -> Confirmer:
        """Return who must confirm an allowed call now; what outsiders wrote may have led to it."""
        if verdict.confirm == "none" and verdict.effect in _AT_RISK and self._clock() < self._outsiders_until:
            return "host"
        return verdict.confirm

    def note_answer(self, operation: Operation, records: int) -> None:
        """Remember that an answer held what outsiders typed."""
        watched = self.access.agent.after_reading_outsiders is not None
        if watched and records and family_of(operation.name) in _OUTSIDE:
            self._outsiders_until = self._clock() + _OUTSIDERS

    def record_denied(self, operation: Operation, plan: Plan[Any], denial: Denied, origin: Origin) -> None:
        """Put a denial on record. Raises `AuditUnavailable`."""
        self.recorder.denied(operation, plan, denial, effect_of(operation, plan), origin)

    def left_today(self) -> dict[str, int | None]:
        """Return what is left of the day's budgets, ``None`` for what is not limited."""
        name, caps = self.access.name, self.access.agent.limits
        most = {CALLS: caps.calls_a_day, RECORDS: caps.records_a_day}
        return {what: None if cap is None else max(0, cap - self.budget.used(name, what)) for what, cap in most.items()}
