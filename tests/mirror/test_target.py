"""TARGET as text: its forms, and the password that it never shows."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from marketo_async.errors import ConfigurationError
from marketo_async.mirror.target import Target, target_of

SECRET = "s3cret/@:"
QUOTED = "s3cret%2F%40%3A"


@pytest.mark.parametrize(
    ("text", "kind", "place", "dataset"),
    [
        ("duckdb:///a.duckdb", "duckdb", "/here/a.duckdb", "main"),
        ("duckdb:////there/a.duckdb", "duckdb", "/there/a.duckdb", "main"),
        ("dlt:warehouse", "dlt", "warehouse", "marketo"),
        ("postgresql://u@h/d", "postgres", "postgresql://u@h/d", "marketo"),
        ("postgres://u@h:6543/d?sslmode=require", "postgres", "postgresql://u@h:6543/d?sslmode=require", "marketo"),
        ("postgresql://u@[::1]:5432/d", "postgres", "postgresql://u@[::1]:5432/d", "marketo"),
        ("postgresql://u:@/d?host=/tmp/s", "postgres", "postgresql://u@localhost/d?host=/tmp/s", "marketo"),
    ],
)
def test_a_target_is_a_file_a_postgres_or_a_name(text: str, kind: str, place: str, dataset: str) -> None:
    target = target_of(text, environ={}, here=Path("/here"))

    assert (target.kind, target.place, target.dataset, target.password) == (kind, place, dataset, None)


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (f"postgresql://u:{QUOTED}@h/d", {}),
        (f"postgresql://u:{QUOTED}@h/d", {"MARKETO_MIRROR_PASSWORD": "other"}),
        ("postgresql://u@h/d", {"MARKETO_MIRROR_PASSWORD": SECRET, "PGPASSWORD": "other"}),
        ("postgresql://u@h/d", {"PGPASSWORD": SECRET}),
        (f"postgresql://u@h/d?password={QUOTED}&sslmode=require", {}),
    ],
)
def test_a_password_comes_with_the_target_or_from_the_environment_and_never_shows(
    text: str, environ: dict[str, str]
) -> None:
    target = target_of(text, environ=environ)

    assert target.password == SECRET
    shown = f"{target} {target!r} {target.place} {target.digest} {target.hide(f'no {SECRET} here')}"
    assert "no *** here" in shown
    assert SECRET not in shown
    assert QUOTED not in shown


def test_a_target_has_one_name_with_any_password() -> None:
    one, other = (target_of(f"postgresql://u:{word}@h/d") for word in ("a", "b"))

    assert one.digest == other.digest != target_of("postgresql://u:a@h/e").digest


def test_a_target_without_a_password_hides_nothing() -> None:
    assert Target(kind="duckdb", place="/a", dataset="main").hide("text") == "text"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"mysql://u:{SECRET}@h/d", "pass duckdb:///file.duckdb, postgresql://user@host/database, or dlt:NAME"),
        (SECRET, "pass duckdb:///"),
        ("dlt:", "pass duckdb:///"),
        ("duckdb:///", "the target names no file"),
        ("duckdb://a.duckdb", "the target names no file"),
        (f"postgresql://u:{QUOTED}@h", "names no user or no database"),
        (f"postgresql://:{QUOTED}@h/d", "names no user or no database"),
        (f"postgresql://u:{QUOTED}@h:port/d", "not a URL that can be read"),
    ],
)
def test_any_other_text_is_refused_and_not_repeated(text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(told)) as caught:
        target_of(text)
    assert SECRET not in str(caught.value)
    assert QUOTED not in str(caught.value)


def test_a_target_with_a_password_can_not_be_encoded() -> None:
    with pytest.raises(TypeError, match="Secret"):
        msgspec.json.encode(target_of(f"postgresql://u:{QUOTED}@h/d"))
