"""The same fields and permissions as files, for an administrator who deploys them.

Owns the Metadata API's file format. Refuses to call anything. Invariant: the same configuration gives the same bytes.
https://developer.salesforce.com/docs/platform/api-metadata/references/meta-types/metadata-customfield.html
https://developer.salesforce.com/docs/platform/api-metadata/references/meta-types/metadata-permissionset.html
Deployed by ``sf project deploy start --metadata-dir FILE.zip`` or in Workbench.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any, Final
from xml.sax.saxutils import escape

from connectors.salesforce.permission_set import (
    DESCRIPTION,
    GRANTED,
    LABEL,
    NAME,
    field_permissions,
    system_permissions,
)
from connectors.salesforce.provisioning import metadata, wanted
from connectors.salesforce.settings import SalesforceSettings
from connectors.setup import NewField

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_SPACE: Final = "http://soap.sforce.com/2006/04/metadata"


def files(settings: SalesforceSettings) -> dict[str, bytes]:
    """Path in the package -> content. Fields that belong to packages or to the standard are left out."""
    fields = sorted(
        (field for field in wanted(settings) if field.name.endswith("__c")), key=lambda one: (one.object, one.name)
    )
    made = {"package.xml": _manifest(fields, settings.api_version)}
    for name, some in groupby(fields, lambda one: one.object):
        inner = "".join(_element("fields", {"fullName": one.name, **metadata(one)}) for one in some)
        made[f"objects/{name}.object"] = _document("CustomObject", inner)
    made[f"permissionsets/{NAME}.permissionset"] = _document("PermissionSet", _permissions(settings))
    return made


def _manifest(fields: Iterable[NewField], version: str) -> bytes:
    members = "".join(_element("members", f"{one.object}.{one.name}") for one in fields)
    kinds = f"<types>{members}<name>CustomField</name></types>"
    kinds += f"<types><members>{NAME}</members><name>PermissionSet</name></types>"
    return _document("Package", f"{kinds}<version>{version}</version>")


def _permissions(settings: SalesforceSettings) -> str:
    parts = [_element("description", DESCRIPTION)]
    parts += [
        _element("fieldPermissions", {"editable": written, "field": f"{name}.{field}", "readable": True})
        for (name, field), written in sorted(field_permissions(settings).items())
    ]
    parts += [_element("hasActivationRequired", False), _element("label", LABEL)]
    flags = {"allowCreate": "Create", "allowDelete": "Delete", "allowEdit": "Edit", "allowRead": "Read",
             "modifyAllRecords": "ModifyAllRecords"}  # fmt: skip
    for name in sorted(settings.objects):
        granted: dict[str, Any] = {key: flag in GRANTED for key, flag in flags.items()}
        parts.append(_element("objectPermissions", granted | {"object": name, "viewAllRecords": True}))
    parts += [
        _element("userPermissions", {"enabled": True, "name": name}) for name in sorted(system_permissions(settings))
    ]
    return "".join(parts)


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = "".join(_element(key, one) for key, one in value.items())
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def _document(kind: str, inner: str) -> bytes:
    return f'{_HEAD}\n<{kind} xmlns="{_SPACE}">{inner}</{kind}>\n'.encode()
