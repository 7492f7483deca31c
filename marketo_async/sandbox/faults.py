"""Faults to inject: which calls they strike and when.

See ``damage`` for what a fault does to an answer.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

IDENTITY_PATH = "/identity/"
FILE = "/file.json"

# These spoil an answer that the operation really gave, so the operation always runs.
MANGLING_KINDS = frozenset({"slow", "no_result", "null_request_id", "numeric_strings"})
# These replace an answer, whether or not the operation ran.
BREAKING_KINDS = frozenset(
    {
        "reset",
        "truncate",
        "bad_json",
        "html",
        "html200",
        "empty",
        "non_utf8",
        "redirect",
        "http_500",
        "http_503",
        "drop",
        "corrupt",
        "http_404",
    }
)
# These strike only files.
FILE_KINDS = frozenset({"drop", "corrupt"})


@dataclass(frozen=True, slots=True)
class Fault:
    """A Marketo code or a kind of damage, for the calls that match.

    ``times`` is the number of matching calls to strike, ``probability`` the chance for each; without either, every
    call is struck. ``path`` is a prefix, or a glob if it has ``*``, ``?`` or ``[``. With ``when="after"`` the operation
    runs before the fault strikes. A fault strikes the identity service only if ``path`` names it. Two kinds
    strike only files: ``drop`` cuts a file off after ``at`` bytes, or after a random number, and ``corrupt`` changes a
    byte.
    """

    kind: str
    probability: float | None = None
    times: int | None = None
    path: str | None = None
    method: str | None = None
    when: Literal["before", "after"] = "before"
    seconds: float = 0.0
    at: int | None = None

    def __post_init__(self) -> None:
        if not (self.kind.isdigit() or self.kind in MANGLING_KINDS | BREAKING_KINDS):
            known = ", ".join(sorted(MANGLING_KINDS | BREAKING_KINDS))
            raise ValueError(f"{self.kind!r} is not a kind of fault; give a code of Marketo or one of {known}")
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"probability is {self.probability}; give a number from 0 to 1")
        if self.when not in ("before", "after"):
            raise ValueError(f"when is {self.when!r}; give 'before' or 'after'")

    @property
    def is_code(self) -> bool:
        """Whether the kind is a Marketo error code."""
        return self.kind.isdigit()

    @property
    def mangles(self) -> bool:
        """Whether the fault spoils an answer that the operation really gave."""
        return self.kind in MANGLING_KINDS

    @property
    def prevents(self) -> bool:
        """Whether the fault keeps the operation from running."""
        return self.when == "before" and not self.mangles and self.kind not in FILE_KINDS

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault may strike a call of this method and path."""
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is None:
            return not path.startswith(IDENTITY_PATH)
        if any(mark in self.path for mark in "*?["):
            return fnmatchcase(path, self.path)
        return path.startswith(self.path)


class FaultPlan:
    """Draws the fault that strikes a call, if any, from a list that tests may change at any time."""

    def __init__(self, faults: list[Fault], rng: random.Random) -> None:
        self.faults = faults
        self._rng = rng
        # Keeping the fault beside its count keeps its id from being reused.
        self._struck: dict[int, tuple[Fault, int]] = {}

    def draw(self, method: str, path: str) -> Fault | None:
        """Return the first fault of the list that strikes this call."""
        for fault in self.faults:
            if not fault.matches(method, path) or (fault.kind in FILE_KINDS and not path.endswith(FILE)):
                continue
            _, struck = self._struck.get(id(fault), (fault, 0))
            if fault.times is not None and struck >= fault.times:
                continue
            if fault.probability is not None and self._rng.random() >= fault.probability:
                continue
            self._struck[id(fault)] = (fault, struck + 1)
            return fault
        return None
