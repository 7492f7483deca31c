"""Marketo's dates: every spelling that is known becomes an aware moment."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.errors import InvalidRequest
from marketo_async.models.moment import Moment, decode_hook, parse, to_datetime


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2021-05-05T16:14:41Z", datetime(2021, 5, 5, 16, 14, 41, tzinfo=UTC)),
        ("2014-09-17T22:31:49+0000", datetime(2014, 9, 17, 22, 31, 49, tzinfo=UTC)),
        ("2015-03-17T00:17:02Z+0000", datetime(2015, 3, 17, 0, 17, 2, tzinfo=UTC)),
        ("2019-06-04T23:35:43-08:00", datetime(2019, 6, 5, 7, 35, 43, tzinfo=UTC)),
        ("2018-03-28T18:05:00+07:00", datetime(2018, 3, 28, 11, 5, tzinfo=UTC)),
        ("2014-01-01 12:13:14", datetime(2014, 1, 1, 12, 13, 14, tzinfo=UTC)),
        ("2016-07-21", datetime(2016, 7, 21, tzinfo=UTC)),
        ("20200731T20:49:54.0t+0000", datetime(2020, 7, 31, 20, 49, 54, tzinfo=UTC)),
        ("2020-12-31T08:00:00.000t+0000", datetime(2020, 12, 31, 8, tzinfo=UTC)),
        ("2020-12-31T08:00:00.1234567Z", datetime(2020, 12, 31, 8, 0, 0, 123_456, tzinfo=UTC)),
        ("  2021-05-05T16:14:41Z ", datetime(2021, 5, 5, 16, 14, 41, tzinfo=UTC)),
    ],
)
def test_every_known_spelling_is_read(text: str, moment: datetime) -> None:
    parsed = parse(text)

    assert parsed == moment
    assert parsed.tzinfo is not None
    assert isinstance(parsed, Moment)


@given(st.datetimes(timezones=st.timezones()).map(lambda moment: moment.astimezone(UTC)))
def test_what_is_written_in_iso_comes_back(moment: datetime) -> None:
    assert parse(moment.isoformat()) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2021-13-01T00:00:00Z", "2021-02-30"])
def test_what_is_no_date_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"iso|month|day"):
        parse(text)


def test_a_moment_is_copied_and_pickled_like_any_datetime() -> None:
    moment = parse("2021-05-05T16:14:41Z")

    assert pickle.loads(pickle.dumps(moment)) == copy.copy(moment) == moment  # noqa: S301 - our own bytes


def test_the_decoder_says_value_or_type_error_which_msgspec_turns_into_an_answer_with_a_path() -> None:
    with pytest.raises((ValueError, TypeError)):
        decode_hook(Moment, 123)


def test_arguments_become_aware_datetimes() -> None:
    offset = datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))

    assert to_datetime(offset, name="since") is offset
    assert to_datetime(date(2024, 1, 2), name="since") == datetime(2024, 1, 2, tzinfo=UTC)
    assert to_datetime("2024-01-02T03:04:05Z", name="since") == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("when", [datetime(2024, 1, 2), "yesterday", ""])  # noqa: DTZ001 - the point
def test_arguments_that_would_be_guesses_are_refused_by_name(when: datetime | str) -> None:
    with pytest.raises(InvalidRequest, match="since"):
        to_datetime(when, name="since")
