"""What comes back for one record of a write: the same few members under several names, whatever the family."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from marketo_async.codes import DONE_ALREADY

UNKNOWN = "unknown"  # the status of a record whose response was lost; the only status that is not Marketo's


class Reason(Struct, frozen=True):
    """Why a record was skipped."""

    code: str | int = ""
    message: str = ""


class RecordResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one record: ``status`` is Marketo's word (created, updated, deleted, added, skipped ...).

    Results stand in the order of the input. Leads and lists answer with ``id``, objects with ``marketo_guid``, fields
    with ``name``. Some failures come without a status. Where the answer was lost, and nothing could tell what became of
    the record, the status is ``unknown``. ``settled`` marks a record that the repeat of a call with a lost answer found
    to be as asked for: gone, moved or created, by the first attempt as far as can be told.
    """

    id: int | None = None
    name: str | None = None
    marketo_guid: str | None = field(default=None, name="marketoGUID")
    lead_id: int | None = None
    seq: int | None = None
    status: str | None = None
    reasons: list[Reason] = []
    reason: Reason | list[Reason] | None = None
    errors: list[Reason] = []
    settled: bool = False

    @property
    def why(self) -> list[Reason]:
        """The reasons, under whichever of its three names Marketo sent them."""
        single = self.reason if isinstance(self.reason, list) else [self.reason] if self.reason else []
        return [*self.reasons, *single, *self.errors]

    @property
    def outcome(self) -> str:
        """What became of the record in one line: its status, and the first reason with its code."""
        return (self.status or "failed") + "".join(f" ({reason.code} {reason.message})" for reason in self.why[:1])

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what became of the record: look at the instance before you send it again."""
        return self.status == UNKNOWN

    @property
    def failed(self) -> bool:
        """Whether the record was not taken, or not as far as is known."""
        return not self.settled and (self.status in {"skipped", UNKNOWN} or bool(self.why))


def settle(results: list[RecordResult], proof: tuple[str, ...]) -> list[RecordResult]:
    """Read the answer to a repeat whose first answer was lost.

    A reason of the operation's ``proof`` means that the record is as asked for. Any other reason that the first attempt
    may have caused leaves the outcome unknown: "it exists already" means that somebody created the record, and not
    who. A reason that has nothing to do with the first attempt (a bad value) counts as it is.
    """
    return [_settled(result, proof) for result in results]


def _settled(result: RecordResult, proof: tuple[str, ...]) -> RecordResult:
    codes = {str(reason.code) for reason in result.why}
    if not codes or codes - DONE_ALREADY:
        return result
    return replace(result, status=UNKNOWN) if codes.difference(proof) else replace(result, settled=True)
