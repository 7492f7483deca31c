"""Leads by id, with an index for every field that was used in a lookup.

Storage only; see ``lead_changes`` for activities, memberships and merge rules.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

Lead = dict[str, object]


def _keys(field: str, value: object) -> list[str]:
    if value is None:
        return []
    # A lead can have several cookies; a lookup by any of them finds it.
    values = str(value).split(",") if field == "cookies" else [str(value)]
    return [item.casefold() for item in values]


class LeadStore:
    """All leads of an instance."""

    def __init__(self) -> None:
        self._leads: dict[int, Lead] = {}
        self._next_id = 1
        self._indexes: dict[str, dict[str, list[int]]] = {}

    def __len__(self) -> int:
        return len(self._leads)

    def __contains__(self, lead_id: int) -> bool:
        return lead_id in self._leads

    def get(self, lead_id: int) -> Lead | None:
        """Return a lead; change it only through this store."""
        return self._leads.get(lead_id)

    def ids(self) -> list[int]:
        """Return the ids of all leads, ascending."""
        return sorted(self._leads)

    def insert(self, values: Mapping[str, object], *, id: int | None = None) -> int:
        """Store a new lead and return its id."""
        lead_id = self._next_id if id is None else id
        self._next_id = max(self._next_id, lead_id + 1)
        self._leads[lead_id] = {"id": lead_id, **values}
        for field in self._indexes:
            self._enter(field, lead_id, values.get(field))
        return lead_id

    def update(self, lead_id: int, values: Mapping[str, object]) -> None:
        """Set some fields of a lead."""
        lead = self._leads[lead_id]
        for field, value in values.items():
            if field in self._indexes:
                self._strike(field, lead_id, lead.get(field))
                self._enter(field, lead_id, value)
            lead[field] = value

    def remove(self, lead_id: int) -> Lead:
        """Remove a lead."""
        lead = self._leads.pop(lead_id)
        for field in self._indexes:
            self._strike(field, lead_id, lead.get(field))
        return lead

    def find(self, field: str, values: Iterable[object]) -> list[int]:
        """Return the ids of the leads whose field equals any value, ascending, case-insensitive."""
        if field == "id":
            asked = {int(str(value)) for value in values}
            return sorted(asked & self._leads.keys())
        index = self._indexes.get(field)
        if index is None:
            index = self._indexes[field] = {}
            for lead_id, lead in self._leads.items():
                self._enter(field, lead_id, lead.get(field))
        return sorted({lead_id for value in values for lead_id in index.get(str(value).casefold(), ())})

    def _enter(self, field: str, lead_id: int, value: object) -> None:
        index = self._indexes[field]
        for key in _keys(field, value):
            insort(index.setdefault(key, []), lead_id)

    def _strike(self, field: str, lead_id: int, value: object) -> None:
        index = self._indexes[field]
        for key in _keys(field, value):
            ids = index[key]
            del ids[bisect_left(ids, lead_id)]
