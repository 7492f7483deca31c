"""The plainest possible caller: raw aiohttp against the real socket, so that no client code can hide a mistake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Unpack

import aiohttp
import msgspec

from marketo_async.sandbox import ApiUser, Sandbox
from marketo_async.sandbox.fixtures import Knobs

Params = Mapping[str, str | int | Sequence[str | int]]
Body = dict[str, Any]


@dataclass
class Response:
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Body:
        body: Body = msgspec.json.decode(self.content)
        return body


class Api:
    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token: str | None = None

    async def grant(self, user: ApiUser | None = None, **changes: str) -> Response:
        user = user or self.sandbox.user
        return await self.raw(
            "GET",
            "/identity/oauth/token",
            params={
                "grant_type": "client_credentials",
                "client_id": user.client_id,
                "client_secret": user.client_secret,
                **changes,
            },
        )

    async def authorize(self, user: ApiUser | None = None) -> str:
        granted = (await self.grant(user)).json()
        token = str(granted["access_token"])
        self.token = token
        return token

    async def raw(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Response:
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        query = [
            (name, str(item))
            for name, value in (params or {}).items()
            for item in ([value] if isinstance(value, str | int) else value)
        ]
        async with self.session.request(
            method,
            self.sandbox.base_url + path,
            params=query,
            headers={**sent, **(headers or {})},
            allow_redirects=False,
            **content,
        ) as response:
            return Response(response.status, response.headers, await response.read())

    async def get(self, path: str, **params: str | int | Sequence[str | int]) -> Body:
        return (await self.raw("GET", path, params=params)).json()

    async def post(self, path: str, json: object = None, **params: str | int | Sequence[str | int]) -> Body:
        content: dict[str, Any] = {} if json is None else {"json": json}
        return (await self.raw("POST", path, params=params, **content)).json()

    async def since(self, moment: str = "2020-01-01T00:00:00Z") -> str:
        token = (await self.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=moment))["nextPageToken"]
        return str(token)

    async def drain(self, path: str, **params: str | int | Sequence[str | int]) -> list[Body]:
        rows: list[Body] = []
        while True:
            page = await self.get(path, **params)
            assert page["success"], page
            rows += page.get("result", [])
            if not page.get("moreResult", "nextPageToken" in page):
                return rows
            params["nextPageToken"] = page["nextPageToken"]


class Connect(Protocol):
    async def __call__(self, **knobs: Unpack[Knobs]) -> Api: ...


def code(body: Body) -> str:
    assert body["success"] is False
    assert "result" not in body
    [error] = body["errors"]
    assert error["message"]
    return str(error["code"])


def reason(row: Body) -> str:
    assert row["status"] == "skipped"
    [why] = row["reasons"]
    return str(why["code"])
