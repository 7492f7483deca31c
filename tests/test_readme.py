"""The README says what is so: its table of families, and its two commands."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from marketo_async import Marketo, operations
from tests.families import family_of

README = (Path(__file__).resolve().parent.parent / "README.md").read_text()
ROW = re.compile(
    r"^\| `([\w.]+)` \| (\d+) \| `(?:await )?marketo\.(\w+(?:\.\w+)?)(?:\(.car_c.\))?\.(\w+)\(.*\)` \|$", re.MULTILINE
)


def test_the_table_of_families_is_that_of_the_registry() -> None:
    rows = ROW.findall(README)
    counted = Counter(name.rsplit(".", 1)[0] for name in operations() if not name.startswith("identity."))
    assert {family: int(count) for family, count, _, _ in rows} == counted
    assert [family for family, *_ in rows] == [called for _, _, called, _ in rows]


def test_the_examples_of_the_table_exist() -> None:
    marketo = Marketo("123-ABC-456", client_id="i", client_secret="s")
    for family, _, _, method in ROW.findall(README):
        assert callable(getattr(family_of(marketo, family), method))


def test_the_first_screen_has_the_two_commands() -> None:
    first_screen = "\n".join(README.splitlines()[:24])
    assert "marketo-async demo" in first_screen
    assert re.search(r"\.venv/bin/python -m pytest [^\n]*--cov", first_screen)
