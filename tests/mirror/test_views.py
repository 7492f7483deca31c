"""The view of all activities, in a database that knows merges."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from marketo_async.mirror.names import snake
from marketo_async.mirror.tables import ACTIVITY_FIELDS
from marketo_async.mirror.views import activities_view

COLUMNS = [snake(source) for source, _ in ACTIVITY_FIELDS]


class Same(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return name


def rows(merges: Sequence[tuple[int, int]], *, merged: bool = True) -> list[tuple[object, ...]]:
    """Return guid, type, lead and current lead of two activities, of leads 1 and 2."""
    with duckdb.connect() as database:
        for number, table in enumerate(("activity_a", "activity_b"), 1):
            columns = ", ".join(f"{name} {'BIGINT' if name == 'lead_id' else 'TEXT'}" for name in COLUMNS)
            database.execute(f"CREATE TABLE {table} ({columns}, other TEXT)")
            database.execute(f"INSERT INTO {table} (marketo_guid, lead_id) VALUES (?, ?)", (f"g{number}", number))  # noqa: S608
        database.execute("CREATE TABLE lead_merges (loser_id BIGINT, winner_id BIGINT)")
        for pair in merges:
            database.execute("INSERT INTO lead_merges VALUES (?, ?)", pair)
        view = activities_view({"activity_a": "Visit {Web}page's", "activity_b": "100%"}, merges=merged)
        database.execute(view.format_map(Same()))
        own = ", current_lead_id" if merged else ""
        return database.execute(
            f"SELECT marketo_guid, activity_type, lead_id{own} FROM activities ORDER BY 1"  # noqa: S608
        ).fetchall()


@pytest.mark.parametrize(
    ("merges", "now"),
    [
        ([], (1, 2)),
        ([(1, 5)], (5, 2)),
        ([(1, 2), (2, 3), (3, 4)], (4, 4)),
        ([(1, 2), (2, 1)], (1, 2)),  # what can't be must not hang
    ],
)
def test_an_activity_has_the_lead_that_a_chain_of_merges_left(
    merges: list[tuple[int, int]], now: tuple[int, int]
) -> None:
    assert rows(merges) == [("g1", "Visit {Web}page's", 1, now[0]), ("g2", "100%", 2, now[1])]


def test_without_merges_an_activity_has_its_own_lead_alone() -> None:
    assert rows([], merged=False) == [("g1", "Visit {Web}page's", 1), ("g2", "100%", 2)]
