import pytest

from marketo_async.sandbox import ApiUser, Quirks, SandboxClock
from marketo_async.sandbox.call import Call, Work
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.permissions import ANYBODY
from marketo_async.sandbox.routing import Router, Routes
from marketo_async.sandbox.seeding import seeded_instance

family = Routes()


@family.get("/rest/v1/things/{thingId}/{name}.json", ANYBODY, optional=("size",), body_optional=("input",))
def thing(call: Call) -> Answer:
    return Answer([call.path_id("thingId"), call.path_text("name"), call.integer("size")])


@family.post("/rest/v1/things/{thingId}/{name}.json", ANYBODY, body=("input",))
def change_thing(call: Call) -> Answer:
    return Answer([call.path_text("name")])


@pytest.fixture
def call() -> Call:
    instance = seeded_instance(
        leads=0, activities=0, activity_days=1, lists={}, seed=1, quirks=Quirks(), clock=SandboxClock()
    )
    route, arguments = Router([family]).find("GET", "/rest/v1/things/7/a%20b%2Fc.json")
    return Call(instance, ApiUser("u", "c", "s"), route, arguments, {"size": ["3"]}, {"input": 5}, Work(0))


def test_path_arguments_are_decoded(call: Call) -> None:
    assert thing(call) == Answer([7, "a b/c", 3])


def test_what_is_not_declared_cannot_be_read(call: Call) -> None:
    with pytest.raises(LookupError, match="colour"):
        call.text("colour")
    with pytest.raises(LookupError, match="colour"):
        call.many("colour")
    with pytest.raises(LookupError, match="output"):
        call.body_text("output")


def test_methods_of_one_path() -> None:
    router = Router([family])

    assert router.find("POST", "/rest/v1/things/7/a.json")[0].handler is change_thing
    with pytest.raises(ApiError, match="605"):
        router.find("DELETE", "/rest/v1/things/7/a.json")
    with pytest.raises(ApiError, match="610"):
        router.find("GET", "/rest/v1/things/x/a.json")


def test_errors_say_what_they_are() -> None:
    assert str(ApiError("610", "Gone")) == "610: Gone"
    assert str(RecordError("1004", "Lead not found")) == "1004: Lead not found"
