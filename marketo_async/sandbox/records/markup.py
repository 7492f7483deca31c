"""Reads editable sections, modules and variables from documents, and fills documents with content.

The ``mkto...`` classes of a template mark what an email or a guided landing page may change.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

SECTION_KINDS: Mapping[str, str] = {
    "mktEditable": "Text",
    "mktoText": "Text",
    "mktoImg": "Image",
    "mktoVideo": "Video",
    "mktoSnippet": "Snippet",
    "mktoForm": "Form",
}
VARIABLE_TYPES: Mapping[str, str] = {
    "mktoString": "string",
    "mktoBoolean": "boolean",
    "mktoColor": "color",
    "mktoNumber": "number",
    "mktoList": "list",
    "mktoHTML": "html",
    "mktoImg": "image",
}
_MODULE = "mktoModule"
_VOID = frozenset(("area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
_TAG = re.compile(r"<[^>]*>")


@dataclass(slots=True)
class Element:
    """A section or a module of a document; ``inner`` is the span of its content, ``outer`` includes its tags."""

    id: str
    name: str
    kind: str
    parent: str | None
    outer: slice
    inner: slice


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that a document declares."""

    id: str
    type: str
    default: str
    in_modules: bool = False


@dataclass(slots=True)
class Markup:
    """The sections, modules and variables of one document."""

    text: str
    sections: list[Element] = field(default_factory=list)
    modules: list[Element] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    malformed: bool = False
    """Whether a tag is never closed, or closed without being opened."""
    tags: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Markup:
        """Read a document."""
        reader = _Reader(cls(text))
        reader.feed(text)
        reader.close()
        return reader.finished()


class _Reader(HTMLParser):
    def __init__(self, markup: Markup) -> None:
        super().__init__()
        self._markup = markup
        self._open: list[tuple[str, Element | None]] = []
        self._tags: set[str] = set()
        self._lines = [0]
        for line in markup.text.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tags.add(tag)
        element = self._element(tag, {name: value or "" for name, value in attrs})
        if tag not in _VOID:
            self._open.append((tag, element))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in (opened for opened, _ in self._open):
            self._markup.malformed = True
            return
        begin = self._position()
        end = self._markup.text.find(">", begin) + 1
        while True:
            opened, element = self._open.pop()
            if element is not None:
                element.inner = slice(element.inner.start, max(begin, element.inner.start))
                element.outer = slice(element.outer.start, end)
            if opened == tag:
                return
            self._markup.malformed = True

    def finished(self) -> Markup:
        self._markup.malformed |= bool(self._open)
        self._markup.tags = frozenset(self._tags)
        return self._markup

    def _position(self) -> int:
        line, offset = self.getpos()
        return self._lines[line - 1] + offset

    def _element(self, tag: str, attributes: Mapping[str, str]) -> Element | None:
        classes = attributes.get("class", "").split()
        html_id = attributes.get("id")
        if not html_id:
            return None
        if tag == "meta":
            for name in classes:
                if name in VARIABLE_TYPES:
                    scope = attributes.get("mktomodulescope", "").lower() == "true"
                    default = attributes.get("default", attributes.get("content", ""))
                    self._markup.variables.append(Variable(html_id, VARIABLE_TYPES[name], default, scope))
            return None
        kind = next((SECTION_KINDS[name] for name in classes if name in SECTION_KINDS), None)
        if kind is None and _MODULE not in classes:
            return None
        begin = self._position()
        inside = begin + len(self.get_starttag_text() or "")
        module = next((opened for _, opened in reversed(self._open) if opened and opened.kind == "Module"), None)
        element = Element(
            html_id,
            attributes.get("mktoname", html_id),
            kind or "Module",
            module.id if module else None,
            slice(begin, inside),
            slice(inside, inside),
        )
        (self._markup.modules if kind is None else self._markup.sections).append(element)
        return element


def filled(text: str, values: Mapping[str, str], variables: Mapping[str, str]) -> str:
    """Return a document with its sections and variables filled in; parts without a value stay unchanged."""
    markup = Markup.read(text)
    for section in sorted(markup.sections, key=lambda element: element.inner.start, reverse=True):
        if section.id in values:
            text = text[: section.inner.start] + values[section.id] + text[section.inner.stop :]
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def plain_text(text: str) -> str:
    """Return the text of a document without its markup."""
    return " ".join(unescape(_TAG.sub(" ", text)).split())
