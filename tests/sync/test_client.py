"""The blocking client against a sandbox over real sockets: every operation, listings, threads, and how it ends."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from marketo_async import Governor, Limits, Page, Priority, operations
from marketo_async.blocking import BlockingPager, BlockingResults
from marketo_async.errors import ApiError, ConfigurationError, InvalidRequest, MarketoError, NotFound
from marketo_async.resources import HOMES, families
from marketo_async.resources.descriptors import Composite, Declared
from marketo_async.sandbox import Fault, InstanceLimits, Sandbox
from marketo_async.sync import Marketo
from marketo_async.sync import families as twins
from marketo_async.writes import Result, WriteRow
from tests.families import family_of
from tests.families.test_every_operation import DESCRIBES, NOT_UNDERSTOOD, SERVED
from tests.sync.conftest import Start, client_of
from tests.test_openapi import CALLS


class Person(Struct):
    id: int
    email: str | None = None


METHODS = [
    (family, name, declared)
    for family in families()
    for name, declared in inspect.getmembers(family)
    if isinstance(declared, Declared | Composite)
]


def test_every_family_has_a_twin_on_the_client(marketo: Marketo) -> None:
    for name, (_, kind) in HOMES.items():
        twin = getattr(marketo, name)
        assert type(twin) is getattr(twins, kind)
        assert getattr(marketo, name) is twin
        assert inspect.getdoc(twin)
    with pytest.raises(AttributeError, match="no attribute 'leeds'"):
        marketo.leeds  # type: ignore[attr-defined]  # noqa: B018


def test_every_method_looks_as_it_does_on_the_async_client(marketo: Marketo) -> None:
    for family, name, declared in METHODS:
        method = getattr(family_of(marketo, family.name), name)
        plain = getattr(family_of(marketo._twin, family.name), name)
        assert not inspect.iscoroutinefunction(method)
        assert inspect.signature(method).parameters == inspect.signature(plain).parameters
        assert (method.__name__, inspect.getdoc(method)) == (name, inspect.getdoc(declared))
        assert getattr(type(family_of(marketo, family.name)), name) is declared


def test_every_operation_is_served_and_understood(marketo: Marketo, sandbox: Sandbox) -> None:
    """The example calls are made for the async client: what it would be awaited for is returned here."""
    for name in SERVED:
        answer: Any = None
        refusal = ""
        try:
            answer = CALLS[name](marketo)  # type: ignore[arg-type]
            if isinstance(answer, BlockingResults):
                answer = answer.all()
        except ApiError as error:
            refusal = error.code
        except MarketoError as error:
            pytest.fail(f"{name}: no answer that can be read: {error}")
        assert not inspect.isawaitable(answer), name
        assert refusal not in NOT_UNDERSTOOD, name
        operation = operations()[DESCRIBES.get(name, name)]
        served = {f"{operation.method} {operation.path}", f"POST {operation.path}"}
        assert served & set(sandbox.stats.by_operation), name


def test_a_listing_is_an_iterable(marketo: Marketo) -> None:
    pager = marketo.lists.leads(1001, fields=["id"])
    assert isinstance(pager, BlockingPager)
    assert pager.first() == {"id": 1}
    assert pager.token is None
    with closing(pager.pages()) as pages:
        first, second = next(pages), next(pages)
    assert isinstance(first, Page)
    assert pager.token == first.token != second.token
    rest = marketo.lists.leads(1001, fields=["id"], token=pager.token)
    assert [lead["id"] for lead in [*first.items, *rest]] == list(range(1, 1001))
    assert len(marketo.lists.leads(1001, fields=["id"]).all()) == 1000
    assert list(marketo.leads.by_filter("email", [])) == []


def test_a_listing_that_fails_says_where_it_stopped(start: Start) -> None:
    sandbox = start(leads=3_000, faults=[Fault("610", path="/rest/v1/lists/*", probability=0.3)], seed=3)
    found: list[int] = []
    tokens: list[tuple[str | None, str | None]] = []
    token, failures = None, 0
    with client_of(sandbox) as marketo:
        while True:
            pager = marketo.lists.leads(1001, token=token)
            try:
                for page in pager.pages():
                    found.extend(lead["id"] for lead in page.items)
            except NotFound as error:
                token, failures = error.token, failures + 1
            else:
                break
            tokens.append((token, pager.token))
    assert found == list(range(1, 3_001))
    assert failures > 1
    assert all(told == kept for told, kept in tokens)


def test_breaking_off_a_listing_stops_it(marketo: Marketo, sandbox: Sandbox) -> None:
    for lead in marketo.leads.by_filter("id", range(1, 100_000)):
        assert lead["id"] == 1
        break
    with pytest.raises(ZeroDivisionError):
        _ = [lead["id"] / 0 for lead in marketo.lists.leads(1001)]
    while marketo.snapshot().in_flight:  # what was under way when the loop was left runs to its end
        pass
    calls = sandbox.stats.calls
    assert calls < 30
    marketo.leads.get(1)
    assert sandbox.stats.calls == calls + 1
    assert marketo.snapshot().waiting == 0


def test_arguments_are_read_and_refused_in_the_caller_s_thread(marketo: Marketo) -> None:
    with pytest.raises(InvalidRequest, match="1 to 300"):
        marketo.lists.browse(ids=range(301))
    ids = (number for number in range(1, 4))
    assert [lead["id"] for lead in marketo.leads.by_filter("id", ids)] == [1, 2, 3]


def test_composites_drains_and_typed_families_have_their_plain_view(marketo: Marketo) -> None:
    assert marketo.leads.of(Person).get(7) == Person(7, "lead7@example.com")
    assert marketo.lists.of(Person).leads(1001).first() == Person(1, "lead1@example.com")
    assert marketo.opportunity_roles.by_key([]).all() == []
    with pytest.raises(ApiError):
        marketo.emails_v2.get("7")


def test_writes_give_their_results_in_order_and_read_their_records_here(marketo: Marketo) -> None:
    threads = set()

    def records() -> Iterator[dict[str, object]]:
        for number in range(1_000):
            threads.add(threading.get_ident())
            yield {"email": f"new{number}@example.com"}

    results = marketo.leads.sync(records())
    assert isinstance(results, BlockingResults)
    found = list(results)
    assert [result.index for result in found] == list(range(1_000))
    assert {result.status for result in found} == {"created"}
    assert threads == {threading.get_ident()}
    with pytest.raises(ConfigurationError, match="used already"):
        results.all()
    again = marketo.leads.sync(records()).all()
    assert [result.id for result in again] == [result.id for result in found]
    again.raise_for_failures()
    listed = marketo.leads.sync([{"email": "new1@example.com"}]).all()
    assert (listed[0].id, listed[0].status) == (found[1].id, "updated")


def test_a_write_whose_records_fail_has_sent_what_came_before(marketo: Marketo, sandbox: Sandbox) -> None:
    def broken() -> Iterator[dict[str, object]]:
        for number in range(700):
            yield {"email": f"new{number}@example.com"}
        raise LookupError("cursor")

    taken: list[Result[WriteRow]] = []
    with pytest.raises(LookupError, match="cursor"):
        taken.extend(marketo.leads.sync(broken()))
    assert [result.index for result in taken] == list(range(len(taken)))
    found = list(marketo.leads.by_filter("email", [f"new{number}@example.com" for number in range(700)]))
    assert len(found) >= len(taken)


def test_breaking_off_a_write_sends_no_more(marketo: Marketo, sandbox: Sandbox) -> None:
    endless = ({"email": f"new{number}@example.com"} for number in count())
    for result in marketo.leads.sync(endless):
        assert result.status == "created"
        break
    while marketo.snapshot().in_flight:
        pass
    calls = sandbox.stats.calls
    marketo.leads.get(1)
    assert sandbox.stats.calls == calls + 1


def test_a_write_that_nobody_takes_the_results_of_warns(marketo: Marketo) -> None:
    with pytest.warns(RuntimeWarning, match="nothing was written"):
        marketo.leads.delete([1])
    assert marketo.leads.get(1) is not None


def test_threads_share_a_batcher(marketo: Marketo, sandbox: Sandbox, tmp_path: Path) -> None:
    with (
        marketo.leads.batcher(max_records=50, journal=tmp_path / "leads.journal") as batcher,
        ThreadPoolExecutor(8) as pool,
    ):
        list(pool.map(batcher.put, ({"email": f"new{number}@example.com"} for number in range(300))))
        batcher.flush()
        assert batcher.waiting == 0
        submitted = pool.submit(batcher.submit, {"email": "new1@example.com"})
        while batcher.waiting == 0:
            pass
        batcher.flush()
        assert submitted.result().status == "updated"
        assert batcher.set_aside() == []
        batcher.put({"email": "last@example.com"})
    found = marketo.leads.by_filter("email", ["new299@example.com", "last@example.com"]).all()
    assert len(found) == 2
    with pytest.raises(ConfigurationError, match="not open"):
        batcher.put({"email": "late@example.com"})


def test_what_a_batcher_refuses_is_refused_here(marketo: Marketo) -> None:
    batcher = marketo.lists.batcher(1001)
    with batcher, pytest.raises(InvalidRequest):
        batcher.put("x")  # type: ignore[arg-type]
    batcher.close()


def test_a_typed_family_is_a_blocking_one_too(marketo: Marketo) -> None:
    typed = [name for name in HOMES if hasattr(getattr(marketo, name), "of")]
    assert len(typed) == 10
    for name in typed:
        family = getattr(marketo, name)
        assert type(family.of(Person)) is type(family)
        assert family.of(Person).twin.model is Person


def test_threads_share_one_client_without_a_refusal(start: Start) -> None:
    sandbox = start(limits=InstanceLimits(calls=100, per=1.0), latency=(0.01, 0.01))
    with (
        client_of(sandbox, governor=Governor(Limits(calls=100, per=1.0))) as marketo,
        ThreadPoolExecutor(32) as pool,
    ):
        found = list(pool.map(marketo.leads.get, range(1, 251)))
    assert [lead and lead["id"] for lead in found] == list(range(1, 251))
    assert sandbox.stats.refused == {}
    assert sandbox.stats.peak_window <= 100
    assert sandbox.stats.max_in_flight <= 10


def test_options_calibration_snapshot_and_raw_calls(marketo: Marketo) -> None:
    urgent = marketo.with_options(priority=Priority.INTERACTIVE, timeout=30)
    assert urgent.leads.get(1) == marketo.leads.get(1)
    assert urgent.leads is not marketo.leads
    assert marketo.calibrate().total == marketo.snapshot().used_today
    assert (marketo.call("GET", "/rest/v1/lead/1.json").result or [])[0]["id"] == 1
    for forbidden in (urgent.open, urgent.close):
        with pytest.raises(ConfigurationError, match="it came from"):
            forbidden()


def test_a_client_can_be_opened_and_closed_by_hand_and_again(sandbox: Sandbox) -> None:
    marketo = client_of(sandbox)
    with pytest.raises(ConfigurationError, match="not open"):
        marketo.leads.get(1)
    for _ in range(2):
        marketo.open()
        with pytest.raises(ConfigurationError, match="open already"):
            marketo.open()
        assert marketo.leads.get(1)
        marketo.close()
        marketo.close()
    with pytest.raises(ConfigurationError, match="not open"):
        list(marketo.lists.leads(1001))


def test_the_environment_names_the_instance(sandbox: Sandbox) -> None:
    environment = {
        "MARKETO_BASE_URL": sandbox.base_url,
        "MARKETO_CLIENT_ID": sandbox.client_id,
        "MARKETO_CLIENT_SECRET": sandbox.client_secret,
    }
    with Marketo.from_env(environment) as marketo:
        assert repr(marketo) == f"<blocking Marketo {sandbox.base_url}>"
        assert marketo.leads.get(1)
    with pytest.raises(ConfigurationError, match="MARKETO_CLIENT_ID"):
        Marketo.from_env({})


def test_a_client_that_can_not_open_leaves_nothing_behind(sandbox: Sandbox) -> None:
    def unusable() -> Any:
        raise OSError("no route")

    marketo = client_of(sandbox, connector=unusable)
    with pytest.raises(OSError, match="no route"), marketo:
        pass
    assert not marketo._portal.usable


def test_a_call_that_another_thread_closes_under_gets_an_error(start: Start) -> None:
    sandbox = start(latency=(30.0, 0.0))
    marketo = client_of(sandbox).open()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(marketo.leads.get, 1)
        while not sandbox.stats.max_in_flight:
            pass
        marketo.close(grace=0.0)
        with pytest.raises(MarketoError, match="closed"):
            waiting.result()


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    """Every test here must end its loops: threads of ours that outlive it would be the next test's trouble."""
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "marketo-async"] == []
