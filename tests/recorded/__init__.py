"""Answers of Marketo as recordings and its pages show them: names of members and kinds of values, by family.

The tables hold facts only; every value is invented. Sources: recordings in the public test suites of node-marketo,
grouparoo, embulk-input-marketo and Airbyte, and the samples on Marketo's pages. Where they disagree with Marketo's
OpenAPI files, they are right. Operations that answer with the same record share one row, with the members of all.
See ``kinds`` for the words of the tables.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.recorded import activities, bulk, emails, leads, pages, programs, records, users
from tests.recorded.kinds import Nothing, Shape

_TABLES = [module.TABLE for module in (leads, activities, records, bulk, programs, emails, pages, users)]

RECORDED: Mapping[str, Shape | Nothing] = {
    f"{family}.{verb}": shape
    for table in _TABLES
    for family, rows in table.items()
    for verbs, shape in rows.items()
    for verb in verbs.split()
}
