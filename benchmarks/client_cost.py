"""A page of 300 leads: the client's CPU against bare aiohttp + msgspec, and against marketorestpython.

Measures the process's CPU time per page, the server in another process, without waiting for limits. The three take
turns, round after round, so that a machine that slows down slows all; figures are medians of the rounds.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from itertools import pairwise
from unittest import mock

import aiohttp
import msgspec

from benchmarks.elsewhere import LIFTED, sandbox_elsewhere
from benchmarks.report import Figure, at_most, told
from marketo_async import Governor, Limits, Marketo

ROUNDS, PAGES = 60, 10
IDS = range(1, 301)
FIELDS = ["id", "email", "firstName", "lastName", "createdAt", "updatedAt", "company", "title", "phone", "leadScore"]


class Bare:
    """Nothing but aiohttp and msgspec, as one would write it by hand."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str) -> None:
        self.http = http
        self.url = f"{base_url}/rest/v1/leads.json"
        self.decode = msgspec.json.Decoder().decode

    async def page(self) -> None:
        """Fetch and decode one page."""
        query = {"filterType": "id", "filterValues": ",".join(map(str, IDS)), "fields": ",".join(FIELDS)}
        async with self.http.get(self.url, params=query) as response:
            assert len(self.decode(await response.read())["result"]) == len(IDS)


class Peer:
    """marketorestpython, with its pauses between calls left out."""

    def __init__(self, base_url: str, client_id: str, client_secret: str) -> None:
        from marketorestpython.client import MarketoClient  # noqa: PLC0415 - only the bench extra has it

        self.client = MarketoClient("000-AAA-000", client_id, client_secret)
        self.client.host = base_url
        self.ids = [str(number) for number in IDS]

    def page(self) -> None:
        """Fetch one page."""
        leads = self.client.execute(
            method="get_multiple_leads_by_filter_type",
            filterType="id",
            filterValues=self.ids,
            fields=FIELDS,
            batchSize=300,
        )
        assert len(leads) == len(IDS)


async def measure(base_url: str, client_id: str, client_secret: str) -> list[tuple[float, float, float]]:
    """Return the CPU seconds per page of this client, the bare one and the peer, round by round."""
    governor = Governor(Limits(calls=LIFTED, daily=LIFTED))
    clock = time.process_time
    costs = []
    async with Marketo(base_url, client_id=client_id, client_secret=client_secret, governor=governor) as marketo:
        token = await marketo.session._tokens.get()  # noqa: SLF001 - lent to the bare client, which can't renew one
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
        async with aiohttp.ClientSession(headers=headers) as http:
            bare, peer = Bare(http, base_url), Peer(base_url, client_id, client_secret)
            for _ in range(ROUNDS + 1):
                marks = [clock()]
                for _ in range(PAGES):
                    assert len(await marketo.leads.by_filter("id", IDS, fields=FIELDS).all()) == len(IDS)
                marks.append(clock())
                for _ in range(PAGES):
                    await bare.page()
                marks.append(clock())
                with mock.patch("time.sleep"):
                    peer.page()
                marks.append(clock())
                mine, floor, other = (late - early for early, late in pairwise(marks))
                costs.append((mine / PAGES, floor / PAGES, other))
    return costs[1:]  # the first round warms up


def run() -> list[Figure]:
    """Return the figures."""
    with sandbox_elsewhere() as credentials:
        costs = asyncio.run(measure(*credentials))
    ratios = sorted(mine / floor for mine, floor, _ in costs)
    against_peer = sorted(mine / other for mine, _, other in costs)
    mine, floor, other = (statistics.median(column) * 1e3 for column in zip(*costs, strict=True))
    return [
        at_most("CPU against bare aiohttp + msgspec", statistics.median(ratios), 1.3, "x"),
        told("middle half of the rounds", f"{ratios[ROUNDS // 4]:.2f} to {ratios[-ROUNDS // 4]:.2f}"),
        at_most("CPU against marketorestpython", statistics.median(against_peer), 1.0, "x"),
        told("CPU per page: here, bare, marketorestpython", f"{mine:.2f}, {floor:.2f}, {other:.2f} ms"),
    ]
