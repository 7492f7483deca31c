from hypothesis import given
from hypothesis import strategies as st

from marketo_async.changes.seen import Seen, oldest_span, span_of


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 1e5)), max_size=30),
    st.floats(0, 1e5),
)
def test_what_was_delivered_since_the_watermark_is_known_and_what_is_long_before_is_not(
    delivered: list[tuple[str, float]], watermark: float
) -> None:
    seen = Seen()
    for guid, at in delivered:
        seen.add(guid, at)
    seen.forget_before(watermark)

    latest = {guid: max(at for known, at in delivered if known == guid) for guid, _ in delivered}
    for guid, at in latest.items():
        if at >= watermark:
            assert guid in seen
        if at < watermark - 420:
            assert guid not in seen
    assert "never" not in seen


def test_memory_is_bounded_by_the_watermark() -> None:
    seen = Seen()
    for second in range(100_000):
        seen.add(f"guid-{second}", float(second))
        if second % 600 == 0:
            seen.forget_before(second - 3600)

    assert 3600 <= len(seen) <= 3600 + 600 + 420


def test_scans_are_remembered_by_number_and_their_borders_until_they_end() -> None:
    seen = Seen()
    seen.hold("border")
    for number in range(100_000):
        seen.add_of_scan(f"guid-{number}")
    seen.forget_before(1e9)

    assert "border" in seen
    assert all(f"guid-{number}" in seen for number in range(90_000, 100_000))
    assert len(seen) <= 20_001

    seen.end_scans(1e9)
    assert "border" in seen
    assert "guid-99999" in seen
    seen.forget_before(1e9 + 1000)
    assert len(seen) == 0
    seen.end_scans(1e9)
    assert len(seen) == 0


def test_it_knows_what_other_processes_have_delivered() -> None:
    earlier = Seen.of([("a", 10.0), ("b", 5000.0)])
    seen = Seen(earlier)

    assert "a" in seen
    assert len(seen) == 0
    earlier.forget_before(4000.0)
    assert ("a" in seen, "b" in seen) == (False, True)


def test_a_store_and_the_memory_forget_the_same_spans() -> None:
    assert span_of(299.9) == 0
    assert span_of(300.0) == 1
    assert oldest_span(420.0) == 1
    assert oldest_span(419.9) == 0
