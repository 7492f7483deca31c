"""Which record makes its call fail: a binary search over the records at the front of a queue.

Marketo may refuse a whole call because of one of its records, without saying which. The call is then halved, front part
first, so that the order of what is written is kept, until one record is left that fails alone: about log2(n) calls.
Nothing is sent twice by this, because only errors of calls that were certainly not executed start a search.

A record that fails alone need not be at fault: after a list was deleted, every record fails alone. It is found guilty
only if a call of other records has succeeded since the last one was found. Without such evidence the next records are
sent alone, too, until one succeeds. If none of them does, the fault is a general one, and the search rests for a while.

Not here: sending, and what becomes of a record that was found (``batcher``).
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

_PROBES = 10  # records sent alone before a fault is taken for a general one
_REST = 3600.0  # seconds until another search after that

# Errors about the caller, the instance or what a call is addressed to: no record of it can cause them.
_GENERAL = (AccessDenied, Busy, NotEnabled, NotFound, QuotaExceeded)


class Incomplete(InvalidRequest):
    """What was returned for a batch does not tell of each record, so which of them were written is unknown."""


def not_executed(error: Exception) -> bool:
    """Say whether *error* proves that Marketo did nothing of the call, so that sending it again doubles nothing."""
    if isinstance(error, ApiError):
        return error.code in CODES and not lookup(error.code, error.message).acted
    if isinstance(error, TransportError):
        return not error.sent and not isinstance(error, BadResponse)
    certain = InvalidRequest | ConfigurationError | AuthenticationError | StoreUnavailable
    return isinstance(error, certain) and not isinstance(error, Incomplete)


def may_be_a_record(error: Exception, *, repeats: bool) -> bool:
    """Say whether one record of a call may cause *error*, and the others may be sent again without it."""
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
    """Where a search stands; ``suspects`` have failed alone, are first in the queue, and wait for evidence."""

    def __init__(self) -> None:
        self.suspects: list[tuple[Entry, Exception]] = []
        self._among = 0  # the record at fault is one of so many after the suspects; 0 where nothing is searched
        self._due = 0  # so many are left of the batch whose failure began this
        self._evidence = False
        self._rests_until = -inf

    @property
    def running(self) -> bool:
        """Whether the next records are to be sent at once: to find the one at fault, or because their batch was due."""
        return self._due > 0

    def size(self, most: int) -> int:
        """Return how many records to send next, after the suspects."""
        return max(1, self._among // 2) if self._among else self._due or most

    def succeeded(self, count: int) -> list[tuple[Entry, Exception]]:
        """Take note that *count* records of a call were written, and return the suspects, which are guilty now."""
        guilty, self.suspects = self.suspects, []
        self._evidence = not guilty
        self._among = max(0, self._among - count)
        self._due = max(0, self._due - count - len(guilty))
        self._rests_until = -inf
        return guilty

    def failed(self, left: list[Entry], error: Exception, *, now: float, waiting: int) -> Finding:
        """Take note that the call of the records *left* failed, of *waiting* in all; *now* is the loop's time."""
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
