"""From Marketo's files of failures and warnings back to the rows that were sent. Pure.

Such a file repeats the rows, with the reason in one more column. Where a row's last cells are empty, Marketo leaves
them out, so that the reason moves to the left: the last cell is the reason wherever it stands, and rows are found by
what is before it without the empty cells at its end. Rows that are alike are taken in the order of the input.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence

from marketo_async.batching import folded
from marketo_async.bulk.progress import Rejected
from marketo_async.bulk.records import cells_of

Rows = Callable[[], Iterator[tuple[int, list[str]]]]
"""Yields the rows of one file that was sent, each with its index in the input; may be called again."""


def mapped(
    content: bytes, delimiter: str, columns: Sequence[str], keys: Sequence[str], rows: Rows, *, batch_id: int
) -> list[Rejected]:
    """Return the rejected rows of one file in input order; memory is taken for them alone, and not for all rows.

    A row that Marketo changed on the way is found by its *keys*; one that can't be found at all has no index.
    """
    rejected = [(_stripped(cells[:-1]), cells[-1]) for cells in list(cells_of(content, delimiter))[1:]]
    places: dict[int, tuple[int | None, Sequence[str]]] = {}
    _find([cells for cells, _ in rejected], rows, _stripped, places)
    if len(places) < len(rejected):
        at = [columns.index(key) for key in keys if key in columns]
        _find([cells for cells, _ in rejected], rows, lambda cells: _key(cells, at), places)
    found = []
    for number, (shown, reason) in enumerate(rejected):
        index, sent = places.get(number, (None, shown))
        record = dict(zip(columns, [*sent, *[""] * (len(columns) - len(sent))], strict=False))
        found.append(Rejected(index=index, record=record, reason=reason, batch_id=batch_id))
    return sorted(found, key=lambda one: (one.index is None, one.index or 0))


def _find(
    rejected: Sequence[tuple[str, ...]],
    rows: Rows,
    alike: Callable[[Sequence[str]], tuple[str, ...]],
    places: dict[int, tuple[int | None, Sequence[str]]],
) -> None:
    """Give every rejected row that has no place yet the first row of the input that is *alike* and not taken."""
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
    return tuple(cell.replace("\r\n", "\n") for cell in cells[:end])


def _key(cells: Sequence[str], at: Sequence[int]) -> tuple[str, ...]:
    return tuple((folded(cells[place]) or "") if place < len(cells) else "" for place in at)
