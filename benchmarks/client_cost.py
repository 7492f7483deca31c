"""A page of 300 leads: the client's CPU against bare aiohttp + msgspec, and against marketorestpython, with a profile.

Measures the process's CPU time per page, call and record, with the server in another process and without waiting for
limits. The contenders alternate, round by round, so that a slow machine slows all of them; figures are medians of the
rounds. The first is a listing of one page, which pays for its pager, the second a listing of ten. A single lead shows
the cost of a call with a small answer. The profile (cProfile) shows which code takes the time of a page.
"""

from __future__ import annotations

import asyncio
import cProfile
import pstats
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from unittest import mock

import aiohttp
import msgspec

import marketo_async
from benchmarks.elsewhere import Where, unlimited_client, unlimited_sandbox
from benchmarks.report import Figure, info, over_repeats, ratio_at_most
from marketo_async import Marketo

ROUNDS, PAGES, PROFILED = 60, 10, 200
IDS = range(1, 301)
LONG = range(1, 3_001)
LEADS = 1_000
FIELDS = ["id", "email", "firstName", "lastName", "createdAt", "updatedAt", "company", "title", "phone", "leadScore"]
PACKAGE = str(Path(marketo_async.__file__).parent)

Work = Callable[[], Awaitable[None]]


class Bare:
    """Bare aiohttp and msgspec, written by hand."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self.http = http
        self.base_url = base_url
        self.decode = msgspec.json.Decoder().decode

    async def page(self) -> None:
        """Fetch and decode one page."""
        query = {"filterType": "id", "filterValues": ",".join(map(str, IDS)), "fields": ",".join(FIELDS)}
        async with self.http.get(f"{self.base_url}/rest/v1/leads.json", params=query) as response:
            assert len(self.decode(await response.read())["result"]) == len(IDS)

    async def lead(self) -> None:
        """Fetch and decode one lead."""
        async with self.http.get(f"{self.base_url}/rest/v1/lead/1.json", params={"fields": "id,email"}) as response:
            assert self.decode(await response.read())["result"][0]["id"] == 1


class Own:
    """The same calls through the client."""

    def __init__(self, marketo: Marketo) -> None:
        self.marketo = marketo

    async def page(self) -> None:
        """Fetch one page."""
        assert len(await self.marketo.leads.by_filter("id", IDS, fields=FIELDS).all()) == len(IDS)

    async def lead(self) -> None:
        """Fetch one lead."""
        assert await self.marketo.leads.get(1, fields=["id", "email"])

    async def listing(self) -> None:
        """Fetch ten pages concurrently, of which the first four have leads."""
        assert len(await self.marketo.leads.by_filter("id", LONG, fields=FIELDS).all()) == LEADS


class Peer:
    """marketorestpython, without its pauses between calls."""

    def __init__(self, where: Where) -> None:
        from marketorestpython.client import MarketoClient  # noqa: PLC0415 - only the bench extra has it

        self.client = MarketoClient("000-AAA-000", where.client_id, where.client_secret)
        self.client.host = where.base_url
        self.ids = [str(number) for number in IDS]

    async def page(self) -> None:
        """Fetch one page."""
        with mock.patch("time.sleep"):
            leads = self.client.execute(
                method="get_multiple_leads_by_filter_type",
                filterType="id",
                filterValues=self.ids,
                fields=FIELDS,
                batchSize=300,
            )
        assert len(leads) == len(IDS)


async def cost(work: Work, times: int) -> float:
    """Return the CPU seconds of one turn of ``work``."""
    started = time.process_time()
    for _ in range(times):
        await work()
    return (time.process_time() - started) / times


def spent_by(profile: cProfile.Profile) -> list[tuple[str, float]]:
    """Sum a profile's own times by the owner of the code, largest first, without the time in the selector."""
    sums: dict[str, float] = {}
    for (file, _, function), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "poll" not in function:
            part = _part(file, function)
            sums[part] = sums.get(part, 0.0) + own
    return sorted(sums.items(), key=lambda item: -item[1])


def _part(file: str, function: str) -> str:
    """Name the owner of a function: a module of the package, a library, or the interpreter's own functions."""
    if file.startswith(PACKAGE):
        return "marketo_async." + file[len(PACKAGE) + 1 :].removesuffix(".py").replace("/", ".")
    for library in ("msgspec", "aiohttp", "yarl", "multidict", "asyncio"):
        if f"/{library}/" in file or f"{library}." in function:
            return library
    return "zlib" if "zlib" in function else "other"


async def profiled(work: Work, times: int) -> list[Figure]:
    """Return the figures of the profile of ``work``: which code takes its time."""
    profile = cProfile.Profile(time.process_time)  # on a busy machine, only the time of this process
    profile.enable()
    for _ in range(times):
        await work()
    profile.disable()
    parts = spent_by(profile)
    whole = sum(own for _, own in parts)
    ours = sum(own for part, own in parts if part.startswith("marketo_async"))
    rows = [f"{part} {100 * own / whole:.0f} %" for part, own in parts if own > whole / 50]
    return [
        info("profile of a page: in this package's code", f"{100 * ours / whole:.0f} %"),
        info("profile of a page, parts above 2 %", ", ".join(rows)),
    ]


async def measure(where: Where, rounds: int) -> list[Figure]:
    """Let the contenders alternate, and profile one page."""
    async with unlimited_client(where) as marketo:
        token = await marketo.session._tokens.get()  # noqa: SLF001 - lent to the bare client, which can't renew one
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
        async with aiohttp.ClientSession(headers=headers) as http:
            own, bare, peer = Own(marketo), Bare(http, where.base_url), Peer(where)
            turns: list[tuple[Work, int]] = [
                (own.page, PAGES),
                (bare.page, PAGES),
                (peer.page, 1),
                (own.lead, PAGES),
                (bare.lead, PAGES),
                (own.listing, 1),
            ]
            costs = [[await cost(work, times) for work, times in turns] for _ in range(rounds + 1)][1:]  # one warms up
            profile = await profiled(own.page, PROFILED)
    return [*_figures(list(zip(*costs, strict=True))), *profile]


def _figures(columns: Sequence[Sequence[float]]) -> list[Figure]:
    mine, floor, other, lead, bare_lead, _ = columns
    extra = [(page - bare) * 1e6 / len(IDS) for page, bare in zip(mine, floor, strict=True)]
    a_call = [(one - bare) * 1e6 for one, bare in zip(lead, bare_lead, strict=True)]
    page, bare, theirs, one, bare_one, listing = (statistics.median(column) * 1e3 for column in columns)
    return [
        ratio_at_most("a page: CPU against bare aiohttp + msgspec", mine, floor, 1.3, quoted=True),
        ratio_at_most("a page: CPU against marketorestpython", mine, other, 1.0, quoted=True),
        info("a page: CPU here, bare, marketorestpython", f"{page:.2f}, {bare:.2f}, {theirs:.2f} ms"),
        info("a lead: CPU here, bare", f"{one:.2f}, {bare_one:.2f} ms"),
        info("ten pages concurrently, 1,000 leads: CPU", f"{listing:.2f} ms"),
        over_repeats(info("a call: CPU beyond bare", f"{statistics.median(a_call):.0f} µs", quoted=True), a_call),
        over_repeats(info("a record of a page: CPU beyond bare", f"{statistics.median(extra):.2f} µs"), extra),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    with unlimited_sandbox() as where:
        return asyncio.run(measure(where, ROUNDS // 4 if quick else ROUNDS))
