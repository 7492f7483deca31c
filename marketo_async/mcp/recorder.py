"""`Recorder`: writes the records of an agent's calls to the audit, an intent before each call and its outcome after.

See ``audit`` for the files, and ``guard`` for when each record is written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.effects import Effect
from marketo_async.errors import ApiError, AuditUnavailable, Denied, MarketoError, OutcomeUnknown
from marketo_async.governor import CallRecord
from marketo_async.mcp.audit import AuditLog, AuditRecord
from marketo_async.mcp.audit.sentences import CallFacts, denial_sentence, intent_sentence, outcome_sentence
from marketo_async.mcp.calls import carried, digest_of_sent, sent
from marketo_async.operation import Operation, Plan

log = logging.getLogger("marketo_async.mcp")

_REQUEST_IDS = 20  # of one call that are recorded


class Attempts:
    """Collects the attempts of one call; ``forward`` receives them too."""

    def __init__(self, forward: Callable[[CallRecord], None] | None = None) -> None:
        self.calls = 0
        self.waited = 0.0
        self.request_ids: list[str] = []
        self._forward = forward

    def __call__(self, record: CallRecord) -> None:
        """Count one attempt."""
        self.calls += 1
        self.waited += record.waited
        if record.request_id is not None:
            self.request_ids.append(record.request_id)
        if self._forward is not None:
            self._forward(record)


class Origin(Struct, frozen=True, kw_only=True):
    """Where the calls of a sender come from: the way to the server, the tool, and the plan that was approved."""

    via: str = ""
    tool: str = ""
    plan: str = ""


class OpenRecord(Struct, frozen=True):
    """A call whose intent is on record: its number there, what was facts, and when it began."""

    number: int
    record: AuditRecord
    facts: CallFacts
    began: float


class Recorder:
    """The recorder of one agent on one instance; ``title`` is its name in sentences."""

    def __init__(self, audit: AuditLog, *, agent: str, title: str) -> None:
        self._audit = audit
        self._agent, self._title = agent, title

    def denied(self, operation: Operation, plan: Plan[Any], denial: Denied, effect: Effect, origin: Origin) -> None:
        """Record that a call was denied. Raises `AuditUnavailable`."""
        record, facts = self._described(operation, plan, effect, denial.rule, origin)
        says = denial_sentence(facts, denial.rule, denial.why)
        self._audit.append(replace(record, kind="denied", decision="denied", says=says))

    async def intent(
        self, operation: Operation, plan: Plan[Any], effect: Effect, rule: str, origin: Origin, confirmed_by: str
    ) -> OpenRecord:
        """Record that a call is about to be made, a write on the disk. Raises `AuditUnavailable`."""
        record, facts = self._described(operation, plan, effect, rule, origin)
        decision = "confirmed" if confirmed_by else "allowed"
        says = intent_sentence(facts, rule, confirmed_by)
        record = replace(record, decision=decision, approved_by=confirmed_by, says=says)
        number = await self._audit.write(record, durable=operation.write)
        return OpenRecord(number, record, facts, time.monotonic())

    async def outcome(
        self, entry: OpenRecord, attempts: Attempts, *, records: int, error: BaseException | None = None
    ) -> None:
        """Record what became of a call. Raises `AuditUnavailable`, which says that the call was made."""
        code, ids = code_of(error), attempts.request_ids[:_REQUEST_IDS]
        record = replace(
            entry.record,
            at=self._audit.now(),
            kind="outcome",
            arguments={},
            about=[],
            says=outcome_sentence(entry.facts, calls=attempts.calls, records=records, code=code, request_ids=ids),
            intent=entry.number,
            calls=attempts.calls,
            waited=round(attempts.waited, 3),
            ms=round(1000 * (time.monotonic() - entry.began), 1),
            records=records,
            request_ids=ids,
            code=code,
        )
        try:
            if error is not None and not isinstance(error, MarketoError):
                self._audit.append(record)  # a caller who is cancelled waits for nothing
            else:
                await self._audit.write(record, durable=entry.facts.operation.write)
        except AuditUnavailable as unavailable:
            if error is None:
                made = f"the call was made, but its outcome can't be recorded: {unavailable.message}"
                raise AuditUnavailable(made, hint="look before you repeat it") from unavailable
            log.exception("the outcome of record %d can't be recorded", entry.number)  # the caller gets its own error

    def _described(
        self, operation: Operation, plan: Plan[Any], effect: Effect, rule: str, origin: Origin
    ) -> tuple[AuditRecord, CallFacts]:
        what, audit = sent(plan), self._audit
        facts = CallFacts(
            who=self._title, where=audit.where, operation=operation, path=plan.path, n=carried(operation, plan)
        )
        record = AuditRecord(
            at=audit.now(),
            kind="intent",
            agent=self._agent,
            via=origin.via,
            tool=origin.tool,
            plan=origin.plan,
            operation=operation.name,
            effect=effect.name.lower(),
            where=audit.where,
            rule=rule,
            arguments=audit.masker.shown(what),
            about=audit.masker.about(what),
            digest=digest_of_sent(operation, what),
        )
        return record, facts


def code_of(error: BaseException | None) -> str:
    """Return the code of an error: Marketo's, or its kind."""
    match error:
        case None:
            return ""
        case ApiError():
            return error.code
        case OutcomeUnknown():
            return "unknown_outcome"
        case MarketoError():
            return type(error).__name__
    return "cancelled"
