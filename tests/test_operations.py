"""The registry against the official operations, both ways, and the rules that every declaration keeps."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Marketo, operations
from marketo_async.operation import Operation, Paging, Plan, Provenance, Repeat, batched, one
from marketo_async.paging import Pager
from marketo_async.resources import Lists, families
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import Composite, Declared, composite, endpoint
from tests.families import family_of
from tests.official import official
from tests.official.make_table import ORIGINALS, TABLE, table
from tests.wire import ORIGIN

DIGEST = Path(__file__).resolve().parents[2] / "shared" / "operations.json"

OTHER_PERMISSIONS: dict[str, str] = {
    "forms.update_thank_you_page": "the files let a reader write; the documentation does not",
    "landing_pages.variables": "stated nowhere; as the other reads of landing pages",
}
MARKS = {"S": Repeat.SAFE, "I": Repeat.SAFE, "E": Repeat.SETTLES, "N": Repeat.NEVER}

LONGEST = 300  # where the documentation states none
# By the beginning of the path, the time-outs of syncing, of deleting and of all the rest.
TIMEOUTS: Mapping[str, tuple[int, int, int]] = {
    "/identity/": (30, 30, 30),
    "/rest/v1/customobjects": (120, 60, 30),
    "/rest/v1/companies": (60, 60, 30),
    "/rest/v1/opportunities": (60, 60, 30),
    "/rest/v1/salespersons": (60, 60, 30),
    "/rest/v1/namedAccountList": (60, 60, 60),
    "/rest/v1/namedaccount": (120, 60, 30),
    "/rest/v1/leads": (90, 30, 30),
    "/rest/v1/lead/": (30, 30, 30),
    "/rest/v1/activities": (30, 30, 30),
    "/rest/v1/program/members": (30, 30, 30),
}
OTHER_TIMEOUTS = {
    "leads.push": 90,
    "leads.associate": 60,
    "leads.update_partitions": 60,
    "leads.by_filter": 60,
    "leads.merge": 180,
    "lists.leads": 60,
    "lists.legacy_leads": 60,
    "activities.paging_token": 300,
    "activities.add": 90,
    "opportunity_roles.sync": 60,
    "custom_objects.sync": 120,
}


def documented_timeout(operation: Operation) -> int:
    if operation.name in OTHER_TIMEOUTS:
        return OTHER_TIMEOUTS[operation.name]
    sync, delete, default = next(
        (seconds for beginning, seconds in TIMEOUTS.items() if operation.path.startswith(beginning)), (LONGEST,) * 3
    )
    if operation.path.endswith("/delete.json"):
        return delete
    return sync if operation.method == "POST" and operation.path.count("/") == 3 else default


def registered() -> dict[str, Operation]:
    """Return the operations that the OpenAPI files know, by ``METHOD path``."""
    return {
        f"{operation.method} {operation.path}": operation
        for operation in operations().values()
        if operation.source is Provenance.OFFICIAL
    }


def bound() -> Marketo:
    return Marketo(ORIGIN, client_id="i", client_secret="s")


def test_the_committed_table_is_what_the_script_makes_of_the_originals() -> None:
    if not ORIGINALS.exists():
        pytest.skip(f"the OpenAPI files are not at {ORIGINALS}")

    assert TABLE.read_text() == table(), "run python tests/official/make_table.py"


def test_the_official_table_is_whole() -> None:
    assert len(official()) == 367
    assert len({(found.method, found.path) for found in official().values()}) == 367


def test_a_family_is_declared_whole_and_nothing_else_is() -> None:
    families = {(official()[key].spec, official()[key].tag) for key in registered()}
    expected = {key for key, found in official().items() if (found.spec, found.tag) in families}

    assert len(expected) >= 49 + 2
    assert expected - registered().keys() == set()
    assert registered().keys() - expected == set()


def test_no_two_operations_share_an_endpoint() -> None:
    assert len({(operation.method, operation.path) for operation in operations().values()}) == len(operations())


@pytest.mark.parametrize("key", registered())
def test_a_path_wants_the_official_arguments(key: str) -> None:
    assert registered()[key].placeholders == official()[key].names("path")


def digest() -> Mapping[str, Any]:
    if not DIGEST.exists():
        pytest.skip(f"the digest of the official operations is not at {DIGEST}")
    return {f"{row['method']} {row['path']}": row for row in json.loads(DIGEST.read_bytes())}


def test_permissions_are_the_documented_ones() -> None:
    documented = digest()

    wrong = {
        operation.name
        for key, operation in registered().items()
        if set(operation.permissions) != set(documented[key]["permissions"] or ())
    }

    assert wrong == OTHER_PERMISSIONS.keys()
    assert all((documented[key]["permissions_mode"] == "all") is found.every for key, found in registered().items())


def test_what_a_repeat_does_is_as_documented() -> None:
    documented = digest()

    wrong = {
        operation.name
        for key, operation in registered().items()
        if operation.repeat is not MARKS[documented[key]["idempotency"]]
    }

    assert wrong == set()


@pytest.mark.parametrize("operation", operations().values(), ids=operations())
def test_a_server_s_time_out_is_the_documented_one(operation: Operation) -> None:
    assert operation.timeout == documented_timeout(operation)


DESIGNER = {"emails_v2", "email_templates_v2", "fragments"}


@pytest.mark.parametrize(("name", "operation"), operations().items(), ids=operations())
def test_an_operation_is_named_described_and_placed(name: str, operation: Operation) -> None:
    family, verb = name.rsplit(".", 1)

    assert operation.name == name
    assert re.fullmatch(r"[a-z_0-9]+", verb)
    assert verb not in {"list", "set", "type", "filter", "id", "next", "all", "any", "map", "sum", "min", "max"}
    assert re.fullmatch(r"[A-Z].*[^.]\.", operation.summary), operation.summary
    assert operation.path.startswith("/")
    assert "//" not in operation.path
    asks_by_post = {"get_many", "used_by", "used_by_many"} if family in DESIGNER else set()
    assert operation.write is (operation.method != "GET" and verb not in asks_by_post)
    assert operation.idempotent is (operation.repeat is not Repeat.NEVER)
    assert operation.paging is None or not operation.write
    assert family == "identity" or hasattr(family_of(bound(), family), verb)


def test_reads_are_safe_to_repeat() -> None:
    assert all(found.repeat is Repeat.SAFE for found in operations().values() if not found.write)


def test_listings_follow_the_rule_of_their_family() -> None:
    by_date = {"activities.since", "activities.lead_changes", "activities.deleted_leads"}
    by_token = {
        operation.name for key, operation in registered().items() if "nextPageToken" in official()[key].names("query")
    }

    found = {rule: {name for name, operation in operations().items() if operation.paging is rule} for rule in Paging}
    assert found[Paging.DATE] == by_date
    assert found[Paging.POSITION] == by_token - by_date


def test_the_registry_can_not_be_changed() -> None:
    with pytest.raises(TypeError):
        operations()["leads.get"] = operations()["leads.sync"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        operations()["leads.get"].timeout = 1.0  # type: ignore[misc]


def methods() -> list[tuple[str, Any]]:
    """Return every declared method of every family: the operations, and what is built of several."""
    return [
        (f"{family.name}.{name}", declared)
        for family in families()
        for name, declared in inspect.getmembers(family)
        if isinstance(declared, Declared | Composite)
    ]


METHODS = dict(methods())


@pytest.mark.parametrize(("name", "declared"), METHODS.items(), ids=METHODS)
def test_a_bound_method_looks_like_an_ordinary_one(name: str, declared: Any) -> None:
    family, verb = name.rsplit(".", 1)
    method = getattr(family_of(bound(), family), verb)
    signature = inspect.signature(method)

    assert "self" not in signature.parameters
    assert method.__name__ == verb
    assert inspect.getdoc(method)
    assert inspect.getdoc(method) == inspect.getdoc(declared)
    for parameter in signature.parameters.values():
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name
        assert parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.name == "token":
            assert parameter.default is None


@pytest.mark.parametrize("name", [name for name, found in operations().items() if found.paging])
def test_a_listing_can_be_resumed(name: str) -> None:
    family, verb = name.rsplit(".", 1)

    assert "token" in inspect.signature(getattr(family_of(bound(), family), verb)).parameters


async def test_an_endpoint_is_a_coroutine_and_a_listing_a_pager() -> None:
    async with bound() as marketo:
        assert inspect.iscoroutinefunction(marketo.leads.get)
        assert isinstance(marketo.lists.browse(), Pager)
        assert isinstance(marketo.activities.between("2024-01-01", "2024-01-02", types=[1]), Pager)


def test_a_declaration_knows_nothing_of_the_resource_it_is_looked_up_on() -> None:
    """A subclass has the operations of its family, under its own name and with its own permissions."""

    class Other(Resource):
        name, area = "other", "Thing"

    class Child(Lists[object]):
        name, area = "child", "Thing"

    assert Other.operations == {}
    assert Child.operations.keys() == Lists.operations.keys()
    assert Child.operations["get"].name == "child.get"
    assert Child.operations["get"].permissions == ("Read-Only Thing", "Read-Write Thing")
    assert Lists.operations["get"].name == "lists.get"


class Recorder:
    """A sender that answers every call with its operation's name."""

    async def send(self, operation: Operation, plan: Any) -> Any:
        return operation.name

    def pages(self, operation: Operation, listing: Any) -> Any:
        return operation.name

    def writes(self, operation: Operation, batches: Any) -> Any:
        return operation.name

    async def describe(self, described: Any) -> Any:
        return None

    async def stream(self, operation: Operation, plan: Any, sink: Any) -> None:
        return None

    async def wait_for(self, what: Any) -> Any:
        return await what()


class Pets(Resource):
    """A family as an engineer would add it."""

    name, area = "pets", "Pet"

    @endpoint("GET", "/rest/v1/pet/{petId}.json")
    def get(self, pet_id: int) -> Plan[object]:
        """Return one pet."""
        return one(object, path={"petId": pet_id})

    @endpoint("POST", "/rest/v1/pets.json", needs=("Walk Dogs",), timeout=7)
    def walk(self, pet_id: int) -> Plan[object]:
        """Walk a pet."""
        return one(object, json={"id": pet_id})

    @composite
    async def fetch_and_walk(self, pet_id: int) -> list[object]:
        """Return one pet and walk it."""
        return [await self.get(pet_id), await self.walk(pet_id)]

    @composite
    def stroll(self, *, size: int = 3) -> Pager[object]:
        """Iterate all pets."""
        found: Pager[object] = self._sender.pages(self.operations["get"], None)  # type: ignore[arg-type]
        return found

    @composite
    async def visits(self, *pet_ids: int) -> AsyncGenerator[object, None]:
        """Yield one pet after the other."""
        for pet_id in pet_ids:
            yield await self.get(pet_id)


async def test_a_stream_is_an_async_generator_and_no_operation() -> None:
    pets = Pets(Recorder())

    assert [pet async for pet in pets.visits(7, 8)] == ["pets.get", "pets.get"]
    assert isinstance(Pets.visits, Composite)
    assert list(inspect.signature(pets.visits).parameters) == ["pet_ids"]
    assert pets.visits.__doc__ == Pets.visits.__doc__ == "Yield one pet after the other."


async def test_a_composite_is_a_method_and_no_operation() -> None:
    pets = Pets(Recorder())

    assert await pets.fetch_and_walk(7) == ["pets.get", "pets.walk"]
    assert pets.stroll() == "pets.get"  # type: ignore[comparison-overlap]
    assert Pets.operations.keys() == {"get", "walk"}
    assert isinstance(Pets.fetch_and_walk, Composite)
    assert isinstance(Pets.stroll, Composite)
    assert list(inspect.signature(pets.fetch_and_walk).parameters) == ["pet_id"]
    assert list(inspect.signature(pets.stroll).parameters) == ["size"]
    assert pets.fetch_and_walk.__doc__ == Pets.fetch_and_walk.__doc__ == "Return one pet and walk it."


def test_a_declaration_says_the_rest_by_itself() -> None:
    get, walk = Pets.operations["get"], Pets.operations["walk"]

    assert (get.name, get.summary, get.timeout) == ("pets.get", "Return one pet.", LONGEST)
    assert (get.permissions, get.repeat) == (("Read-Only Pet", "Read-Write Pet"), Repeat.SAFE)
    assert (walk.permissions, walk.repeat, walk.timeout) == (("Walk Dogs",), Repeat.NEVER, 7)
    assert get.placeholders == {"petId"}


async def test_two_resources_of_a_class_keep_their_senders_apart() -> None:
    class Deaf(Recorder):
        async def send(self, operation: Operation, plan: Any) -> Any:
            return None

    one_of_them, other = Pets(Recorder()), Pets(Deaf())

    assert await one_of_them.get(1) == "pets.get"
    assert await other.get(1) is None
    assert await one_of_them.get(1) == "pets.get"


@given(values=st.lists(st.integers()), size=st.integers(1, 10))
def test_batches_are_full_but_the_last_and_lose_nothing(values: list[int], size: int) -> None:
    batches = list(batched(iter(values), size))

    assert [value for batch in batches for value in batch] == values
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(batches)
