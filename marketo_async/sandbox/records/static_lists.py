"""Static lists and their members."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator


class StaticList:
    """One static list; its members are kept and paged in ascending order."""

    def __init__(
        self,
        id: int,
        name: str,
        lead_ids: Iterable[int],
        created_at: float,
        *,
        program_name: str | None = None,
        workspace_name: str = "Default",
        folder: tuple[int, str] = (20, "Folder"),
    ) -> None:
        self.id = id
        self.name = name
        self.description = ""
        self.program_name = program_name
        self.workspace_name = workspace_name
        self.folder = folder
        self.created_at = created_at
        self.updated_at = created_at
        self.lead_ids = sorted(set(lead_ids))
        self._members = set(self.lead_ids)

    def __contains__(self, lead_id: int) -> bool:
        return lead_id in self._members

    def __len__(self) -> int:
        return len(self.lead_ids)

    def copied(self, id: int, folder: tuple[int, str], now: float) -> StaticList:
        """Return a copy with the same members, another id and place."""
        copy = StaticList(id, self.name, self.lead_ids, now, workspace_name=self.workspace_name, folder=folder)
        copy.description = self.description
        return copy

    def add(self, lead_id: int, now: float) -> bool:
        """Add a lead and return whether it was not a member."""
        if lead_id in self._members:
            return False
        self._members.add(lead_id)
        insort(self.lead_ids, lead_id)
        self.updated_at = now
        return True

    def remove(self, lead_id: int, now: float) -> bool:
        """Remove a lead and return whether it was a member."""
        if lead_id not in self._members:
            return False
        self._members.remove(lead_id)
        del self.lead_ids[bisect_left(self.lead_ids, lead_id)]
        self.updated_at = now
        return True


class StaticLists:
    """All static lists by id."""

    def __init__(self, lists: Iterable[StaticList]) -> None:
        self.by_id = {static_list.id: static_list for static_list in sorted(lists, key=lambda item: item.id)}

    def __iter__(self) -> Iterator[StaticList]:
        return iter(self.by_id.values())

    def get(self, list_id: int) -> StaticList | None:
        """Return a list by its id."""
        return self.by_id.get(list_id)

    def of(self, lead_id: int) -> list[StaticList]:
        """Return the lists that hold a lead."""
        return [static_list for static_list in self if lead_id in static_list]
