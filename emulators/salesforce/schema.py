"""What an object is made of: fields with type, length and flags, read from the hand-written tables.

Owns the shapes ``Field`` and ``Table`` and the notation of the tables. Refuses data.
Invariant: names are found whatever their case and always shown in the vendor's own spelling.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

TEXT_TYPES: Final = frozenset({"string", "textarea", "email", "phone", "url", "combobox", "picklist", "anyType"})
SYSTEM: Final = {
    "deleted": "IsDeleted boolean ro",
    "created": "CreatedDate datetime ro",
    "created_by": "CreatedById reference:User@CreatedBy ro",
    "modified": "LastModifiedDate datetime ro",
    "modified_by": "LastModifiedById reference:User@LastModifiedBy ro",
    "stamp": "SystemModstamp datetime ro",
}
ALL_SYSTEM: Final = tuple(SYSTEM)


@dataclass(frozen=True, slots=True)
class Field:
    """One field. ``length`` in characters (0: no limit); ``references`` are the objects an id may point to."""

    name: str
    type: str
    label: str
    length: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    filterable: bool = True
    unique: bool = False
    external_id: bool = False
    restricted: bool = False
    calculated: bool = False
    default: Any = None
    values: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    relationship: str | None = None

    @property
    def custom(self) -> bool:
        return self.name.endswith("__c")

    @property
    def nillable(self) -> bool:
        always = self.type in ("boolean", "id") or self.name in ("CreatedDate", "CreatedById", "SystemModstamp")
        return not (self.required or always)


@dataclass(slots=True)
class Table:
    """One object. ``writable`` False: people and platform write it, the API only reads it."""

    name: str
    prefix: str
    label: str
    plural: str
    fields: dict[str, Field]
    writable: bool = True
    deletable: bool = True
    name_field: str | None = None
    _lower: dict[str, Field] = field(default_factory=dict)
    _relations: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lower = {name.lower(): found for name, found in self.fields.items()}
        self._relations = {one.relationship.lower(): one for one in self.fields.values() if one.relationship}

    def field(self, name: str) -> Field | None:
        return self._lower.get(name.lower())

    def relation(self, name: str) -> Field | None:
        """The reference field behind a relationship name: ``Owner`` → ``OwnerId``."""
        return self._relations.get(name.lower())

    def has(self, name: str) -> bool:
        return name in self.fields

    def add(self, made: Field) -> None:
        """A custom field that an administrator creates."""
        self.fields[made.name] = made
        self._lower[made.name.lower()] = made

    def rename(self, old: str, new: str) -> None:
        """An administrator gives a custom field another API name; it keeps its place."""
        changed = replace(self.fields[old], name=new, label=_label(new))
        self.fields = {changed.name if name == old else name: field for name, field in self.fields.items()}
        self.fields[new] = changed
        self.__post_init__()

    def copy(self) -> Table:
        """The same table for an org of its own."""
        return replace(self, fields=dict(self.fields), _lower={}, _relations={})


def table(
    name: str,
    prefix: str,
    notation: str,
    *,
    picklists: Mapping[str, Iterable[str]] | None = None,
    system: tuple[str, ...] = ALL_SYSTEM,
    label: str | None = None,
    plural: str | None = None,
    writable: bool = True,
    deletable: bool = True,
    name_field: str | None = "Name",
) -> Table:
    """Reads one table.

    A line of ``notation`` is ``Name type[:length][:Objects@Relationship] [flags]`` with the flags ``required``,
    ``ro`` (never written by the API), ``create`` (written at creation only), ``nofilter``, ``unique``, ``external``,
    ``restricted`` and ``true``/``false`` (a checkbox's default). In ``picklists`` a star marks the default value.
    """
    choices = {key: tuple(values) for key, values in (picklists or {}).items()}
    lines = ["Id id ro", *(line for line in notation.strip().splitlines() if line.strip())]
    lines += [SYSTEM[one] for one in system]
    fields = [_field(line, choices) for line in lines]
    shown = label or name
    return Table(
        name=name,
        prefix=prefix,
        label=shown,
        plural=plural or f"{shown}s",
        fields={one.name: one for one in fields},
        writable=writable,
        deletable=deletable,
        name_field=name_field if any(one.name == name_field for one in fields) else None,
    )


def _field(line: str, choices: dict[str, tuple[str, ...]]) -> Field:
    name, kind, *flags = line.split()
    shape, _, argument = kind.partition(":")
    made = Field(
        name=name,
        type=shape,
        label=_label(name),
        required="required" in flags,
        createable="ro" not in flags,
        updateable="ro" not in flags and "create" not in flags,
        filterable="nofilter" not in flags and shape != "textarea",
        unique="unique" in flags,
        external_id="external" in flags,
        restricted="restricted" in flags,
        calculated="formula" in flags,
        default={"true": True, "false": False}.get(flags[-1]) if flags else None,
    )
    if shape == "boolean" and made.default is None:
        made = replace(made, default=False)
    if shape == "reference":
        objects, _, relationship = argument.partition("@")
        return replace(made, references=tuple(objects.split(",")), relationship=relationship or None, length=18)
    if shape == "picklist":
        values = choices.get(name, ())
        first = next((value[:-1] for value in values if value.endswith("*")), None)
        return replace(made, values=tuple(value.rstrip("*") for value in values), default=first, length=255)
    return replace(made, length=int(argument) if argument else {"id": 18, "url": 255}.get(shape, 0))


def _label(name: str) -> str:
    """``LastModifiedDate`` → ``Last Modified Date``, ``SLA_Due__c`` → ``SLA Due``, ``OwnerId`` → ``Owner ID``."""
    if name.endswith("__c"):
        return name[:-3].replace("_", " ")
    words = "".join(f" {letter}" if letter.isupper() else letter for letter in name).split()
    return " ".join("ID" if word == "Id" else word for word in words)
