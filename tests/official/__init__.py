"""What Marketo's OpenAPI files say of every operation: the committed table, and what can be asked of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.official.make_table import TABLE

Shapes = Mapping[str, Any]


@dataclass(frozen=True)
class Official:
    """One operation as the OpenAPI files have it; a name that must be given ends in ``!``."""

    method: str
    path: str
    spec: str
    tag: str
    consumes: tuple[str, ...]
    parameters: Mapping[str, Shapes] = field(default_factory=dict)
    body: Any = None

    @property
    def key(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def members(self) -> Any:
        """The shape of the body, or of the form that stands in for it."""
        return self.body if self.body is not None else self.parameters.get("formData")

    def names(self, place: str) -> frozenset[str]:
        """Return the names of the parameters in one place: path, query, header or form."""
        return frozenset(name.rstrip("!") for name in self.parameters.get(place, {}))

    def required(self, place: str) -> frozenset[str]:
        """Return the names of the parameters in one place that must be given."""
        return frozenset(name.rstrip("!") for name in self.parameters.get(place, {}) if name.endswith("!"))

    def shapes(self, place: str) -> Shapes:
        """Return the shapes of the parameters in one place by name."""
        return {name.rstrip("!"): shape for name, shape in self.parameters.get(place, {}).items()}

    @property
    def pattern(self) -> re.Pattern[str]:
        """The paths that the template stands for."""
        pieces = re.split(r"\{\w+\}", self.path)
        return re.compile("[^/]+".join(map(re.escape, pieces)))


@cache
def official() -> Mapping[str, Official]:
    """Return the committed table by ``METHOD path``."""
    found = {}
    for row in json.loads(TABLE.read_bytes()):
        body = row.pop("body", row.pop("body!", None))
        operation = Official(**{**row, "consumes": tuple(row["consumes"])}, body=body)
        found[operation.key] = operation
    return found
