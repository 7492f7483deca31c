"""Official response models, where they lie beside the repository: does an answer have only what its model has?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

DESCRIPTIONS = Path(__file__).resolve().parents[3] / "shared" / "marketo-openapi"

# What the documentation shows in envelopes although the description has it nowhere, or only in failures.
ENVELOPE = {"errors", "warnings"}

# Members that recorded answers or the pages of the documentation have and the descriptions lack, by model.
RECORDED = {
    "EmailResponse": {"isOpenTrackingDisabled"},
    "BrowseAllPrograms": {"headStart"},
    "ProgramResponse": {"headStart"},
    "SegmentsResponse": {"status"},
    "StaticList": {"workspaceId"},
    "LandingPageDynamicContentResponse": {"segments"},
    "ObjectMetaData": {"name"},
    "ObjectField": {"description"},
    "ResponseOfRole": {"hidden", "onlyAllZones"},
    "ResponseOfInvitedUser": {"userId"},
}

# Members whose type on the pages is another one than in the descriptions.
OTHER_TYPES: dict[str, type] = {"subscriptionId": int}


def check_answer(answer: object, description: str, model: str) -> None:
    """Check an answer against a model; without the descriptions there is nothing to check it against."""
    path = DESCRIPTIONS / f"swagger-{description}.json"
    if not path.exists():
        return
    definitions = msgspec.json.decode(path.read_bytes())["definitions"]
    _check(answer, {"$ref": f"#/definitions/{model}"}, definitions, ENVELOPE)


def _check(value: object, schema: dict[str, Any], definitions: dict[str, Any], beyond: set[str]) -> None:
    if "$ref" in schema:
        model = schema["$ref"].rsplit("/", 1)[-1]
        _check(value, definitions[model], definitions, beyond | RECORDED.get(model, set()))
    elif isinstance(value, list):
        for item in value:
            _check(item, schema.get("items", schema), definitions, beyond)
    elif isinstance(value, dict):
        properties = _properties(schema, definitions)
        if properties:
            assert not set(value) - set(properties) - beyond, set(value) - set(properties)
        spelled_otherwise = {"isHidden", "isOnlyAllZones", "userid"} if beyond & {"hidden", "userId"} else set()
        assert set(schema.get("required", [])) <= set(value) | spelled_otherwise
        for name, item in value.items():
            if type(item) is not OTHER_TYPES.get(name):
                _check(item, properties.get(name, {}), definitions, set())
    elif value is not None and "type" in schema:
        types = {"string": str, "boolean": bool, "integer": int}
        assert type(value) is types[schema["type"]], (value, schema)


def _properties(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _properties(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    properties = dict(schema.get("properties", {}))
    for part in schema.get("allOf", []):
        properties.update(_properties(part, definitions))
    return properties
