"""Errors that operations raise, for a whole answer or for one record. See ``envelope`` for their layout.

Marketo's page: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
"""

from __future__ import annotations

# The starred codes of the error table: such calls do not count against the window or the quota.
UNCOUNTED_CODES = frozenset({"601", "602", "604", "605", "608", "611"})


class ApiError(Exception):
    """An error for the whole answer, with Marketo's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RecordError(Exception):
    """An error for one record, which is skipped; the other records are written."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def reasons(self) -> list[dict[str, object]]:
        """The error as the ``reasons`` of a skipped record."""
        return [{"code": self.code, "message": self.message}]
