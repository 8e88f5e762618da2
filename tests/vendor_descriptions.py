"""The vendors' own machine-readable descriptions of their APIs, and what of a request or an answer stands against them.

The descriptions are no part of the project: where the folder is missing, the tests that ask them are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

import pytest
import yaml
from outside_material import SPECS

HUBSPOT = SPECS / "hubspot"
SALESFORCE = SPECS / "salesforce"
needs_descriptions = pytest.mark.skipif(
    not HUBSPOT.is_dir(), reason=f"no API descriptions in {SPECS} (SLA_SIDECAR_SPECS)"
)

TICKETS, LEADS, TASKS = (
    "hubspot.crm.obj.tickets.json",
    "hubspot.crm.obj.leads.json",
    "hubspot.crm.engagements.tasks.json",
)
OWNERS, PIPELINES = "hubspot.crm.owners.json", "hubspot.crm.pipelines.json"
PROPERTIES, ASSOCIATIONS = "hubspot.crm.properties.json", "hubspot.crm.associations.yaml"
NEWER = {"url", "objectWriteTraceId", "status", "errorType", "policyName"}
"""What later versions of the API and the error guide have beyond these descriptions."""


@cache
def described(file: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((HUBSPOT / file).read_text())
    return document


def problems(file: str, schema: dict[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """What is wrong with a value: types, required and unknown keys, enums, instants."""
    if reference := schema.get("$ref"):
        schema = described(file)["components"]["schemas"][reference.rpartition("/")[2]]
    if value is None:
        if not schema.get("nullable"):
            yield f"{at} is null"
        return
    match schema.get("type"):
        case "object" if schema.get("properties") == {} and "additionalProperties" not in schema:
            pass  # the description's way of saying "anything"
        case "object" if not isinstance(value, dict):
            yield f"{at} is no object"
        case "object":
            yield from _object_problems(file, schema, value, at)
        case "array":
            if not isinstance(value, list):
                yield f"{at} is no list"
                return
            for number, one in enumerate(value):
                yield from problems(file, schema["items"], one, f"{at}[{number}]")
        case "string":
            if not isinstance(value, str):
                yield f"{at} is no string: {value!r}"
            elif schema.get("format") in ("datetime", "date-time"):
                datetime.fromisoformat(value)
            elif "enum" in schema and value not in schema["enum"]:
                yield f"{at} is not one of {schema['enum']}: {value!r}"
        case "integer":
            if not isinstance(value, int) or isinstance(value, bool):
                yield f"{at} is no integer: {value!r}"
        case "boolean":
            if not isinstance(value, bool):
                yield f"{at} is no boolean: {value!r}"


def _object_problems(file: str, schema: dict[str, Any], value: dict[str, Any], at: str) -> Iterator[str]:
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    yield from (f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value)
    for name, one in value.items():
        if name in known:
            yield from problems(file, known[name], one, f"{at}.{name}")
        elif rest is not None:
            yield from problems(file, rest, one, f"{at}.{name}")
        elif name not in NEWER:
            yield f"{at}.{name} is unknown"


def operation_of(file: str, method: str, path: str) -> dict[str, Any]:
    """The description of a call: of the first path that fits. Raises AssertionError for one that is not described."""
    document = described(file)
    base = re.sub("^https://[^/]+", "", document["servers"][0]["url"])
    assert path.startswith(base), f"{path} is not under {base}"
    rest = path.removeprefix(base) or "/"
    for template in sorted(document["paths"], key=lambda one: one.count("{")):
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        operation: dict[str, Any] | None = document["paths"][template].get(method.lower())
        if operation and re.fullmatch(pattern.rstrip("/") + "/?", rest):
            return operation
    raise AssertionError(f"no operation {method} {rest} in {file}")


def schema_of(file: str, method: str, path: str, status: int) -> dict[str, Any] | None:
    """The schema of an answer. None for an answer without a body."""
    response = operation_of(file, method, path)["responses"].get(str(status))
    if response is None:
        return {"$ref": "#/components/schemas/Error"}
    content = response.get("content")
    return next(iter(content.values()))["schema"] if content else None


def body_of(file: str, method: str, path: str) -> dict[str, Any] | None:
    """The schema of a request's body. None where it has none."""
    content = operation_of(file, method, path).get("requestBody", {}).get("content")
    return next(iter(content.values()))["schema"] if content else None
