"""Says in plain lines what the agents of a policy may do, and how one call is judged. Pure; for ``mcp check``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from marketo_async.effects import AREAS
from marketo_async.errors import InvalidRequest
from marketo_async.mcp.access import Access
from marketo_async.mcp.calls import whole
from marketo_async.mcp.find import resolve
from marketo_async.mcp.policy import Policy
from marketo_async.planning import parts, plan_of
from marketo_async.schema import callee, callees
from marketo_async.writes import Batches

_MUNCHKIN = "000-XXX-000"  # where the policy names none: no call is made


def explain_agents(policy: Policy, only: str | None = None) -> Iterator[str]:
    """Yield a few lines for each agent: its level in each area, and the number of operations that it may call."""
    for name, agent in policy.agents.items():
        if only is not None and name != only:
            continue
        access = Access(name, agent)
        allowed = sum(access.allows(found.operation) for found in callees().values())
        yield f"{name}: {agent.title or name}, {len(agent.keys)} keys, {allowed} of {len(callees())} operations"
        levels: dict[str, list[str]] = {}
        for area in sorted(set(AREAS.values())):
            levels.setdefault(access.level(f"{area}.*", area)[0].value, []).append(area)
        for level, areas in levels.items():
            yield f"  {level}: {', '.join(areas)}"
        for key, found in agent.access.items():
            if key not in set(AREAS.values()):
                yield f"  {found.value}: {key}"


def explain_call(
    policy: Policy, names: Iterable[str], given: str, arguments: Mapping[str, Any] | None
) -> tuple[list[str], bool]:
    """Return a line for each agent that says whether it may make a call, and why; and whether all may.

    Without ``arguments``, the operation alone is judged. Raises `InvalidRequest` for arguments that it does not take.
    """
    operation = callee(resolve(given)).operation
    lines, all_allowed = [], True
    for name in names:
        access = Access(name, policy.agents[name])
        if arguments is None:
            allowed, why = access.allows(operation), ""
        else:
            _, planned = plan_of(operation.name, arguments, munchkin_id=_MUNCHKIN)
            judged = [whole(planned)] if isinstance(planned, Batches) else list(parts(planned))
            if not judged:
                raise InvalidRequest(f"{operation.name}: the arguments name nothing")
            verdicts = [access.check(operation, part) for part in judged]
            verdict = next((one for one in verdicts if not one.allowed), verdicts[0])
            allowed = verdict.allowed
            confirmed = "" if verdict.confirm == "none" else f", {verdict.confirm} confirms"
            why = f": {verdict.why or verdict.rule}{confirmed if allowed else ''}"
        all_allowed = all_allowed and allowed
        lines.append(f"{name}: {operation.name} is {'allowed' if allowed else 'denied'}{why}")
    return lines, all_allowed
