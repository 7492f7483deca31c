"""Names of tables and columns: snake_case that dlt leaves alone, 63 characters, and no two alike."""

from __future__ import annotations

import pytest
from dlt.common.normalizers.naming.snake_case import NamingConvention
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mirror.names import MOST, columns_of, snake


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firstName", "first_name"),
        ("marketoGUID", "marketo_guid"),
        ("mktoIsPartner", "mkto_is_partner"),
        ("sfdcId", "sfdc_id"),
        ("SFDCType", "sfdc_type"),
        ("Client IP Address", "client_ip_address"),
        ("lead_score_2", "lead_score_2"),
        ("2ndEmail", "n_2nd_email"),
        ("@Webpage URL", "webpage_url"),
        ("Straße", "stra_e"),
    ],
)
def test_a_name_in_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected


@given(st.text())
def test_a_name_is_one_that_dlt_and_postgres_take_as_it_is(name: str) -> None:
    column = snake(name)

    assert 0 < len(column) <= MOST
    assert NamingConvention(MOST).normalize_identifier(column) == column


@given(st.lists(st.text(), unique=True), st.sets(st.sampled_from(["a", "id", "first_name"])))
def test_no_two_columns_are_alike_and_each_clash_is_reported(sources: list[str], reserved: set[str]) -> None:
    columns, clashes = columns_of(sources, reserved=reserved)

    assert list(columns) == sources
    assert len(set(columns.values())) == len(sources)
    assert not reserved & set(columns.values())
    plain = {source for source, column in columns.items() if column == snake(source)}
    assert {clash.source for clash in clashes} == set(sources) - plain


@given(st.lists(st.sampled_from(["fooBar", "foo_bar", "FooBar", "Foo Bar", "foo"]), unique=True, min_size=1), st.data())
def test_a_column_keeps_its_name_whatever_comes_later(sources: list[str], data: st.DataObject) -> None:
    first = data.draw(st.lists(st.sampled_from(sources), unique=True))
    kept, _ = columns_of(first)

    columns, _ = columns_of(data.draw(st.permutations(sources)), kept)
    assert {source: columns[source] for source in first} == kept
    assert len(set(columns.values())) == len(columns)


def test_a_clash_says_what_happened() -> None:
    columns, clashes = columns_of(["fooBar", "foo_bar"])

    assert str(clashes[0]) == f"'foo_bar' is kept as {columns['foo_bar']!r}, as another name became 'foo_bar'"
