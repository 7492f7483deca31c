"""Bulk jobs as they are called: exports from definition to file, imports as multipart forms."""

from __future__ import annotations

import csv
import io
from typing import Any

import aiohttp

from .api import Api, Body

NOW = 1_767_225_600.0
SCHEMA = "/rest/v1/customobjects/schema"
VIN = {"name": "vin", "displayName": "VIN", "dataType": "string", "isDedupeField": True}
OWNER = {
    "name": "leadId",
    "displayName": "Lead Id",
    "dataType": "integer",
    "relatedTo": {"name": "Lead", "field": "id"},
}
WHEELS = {"name": "wheels", "displayName": "Wheels", "dataType": "integer"}


async def create(api: Api, kind: str, filters: object, *fields: str, **more: object) -> Body:
    body = {"filter": filters, **({"fields": fields} if fields else {}), **more}
    return await api.post(f"/bulk/v1/{kind}/export/create.json", body)


async def created(api: Api, kind: str, filters: object, *fields: str, **more: object) -> str:
    answer = await create(api, kind, filters, *fields, **more)
    assert answer["success"], answer
    return f"/bulk/v1/{kind}/export/{answer['result'][0]['exportId']}"


async def one(api: Api, method: str, path: str) -> Body:
    answer = (await api.raw(method, path)).json()
    assert answer["success"], answer
    [row] = answer["result"]
    return dict(row)


async def exported(api: Api, kind: str, filters: object, *fields: str, **more: object) -> list[list[str]]:
    job = await created(api, kind, filters, *fields, **more)
    await one(api, "POST", f"{job}/enqueue.json")
    api.sandbox.clock.advance(1)
    row = await one(api, "GET", f"{job}/status.json")
    assert row["status"] == "Completed", row
    content = (await api.raw("GET", f"{job}/file.json")).content
    lines = list(csv.reader(io.StringIO(content.decode())))
    assert row["numberOfRecords"] == len(lines) - 1
    return lines


async def upload(api: Api, path: str, content: str | bytes, *, parts: Any = None, **params: str | int) -> Body:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", content, filename="rows.csv", content_type="text/csv")
    for name, value in (parts or {}).items():
        form.add_field(name, str(value))
    return (await api.raw("POST", f"/bulk/v1/{path}.json", params=params, data=form)).json()


async def imported(api: Api, path: str, batch: str, content: str | bytes, **params: str | int) -> tuple[Body, str]:
    answer = await upload(api, path, content, **{"format": "csv", **params})
    assert answer["success"], answer
    api.sandbox.clock.advance(1)
    batch = f"/bulk/v1/{batch}/{answer['result'][0]['batchId']}"
    status = f"{batch}.json" if path == "leads" else f"{batch}/status.json"
    return await one(api, "GET", status), batch


async def a_car_type(api: Api, name: str = "car", *, linked: bool = True) -> None:
    assert (await api.post(f"{SCHEMA}.json", {"apiName": name, "displayName": name.title()}))["success"]
    fields = [VIN, OWNER, WHEELS] if linked else [VIN, WHEELS]
    assert (await api.post(f"{SCHEMA}/{name}/addField.json", {"input": fields}))["success"]
    assert (await api.post(f"{SCHEMA}/{name}/approve.json"))["success"]
