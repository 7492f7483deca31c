"""Smart lists and their rules. Only Marketo's user interface can create rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

CAMPAIGN_REQUESTED = "Campaign is Requested"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter of a smart list: Marketo's name for it, and the values it compares with."""

    id: int
    name: str
    rule_type_id: int
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a smart list; only smart campaigns have triggers."""

    filters: tuple[Filter, ...] = ()
    triggers: tuple[str, ...] = ()
    match: str = "All"

    def mention(self, filter_name: str, value: str) -> bool:
        """Return whether a filter of this name compares with a value."""
        return any(item.name == filter_name and value in item.values for item in self.filters)


@dataclass(slots=True)
class SmartList:
    """One smart list; ``built_in`` lists belong to a program or a smart campaign and are not separate assets."""

    id: int
    name: str
    folder: tuple[int, str]
    created_at: float
    updated_at: float
    description: str = ""
    workspace: str = "Default"
    rules: Rules = field(default_factory=Rules)
    built_in: bool = False

    def copied(self, id: int, folder: tuple[int, str], now: float) -> SmartList:
        """Return a copy with another id and place."""
        return replace(self, id=id, folder=folder, created_at=now, updated_at=now)


def seeded_smart_lists(now: float) -> dict[int, SmartList]:
    """Return two smart lists by id; one refers to a static list and to a program."""
    engaged = Rules(
        (
            Filter(1, "Member of List", 14, "in", ("List 1001",)),
            Filter(2, "Member of Program", 113, "is", ("Welcome Nurture",)),
        )
    )
    german = Rules((Filter(1, "Country", 7, "is", ("Germany", "Austria")),), match="Any")
    return {
        6001: SmartList(6001, "Engaged Leads", (11, "Folder"), now, now, "Leads of list and nurture", rules=engaged),
        6002: SmartList(6002, "German Speakers", (11, "Folder"), now, now, rules=german),
    }
