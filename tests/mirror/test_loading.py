"""A destination: merges by key, deletions, types, and the state of the last completed load; DuckDB and Postgres."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
import pytest_asyncio

from marketo_async.errors import ConfigurationError, TargetUnavailable
from marketo_async.mirror import loading
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import Package, packed
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog, MirrorColumn, table_of
from marketo_async.mirror.target import target_of
from marketo_async.models.columns import ColumnType

INSTANCE = "123-ABC-456"
FIELDS: list[tuple[str, ColumnType]] = [
    ("id", "bigint"),
    ("name", "text"),
    ("moment", "timestamp"),
    ("score", "bigint"),
]
TABLE, _ = table_of("things", ["id"], FIELDS)
CATALOG = Catalog([TABLE])
AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


def package(*chunks: LoadChunk, state: MirrorState | None = None) -> Package:
    return packed(chunks, state or MirrorState(instance=INSTANCE))


def rows(*found: dict[str, object], read_at: float = 1.0) -> LoadChunk:
    return LoadChunk(rows={"things": found}, read_at=read_at)


def deletions(*ids: int, read_at: float = 1.0) -> LoadChunk:
    return LoadChunk(deletions={"things": [{"id": number} for number in ids]}, read_at=read_at)


@pytest_asyncio.fixture(params=["duckdb", pytest.param("postgres", marks=pytest.mark.slow)])
async def destination(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Destination]:
    target = target_of(request.getfixturevalue(request.param), dataset=f"set_{request.node.name[:20]}_{id(request)}")
    destination = Destination(target, folder=tmp_path / "dlt")
    yield destination
    await destination.close()


async def held(destination: Destination) -> list[tuple[object, ...]]:
    return await destination.query("SELECT id, name FROM {things} ORDER BY id")


async def test_rows_merge_by_their_key_and_the_one_that_was_read_last_wins(destination: Destination) -> None:
    assert await destination.open(INSTANCE) == MirrorState(instance=INSTANCE)
    await destination.load(package(rows({"id": 1, "name": "a"}, {"id": 2, "name": "b"})), CATALOG)
    report = await destination.load(
        package(
            rows({"id": 2, "name": "newer"}, read_at=5.0),
            rows({"id": 2, "name": "older"}, {"id": 3, "name": "c"}, read_at=4.0),
        ),
        CATALOG,
    )

    assert report.rows == {"things": 3}
    assert await held(destination) == [(1, "a"), (2, "newer"), (3, "c")]


async def test_what_is_deleted_is_gone_unless_it_was_read_later(destination: Destination) -> None:
    await destination.open(INSTANCE)
    await destination.load(package(rows({"id": 1}, {"id": 2}, {"id": 3})), CATALOG)
    again = {"id": 3, "name": "again"}
    await destination.load(package(deletions(1, 3, 9, read_at=2.0), rows(again, read_at=3.0)), CATALOG)

    assert await held(destination) == [(2, None), (3, "again")]


async def test_columns_are_typed_and_known_by_marketos_names_to_the_next_process(
    destination: Destination, tmp_path: Path
) -> None:
    await destination.open(INSTANCE)
    arrow = pa.table({"id": [2], "name": ["b"]})
    chunks = (
        rows({"id": 1, "moment": "2026-01-31T10:00:00Z", "score": "many"}),
        LoadChunk(rows={"things": arrow}, read_at=1.0),
    )
    await destination.load(package(*chunks), CATALOG)
    found = await destination.query("SELECT id, name, moment, score, score__v_text FROM {things} ORDER BY id")
    assert found == [(1, None, AT, None, "many"), (2, "b", None, None, None)]

    later = Destination(destination.target, folder=tmp_path / "other")
    await later.open(INSTANCE)
    assert await later.columns("things") == {name: MirrorColumn(name, kind, name) for name, kind in FIELDS}
    assert await later.columns("nothing") == {}
    assert "things" in await later.tables()
    await later.close()


@pytest.mark.slow
async def test_a_table_is_created_without_rows_and_widened_when_a_field_is_new(destination: Destination) -> None:
    await destination.open(INSTANCE)
    await destination.load(package(LoadChunk(rows={"things": []}, read_at=1.0)), CATALOG)
    assert await held(destination) == []

    wider, _ = table_of("things", ["id"], [*FIELDS, ("newField", "double")], await destination.columns("things"))
    await destination.load(package(rows({"id": 1, "newField": 1.5})), Catalog([wider]))
    assert await destination.query("SELECT id, new_field FROM {things}") == [(1, 1.5)]


async def test_the_next_process_begins_with_the_state_of_the_last_completed_load(
    destination: Destination, tmp_path: Path
) -> None:
    state = await destination.open(INSTANCE)
    first = package(LoadChunk(rows={"things": []}, read_at=1.0, position="a"), state=state)
    await destination.load(first, CATALOG)
    await destination.load(package(LoadChunk(read_at=1.0, position="b"), state=first.state), CATALOG)

    assert (await destination.open(INSTANCE)).position == "b"  # nothing but a state was loaded
    with pytest.raises(ConfigurationError, match="a mirror of 123-ABC-456, and this client is of 999-ABC-456"):
        await destination.open("999-ABC-456")


@pytest.mark.slow
async def test_a_load_that_fails_does_not_count_and_can_be_done_again(destination: Destination) -> None:
    state = await destination.open(INSTANCE)
    first = package(rows({"id": 1}), LoadChunk(read_at=1.0, position="a"), state=state)
    await destination.load(first, CATALOG)
    second = package(rows({"id": 2}), LoadChunk(read_at=1.0, position="b"), state=first.state)
    await destination.execute("ALTER TABLE {things} ALTER COLUMN name TYPE INTEGER USING NULL")
    with pytest.raises(TargetUnavailable, match="can't be used"):
        await destination.load(package(rows({"id": 2, "name": "b"}), state=second.state), CATALOG)
    assert (await destination.open(INSTANCE)).position == "a"

    await destination.execute("ALTER TABLE {things} ALTER COLUMN name TYPE TEXT USING NULL")
    await destination.load(second, CATALOG)
    assert await held(destination) == [(1, None), (2, None)]


@pytest.mark.slow
async def test_states_of_earlier_loads_are_deleted_now_and_then(
    destination: Destination, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_TIDY_EVERY", 3)
    monkeypatch.setattr(loading, "_STATES_KEPT", 1)
    state = await destination.open(INSTANCE)
    for position in "abcdefg":
        found = package(rows({"id": 1}), LoadChunk(read_at=1.0, position=position), state=state)
        await destination.load(found, CATALOG)
        state = found.state

    for name in ("_dlt_pipeline_state", "_dlt_loads"):
        ((count,),) = await destination.query(f"SELECT count(*) FROM {{{name}}}")  # noqa: S608 - a name of our own
        assert count <= 4
    assert (await destination.open(INSTANCE)).position == "g"


async def test_a_query_takes_values_and_a_table_that_does_not_exist_has_no_rows(destination: Destination) -> None:
    await destination.open(INSTANCE)
    assert await held(destination) == []
    await destination.load(package(rows({"id": 1, "name": "100%"}, {"id": 2})), CATALOG)

    assert await destination.query("SELECT id FROM {things} WHERE name = %s AND id < %s", "100%", 5) == [(1,)]


async def test_a_destination_that_is_not_open_says_so(tmp_path: Path) -> None:
    destination = Destination(target_of(f"duckdb:///{tmp_path}/a.duckdb"))

    with pytest.raises(ConfigurationError, match="not open; call open"):
        await destination.query("SELECT 1")
    assert repr(destination) == f"<Destination duckdb:///{tmp_path}/a.duckdb>"


async def test_a_destination_of_the_users_dlt_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESTINATION__WAREHOUSE__DESTINATION_TYPE", "duckdb")
    monkeypatch.setenv("DESTINATION__WAREHOUSE__CREDENTIALS", f"duckdb:///{tmp_path}/own.duckdb")
    destination = Destination(target_of("dlt:warehouse"), folder=tmp_path / "dlt")
    await destination.open(INSTANCE)
    await destination.load(package(rows({"id": 1, "name": "a"})), CATALOG)

    assert await held(destination) == [(1, "a")]
    await destination.close()
    assert (tmp_path / "own.duckdb").exists()


@pytest.mark.slow
async def test_two_mirrors_can_not_write_to_one_target_at_a_time(tmp_path: Path) -> None:
    target = target_of(f"duckdb:///{tmp_path}/a.duckdb")
    one, other = (Destination(target, folder=tmp_path / "dlt") for _ in range(2))
    await one.open(INSTANCE)
    await one.load(package(rows({"id": 1})), CATALOG)
    await other.open(INSTANCE)
    assert await held(other) == [(1, None)]

    with pytest.raises(ConfigurationError, match="another mirror writes to duckdb:"):
        await other.load(package(rows({"id": 2})), CATALOG)
    await one.close()
    await other.load(package(rows({"id": 2})), CATALOG)
    assert await held(other) == [(1, None), (2, None)]
    await other.close()


SECRET = "s3cret-Pa55"


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_a_password_shows_in_no_error_and_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    destination = Destination(target_of(f"postgresql://u:{SECRET}@127.0.0.1:1/d"), folder=tmp_path)

    with pytest.raises(TargetUnavailable, match=r"postgresql://u@127\.0\.0\.1:1/d can't be used") as caught:
        await destination.open(INSTANCE)
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__
    assert SECRET not in caplog.text
    assert SECRET.encode() not in contents(tmp_path)


@pytest.mark.slow
async def test_a_password_shows_in_no_table_of_a_real_postgres(postgres: str, tmp_path: Path) -> None:
    target = target_of(postgres.replace("postgres:@", f"postgres:{SECRET}@"), dataset="secrets")
    assert target.password == SECRET
    destination = Destination(target, folder=tmp_path)
    state = await destination.open(INSTANCE)
    await destination.load(package(rows({"id": 1}), state=state), CATALOG)

    names = await destination.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'secrets'")
    assert len(names) >= 4
    for (name,) in names:
        found = await destination.query(f"SELECT * FROM {{{name}}}")  # noqa: S608 - a name of our own
        assert SECRET not in repr(found)
    assert SECRET.encode() not in contents(tmp_path)
    await destination.close()
