"""A fast server of activities that it makes up page by page; the sandbox would need a gigabyte for a million of them.

Run in its own process with a number of activities, a second apart, it prints its address and the date of the first one.
``GET /calls`` returns how many calls it received. Every page of one type is an equal number of activities.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime

import msgspec
from aiohttp import web

PAGE = 300
APART = 1.0  # seconds between two activities
BEHIND = 3 * 86_400.0  # seconds from the last activity to now
TYPES = [
    {
        "id": 1,
        "name": "Visit Webpage",
        "primaryAttribute": {"name": "Webpage ID", "dataType": "integer"},
        "attributes": [
            {"name": "Client IP Address", "dataType": "string"},
            {"name": "Webpage URL", "dataType": "string"},
        ],
    }
]
_PAGE = b'{"requestId":"1#1","success":true,"result":[%s],"nextPageToken":"%d","moreResult":%s}'
_ROW = (
    b'{"id":%d,"marketoGUID":"%032x","leadId":%d,"activityDate":"%s","activityTypeId":1,'
    b'"primaryAttributeValueId":%d,"primaryAttributeValue":"example.com/page%d","attributes":'
    b'[{"name":"Client IP Address","value":"192.0.2.1"},{"name":"Webpage URL","value":"/page%d"}]}'
)


class StandIn:
    """Answers as an instance with ``count`` visits."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.first = float(int(time.time() - BEHIND - count * APART))
        self.calls = 0
        self._days: dict[int, str] = {}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one call."""
        path, query = request.path, request.query
        if "activities.json" in path:
            self.calls += 1
            return _json(self._page(int(query["nextPageToken"])))
        if path.startswith("/identity/"):
            said: object = {"access_token": "t", "token_type": "bearer", "expires_in": 3600}
        elif path == "/calls":
            said = self.calls
        else:
            self.calls += 1
            if path.endswith("/types.json"):
                said = _ok(TYPES)
            else:
                since = datetime.fromisoformat(query["sinceDatetime"]).timestamp()
                said = {**_ok(None), "nextPageToken": str(max(0, min(self.count, int(since - self.first) + 1)))}
        return _json(msgspec.json.encode(said))

    def _page(self, start: int) -> bytes:
        end = min(start + PAGE, self.count)
        rows = b",".join(self._row(number) for number in range(start, end))
        more = b"true" if end < self.count else b"false"
        return _PAGE % (rows, end, more)

    def _row(self, number: int) -> bytes:
        moment = int(self.first + number * APART)
        day, second = divmod(moment, 86_400)
        text = self._days.get(day) or self._days.setdefault(day, f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}")
        date = b"%sT%02d:%02d:%02dZ" % (text.encode(), second // 3600, second // 60 % 60, second % 60)
        page = number % 60
        return _ROW % (number, number, 1 + number % 10_007, date, 500 + page, page, page)


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _ok(result: object) -> dict[str, object]:
    return {"requestId": "1#1", "success": True, "result": result}


async def serve(count: int) -> None:
    """Print the address and the first date, and serve until the process is ended."""
    stand_in = StandIn(count)
    runner = web.ServerRunner(web.Server(stand_in.answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]} {stand_in.first:.0f}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
