"""`AttributeColumns`: the attributes of activities of one type as columns, each with its type. Pure.

The column ``attributes`` keeps, as JSON, only what has no column of its own. So nothing is lost when the type has got
an attribute since it was described.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from marketo_async.models.activities import ActivityType
from marketo_async.models.columns import ColumnType, UnfitValue, column_type, fitted

ATTRIBUTES = "attributes"


class AttributeColumns(Struct, frozen=True):
    """The type of each attribute's column, and the column of each key that the JSON of a file may have."""

    types: Mapping[str, ColumnType]
    keys: Mapping[str, str]

    @classmethod
    def of(cls, activity: ActivityType, columns: Sequence[str]) -> AttributeColumns | None:
        """Return the columns for a file with ``columns``; ``None`` if the file has no attributes.

        A column is called by the attribute's API name, or by its name if it has none; with ``attributes.`` before it
        where a column of the file has that name.
        """
        if ATTRIBUTES not in columns:
            return None
        types: dict[str, ColumnType] = {}
        keys: dict[str, str] = {}
        for attribute in activity.attributes:
            own = attribute.api_name or attribute.name
            if not own:
                continue
            name = f"{ATTRIBUTES}.{own}" if own in columns else own
            types[name] = column_type(attribute.data_type)
            for key in (attribute.name, attribute.api_name):
                if key:
                    keys.setdefault(key, name)
        return cls(types, keys)

    def add_to(self, row: dict[str, object]) -> None:
        """Add the columns to a row, and leave the other attributes in ``attributes``; raises `UnfitValue`."""
        row |= dict.fromkeys(self.types)
        cell, row[ATTRIBUTES] = row[ATTRIBUTES], None
        if not isinstance(cell, str) or not cell:
            return
        try:
            found = msgspec.json.decode(cell, type=dict[str, object])
        except msgspec.DecodeError as error:
            raise UnfitValue(ATTRIBUTES, "json", cell) from error
        rest: dict[str, object] = {}
        for key, value in found.items():
            name = self.keys.get(key)
            if name is None or row[name] is not None:  # unknown, or here by the attribute's other name already
                rest[key] = value
            else:
                row[name] = self._value(name, value)
        if rest:
            row[ATTRIBUTES] = msgspec.json.encode(rest).decode()

    def _value(self, name: str, value: object) -> object:
        kind = self.types[name]
        if value is None or (value == "" and kind != "text"):
            return None
        return fitted(name, kind, value)
