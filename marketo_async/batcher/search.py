"""A binary search, over the records at the front of a queue, for the record that makes its call fail.

Marketo may refuse a whole call because of one of its records, without naming the record. The batcher then halves the
call until one record is left that fails alone: about log2(n) calls. It sends the front part first, which keeps the
order of the writes. Only errors of calls that were certainly not executed start a search, so nothing is written twice.

A record that fails alone is not always at fault: after a list was deleted, every record fails alone. The search finds a
record guilty only if a call of other records has succeeded since the previous find. Without such evidence the next
records are sent alone, too, until one succeeds. If none succeeds, the fault is general, and searches pause for a while.

See ``batcher`` for the sending, and for the fate of the record that was found.
"""

from __future__ import annotations

from enum import Enum
from math import inf

from marketo_async.batcher.queue import Entry
from marketo_async.codes import CODES, Action, lookup
from marketo_async.errors import (
    AccessDenied,
    ApiError,
    AuthenticationError,
    BadResponse,
    Busy,
    ConfigurationError,
    InvalidRequest,
    NotEnabled,
    NotFound,
    QuotaExceeded,
    StoreUnavailable,
    TransportError,
)

_PROBES = 10  # records sent alone before a fault counts as general
_REST = 3600.0  # seconds until another search after that

# Errors about the caller, the instance or the target of a call: no record can cause them.
_GENERAL = (AccessDenied, Busy, NotEnabled, NotFound, QuotaExceeded)


class Incomplete(InvalidRequest):
    """The results of a batch do not cover each record, so it is unknown which of them were written."""


def not_executed(error: Exception) -> bool:
    """Return whether ``error`` proves that Marketo did not execute the call, so that a retry repeats nothing."""
    if isinstance(error, ApiError):
        return error.code in CODES and not lookup(error.code, error.message).acted
    if isinstance(error, TransportError):
        return not error.sent and not isinstance(error, BadResponse)
    certain = InvalidRequest | ConfigurationError | AuthenticationError | StoreUnavailable
    return isinstance(error, certain) and not isinstance(error, Incomplete)


def may_be_a_record(error: Exception, *, repeats: bool) -> bool:
    """Return whether one record of a call may cause ``error``, and the others may be sent again without it."""
    if isinstance(error, InvalidRequest):
        return not isinstance(error, Incomplete)
    if not isinstance(error, ApiError) or isinstance(error, _GENERAL):
        return False
    action = lookup(error.code, error.message).action
    return action in {Action.RAISE, Action.FEW} and (repeats or not_executed(error))


def _lasts(error: Exception) -> bool:
    return not isinstance(error, ApiError) or lookup(error.code, error.message).action is Action.RAISE


class Finding(Enum):
    """What a failure says about the records at the front of the queue."""

    NARROWED = "the record at fault is among fewer now"
    FOUND = "it is the one that failed alone"
    GENERAL = "no record is known to be at fault"


class FaultSearch:
    """The state of a search; ``suspects`` have failed alone, are first in the queue, and wait for evidence."""

    def __init__(self) -> None:
        self.suspects: list[tuple[Entry, Exception]] = []
        self._among = 0  # how many records after the suspects may be at fault; 0 without a search
        self._due = 0  # the number of records left of the batch whose failure began the search
        self._evidence = False
        self._rests_until = -inf

    @property
    def running(self) -> bool:
        """Whether to send the next records at once: to find the one at fault, or because their batch was due."""
        return self._due > 0

    def size(self, most: int) -> int:
        """Return how many records to send next, after the suspects."""
        return max(1, self._among // 2) if self._among else self._due or most

    def succeeded(self, count: int) -> list[tuple[Entry, Exception]]:
        """Note that ``count`` records of a call were written, and return the suspects, which are guilty now."""
        guilty, self.suspects = self.suspects, []
        self._evidence = not guilty
        self._among = max(0, self._among - count)
        self._due = max(0, self._due - count - len(guilty))
        self._rests_until = -inf
        return guilty

    def failed(self, left: list[Entry], error: Exception, *, now: float, waiting: int) -> Finding:
        """Note that the call of the records ``left`` failed, of ``waiting`` in all; ``now`` is the loop's time."""
        if now < self._rests_until:
            return self.end()
        if len(left) > 1:
            self._among, self._due = len(left), self._due or len(left)
            return Finding.NARROWED
        self.suspects.append((left[0], error))
        self._among = 1
        if self._evidence and _lasts(error):
            self._evidence, self._among, self._due = False, 0, max(0, self._due - 1)
            return Finding.FOUND
        if len(self.suspects) > _PROBES:
            self._rests_until = now + _REST
        elif waiting > len(self.suspects):
            return Finding.NARROWED
        return self.end()

    def end(self) -> Finding:
        """End the search without a finding."""
        self.suspects, self._among, self._due, self._evidence = [], 0, 0, False
        return Finding.GENERAL
