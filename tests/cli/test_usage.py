"""``usage``: today's figures as a table and as JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec

from .commands import invoke
from .instances import Instance


def test_the_table_names_users_errors_and_what_is_left(instance: Instance, tmp_path: Path) -> None:
    instance.add_leads("new@example.com")
    invoke("leads", "--list", 7, "--out", tmp_path / "out", environment=instance.environment)
    ended = invoke("usage", environment=instance.environment)
    assert (ended.code, ended.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert "api.user@sandbox.example 5" in lines or "api.user@sandbox.example 4" in lines
    assert "1013 1 object not found" in lines
    assert lines[-1].startswith("49,99")
    assert "of 50,000 calls are left until 20" in lines[-1]


def test_the_json_is_one_object(instance: Instance) -> None:
    instance.add_leads("new@example.com")
    ended = invoke("usage", "--json", "--daily", 100, environment=instance.environment)
    assert ended.code == 0
    report = msgspec.json.decode(ended.stdout)
    assert report.keys() == {"usage", "errors", "daily", "left", "resetsAt"}
    assert report["usage"]["total"] in {2, 3}
    assert report["errors"] == {"date": report["usage"]["date"], "total": 0, "errors": []}
    assert report["daily"] == 100
    assert 96 <= report["left"] <= 98
