"""What a verification may conclude: the bound, its words, and the rows."""

from __future__ import annotations

from math import comb

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mirror.verify.report import Difference, VerifiedPart, VerifyReport, percent, upper_bound


def lead(number: int, column: str = "first_name") -> Difference:
    return Difference(table="leads", kind="different", key={"id": number}, column=column, mirror="Ada", marketo="Adah")


def checked(compared: int, *differences: Difference, sampled: bool = True) -> VerifiedPart:
    return VerifiedPart(
        part="leads",
        noun="leads",
        compared=compared,
        scope=" compared in every field",
        sampled=sampled,
        differences=differences,
    )


def test_without_a_difference_the_bound_is_the_rule_of_three() -> None:
    assert str(checked(9_000)) == (
        "9,000 leads compared in every field, 0 differences: with 95 % confidence fewer than 0.034 % differ"
    )
    assert upper_bound(0, 9_000) == pytest.approx(3 / 9_000, rel=0.002)


@given(drawn=st.integers(1, 60), data=st.data())
def test_a_sample_would_show_more_differences_than_it_did_if_the_share_were_the_bound(
    drawn: int, data: st.DataObject
) -> None:
    wrong = data.draw(st.integers(0, drawn - 1))
    share = upper_bound(wrong, drawn)
    at_most = sum(comb(drawn, k) * share**k * (1 - share) ** (drawn - k) for k in range(wrong + 1))
    assert at_most == pytest.approx(0.05, abs=1e-6)
    assert wrong / drawn < share <= 1


@given(wrong=st.integers(0, 40), more=st.integers(1, 40), drawn=st.integers(80, 2_000))
def test_the_bound_grows_with_differences_and_shrinks_with_the_sample(wrong: int, more: int, drawn: int) -> None:
    assert upper_bound(wrong, drawn) < upper_bound(wrong + more, drawn)
    assert upper_bound(wrong, drawn + more) < upper_bound(wrong, drawn)


def test_a_sample_that_is_wrong_everywhere_bounds_nothing() -> None:
    assert upper_bound(5, 5) == 1.0


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.000332806, "0.034"),
        (0.03, "3"),
        (0.0301, "3.1"),
        (0.999, "100"),
        (1.0, "100"),
        (0.00000123, "0.00013"),
        (0.0, "0"),
    ],
)
def test_a_share_is_rounded_up_to_two_digits(share: float, text: str) -> None:
    assert percent(share) == text


def test_a_lead_with_two_wrong_fields_is_one_difference() -> None:
    both = checked(300, lead(7), lead(7, "last_name"), lead(8))
    assert both.wrong == 2
    assert str(both).startswith("300 leads compared in every field, 2 differences (3 different)")


def test_all_rows_need_no_bound_and_recent_changes_are_counted_apart() -> None:
    whole = msgspec.structs.replace(checked(300, lead(7), sampled=False), unsettled=4, total=700)
    assert whole.bound is None
    assert str(whole) == (
        "300 of 700 leads compared in every field, 1 difference (1 different); 4 changed too recently to be judged"
    )


def test_a_report_has_the_differences_of_its_parts_as_rows() -> None:
    right, wrong = checked(300), checked(300, lead(7))
    assert VerifyReport(parts=(right,)).right
    report = VerifyReport(parts=(right, wrong))
    assert not report.right
    assert msgspec.json.decode(msgspec.json.encode(report.differences[0])) == {
        "table": "leads",
        "kind": "different",
        "key": {"id": 7},
        "column": "first_name",
        "mirror": "Ada",
        "marketo": "Adah",
    }
    assert str(report).count("\n") == 1
