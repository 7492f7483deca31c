"""The view ``activities``: all tables of activities as one, with the lead that has each activity now. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from marketo_async.mirror.names import snake
from marketo_async.mirror.tables import ACTIVITY_FIELDS, LEAD_MERGES

VIEW = "activities"


def activities_view(tables: Mapping[str, str], *, merges: bool = True) -> str:
    """Return the statement that makes the view, for `Destination.execute`.

    ``tables`` are the names of the types by the names of their tables. An activity keeps the id of its lead; after
    ``merges``, ``current_lead_id`` is the lead that has it now.
    """
    columns = [snake(source) for source, _ in ACTIVITY_FIELDS]
    parts = " UNION ALL ".join(
        f"SELECT {_literal(kind)} AS activity_type, {', '.join(columns)} FROM {{{table}}}"  # noqa: S608 - our own names
        for table, kind in tables.items()
    )
    chosen = ", ".join(f"a.{column}" for column in columns)
    if not merges:
        return f"CREATE OR REPLACE VIEW {{{VIEW}}} AS SELECT {chosen}, a.activity_type FROM ({parts}) a"  # noqa: S608
    merged = f"{{{LEAD_MERGES.name}}}"
    return (
        f"CREATE OR REPLACE VIEW {{{VIEW}}} AS "  # noqa: S608
        f"WITH RECURSIVE heirs (loser_id, winner_id) AS (SELECT loser_id, winner_id FROM {merged} UNION"
        f" SELECT heirs.loser_id, m.winner_id FROM heirs JOIN {merged} m ON m.loser_id = heirs.winner_id),"
        " survivors AS (SELECT loser_id, min(winner_id) AS winner_id FROM heirs WHERE winner_id NOT IN"
        f" (SELECT loser_id FROM {merged}) GROUP BY loser_id)"
        f" SELECT {chosen}, a.activity_type, COALESCE(s.winner_id, a.lead_id) AS current_lead_id"
        f" FROM ({parts}) a LEFT JOIN survivors s ON s.loser_id = a.lead_id"
    )


def _literal(text: str) -> str:
    """Return a text as SQL has it, safe for ``str.format_map``."""
    plain = text.replace("'", "''").replace("{", "{{").replace("}", "}}")
    return f"'{plain}'"
