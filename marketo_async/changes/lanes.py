"""The lanes of a feed: the few queries that together ask for everything, each with its lag. Pure.

Types that are frequent on most instances have lanes of their own, so that rare events do not wait for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from marketo_async.changes.translation import ActivityRow
from marketo_async.models.activities import CHANGE_DATA_VALUE, DELETE_LEAD, NEW_LEAD, Activity, LeadChange
from marketo_async.operation import Arg, Operation, Page, Paging, Plan, batched, page, paging_token
from marketo_async.paging import turn
from marketo_async.resources.activities import Activities
from marketo_async.resources.activity_queries import MOST_TYPES

_BUSY = ((1,), (6, 7), (10, 11))  # visits, e-mails sent and delivered, e-mails opened and clicked
_CHANGES = frozenset({NEW_LEAD, CHANGE_DATA_VALUE})

OPENING = Activities.operations["paging_token"]


class LaneQuery(Struct, frozen=True):
    """One query, which has a cursor and a pace of its own.

    ``lag`` is how many seconds after its date an activity of this lane may be committed. ``only`` are the types that
    are delivered, where the query can't choose them.
    """

    name: str
    operation: Operation
    arguments: Mapping[str, Arg]
    lag: float
    only: frozenset[int] | None = None

    @property
    def key(self) -> str:
        """A digest of the query: Marketo's tokens are bound to it."""
        told = repr((self.operation.path, sorted(self.arguments.items()), sorted(self.only or ())))
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def deletions(self) -> bool:
        """Whether this is the lane of deleted leads, of which Marketo keeps the last 14 days."""
        return self.operation is DELETIONS

    def plan(self, cursor: str, size: int | None = None) -> Plan[Page[ActivityRow]]:
        """Return the call for the page at a cursor, of at most ``size`` rows."""
        model: type[ActivityRow] = LeadChange if self.operation is CHANGES else Activity
        listing: Plan[Page[ActivityRow]] = page(model, query={**self.arguments, "batchSize": size})
        return turn(Paging.DATE, listing, cursor)

    def wanted(self, rows: Iterable[ActivityRow]) -> list[ActivityRow]:
        """Return the rows of the types that are asked for."""
        return [row for row in rows if self.only is None or row.activity_type_id in self.only]


ACTIVITIES = Activities.operations["since"]
CHANGES = Activities.operations["lead_changes"]
DELETIONS = Activities.operations["deleted_leads"]


def opening_call(moment: datetime) -> Plan[str]:
    """Return the call for the token of a moment."""
    return paging_token(query={"sinceDatetime": moment})


def lanes_of(types: Iterable[int], fields: Sequence[str], *, lag: float, lags: Mapping[int, float]) -> list[LaneQuery]:
    """Return the lanes of some activity types and of the changes of ``fields``.

    ``lags`` holds the lag of single types, where it is not ``lag``. Types of one lane have the same lag.
    """
    chosen = set(types)
    found = []
    by_lag: dict[float, set[int]] = {}
    for number in chosen - _CHANGES - {DELETE_LEAD}:
        by_lag.setdefault(lags.get(number, lag), set()).add(number)
    for own_lag, numbers in sorted(by_lag.items()):
        busy = [[number for number in group if number in numbers] for group in _BUSY]
        rest = sorted(numbers.difference(*_BUSY))
        for group in [*filter(None, busy), *batched(rest, MOST_TYPES)]:
            name = f"activities {','.join(map(str, group))}"
            found.append(LaneQuery(name, ACTIVITIES, {"activityTypeIds": tuple(group)}, own_lag))
    if only := _CHANGES & chosen:
        own_lag = max(lags.get(number, lag) for number in only)
        arguments: Mapping[str, Arg] = {"fields": tuple(sorted(fields))}
        found.append(LaneQuery("lead changes", CHANGES, arguments, own_lag, None if only == _CHANGES else only))
    if DELETE_LEAD in chosen:
        found.append(LaneQuery("deleted leads", DELETIONS, {}, lags.get(DELETE_LEAD, lag)))
    return found
