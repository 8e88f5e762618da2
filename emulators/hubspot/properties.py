"""Property definitions and groups of every object type, and the validation of written values against them.

Owns what a property is and who may write it. Refuses pipelines and owners: their values are checked where they live.
Invariant: a value that passed ``Schema.check`` is kept in the form that ``values.parse`` gives.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from emulators.hubspot import catalogue
from emulators.hubspot.errors import HubSpotError, Issue, bad_input, not_found
from emulators.hubspot.kinds import KINDS
from emulators.hubspot.values import as_text, iso, parse

TYPES: Final = frozenset({"bool", "date", "datetime", "enumeration", "number", "phone_number", "string"})
FIELD_TYPES: Final = {
    "bool": ("booleancheckbox",),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "number": ("number", "calculation_equation"),
    "phone_number": ("phonenumber", "text"),
    "string": ("text", "textarea", "html", "file", "phonenumber"),
}
"""Which widgets a type may have; the first is the built-in properties' own."""

UNIQUE_PROPERTIES_MAX: Final = 10
"""developers.hubspot.com, properties guide: up to ten unique identifier properties per object."""


@dataclass(slots=True)
class Property:
    name: str
    label: str
    type: str
    field_type: str
    group: str
    description: str = ""
    options: list[dict[str, Any]] = field(default_factory=list)
    read_only: bool = False
    calculated: bool = False
    unique: bool = False
    hidden: bool = False
    form_field: bool = False
    display_order: int = -1
    built_in: bool = True
    external: bool = False
    archived: bool = False
    created_ms: int = 0
    updated_ms: int = 0

    def body(self) -> dict[str, Any]:
        """Schema Property."""
        return {
            "updatedAt": iso(self.updated_ms),
            "createdAt": iso(self.created_ms),
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": self.options,
            "displayOrder": self.display_order,
            "calculated": self.calculated,
            "externalOptions": self.external,
            "archived": self.archived,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": self.built_in,
            "formField": self.form_field,
            "modificationMetadata": {
                "archivable": not self.built_in,
                "readOnlyDefinition": self.built_in,
                "readOnlyValue": self.read_only,
            },
        } | ({"referencedObjectType": "OWNER"} if self.name == "hubspot_owner_id" else {})

    def allows(self, text: str) -> bool:
        parts = text.split(";") if self.field_type == "checkbox" else [text]
        known = {option["value"] for option in self.options}
        return all(part in known for part in parts)


class Schema:
    """The properties and groups of one object type."""

    def __init__(self, kind: str, now_ms: int) -> None:
        self.kind = KINDS[kind]
        self.properties: dict[str, Property] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        for order, (name, label) in enumerate(catalogue.GROUPS[kind]):
            self.groups[name] = {"name": name, "label": label, "displayOrder": order, "archived": False}
        home = catalogue.GROUPS[kind][0][0]
        for name, sort, marks, label in catalogue.lines(kind):
            sla = name.startswith("sla_")
            self.properties[name] = Property(
                name, label, sort, FIELD_TYPES[sort][0], "sla" if sla else home,
                options=options_of(name), read_only="r" in marks or "c" in marks, calculated="c" in marks,
                unique="u" in marks, external="x" in marks, built_in=not sla, created_ms=now_ms, updated_ms=now_ms,
            )  # fmt: skip

    def get(self, name: str) -> Property | None:
        """A property that is there and not archived."""
        found = self.properties.get(name)
        return None if found is None or found.archived else found

    def check(self, properties: Mapping[str, Any]) -> tuple[dict[str, int | str], list[Issue]]:
        """The kept form of every valid value ("" clears) and everything that is wrong. A null is no value: left out."""
        kept: dict[str, int | str] = {}
        issues: list[Issue] = []
        for name, raw in properties.items():
            if raw is None:
                continue
            value = self._check_one(name, raw)
            if isinstance(value, Issue):
                issues.append(value)
            else:
                kept[name] = value
        return kept, issues

    def _check_one(self, name: str, raw: Any) -> int | str | Issue:
        definition = self.get(name)
        if definition is None:
            return Issue(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if definition.read_only:
            sort = "calculated" if definition.calculated else "read only"
            return Issue(name, "READ_ONLY_VALUE", f'"{name}" is a {sort} property; its value cannot be set.')
        text = as_text(raw)
        if text is None:
            return Issue(name, "INVALID_STRING", f"{raw} was not a valid string.")
        if text == "":
            return ""
        if definition.type == "enumeration" and not definition.external and not definition.allows(text):
            return Issue(name, "INVALID_OPTION", not_an_option(text, definition.options))
        return parse(name, definition.type, text)

    # Definitions themselves: developers.hubspot.com, properties API.

    def create(self, wanted: Mapping[str, Any], now_ms: int) -> Property:
        """Raises HubSpotError: 409 when the name is taken, 400 when the definition is wrong."""
        missing = [key for key in ("name", "label", "type", "fieldType", "groupName") if not wanted.get(key)]
        if missing:
            raise bad_input(f"Some required fields were not set: [{', '.join(missing)}]")
        name, sort, field_type = str(wanted["name"]), str(wanted["type"]), str(wanted["fieldType"])
        if not name.isascii() or not name.replace("_", "a").isalnum() or not name[0].isalpha() or name != name.lower():
            raise HubSpotError(400, f"Invalid property name {name!r}: lowercase letters, digits and underscores only.")
        if sort not in TYPES:
            raise bad_input(f"Cannot deserialize value of type PropertyType from {sort!r}")
        if field_type not in FIELD_TYPES[sort]:
            raise HubSpotError(400, f"A property of type {sort} cannot have fieldType {field_type}.")
        if (old := self.properties.get(name)) is not None and old.archived:
            # Seen in portals, on no page: the archived property comes back as it was, whatever was asked for.
            old.archived = False
            return old
        if self.get(name):
            raise HubSpotError(409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
        if wanted["groupName"] not in self.groups:
            raise HubSpotError(400, f"Property group {wanted['groupName']!r} does not exist.")
        if wanted.get("hasUniqueValue") and self._uniques() >= UNIQUE_PROPERTIES_MAX:
            raise HubSpotError(400, "The limit of 10 unique properties has been reached.")
        made = Property(name, "", sort, field_type, "", built_in=False, created_ms=now_ms)
        made.unique = bool(wanted.get("hasUniqueValue"))
        self.properties[name] = made
        self._apply(made, wanted, now_ms)
        return made

    def update(self, name: str, wanted: Mapping[str, Any], now_ms: int) -> Property:
        found = self.get(name)
        if found is None:
            raise not_found(f"Property {name} does not exist")
        self._apply(found, wanted, now_ms)
        return found

    def archive(self, name: str) -> bool:
        found = self.get(name)
        if found is None:
            return False
        if found.built_in:
            raise HubSpotError(400, f"Property {name} is defined by HubSpot and cannot be archived.")
        found.archived = True
        return True

    def _apply(self, target: Property, wanted: Mapping[str, Any], now_ms: int) -> None:
        for key, attribute in _SETTABLE.items():
            if key in wanted:
                setattr(target, attribute, wanted[key])
        if "options" in wanted:
            target.options = [option(order, **given) for order, given in enumerate(wanted["options"])]
        target.updated_ms = now_ms

    def _uniques(self) -> int:
        return sum(1 for one in self.properties.values() if one.unique and not one.archived and not one.built_in)


_SETTABLE: Final = {
    "label": "label", "groupName": "group", "description": "description", "hidden": "hidden",
    "formField": "form_field", "displayOrder": "display_order",
}  # fmt: skip


def option(order: int, *, value: str, label: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "label": label or value,
        "value": value,
        "displayOrder": more.get("displayOrder", order),
        "hidden": bool(more.get("hidden", False)),
    } | ({"description": more["description"]} if more.get("description") else {})


def options_of(name: str) -> list[dict[str, Any]]:
    values = catalogue.OPTIONS.get(name, "").split()
    return [
        option(order, value=value, label=value.replace("_", " ").capitalize()) for order, value in enumerate(values)
    ]


def not_an_option(text: str, options: list[dict[str, Any]]) -> str:
    """The vendor's long way of listing what is allowed."""
    listed = ", ".join(
        f'label: "{one["label"]}"\nvalue: "{one["value"]}"\ndisplay_order: {one["displayOrder"]}\n'
        f"hidden: {str(one['hidden']).lower()}\nread_only: false\n"
        for one in options
    )
    return f"{text} was not one of the allowed options: [{listed}]"
