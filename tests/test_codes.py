"""The code table, row by row against the digest of Marketo's documentation, where that lies beside the repository."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from marketo_async.codes import CODES, DONE_ALREADY, UNKNOWN, Action, Code, Level, lookup
from marketo_async.errors import (
    AccessDenied,
    ApiError,
    Busy,
    Conflict,
    ExportQuotaExceeded,
    NotFound,
    QuotaExceeded,
    Throttled,
    Unavailable,
)

FACTS = Path(__file__).resolve().parents[2] / "shared" / "marketo-facts.md"

NO_ERRORS = {
    "200": "the answer's body decides",
    "202": "ingestion accepted",
    "206": "a part of a file, as asked for",
    "5xx": "the class of 500, 502, 503 and 504",
    "non-200": "the user service's codes are HTTP statuses, which have rows of their own",
}
OTHERWISE_COUNTED = {
    "401": "identity calls are not counted; the row is for any other call, which may be",
    "401013": "the digest says nothing; the same refusal elsewhere, 601, is not counted",
}
OTHERWISE_ACTED = {
    "719": "'verify by name before repeating' is what acted means here",
    "1014": "'could not create' does not say how far it came; only a safe call is sent again",
}
OTHERWISE_DONE = {
    "1016": "an import takes minutes: the caller decides whether to wait",
    "1019": "an import takes minutes: the caller decides whether to wait",
    "1029": "an export takes minutes: the caller decides whether to wait",
    "404": "the wait is for an export job, which the call for its file does not know",
}
NOT_IN_THE_DIGEST = {
    "403": "documented for the user service as a status",
    "408": "a proxy's status, which says that it waited too long for Marketo or for us",
    "702 refused": "one of the two meanings of 702",
    "416": "told among the headers of export files, in a row without a code",
    "429": "the ingestion service's status, in a row without a code",
    "503": "one of 5xx",
    "504": "one of 5xx",
    "1029 quota": "one of the three meanings of 1029",
    "1029 queued": "one of the three meanings of 1029",
}


class Row(NamedTuple):
    section: str
    cells: Mapping[str, str]


def tables() -> dict[str, Row]:
    """Return every row of section 3 of the digest by its code."""
    if not FACTS.exists():
        pytest.skip(f"the digest of Marketo's documentation is not at {FACTS}")
    found: dict[str, Row] = {}
    section = ""
    header: list[str] = []
    for line in FACTS.read_text().splitlines():
        if line.startswith("#"):
            section, header = line.lstrip("# "), []
        elif section.startswith(("3.1", "3.2", "3.3", "3.4")) and line.startswith("| "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not header:
                header = [cell.casefold() for cell in cells]
                continue
            for row in rows(section, dict(zip(header, cells, strict=True))):
                found.setdefault(row[0], row[1])
    return found


def rows(section: str, cells: dict[str, str]) -> Iterator[tuple[str, Row]]:
    """Split a line of the ingestion table, which stands for several codes; stars and parentheses are remarks."""
    if "error_code" not in cells:
        yield re.split(r"[ *]", cells["code"])[0], Row(section, cells)
        return
    codes = cells["error_code"].split(" / ")
    parts = {name: text.split(" / ") for name, text in cells.items()}
    for number, code in enumerate(codes):
        own = {name: texts[number] if len(texts) == len(codes) else cells[name] for name, texts in parts.items()}
        yield code, Row(section, own)


def described() -> dict[str, Row]:
    return {code: row for code, row in tables().items() if code not in NO_ERRORS}


def test_every_code_of_the_digest_has_a_row_and_every_row_is_in_the_digest_or_has_a_reason() -> None:
    digest = described()

    assert len(digest) > 80, "the tables were not understood"
    assert digest.keys() - CODES.keys() == set()
    assert CODES.keys() - digest.keys() == NOT_IN_THE_DIGEST.keys()


def counted(row: Row) -> bool:
    """Tell whether the digest has a call charged; where it has no such column or a question mark, it may be."""
    return row.cells.get("ctd", "y") != "n"


def acted(row: Row) -> bool:
    """Tell whether the digest has a call act; 'no?' is no, as in the digest's own retry policy."""
    return row.cells.get("exec", "no") == "?" or row.cells.get("http") == "500"


def test_a_code_is_charged_to_the_quota_as_the_digest_says() -> None:
    wrong = {code for code, row in described().items() if CODES[code].counted is not counted(row)}

    assert wrong == OTHERWISE_COUNTED.keys()


def test_the_stars_of_the_digest_are_the_codes_that_are_not_charged() -> None:
    starred = {code for code, row in described().items() if "*" in row.cells.get("code", "")}

    assert starred == {"601", "602", "604", "605", "608", "611"}
    assert not any(CODES[code].counted for code in starred)


def test_a_code_says_whether_the_call_acted_as_the_digest_says() -> None:
    wrong = {code for code, row in described().items() if CODES[code].acted is not acted(row)}

    assert wrong == OTHERWISE_ACTED.keys()


ACTIONS: Mapping[str, set[Action]] = {
    "T": {Action.RENEW},
    "B few": {Action.FEW},
    "B, few tries": {Action.FEW},
    "B few [py retries]": {Action.FEW},
    "B": {Action.RETRY},
    "B; split batch": {Action.RETRY},
    "B short": {Action.CROWDED},
    "W": {Action.RETRY, Action.PAUSE},
    "X until reset": {Action.SPENT, Action.RAISE},
    "until reset": {Action.RAISE},
    "M": {Action.RAISE},
    "X": {Action.RAISE},
    "X (py retries)": {Action.RAISE},
    "X/M": {Action.RAISE},
}


def test_what_is_done_about_a_code_is_what_the_digest_advises() -> None:
    advice = {code: row.cells["retry"] for code, row in described().items()}
    unread = {code: text for code, text in advice.items() if text not in ACTIONS and code not in OTHERWISE_DONE}
    wrong = [
        code for code, text in advice.items() if code not in OTHERWISE_DONE and CODES[code].action not in ACTIONS[text]
    ]

    assert unread == {}
    assert wrong == []
    assert (CODES["606"].action, CODES["607"].action) == (Action.PAUSE, Action.SPENT)


def test_a_code_appears_where_the_digest_says() -> None:
    levels = {"R": {Level.RESPONSE}, "r": {Level.RECORD}, "R/r": {Level.RECORD}}

    wrong = [
        code
        for code, row in described().items()
        if (row.section.startswith("3.3") and CODES[code].level not in levels[row.cells["lvl"]])
        or (row.section.startswith("3.2") and CODES[code].level is not Level.RESPONSE)
        or (row.section.startswith(("3.1", "3.4")) and CODES[code].level is not Level.HTTP)
    ]

    assert wrong == []


def test_every_exception_from_the_digest_is_needed() -> None:
    advice = {code: row.cells["retry"] for code, row in described().items()}

    assert all(
        advice[code] not in ACTIONS or CODES[code].action not in ACTIONS[advice[code]] for code in OTHERWISE_DONE
    )
    assert tables().keys() >= NO_ERRORS.keys()


def test_done_already_is_what_the_digest_reads_so() -> None:
    if not FACTS.exists():
        pytest.skip(f"the digest of Marketo's documentation is not at {FACTS}")
    (sentence,) = re.findall(r"repeat's ([\d/]+) read as \"already done\"", FACTS.read_text())

    assert set(sentence.split("/")) == DONE_ALREADY


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("603", AccessDenied),
        ("606", Throttled),
        ("615", Throttled),
        ("607", QuotaExceeded),
        ("610", NotFound),
        ("709", Conflict),
        ("713", Unavailable),
        ("1020", QuotaExceeded),
        ("9999", ApiError),
    ],
)
def test_a_code_has_the_exception_that_a_caller_would_catch(code: str, kind: type[ApiError]) -> None:
    assert lookup(code).error is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Too many jobs (10) in queue", Busy),
        ("There are already 10 jobs in the queue", Busy),
        ("Export daily quota 500MB exceeded.", ExportQuotaExceeded),
        ("Export is already queued", Conflict),
        ("", Busy),
    ],
)
def test_the_three_meanings_of_1029_are_told_apart_by_the_message(message: str, kind: type[ApiError]) -> None:
    assert lookup("1029", message).error is kind


def test_rows_can_be_overridden_one_meaning_of_1029_or_all() -> None:
    patient = Code("wait for it", Busy, Action.RETRY)

    assert lookup("713", "", {"713": patient}) is patient
    assert lookup("9999", "", {"9999": patient}) is patient
    assert lookup("1029", "daily quota", {"1029 quota": patient}) is patient
    assert lookup("1029", "daily quota", {"1029": patient}) is patient
    assert lookup("1029", "Too many jobs", {"1029 quota": patient}) is CODES["1029"]
    assert lookup("0") is UNKNOWN


def test_every_row_says_what_it_means() -> None:
    assert all(row.meaning for row in CODES.values())
    assert all(re.fullmatch(r"\d{3,7}( quota| queued| refused)?", code) for code in CODES)
