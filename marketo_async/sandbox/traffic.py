"""`Traffic`: live events that change an instance at a steady rate, and a log of what really happened.

Every event changes the instance and writes the activities that Marketo would write. Tests compare the log
with what a reader saw. See ``quirks`` for activities that are committed late.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import msgspec

from marketo_async.sandbox.records import activity_types
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import (
    add_to_list,
    change_lead,
    create_lead,
    delete_lead,
    merge_leads,
    move_in_program,
    remove_from_list,
)
from marketo_async.sandbox.records.programs import Program

EventKind = Literal["visit", "form", "email", "change", "create", "delete", "merge", "list", "program"]

MIX: Mapping[EventKind, float] = {
    "visit": 50,
    "change": 16,
    "email": 12,
    "create": 6,
    "form": 6,
    "list": 5,
    "program": 3,
    "delete": 1,
    "merge": 1,
}
"""The default relative frequency of each kind."""

_TICK = 0.02  # real seconds between two looks at the clock
_MOST_AT_ONCE = 200  # events; a loop that is late answers calls in between
_TITLES = ("Engineer", "Buyer", "Director", "Analyst", "Owner", "Partner", "Manager")
_SOURCE = "Traffic"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event; ``guids`` are those of its activities, ``leads`` the lead ids at that time."""

    kind: EventKind
    at: float
    leads: tuple[int, ...]
    guids: tuple[str, ...]


class Traffic:
    """Live events on a sandbox: ``rate`` per second of its clock, weighted by ``mix``, the same for the same ``seed``.

    ``log`` holds every event in order. A rate of 0 makes no events; ``happen`` makes one.
    """

    def __init__(self, rate: float = 80.0, *, mix: Mapping[EventKind, float] | None = None, seed: int = 7) -> None:
        mix = MIX if mix is None else mix
        if not 0 <= rate < float("inf"):
            raise ValueError(f"rate is {rate}; give the events per second as a finite number, 0 or more")
        if unknown := set(mix) - set(get_args(EventKind)):
            raise ValueError(f"mix names {', '.join(sorted(unknown))}; give {', '.join(get_args(EventKind))}")
        if not any(mix.values()) or min(mix.values()) < 0:
            raise ValueError(f"mix is {dict(mix)}; give weights of 0 or more, and at least one above 0")
        self.rate = rate
        self.log: list[Event] = []
        self._kinds, self._weights = list(mix), list(mix.values())
        self._rng = random.Random(f"{seed}:traffic")  # noqa: S311 - it must repeat and protects nothing
        self._instance: Instance | None = None
        self._lead_ids: list[int] = []

    async def run(self, instance: Instance) -> None:
        """Make events until the task is cancelled."""
        self.join(instance)
        clock, done = instance.clock, 0.0
        began = clock.time()
        while True:
            await asyncio.sleep(_TICK)
            due = (clock.time() - began) * self.rate
            for _ in range(min(int(due - done), _MOST_AT_ONCE)):
                self.happen()
                done += 1

    def join(self, instance: Instance) -> None:
        """Use the leads that an instance has now for the events."""
        self._instance, self._lead_ids = instance, instance.leads.ids()

    def happen(self, kind: EventKind | None = None) -> Event:
        """Make one event of ``kind``, by default drawn from the mix."""
        instance = self._instance
        if instance is None:
            raise RuntimeError("this traffic has no sandbox yet; pass it as Sandbox(traffic=...)")
        kind = kind or self._rng.choices(self._kinds, self._weights)[0]
        if kind in ("delete", "merge") and len(self._lead_ids) <= 2:  # noqa: PLR2004 - some leads must remain
            kind = "create"
        before = instance.activities.written
        leads = self._create(instance) if kind == "create" or not self._lead_ids else self._make(kind)(instance)
        event = Event(kind=kind, at=instance.clock.time(), leads=leads, guids=instance.activities.guids_since(before))
        self.log.append(event)
        return event

    def _make(self, kind: EventKind) -> Callable[[Instance], tuple[int, ...]]:
        makers: dict[EventKind, Callable[[Instance], tuple[int, ...]]] = {
            "visit": self._visit,
            "form": self._form,
            "email": self._email,
            "change": self._change,
            "delete": self._delete,
            "merge": self._merge,
            "list": self._list,
            "program": self._program,
        }
        return makers[kind]

    def _somebody(self, instance: Instance, *, leaving: bool = False) -> int:
        """Return the id of a random lead that still exists; forget it if it is ``leaving``."""
        ids = self._lead_ids
        while True:
            place = self._rng.randrange(len(ids))
            lead_id = ids[place]
            present = lead_id in instance.leads
            if leaving or not present:
                ids[place] = ids[-1]
                ids.pop()
            if present:
                return lead_id
            if not ids:
                ids.extend(instance.leads.ids() or self._create(instance))

    def _create(self, instance: Instance) -> tuple[int, ...]:
        number = self._rng.getrandbits(48)
        lead_id = create_lead(
            instance,
            {"email": f"visitor{number:012x}@example.com", "firstName": "Vis", "lastName": f"Itor {number % 997}"},
            source=_SOURCE,
        )
        self._lead_ids.append(lead_id)
        return (lead_id,)

    def _visit(self, instance: Instance) -> tuple[int, ...]:
        lead_id, page = self._somebody(instance), self._rng.randrange(1, 60)
        instance.activities.add(
            lead_id,
            activity_types.VISIT_WEBPAGE,
            (500 + page, f"example.com/page{page}"),
            (Attribute("Webpage URL", f"/page{page}"), Attribute("Client IP Address", "192.0.2.1")),
        )
        return (lead_id,)

    def _form(self, instance: Instance) -> tuple[int, ...]:
        lead_id = self._somebody(instance)
        instance.activities.add(
            lead_id,
            activity_types.FILL_OUT_FORM,
            (3001, "Contact us"),
            (Attribute("Client IP Address", "192.0.2.9"),),
        )
        return (lead_id,)

    def _email(self, instance: Instance) -> tuple[int, ...]:
        lead_id, mail = self._somebody(instance), self._rng.randrange(8)
        kind = self._rng.choice((activity_types.SEND_EMAIL, activity_types.EMAIL_DELIVERED, activity_types.OPEN_EMAIL))
        instance.activities.add(
            lead_id, kind, (700 + mail, f"Newsletter {mail}"), (Attribute("Campaign Run ID", mail),)
        )
        return (lead_id,)

    def _change(self, instance: Instance) -> tuple[int, ...]:
        lead_id = self._somebody(instance)
        held = (instance.leads.get(lead_id) or {}).get("title")
        title = self._rng.choice([title for title in _TITLES if title != held])
        change_lead(instance, lead_id, {"title": title}, source=_SOURCE)
        return (lead_id,)

    def _delete(self, instance: Instance) -> tuple[int, ...]:
        lead_id = self._somebody(instance, leaving=True)
        delete_lead(instance, lead_id)
        return (lead_id,)

    def _merge(self, instance: Instance) -> tuple[int, ...]:
        loser = self._somebody(instance, leaving=True)
        winner = self._somebody(instance)
        merge_leads(instance, winner, [loser])
        return winner, loser

    def _list(self, instance: Instance) -> tuple[int, ...]:
        lead_id, lists = self._somebody(instance), list(instance.lists)
        if lists:
            static_list = self._rng.choice(lists)
            if not remove_from_list(instance, static_list, lead_id):
                add_to_list(instance, static_list, lead_id)
        return (lead_id,)

    def _program(self, instance: Instance) -> tuple[int, ...]:
        lead_id = self._somebody(instance)
        programs: list[Program] = [program for program in instance.programs.values() if program.statuses]
        if programs:
            program = self._rng.choice(programs)
            move_in_program(instance, program, lead_id, self._rng.choice(program.statuses))
        return (lead_id,)
