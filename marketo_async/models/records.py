"""What comes back for one record of a write: the same few members under several names, whatever the family."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from marketo_async.codes import DONE_ALREADY


class Reason(Struct, frozen=True):
    """Why a record was skipped."""

    code: str | int = ""
    message: str = ""


class RecordResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one record: ``status`` is Marketo's word (created, updated, deleted, added, skipped ...).

    Results stand in the order of the input. Leads and lists answer with ``id``, objects with ``marketo_guid``, fields
    with ``name``. Some failures come without a status. ``settled`` marks a record that was skipped because an earlier
    attempt of the same call, whose answer was lost, had done it.
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
    def failed(self) -> bool:
        """Whether the record was not taken."""
        return not self.settled and (self.status == "skipped" or bool(self.why))


def settle(results: list[RecordResult]) -> list[RecordResult]:
    """Read the answer to a repeat whose first answer was lost: "done already" means that the first one did it."""
    return [
        replace(result, settled=True)
        if result.why and all(str(reason.code) in DONE_ALREADY for reason in result.why)
        else result
        for result in results
    ]
