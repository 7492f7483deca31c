"""From Marketo's files of failures and warnings back to the rows that were sent. Pure.

Such a file repeats the rows, with the reason in one more column. Where a row's last cells are empty, Marketo leaves
them out, so that the reason moves to the left: the last cell is the reason wherever it is, and rows are found by
what is before it without the empty cells at its end. Rows that are alike are taken in the order of the input. What
can't be read of such a file is left out: the report of an import must not depend on it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from marketo_async.bulk.progress import Rejected, RejectedKind
from marketo_async.bulk.rows.blocks import Exact, is_unicode
from marketo_async.errors import BadRow
from marketo_async.writes import folded

NumberedRows = Callable[[], Iterator[tuple[int, list[str]]]]
"""Yields the rows of one file that was sent, each with its index in the input; may be called again."""


class Listed(Struct, frozen=True):
    """The rows that a file of rejects lists, each with its reason at the end; ``flaw`` says what is wrong with it."""

    rows: list[list[str]]
    flaw: str = ""


def listed(content: bytes, delimiter: str, columns: Sequence[str]) -> Listed:
    """Read a file of rejects for rows with these ``columns``, as far as it can be read."""
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        return Listed([], "the file is empty")
    rows, flaw = list[list[str]](), ""
    crlf = text.partition("\n")[0].endswith("\r")
    for found in Exact(text, delimiter=delimiter, line=1, crlf=crlf, null=False, final=True):
        if isinstance(found, BadRow):
            flaw = flaw or str(found)
            if is_unicode(found.text):  # quotes do not match up: what follows may be read in the wrong way
                break
        elif found.text:
            rows.append([cell or "" for cell in found.cells])
    if not rows or not {name.strip().casefold() for name in rows[0]} & {name.casefold() for name in columns}:
        return Listed([], flaw or f"its first line has none of the columns that were sent: {text[:40]!r}")
    return Listed(rows[1:], flaw)


def mapped(
    kind: RejectedKind,
    listed: Sequence[Sequence[str]],
    columns: Sequence[str],
    keys: Sequence[str],
    rows: NumberedRows,
    *,
    batch_id: int,
) -> list[Rejected]:
    """Return the rejected rows of one file in input order; memory is taken for them alone, and not for all rows.

    A row that Marketo changed on the way is found by its ``keys``; one that can't be found at all has no index.
    """
    rejected = [(_stripped(cells[:-1]), cells[-1]) for cells in listed]
    places: dict[int, tuple[int | None, Sequence[str]]] = {}
    _find([cells for cells, _ in rejected], rows, _stripped, places)
    if len(places) < len(rejected):
        at = [columns.index(key) for key in keys if key in columns]
        _find([cells for cells, _ in rejected], rows, lambda cells: _key(cells, at), places)
    found = []
    for number, (shown, reason) in enumerate(rejected):
        index, sent = places.get(number, (None, shown))
        record = dict(zip(columns, [*sent, *[""] * (len(columns) - len(sent))], strict=False))
        found.append(Rejected(kind=kind, index=index, record=record, reason=reason, batch_id=batch_id))
    return sorted(found, key=lambda one: (one.index is None, one.index or 0))


def _find(
    rejected: Sequence[tuple[str, ...]],
    rows: NumberedRows,
    alike: Callable[[Sequence[str]], tuple[str, ...]],
    places: dict[int, tuple[int | None, Sequence[str]]],
) -> None:
    """Give every rejected row that has no place yet the first row of the input that is ``alike`` and not taken."""
    taken = {index for index, _ in places.values()}
    wanted: defaultdict[tuple[str, ...], deque[int]] = defaultdict(deque)
    for number, cells in enumerate(rejected):
        if number not in places and (alike is _stripped or any(alike(cells))):
            wanted[alike(cells)].append(number)
    for index, sent in rows():
        waiting = wanted.get(alike(sent))
        if waiting and index not in taken:
            places[waiting.popleft()] = (index, sent)


def _stripped(cells: Sequence[str]) -> tuple[str, ...]:
    """Return cells without the empty ones at the end; line ends are as Marketo may write them."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return tuple(cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells[:end])


def _key(cells: Sequence[str], at: Sequence[int]) -> tuple[str, ...]:
    return tuple((folded(cells[place]) or "") if place < len(cells) else "" for place in at)
