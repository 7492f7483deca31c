"""The versions of emails, email templates and snippets."""

from __future__ import annotations

from dataclasses import dataclass, field

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.dynamic_content import DynamicContent, varied
from marketo_async.sandbox.records.email_body import EmailBody
from marketo_async.sandbox.records.segmentations import Segmentation

LONGEST_PRE_HEADER = 1_024
HEADERS = ("subject", "fromName", "fromEmail", "replyEmail")


@dataclass(slots=True)
class EmailTemplate:
    """A version of an email template."""

    content: str


@dataclass(frozen=True, slots=True)
class HeaderField:
    """The subject or the sender: text, or the id of dynamic content."""

    type: str
    value: str


@dataclass(slots=True)
class Email:
    """A version of an email; ``template_id`` is ``None`` after it was detached from its template."""

    template_id: int | None
    body: EmailBody
    headers: dict[str, HeaderField]
    operational: bool = False
    text_only: bool = False
    web_view: bool = False
    published: bool = False
    auto_copy_to_text: bool = True
    pre_header: str = ""
    predictive: bool = False
    """Whether it has predictive content, which only the user interface can add."""

    def set_pre_header(self, text: str) -> None:
        """Set the preheader, or raise 701 if it is too long."""
        if len(text) > LONGEST_PRE_HEADER:
            raise ApiError("701", f"The preheader is longer than {LONGEST_PRE_HEADER} characters")
        self.pre_header = text

    def check_content(self) -> None:
        """Raise 709 if the email has predictive content, because REST can't edit its sections."""
        if self.predictive:
            raise refused("Emails with predictive content are not supported")

    def check(self) -> None:
        """Raise 709 if a member that approval requires is missing."""
        self.check_content()
        for name in HEADERS:
            if not self.headers[name].value:
                raise refused(f"An email cannot be approved without its {name}")


@dataclass(slots=True)
class Snippet:
    """A version of a snippet: HTML and text, both by segment if dynamic."""

    contents: dict[str, str] = field(default_factory=lambda: {"HTML": "", "Text": ""})
    dynamic: DynamicContent[dict[str, str]] | None = None

    def set(self, type: str, content: str) -> None:
        """Set the HTML or the text for all people."""
        self.dynamic = None
        self.contents[type] = content

    def vary(self, segmentation: Segmentation) -> None:
        """Make the content dynamic; all segments start with the current content."""
        self.dynamic = varied(str(segmentation.id), segmentation, self.contents)

    def set_variant(self, segment_id: int, type: str, content: str) -> None:
        """Set the HTML or the text of one segment."""
        if self.dynamic is None:
            raise refused("The snippet has no dynamic content")
        if segment_id not in self.dynamic.variants:
            raise ApiError("704", f"Invalid dynamic content: there is no segment '{segment_id}'")
        self.dynamic.variants[segment_id] = {**self.dynamic.variants[segment_id], type: content}

    @property
    def html(self) -> str:
        """The HTML for people in no segment."""
        return (self.contents if self.dynamic is None else self.dynamic.default)["HTML"]
