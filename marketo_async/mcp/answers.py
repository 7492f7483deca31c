"""What a tool answers: whole records up to a size, a sealed cursor for the rest, clean text, and the shape of errors.

An answer is compact JSON that is never cut. Text from Marketo was typed by outsiders, so control characters and
invisible ones are removed: a reader must see what a model sees. See ``tools`` for who answers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from marketo_async.errors import InvalidRequest

ANSWER_CHARS = 24_000  # hosts were seen to warn at 16,000 tokens and to refuse at 25,000
_KEPT_S, _KEPT_PAGES, _KEPT_RECORDS = 300.0, 50, 200_000
_SHORTENED = 200  # characters that stay of a text that is too long

# Control characters but tab and line feed, zero-width and bidirectional marks, variation selectors, and the tag
# characters that can spell a hidden text.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]"
)


class Cleaned(NamedTuple):
    """A value without control and invisible characters, and how many were removed."""

    value: Any
    removed: int


def cleaned(value: Any) -> Cleaned:
    """Remove control and invisible characters from every text of a JSON value, names of members included."""
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return Cleaned(value, 0)
        text, removed = _INVISIBLE.subn("", value)
        return Cleaned(text, removed)
    if isinstance(value, Mapping):
        members = [(cleaned(name), cleaned(member)) for name, member in value.items()]
        return Cleaned(
            {name.value: member.value for name, member in members},
            sum(name.removed + member.removed for name, member in members),
        )
    if isinstance(value, list | tuple):
        found = [cleaned(member) for member in value]
        return Cleaned([member.value for member in found], sum(member.removed for member in found))
    return Cleaned(value, 0)


def plain(value: object) -> Any:
    """Return a record or a result as JSON values, without the members that are null."""
    return _without_nulls(msgspec.to_builtins(value, enc_hook=str, str_keys=True))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(member) for name, member in value.items() if member is not None}
    return [_without_nulls(member) for member in value] if isinstance(value, list) else value


def projected(record: Any, fields: Collection[str]) -> Any:
    """Return the members of a record that ``fields`` names, whatever their case; all of them if it names none."""
    if not fields or not isinstance(record, Mapping):
        return record
    wanted = {name.casefold() for name in fields}
    return {name: value for name, value in record.items() if name.casefold() in wanted}


class WholeRecords(NamedTuple):
    """The records that fit into an answer, and the members whose text was shortened, by path."""

    items: list[Any]
    shortened: list[str]


def whole_records(records: Iterable[Any], chars: int) -> WholeRecords:
    """Return as many of the first records as fit into ``chars`` characters of JSON; always at least one.

    Where the first alone is too long, its longest texts are shortened, and named.
    """
    items: list[Any] = []
    left = chars
    for record in records:
        size = len(as_text(record)) + 1
        if size > left:
            if items:
                break
            return _shortened(record, chars - 1)
        items.append(record)
        left -= size
    return WholeRecords(items, [])


def _shortened(record: Any, chars: int) -> WholeRecords:
    texts = sorted(_texts(record, "$"), key=lambda found: -len(found[1]))
    shortened: list[str] = []
    for path, _ in texts:
        if len(as_text(record)) <= chars:
            break
        record = _shorten(record, path, "$")
        shortened.append(path.removeprefix("$."))
    if len(as_text(record)) > chars:  # many small members: nothing shorter is left to say
        return WholeRecords([{"too_large": len(as_text(record))}], ["$"])
    return WholeRecords([record], shortened)


def _texts(value: Any, path: str) -> Iterable[tuple[str, str]]:
    if isinstance(value, str) and len(value) > _SHORTENED:
        yield path, value
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, f"{path}.{name}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _texts(member, f"{path}[{index}]")


def _shorten(value: Any, wanted: str, path: str) -> Any:
    if path == wanted:
        return f"{value[:_SHORTENED]}… ({len(value):,} characters)"
    if isinstance(value, Mapping):
        return {name: _shorten(member, wanted, f"{path}.{name}") for name, member in value.items()}
    if isinstance(value, list):
        return [_shorten(member, wanted, f"{path}[{index}]") for index, member in enumerate(value)]
    return value


def as_text(value: object) -> str:
    """Write a JSON value compactly."""
    return msgspec.json.encode(value, enc_hook=str).decode()


class Cursor(Struct, frozen=True, array_like=True):
    """Where a listing continues: in which of its parts, at which token of Marketo's, after how many of that page."""

    part: int = 0
    token: str | None = None
    given: int = 0


class Seal:
    """Seals cursors, so that a cursor continues the listing of one agent that it was made for, and nothing else."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, cursor: Cursor, *bound: str) -> str:
        """Return a cursor as text that `unseal` takes with the same ``bound`` texts only."""
        body = msgspec.json.encode(cursor)
        return urlsafe_b64encode(self._mark(body, bound) + body).decode().rstrip("=")

    def unseal(self, text: str, *bound: str) -> Cursor:
        """Return a sealed cursor; raises `InvalidRequest` for any text that was not made for ``bound``."""
        try:
            whole = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            mark, body = whole[:_MARK], whole[_MARK:]
            if hmac.compare_digest(mark, self._mark(body, bound)):
                return msgspec.json.decode(body, type=Cursor)
        except (ValueError, msgspec.DecodeError):
            pass
        raise InvalidRequest(
            "the cursor does not continue this listing; pass it with the same operation and arguments, or start without"
            " one"
        )

    def _mark(self, body: bytes, bound: Sequence[str]) -> bytes:
        marked = msgspec.json.encode(bound) + body
        return hmac.digest(self._key, marked, "sha256")[:_MARK]


_MARK = 16  # bytes


def digest(value: object) -> str:
    """Return a digest of JSON values, the same for every order of their members."""
    return hashlib.sha256(msgspec.json.encode(value, enc_hook=str, order="sorted")).hexdigest()


class Rests:
    """The pages of which a part was given, kept for five minutes: to continue them makes no second call."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._pages: OrderedDict[object, tuple[float, int, object]] = OrderedDict()

    def keep(self, key: object, page: object, *, weight: int) -> None:
        """Keep a page of ``weight`` records; those kept longest go where there are more than 50, or many records."""
        self._pages[key] = (self._clock() + _KEPT_S, weight, page)
        self._pages.move_to_end(key)
        while len(self._pages) > _KEPT_PAGES or sum(kept for _, kept, _ in self._pages.values()) > _KEPT_RECORDS:
            self._pages.popitem(last=False)

    def get(self, key: object) -> object | None:
        """Return a page that is kept, or ``None``."""
        until, _, page = self._pages.get(key, (0.0, 0, None))
        if self._clock() >= until:
            self._pages.pop(key, None)
            return None
        return page

    def clear(self) -> None:
        """Keep none: rights may have changed."""
        self._pages.clear()
