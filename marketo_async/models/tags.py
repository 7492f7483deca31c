"""Tag types. See ``programs`` for the tags of a program."""

from __future__ import annotations

from msgspec import Struct


class TagType(Struct, frozen=True, kw_only=True, rename="camel"):
    """A tag that programs can have; only ``tags.by_name`` returns ``allowable_values``.

    Marketo writes lists as text in brackets; `program_types` and `values` return their members.
    """

    tag_type: str
    applicable_program_types: str | None = None
    required: bool | None = None
    allowable_values: str | None = None

    @property
    def program_types(self) -> list[str]:
        """The types of program that can have the tag."""
        return _listed(self.applicable_program_types)

    @property
    def values(self) -> list[str]:
        """The allowed values; a value that contains a comma can't be distinguished from two values."""
        return _listed(self.allowable_values)


def _listed(text: str | None) -> list[str]:
    """Read ``[one, two]``, which is not JSON."""
    members = (text or "").strip().removeprefix("[").removesuffix("]").split(",")
    return [member.strip() for member in members if member.strip()]
