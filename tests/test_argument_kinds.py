"""Every argument of every operation and bulk method is checked by its kind before anything is sent."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from math import inf, nan
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import pytest

from marketo_async import Governor, Limits, RetryPolicy
from marketo_async.argument_kinds import checked
from marketo_async.batcher import Batcher
from marketo_async.bulk.rows.reader import Row
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import Record
from marketo_async.resources import families
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import Composite, Declared

Between = tuple[datetime | date | str, datetime | date | str]
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
WRONG_NUMBERS: list[object] = [nan, inf, 0, -1, True, "5"]


class Nobody:
    """A sender that nothing may reach."""

    def __getattr__(self, name: str) -> Any:
        def called(*_: object) -> None:
            raise AssertionError(f"{name} was called: the argument was not refused")

        return called


def opened(kind: type[Any]) -> Resource:
    given = {
        "sender": Nobody(),
        "slots": JobSlots(),
        "used_today": None,
        "munchkin_id": "123-ABC-456",
        "api_name": "car_c",
    }
    given["model"] = Row if "slots" in inspect.signature(kind).parameters else Record
    wanted = inspect.signature(kind).parameters
    found: Resource = kind(**{name: value for name, value in given.items() if name in wanted})
    return found


def planned(found: object) -> Callable[..., Any] | None:
    if isinstance(found, Declared):
        return found.planner
    return found.method if isinstance(found, Composite) else None


def options(hint: Any) -> list[Any]:
    """Return the alternatives of an annotation."""
    if isinstance(hint, TypeVar):
        return [part for one in hint.__constraints__ or (hint,) for part in options(one)]
    if get_origin(hint) in {Union, UnionType}:
        return [part for one in get_args(hint) for part in options(one)]
    return [hint]


def wrong_for(hint: Any, *, may_be_left_out: bool) -> Iterator[object]:  # noqa: C901 - a case for each kind
    """Yield values that an annotation does not allow."""
    parts = options(hint)
    origins = {get_origin(part) or part for part in parts}
    collection = any(isinstance(origin, type) and issubclass(origin, Iterable) for origin in origins - {str, bytes})
    yield object()
    if not may_be_left_out and NoneType not in parts:
        yield None
    if Literal in origins and str not in parts:
        yield "maybe"
    if str in parts:
        yield "\ud800"
    elif collection:
        yield "12"
    if int in parts and bool not in parts:
        yield True
    if parts == [float] or set(parts) == {float, NoneType}:
        yield nan
    if pairs := [part for part in parts if get_origin(part) is tuple]:
        yield from (5, SINCE, (SINCE,), (1, 2))
        if not any(NoneType in options(side) for pair in pairs for side in get_args(pair)):
            yield (SINCE, None)
    elif (
        collection
        and not origins & {AsyncIterable, Mapping}
        and not any(isinstance(origin, type) and issubclass(origin, Mapping) for origin in origins)
    ):
        yield from ([None], iter([None]))
        if may_be_left_out:
            yield []


METHODS = sorted(
    {
        (kind.__name__, name): kind
        for kind in families()
        for base in kind.__mro__
        for name, found in vars(base).items()
        if planned(found) is not None
    }.items(),
    key=lambda item: item[0],
)


def test_the_table_holds_every_operation() -> None:
    held = {(kind.__name__, name) for kind in families() for name in kind.operations}
    assert held <= {key for key, _ in METHODS}
    assert len(held) > 300


async def raised(call: Callable[..., Any], **arguments: object) -> None:
    outcome = call(**arguments)
    if inspect.isawaitable(outcome):
        await outcome


@pytest.mark.parametrize(("kind", "name"), [pytest.param(kind, key[1], id=".".join(key)) for key, kind in METHODS])
async def test_an_argument_of_another_kind_is_refused_by_its_name(kind: type[Resource], name: str) -> None:
    method = planned(inspect.getattr_static(kind, name))
    assert method is not None
    family, hints = opened(kind), get_type_hints(method)
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        left_out = parameter.default is None
        for wrong in wrong_for(hints[parameter.name], may_be_left_out=left_out):
            with pytest.raises(InvalidRequest, match=rf"^{parameter.name}[ \[:]"):
                await raised(getattr(family, name), **{parameter.name: wrong})


async def test_a_message_names_the_place_and_never_breaks() -> None:
    leads = opened(next(kind for kind in families() if kind.__name__ == "Leads"))
    with pytest.raises(InvalidRequest, match=r"^fields\[1\] must be text, not None$"):
        await raised(getattr(leads, "get"), lead_id=1, fields=["email", None])  # noqa: B009
    with pytest.raises(InvalidRequest) as caught:
        await raised(getattr(leads, "get"), lead_id="\ud800" * 1_000)  # noqa: B009
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 200


def test_what_is_allowed_is_handed_on() -> None:
    class Family:
        @checked
        def plan(
            self,
            ids: Iterable[int],
            *,
            only: Iterable[int] | Literal["all"] | None = None,
            when: Between | None = None,
            rows: Iterable[int] | AsyncIterable[int] = (),
            anything: Any = None,
            options: Mapping[str, str] | None = None,
        ) -> tuple[object, ...]:
            return ids, only, when, rows, anything, options

    async def endless() -> AsyncIterator[int]:
        yield 1

    lazy, source = iter([1]), endless()
    assert Family().plan(iter([1, 2]), only="all", when=(SINCE, "2026-02-01"), rows=lazy, options={}) == (
        [1, 2],
        "all",
        (SINCE, "2026-02-01"),
        lazy,
        None,
        {},
    )
    assert Family().plan([], rows=source)[3] is source
    with pytest.raises(InvalidRequest, match=r"^only must be a list or 'all', not the text 'al'; pass \['al'\]$"):
        Family().plan([1], only="al")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match=r"^only is empty"):
        Family().plan([1], only=[])


@pytest.mark.parametrize("wrong", WRONG_NUMBERS, ids=repr)
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("calls", lambda value: Limits(calls=value)),
        ("per", lambda value: Limits(per=value)),
        ("concurrency", lambda value: Limits(concurrency=value)),
        ("daily", lambda value: Limits(daily=value)),
        ("attempts", lambda value: RetryPolicy(attempts=value)),
        ("few", lambda value: RetryPolicy(few=value)),
        ("throttles", lambda value: RetryPolicy(throttles=value)),
        ("poll", lambda value: Polling(poll=value)),
        ("max_age", lambda value: Batcher(nothing, max_age=value)),
        ("retry_after", lambda value: Batcher(nothing, retry_after=value)),
        ("max_records", lambda value: Batcher(nothing, max_records=value)),
        ("max_bytes", lambda value: Batcher(nothing, max_bytes=value)),
        ("max_queued", lambda value: Batcher(nothing, max_queued=value)),
    ],
)
def test_a_duration_and_a_count_are_finite_and_above_0(name: str, make: Callable[[Any], object], wrong: object) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be a .*number above 0"):
        make(wrong)


async def nothing(records: Any) -> list[Any]:
    raise AssertionError(records)


@pytest.mark.parametrize("name", ["budget", "base", "cap"])
@pytest.mark.parametrize("wrong", [nan, inf, -1, True, "5"], ids=repr)
def test_a_policy_s_seconds_are_finite(name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=name):
        RetryPolicy(**{name: wrong})


@pytest.mark.parametrize("make", [Governor, Polling])
def test_a_word_is_one_of_those_there_are(make: Callable[..., object]) -> None:
    with pytest.raises(InvalidRequest, match=r"^on_quota must be one of 'raise', 'wait', not 'maybe'$"):
        make(on_quota="maybe")
