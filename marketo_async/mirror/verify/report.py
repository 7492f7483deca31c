"""What a verification found: differences as rows, and what may be concluded from them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import ceil, exp, lgamma, log, log1p
from typing import Any, Literal

from msgspec import Struct

CONFIDENCE = 0.95
_DIGITS = 2  # of a bound, rounded up


class Difference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that is not as Marketo has it.

    ``missing`` rows are in Marketo alone, ``extra`` ones in the mirror alone. A ``different`` one has another value in
    ``column``: ``mirror`` and ``marketo`` are the two values. ``key`` holds the columns of the table's key; ``about``
    says more of the row.
    """

    table: str
    kind: Literal["missing", "extra", "different"]
    key: Mapping[str, Any]
    column: str | None = None
    mirror: Any = None
    marketo: Any = None
    about: Mapping[str, Any] = {}


class VerifiedPart(Struct, frozen=True, kw_only=True):
    """One part of a verification, such as the leads.

    ``compared`` rows were compared, out of ``total`` if that is known; ``sampled`` says that they were drawn at random.
    ``scope`` says in words what was compared. ``unsettled`` rows differ because they changed in Marketo after the
    moment up to which the mirror has everything; they count as no difference.
    """

    part: str
    noun: str
    compared: int
    scope: str
    total: int | None = None
    sampled: bool = False
    differences: Sequence[Difference] = ()
    unsettled: int = 0

    @property
    def wrong(self) -> int:
        """The number of rows that differ."""
        return len({(one.table, *one.key.values()) for one in self.differences})

    @property
    def bound(self) -> float | None:
        """The share of the rows that differ is below it with 95 % confidence; ``None`` if all rows were compared."""
        if not self.sampled or not self.compared:
            return None
        return upper_bound(min(self.wrong, self.compared), self.compared)

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        kinds = Counter(one.kind for one in self.differences)
        found = ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        wrong = f"{self.wrong:,} difference{'' if self.wrong == 1 else 's'}"
        text = f"{self.compared:,}{total} {self.noun}{self.scope}, {wrong}{f' ({found})' if found else ''}"
        if self.bound is not None:
            text += f": with 95 % confidence fewer than {percent(self.bound)} % differ"
        if self.unsettled:
            text += f"; {self.unsettled:,} changed too recently to be judged"
        return text


class VerifyReport(Struct, frozen=True, kw_only=True):
    """The parts of a verification, and the number of calls that it took.

    ``repaired`` says that the rows that differ were repaired, but for those that are ``left``.
    """

    parts: tuple[VerifiedPart, ...]
    calls: int = 0
    repaired: bool = False
    left: Sequence[Difference] = ()

    @property
    def differences(self) -> list[Difference]:
        """All rows that differ."""
        return [one for part in self.parts for one in part.differences]

    @property
    def right(self) -> bool:
        """Whether no difference was found."""
        return not any(part.differences for part in self.parts)

    def __str__(self) -> str:
        return "\n".join(map(str, self.parts))


def upper_bound(wrong: int, drawn: int, confidence: float = CONFIDENCE) -> float:
    """Return the share below which the share of wrong rows lies, if ``wrong`` of ``drawn`` random rows are wrong.

    It is the one-sided bound of Clopper and Pearson. Without wrong rows it is about 3 / ``drawn``, the rule of three.
    """
    if wrong >= drawn:
        return 1.0
    low, high = wrong / drawn, 1.0
    for _ in range(60):
        share = (low + high) / 2
        if _at_most(wrong, drawn, share) > 1 - confidence:
            low = share
        else:
            high = share
    return high


def percent(share: float) -> str:
    """Return a share as percent, rounded up to two digits."""
    value = share * 100
    step = 1.0
    while value and value / step < 10 ** (_DIGITS - 1):
        step /= 10
    while value / step >= 10**_DIGITS:
        step *= 10
    return f"{round(ceil(round(value / step, 9)) * step, 12):g}"


def _at_most(wrong: int, drawn: int, share: float) -> float:
    """Return the probability of at most ``wrong`` wrong rows among ``drawn``."""
    if not 0 < share < 1:
        return 1.0 if share <= 0 else 0.0
    total = 0.0
    for count in range(wrong + 1):
        ways = lgamma(drawn + 1) - lgamma(count + 1) - lgamma(drawn - count + 1)
        total += exp(ways + count * log(share) + (drawn - count) * log1p(-share))
    return total
