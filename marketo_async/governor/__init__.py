"""The rate governor: one Marketo instance's limits, enforced in one place.

`window` and `quota` are the two rules with their proofs, `share` the neighbours' part, `ledger` the sum of them
(all without I/O or clock), `governor` the async gate that calls wait at.
"""

from marketo_async.governor.governor import CallRecord, Governor, Permit, Snapshot
from marketo_async.governor.limits import Limits, Priority

__all__ = ["CallRecord", "Governor", "Limits", "Permit", "Priority", "Snapshot"]
