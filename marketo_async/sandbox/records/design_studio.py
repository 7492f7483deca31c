"""All designed assets of an instance, and which of them use others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from marketo_async.sandbox.records.drafts import Drafts, Use
from marketo_async.sandbox.records.email_body import Content
from marketo_async.sandbox.records.emails import Email, EmailTemplate, Snippet
from marketo_async.sandbox.records.folders import Folders, Shelf
from marketo_async.sandbox.records.form_fields import form_field_id
from marketo_async.sandbox.records.forms import Form
from marketo_async.sandbox.records.landing_pages import LandingPage, LandingPageTemplate, PageContent
from marketo_async.sandbox.records.lead_fields import Fields
from marketo_async.sandbox.records.programs import SubmittableForm

EMAIL, LANDING_PAGE, SNIPPET, FORM = "Email", "Landing Page", "Snippet", "Landing Page Form"


@dataclass(frozen=True, slots=True)
class Sample:
    """A test mail that was sent."""

    email_id: int
    address: str
    lead_id: int | None
    text_only: bool
    sent_at: float


class DesignStudio:
    """The designed assets, in one store per kind; each store knows the uses of its assets."""

    def __init__(self, folders: Folders, now: Callable[[], float]) -> None:
        self.email_templates: Drafts[EmailTemplate] = Drafts("Email Template", 301, folders, now)
        self.emails: Drafts[Email] = Drafts(EMAIL, 700, folders, now)
        self.snippets: Drafts[Snippet] = Drafts(SNIPPET, 401, folders, now)
        self.forms: Drafts[Form] = Drafts(FORM, 3001, folders, now)
        self.landing_page_templates: Drafts[LandingPageTemplate] = Drafts("Landing Page Template", 351, folders, now)
        self.landing_pages: Drafts[LandingPage] = Drafts(LANDING_PAGE, 501, folders, now)
        self.samples: list[Sample] = []
        self.archived_snippets: set[int] = set()
        self.flow_steps: dict[int, list[Use]] = {}
        """The smart campaigns that send an email, by its id."""
        self.email_templates.users = self._users_of_email_template
        self.emails.users = lambda email_id: self.flow_steps.get(email_id, [])
        self.snippets.users = self._users_of_snippet
        self.forms.users = self._users_of_form
        self.landing_page_templates.users = self._users_of_landing_page_template
        self.landing_pages.users = self._users_of_landing_page
        shelves: tuple[Shelf, ...] = (
            self.email_templates,
            self.emails,
            self.snippets,
            self.forms,
            self.landing_page_templates,
            self.landing_pages,
        )
        for shelf in shelves:
            folders.join(shelf)

    def embedded(self, type: str, asset_id: int) -> str:
        """Return the HTML of a snippet or form within another asset, empty if it was deleted."""
        if type == "Form":
            return f'<form id="mktoForm_{asset_id}"></form>'
        return self.snippet_html(asset_id)

    def snippet_html(self, snippet_id: int) -> str:
        """Return the HTML of a snippet, empty if it was deleted."""
        snippet = self.snippets.find(snippet_id)
        return "" if snippet is None else snippet.version.html

    def _users_of_email_template(self, template_id: int) -> list[Use]:
        return [
            Use.by(EMAIL, email)
            for email in self.emails
            if any(version.template_id == template_id for version in email.versions)
        ]

    def _users_of_landing_page_template(self, template_id: int) -> list[Use]:
        return [
            Use.by(LANDING_PAGE, page)
            for page in self.landing_pages
            if any(version.template_id == template_id for version in page.versions)
        ]

    def _users_of_landing_page(self, page_id: int) -> list[Use]:
        return [
            Use.by(FORM, form)
            for form in self.forms
            if any(
                rule["followupType"] == "lp" and str(rule["followupValue"]) == str(page_id)
                for version in form.versions
                for rule in version.follow_ups
            )
        ]

    def _users_of_form(self, form_id: int) -> list[Use]:
        return self._pages_with("Form", form_id)

    def _users_of_snippet(self, snippet_id: int) -> list[Use]:
        emails = [
            Use.by(EMAIL, email)
            for email in self.emails
            if any(
                _holds(content, SNIPPET, snippet_id)
                for version in email.versions
                for content in version.body.contents()
            )
        ]
        return emails + self._pages_with("Snippet", snippet_id)

    def _pages_with(self, type: str, asset_id: int) -> list[Use]:
        return [
            Use.by(LANDING_PAGE, page)
            for page in self.landing_pages
            if any(_holds(content, type, asset_id) for version in page.versions for content in version.contents())
        ]


def _holds(content: Content | PageContent, type: str, asset_id: int) -> bool:
    return content.type == type and content.value == str(asset_id)


class SubmittableForms(Mapping[int, SubmittableForm]):
    """The approved forms, as their visitors see them."""

    def __init__(self, forms: Drafts[Form], lead_fields: Fields) -> None:
        self._forms = forms
        self._lead_fields = lead_fields

    def __iter__(self) -> Iterator[int]:
        return (form.id for form in self._forms if form.approved is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, form_id: int) -> SubmittableForm:
        form = self._forms.find(form_id)
        if form is None or form.approved is None:
            raise KeyError(form_id)
        names = {form_field_id(field): field.name for field in self._lead_fields}
        return SubmittableForm(
            form.id,
            form.name,
            frozenset(names[field_id] for field_id in form.approved.fields if field_id in names),
            self._forms.folders.program(form.folder) or 0,
        )
