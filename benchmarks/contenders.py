"""The same jobs by three clients: this one, marketorestpython, and a plain loop of aiohttp, written by hand.

Every job passes on each record as it arrives, so that the loss after an error is known. marketorestpython is used as
its documentation shows, with ids and records split into three hundred by hand, and with its pauses between calls. The
plain loop keeps no limits and repeats nothing: it is the lower bound of a client's cost, not a way to work. See
``clients`` for the measurements and the failures.
"""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
from msgspec import Struct

from benchmarks.elsewhere import Where
from marketo_async import Marketo
from marketo_async.operation import batched

if TYPE_CHECKING:
    from marketorestpython.client import MarketoClient

LIST, BATCH, POLL = 1001, 300, 0.2
FIELDS = ["id", "email"]


class Task(Struct, frozen=True):
    """A job: how many records; activities between two moments, of these types."""

    records: int
    since: datetime
    until: datetime
    types: Sequence[int] = ()


Take = Callable[[object], None]
Job = Callable[[Where, Task, Take], None]


def addresses(count: int) -> Iterator[dict[str, str]]:
    """Return the records to upsert."""
    return ({"email": f"new.{number}@example.com", "firstName": "New"} for number in range(count))


class Own:
    """marketo_async."""

    def __init__(self, marketo: Marketo, task: Task, take: Take) -> None:
        self.marketo, self.task, self.take = marketo, task, take

    async def leads_by_id(self) -> None:
        """Fetch leads by their ids."""
        ids = range(1, self.task.records + 1)
        async for lead in self.marketo.leads.by_filter("id", ids, fields=FIELDS):
            self.take(lead["id"])

    async def list_members(self) -> None:
        """Fetch the leads of a list."""
        async for lead in self.marketo.lists.leads(LIST, fields=FIELDS):
            self.take(lead["id"])

    async def activities(self) -> None:
        """Fetch the activities of a day."""
        task = self.task
        async for activity in self.marketo.activities.between(task.since, task.until, types=task.types):
            self.take(activity.marketo_guid)

    async def upserts(self) -> None:
        """Write leads."""
        async for result in self.marketo.leads.sync(addresses(self.task.records), lookup_field="email"):
            self.take(result.id)

    async def export(self) -> None:
        """Export the leads of a list to a file, and read it."""
        async for row in self.marketo.bulk.leads.export(fields=FIELDS, static_list=LIST, poll=POLL):
            self.take(row["id"])


class Peer:
    """marketorestpython."""

    def __init__(self, client: MarketoClient, task: Task, take: Take) -> None:
        self.client, self.task, self.take = client, task, take

    def leads_by_id(self) -> None:
        """Fetch leads by their ids."""
        for ids in batched(map(str, range(1, self.task.records + 1)), BATCH):
            for lead in self._call(
                "get_multiple_leads_by_filter_type", filterType="id", filterValues=ids, fields=",".join(FIELDS)
            ):
                self.take(lead["id"])

    def list_members(self) -> None:
        """Fetch the leads of a list."""
        for page in self._call("get_multiple_leads_by_list_id_yield", listId=LIST, fields=",".join(FIELDS)):
            for lead in page:
                self.take(lead["id"])

    def activities(self) -> None:
        """Fetch the activities of a day."""
        types = list(map(str, self.task.types))
        since = self.task.since.isoformat()
        for page in self._call("get_lead_activities_yield", activityTypeIds=types, sinceDatetime=since):
            for activity in page:
                self.take(activity["marketoGUID"])

    def upserts(self) -> None:
        """Write leads, three hundred a call."""
        for records in batched(addresses(self.task.records), BATCH):
            for result in self._call(
                "create_update_leads", leads=records, action="createOrUpdate", lookupField="email"
            ):
                self.take(result["id"])

    def export(self) -> None:
        """Export the leads of a list to a file, and read it."""
        job = self._call("create_leads_export_job", fields=FIELDS, filters={"staticListId": LIST})[0]["exportId"]
        self._call("enqueue_leads_export_job", job_id=job)
        while self._call("get_leads_export_job_status", job_id=job)[0]["status"] != "Completed":
            time.sleep(POLL)
        for row in _rows(self._call("get_leads_export_job_file", job_id=job)):
            self.take(row["id"])

    def _call(self, method: str, **arguments: object) -> Any:
        """Call as its documentation shows; it returns ``None`` when it has given up."""
        answer = self.client.execute(method=method, **arguments)
        if answer is None:
            raise RuntimeError(f"{method} returned None")
        return answer


class Plain:
    """A loop of aiohttp and msgspec: one call after the other, and an exception where one fails."""

    def __init__(self, http: aiohttp.ClientSession, where: Where, task: Task, take: Take) -> None:
        self.http, self.where, self.task, self.take = http, where, task, take

    async def leads_by_id(self) -> None:
        """Fetch leads by their ids."""
        for ids in batched(map(str, range(1, self.task.records + 1)), BATCH):
            query = {"filterType": "id", "filterValues": ",".join(ids), "fields": ",".join(FIELDS)}
            for lead in (await self._call("GET", "/rest/v1/leads.json", query))["result"]:
                self.take(lead["id"])

    async def list_members(self) -> None:
        """Fetch the leads of a list."""
        query = {"fields": ",".join(FIELDS)}
        while True:
            page = await self._call("GET", f"/rest/v1/lists/{LIST}/leads.json", query)
            for lead in page["result"]:
                self.take(lead["id"])
            if "nextPageToken" not in page:
                return
            query["nextPageToken"] = page["nextPageToken"]

    async def activities(self) -> None:
        """Fetch the activities of a day."""
        since = {"sinceDatetime": self.task.since.isoformat()}
        page = await self._call("GET", "/rest/v1/activities/pagingtoken.json", since)
        more = True
        while more:
            query = {
                "activityTypeIds": ",".join(map(str, self.task.types)),
                "nextPageToken": page["nextPageToken"],
            }
            page = await self._call("GET", "/rest/v1/activities.json", query)
            for activity in page.get("result", ()):
                self.take(activity["marketoGUID"])
            more = page["moreResult"]

    async def upserts(self) -> None:
        """Write leads, three hundred a call."""
        for records in batched(addresses(self.task.records), BATCH):
            body = {"action": "createOrUpdate", "lookupField": "email", "input": records}
            for result in (await self._call("POST", "/rest/v1/leads.json", {}, body))["result"]:
                self.take(result["id"])

    async def export(self) -> None:
        """Export the leads of a list to a file, and read it."""
        body = {"fields": FIELDS, "filter": {"staticListId": LIST}}
        job = (await self._call("POST", "/bulk/v1/leads/export/create.json", {}, body))["result"][0]["exportId"]
        await self._call("POST", f"/bulk/v1/leads/export/{job}/enqueue.json", {})
        status = ""
        while status != "Completed":
            await asyncio.sleep(POLL)
            status = (await self._call("GET", f"/bulk/v1/leads/export/{job}/status.json", {}))["result"][0]["status"]
        async with self.http.get(f"{self.where.base_url}/bulk/v1/leads/export/{job}/file.json") as response:
            for row in _rows(await response.read()):
                self.take(row["id"])

    async def _call(self, method: str, path: str, query: Mapping[str, str], body: object = None) -> Any:
        data = None if body is None else msgspec.json.encode(body)
        url = f"{self.where.base_url}{path}"
        async with self.http.request(method, url, params=query, data=data) as response:
            answer = msgspec.json.decode(await response.read())
        if not answer["success"]:
            raise RuntimeError(answer["errors"][0])
        return answer


def _rows(content: bytes) -> Iterator[dict[str, str]]:
    return iter(csv.DictReader(io.StringIO(content.decode())))


def own(job: str, where: Where, task: Task, take: Take) -> None:
    """Do a job with marketo_async."""

    async def main() -> None:
        async with Marketo(where.base_url, client_id=where.client_id, client_secret=where.client_secret) as marketo:
            await getattr(Own(marketo, task, take), job)()

    asyncio.run(main())


def peer(job: str, where: Where, task: Task, take: Take) -> None:
    """Do a job with marketorestpython."""
    from marketorestpython.client import MarketoClient  # noqa: PLC0415 - not in the processes of the other clients

    client = MarketoClient("000-AAA-000", where.client_id, where.client_secret)
    client.host = where.base_url
    getattr(Peer(client, task, take), job)()


def plain(job: str, where: Where, task: Task, take: Take) -> None:
    """Do a job with a plain loop."""

    async def main() -> None:
        identity = f"{where.base_url}/identity/oauth/token"
        credentials = {
            "grant_type": "client_credentials",
            "client_id": where.client_id,
            "client_secret": where.client_secret,
        }
        async with aiohttp.ClientSession() as http:
            async with http.get(identity, params=credentials) as response:
                token = msgspec.json.decode(await response.read())["access_token"]
            http.headers.update({"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            await getattr(Plain(http, where, task, take), job)()

    asyncio.run(main())


CONTENDERS: Mapping[str, Callable[[str, Where, Task, Take], None]] = {
    "marketo_async": own,
    "marketorestpython": peer,
    "a plain loop": plain,
}
