"""The audit of agents' calls: JSON lines that say who did what, where, and by which rule, each chained to the last.

`records` is one record and what it shows of a call, `sentences` the plain sentence of it, `chain` the format of lines
and its check (pure), `log` the files, and `query` reads them. ``guard`` writes an intent before each call and an
outcome after it: what can't be recorded is not sent.
"""

from marketo_async.mcp.audit.chain import Verification, verify
from marketo_async.mcp.audit.log import AuditLog
from marketo_async.mcp.audit.records import AuditRecord, Masker

__all__ = ["AuditLog", "AuditRecord", "Masker", "Verification", "verify"]
