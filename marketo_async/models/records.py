"""What comes back for one record of a write: the same few members under several names, whatever the family."""

from __future__ import annotations

from msgspec import Struct, field


class Reason(Struct, frozen=True):
    """Why a record was skipped."""

    code: str | int = ""
    message: str = ""


class RecordResult(Struct, frozen=True, kw_only=True, rename="camel"):
    """What became of one record: ``status`` is Marketo's word (created, updated, deleted, added, skipped ...).

    Results stand in the order of the input. Leads and lists answer with ``id``, objects with ``marketo_guid``, fields
    with ``name``. Some failures come without a status.
    """

    id: int | None = None
    name: str | None = None
    marketo_guid: str | None = field(default=None, name="marketoGUID")
    lead_id: int | None = None
    seq: int | None = None
    status: str | None = None
    reasons: list[Reason] = []
    reason: Reason | list[Reason] | None = None
    errors: list[Reason] | None = None

    @property
    def why(self) -> list[Reason]:
        """The reasons, under whichever of its three names Marketo sent them."""
        single = self.reason if isinstance(self.reason, list) else [self.reason] if self.reason else []
        return [*self.reasons, *single, *(self.errors or [])]

    @property
    def failed(self) -> bool:
        """Whether the record was not taken."""
        return self.status == "skipped" or bool(self.why)
