"""The custom fields that a connection's configuration names, and how they are created.

Owns which fields are wanted and the Tooling API's ``CustomField``. Refuses to change a field that is there, and to
decide who may see it: see ``permission_set``. Invariant: each field is created by itself, so that one refusal leaves
the others alone, and creating twice creates once.

Why the Tooling API: it takes a field as JSON over the session that we have; the Metadata API would need SOAP and its
own SDK (zeep) for the same. https://developer.salesforce.com/docs/atlas.en-us.api_tooling.meta/api_tooling/
tooling_api_objects_customfield.htm
Custom fields of tasks belong to the object Activity, and show on events as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from connectors.base import Finding
from connectors.errors import AuthFailed, ConnectorError, RetryLater
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.mapping import is_instant
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import FieldShape, ObjectShape, Shapes
from connectors.setup import Grant, NewField, Provision

ACTIVITY: Final = "Activity"
KEY_LENGTH: Final = 80
TIMES: Final = frozenset({"datetime", "date"})
TEXTS: Final = frozenset({"string", "textarea", "picklist", "multipicklist", "combobox"})
EXISTS: Final = "DUPLICATE_DEVELOPER_NAME"
_LENGTHS: Final = {"sla_policy": 255, "tags": 255}
_STATE_LENGTH: Final = 40
_HELP: Final = "Kept by sla-sidecar; please do not edit."
_FORBIDDEN: Final = frozenset({"INSUFFICIENT_ACCESS_OR_READONLY", "NOT_FOUND", "INVALID_TYPE"})
"""An object of the setup that this user may not see does not exist for it."""
RIGHTS: Final = (
    'give this login "Customize Application", "Manage Profiles and Permission Sets", "Assign Permission Sets" and '
    '"View Setup and Configuration" for as long as this takes, or let an administrator deploy the package: --package'
)


def wanted(settings: SalesforceSettings) -> list[NewField]:
    """All fields of ours that the configuration names, whether they are there or not."""
    found: dict[tuple[str, str], NewField] = {}
    for name in settings.objects:
        kind: Any = names.KINDS[name]
        for logical, path in settings.write.get(kind, {}).items():
            found.setdefault((name, path), _field(name, path, logical, f"write.{kind}.{logical}"))
        if kind in settings.tags:
            path = settings.tags[kind]
            found.setdefault((name, path), _field(name, path, "tags", f"tags.{kind}"))
    key = NewField(
        object=ACTIVITY, name=settings.task_key, label=_label(settings.task_key), type="text", length=KEY_LENGTH,
        unique=True, purpose="task_key", help=_HELP,
    )  # fmt: skip
    return [*found.values(), key]


def _field(name: str, path: str, logical: str, purpose: str) -> NewField:
    common: dict[str, Any] = {"object": name, "name": path, "label": _label(path), "purpose": purpose, "help": _HELP}
    if is_instant(logical):
        return NewField(type="datetime", **common)
    return NewField(type="text", length=text_length(logical), **common)


def text_length(logical: str) -> int:
    """How many characters a text field of ours needs."""
    return _LENGTHS.get(logical, _STATE_LENGTH)


def _label(path: str) -> str:
    return path.removesuffix("__c").replace("_", " ")


def metadata(field: NewField) -> dict[str, Any]:
    """The field as the Metadata API's CustomField says it; the Tooling API takes the same."""
    made: dict[str, Any] = {"label": field.label, "type": "DateTime" if field.type == "datetime" else "Text"}
    if field.type == "text":
        made["length"] = field.length
    if field.unique:
        made |= {"unique": True, "externalId": True, "caseSensitive": True}
    return made | {"required": False, "inlineHelpText": field.help, "description": field.help}


def described(field: NewField) -> str:
    """The object whose describe shows the field."""
    return names.TASK if field.object == ACTIVITY else field.object


class Fields:
    """The wanted fields of one org."""

    def __init__(self, api: Api, shapes: Shapes, settings: SalesforceSettings) -> None:
        self._api = api
        self._shapes = shapes
        self._settings = settings

    def missing(self) -> Provision:
        """What describe does not show, what it shows as read-only, and what has another type than it needs. A field
        that is hidden from us looks like one that is not there."""
        self._shapes.forget()
        lacking = Provision([], [], [])
        for name in self._settings.objects:
            shape = self._shapes.get(name)
            if shape is not None and not shape.updateable:
                lacking.grants.append(Grant(object=name))
        for field in wanted(self._settings):
            shape = self._shapes.get(described(field))
            found = shape.field(field.name) if shape is not None else None
            if shape is None:
                lacking.findings.append(_no_object(field))
            elif found is not None:
                self._judge(field, found, shape, lacking)
            elif _is_ours_to_make(field.name):
                lacking.fields.append(field)
            else:
                lacking.findings.append(_not_ours(field))
        return lacking

    def _judge(self, field: NewField, found: FieldShape, shape: ObjectShape, lacking: Provision) -> None:
        fits = TIMES if field.type == "datetime" else TEXTS
        if found.type not in fits:
            lacking.findings.append(_other_type(field, found))
        elif shape.updateable and not (found.createable if field.object == ACTIVITY else found.updateable):
            lacking.grants.append(Grant(object=described(field), field=field.name))
        elif field.unique and not found.unique:
            message = f"{field.object}.{field.name} is there and not unique: each task costs a look-up"
            lacking.findings.append(Finding("warn", field.purpose, message, "make it unique, or name another field"))

    def create(self, fields: list[NewField]) -> Iterator[tuple[NewField, Finding]]:
        """Creates each field; a field that is there already is fine."""
        for field in fields:
            yield field, self._create(field)

    def _create(self, field: NewField) -> Finding:
        subject = f"{field.object}.{field.name}"
        body = {"FullName": subject, "Metadata": metadata(field)}
        try:
            self._api.send("POST", names.CUSTOM_FIELD, msgspec.json.encode(body))
        except ConnectorError as error:
            if error.code == EXISTS:
                return Finding("ok", subject, "was there already, hidden from this user")
            return refused(subject, error)
        return Finding("ok", subject, "created")


def refused(subject: str, error: ConnectorError) -> Finding:
    """What a refusal to create something says, with the way out."""
    forbidden = isinstance(error, AuthFailed) or error.code in _FORBIDDEN
    fix = RIGHTS if forbidden else error.fix
    return Finding("fail", subject, error.reason, fix, unreachable=isinstance(error, RetryLater))


def _is_ours_to_make(name: str) -> bool:
    """``SLA_Due__c``, and neither a standard field nor one of a package (``ns__Due__c``)."""
    return name.endswith("__c") and "__" not in name.removesuffix("__c")


def _no_object(field: NewField) -> Finding:
    fix = f"give the integration user Read and Edit on {field.object}: Setup > Permission Sets"
    return Finding("fail", field.purpose, f"{field.object} is not there or not readable", fix)


def _not_ours(field: NewField) -> Finding:
    fix = f'name a custom field of your own, such as "SLA_{field.label.replace(" ", "_")}__c"'
    return Finding("fail", field.purpose, f"{field.object} has no field {field.name}, and it cannot be made", fix)


def _other_type(field: NewField, found: FieldShape) -> Finding:
    needed = "Date/Time" if field.type == "datetime" else "text"
    message = f"{field.object}.{field.name} is there and holds {found.type}, but {needed} is needed; it is left alone"
    return Finding("fail", field.purpose, message, "name another field in the configuration")
