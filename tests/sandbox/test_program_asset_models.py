"""Answers on programs, folders, lists and campaigns against their official models."""

import msgspec
import pytest

from .api import Connect
from .models import DESCRIPTIONS, check_answer

# Members that the models require and that answers are seen to do without.
UNSEEN = {"staticLists": {"url"}}

MODELS = {
    "folder/15.json?type=Folder": "ResponseOfFolderResponse",
    "folder/byName.json?name=Spring Webinar": "ResponseOfFolderResponse",
    "folder/15/content.json?type=Folder": "ResponseOfFolderContentResponse",
    "files.json": "ResponseOfFileResponse",
    "programs.json": "ResponseOfBrowseAllPrograms",
    "program/2001.json": "ResponseOfProgramResponse",
    "program/2003.json": "ResponseOfProgramResponse",
    "channels.json": "ResponseOfChannelResponse",
    "tagTypes.json": "ResponseOfTagResponseGetAll",
    "tagType/byName.json?name=Region": "ResponseOfTagResponse",
    "segmentation.json": "ResponseOfSegmentationResponse",
    "segmentation/1001/segments.json": "ResponseOfSegmentsResponse",
    "smartCampaigns.json": "ResponseOfSmartCampaignResponse",
    "smartLists.json": "ResponseOfSmartListResponse",
    "smartList/6001.json?includeRules=true": "ResponseOfSmartListResponseWithRules",
    "smartCampaign/4003/smartList.json?includeRules=true": "ResponseOfSmartListResponseWithRules",
    "staticLists.json": "ResponseOfStaticListResponse",
    "redirectRules.json": "ResponseOfLandingPageRedirectRules",
    "landingPageDomains.json": "ResponseOfLandingPageDomains",
    "folder/2001/tokens.json?folderType=Program": "ResponseOfTokenResponse",
}


@pytest.mark.parametrize("path", MODELS)
async def test_answers_fit_their_models(connect: Connect, path: str) -> None:
    if not DESCRIPTIONS.exists():
        pytest.skip(f"the official models are not at {DESCRIPTIONS}")
    api = await connect(leads=5, activities=5)

    answer = await api.get(f"/rest/asset/v1/{path}")

    assert answer["result"]
    for row in answer["result"]:
        # What most references to folders are documented to look like is in none of the models.
        if set(row.get("folder", ())) == {"type", "value", "folderName"}:
            reference = row["folder"]
            row["folder"] = {"type": reference["type"], "id": reference["value"]}
            if "tokens" in row:
                row["folder"] = msgspec.json.encode(row["folder"]).decode()
        row.update(dict.fromkeys(UNSEEN.get(path.partition(".")[0], ())))
    check_answer(answer, "asset", MODELS[path])
