"""The result of one record of a write: the same few members in all families, under several names."""

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
    """The result of one record: ``status`` is Marketo's word (created, updated, deleted, added, skipped ...).

    Results are in the order of the input. Leads and lists have ``id``, objects ``marketo_guid``, fields ``name``. Some
    failures have no status. If the response was lost, and the outcome of the record can't be found out, the status is
    ``unknown``. ``settled`` marks a record that a retry after a lost response found in the requested state (deleted,
    moved or created), presumably because of the first attempt.
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
        """The reasons, under any of the three names that Marketo uses."""
        single = self.reason if isinstance(self.reason, list) else [self.reason] if self.reason else []
        return [*self.reasons, *single, *self.errors]

    @property
    def outcome(self) -> str:
        """The outcome of the record in one line: its status, and the first reason with its code."""
        return (self.status or "failed") + "".join(f" ({reason.code} {reason.message})" for reason in self.why[:1])

    @property
    def unknown(self) -> bool:
        """Whether the record's outcome is unknown: check the instance before you send it again."""
        return self.status == UNKNOWN

    @property
    def failed(self) -> bool:
        """Whether Marketo did not accept the record, or its outcome is unknown."""
        return not self.settled and (self.status in {"skipped", UNKNOWN} or bool(self.why))


def settle(results: list[RecordResult], proof: tuple[str, ...]) -> list[RecordResult]:
    """Read the response to a retry whose first response was lost.

    A reason in the operation's ``proof`` means that the record is in the requested state. Any other reason that the
    first attempt may have caused leaves the outcome unknown: "it already exists" does not say who created the record. A
    reason that the first attempt can't have caused (a bad value) stays.
    """
    return [_settled(result, proof) for result in results]


def _settled(result: RecordResult, proof: tuple[str, ...]) -> RecordResult:
    codes = {str(reason.code) for reason in result.why}
    if not codes or codes - DONE_ALREADY:
        return result
    return replace(result, status=UNKNOWN) if codes.difference(proof) else replace(result, settled=True)
