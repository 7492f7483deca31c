"""Files: images and documents, with the bytes that were uploaded."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(slots=True)
class File:
    """One file; only its folder has another shape in answers."""

    id: int
    name: str
    folder: tuple[int, str]
    created_at: float
    updated_at: float
    mime_type: str
    content: bytes
    description: str = ""

    def copied(self, id: int, folder: tuple[int, str], now: float) -> File:
        """Return a copy with another id and place."""
        return replace(self, id=id, folder=folder, created_at=now, updated_at=now)


def seeded_files(now: float) -> dict[int, File]:
    """Return two files by id."""
    pixel = bytes.fromhex("47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b")
    return {
        7001: File(7001, "logo.gif", (8, "Folder"), now, now, "image/gif", pixel),
        7002: File(7002, "terms.txt", (8, "Folder"), now, now, "text/plain", b"Be kind.", "Terms of use"),
    }
