"""A call before it is made: `Operation` (the facts of an endpoint) and `Plan` (one call, decided but not sent).

A planner turns arguments into a plan with ``first``, ``one``, ``many``, ``page`` or ``nothing``, which are named after
what the call returns. All of it is data, without I/O. See ``request`` for how a plan becomes bytes and
``resources.descriptors`` for how a planner becomes a method. The module is longer than 350 lines because the functions
fill the members of `Plan`: they change together.
"""

from __future__ import annotations

import string
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from functools import cached_property
from itertools import islice
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from marketo_async.envelope import Envelope, Items, MissingResult
from marketo_async.errors import RecordsFailed
from marketo_async.models.records import RecordResult, settle

T = TypeVar("T")
R = TypeVar("R")
V = TypeVar("V")

Method = Literal["GET", "POST", "DELETE"]
Scalar = str | int | float | bool | datetime
Arg = Scalar | Sequence[str] | Sequence[int] | None


class Repeat(Enum):
    """The effect of a second, identical call if the response to the first was lost."""

    SAFE = "the same response again"
    SETTLES = "the same state, but an error because it was already done"
    NEVER = "a second effect"


class Paging(Enum):
    """How a listing continues and ends."""

    POSITION = "nextPageToken, until there is none or moreResult is false"
    DATE = "nextPageToken that starts at a date, until moreResult is false; the last token resumes later"
    OFFSET = "offset and maxReturn, until a page is short"
    INDEX = "pageIndex and pageSize, until totalItems are reached or a page is short"
    USERS = "pageOffset and pageSize, until a page is short"


class Dialect(Enum):
    """The conventions of a family of paths; the start of the path decides."""

    ENVELOPE = "an envelope with success, result and errors, nearly always with HTTP 200"
    USERS = "responses without an envelope, and errors as the HTTP status"
    INGESTION = "202 without a body, another host, and a separate token header"


class Provenance(Enum):
    """Where an operation is documented."""

    OFFICIAL = "the OpenAPI files"
    DOCS = "Marketo's pages only"
    PRACTICE = "what other clients do"


class Operation(Struct, frozen=True, kw_only=True, dict=True):
    """One endpoint: the facts that the governor, the retry rule, the command line, the docs and the tests read.

    Any one of the API ``permissions`` is enough, unless ``every`` requires all of them. ``timeout`` is the server's
    own, in seconds. ``proof`` lists the codes by which a retry proves that the first call, whose response was lost,
    took effect: "not found" after a deletion, nothing after an approval. After any other error of the retry the outcome
    is unknown.
    """

    name: str
    method: Method
    path: str
    permissions: tuple[str, ...] = ()
    every: bool = False
    reads: bool = False
    repeat: Repeat = Repeat.NEVER
    proof: tuple[str, ...] = ()
    timeout: float = 300.0
    summary: str = ""
    paging: Paging | None = None
    source: Provenance = Provenance.OFFICIAL

    @cached_property
    def dialect(self) -> Dialect:
        """The conventions of its requests and responses."""
        if self.path.startswith("/userservice/"):
            return Dialect.USERS
        return Dialect.INGESTION if self.path.startswith("/subscriptions/") else Dialect.ENVELOPE

    @property
    def write(self) -> bool:
        """Whether the call changes anything; a few POSTs only read."""
        return self.method != "GET" and not self.reads

    @property
    def idempotent(self) -> bool:
        """Whether the call may be retried if the response to the first was lost."""
        return self.repeat is not Repeat.NEVER

    @property
    def placeholders(self) -> frozenset[str]:
        """The names of the placeholders in the path."""
        return frozenset(field for _, field, _, _ in string.Formatter().parse(self.path) if field)


class File(Struct, frozen=True, kw_only=True):
    """A file to upload: its bytes, and the name and content type that Marketo requires."""

    name: str
    content: bytes
    content_type: str


class Page(Struct, Generic[T], frozen=True):
    """One page of a listing; pass ``token`` to the same method to resume after it.

    On the last page ``more`` is false; the token is ``None`` if nothing can follow. Keep both, as a token of ``None``
    also means "from the start".
    """

    items: list[T]
    token: str | None = None
    more: bool = False


class Plan(Struct, Generic[R], frozen=True, kw_only=True):
    """A call, decided but not made.

    ``answer`` is the type of the response's ``result`` (``bytes`` for a body that is not JSON); ``unwrap`` returns the
    caller's value from it. A call sends a ``query``, and at most one of ``json``, a ``form`` (whose members are text,
    or JSON if they are structures), and ``files`` with a form. ``repeat`` overrides the operation's if the arguments
    change it. ``settle`` reads the response to a retry whose first response was lost, with the operation's ``proof``. A
    listing resumes at ``token``; without one, ``opening`` fetches the first token of a listing by date. ``sift`` drops
    unwanted records from a page.
    """

    answer: Any
    unwrap: Callable[[Envelope[Any]], R]
    path: Mapping[str, str | int] = {}
    query: Mapping[str, Arg] = {}
    form: Mapping[str, object] | None = None
    files: Mapping[str, File] | None = None
    json: object = None
    repeat: Repeat | None = None
    settle: Callable[[R, tuple[str, ...]], R] | None = None
    token: str | None = None
    opening: Opening | None = None
    sift: Callable[[], PageFilter[Any]] | None = None

    @property
    def lists(self) -> bool:
        """Whether the call returns all its records at once, each decoded separately."""
        return self.unwrap is _many

    @property
    def void(self) -> bool:
        """Whether the call returns nothing but its success."""
        return self.unwrap is _nothing


class Opening(Struct, frozen=True):
    """The call that turns a date into the first paging token of a listing."""

    operation: Operation
    plan: Plan[str]


class PageFilter(Generic[T]):
    """Looks at every page of one listing: which records to deliver, and whether the rest can hold any more."""

    def __call__(self, items: list[T]) -> tuple[list[T], bool]:
        """Return the records to deliver, and whether the listing may end here."""
        raise NotImplementedError


class Ordered(Struct, Generic[T], frozen=True):
    """Several plans of one listing, made again for every loop; pages are delivered in order, starting at ``token``."""

    plans: Callable[[], Iterator[Plan[Page[T]]]]
    token: str | None = None


class Merged(Struct, Generic[T], frozen=True):
    """Several plans of one listing, fetched concurrently; pages are delivered as they arrive, starting at ``token``."""

    plans: Sequence[Plan[Page[T]]]
    token: str | None = None


class Deferred(Struct, Generic[T], frozen=True):
    """A listing whose arguments only the instance knows: ``ask`` returns them as one text, without a colon.

    A token holds that text, so that a resumed listing has the same arguments, whatever the instance knows by then.
    """

    ask: Callable[[], Awaitable[str]]
    listing: Callable[[str], Listing[T]]
    token: str | None = None


Listing = Plan[Page[T]] | Ordered[T] | Merged[T] | Deferred[T]


def batched(values: Iterable[V], size: int) -> Iterator[list[V]]:
    """Cut ``values`` into lists of at most ``size``."""
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


def first(
    model: type[T],
    *,
    path: Mapping[str, str | int] = {},
    query: Mapping[str, Arg] = {},
    json: object = None,
) -> Plan[T | None]:
    """Plan a call that returns one record, or ``None`` if there is none."""
    return Plan(answer=list[model], unwrap=_first, path=path, query=query, json=json)  # type: ignore[valid-type]


def one(
    model: type[T],
    *,
    path: Mapping[str, str | int] = {},
    query: Mapping[str, Arg] = {},
    form: Mapping[str, object] | None = None,
    files: Mapping[str, File] | None = None,
    json: object = None,
) -> Plan[T]:
    """Plan a call that always returns one record."""
    return Plan(
        answer=list[model],  # type: ignore[valid-type]
        unwrap=_one,
        path=path,
        query=query,
        form=form,
        files=files,
        json=json,
    )


def one_or(default: T, *, query: Mapping[str, Arg] = {}) -> Plan[T]:
    """Plan a call that returns one record, or ``default`` if there is none."""

    def unwrap(envelope: Envelope[Any]) -> T:
        found: T = envelope.result[0] if envelope.result else default
        return found

    return Plan(answer=list[type(default)], unwrap=unwrap, query=query)  # type: ignore[misc]


def many(
    model: type[T],
    *,
    path: Mapping[str, str | int] = {},
    query: Mapping[str, Arg] = {},
    form: Mapping[str, object] | None = None,
    json: object = None,
) -> Plan[list[T]]:
    """Plan a call that returns all its records at once."""
    return Plan(
        answer=list[model],  # type: ignore[valid-type]
        unwrap=_many,
        path=path,
        query=query,
        form=form,
        json=json,
    )


def whole(
    model: type[T], *, path: Mapping[str, str | int] = {}, query: Mapping[str, Arg] = {}, json: object = None
) -> Plan[T]:
    """Plan a call whose ``result``, or whose bare response, is a single value, not a list."""
    return Plan(answer=model, unwrap=_whole, path=path, query=query, json=json)


def raw(*, path: Mapping[str, str | int] = {}) -> Plan[bytes]:
    """Plan a call that returns a file, not JSON; only its errors may come in an envelope."""
    return Plan(answer=bytes, unwrap=_whole, path=path)


def accepted(*, path: Mapping[str, str | int] = {}, json: object = None) -> Plan[str | None]:
    """Plan a call that Marketo only queues; it returns the id under which Marketo will report on it."""
    return Plan(answer=Any, unwrap=_request_id, path=path, json=json)


def page(
    model: type[T],
    *,
    path: Mapping[str, str | int] = {},
    query: Mapping[str, Arg] = {},
    json: Mapping[str, object] | None = None,
    token: str | None = None,
    opening: Opening | None = None,
    sift: Callable[[], PageFilter[T]] | None = None,
) -> Plan[Page[T]]:
    """Plan a listing: its first page, and the next ones by the operation's paging rule."""
    return Plan(
        answer=list[model] | Items[model],  # type: ignore[valid-type]
        unwrap=_page,
        path=path,
        query=query,
        json=json,
        token=token,
        opening=opening,
        sift=sift,
    )


def results(
    *, path: Mapping[str, str | int] = {}, json: object = None, repeat: Repeat | None = None
) -> Plan[list[RecordResult]]:
    """Plan a write that returns a result for each record, in the order of the input."""
    return Plan(answer=list[RecordResult], unwrap=_results, path=path, json=json, repeat=repeat, settle=settle)


def single(*, path: Mapping[str, str | int] = {}, json: object = None) -> Plan[RecordResult]:
    """Plan a write of one record; it raises `RecordsFailed` if Marketo does not accept the record."""
    return Plan(answer=list[RecordResult], unwrap=_single, path=path, json=json)


def nothing(
    *,
    path: Mapping[str, str | int] = {},
    query: Mapping[str, Arg] = {},
    form: Mapping[str, object] | None = None,
    files: Mapping[str, File] | None = None,
    json: object = None,
) -> Plan[None]:
    """Plan a call that returns nothing but its success."""
    return Plan(answer=Any, unwrap=_nothing, path=path, query=query, form=form, files=files, json=json)


def paging_token(*, query: Mapping[str, Arg]) -> Plan[str]:
    """Plan a call that returns a paging token."""
    return Plan(answer=Any, unwrap=_token, query=query)


def _first(envelope: Envelope[Any]) -> Any:
    return envelope.result[0] if envelope.result else None


def _one(envelope: Envelope[Any]) -> Any:
    if not envelope.result:
        raise MissingResult("success without a result")
    return envelope.result[0]


def _whole(envelope: Envelope[Any]) -> Any:
    if envelope.result is None:
        raise MissingResult("success without a result")
    return envelope.result


def _request_id(envelope: Envelope[Any]) -> str | None:
    return envelope.request_id


def _many(envelope: Envelope[Any]) -> Any:
    return envelope.result or []


def _results(envelope: Envelope[Any]) -> Any:
    if envelope.result is None:
        raise MissingResult("success without a result")
    return envelope.result


def _single(envelope: Envelope[Any]) -> RecordResult:
    result: RecordResult = _one(envelope)
    if result.failed:
        raise RecordsFailed(f"Marketo did not accept the record: {result.outcome}", failed=[result])
    return result


def _page(envelope: Envelope[Any]) -> Page[Any]:
    return Page(envelope.items, envelope.next_page_token, bool(envelope.more_result))


def _nothing(_: Envelope[Any]) -> None:
    return None


def _token(envelope: Envelope[Any]) -> str:
    if not envelope.next_page_token:
        raise MissingResult("success without a paging token")
    return envelope.next_page_token
