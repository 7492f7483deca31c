"""What the tables of a mirror hold and what a sandbox's instance holds, as the same kind of rows. See ``mirror``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from marketo_async.sandbox import Sandbox, Traffic
from marketo_async.sandbox.records.activity_types import DELETE_LEAD

Row = tuple[Any, ...]
Rows = Mapping[str, list[Row]]

_LEAD = ("id", "email", "firstName", "lastName", "title", "company", "createdAt", "updatedAt")
_QUERIES = {
    "leads": "SELECT id, email, first_name, last_name, title, company, created_at, updated_at FROM leads",
    "lead_deletions": "SELECT lead_id FROM lead_deletions",
    "lead_merges": "SELECT loser_id, winner_id FROM lead_merges",
    "list_members": "SELECT list_id, lead_id FROM list_members",
    "activities": "SELECT marketo_guid, activity_type_id FROM activities",
}


class Tables:
    """The tables of a mirror in a DuckDB file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def rows(self, sql: str) -> list[Row]:
        """Return the rows of a query."""
        with duckdb.connect(str(self._file), read_only=True) as database:
            return database.execute(sql).fetchall()

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        return int(self.rows(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608 - a name of our own

    def guids(self) -> set[str]:
        """Return the GUIDs of all activities."""
        return {guid for (guid,) in self.rows("SELECT marketo_guid FROM activities")}

    def held(self) -> Rows:
        """Return the rows of the tables that are compared."""
        found = {name: self.rows(sql) for name, sql in _QUERIES.items()}
        found["lead_merges"] = _survivors(found["lead_merges"])
        found["leads"] = [(*row[:-2], *map(_instant, row[-2:])) for row in found["leads"]]
        return found


def instance_rows(sandbox: Sandbox, traffic: Traffic) -> Rows:
    """Return the rows that the tables are to hold. Of activities, those that the traffic made."""
    instance = sandbox.instance
    leads = [instance.leads.get(lead_id) or {} for lead_id in instance.leads.ids()]
    made = {guid for event in traffic.log for guid in event.guids}
    log = [activity for activity in instance.activities if activity.marketo_guid in made]
    return {
        "leads": [tuple(lead.get(name) for name in _LEAD) for lead in leads],
        "lead_deletions": [(one.lead_id,) for one in log if one.activity_type_id == DELETE_LEAD],
        "lead_merges": _survivors([(event.leads[1], event.leads[0]) for event in traffic.log if event.kind == "merge"]),
        "list_members": [(one.id, lead_id) for one in instance.lists for lead_id in one.lead_ids],
        "activities": [(one.marketo_guid, one.activity_type_id) for one in log],
    }


def unlike(tables: Tables, truth: Rows) -> dict[str, tuple[list[Row], list[Row]]]:
    """Return for each table that differs the rows that are too many, doubled ones too, and those that are missing."""
    held = tables.held()
    different = {}
    for name, rows in truth.items():
        extra, missing = Counter(held[name]) - Counter(rows), Counter(rows) - Counter(held[name])
        if extra or missing:
            different[name] = ([*extra.elements()], [*missing.elements()])
    return different


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()[:19] + "Z"


def _survivors(merges: list[Row]) -> list[Row]:
    """Return the lead that each merged one is now.

    A merge that is listed late names the winner of a later one: Marketo then lists its activities as those of that one.
    """
    winners: dict[int, int] = dict(merges)
    found: list[Row] = []
    for loser, winner in merges:
        lead = winner
        while lead in winners:
            lead = winners[lead]
        found.append((loser, lead))
    return found
