"""The versions of landing pages and their templates, with sections and variables.

Pages of a guided template have its sections; pages of a free-form template have the sections that were added.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.dynamic_content import DynamicContent, varied
from marketo_async.sandbox.records.markup import Markup, filled
from marketo_async.sandbox.records.segmentations import Segmentation

GUIDED, FREE_FORM = "guided", "freeForm"
SECTION_TYPES = frozenset(
    ("DynamicContent", "Form", "HTML", "Image", "Rectangle", "RichText", "Snippet", "SocialButton", "Video")
)

Embedded = Callable[[str, int], str]
"""Returns the HTML of an embedded asset, by its type and id."""


@dataclass(slots=True)
class LandingPageTemplate:
    """A version of a landing page template."""

    type: str
    enable_munchkin: bool
    content: str = ""


@dataclass(frozen=True, slots=True)
class PageContent:
    """The content of a section or of a variant; ``settings`` are its place and look."""

    type: str
    value: str
    settings: Members = field(default_factory=dict)


@dataclass(slots=True)
class PageSection:
    """One section of a page."""

    id: str
    content: PageContent


@dataclass(slots=True)
class PageVariable:
    """A variable of a guided page."""

    id: str
    type: str
    value: str


@dataclass(slots=True)
class LandingPage:
    """A version of a landing page; ``settings`` are the members of the page that requests set."""

    template_id: int
    guided: bool
    settings: Members
    sections: list[PageSection] = field(default_factory=list)
    variables: list[PageVariable] = field(default_factory=list)
    dynamic: dict[str, DynamicContent[PageContent]] = field(default_factory=dict)

    @classmethod
    def begun(cls, template_id: int, template: LandingPageTemplate, settings: Members) -> LandingPage:
        """Return a new page of a template."""
        page = cls(template_id, template.type == GUIDED, settings)
        if page.guided:
            markup = Markup.read(template.content)
            page.sections = [
                PageSection(
                    found.id,
                    PageContent("RichText" if found.kind == "Text" else found.kind, template.content[found.inner]),
                )
                for found in markup.sections
            ]
            page.variables = [PageVariable(found.id, found.type, found.default) for found in markup.variables]
        return page

    def section(self, section_id: str) -> PageSection:
        """Return a section, or raise 702."""
        found = next((section for section in self.sections if section.id == section_id), None)
        if found is None:
            raise ApiError("702", f"Section not found: {section_id}")
        return found

    def free_id(self) -> str:
        """Return a new id for a section without one."""
        taken = [int(section.id) for section in self.sections if section.id.isdecimal()]
        return str(max(taken, default=1_500) + 1)

    def add(self, section_id: str, content: PageContent) -> None:
        """Add a section to a free-form page, or raise 709."""
        self._check_free_form()
        if any(section.id == section_id for section in self.sections):
            raise refused(f"The page has a section '{section_id}' already")
        self.sections.append(PageSection(section_id, content))

    def remove(self, section_id: str) -> None:
        """Remove a section from a free-form page, or raise 702 or 709."""
        section = self.section(section_id)
        self._check_free_form()
        self.sections.remove(section)

    def move(self, section_id: str, index: int) -> None:
        """Move a section to another index."""
        section = self.section(section_id)
        self.sections.remove(section)
        self.sections.insert(max(index, 0), section)

    def vary(self, section: PageSection, segmentation: Segmentation) -> None:
        """Make a section dynamic, with its current content as the variant of every segment."""
        content_id = b64encode(f"LS-{len(self.dynamic) + 1}".encode()).decode()
        self.dynamic[content_id] = varied(content_id, segmentation, section.content)
        section.content = PageContent("DynamicContent", content_id, section.content.settings)

    def variation(self, content_id: str) -> DynamicContent[PageContent]:
        """Return dynamic content by its id, or raise 704."""
        if content_id not in self.dynamic:
            raise ApiError("704", f"Invalid dynamic content id '{content_id}'")
        return self.dynamic[content_id]

    def variable(self, variable_id: str) -> PageVariable:
        """Return a variable of a guided page, or raise 702."""
        found = next((variable for variable in self.variables if variable.id == variable_id), None)
        if found is None:
            raise ApiError("702", f"Variable not found: {variable_id}")
        return found

    def contents(self) -> list[PageContent]:
        """Return all contents of the page, including variants."""
        return [
            *(section.content for section in self.sections),
            *(content for dynamic in self.dynamic.values() for content in dynamic.variants.values()),
        ]

    def html(self, template: str, embedded: Embedded, segments: Mapping[int, int]) -> str:
        """Return the document for people in these segments, by segmentation id."""
        shown = {section.id: self._shown(section.content, embedded, segments) for section in self.sections}
        if self.guided:
            return filled(template, shown, {variable.id: variable.value for variable in self.variables})
        body = "".join(f'<div id="{escape(section_id)}">{html}</div>' for section_id, html in shown.items())
        before, end, after = template.rpartition("</body>")
        return f"{before}{body}{end}{after}" if end else template + body

    def _shown(self, content: PageContent, embedded: Embedded, segments: Mapping[int, int]) -> str:
        if content.type == "DynamicContent":
            dynamic = self.variation(content.value)
            segment_id = segments.get(dynamic.segmentation.id, dynamic.segment(None).id)
            return self._shown(dynamic.variants.get(segment_id, dynamic.default), embedded, segments)
        # The template's markup stays until the section gets an embedded asset.
        if content.type in ("Form", "Snippet") and content.value.isdecimal():
            return embedded(content.type, int(content.value))
        return content.value

    def _check_free_form(self) -> None:
        if self.guided:
            raise refused("The sections of a guided page are those of its template")
