"""What producers read back: columns of a destination, and the rows of the files of exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_async.errors import BadRow
from marketo_async.mirror.backfill.exports import BLOCK_ROWS, row_blocks
from marketo_async.mirror.backfill.stored import StoredRows
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import packed
from marketo_async.mirror.tables import LIST_MEMBERS, LISTS, Catalog
from marketo_async.mirror.target import target_of


@pytest.mark.slow
async def test_columns_are_read_by_marketos_names_before_a_moment(tmp_path: Path, duckdb: str) -> None:
    destination = Destination(target_of(duckdb), folder=tmp_path / "dlt")
    stored = StoredRows(destination)
    state = await destination.open("123-ABC-456")
    try:
        assert list(await stored(LIST_MEMBERS, ["listId"])) == []
        chunks = [
            LoadChunk(rows={"list_members": [{"listId": 1, "leadId": lead} for lead in leads]}, read_at=read_at)
            for leads, read_at in (([1, 2], 100.0), ([3], 200.0))
        ]
        await destination.load(packed(chunks, state), Catalog([LIST_MEMBERS, LISTS]))
        assert sorted(await stored(LIST_MEMBERS, ["listId", "leadId"])) == [(1, 1), (1, 2), (1, 3)]
        assert sorted(await stored(LIST_MEMBERS, ["leadId"], before=200.0)) == [(1,), (2,)]
        assert list(await stored(LIST_MEMBERS, ["listId"])) == [(1,)]
    finally:
        await destination.close()


@pytest.mark.parametrize("number", [0, 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 7])
async def test_files_are_read_in_blocks_and_bad_rows_are_reported(number: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    lines = ["id,email", *(f"{n},null" for n in range(number)), "too,many,cells"]
    path.write_text("\n".join(lines) + "\n")
    bad: list[BadRow] = []
    found = [rows async for rows in row_blocks(path, bad.append)]
    assert [row for rows in found for row in rows] == [{"id": str(n), "email": None} for n in range(number)]
    assert all(len(rows) >= BLOCK_ROWS for rows in found[:-1])
    assert len(bad) == 1
