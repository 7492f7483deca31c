"""`Passage`: the steps that each single call of an agent passes, and `GuardedCalls`, which makes calls that way.

See ``guard`` for the steps, and for listings and writes, which consist of single calls.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.call import Call, Options
from marketo_async.download import Sink
from marketo_async.effects import Effect
from marketo_async.errors import CapReached, Denied, MarketoError, NeedsConfirmation, StoreUnavailable
from marketo_async.governor import CallRecord, Governor
from marketo_async.mcp.access import Verdict
from marketo_async.mcp.agent_guard import AgentGuard
from marketo_async.mcp.calls import carried, digest
from marketo_async.mcp.counting import Counts
from marketo_async.mcp.policy import Confirmer
from marketo_async.mcp.recorder import Attempts, Origin
from marketo_async.operation import Operation, Plan
from marketo_async.session import SingleCalls
from marketo_async.waits import Waits

log = logging.getLogger("marketo_async.mcp")

R = TypeVar("R")

_OWN_JOBS = {"create": "export_id", "import_file": "batch_id"}


class Admission(Struct, frozen=True):
    """What is known of the calls that a read or write consists of: who confirmed it, and what may be described for it.

    ``describes`` maps the operation that describes a record type to the write that needs it.
    """

    confirmed_by: str = ""
    describes: Mapping[str, str] = {}


class Passage:
    """The way of the calls of one sender: what they have used so far, and where they come from."""

    def __init__(self, guard: AgentGuard, origin: Origin, on_call: Callable[[CallRecord], None] | None) -> None:
        self.guard = guard
        self.counts = Counts(guard.access.name, guard.access.agent.limits, guard.budget)
        self._origin = origin
        self._on_call = on_call

    def judged(self, operation: Operation, plan: Plan[Any], part_of: str = "") -> Verdict:
        """Return the verdict on an allowed call. Raises `Denied` for any other one, which is then on record.

        ``part_of`` names the allowed write whose record type the call describes: the write can't be made without it.
        """
        access = self.guard.access
        try:
            verdict = access.check(operation, plan)
            job = verdict.own_job
            own = job is None or self.guard.budget.owns_job(access.name, job)
        except MarketoError:
            raise
        except Exception as error:
            denial = Denied("the call can't be judged", operation=operation.name, rule="internal")
            raise self.denied(operation, plan, denial) from error
        if not own:
            why = "the file is of a job that this agent did not start, and its fields are limited"
            raise self.denied(
                operation, plan, Denied(why, operation=operation.name, rule=f"agents.{access.name}.fields")
            )
        if not verdict.allowed and part_of:
            return Verdict(allowed=True, rule=f"it is part of {part_of}", effect=Effect.READ)
        if not verdict.allowed:
            denial = Denied(verdict.why, operation=operation.name, rule=verdict.rule)
            index = verdict.refused[0].index if verdict.refused else None
            raise self.denied(operation, plan, denial.with_context(index=index))
        return verdict

    def denied(self, operation: Operation, plan: Plan[Any], denial: Denied) -> Denied:
        """Put a denial on record, and return it."""
        self.guard.record_denied(operation, plan, denial, self._origin)
        return denial

    def unconfirmed(self, operation: Operation, plan: Plan[Any], verdict: Verdict, by: Confirmer) -> Denied:
        """Return the denial, on record, of a call that is not confirmed yet."""
        needs = NeedsConfirmation(
            operation=operation.name,
            rule=f"agents.{self.guard.access.name}.confirm.{verdict.effect.name.lower()} = {by}",
            by=by,
            digest=digest(operation, plan),
            records=carried(operation, plan),
        )
        return self.denied(operation, plan, needs)

    async def passed(
        self,
        operation: Operation,
        plan: Plan[R],
        attempts: Attempts,
        make: Callable[[], Awaitable[R]],
        admission: Admission,
    ) -> R:
        """Judge one call, make it, and return as much of its answer as the agent may see."""
        guard, recorder, counts = self.guard, self.guard.recorder, self.counts
        verdict = self.judged(operation, plan, admission.describes.get(operation.name, ""))
        by = guard.confirmer(verdict)
        if by != "none" and not admission.confirmed_by:
            raise self.unconfirmed(operation, plan, verdict, by)
        try:
            counts.take(operation, plan)
        except CapReached as reached:
            raise self.denied(operation, plan, reached) from None
        entry = await recorder.intent(
            operation, plan, verdict.effect, verdict.rule, self._origin, admission.confirmed_by
        )
        try:
            value, records = counts.shown(operation, guard.access.fields.cut(operation, await make()))
            self._keep_job(operation, value)
        except BaseException as error:
            self._settle(operation, plan, attempts, error)
            await recorder.outcome(entry, attempts, records=0, error=error)
            raise
        guard.note_answer(operation, records)
        self._settle(operation, plan, attempts, None)
        await recorder.outcome(entry, attempts, records=carried(operation, plan) or records)
        return value

    def _settle(self, operation: Operation, plan: Plan[Any], attempts: Attempts, error: BaseException | None) -> None:
        """Count what a call used beyond what was taken for it; an error here must not hide what became of the call."""
        try:
            if error is not None:
                self.counts.failed(operation, plan, error)
            self.counts.repeated(attempts.calls)
        except StoreUnavailable:
            log.exception("the budget of %s can't be kept; its next call is refused", self.guard.access.name)

    def attempts(self) -> Attempts:
        """Return the collector of the attempts of one call."""
        return Attempts(self._on_call)

    def _keep_job(self, operation: Operation, value: object) -> None:
        """Remember a bulk job as the agent's own, where only those of its own give their files to it."""
        family, _, verb = operation.name.rpartition(".")
        if family.startswith("bulk.") and verb in _OWN_JOBS and self.guard.access.fields.cuts:
            self.guard.budget.add_job(self.guard.access.name, str(getattr(value, _OWN_JOBS[verb])))


class GuardedCalls:
    """Makes single calls in place of a session, after they have passed."""

    def __init__(self, passage: Passage, session: SingleCalls, admission: Admission) -> None:
        self._passage = passage
        self._session = session
        self._admission = admission

    @property
    def governor(self) -> Governor:
        """The governor of the instance."""
        return self._session.governor

    @property
    def waits(self) -> Waits:
        """The waits that end when the client is closed."""
        return self._session.waits

    def prepare(self, operation: Operation, plan: Plan[R], options: Options) -> Call[R]:
        """Return a call for `run`, with the fields and the page size that the agent may have."""
        return self._session.prepare(operation, self._narrowed(operation, plan), self._heard(options))

    async def run(self, call: Call[R]) -> R:
        """Judge a prepared call, and make it."""
        attempts = cast(Attempts, call.options.on_call)  # as `prepare` made it
        return await self._passage.passed(
            call.operation, call.plan, attempts, lambda: self._session.run(call), self._admission
        )

    async def send(self, operation: Operation, plan: Plan[R], options: Options) -> R:
        """Prepare a call and run it."""
        return await self.run(self.prepare(operation, plan, options))

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink, options: Options) -> None:
        """Judge the download of a file, and make it."""
        heard, counts = self._heard(options), self._passage.counts

        async def make() -> bytes:
            counted = counts.counted(operation, sink)
            await self._session.stream(operation, plan, counted, heard)
            counts.took(operation, counted.rows)
            return b""

        await self._passage.passed(operation, plan, cast(Attempts, heard.on_call), make, self._admission)

    def first_sent(self, call: Call[Any]) -> float | None:
        """Return when a call was first sent, by Marketo's clock."""
        return self._session.first_sent(call)

    def _narrowed(self, operation: Operation, plan: Plan[R]) -> Plan[R]:
        return self._passage.counts.narrowed(operation, self._passage.guard.access.narrowed(operation, plan))

    def _heard(self, options: Options) -> Options:
        return replace(options, on_call=self._passage.attempts())
