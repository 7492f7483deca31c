"""``operations``: what can be called, with what right."""

from __future__ import annotations

import msgspec

from marketo_async import operations
from marketo_async.schema import schema

from .commands import invoke


def test_the_json_holds_every_operation() -> None:
    ended = invoke("operations", "--json", environment={})
    assert ended.code == 0
    rows = {row["name"]: row for row in msgspec.json.decode(ended.stdout)}
    assert rows.keys() == operations().keys()
    assert rows["identity.token"]["signature"] == "identity.token()"
    assert rows["identity.token"]["schema"] is None
    assert rows["leads.merge"] == {
        "name": "leads.merge",
        "method": "POST",
        "path": "/rest/v1/leads/{leadId}/merge.json",
        "permissions": ["Read-Write Lead"],
        "every": False,
        "write": True,
        "effect": "erase",
        "repeat": "settles",
        "source": "official",
        "summary": operations()["leads.merge"].summary,
        "signature": "leads.merge(winner_id: int, loser_ids: [int], merge_in_crm?: bool)",
        "schema": schema("leads.merge"),
    }


def test_the_table_can_be_narrowed() -> None:
    ended = invoke("operations", "stats/usage", environment={"COLUMNS": "200"})
    lines = [" ".join(line.split()) for line in ended.stdout.splitlines()]
    assert any(line.startswith("usage.today GET /rest/v1/stats/usage.json none") for line in lines)
    assert "leads.get" not in ended.stdout
    assert "2 operations" in ended.stdout
