"""Files: uploading, replacing and finding them. REST can't delete files."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import asset_description, asset_name, described, found
from marketo_async.sandbox.families.folder_arguments import folder_filter, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.files import File
from marketo_async.sandbox.records.folders import DESIGN_STUDIO, FOLDER
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _row(call: Call, file: File) -> Members:
    # Only here is the type of a folder reference an asset kind.
    return {
        **described(file),
        "size": len(file.content),
        "mimeType": file.mime_type,
        "url": f"https://sandbox.example/rs/{call.instance.munchkin_id}/images/{file.name}",
        "folder": {
            "id": file.folder[0],
            "type": "Image",
            "name": call.instance.folders.name(file.folder),
        },
    }


@routes.get("/rest/asset/v1/files.json", ASSET_READERS, optional=("folder", "offset", "maxReturn"))
def files(call: Call) -> Answer:
    """Answer the files of a folder, or of all folders."""
    folder = folder_filter(call)
    return offset_page(
        call,
        [_row(call, file) for file in call.instance.program_assets.files if folder is None or file.folder == folder],
    )


@routes.get("/rest/asset/v1/file/{id}.json", ASSET_READERS)
def file_by_id(call: Call) -> Answer:
    """Answer one file."""
    file = call.instance.program_assets.files.find(call.path_id("id"))
    return found([] if file is None else [_row(call, file)])


@routes.get("/rest/asset/v1/file/byName.json", ASSET_READERS, required=("name",))
def file_by_name(call: Call) -> Answer:
    """Answer the file of exactly this name."""
    name = call.text("name")
    return found([_row(call, file) for file in call.instance.program_assets.files if file.name == name])


@routes.post(
    "/rest/asset/v1/files.json",
    ASSET_WRITERS,
    body=("file", "folder", "name"),
    body_optional=("description", "insertOnly"),
)
def create_file(call: Call) -> Answer:
    """Upload a file; it overwrites a file of the same name unless the call forbids it."""
    upload, name = call.upload("file"), asset_name(call)
    folder = parent_folder(call, types=(FOLDER,), roots=(DESIGN_STUDIO,))
    if upload.filename != name:
        raise refused(f"Name '{name}' differs from that of the uploaded file")
    shelf, description = call.instance.program_assets.files, asset_description(call) or ""
    same = [file for file in shelf if file.name == name]
    if same and not call.body_flag("insertOnly"):
        shelf.describe(same[0], None, description or None)
        same[0].content, same[0].mime_type = upload.content, upload.content_type
        return Answer([_row(call, same[0])])
    file = shelf.add(
        name,
        folder.key,
        lambda new_id, now: File(new_id, name, folder.key, now, now, upload.content_type, upload.content, description),
    )
    return Answer([_row(call, file)])


@routes.post("/rest/asset/v1/file/{id}/content.json", ASSET_WRITERS, body=("file",), body_optional=("id",))
def replace_file(call: Call) -> Answer:
    """Replace the bytes of a file and keep its name."""
    shelf = call.instance.program_assets.files
    file, upload = shelf.get(call.path_id("id")), call.upload("file")
    shelf.describe(file, None, None)
    file.content, file.mime_type = upload.content, upload.content_type
    return Answer([_row(call, file)])
