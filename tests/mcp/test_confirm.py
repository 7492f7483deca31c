"""Plans that wait for a person: kept in a file, seen by other processes, made once, gone after ten minutes."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from marketo_async.effects import Effect
from marketo_async.errors import ConfigurationError
from marketo_async.mcp.confirm import KEPT_S, Approvals, KeptPlan, question


class Now:
    """A clock that is set."""

    at = 1_000.0

    def __call__(self) -> float:
        return self.at


PLAN: dict[str, Any] = {
    "agent": "campaign",
    "instance": "123-ABC-456",
    "operation": "emails.delete",
    "arguments": {"id": 7},
    "digest": "d",
    "question": "Allow it?",
}


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def approvals(tmp_path: Path, now: Now) -> AsyncIterator[Approvals]:
    found = Approvals(tmp_path / "state" / "approvals.db", now)
    yield found
    await found.close()


async def waiting(approvals: Approvals, **other: Any) -> KeptPlan:
    return await approvals.keep(**{**PLAN, "state": "waiting", **other})


async def test_another_process_approves(approvals: Approvals, now: Now, tmp_path: Path) -> None:
    kept = await waiting(approvals)
    operator = Approvals(tmp_path / "state" / "approvals.db", now)
    assert await operator.waiting() == [kept]
    assert not await approvals.take(kept.id, "campaign", state="approved")
    decided = await operator.decide(kept.id, "approved", "ann")
    assert decided is not None
    assert (decided.state, decided.decided_by) == ("approved", "ann")
    assert await approvals.take(kept.id, "campaign", state="approved")
    assert not await approvals.take(kept.id, "campaign", state="approved")
    await operator.close()


async def test_a_plan_is_made_once_however_many_try(approvals: Approvals) -> None:
    kept = await approvals.keep(**PLAN, state="kept")
    taken = await asyncio.gather(*(approvals.take(kept.id, "campaign", state="kept") for _ in range(20)))
    assert sum(taken) == 1
    made = await approvals.get(kept.id, "campaign")
    assert made is not None
    assert (made.state, made.arguments, made.question) == ("made", {}, "")


async def test_a_plan_expires_after_ten_minutes(approvals: Approvals, now: Now) -> None:
    kept, other = await waiting(approvals), await approvals.keep(**{**PLAN, "digest": "e"}, state="kept")
    now.at += KEPT_S - 0.001
    assert await approvals.get(kept.id, "campaign") == kept
    now.at += 0.001
    assert await approvals.decide(kept.id, "approved", "ann") is None
    assert not await approvals.take(other.id, "campaign", state="kept")
    assert await approvals.get(kept.id, "campaign") is None
    assert await approvals.waiting() == []


async def test_an_approval_expires_too(approvals: Approvals, now: Now) -> None:
    kept = await waiting(approvals)
    assert await approvals.decide(kept.id, "approved", "ann")
    now.at += KEPT_S
    assert not await approvals.take(kept.id, "campaign", state="approved")


async def test_a_plan_belongs_to_its_agent(approvals: Approvals) -> None:
    kept = await waiting(approvals)
    assert await approvals.get(kept.id, "reader") is None
    assert await approvals.waiting("reader") == []
    assert await approvals.waiting("campaign") == [kept]
    await approvals.decide(kept.id, "approved", "ann")
    assert not await approvals.take(kept.id, "reader", state="approved")


async def test_a_denied_plan_is_not_made_and_not_decided_again(approvals: Approvals) -> None:
    kept = await waiting(approvals)
    assert await approvals.decide(kept.id, "denied", "ann")
    assert await approvals.decide(kept.id, "approved", "bob") is None
    assert not await approvals.take(kept.id, "campaign", state="approved")
    assert await approvals.decide("plan_other", "approved", "ann") is None


async def test_a_plan_that_does_not_wait_can_t_be_approved(approvals: Approvals) -> None:
    kept = await approvals.keep(**PLAN, state="kept")
    assert await approvals.decide(kept.id, "approved", "ann") is None


async def test_the_same_plan_is_kept_once(approvals: Approvals, now: Now) -> None:
    first = await waiting(approvals)
    now.at += 500.0
    again = await waiting(approvals)
    assert (again.id, again.until) == (first.id, now.at + KEPT_S)
    assert await approvals.get(first.id, "campaign") == again
    assert await waiting(approvals, agent="reader") != first
    assert await waiting(approvals, digest="e") != first
    assert await waiting(approvals, instance="999-XYZ-999") != first


async def test_plans_survive_a_restart(approvals: Approvals, now: Now, tmp_path: Path) -> None:
    kept = await waiting(approvals)
    await approvals.close()
    again = Approvals(tmp_path / "state" / "approvals.db", now)
    assert await again.get(kept.id, "campaign") == kept
    await again.close()


async def test_the_file_is_for_its_owner_alone(approvals: Approvals, tmp_path: Path) -> None:
    await waiting(approvals)
    assert stat.S_IMODE((tmp_path / "state" / "approvals.db").stat().st_mode) == 0o600


async def test_a_file_that_can_t_be_used_is_named(tmp_path: Path, now: Now) -> None:
    (tmp_path / "approvals.db").write_text("not a database, and long enough to be read as one" * 30)
    approvals = Approvals(tmp_path / "approvals.db", now)
    with pytest.raises(ConfigurationError, match=r"approvals\.db: file is not a database"):
        await waiting(approvals)


def test_a_question_says_who_wants_what_and_what_can_t_be_undone() -> None:
    text = question(
        title="Campaign Agent",
        operation="campaigns.request",
        does="Trigger a campaign.",
        instance="123-ABC-456",
        target="campaign_id 1002",
        count=1_200,
        shown=["1", "2", "3", "4", "5", "6"],
        effect=Effect.REACH,
    )
    assert text == (
        "Campaign Agent wants to call campaigns.request on campaign_id 1002 for 1,200 records (1, 2, 3, 4, 5, …) in"
        " 123-ABC-456. Trigger a campaign. It can send messages to people; what was sent can't be taken back. Allow it?"
    )


@pytest.mark.parametrize("effect", Effect)
def test_every_effect_is_explained(effect: Effect) -> None:
    text = question(title="A", operation="o", does="Do.", instance="i", target="", count=1, shown=[], effect=effect)
    assert text.startswith("A wants to call o for 1 record in i. Do. ")
    assert text.endswith(" Allow it?")
