"""Errors as tools answer them: what kind, what happened, and one sentence about what helps. Pure.

A message never names the switch that would allow what was denied: an agent asks its owner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from marketo_async.errors import (
    AccessDenied,
    ApiError,
    AuditUnavailable,
    AuthenticationError,
    Busy,
    CallTimeout,
    CapReached,
    ConfigurationError,
    Conflict,
    Denied,
    InvalidData,
    InvalidRequest,
    MarketoError,
    NeedsConfirmation,
    NotEnabled,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RequestTooLarge,
    Throttled,
    TransportError,
    Unavailable,
)

ErrorKind = Literal[
    "denied",
    "needs_person",
    "invalid",
    "not_found",
    "conflict",
    "marketo_permission",
    "quota",
    "busy",
    "too_large",
    "unknown_outcome",
    "unavailable",
    "internal",
]


class ToolError(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One error of a tool."""

    kind: ErrorKind
    message: str
    next: str
    operation: str | None = None
    code: str | None = None
    request_id: str | None = None
    resets_at: datetime | None = None
    index: int | None = None
    plan: str | None = None


# By class, the first that fits; the most special ones stand first.
_KINDS: tuple[tuple[type[MarketoError], ErrorKind, str], ...] = (
    (NeedsConfirmation, "needs_person", "Call marketo_write, which asks a person."),
    (CapReached, "quota", "Ask for fewer, or ask the owner of this agent."),
    (Denied, "denied", "Ask the owner of this agent."),
    (AuditUnavailable, "unavailable", "Nothing was sent: tell the owner of this server."),
    (OutcomeUnknown, "unknown_outcome", "The call may have been made: look before you repeat it."),
    (RequestTooLarge, "too_large", "Send fewer or shorter values."),
    (InvalidRequest, "invalid", "Correct the arguments; marketo_describe shows what the operation takes."),
    (AccessDenied, "marketo_permission", "The API user lacks a permission in Marketo: ask the owner of this server."),
    (QuotaExceeded, "quota", "Wait until the quota resets, or ask the owner of this server."),
    (Throttled, "busy", "Other integrations use up the limits; try again in a minute."),
    (Busy, "busy", "Another job is under way; try again later."),
    (NotFound, "not_found", "Check the id; marketo_find names the operations that list them."),
    (Conflict, "conflict", "Read the object first: it exists, is in use, or is in another state."),
    (NotEnabled, "unavailable", "The instance does not have this feature."),
    (InvalidData, "invalid", "Correct the value that Marketo names."),
    (Unavailable, "unavailable", "Try again later."),
    (ApiError, "unavailable", "Read the code in Marketo's documentation."),
    (CallTimeout, "busy", "Nothing was sent in time; try again later."),
    (TransportError, "unavailable", "Try again later."),
    (AuthenticationError, "unavailable", "Marketo refuses the credentials of this server: ask its owner."),
    (ConfigurationError, "unavailable", "This server is not set up for the call: ask its owner."),
    (MarketoError, "unavailable", "Try again later."),
)


def tool_error(error: MarketoError, operation: str | None = None) -> ToolError:
    """Return an error of the client as a tool answers it."""
    _, kind, help_ = next((row for row in _KINDS if isinstance(error, row[0])), _KINDS[-1])
    own = getattr(error, "operation", None)
    return ToolError(
        kind=kind,
        message=str(error),
        next=help_,
        operation=operation or (own if isinstance(own, str) else None),
        code=error.code if isinstance(error, ApiError) else None,
        request_id=error.request_id if isinstance(error, ApiError) else None,
        resets_at=error.resets_at if isinstance(error, QuotaExceeded) else None,
        index=error.index,
    )
