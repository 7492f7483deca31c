"""The body of an email: the sections, modules and variables of its template, as edited."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.dynamic_content import DynamicContent, varied
from marketo_async.sandbox.records.markup import Markup, filled
from marketo_async.sandbox.records.segmentations import Segmentation

Settings = Mapping[str, object]
"""The look of a section apart from its content, such as ``altText`` and ``width``."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a section or of a variant: markup, the id of a snippet, or the id of dynamic content."""

    type: str
    value: str
    text: str | None = None
    settings: Settings = field(default_factory=dict)


@dataclass(slots=True)
class Section:
    """An editable section."""

    html_id: str
    content: Content
    module_id: str | None = None


@dataclass(slots=True)
class Module:
    """A module, with its markup from the template."""

    html_id: str
    name: str
    markup: str


@dataclass(slots=True)
class Value:
    """The value of a variable, for one module if it is module-scoped."""

    name: str
    value: str
    module_id: str | None = None


@dataclass(slots=True)
class EmailBody:
    """The body of one version of an email."""

    before: str
    after: str
    library: dict[str, str]
    """The modules of the template that can be inserted."""
    modules: list[Module] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)
    variables: list[Value] = field(default_factory=list)
    scoped: dict[str, str] = field(default_factory=dict)
    """The defaults of the module-scoped variables."""
    dynamic: dict[str, DynamicContent[Content]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> EmailBody:
        """Return the body that a document describes."""
        markup = Markup.read(text)
        modules = markup.modules
        before, after = (text[: modules[0].outer.start], text[modules[-1].outer.stop :]) if modules else (text, "")
        body = cls(before, after, {module.id: text[module.outer] for module in modules})
        body.variables = [Value(found.id, found.default) for found in markup.variables if not found.in_modules]
        body.scoped = {found.id: found.default for found in markup.variables if found.in_modules}
        for section in markup.sections:
            if section.parent is None:
                body.sections[section.id] = Section(section.id, Content(section.kind, text[section.inner]))
        for module in modules:
            body._insert(Module(module.id, module.name, text[module.outer]), len(body.modules))
        return body

    def section(self, html_id: str) -> Section:
        """Return a section, or raise 702."""
        if html_id not in self.sections:
            raise ApiError("702", f"Section not found: {html_id}")
        return self.sections[html_id]

    def module(self, html_id: str) -> Module:
        """Return a module, or raise 702."""
        found = next((module for module in self.modules if module.html_id == html_id), None)
        if found is None:
            raise ApiError("702", f"Module not found: {html_id}")
        return found

    def within(self, module_id: str | None) -> list[Section]:
        """Return the sections of a module, or those outside all modules."""
        return [section for section in self.sections.values() if section.module_id == module_id]

    def vary(self, segmentation: Segmentation, content: Content) -> str:
        """Create dynamic content with the same content for all segments, and return its id."""
        content_id = b64encode(f"ES-{len(self.dynamic) + 1}".encode()).decode()
        self.dynamic[content_id] = varied(content_id, segmentation, content)
        return content_id

    def variation(self, content_id: str) -> DynamicContent[Content]:
        """Return dynamic content by its id, or raise 704."""
        if content_id not in self.dynamic:
            raise ApiError("704", f"Invalid dynamic content id '{content_id}'")
        return self.dynamic[content_id]

    def contents(self) -> list[Content]:
        """Return all contents of the email, including variants."""
        return [
            *(section.content for section in self.sections.values()),
            *(content for dynamic in self.dynamic.values() for content in dynamic.variants.values()),
        ]

    def add_module(self, module_id: str, name: str | None, index: int) -> None:
        """Insert a module of the template; an index beyond the end appends it."""
        markup = self.library.get(module_id)
        if markup is None:
            raise ApiError("702", f"Module not found: {module_id}")
        html_id, markup, _ = self._fresh(module_id, markup)
        self._insert(Module(html_id, name or html_id, markup), index)

    def duplicate_module(self, module_id: str, name: str | None) -> None:
        """Copy a module with its edits, directly below itself."""
        original = self.module(module_id)
        html_id, markup, renamed = self._fresh(module_id, original.markup)
        self._insert(Module(html_id, name or html_id, markup), self.modules.index(original) + 1)
        for old, new in renamed.items():
            if old in self.sections:
                self.sections[new].content = deepcopy(self.sections[old].content)
        values = {value.name: value.value for value in self.variables if value.module_id == module_id}
        for value in self.variables:
            if value.module_id == html_id:
                value.value = values[value.name]

    def delete_module(self, module_id: str) -> None:
        """Remove a module with its sections and variables."""
        self.modules.remove(self.module(module_id))
        for section in self.within(module_id):
            del self.sections[section.html_id]
        self.variables = [value for value in self.variables if value.module_id != module_id]

    def rename_module(self, module_id: str, name: str) -> None:
        """Rename a module."""
        self.module(module_id).name = name

    def rearrange(self, positions: Iterable[tuple[int, str]]) -> None:
        """Order the modules by their positions, which must name every module once."""
        wanted = sorted(positions)
        if sorted(html_id for _, html_id in wanted) != sorted(module.html_id for module in self.modules):
            raise refused("The positions must name every module of the email once")
        self.modules = [self.module(html_id) for _, html_id in wanted]

    def variable(self, name: str, module_id: str | None) -> Value:
        """Return a variable, of one module if it is module-scoped, or raise 702."""
        for value in self.variables:
            if (value.name, value.module_id) == (name, module_id):
                return value
        raise ApiError("702", f"Variable not found: {name}")

    def html(self, snippet: Callable[[int], str]) -> str:
        """Return the document for people in no segment."""
        values = {
            section.html_id: self._shown(section.content, snippet)
            for section in self.sections.values()
            if section.content.type not in ("Image", "Video")
        }
        common = {value.name: value.value for value in self.variables if value.module_id is None}

        def module_html(module: Module) -> str:
            own = {value.name: value.value for value in self.variables if value.module_id == module.html_id}
            return filled(module.markup, values, {**common, **own})

        return "".join(
            (
                filled(self.before, values, common),
                *(module_html(module) for module in self.modules),
                filled(self.after, values, common),
            )
        )

    def _shown(self, content: Content, snippet: Callable[[int], str]) -> str:
        if content.type == "DynamicContent":
            return self._shown(self.variation(content.value).default, snippet)
        # A snippet section shows the template's markup until it gets a snippet.
        if content.type == "Snippet" and content.value.isdecimal():
            return snippet(int(content.value))
        return content.value

    def _insert(self, module: Module, index: int) -> None:
        self.modules.insert(max(index, 0), module)
        for section in Markup.read(module.markup).sections:
            content = Content(section.kind, module.markup[section.inner])
            self.sections[section.id] = Section(section.id, content, module.html_id)
        self.variables += [Value(name, default, module.html_id) for name, default in self.scoped.items()]

    def _fresh(self, module_id: str, markup: str) -> tuple[str, str, dict[str, str]]:
        taken = {module.html_id for module in self.modules} | set(self.sections)
        read = Markup.read(markup)
        ids = [module_id, *(section.id for section in read.sections)]
        number = 1
        while True:
            suffix = "" if number == 1 else f"-{number}"
            renamed = {old: old + suffix for old in ids}
            if not taken & set(renamed.values()):
                break
            number += 1
        own = "|".join(re.escape(old) for old in ids)
        text = re.sub(rf'(\sid=["\'])({own})(?=["\'])', lambda match: match[1] + renamed[match[2]], markup)
        return renamed[module_id], text, renamed
