"""The families that assets are kept in: folders, tokens, files, programs, campaigns, lists, redirects."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

from marketo_async import Marketo
from marketo_async.models.assets import FolderId
from marketo_async.models.programs import NewCost, ProgramTag
from marketo_async.models.redirect_rules import RedirectFrom, RedirectTo
from marketo_async.operation import File

SINCE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
FOLDER, PROGRAM = FolderId(15), FolderId(7, "Program")
PICTURE = File(name="logo.png", content=b"\x89PNG\r\n", content_type="image/png")
TAGS = [ProgramTag("Region", "North")]
COSTS = [NewCost(start_date=date(2024, 1, 1), cost=200, note="ads")]
FROM, TO = RedirectFrom("path", "old"), RedirectTo("landingPageId", "5559")

CALLS: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "folders.get": lambda m: m.folders.get(PROGRAM),
    "folders.by_name": lambda m: m.folders.by_name("a", type="Folder", root=FOLDER, workspace="w"),
    "folders.browse": lambda m: m.folders.browse(root=FOLDER, max_depth=3, workspace="w", token="200").first(),
    "folders.content": lambda m: m.folders.content(FOLDER, token="200").first(),
    "folders.create": lambda m: m.folders.create("a", FOLDER, description="d"),
    "folders.update": lambda m: m.folders.update(FOLDER, name="b", description="d", is_archive=True),
    "folders.delete": lambda m: m.folders.delete(FOLDER),
    "tokens.browse": lambda m: m.tokens.browse(PROGRAM),
    "tokens.create": lambda m: m.tokens.create(PROGRAM, "score", "score", "10"),
    "tokens.delete": lambda m: m.tokens.delete(PROGRAM, "score", "score"),
    "files.get": lambda m: m.files.get(7),
    "files.by_name": lambda m: m.files.by_name("logo.png"),
    "files.browse": lambda m: m.files.browse(folder=FOLDER, token="200").first(),
    "files.create": lambda m: m.files.create(PICTURE, FOLDER, description="d", insert_only=True),
    "files.update_content": lambda m: m.files.update_content(7, PICTURE),
    "programs.get": lambda m: m.programs.get(7),
    "programs.by_name": lambda m: m.programs.by_name("a", include_tags=True, include_costs=True),
    "programs.by_tag": lambda m: m.programs.by_tag("Region", "North", token="200").first(),
    "programs.browse": lambda m: m.programs.browse(
        status="on",
        filter_type="folderId",
        filter_values=[15, 16],
        earliest_updated_at=SINCE,
        latest_updated_at=SINCE,
        token="200",
    ).first(),
    "programs.smart_list": lambda m: m.programs.smart_list(7, include_rules=True),
    "programs.create": lambda m: m.programs.create(
        "a", FOLDER, "Default", "Content", description="d", tags=TAGS, costs=COSTS
    ),
    "programs.update": lambda m: m.programs.update(
        7,
        name="b",
        description="d",
        tags=TAGS,
        costs=COSTS,
        costs_destructive_update=True,
        start_date=SINCE,
        end_date=SINCE,
    ),
    "programs.clone": lambda m: m.programs.clone(7, "b", FOLDER, description="d"),
    "programs.delete": lambda m: m.programs.delete(7),
    "programs.approve": lambda m: m.programs.approve(7),
    "programs.unapprove": lambda m: m.programs.unapprove(7),
    "programs.update_tag": lambda m: m.programs.update_tag(7, "Region", "North"),
    "programs.delete_tag": lambda m: m.programs.delete_tag(7, "Region"),
    "tags.by_name": lambda m: m.tags.by_name("Region"),
    "tags.browse": lambda m: m.tags.browse(token="200").first(),
    "channels.by_name": lambda m: m.channels.by_name("Content"),
    "channels.browse": lambda m: m.channels.browse(token="200").first(),
    "segmentations.browse": lambda m: m.segmentations.browse(status="approved"),
    "segmentations.segments": lambda m: m.segmentations.segments(7, status="draft", token="200").first(),
    "smart_campaigns.get": lambda m: m.smart_campaigns.get(7),
    "smart_campaigns.by_name": lambda m: m.smart_campaigns.by_name("a"),
    "smart_campaigns.browse": lambda m: m.smart_campaigns.browse(
        folder=PROGRAM, is_active=True, earliest_updated_at=SINCE, latest_updated_at=SINCE, token="200"
    ).first(),
    "smart_campaigns.smart_list": lambda m: m.smart_campaigns.smart_list(7, include_rules=True),
    "smart_campaigns.create": lambda m: m.smart_campaigns.create("a", PROGRAM, description="d"),
    "smart_campaigns.update": lambda m: m.smart_campaigns.update(7, name="b", description="d"),
    "smart_campaigns.clone": lambda m: m.smart_campaigns.clone(7, "b", PROGRAM, description="d"),
    "smart_campaigns.delete": lambda m: m.smart_campaigns.delete(7),
    "smart_campaigns.activate": lambda m: m.smart_campaigns.activate(7),
    "smart_campaigns.deactivate": lambda m: m.smart_campaigns.deactivate(7),
    "smart_lists.get": lambda m: m.smart_lists.get(7, include_rules=True),
    "smart_lists.by_name": lambda m: m.smart_lists.by_name("a"),
    "smart_lists.browse": lambda m: m.smart_lists.browse(
        folder=FOLDER, earliest_updated_at=SINCE, latest_updated_at=SINCE, token="200"
    ).first(),
    "smart_lists.clone": lambda m: m.smart_lists.clone(7, "b", FOLDER, description="d"),
    "smart_lists.delete": lambda m: m.smart_lists.delete(7),
    "static_lists.get": lambda m: m.static_lists.get(7),
    "static_lists.by_name": lambda m: m.static_lists.by_name("a"),
    "static_lists.browse": lambda m: m.static_lists.browse(
        folder=FOLDER, earliest_updated_at=SINCE, latest_updated_at=SINCE, token="200"
    ).first(),
    "static_lists.create": lambda m: m.static_lists.create("a", FOLDER, description="d"),
    "static_lists.update": lambda m: m.static_lists.update(7, name="b", description="d"),
    "static_lists.delete": lambda m: m.static_lists.delete(7),
    "redirect_rules.get": lambda m: m.redirect_rules.get(7),
    "redirect_rules.browse": lambda m: m.redirect_rules.browse(
        hostname="go.example.com",
        redirect_to_landing_page_id=7,
        redirect_to_path="/a",
        earliest_updated_at=SINCE,
        latest_updated_at=SINCE,
        token="200",
    ).first(),
    "redirect_rules.create": lambda m: m.redirect_rules.create("go.example.com", FROM, TO),
    "redirect_rules.update": lambda m: m.redirect_rules.update(
        7, hostname="go.example.com", redirect_from=FROM, redirect_to=TO
    ),
    "redirect_rules.delete": lambda m: m.redirect_rules.delete(7),
    "redirect_rules.domains": lambda m: m.redirect_rules.domains(token="200").first(),
}

NEVER_SENT = {
    ("channels.by_name", "query", "Name"): "the documentation: name",
    ("files.update_content", "body", "id"): "the id is in the path",
    ("redirect_rules.browse", "query", "redirectTolandingPageId"): "the documentation: redirectToLandingPageId",
}
NOT_REQUIRED = {
    ("channels.by_name", "Name"): "the documentation: name",
    ("files.update_content", "id"): "the id is in the path",
}
DOCUMENTED = {
    ("channels.by_name", "name"): "the file spells it Name",
    ("programs.browse", "status"): "the file has filters instead",
    ("programs.browse", "filterValues"): "the file speaks of it and leaves it out",
    ("redirect_rules.browse", "hostname"): "a filter that the file leaves out",
    ("redirect_rules.browse", "redirectToLandingPageId"): "the file spells it redirectTolandingPageId",
    ("smart_campaigns.update", "application/x-www-form-urlencoded"): "the file says JSON",
}
BEYOND_THE_FILES = {
    "FolderReference": "one model for the spellings of all families",
    "Program": "one model for browsing too, which tells no tags and costs; headStart is in the documentation's samples",
    "SmartList": "one model with and without rules",
    "TagType": "one model with and without values",
}
LEFT_OUT: dict[tuple[str, str], str] = {}
