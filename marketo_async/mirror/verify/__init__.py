"""Verification: whether the tables are right, to the row, and how the rows that are not become right. See `Verifier`."""

from __future__ import annotations

from marketo_async.mirror.verify.repair import Repair
from marketo_async.mirror.verify.report import Checked, Difference, VerifyReport
from marketo_async.mirror.verify.verifier import Verifier

__all__ = ["Checked", "Difference", "Repair", "Verifier", "VerifyReport"]
