"""Cutting pages: by position token, by date token and by offset.

Each returns a whole answer. The families lay out the rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import NOTHING_FOUND, Answer
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.activity_log import Activity
from marketo_async.sandbox.tokens import DatePosition, ListPosition, binding

MOST_ROWS = 300
ASSET_ROWS, MOST_ASSET_ROWS = 20, 200


def _size(call: Call, name: str, default: int, most: int) -> int:
    size = call.integer(name)
    if size is None:
        return default
    if not 1 <= size <= most:
        raise ApiError("1003", f"'{name}' must lie between 1 and {most}")
    return size


def _shortened(call: Call, size: int) -> int:
    instance = call.instance
    if size > 1 and instance.rng.random() < instance.quirks.short_pages:
        return instance.rng.randrange(1, size)
    return size


def position_page(
    call: Call, ids: Sequence[int], rows: Callable[[Sequence[int]], Sequence[object]], *, more_result: bool = True
) -> Answer:
    """Return the page of rows at the call's token, for ``ids`` in ascending order.

    ``more_result`` says whether the operation's model has that member.
    """
    tokens = call.instance.tokens
    bound_to = binding(call.route.operation, call.arguments, call.query)
    token = call.text("nextPageToken")
    begin = 0 if token is None else bisect_right(ids, tokens.read(token, ListPosition, bound_to).last_id)
    size = _shortened(call, _size(call, "batchSize", MOST_ROWS, MOST_ROWS))
    page = ids[begin : begin + size]
    more = begin + size < len(ids)
    return Answer(
        rows(page),
        next_page_token=tokens.issue(ListPosition(page[-1], bound_to)) if more else None,
        more_result=more if more_result else None,
    )


def date_page(
    call: Call, wanted: Callable[[Activity], bool], row: Callable[[Activity], object] | None = None
) -> Answer:
    """Return the page of wanted activities after the call's date token, with the next token."""
    instance = call.instance
    bound_to = binding(call.route.operation, call.arguments, call.query, "batchSize")
    position = instance.tokens.read(call.text("nextPageToken") or "", DatePosition, bound_to)
    size = _shortened(call, _size(call, "batchSize", MOST_ROWS, MOST_ROWS))
    quirks = instance.quirks
    if position.empties < quirks.empty_run and instance.rng.random() < quirks.empty_pages:
        size = 0
    page, reached, more = instance.activities.after((position.date, position.sequence), wanted, size)
    # An empty page says that more follows only if it does.
    empties = position.empties + 1 if more and not page else 0
    onward = DatePosition(*reached, empties, bound_to)
    result: list[object] = list(page) if row is None else [row(activity) for activity in page]
    return Answer(
        None if quirks.absent_result and not result else result,
        next_page_token=instance.tokens.issue(onward),
        more_result=more,
    )


def offset_page(call: Call, rows: Sequence[object]) -> Answer:
    """Return the page of asset rows at the call's offset, or the warning that there are none."""
    offset = call.integer("offset") or 0
    if offset < 0:
        raise ApiError("1003", "'offset' must not be negative")
    size = _size(call, "maxReturn", ASSET_ROWS, MOST_ASSET_ROWS)
    page = rows[offset : offset + size]
    return Answer(page) if page else Answer(warnings=[NOTHING_FOUND])
