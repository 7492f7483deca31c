"""The designed assets: emails, snippets, forms, landing pages, and the templates of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from marketo_async import Marketo
from marketo_async.models.assets import FolderId
from marketo_async.models.emails import HeaderField, ModulePosition, SectionLook
from marketo_async.models.form_fields import FieldPosition, FieldSettings, NewVisibilityRule, PicklistValue
from marketo_async.models.forms import FollowUp, KnownVisitor
from marketo_async.models.landing_pages import SectionLayout, SegmentChoice

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
FOLDER, PROGRAM = FolderId(15), FolderId(7, "Program")
HEADER = HeaderField(value="Hello")
LOOK = SectionLook(
    alt_text="a",
    external_url="u",
    height=1,
    image="i",
    link_url="l",
    over_write=True,
    style="s",
    video_url="v",
    width=2,
)
VISITOR = KnownVisitor(type="custom", template="<p>")
RULE = FollowUp(
    followup_type="url",
    followup_value="https://x.io",
    default=True,
    subject_field="Email",
    operator="is",
    values=["a"],
)
CHOICE = PicklistValue(label="A", value="a", is_default=True, selected=False)
SETTINGS = FieldSettings(
    label="l",
    field_type="select",
    required=True,
    default_value="a",
    hint_text="h",
    instructions="i",
    validation_message="v",
    values=[CHOICE],
    max_length=1,
    min_value=1.5,
    max_value=2.5,
    mask_input="m",
    multi_select=True,
    visible_lines=1,
    initially_checked=True,
    label_to_right=True,
    label_width=1,
    field_width=1,
    form_prefill=True,
    is_sensitive=False,
    blank_fields=1,
)
WHEN = NewVisibilityRule(
    subject_field="Email", operator="is", values=["a"], alt_label="l", pick_list_values=[PicklistValue(value="a")]
)
POSITION = FieldPosition(
    field_name="Set",
    column_number=0,
    row_number=1,
    field_list=[FieldPosition(field_name="Email", column_number=0, row_number=0)],
)
LAYOUT = SectionLayout(
    background_color="a",
    border_color="b",
    border_style="c",
    border_width="d",
    height="e",
    hide_desktop=True,
    hide_mobile=False,
    image_open_new_window="f",
    left="g",
    link_url="h",
    opacity="i",
    top="j",
    width="k",
    z_index="l",
)

CALLS: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "emails.get": lambda m: m.emails.get(7, status="draft"),
    "emails.by_name": lambda m: m.emails.by_name("a", status="draft", folder=PROGRAM),
    "emails.browse": lambda m: m.emails.browse(
        status="approved", folder=FOLDER, earliest_updated_at=SINCE, latest_updated_at=SINCE, token="200"
    ).first(),
    "emails.create": lambda m: m.emails.create(
        "a",
        FOLDER,
        24,
        description="d",
        subject="s",
        from_name="f",
        from_email="f@x.io",
        reply_email="r@x.io",
        operational=True,
        text_only=False,
        auto_copy_to_text=True,
        is_open_tracking_disabled=True,
    ),
    "emails.update": lambda m: m.emails.update(
        7,
        name="b",
        description="d",
        pre_header="p",
        operational=True,
        published=True,
        text_only=False,
        web_view=True,
        auto_copy_to_text=False,
    ),
    "emails.clone": lambda m: m.emails.clone(7, "b", PROGRAM, description="d", operational=True),
    "emails.approve": lambda m: m.emails.approve(7),
    "emails.unapprove": lambda m: m.emails.unapprove(7),
    "emails.discard_draft": lambda m: m.emails.discard_draft(7),
    "emails.delete": lambda m: m.emails.delete(7),
    "emails.send_sample": lambda m: m.emails.send_sample(7, "a@x.io", lead_id=1, text_only=True),
    "emails.cc_fields": lambda m: m.emails.cc_fields(),
    "emails.content": lambda m: m.emails.content(7, status="draft"),
    "emails.update_content": lambda m: m.emails.update_content(
        7, subject=HEADER, from_name=HEADER, from_email=HEADER, reply_to=HEADER, is_open_tracking_disabled=True
    ),
    "emails.update_section": lambda m: m.emails.update_section(
        7, "hero", "Text", "<h1>ü</h1>", text_value="t", look=LOOK
    ),
    "emails.dynamic_content": lambda m: m.emails.dynamic_content(7, "RVMtNDg=", status="draft"),
    "emails.update_dynamic_content": lambda m: m.emails.update_dynamic_content(
        7, "RVMtNDg=", "Default", "Text", "<p>", look=LOOK
    ),
    "emails.rearrange_modules": lambda m: m.emails.rearrange_modules(
        7, [ModulePosition(module_id="a", index=2), ModulePosition(module_id="b", index=1)]
    ),
    "emails.add_module": lambda m: m.emails.add_module(7, "hero", "n", 3),
    "emails.delete_module": lambda m: m.emails.delete_module(7, "hero"),
    "emails.duplicate_module": lambda m: m.emails.duplicate_module(7, "hero", "n"),
    "emails.rename_module": lambda m: m.emails.rename_module(7, "hero", "n"),
    "emails.variables": lambda m: m.emails.variables(7),
    "emails.update_variable": lambda m: m.emails.update_variable(7, "color", "#fff", module_id="hero"),
    "emails.full_content": lambda m: m.emails.full_content(7, status="draft", lead_id=1, type="Text"),
    "emails.update_full_content": lambda m: m.emails.update_full_content(7, "<html>ü</html>"),
    "email_templates.get": lambda m: m.email_templates.get(7, status="draft"),
    "email_templates.by_name": lambda m: m.email_templates.by_name("a", status="draft"),
    "email_templates.browse": lambda m: m.email_templates.browse(status="draft", token="200").first(),
    "email_templates.create": lambda m: m.email_templates.create("a", FOLDER, "<html>", description="d"),
    "email_templates.update": lambda m: m.email_templates.update(7, name="b", description="d"),
    "email_templates.content": lambda m: m.email_templates.content(7, status="draft"),
    "email_templates.update_content": lambda m: m.email_templates.update_content(7, b"<html>"),
    "email_templates.approve": lambda m: m.email_templates.approve(7),
    "email_templates.unapprove": lambda m: m.email_templates.unapprove(7),
    "email_templates.discard_draft": lambda m: m.email_templates.discard_draft(7),
    "email_templates.clone": lambda m: m.email_templates.clone(7, "b", FOLDER, description="d"),
    "email_templates.delete": lambda m: m.email_templates.delete(7),
    "email_templates.used_by": lambda m: m.email_templates.used_by(7, token="200").first(),
    "snippets.get": lambda m: m.snippets.get(7, status="draft"),
    "snippets.browse": lambda m: m.snippets.browse(status="draft", token="200").first(),
    "snippets.create": lambda m: m.snippets.create("a", FOLDER, description="d"),
    "snippets.update": lambda m: m.snippets.update(7, name="b", description="d", is_archive=True),
    "snippets.content": lambda m: m.snippets.content(7, status="draft"),
    "snippets.update_content": lambda m: m.snippets.update_content(7, "HTML", "<p>"),
    "snippets.dynamic_content": lambda m: m.snippets.dynamic_content(7, status="draft"),
    "snippets.update_dynamic_content": lambda m: m.snippets.update_dynamic_content(7, 1001, type="HTML", value="<p>"),
    "snippets.approve": lambda m: m.snippets.approve(7),
    "snippets.unapprove": lambda m: m.snippets.unapprove(7),
    "snippets.discard_draft": lambda m: m.snippets.discard_draft(7),
    "snippets.clone": lambda m: m.snippets.clone(7, "b", FOLDER, description="d"),
    "snippets.delete": lambda m: m.snippets.delete(7),
    "forms.get": lambda m: m.forms.get(7, status="draft"),
    "forms.by_name": lambda m: m.forms.by_name("a", status="draft", folder=FOLDER),
    "forms.browse": lambda m: m.forms.browse(status="draft", folder=PROGRAM, token="200").first(),
    "forms.create": lambda m: m.forms.create(
        "a",
        FOLDER,
        description="d",
        language="French",
        locale="fr_FR",
        theme="simple",
        font_family="Arial",
        font_size="13px",
        label_position="left",
        progressive_profiling=True,
        known_visitor=VISITOR,
    ),
    "forms.update": lambda m: m.forms.update(
        7,
        name="b",
        description="d",
        language="French",
        locale="fr_FR",
        theme="simple",
        custom_css="a {}",
        font_family="Arial",
        font_size="13px",
        label_position="left",
        progressive_profiling=True,
        known_visitor=VISITOR,
    ),
    "forms.update_submit_button": lambda m: m.forms.update_submit_button(
        7, label="l", waiting_label="w", button_position=120, button_style="s"
    ),
    "forms.thank_you_page": lambda m: m.forms.thank_you_page(7, status="draft"),
    "forms.update_thank_you_page": lambda m: m.forms.update_thank_you_page(7, [RULE]),
    "forms.used_by": lambda m: m.forms.used_by(7, token="200").first(),
    "forms.approve": lambda m: m.forms.approve(7),
    "forms.unapprove": lambda m: m.forms.unapprove(7),
    "forms.discard_draft": lambda m: m.forms.discard_draft(7),
    "forms.clone": lambda m: m.forms.clone(7, "b", FOLDER, description="d"),
    "forms.delete": lambda m: m.forms.delete(7),
    "form_fields.lead_fields": lambda m: m.form_fields.lead_fields(token="200").first(),
    "form_fields.program_member_fields": lambda m: m.form_fields.program_member_fields(token="200").first(),
    "form_fields.browse": lambda m: m.form_fields.browse(7, status="draft"),
    "form_fields.add": lambda m: m.form_fields.add(7, "Industry", settings=SETTINGS),
    "form_fields.update": lambda m: m.form_fields.update(7, "Industry", SETTINGS),
    "form_fields.delete": lambda m: m.form_fields.delete(7, "Industry"),
    "form_fields.update_visibility": lambda m: m.form_fields.update_visibility(7, "Industry", "show", [WHEN]),
    "form_fields.rearrange": lambda m: m.form_fields.rearrange(7, [POSITION]),
    "form_fields.add_rich_text": lambda m: m.form_fields.add_rich_text(7, "<p>ü</p>"),
    "form_fields.add_fieldset": lambda m: m.form_fields.add_fieldset(7, "l"),
    "form_fields.delete_from_fieldset": lambda m: m.form_fields.delete_from_fieldset(7, "Set", "Industry"),
    "landing_pages.get": lambda m: m.landing_pages.get(7, status="draft"),
    "landing_pages.by_name": lambda m: m.landing_pages.by_name("a", status="draft"),
    "landing_pages.browse": lambda m: m.landing_pages.browse(status="draft", folder=FOLDER, token="200").first(),
    "landing_pages.create": lambda m: m.landing_pages.create(
        "a",
        FOLDER,
        57,
        description="d",
        title="t",
        keywords="k",
        robots="r",
        custom_head_html="<meta>",
        facebook_og_tags="f",
        mobile_enabled=True,
        prefill_form=True,
        url_page_name="u",
        workspace="w",
    ),
    "landing_pages.update": lambda m: m.landing_pages.update(
        7,
        name="b",
        description="d",
        title="t",
        keywords="k",
        robots="r",
        custom_head_html="<meta>",
        facebook_og_tags="f",
        meta_tags_description="m",
        mobile_enabled=True,
        style_override="s",
        url_page_name="u",
    ),
    "landing_pages.clone": lambda m: m.landing_pages.clone(7, "b", FOLDER, description="d", template=57),
    "landing_pages.approve": lambda m: m.landing_pages.approve(7),
    "landing_pages.unapprove": lambda m: m.landing_pages.unapprove(7),
    "landing_pages.discard_draft": lambda m: m.landing_pages.discard_draft(7),
    "landing_pages.delete": lambda m: m.landing_pages.delete(7),
    "landing_pages.full_content": lambda m: m.landing_pages.full_content(
        7, lead_id=1, segments=[SegmentChoice(segmentation_id=1030, segment_id=1103)]
    ),
    "landing_pages.variables": lambda m: m.landing_pages.variables(7, status="draft"),
    "landing_pages.update_variable": lambda m: m.landing_pages.update_variable(7, "color", "#fff"),
    "landing_page_content.browse": lambda m: m.landing_page_content.browse(7, status="draft"),
    "landing_page_content.add": lambda m: m.landing_page_content.add(7, "hero", "HTML", value="<p>", layout=LAYOUT),
    "landing_page_content.update": lambda m: m.landing_page_content.update(
        7, "hero", "DynamicContent", value=1001, index=2, layout=LAYOUT
    ),
    "landing_page_content.delete": lambda m: m.landing_page_content.delete(7, 12),
    "landing_page_content.dynamic_content": lambda m: m.landing_page_content.dynamic_content(7, "RVMtNDg="),
    "landing_page_content.update_dynamic_content": lambda m: m.landing_page_content.update_dynamic_content(
        7, "RVMtNDg=", "Default", type="HTML", value="<p>", layout=LAYOUT
    ),
    "landing_page_templates.get": lambda m: m.landing_page_templates.get(7, status="draft"),
    "landing_page_templates.by_name": lambda m: m.landing_page_templates.by_name("a"),
    "landing_page_templates.browse": lambda m: m.landing_page_templates.browse(
        status="draft", folder=FOLDER, token="200"
    ).first(),
    "landing_page_templates.create": lambda m: m.landing_page_templates.create(
        "a", FOLDER, description="d", template_type="guided", enable_munchkin=True
    ),
    "landing_page_templates.update": lambda m: m.landing_page_templates.update(
        7, name="b", description="d", enable_munchkin=False
    ),
    "landing_page_templates.content": lambda m: m.landing_page_templates.content(7, status="draft"),
    "landing_page_templates.update_content": lambda m: m.landing_page_templates.update_content(7, "<html>"),
    "landing_page_templates.approve": lambda m: m.landing_page_templates.approve(7),
    "landing_page_templates.unapprove": lambda m: m.landing_page_templates.unapprove(7),
    "landing_page_templates.discard_draft": lambda m: m.landing_page_templates.discard_draft(7),
    "landing_page_templates.clone": lambda m: m.landing_page_templates.clone(7, "b", FOLDER, description="d"),
    "landing_page_templates.delete": lambda m: m.landing_page_templates.delete(7),
}

NEVER_SENT = {
    ("landing_pages.by_name", "query", "offset"): "a name has one page",
    ("landing_pages.by_name", "query", "maxReturn"): "a name has one page",
}
_DEFAULT = "the documentation: without it the instance's own"
_PLAIN = "the rule that is the default compares nothing"
NOT_REQUIRED = {
    ("emails.create", "subject"): _DEFAULT,
    ("emails.create", "fromName"): _DEFAULT,
    ("emails.create", "fromEmail"): _DEFAULT,
    ("emails.create", "replyEmail"): _DEFAULT,
    ("emails.update_content", "value"): "an empty header field",
    ("forms.update_thank_you_page", "followupValue"): _PLAIN,
    ("forms.update_thank_you_page", "operator"): _PLAIN,
    ("forms.update_thank_you_page", "subjectField"): _PLAIN,
    ("forms.update_thank_you_page", "values"): _PLAIN,
}
_FORM = "the documentation sends it in the form"
IN_FORM = {
    "emails.add_module": _FORM,
    "emails.duplicate_module": _FORM,
    "emails.rename_module": _FORM,
    "snippets.update_content": _FORM,
}
DOCUMENTED = {
    ("emails.create", "isOpenTrackingDisabled"): "in the documentation only",
    ("emails.update_content", "isOpenTrackingDisabled"): "in the documentation only",
    ("emails.update_dynamic_content", "segment"): "the documentation: whose variant it is",
    ("form_fields.add_rich_text", "multipart/form-data"): "the documentation sends a file",
}
OTHER_TYPES = {
    ("landing_pages.update_variable", "value"): "the documentation: any text, not a number",
    ("emails.update_content", "value"): "the id of a segmentation is a number",
    ("forms.update_thank_you_page", "followupValue"): "the id of a landing page is a number",
    ("Variant", "segmentId"): "text for emails, a number for snippets and pages: always read as a number",
}
BEYOND_THE_FILES = {
    "FolderReference": "the documentation has value and folderName where the files have id",
    "Email": "isOpenTrackingDisabled is in the documentation only",
    "Document": "one model for whole contents, whose status landing pages don't tell",
    "Variant": "one model for the variants of emails, snippets and pages",
    "DynamicContent": "the documentation has segments where the files have content",
    "VisibilityRules": "one model for the rules of a field and the answer to their change",
}
_ID = "what approving answers with differs by family: the id is read"
LEFT_OUT = {
    ("AssetId", member): _ID
    for member in (
        *("createdAt", "updatedAt", "description", "folder", "name", "status", "url", "workspace", "version"),
        *("URL", "computedUrl", "customHeadHTML", "facebookOgTags", "formPrefill", "keywords", "mobileEnabled"),
        *("robots", "template", "title", "templateType", "enableMunchkin", "buttonLabel", "buttonLocation"),
        *("fontFamily", "fontSize", "knownVisitor", "labelPosition", "language", "locale", "progressiveProfiling"),
        *("thankYouList", "theme", "waitingLabel"),
    )
}
