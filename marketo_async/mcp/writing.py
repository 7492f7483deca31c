"""Writes for tools: a plan that shows the exact requests and the verdict at no call, and the way to make it.

What publishes, reaches people or erases needs a person: the host's user, who is asked, or an operator. No argument of a
tool confirms. A confirmation belongs to the digest of all that the call would send, and is used once.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, cast

from msgspec import Struct

from marketo_async.effects import effect_of, named_ids
from marketo_async.errors import MarketoError, RecordRefused
from marketo_async.mcp.access import Verdict
from marketo_async.mcp.answers import cleaned, plain, whole_records
from marketo_async.mcp.calls import carried, digest
from marketo_async.mcp.confirm import KeptPlan, question
from marketo_async.mcp.find import resolve
from marketo_async.mcp.masking import masked, without_addresses
from marketo_async.mcp.reading import result_row
from marketo_async.mcp.tool_errors import tool_error
from marketo_async.mcp.toolcall import Confirmed, PersonNeeded, Said, ToolCall, judged_plan, refuse
from marketo_async.operation import Dialect, Operation, Plan
from marketo_async.planning import Planned, describes, plan_of, requests, unsendable
from marketo_async.request import Request
from marketo_async.schema import callee
from marketo_async.writes import Batches, Result

_BODY = 4_000  # characters of a planned body that are shown
_REQUESTS = 3  # planned requests that are shown


class Intent(Struct, frozen=True, kw_only=True):
    """A write as it was judged: ``judged`` is one plan with all its records."""

    operation: Operation
    arguments: Mapping[str, Any]
    planned: Planned
    judged: Plan[Any]
    verdict: Verdict
    digest: str
    records: int

    @property
    def name(self) -> str:
        """The name of the operation."""
        return self.operation.name


def intent_of(call: ToolCall, name: str, arguments: Mapping[str, Any]) -> Intent:
    """Plan and judge a write. Raises `InvalidRequest` for wrong arguments; a denial is in the verdict."""
    operation, planned = plan_of(resolve(name), arguments, munchkin_id=call.seat.munchkin_id)
    judged = judged_plan(planned)
    return Intent(
        operation=operation,
        arguments=arguments,
        planned=planned,
        judged=judged,
        verdict=call.seat.access.check(operation, judged),
        digest=digest(operation, judged),
        records=carried(operation, judged),
    )


async def plan_write(call: ToolCall, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a call would send, cost and be judged; makes no call, and keeps the plan for ten minutes."""
    operation = callee(resolve(name)).operation
    call.require_allowed(operation, arguments)
    intent = intent_of(call, name, arguments)
    own = unsendable(intent.planned) if isinstance(intent.planned, Batches) else []
    refused = [*own, *intent.verdict.refused]
    answer: dict[str, Any] = {
        "operation": intent.name,
        "effect": effect_of(operation, intent.judged).name.lower(),
        "verdict": "allowed" if intent.verdict.allowed else "denied",
        "confirm": call.seat.confirmer(intent.verdict),
        "records": intent.records,
    }
    if not intent.verdict.allowed:
        answer["why"] = intent.verdict.why
    if refused:
        return {**answer, "refused": [{"index": one.index, "why": one.why} for one in refused]}
    base = call.seat.ingestion_url if operation.dialect is Dialect.INGESTION else call.seat.base_url
    found = list(requests(operation, intent.planned, base))
    answer |= {"calls": len(found), "requests": [_shown(request) for request in islice(found, _REQUESTS)]}
    if isinstance(intent.planned, Batches) and describes(intent.planned):
        answer["calls_before"] = "1 for the description of the record type, once a day"
    if intent.verdict.allowed and operation.write:
        answer["plan"] = (await _keep(call, intent, waiting=False)).id
    return answer


async def write(call: ToolCall, name: str | None, arguments: Mapping[str, Any], plan: str | None) -> Any:
    """Make a write, given by its arguments or by a kept plan; return its results, or a `PersonNeeded`."""
    if (plan is None) is (name is None):
        raise refuse("invalid", "give either operation with arguments, or plan", "Call marketo_write with one of them.")
    if plan is None:
        assert name is not None  # noqa: S101 - just checked
        return await _from_arguments(call, name, arguments)
    kept = await call.seat.approvals.get(plan, call.seat.holder)
    if kept is None or kept.instance != call.seat.instance:
        raise refuse("not_found", f"{plan[:40]!r} is not a plan of this agent, or it has expired", _AGAIN)
    match kept.state:
        case "waiting":
            raise _waiting(kept)
        case "denied":
            raise refuse("denied", "an operator denied this plan", "Tell the person who asked for it.", plan=plan)
        case "made":
            raise refuse("conflict", "this plan was made already", "Read the object to see the result.", plan=plan)
    intent = intent_of(call, kept.operation, kept.arguments)
    _require_allowed(call, intent)
    if intent.digest != kept.digest:
        raise refuse("conflict", "the plan would send something else now", _AGAIN, plan=plan)
    if kept.state == "approved":
        by = f"operator {kept.decided_by}"
        return await _make_kept(call, intent, kept, Confirmed(intent.digest, by), state="approved")
    return await _decide(call, intent, kept)


async def _from_arguments(call: ToolCall, name: str, arguments: Mapping[str, Any]) -> Any:
    operation = callee(resolve(name)).operation
    if not operation.write:
        raise refuse("invalid", f"{operation.name} reads", "Call marketo_read.", operation=operation.name)
    call.require_allowed(operation, arguments)
    intent = intent_of(call, name, arguments)
    _require_allowed(call, intent)
    return await _decide(call, intent, None)


async def _decide(call: ToolCall, intent: Intent, kept: KeptPlan | None) -> Any:
    """Make the call, ask the host's user first, or keep it for an operator."""
    match call.seat.confirmer(intent.verdict):
        case "none":
            if kept is None:
                return await _make(call, intent, None)
            return await _make_kept(call, intent, kept, None, state="kept")
        case "host" if call.said is not None:
            return await _as_said(call, intent, call.said)
        case "host" if call.can_ask:
            found = kept or await _keep(call, intent, waiting=False)
            return PersonNeeded(found.id, found.question)
    raise _waiting(await _keep(call, intent, waiting=True))


async def _as_said(call: ToolCall, intent: Intent, said: Said) -> Any:
    kept = await call.seat.approvals.get(said.plan, call.seat.holder)
    if kept is None or kept.state != "kept" or kept.digest != intent.digest or kept.instance != call.seat.instance:
        raise refuse("needs_person", "the question has expired, or was about another call", _AGAIN)
    if not said.yes:
        await call.seat.approvals.take(kept.id, call.seat.holder, state="kept")
        raise refuse(
            "needs_person", "the person did not allow it", "Do not repeat the call unless a person asks for it."
        )
    return await _make_kept(call, intent, kept, Confirmed(intent.digest, "the host's user"), state="kept")


async def _make_kept(
    call: ToolCall,
    intent: Intent,
    kept: KeptPlan,
    confirmed: Confirmed | None,
    *,
    state: Literal["kept", "approved"],
) -> dict[str, Any]:
    if not await call.seat.approvals.take(kept.id, call.seat.holder, state=state):
        raise refuse("conflict", "this plan was made already, or has expired", _AGAIN, plan=kept.id)
    call.plan = kept.id
    return await _make(call, intent, confirmed)


async def _make(call: ToolCall, intent: Intent, confirmed: Confirmed | None) -> dict[str, Any]:
    sender = call.seat.sender(call, confirmed)
    if isinstance(intent.planned, Batches):
        return await _written(call, intent, sender.writes(intent.operation, intent.planned).__aiter__())
    try:
        async with asyncio.timeout(max(0.0, call.seconds_left)):
            value = await sender.send(intent.operation, cast(Plan[Any], intent.planned))
    except TimeoutError as error:
        if isinstance(error, MarketoError):
            raise
        raise refuse("unknown_outcome", "no answer before the deadline", _LOOK, operation=intent.name) from error
    found = cleaned(plain(value))
    items, shortened = whole_records([found.value], call.seat.answer_chars)
    answer = {"result": items[0], "request_ids": call.cost.request_ids, "cost": await call.costs()}
    return answer | ({"shortened": shortened} if shortened else {})


async def _written(call: ToolCall, intent: Intent, results: Any) -> dict[str, Any]:
    """Collect the results until the deadline; say which records are done, which failed, and which are unknown."""
    rows: list[dict[str, Any]] = []
    error: dict[str, Any] | None = None
    try:
        async with asyncio.timeout(max(0.0, call.seconds_left)):
            result: Result[Any]
            async for result in results:
                rows.append(result_row(result))
                await call.report(len(rows), f"{len(rows)} of {intent.records} records")
    except MarketoError as raised:
        if isinstance(raised, RecordRefused) or not rows:
            raise
        error = plain(tool_error(raised, intent.name))
    except TimeoutError:
        error = {"kind": "unknown_outcome", "message": "the deadline came before all results", "next": _LOOK}
    finally:
        await results.aclose()
    missing = sorted(set(range(intent.records)) - {row["index"] for row in rows})
    lost = error is None or error["kind"] == "unknown_outcome"
    rows += [{"index": index, "status": "unknown" if lost else "not_done"} for index in missing]
    totals = Counter(row["status"] for row in rows)
    fit, _ = whole_records(rows, call.seat.answer_chars)
    answer: dict[str, Any] = {"results": fit, "totals": dict(totals), "request_ids": call.cost.request_ids}
    if len(fit) < len(rows):
        answer["results_left_out"] = len(rows) - len(fit)
    if error is not None:
        answer["error"] = error
    return {**cleaned(answer).value, "cost": await call.costs()}


_AGAIN = "Call marketo_plan again."
_LOOK = "Look before you repeat: the call may have been made."


def _require_allowed(call: ToolCall, intent: Intent) -> None:
    if not intent.verdict.allowed:
        raise call.denied(intent.operation, intent.verdict.why, rule=intent.verdict.rule, plan=intent.judged)


def _waiting(kept: KeptPlan) -> Exception:
    return refuse(
        "needs_person",
        f"{kept.operation} waits for an operator",
        f"Ask the owner to run: marketo-async mcp approve {kept.id}. Then call marketo_write with this plan.",
        operation=kept.operation,
        plan=kept.id,
    )


async def _keep(call: ToolCall, intent: Intent, *, waiting: bool) -> KeptPlan:
    return await call.seat.approvals.keep(
        agent=call.seat.holder,
        instance=call.seat.instance,
        operation=intent.name,
        arguments=intent.arguments,
        digest=intent.digest,
        question=_question(call, intent),
        state="waiting" if waiting else "kept",
    )


def _question(call: ToolCall, intent: Intent) -> str:
    named = named_ids(intent.operation, intent.judged)
    ids = [f"{scope.value} {', '.join(sorted(values))}" for scope, values in named.items()]
    path = [f"{name} {value}" for name, value in intent.judged.path.items() if name != "munchkinId"]
    batched = isinstance(intent.planned, Batches)
    return question(
        title=call.seat.title,
        operation=intent.name,
        does=intent.operation.summary,
        instance=call.seat.instance,
        target=" and ".join(ids or path),
        count=intent.records if batched or intent.records > 1 else None,
        shown=_first(intent.planned) if isinstance(intent.planned, Batches) else [],
        effect=effect_of(intent.operation, intent.judged),
    )


def _first(batches: Batches[Any]) -> list[str]:
    """Return the first targets of a write, masked."""
    records = batches.records if isinstance(batches.records, list) else []
    return [_target(record) for record in records[:6]]


def _target(record: object) -> str:
    if isinstance(record, Mapping):
        value = next(
            (record[name] for name in ("id", "leadId", "email") if record.get(name)), next(iter(record.values()), "")
        )
        return str(value if isinstance(value, int) else masked(value))
    return str(without_addresses(record))[:40]


def _shown(request: Request) -> dict[str, Any]:
    """Return a request as an answer shows it; it holds no token."""
    shown: dict[str, Any] = {"method": request.method, "url": request.url}
    if request.body is not None:
        text = request.body[: 4 * _BODY].decode(errors="replace")
        shown["body"] = text if len(text) <= _BODY else f"{text[:_BODY]}… ({len(request.body):,} bytes)"
    return shown
