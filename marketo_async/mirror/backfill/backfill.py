"""`Backfill`: the first load of a mirror and its refreshes: the probes, then every producer in its turn.

A quota that is used up pauses a producer until it resets; an outage is tried again, ever later; what was loaded before
is not done again. Other errors end the mirror.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from marketo_async.errors import (
    ApiError,
    Busy,
    MarketoError,
    QuotaExceeded,
    StoreUnavailable,
    Throttled,
    TransportError,
    Unavailable,
)
from marketo_async.mirror.backfill.activities import ActivityLoad
from marketo_async.mirror.backfill.context import LoadContext
from marketo_async.mirror.backfill.fields import LeadFields
from marketo_async.mirror.backfill.leads import LeadLoad
from marketo_async.mirror.backfill.listings import ListingPass, listing_kinds
from marketo_async.mirror.backfill.members import member_passes
from marketo_async.mirror.backfill.objects import ObjectTable, object_passes
from marketo_async.mirror.backfill.passes import loaded
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.lacking import why_lacking
from marketo_async.mirror.package import Producer, Put
from marketo_async.mirror.plan import InstanceFacts
from marketo_async.mirror.probing import probe
from marketo_async.mirror.state import MirrorState
from marketo_async.models.activities import ActivityType

log = logging.getLogger("marketo_async.mirror")

FACTS = "plan"
USE = "use"
_PASSING = (TransportError, Unavailable, Throttled, Busy, StoreUnavailable)
_TRIES = 8  # in a row, without any progress
_FIRST_DELAY, _LONGEST_DELAY = 5.0, 300.0  # seconds between two tries
_SPREAD = 30.0  # seconds over which producers start again after midnight
_LONGEST_NAP = 600.0  # seconds between two looks at what is due


class _Part(Producer, Protocol):
    """A producer with a stage: those of a higher one need what those of the lower ones have loaded."""

    stage: int


class _Repeated(_Part, Protocol):
    """A producer that is due again and again."""

    def due_at(self, state: MirrorState) -> float: ...


class _Probes:
    """The probes, once."""

    name = FACTS
    stage = 0

    def __init__(self, context: LoadContext, rng: random.Random, *, activities: bool) -> None:
        self._context = context
        self._rng = rng
        self._activities = activities

    def done(self, state: MirrorState) -> bool:
        facts = state.progress_of(self.name, InstanceFacts)
        return facts is not None and (facts.sampled or not self._activities)

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put what the probes find."""
        if self.done(state):
            return
        context = self._context
        fields = context.catalog["leads"].fields if "leads" in context.catalog else ["id", "createdAt"]
        facts = await probe(
            context.marketo, fields=fields, activities=self._activities, clock=context.clock, rng=self._rng
        )
        await put(LoadChunk(read_at=facts.at, progress={self.name: facts}))


class Backfill:
    """Everything that a mirror loads beside its feed. It is a producer itself; afterwards `keep` refreshes.

    ``kinds`` are the activity types of the instance and ``types`` the names of their tables, ``objects`` the tables of
    companies, opportunities, roles and custom objects. The ``facts`` of the context are replaced by those of the
    probes, which are made once and kept in the state.
    """

    name = "backfill"

    def __init__(
        self,
        context: LoadContext,
        *,
        kinds: Mapping[int, ActivityType] | None = None,
        types: Mapping[int, str] | None = None,
        objects: Sequence[ObjectTable] = (),
        rng: random.Random | None = None,
    ) -> None:
        self._context = context
        self._kinds, self._types = kinds or {}, types or {}
        self._objects = objects
        self._rng = rng or random.Random()  # noqa: S311 - it scatters waits
        self._state = MirrorState(instance="")

    def done(self, state: MirrorState) -> bool:
        """Whether nothing is left to load and nothing is due."""
        return all(part.done(state) for part in self._parts(self._context))

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put everything that is not loaded or is due."""
        self._state = state
        parts = [part for part in self._parts(self._context) if not part.done(state)]
        if parts:
            await self._run(put, parts)

    async def keep(self, put: Put) -> None:
        """Refresh every table at its pace, after `run`, until cancelled."""
        while True:
            due = [part for part in self._repeated() if not part.done(self._state)]
            if due:
                await self._run(put, due)
                if not all(part.done(self._state) for part in due):  # the user may not read it
                    await self._context.meter.wait(_LONGEST_NAP)
                continue
            now = self._context.clock()
            moments = [part.due_at(self._state) for part in self._repeated()]
            await self._context.meter.wait(max(1.0, min([_LONGEST_NAP, *(moment - now for moment in moments)])))

    async def _run(self, put: Put, parts: Iterable[_Part]) -> None:
        """Run parts, stage by stage, those of one stage beside each other."""
        put = self._counted(put)
        context = replace(self._context, facts=await self._facts(put))
        names = {part.name for part in parts}
        wanted = [part for part in self._parts(context) if part.name in names]
        for stage in sorted({part.stage for part in wanted}):
            if stage:
                await loaded(put, context.clock())
            async with asyncio.TaskGroup() as tasks:
                for part in wanted:
                    if part.stage == stage:
                        tasks.create_task(self._to_the_end(part, put))

    async def _facts(self, put: Put) -> InstanceFacts:
        """Return what the probes found, now or in an earlier run."""
        await self._to_the_end(_Probes(self._context, self._rng, activities=bool(self._types)), put)
        facts = self._state.progress_of(FACTS, InstanceFacts) or self._context.facts
        since = self._context.since
        # Leads are exported from the earlier of the two: `since` must not lose any.
        return facts if since is None else replace(facts, began=min(facts.began, since))

    async def _to_the_end(self, part: _Part, put: Put) -> None:
        """Run a part until it is done, whatever passes meanwhile."""
        failures, seen = 0, self._state.progress.get(part.name)
        while True:
            try:
                await part.run(put, self._state)
            except (MarketoError, ExceptionGroup) as error:
                cause = _first(error)
                if isinstance(cause, ApiError) and (why := why_lacking(cause)):
                    log.warning("%s is left out: %s", part.name, why)
                    return
                progress = self._state.progress.get(part.name)
                failures, seen = (1 if progress != seen else failures + 1), progress
                await self._wait(part, cause, failures)
            else:
                return

    async def _wait(self, part: _Part, error: Exception, failures: int) -> None:
        """Wait until a part can be tried again, or raise its error."""
        if isinstance(error, QuotaExceeded):
            until = error.resets_at.timestamp() + self._rng.uniform(1.0, _SPREAD)
            log.warning("the load of %s waits until the quota resets: %s", part.name, error)
            await self._context.meter.wait_until(until)
            return
        passing = isinstance(error, _PASSING) and (not isinstance(error, TransportError) or error.passing)
        if not passing or failures >= _TRIES:
            raise error
        ceiling = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**failures)
        log.warning("the load of %s waits and is tried again: %s", part.name, error)
        await self._context.meter.wait(self._rng.uniform(ceiling / 2, ceiling))

    def _counted(self, put: Put) -> Put:
        """Return a put that keeps the progress of all parts, and what the day has used."""

        async def counted(chunk: LoadChunk) -> None:
            if chunk.progress:
                chunk = replace(chunk, progress={**chunk.progress, USE: self._context.meter.use})
            await put(chunk)
            self._state = self._state.with_progress(chunk.progress)

        return counted

    def _parts(self, context: LoadContext) -> list[_Part]:
        """Return all parts, for the tables that the catalog has."""
        parts: list[_Part] = []
        if "leads" in context.catalog:
            parts.append(LeadLoad(context))
        parts.append(ActivityLoad(context, self._kinds, self._types))
        return [*parts, *self._repeated(context)]

    def _repeated(self, context: LoadContext | None = None) -> list[_Repeated]:
        """Return the parts that are due again and again."""
        context = context or self._context
        kinds = [kind for name, kind in listing_kinds().items() if name in context.catalog]
        parts: list[_Repeated] = [ListingPass(context, kind) for kind in kinds]
        parts += member_passes(context)
        parts += object_passes(context, self._objects)
        if "leads" in context.catalog:
            parts.append(LeadFields(context))
        return parts


def _first(error: Exception) -> Exception:
    """Return the first error of a group that says something else than that a quota is used up."""
    if not isinstance(error, ExceptionGroup):
        return error
    found = [_first(one) for one in error.exceptions]
    return next((one for one in found if not isinstance(one, (QuotaExceeded, *_PASSING))), found[0])
