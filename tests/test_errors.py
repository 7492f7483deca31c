"""The exceptions: one tree, drawn in the module's docstring, each with what a caller needs to go on."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from datetime import UTC, datetime

import pytest

from marketo_async import errors
from marketo_async.errors import (
    ApiError,
    AuditUnavailable,
    AuthenticationError,
    BadRecord,
    BadResponse,
    BadRow,
    CallTimeout,
    CapReached,
    ConfigurationError,
    DailyQuotaExceeded,
    DamagedFile,
    Denied,
    ErrorItem,
    ExportQuotaExceeded,
    ImportStopped,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    JournalUnavailable,
    MarketoError,
    NeedsConfirmation,
    OutcomeUnknown,
    QuotaExceeded,
    RecordRefused,
    RecordsFailed,
    RecordTooLarge,
    RequestTooLarge,
    StoreUnavailable,
    TargetUnavailable,
    Throttled,
    TransportError,
    UnexpectedShape,
    own,
)

MIDNIGHT = datetime(2024, 1, 3, 6, tzinfo=UTC)

PLAIN: list[type[ApiError]] = [
    ApiError,
    *(kind for kind in ApiError.__subclasses__() if kind is not QuotaExceeded),
]
SAMPLES: list[MarketoError] = [
    ConfigurationError("set it up"),
    StoreUnavailable("out of reach", hint="look for it"),
    JournalUnavailable("the disk is full", hint="free some space"),
    AuditUnavailable("the disk is full", hint="free some space"),
    Denied("no", operation="leads.get", rule="agents.a.access.people = off"),
    NeedsConfirmation(operation="leads.delete", rule="agents.a.confirm", by="operator", digest="0" * 64, records=2),
    CapReached("enough", operation="leads.get", rule="agents.a.limits.calls_a_day", per_day=True),
    TargetUnavailable("it can't be reached"),
    InvalidRequest("not so"),
    RequestTooLarge("too large"),
    RecordRefused("it has no email", index=3),
    RecordTooLarge("it has 1,000,001 bytes", index=3),
    RecordsFailed("1 of 2 records", failed=[1]),
    AuthenticationError("not you"),
    *(
        kind("no such thing", code="610", operation="leads.get", request_id="1#2", errors=[ErrorItem("610", "no")])
        for kind in PLAIN
    ),
    QuotaExceeded("spent", code="1020", resets_at=MIDNIGHT, operation="leads.get", request_id="1#2"),
    DailyQuotaExceeded(used=7, daily=10, resets_at=MIDNIGHT, operation="leads.get", request_id="1#2"),
    TransportError("no answer", operation="leads.get", request_id="1#2", sent=False),
    CallTimeout("no answer within 3 s", operation="leads.get", request_id="1#2"),
    BadResponse("no JSON", status=502, body=b"<html>", operation="leads.get", request_id="1#2"),
    ExportQuotaExceeded("spent", code="1029", resets_at=MIDNIGHT, operation="leads.get", request_id="1#2"),
    DamagedFile("wrong checksum", operation="leads.get", request_id="1#2"),
    JobFailed("it failed", job_id="e", status="Failed", reason="no"),
    JobCancelled("it was cancelled", job_id="e", status="Cancelled"),
    BadRow("no row", line=7, column="email", text="x"),
    BadRecord("no id", index=7, member=".id", record={"id": []}),
    ImportStopped("stopped", report=ErrorItem("1"), unknown=[(0, 7)], unsent=[(7, 9)]),
    UnexpectedShape("not so", path="$.result", status=200, body=b"{}", operation="leads.get", request_id="1#2"),
    OutcomeUnknown("lost", operation="leads.push", request_id="1#2"),
]


def public() -> set[type[BaseException]]:
    return {
        value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, BaseException) and not name.startswith("_")
    }


def test_every_exception_has_a_sample_here_and_descends_from_the_root() -> None:
    assert {type(sample) for sample in SAMPLES} == public() - {MarketoError}
    assert all(issubclass(kind, MarketoError) for kind in public())


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above = ["MarketoError"]
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^( *)((?:│   |    )*)[├└]── (\w+)", line):
            depth = len(found[2]) // 4 + 1 - (1 if len(found[1]) > 4 else 0)
            del above[depth:]
            drawn[found[3]] = above[-1]
            above.append(found[3])

    classes = {kind.__name__: kind.__bases__[0].__name__ for kind in public() - {MarketoError}}
    assert drawn == classes


def test_errors_of_arguments_and_of_time_are_caught_the_usual_way_too() -> None:
    assert issubclass(InvalidRequest, ValueError)
    assert issubclass(CallTimeout, TimeoutError)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickle_and_copy_so_that_process_pools_can_raise_it(error: MarketoError) -> None:
    error.token = "2:abc"

    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    "error",
    [sample for sample in SAMPLES if isinstance(sample, ApiError | TransportError | OutcomeUnknown)],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_call_names_the_operation_and_the_request(error: MarketoError) -> None:
    assert str(error).startswith("leads.")
    assert str(error).endswith("(requestId 1#2)")
    assert vars(error)["request_id"] == "1#2"


def test_an_api_error_says_code_message_and_what_to_do() -> None:
    error = Throttled("Max rate limit", code="606", operation="leads.get", hint="wait", request_id="1#2")

    assert str(error) == "leads.get: 606 Max rate limit - wait (requestId 1#2)"
    assert (error.code, error.message, error.hint) == ("606", "Max rate limit", "wait")
    assert error.errors == (ErrorItem("606", "Max rate limit"),)


def test_a_spent_quota_says_when_it_starts_anew() -> None:
    error = DailyQuotaExceeded(used=7, daily=10, resets_at=MIDNIGHT)

    assert (error.code, error.used, error.daily, error.resets_at) == ("607", 7, 10, MIDNIGHT)
    assert "7 of 10" in str(error)
    assert MIDNIGHT.isoformat() in str(error)


def test_a_bad_response_keeps_all_of_the_body_and_shows_only_its_beginning() -> None:
    body = b"<html>" + b"x" * 10_000

    error = BadResponse("the body is HTML", status=502, body=body)

    assert error.body == body
    assert len(str(error)) < 300
    assert "<html>" in str(error)
    assert "502" in str(error)


def test_an_unknown_outcome_says_to_look_before_sending_again() -> None:
    assert "check the instance" in str(OutcomeUnknown("lost", operation="leads.push"))


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_a_caller_gets_a_copy_that_is_its_own(error: MarketoError) -> None:
    copied = own(error)

    assert copied is not error
    assert type(copied) is type(error)
    assert (str(copied), copied.args, vars(copied)) == (str(error), error.args, vars(error))
    assert copied.__cause__ is error

    copied.token, copied.index, copied.results = "T1", 7, [1]
    copied.add_note("mine")
    other = own(error)
    assert other.token != "T1"
    assert not hasattr(other, "__notes__")


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_what_one_caller_knows_is_added_to_a_copy(error: MarketoError) -> None:
    before = dict(vars(error))

    located = error.with_context(token="T1", index=7).with_context(results=[1])

    assert (located.token, located.index, located.results) == ("T1", 7, [1])
    assert located.__cause__ is error, "and not the copy between them"
    assert vars(error) == before


def test_a_token_of_another_listing_does_not_stay_on_an_error_that_passes_through_this_one() -> None:
    error = ConfigurationError("set it up").with_context(token="theirs")

    assert error.with_context(index=1).token == "theirs"
    assert error.with_context(token=None).token is None


def test_notes_of_the_original_are_kept_and_not_shared() -> None:
    error = ConfigurationError("set it up")
    error.add_note("for all")

    first, second = own(error), own(error)
    first.add_note("for one")

    assert (error.__notes__, first.__notes__, second.__notes__) == (["for all"], ["for all", "for one"], ["for all"])


def test_an_exception_of_others_that_can_not_be_copied_is_handed_on_as_it_is() -> None:
    class Odd(Exception):
        def __init__(self, one: str, two: str) -> None:
            super().__init__(f"{one}{two}")

    error = Odd("a", "b")

    assert own(error) is error
    plain = own(ValueError("v"))
    assert (type(plain), plain.args) == (ValueError, ("v",))
