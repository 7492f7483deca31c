"""``activities``: a range in shards, and what is new since the last run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .commands import invoke
from .instances import Instance, records

TYPES = "1,2,6,7,10,11,12,13,22"
NEW_LEAD = "12"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "activities.jsonl"


def guids(out: Path) -> list[object]:
    return [record["marketoGUID"] for record in records(out.read_bytes())]


def leads_of(found: Iterable[dict[str, object]]) -> list[object]:
    return [record["leadId"] for record in found]


def test_a_range_is_written_once_whatever_the_shards(instance: Instance, out: Path) -> None:
    begin, end = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) + timedelta(minutes=1)
    ended = invoke(
        *("activities", "--since", begin.isoformat(), "--until", end.isoformat(), "--types", TYPES),
        *("--shards", 5, "--out", out),
        environment=instance.environment,
    )
    assert (ended.code, ended.stdout) == (0, "")
    assert ended.stderr.startswith(f"900 activities in {out} | ")
    assert len(guids(out)) == len(set(guids(out))) == 900
    assert not out.with_name("activities.jsonl.checkpoint").exists()


@pytest.mark.parametrize("until", [(), ("--until", "2100-01-01")])
@pytest.mark.parametrize(
    ("types", "kinds"),
    [("all", {1, 2, 6, 7, 10, 11, 12, 13, 22}), ("Visit Webpage, open email,12", {1, 10, 12})],
)
def test_types_go_by_name_or_are_all_of_the_instance(
    instance: Instance, out: Path, types: str, kinds: set[int], until: tuple[str, ...]
) -> None:
    arguments = ("activities", "--since", "2020-01-01", *until, "--types", types, "--out", out)
    assert invoke(*arguments, environment=instance.environment).code == 0
    found = records(out.read_bytes())
    assert {record["activityTypeId"] for record in found} <= kinds
    assert len(guids(out)) == len(set(guids(out)))
    if types == "all":
        assert len(found) == 900
    if not until:
        held = out.read_bytes()
        assert invoke(*arguments, environment=instance.environment).code == 0
        assert out.read_bytes() == held


def test_activities_are_written_as_marketo_spells_them(instance: Instance, out: Path) -> None:
    ended = invoke(
        "activities", "--since", "2020-01-01", "--types", "1", "--out", out, environment=instance.environment
    )
    assert ended.code == 0
    first = records(out.read_bytes())[0]
    assert first["activityTypeId"] == 1
    assert isinstance(first["activityDate"], str)
    assert datetime.fromisoformat(first["activityDate"]).tzinfo is UTC


def test_every_later_run_adds_what_is_new(instance: Instance, out: Path) -> None:
    arguments = ("activities", "--since", "2020-01-01", "--types", NEW_LEAD, "--out", out)
    first = invoke(*arguments, environment=instance.environment)
    assert first.code == 0
    assert "; run the same command again to add new ones | " in first.stderr
    before = out.read_bytes()

    added = instance.add_leads("new1@example.com", "new2@example.com")
    second = invoke(*arguments, environment=instance.environment)
    assert second.code == 0
    assert "2 of them new" in second.stderr
    assert out.read_bytes().startswith(before)
    assert leads_of(records(out.read_bytes()[len(before) :])) == added

    third = invoke(*arguments, environment=instance.environment)
    assert "0 of them new" in third.stderr


def test_a_file_that_was_moved_away_is_begun_anew_with_what_is_new(instance: Instance, out: Path) -> None:
    arguments = ("activities", "--since", "2020-01-01", "--types", NEW_LEAD, "--out", out)
    invoke(*arguments, environment=instance.environment)
    out.rename(out.with_name("yesterday.jsonl"))
    added = instance.add_leads("new1@example.com")
    assert invoke(*arguments, environment=instance.environment).code == 0
    assert leads_of(records(out.read_bytes())) == added


def test_more_leads_than_one_listing_takes_go_on_too(instance: Instance, out: Path) -> None:
    leads = ",".join(map(str, range(1, 62)))
    arguments = ("activities", "--since", "2020-01-01", "--types", TYPES, "--leads", leads, "--out", out)
    assert invoke(*arguments, environment=instance.environment).code == 0
    assert {int(str(lead)) for lead in leads_of(records(out.read_bytes()))} <= set(range(1, 62))
    held = guids(out)
    assert invoke(*arguments, environment=instance.environment).code == 0
    assert guids(out) == held
    assert len(held) == len(set(held)) > 30


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--since", "yesterday", "--types", "1"), "--since takes a date or time"),
        (("--since", "2026-01-01", "--until", "soon", "--types", "1"), "--until takes a date or time"),
        (("--since", "2026-01-01", "--types", "1,two"), "the instance has no activity type 'two'"),
        (("--since", "2026-01-01", "--types", "Visit Webpages"), "meant 'Visit Webpage'?"),
        (("--since", "2026-01-01", "--types", "1", "--leads", "x"), "--leads takes comma-separated numbers"),
        (("--since", "2026-01-01", "--types", ","), "types is empty"),
        (("--since", "2026-01-02", "--until", "2026-01-01", "--types", "1"), "must be before until"),
    ],
)
def test_arguments_that_cannot_work_leave_nothing_behind(
    instance: Instance, out: Path, arguments: tuple[str, ...], told: str
) -> None:
    ended = invoke("activities", *arguments, "--out", out, environment=instance.environment)
    assert ended.code == 2
    assert told in ended.stderr
    assert list(out.parent.iterdir()) == []
