"""The gate against the plainest statement of its rules, over arbitrary arrivals."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from marketo_async.sandbox import InstanceLimits, SandboxClock, Stats
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.gate import Arrival, Gate

CENTRAL = ZoneInfo("America/Chicago")

# Sixteenths of a second are exact in binary, so that the edges of windows are hit exactly.
gaps = st.integers(min_value=0, max_value=16 * 40).map(lambda sixteenths: sixteenths / 16)
numbers = st.integers(min_value=1, max_value=5)
calls = st.tuples(gaps, st.sampled_from(["stays", "leaves", "uncounted"]))


def answer_by_the_rules(now: float, counted: list[float], in_flight: int, limits: InstanceLimits) -> str:
    today = datetime.fromtimestamp(now, CENTRAL).date()
    if sum(datetime.fromtimestamp(at, CENTRAL).date() == today for at in counted) >= limits.daily:
        return "607"
    if sum(at > now - limits.per for at in counted) >= limits.calls:
        return "606"
    return "615" if in_flight >= limits.concurrency else "ok"


@given(st.lists(calls, max_size=60), numbers, numbers, st.integers(min_value=3, max_value=40), st.booleans())
def test_the_gate_admits_exactly_what_the_rules_allow(
    arriving: list[tuple[float, str]],
    allowed: int,
    concurrency: int,
    daily: int,
    refusals_count: bool,  # noqa: FBT001 - drawn, not switched
) -> None:
    clock, stats = SandboxClock(speed=0, start=1_780_290_000.0), Stats()
    limits = InstanceLimits(
        calls=allowed, per=20.0, concurrency=concurrency, daily=daily, refusals_count=refusals_count
    )
    gate = Gate(limits, clock, stats)
    counted: list[float] = []
    staying: list[Arrival] = []

    for gap, then in arriving:
        clock.advance(gap)
        now = clock.time()
        expected = answer_by_the_rules(now, counted, len(staying), limits)
        arrival = gate.arrive()
        try:
            gate.admit(arrival)
            admitted = "ok"
        except ApiError as refusal:
            admitted = refusal.code
        assert admitted == expected

        if (admitted == "ok" and then != "uncounted") or (admitted != "ok" and refusals_count):
            counted.append(now)
        if admitted != "ok":
            continue
        if then == "uncounted":
            gate.forget(arrival)
        if then == "stays":
            staying.append(arrival)
        else:
            gate.leave(arrival)
        if len(staying) == concurrency and gap > 10:
            gate.leave(staying.pop())

    assert stats.in_flight == len(staying)
    assert stats.max_in_flight <= concurrency
    assert stats.calls == len(arriving)
