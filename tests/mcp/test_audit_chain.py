"""Tampering with an audit file is found, at the first line that it concerns."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mcp.audit.chain import START, ChainLink, link_of, sealed, verify

KEYS = [None, b"k" * 32]


def file_of(count: int, key: bytes | None, first: str = START) -> list[bytes]:
    """Return the lines of a file of ``count`` records."""
    lines, link = [], ChainLink(0, first)
    for number in range(count):
        line, link = sealed({"says": f"record {number}", "agent": "a"}, link, key)
        lines.append(line)
    return lines


def rewritten(lines: list[bytes], at: int, key: bytes | None) -> list[bytes]:
    """Return the lines with another one at ``at``, and all of its hashes computed again, as their writer would."""
    link = link_of(lines[at - 1]) if at else ChainLink(0, START)
    assert link is not None
    made = []
    for number, line in enumerate(lines[at:], at):
        members = msgspec.json.decode(line)
        says = "forged" if number == at else members["says"]
        again, link = sealed({"says": says, "agent": members["agent"]}, link, key)
        made.append(again)
    return [*lines[:at], *made]


@pytest.mark.parametrize("key", KEYS)
def test_what_was_written_is_good(key: bytes | None) -> None:
    lines = file_of(9, key)
    last = link_of(lines[-1])
    assert last is not None
    found = verify(lines, key=key, anchors={9: last.hash}, first=START)

    assert (found.good, found.records, found.last) == (True, 9, last.hash)
    assert verify([], key=key).records == 0


def test_another_key_fits_no_line() -> None:
    for key, other in ((b"a", b"b"), (None, b"a"), (b"a", None)):
        assert verify(file_of(3, key), key=other).bad_line == 1


def test_a_file_follows_the_one_before_it() -> None:
    before = verify(file_of(3, None)).last
    lines = file_of(2, None, first=before)

    assert verify(lines, first=before).good
    assert verify(lines).good
    assert verify(lines, first="1" * 64).bad_line == 1


@st.composite
def tampering(draw: st.DrawFn) -> tuple[list[bytes], int]:
    """Draw a tampered file, and the number of the first line that the check must name."""
    key = KEYS[1]
    count = draw(st.integers(3, 12))
    lines = file_of(count, key)
    at = draw(st.integers(0, count - 1))
    how = draw(st.sampled_from(["flip", "drop", "swap", "insert", "repeat", "rewrite", "cut", "join", "blank"]))
    changed = list(lines)
    if how == "flip":
        byte = draw(st.integers(0, len(lines[at]) - 1))
        flipped = bytearray(lines[at])
        flipped[byte] ^= draw(st.integers(1, 255))
        changed[at : at + 1] = bytes(flipped).splitlines(keepends=True) or [b""]
    elif how == "drop":
        at = draw(st.integers(0, count - 2))  # the last one leaves a valid chain: an anchor is for that
        del changed[at]
    elif how == "swap":
        other = draw(st.integers(0, count - 1).filter(lambda number: number != at))
        changed[at], changed[other] = changed[other], changed[at]
        at = min(at, other)
    elif how == "insert":
        forged, _ = sealed({"says": "forged"}, ChainLink(at, START), None)
        changed.insert(at, forged)
    elif how == "repeat":
        changed.insert(at + 1, lines[at])
        at += 1
    elif how == "rewrite":
        changed = rewritten(lines, at, b"another key")
    elif how == "cut":
        changed[at] = lines[at][: draw(st.integers(1, len(lines[at]) - 1))]
    elif how == "join":
        changed[at] = lines[at][:-1] + b" \n"
    else:
        changed.insert(at, b"\n")
    return changed, at + 1


@given(tampering())
def test_the_first_tampered_line_is_named(case: tuple[list[bytes], int]) -> None:
    lines, bad = case

    assert verify(lines, key=KEYS[1], first=START).bad_line == bad


@given(st.integers(1, 20), st.data())
def test_an_anchor_shows_a_tail_that_was_cut_off_or_written_again(count: int, data: st.DataObject) -> None:
    """Without a key, the writer of the file can compute its hashes again; the anchor is in another place."""
    lines = file_of(count, None)
    links = [link for line in lines if (link := link_of(line[:-1]))]
    anchored = data.draw(st.integers(1, count))
    anchors = {links[anchored - 1].n: links[anchored - 1].hash}
    kept = data.draw(st.integers(0, anchored - 1))

    assert verify(lines[:kept], anchors=anchors).bad_line == kept + 1
    assert verify(rewritten(lines, kept, None), anchors=anchors).bad_line == anchored
    assert verify(lines, anchors=anchors).good


def test_the_check_reads_a_file_once() -> None:
    def once() -> Iterator[bytes]:
        yield from file_of(3, None)

    assert verify(once()).records == 3
