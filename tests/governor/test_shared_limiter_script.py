"""The Lua script against the class: the same decisions and the same state, over any history, on a real Valkey."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async.governor.quota import day_of
from marketo_async.governor.stores.messages import (
    EndedCall,
    HeldCall,
    LeaseRequest,
    Ruling,
    StoreReply,
    StoreRequest,
    WorkerReport,
)
from marketo_async.governor.stores.redis import _SCRIPT, midnights
from marketo_async.governor.stores.shared_limiter import SharedLimiter
from tests.governor.shared_limiters import NOON, Script, packed, unpacked_state, valkey_client

PER = 4.0
NAMES = [f"{worker}:{number}" for worker in "abc" for number in range(4)]

ages = st.floats(0, 6)
wants = st.builds(LeaseRequest, st.sampled_from(NAMES), st.integers(0, 2), ages, ages)
dones = st.builds(
    EndedCall,
    st.sampled_from(NAMES),
    st.one_of(ages, st.just(-1.0)),
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.0, 1.5]),
).filter(lambda done: done.left > 0.0 or done.age >= 0.0)
requests = st.fixed_dictionaries(
    {
        "worker": st.sampled_from("abc"),
        "calls": st.sampled_from([5, 5, 5, 5, 4]),
        "per": st.just(PER),
        "concurrency": st.just(3),
        "daily": st.sampled_from([6, 40, 40]),
        "lease": st.sampled_from([0.5, 2.0]),
        "wanted": st.one_of(wants, wants, wants, st.none()),
        "leaves": st.booleans(),
        "held": st.lists(st.builds(HeldCall, st.sampled_from(NAMES), st.one_of(st.just(-1.0), ages)), max_size=3),
        "ended": st.lists(dones, max_size=3),
        "report": st.builds(
            WorkerReport,
            throttled=st.sampled_from([-1.0] * 9 + [0.0, 0.7]),
            crowded=st.sampled_from([False] * 9 + [True]),
            spent=st.sampled_from([False] * 19 + [True]),
            total=st.sampled_from([-1] * 9 + [3, 9]),
            ages=st.sampled_from([[], [], [], [0.5, 7.0]]),
            used=st.sampled_from([0, 0, 0, 2]),
        ),
    }
)
REQUEST = StoreRequest(worker="a", calls=100, per=PER, concurrency=10, daily=400, lease=2.0)
homes = st.sampled_from(["", "here", "here", "here", "here", "there"])


class Step(msgspec.Struct):
    """One request, and what happens before it."""

    said: dict[str, Any]
    knows: str
    behind: int
    heard: float
    day: bool
    used_today: int
    pause: float
    days: float
    home: str
    back: bool


steps = st.builds(
    Step,
    said=requests,
    knows=st.sampled_from(["nothing", "this", "this", "this", "another"]),  # which state the worker remembers
    behind=st.sampled_from([0, 0, 0, 1, 3, -1, -7]),  # how far its last reply is behind the state, or ahead of it
    heard=st.sampled_from([0.0, 0.3, 3.0, 9.0]),
    day=st.booleans(),  # whether it remembers today's count, or another day's
    used_today=st.sampled_from([0, 2, 30]),
    pause=st.sampled_from([0.0, 0.001, 0.05, 0.3, 1.5, 7.0, -3.0]),  # how the clock moves
    days=st.sampled_from([0.0] * 6 + [700.0, 40_000.0, 500_000.0, -1.0]),  # and how far the day; -1: to where it began
    home=homes,
    back=st.sampled_from([False] * 9 + [True]),  # whether the state of some requests ago is restored first
)


@settings(deadline=None, max_examples=80)
@given(clock=st.sampled_from([7.0, NOON]), history=st.lists(steps, min_size=1, max_size=40))
def test_the_script_decides_as_the_class_does(clock: float, history: list[Step]) -> None:
    script, shared, moment, saved = Script("marketo-async:{equal}"), None, NOON, b""
    for number, step in enumerate(history):
        if step.back and saved:
            shared = unpacked_state(saved)
            script.restore(saved)
        clock += step.pause
        moment = NOON if step.days < 0 else moment + max(0.0, step.pause) + step.days
        known: dict[str, Any] = {}
        if shared is not None and step.knows != "nothing":
            known = {
                "began": shared.began + (step.knows == "another"),
                "sequence": max(0, shared.sequence - step.behind),
                "heard": step.heard,
                "used_today": step.used_today,
                "day_ends": day_of(moment)[1] if step.day else NOON,
            }
        request = StoreRequest(**known, **step.said)
        if shared is None:
            shared = SharedLimiter.of(request, clock, home=step.home, paused=True)
        assert script.decide(request, clock, moment, step.home) == shared.decide(request, clock, moment, step.home)
        assert script.state() == shared
        if number % 5 == 0:
            saved = packed(shared)


def test_a_state_with_shares_of_the_rule_before_is_decided_alike() -> None:
    """Its shares lack the fields of this rule; both sides complete them, for a refusal and for growth."""
    script = Script("marketo-async:{before}")
    shared = SharedLimiter.of(REQUEST, 7.0)
    state = msgspec.msgpack.decode(packed(shared))
    for share in (state["limiter"]["places"], state["limiter"]["slots"]):
        del share["_before"], share["_step"], share["_hold"]
        share.update(_missing=share["whole"] / 2, _grown_at=7.0, _shrunk_at=7.0)
    script.restore(packed(state))
    shared = unpacked_state(packed(state))
    for moment, report in (
        (8.0, WorkerReport()),
        (12.5, WorkerReport()),
        (13.0, WorkerReport(throttled=0.5, crowded=True)),
    ):
        asked = msgspec.structs.replace(REQUEST, wanted=LeaseRequest("a:0", 0, 0.0, 0.0), report=report)
        assert script.decide(asked, moment, NOON) == shared.decide(asked, moment, NOON)
        assert script.state() == shared
    assert shared.limiter.places.available(13.0) == 50


@settings(deadline=None, max_examples=60)
@given(
    events=st.lists(
        st.tuples(
            st.sampled_from([0.0, 0.3, 0.9, 1.0, 4.0, 4.1, 17.0, 70.0]),
            st.sampled_from([-1.0, -1.0, 0.0, 0.5]),
            st.booleans(),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_shares_shrink_and_grow_alike_through_many_refusals(events: list[tuple[float, float, bool, bool]]) -> None:
    script, clock = Script("marketo-async:{shares}"), 7.0
    shared = SharedLimiter.of(REQUEST, clock, paused=True)
    script.decide(REQUEST, clock, NOON)
    shared.decide(REQUEST, clock, NOON)
    for number, (pause, throttled, crowded, busy) in enumerate(events):
        clock += pause
        asked = msgspec.structs.replace(
            REQUEST,
            wanted=LeaseRequest(f"a:{number}", 0, 0.0, 0.0),
            report=WorkerReport(throttled=throttled, crowded=crowded, ages=[0.0] * 35 if busy else []),
        )
        assert script.decide(asked, clock, NOON) == shared.decide(asked, clock, NOON)
        assert script.state() == shared


def test_the_script_reads_the_servers_clock_and_asks_for_the_midnights_around_it() -> None:
    client, key = valkey_client(), "marketo-async:{clock}"
    client.delete(key)
    request = packed(StoreRequest(worker="a", calls=5, per=PER, concurrency=3, daily=40, lease=2.0))
    answered = client.eval(_SCRIPT, 1, key, request, packed(midnights(0.0)))
    assert isinstance(answered, bytes)
    moment = msgspec.msgpack.decode(answered, type=float)
    seconds, _ = client.time()
    assert abs(seconds - moment) < 60
    assert not client.exists(key)
    answer = client.eval(_SCRIPT, 1, key, request, packed(midnights(moment)))
    assert isinstance(answer, bytes)
    reply = msgspec.msgpack.decode(answer, type=StoreReply)
    assert (reply.ruling, reply.use.left_today) == (Ruling.NOTED, 40)
    assert moment < reply.use.resets_at <= moment + 25 * 3600
    assert client.ttl(key) > 86_400
