"""Verification: finds the rows of a mirror that are not as Marketo has them, and repairs them. See `Verifier`."""

from __future__ import annotations

from marketo_async.mirror.verify.repair import Repair
from marketo_async.mirror.verify.report import Difference, VerifiedPart, VerifyReport
from marketo_async.mirror.verify.verifier import Verifier

__all__ = ["Difference", "Repair", "VerifiedPart", "Verifier", "VerifyReport"]
