"""Whether a write is acceptable: property values, owners, stages, required properties, uniqueness, admin rules.

Owns the order of the checks and their error answers. Refuses to change anything.
Invariant: what passes can be written; nothing is written when anything of one record does not pass.
Codes beyond PROPERTY_DOESNT_EXIST are captured or assumed, as docs/emulators-hubspot.md says of each.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulators.hubspot.errors import (
    HubSpotError,
    Issue,
    bad_input,
    invalid_properties,
    missing_properties,
    not_unique,
)
from emulators.hubspot.kinds import Kind
from emulators.hubspot.links import PAIR_OF
from emulators.hubspot.portal import Author, Portal
from emulators.hubspot.properties import not_an_option, option
from emulators.hubspot.records import Record, Value


@dataclass(frozen=True, slots=True)
class Wish:
    """A link that a create call asks for."""

    end: Record
    type_id: int


def check_properties(
    portal: Portal, kind: Kind, properties: Any, author: Author, record: Record | None = None
) -> dict[str, Value]:
    """The values to keep. Raises HubSpotError with everything that is wrong; ``record`` is None for a create."""
    if not isinstance(properties, Mapping):
        raise bad_input("properties must be an object of property names and values")
    schema = portal.schemas[kind.name]
    kept, issues = schema.check(properties)
    issues += _check_owner(portal, kept)
    issues += _check_stage(portal, kind, kept, record)
    if issues:
        raise invalid_properties(issues, portal.id)
    _check_required(kind, kept, record)
    if author.source == "INTEGRATION":
        _check_rules(portal, kind, kept)
    if author.strict:
        _check_needs(portal, kind, kept, record)
    for name, value in kept.items():
        definition = schema.get(name)
        if definition is not None and definition.unique and value != "":
            _check_unique(portal, kind, name, str(value), record)
    return kept


def _check_owner(portal: Portal, kept: Mapping[str, Value]) -> list[Issue]:
    wanted = str(kept.get("hubspot_owner_id", ""))
    if not wanted:
        return []
    name = "hubspot_owner_id"
    if not wanted.isdigit() or len(wanted) > 12:
        return [Issue(name, "INVALID_INTEGER", f"{wanted} was not a valid integer (for owner ID).")]
    owner = portal.owners.find(wanted)
    if owner is None or owner.archived:
        return [Issue(name, "INVALID_OWNER_ID", f"Owner {wanted} does not exist or is not active.")]
    return []


def _check_stage(portal: Portal, kind: Kind, kept: Mapping[str, Value], record: Record | None) -> list[Issue]:
    if kind.stage is None or kind.pipeline is None:
        return []
    pipelines = portal.pipelines
    issues: list[Issue] = []
    pipeline_id = str(kept.get(kind.pipeline, "") or (record.text(kind.pipeline) if record else ""))
    if kept.get(kind.pipeline) and pipelines.find(kind.name, pipeline_id) is None:
        options = [option(one.order, value=one.id, label=one.label) for one in pipelines.of(kind.name)]
        issues.append(Issue(kind.pipeline, "INVALID_OPTION", not_an_option(pipeline_id, options)))
    stage_id = str(kept.get(kind.stage, ""))
    if stage_id:
        found = pipelines.of_stage(kind.name, stage_id)
        if found is None or (kept.get(kind.pipeline) and found[0].id != pipeline_id):
            stages = [stage for one in pipelines.of(kind.name) for stage in one.stages]
            options = [option(one.order, value=one.id, label=one.label) for one in stages]
            issues.append(Issue(kind.stage, "INVALID_OPTION", not_an_option(stage_id, options)))
    return issues


def _check_required(kind: Kind, kept: Mapping[str, Value], record: Record | None) -> None:
    if record is None:
        missing = [name for name in kind.required if kept.get(name, "") == ""]
    else:
        missing = [name for name in kind.required if kept.get(name) == ""]
    if missing:
        raise missing_properties(kind.label, missing)


def _check_rules(portal: Portal, kind: Kind, kept: Mapping[str, Value]) -> None:
    broken = [
        Issue(rule.name, "VALIDATION_RULE_VIOLATION", rule.message)
        for rule in portal.rules
        if rule.kind == kind.name and str(kept.get(rule.name, "")) in rule.forbidden
    ]
    if broken:
        raise invalid_properties(broken, portal.id)


def _check_needs(portal: Portal, kind: Kind, kept: Mapping[str, Value], record: Record | None) -> None:
    """Any write of a record that would be left without what is required of it. The code is assumed."""

    def after(name: str) -> str:
        return str(kept[name]) if name in kept else record.text(name) if record else ""

    lacking = [
        Issue(need.name, "MISSING_REQUIRED_PROPERTY", f"{need.name} is required when {need.when} is {need.value}.")
        for need in portal.needs
        if need.kind == kind.name and after(need.when) == need.value and after(need.name) == ""
    ]
    if lacking:
        raise invalid_properties(lacking, portal.id)


def _check_unique(portal: Portal, kind: Kind, name: str, value: str, record: Record | None) -> None:
    other = portal.shelf(kind).find_by(name, value)
    if other is None or other is record:
        return
    if (kind.name, name) != ("contacts", "email"):
        raise not_unique(kind.singular.capitalize(), name, value, portal.id)
    raise HubSpotError(409, f"Contact already exists. Existing ID: {other.id}", "CONFLICT")


def check_links(portal: Portal, kind: Kind, wanted: Any) -> list[Wish]:
    """The links of a create call: ``[{"to": {"id"}, "types": [{"associationCategory", "associationTypeId"}]}]``."""
    if not isinstance(wanted, Sequence) or isinstance(wanted, str):
        raise bad_input("associations must be a list")
    wishes: list[Wish] = []
    for one in wanted:
        if not isinstance(one, Mapping) or not isinstance(one.get("to"), Mapping) or not one.get("types"):
            raise bad_input("an association needs to and types")
        wishes += [Wish(*check_link(portal, kind, str(one["to"].get("id", "")), spec)) for spec in one["types"]]
    if kind.name == "leads" and not any(wish.end.kind.name == "contacts" for wish in wishes):
        # A lead belongs to a contact that exists: developers.hubspot.com, leads guide.
        raise HubSpotError(400, "LEAD must be created with an association to an existing CONTACT.")
    return wishes


def check_link(portal: Portal, start: Kind, end_id: str, spec: Any, to: Kind | None = None) -> tuple[Record, int]:
    """The other end and the type id of one association spec; ``to``: the type that the path names."""
    if not isinstance(spec, Mapping):
        raise bad_input("an association type needs associationCategory and associationTypeId")
    category, raw = spec.get("associationCategory"), str(spec.get("associationTypeId"))
    type_id = int(raw) if raw.isdigit() else -1
    pair = PAIR_OF.get(type_id)
    if category != "HUBSPOT_DEFINED" or pair is None or (to is not None and pair[1] != to.name):
        told = f"{category}={raw}"
        raise _bad_links(
            associationSpec=[told], INVALID_ASSOCIATION_TYPE_ID=[f"{told} is not a valid association definition id"]
        )
    if pair[0] != start.name:
        expected = portal.kind(pair[0]).type_id
        raise HubSpotError(
            400, f"invalid from object type {start.type_id} for associations to be created. expected: {expected}"
        )
    return check_end(portal, portal.kind(pair[1]), end_id), type_id


def check_end(portal: Portal, kind: Kind, id: str) -> Record:
    """A record that may be an end of a link. Raises HubSpotError for one that is not there."""
    record = portal.shelf(kind).find(id)
    if record is None or record.archived:
        raise _bad_links(INVALID_OBJECT_IDS=[f"{kind.label}={id} is not valid"], objectId=[id], objectType=[kind.label])
    return record


def _bad_links(**context: list[str]) -> HubSpotError:
    return HubSpotError(400, "One or more associations are invalid", context=context)
