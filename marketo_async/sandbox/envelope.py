"""The answer of an operation, and the JSON envelope around it.

Errors are answers too: HTTP 200 with ``success: false``. See ``reply`` for how the bytes are sent.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import msgspec

from marketo_async.sandbox.errors import ApiError, RecordError

Members = dict[str, object]

NOTHING_FOUND = "No assets found for the given search criteria."


@dataclass(frozen=True, slots=True)
class Download:
    """A file that is answered without an envelope, or the short text that says that there is none."""

    content: bytes
    found: bool = True
    file: IO[bytes] | None = None
    """The content instead of ``content``, for files that are too large to hold in memory."""
    file_size: int = 0

    @property
    def size(self) -> int:
        """The bytes of the content."""
        return len(self.content) if self.file is None else self.file_size


@dataclass(slots=True)
class Answer:
    """The answer of an operation that succeeded; a member that is ``None`` is left out."""

    result: Sequence[object] | Mapping[str, object] | bool | None = None
    next_page_token: str | None = None
    more_result: bool | None = None
    warnings: list[str] | None = None
    page_details: Members | None = None
    download: Download | None = None


def per_lead(lead_ids: Iterable[int], act: Callable[[int], str]) -> Answer:
    """Return a row for each lead with the status that ``act`` returns, or with the reasons why it was skipped."""
    rows: list[Members] = []
    for lead_id in lead_ids:
        try:
            rows.append({"id": lead_id, "status": act(lead_id)})
        except RecordError as error:
            rows.append({"id": lead_id, "status": "skipped", "reasons": error.reasons})
    return Answer(rows)


class RequestIds:
    """Unique request ids: hex, ``#``, then the epoch milliseconds in hex."""

    def __init__(self, rng: random.Random) -> None:
        self._numbers = itertools.count(rng.randrange(0x1000, 0xF000))

    def issue(self, moment: float) -> str:
        """Return an id for a request that is answered at ``moment``."""
        return f"{next(self._numbers):x}#{int(moment * 1000):x}"


def success(answer: Answer, request_id: str, *, asset: bool) -> Members:
    """Return the envelope of an operation that succeeded."""
    envelope: Members = {"requestId": request_id}
    if answer.result is not None:
        envelope["result"] = answer.result
    envelope["success"] = True
    if answer.next_page_token is not None:
        envelope["nextPageToken"] = answer.next_page_token
    if answer.more_result is not None:
        envelope["moreResult"] = answer.more_result
    if asset:
        envelope["errors"] = []
    if asset or answer.warnings is not None:
        envelope["warnings"] = answer.warnings or []
    return envelope


def failure(error: ApiError, request_id: str, *, asset: bool) -> Members:
    """Return the envelope of an operation that failed as a whole."""
    envelope: Members = {
        "requestId": request_id,
        "success": False,
        "errors": [{"code": error.code, "message": error.message}],
    }
    if asset:
        envelope["warnings"] = []
    return envelope


def unfamiliar(said: object, rng: random.Random, *, shuffled: bool, unknown: bool) -> object:
    """Return an answer with its members in random order and with undocumented members."""
    return _rearranged(msgspec.to_builtins(said), rng, shuffled=shuffled, unknown=unknown)


def _rearranged(value: object, rng: random.Random, *, shuffled: bool, unknown: bool) -> object:
    if isinstance(value, list):
        return [_rearranged(item, rng, shuffled=shuffled, unknown=unknown) for item in value]
    if not isinstance(value, Mapping):
        return value
    members = [(name, _rearranged(item, rng, shuffled=shuffled, unknown=unknown)) for name, item in value.items()]
    if unknown:
        members.append(("addedLater", {"since": 2031, "values": [None, True]}))
    if shuffled:
        rng.shuffle(members)
    return dict(members)
