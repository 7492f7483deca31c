"""Errors that operations raise: of the whole answer, and of one record. Their layout is the envelope's business."""

from __future__ import annotations

# The starred codes of the error table: such calls use up neither the window nor the quota.
UNCOUNTED_CODES = frozenset({"601", "602", "604", "605", "608", "611"})


class ApiError(Exception):
    """An error of the whole answer, by Marketo's code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class RecordError(Exception):
    """An error of one record, which is skipped while the others go through."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def reasons(self) -> list[dict[str, object]]:
        """The error as the ``reasons`` of a skipped record."""
        return [{"code": self.code, "message": self.message}]
