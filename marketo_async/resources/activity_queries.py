"""What listings of activities ask for: types by id or name, and as many types and leads as a query takes. Pure.

See ``activities`` for the listings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import product
from typing import Literal

from msgspec import Struct

from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import DELETE_LEAD, ActivityType
from marketo_async.operation import Arg, batched
from marketo_async.paging import not_a_token
from marketo_async.resources.arguments import page_size

Query = dict[str, Arg]
Types = Iterable[int | str] | Literal["all"]
LeadFilter = Iterable[int] | Literal["all"] | None  # `None` is all of them too

MOST_LEADS = 30  # lead ids in one query
MOST_TYPES = 10  # activity types in one query


class ActivitySearch(Struct, frozen=True):
    """Everything but the types of a listing of activities, checked."""

    lead_groups: list[list[int] | None]
    list_id: int | None
    assets: list[int] | None
    batch_size: int | None

    @classmethod
    def of(
        cls, leads: LeadFilter, list_id: int | None, asset_ids: Iterable[int] | None, batch_size: int | None
    ) -> ActivitySearch:
        """Check the arguments of a listing, and group its leads."""
        groups: list[list[int] | None] = (
            [None] if leads is None or leads == "all" else [*batched(dict.fromkeys(leads), MOST_LEADS)]
        )
        if not groups:
            raise InvalidRequest("leads is empty; leave it out to ask for all leads")
        return cls(groups, list_id, None if asset_ids is None else list(asset_ids), page_size(batch_size))

    def queries(self, types: Iterable[int]) -> list[Query]:
        """Return the queries that together ask for everything: ten types and thirty leads in each."""
        # A type that is named twice could get into two listings, and its activities would come twice.
        type_groups = list(batched(dict.fromkeys(types), MOST_TYPES))
        if not type_groups:
            raise InvalidRequest("types is empty; pass at least one activity type (activities.types() lists them)")
        if self.assets and (len(type_groups) > 1 or len(type_groups[0]) > 1):
            raise InvalidRequest("asset_ids need exactly one activity type; make one call for each type")
        return [
            {
                "activityTypeIds": type_group,
                "leadIds": lead_group,
                "listId": self.list_id,
                "assetIds": self.assets,
                "batchSize": self.batch_size,
            }
            for type_group, lead_group in product(type_groups, self.lead_groups)
        ]


def ids_of(types: Types) -> list[int] | None:
    """Return types that are all ids, or ``None`` where only the instance knows the ids."""
    if types == "all":
        return None
    ids = [kind for kind in types if not isinstance(kind, str)]
    return None if len(ids) < len(list(types)) else ids


def resolved(types: Types, known: Mapping[int, ActivityType]) -> list[int]:
    """Return the ids of ``types``, which are ids, names or API names, in any case; "all" leaves out Delete Lead.

    Raises `InvalidRequest` for a name that no type has, with the names that are like it, and for one that several have.
    """
    if types == "all":
        return sorted(known.keys() - {DELETE_LEAD})
    return [_id_of(kind, known) if isinstance(kind, str) else kind for kind in types]


def ids_in(text: str) -> list[int]:
    """Return the ids that a token holds; raises `InvalidRequest` for the token of another listing."""
    try:
        return [int(part) for part in text.split(",") if part]
    except ValueError:
        raise not_a_token(text) from None


def _id_of(name: str, known: Mapping[int, ActivityType]) -> int:
    plain = name.strip().casefold()
    found = [kind for kind in known.values() if plain in _names(kind)]
    if len(found) == 1:
        return found[0].id
    if found:
        ids = " and ".join(str(kind.id) for kind in found)
        raise InvalidRequest(f"types: {name!r} is the name of the types {ids}; pass an id")
    spelled = {text: kind.name for kind in known.values() for text in _names(kind)}
    close = dict.fromkeys(spelled[text] for text in get_close_matches(plain, spelled, n=3))
    remedy = f"meant {' or '.join(map(repr, close))}?" if close else "activities.types() lists the types"
    raise InvalidRequest(f"types: the instance has no activity type {name!r}; {remedy}")


def _names(kind: ActivityType) -> set[str]:
    return {text.strip().casefold() for text in (kind.name, kind.api_name) if text}
