"""Finds the rejected rows of an import in the input, from Marketo's files of failures and warnings. Pure.

Such a file repeats the rows, with the reason in one more column. Marketo leaves out empty cells at the end of a row,
which moves the reason to the left. So the last cell is the reason, and a row is found by the cells before it, without
empty ones at the end. Equal rows are matched in the order of the input. Parts of a file that can't be read are skipped,
because the report of an import must not fail over them.
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


class ListedRows(Struct, frozen=True):
    """The rows that a file of rejects lists, each with its reason at the end; ``flaw`` says what is wrong with it."""

    rows: list[list[str]]
    flaw: str = ""


def read_rejects(content: bytes, delimiter: str, columns: Sequence[str]) -> ListedRows:
    """Read a file of rejects with these ``columns``, as far as it can be read."""
    text = content.decode("utf-8-sig", errors="surrogateescape")
    if not text.strip():
        return ListedRows([], "the file is empty")
    rows, flaw = list[list[str]](), ""
    crlf = text.partition("\n")[0].endswith("\r")
    for found in Exact(text, delimiter=delimiter, line=1, crlf=crlf, null=False, final=True):
        if isinstance(found, BadRow):
            flaw = flaw or str(found)
            if is_unicode(found.text):  # quotes do not match, so the rest would be misread
                break
        elif found.text:
            rows.append([cell or "" for cell in found.cells])
    if not rows or not {name.strip().casefold() for name in rows[0]} & {name.casefold() for name in columns}:
        return ListedRows([], flaw or f"its first line has none of the columns that were sent: {text[:40]!r}")
    return ListedRows(rows[1:], flaw)


def find_rejected(
    kind: RejectedKind,
    listed: Sequence[Sequence[str]],
    columns: Sequence[str],
    keys: Sequence[str],
    rows: NumberedRows,
    *,
    batch_id: int,
) -> list[Rejected]:
    """Return the rejected rows of one file in input order; the memory grows with them, not with all rows.

    A row that Marketo has changed is found by its ``keys``; one that can't be found has no index.
    """
    rejected = [(_stripped(cells[:-1]), cells[-1]) for cells in listed]
    places: dict[int, tuple[int | None, Sequence[str]]] = {}
    _find([cells for cells, _ in rejected], rows, _stripped, places)
    if len(places) < len(rejected):
        key_columns = [columns.index(key) for key in keys if key in columns]
        _find([cells for cells, _ in rejected], rows, lambda cells: _key(cells, key_columns), places)
    found = []
    for number, (shown, reason) in enumerate(rejected):
        index, sent = places.get(number, (None, shown))
        record = dict(zip(columns, [*sent, *[""] * (len(columns) - len(sent))], strict=False))
        found.append(Rejected(kind=kind, index=index, record=record, reason=reason, batch_id=batch_id))
    return sorted(found, key=lambda row: (row.index is None, row.index or 0))


def _find(
    rejected: Sequence[tuple[str, ...]],
    rows: NumberedRows,
    identity: Callable[[Sequence[str]], tuple[str, ...]],
    places: dict[int, tuple[int | None, Sequence[str]]],
) -> None:
    """Map each rejected row without a place to the first row of the input with the same ``identity`` that is free."""
    taken = {index for index, _ in places.values()}
    wanted: defaultdict[tuple[str, ...], deque[int]] = defaultdict(deque)
    for number, cells in enumerate(rejected):
        if number not in places and (identity is _stripped or any(identity(cells))):
            wanted[identity(cells)].append(number)
    for index, sent in rows():
        waiting = wanted.get(identity(sent))
        if waiting and index not in taken:
            places[waiting.popleft()] = (index, sent)


def _stripped(cells: Sequence[str]) -> tuple[str, ...]:
    """Return cells without empty ones at the end, all line ends as LF, because Marketo may change them."""
    end = len(cells)
    while end and not cells[end - 1]:
        end -= 1
    return tuple(cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells[:end])


def _key(cells: Sequence[str], key_columns: Sequence[int]) -> tuple[str, ...]:
    return tuple((folded(cells[place]) or "") if place < len(cells) else "" for place in key_columns)
