"""``leads``: what ends up in the file, and what is refused before a call is spent."""

from __future__ import annotations

from pathlib import Path

import pytest

from .commands import invoke
from .instances import Instance, records


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "leads.jsonl"


def ids(out: Path) -> list[object]:
    return [record["id"] for record in records(out.read_bytes())]


def test_leads_by_filter_are_written_in_the_order_of_their_values(
    instance: Instance, out: Path, tmp_path: Path
) -> None:
    values = tmp_path / "values"
    values.write_text("\n".join(map(str, range(900, 0, -1))))
    ended = invoke("leads", "--filter", "id", "--values-from", values, "--out", out, environment=instance.environment)
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr.startswith(f"900 leads in {out} | ")
    # Within a chunk of 300 values leads come in Marketo's order, which is that of the ids.
    assert ids(out) == [*range(601, 901), *range(301, 601), *range(1, 301)]
    assert sorted(tmp_path.iterdir()) == [out, values]


def test_only_the_fields_asked_for_are_written(instance: Instance, out: Path) -> None:
    ended = invoke(
        *("leads", "--filter", "email", "--value", "lead7@example.com", "--value", "lead9@example.com"),
        *("--fields", "email, company", "--out", out),
        environment=instance.environment,
    )
    assert ended.code == 0
    assert [record["email"] for record in records(out.read_bytes())] == ["lead7@example.com", "lead9@example.com"]
    assert all({"id", "email", "company"} == record.keys() for record in records(out.read_bytes()))


def test_values_come_from_stdin_and_are_asked_for_once(instance: Instance, out: Path) -> None:
    lines = "\ufeff5\n\n 6 \n5\n7\n" + "\n".join(map(str, range(5, 400)))
    ended = invoke(
        *("leads", "--filter", "id", "--value", 6, "--values-from", "-", "--out", out, "--quiet"),
        environment=instance.environment,
        stdin=lines,
    )
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert sorted(map(int, map(str, ids(out)))) == list(range(5, 400))


def test_the_members_of_a_list_are_written(instance: Instance, out: Path) -> None:
    ended = invoke("leads", "--list", 1001, "--fields", "id", "--out", out, environment=instance.environment)
    assert ended.code == 0
    assert ids(out) == list(range(1, 901))


def test_a_filter_that_matches_nothing_leaves_an_empty_file(instance: Instance, out: Path) -> None:
    ended = invoke("leads", "--filter", "id", "--value", 901, "--out", out, environment=instance.environment)
    assert ended.code == 0
    assert ended.stderr.startswith("0 leads in ")
    assert out.read_bytes() == b""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "give either --filter or --list"),
        (("--filter", "id", "--list", "1001", "--value", "1"), "give either --filter or --list"),
        (("--filter", "id"), "--filter has no values"),
        (("--list", "1001", "--value", "1"), "--list takes no values"),
        (("--list", "1001", "--daily", "10", "--reserve", "10"), "--reserve 10 leaves no calls of --daily 10"),
    ],
)
def test_arguments_that_cannot_work_are_refused_for_nothing(
    instance: Instance, out: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = invoke("leads", *arguments, "--out", out, environment=instance.environment)
    assert ended.code == 2
    assert ended.stderr.startswith("error: ")
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert instance.calls == 0
    assert not out.exists()


def test_values_have_to_be_text(instance: Instance, out: Path, tmp_path: Path) -> None:
    values = tmp_path / "values"
    values.write_bytes(b"caf\xe9")
    ended = invoke("leads", "--filter", "city", "--values-from", values, "--out", out, environment=instance.environment)
    assert ended.code == 2
    assert "of the --values-from file is not UTF-8" in ended.stderr


def test_a_file_that_no_checkpoint_explains_is_not_touched(instance: Instance, out: Path) -> None:
    out.write_bytes(b'{"id":0}\n')
    arguments = ("leads", "--list", 1001, "--out", out)
    refused = invoke(*arguments, environment=instance.environment)
    assert refused.code == 2
    assert "exists without a checkpoint, so it can't be resumed; --start-over replaces it" in refused.stderr
    assert ids(out) == [0]
    assert invoke(*arguments, "--start-over", environment=instance.environment).code == 0
    assert ids(out) == list(range(1, 901))


def test_starting_over_touches_nothing_before_the_first_page(instance: Instance, out: Path) -> None:
    out.write_bytes(b'{"id":0}\n')
    wrong = {**instance.environment, "MARKETO_CLIENT_SECRET": "wrong"}
    assert invoke("leads", "--list", 1001, "--out", out, "--start-over", environment=wrong).code == 3
    assert ids(out) == [0]
