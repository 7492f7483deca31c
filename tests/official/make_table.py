"""Write operations.json beside this script: what Marketo's OpenAPI files say of every operation, as bare facts.

Names, places, types and what is required; a name that must be given ends in ``!``. No sentence of the originals is
kept. Run ``python tests/official/make_table.py`` when the originals beside the repository have changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ORIGINALS = Path(__file__).resolve().parents[3] / "shared" / "marketo-openapi"
TABLE = Path(__file__).with_name("operations.json")
FILES = ("asset", "data-ingestion", "identity", "mapi", "user")

Json = dict[str, Any]


def table() -> str:
    """Return the table as text: one operation a line, so that a difference shows which."""
    operations = [
        operation(name, document, path, method, described)
        for name in FILES
        for document in [json.loads((ORIGINALS / f"swagger-{name}.json").read_bytes())]
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]
    operations.sort(key=lambda found: (found["path"], found["method"]))
    return "[\n" + ",\n".join(json.dumps(found, separators=(",", ":")) for found in operations) + "\n]\n"


def operation(spec: str, document: Json, path: str, method: str, described: Json) -> Json:
    """Return the facts of one operation."""
    found: Json = {"method": method.upper(), "path": path, "spec": spec, "tag": described["tags"][0]}
    consumes = list(described.get("consumes", ()))
    for parameter in described.get("parameters", ()):
        if parameter["in"] == "body":
            body = shape(document, parameter["schema"])
            plain = isinstance(body, str) and "application/x-www-form-urlencoded" in consumes
            found["body" + mark(parameter)] = {parameter["name"]: body} if plain else body
        else:
            place = found.setdefault("parameters", {}).setdefault(parameter["in"], {})
            place[parameter["name"] + mark(parameter)] = shape(document, parameter.get("schema", parameter))
    if content := described.get("requestBody", {}).get("content"):
        ((kind, body),) = content.items()
        consumes.append(kind)
        found["body" + mark(described["requestBody"])] = shape(document, body["schema"])
    return {**found, "consumes": consumes}


def mark(described: Json) -> str:
    """Return what the name of a required member ends in."""
    return "!" if described.get("required") else ""


def shape(document: Json, schema: Json, above: tuple[str, ...] = ()) -> Any:
    """Return a schema as a type's name, a list of one shape, or the shapes of its members by name."""
    if reference := schema.get("$ref"):
        if reference in above:
            return "object"
        return shape(document, resolve(document, reference), (*above, reference))
    if "allOf" in schema:
        parts = [shape(document, part, above) for part in schema["allOf"]]
        return {name: kind for part in parts if isinstance(part, Mapping) for name, kind in part.items()}
    if "items" in schema:
        return [shape(document, schema["items"], above)]
    if properties := schema.get("properties"):
        required = schema.get("required", ())
        return {
            name + ("!" if name in required else ""): shape(document, member, above)
            for name, member in sorted(properties.items())
        }
    return schema.get("type", "object")


def resolve(document: Json, reference: str) -> Json:
    """Return the definition that a reference names."""
    found: Json = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


if __name__ == "__main__":
    TABLE.write_text(table())
