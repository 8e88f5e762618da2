"""``check``'s questions about leads and cases: can they be read and written, do mappings fit the org.

Owns the sentences about objects, fields and picklist values. Refuses to change anything. Invariant: every finding that
is not ok says what to do, with the way through Setup.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.base import Finding
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.columns import ON_REQUEST, USUAL, Columns
from connectors.salesforce.endings import endings
from connectors.salesforce.mapping import RecordMapping, is_instant
from connectors.salesforce.provisioning import text_length
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.shape import FieldShape, ObjectShape, Shapes

_ESSENTIAL: Final = ("Status", "OwnerId", "SystemModstamp", "CreatedDate", "CreatedById", "LastModifiedById")
_ALWAYS: Final = frozenset({"status", "raw_status", "priority", "owner", "requester"})
PERMISSIONS: Final = "Setup > Permission Sets"


class RecordQuestions:
    """What one connection's settings expect of leads and cases."""

    def __init__(
        self, api: Api, shapes: Shapes, columns: Columns, mapping: RecordMapping, settings: SalesforceSettings,
        wanted: frozenset[str],
    ) -> None:  # fmt: skip
        self._api = api
        self._shapes = shapes
        self._columns = columns
        self._mapping = mapping
        self._settings = settings
        self._wanted = wanted

    def findings(self) -> Iterator[Finding]:
        ends = endings(self._api)
        for name in self._settings.objects:
            shape = self._shapes.get(name)
            if shape is None:
                yield _hidden(name)
            else:
                yield self._access(name, shape)
                for logical, path in sorted(self._columns.written[name].items()):
                    yield self._written(name, shape, logical, path)
                yield from self._tags(name, shape)
                yield from self._statuses(name, shape, ends[name])
                yield from self._priorities(name, shape)
                yield from self._read_fields(name, self._columns.fields[name])
        yield from self._unfilled()

    def losses(self, name: str) -> Iterator[Finding]:
        """What the configuration needs of object ``name`` and is not there for us, or not writable."""
        shape = self._shapes.get(name)
        if shape is None:
            yield _hidden(name)
            return
        found = [self._access(name, shape), *self._tags(name, shape)]
        found += [self._written(name, shape, *each) for each in sorted(self._columns.written[name].items())]
        yield from (finding for finding in found if finding.level == "fail")
        yield from self._read_fields(name, self._named(name))

    def looks_at(self, name: str) -> set[str]:
        """The paths of object ``name`` that ``losses`` knows of."""
        return {*_ESSENTIAL, *self._named(name).values(), *self._columns.written[name].values()}

    def _named(self, name: str) -> dict[str, str]:
        """Normalised field -> path of those that the connection or a policy names."""
        named = self._wanted | self._settings.fields.keys()
        return {field: path for field, path in self._columns.fields[name].items() if field in named}

    def _access(self, name: str, shape: ObjectShape) -> Finding:
        lacking = [field for field in _ESSENTIAL if shape.field(field) is None]
        if lacking:
            fix = f"give the integration user Read access to them: {PERMISSIONS}"
            return Finding("fail", name, f"these fields cannot be read: {', '.join(lacking)}", fix)
        if not shape.updateable:
            fix = f"give the integration user Edit on {name}: {PERMISSIONS}"
            return Finding("warn", name, f"{name} can be read but not written", fix)
        return Finding("ok", name, "can be read and written")

    def _written(self, name: str, shape: ObjectShape, logical: str, path: str) -> Finding:
        field, subject = shape.field(path), f"write.{names.KINDS[name]}.{logical}"
        if field is None:
            kind = "Date/Time" if is_instant(logical) else f"Text({text_length(logical)})"
            label = path.removesuffix("__c")
            fix = (
                f"`sla-sidecar provision` creates it; by hand: {where(name)} > New: {kind}, named {label}; "
                f"then give the integration user Edit access to it: {PERMISSIONS}"
            )
            return Finding("fail", subject, f"{name} has no field {path}, or we may not see it", fix)
        if not field.updateable:
            fix = f"{where(name)} > {path} > Set Field-Level Security: visible, not read-only"
            return Finding("fail", subject, f"{path} is read-only for us", fix)
        return _type_finding(subject, logical, field)

    def _tags(self, name: str, shape: ObjectShape) -> Iterator[Finding]:
        path = self._columns.tags.get(name)
        field = shape.field(path) if path is not None else None
        if path is not None and (field is None or not field.updateable):
            fix = f"{where(name)} > New: Picklist (Multi-Select) or Text(255); then give us Edit access: {PERMISSIONS}"
            yield Finding("fail", f"tags.{names.KINDS[name]}", f"{name} has no writable {path}", fix)

    def _statuses(self, name: str, shape: ObjectShape, ends: Mapping[str, Mapping[str, bool]]) -> Iterator[Finding]:
        """Every status that the org offers should mean something, and what ends a record there should end it here;
        every mapped one should exist."""
        kind: Any = names.KINDS[name]
        field, subject = shape.field("Status"), f"status.{kind}"
        offered = field.offered if field is not None else ()
        for meant, raws in self._unmapped(kind, offered, ends).items():
            fix = f'add them: status.{kind} = {{ "{raws[0]}" = "{meant}" }}'
            yield Finding("warn", subject, f"not mapped, taken for {meant}: {', '.join(raws)}", fix)
        for raw in ends:
            said, meant = self._mapping.category(kind, raw), self._mapping.status(kind, {"Status": raw, **ends[raw]})
            if said is not None and said != meant:
                fix = f'status.{kind} = {{ "{raw}" = "{meant}" }}: else histories are read as if it were {said}'
                yield Finding("warn", subject, f"{raw!r} is mapped to {said}, and means {meant} in the org", fix)
        stray = [raw for raw in self._settings.status.get(kind, {}) if offered and raw not in offered]
        if stray:
            fix = f"it has: {', '.join(offered)}"
            yield Finding("warn", subject, f"the org has no status {', '.join(map(repr, stray))}", fix)

    def _unmapped(
        self, kind: str, offered: Sequence[str], ends: Mapping[str, Mapping[str, bool]]
    ) -> dict[str, list[str]]:  # fmt: skip
        """Statuses that nobody mapped, by what they are taken for."""
        found: dict[str, list[str]] = {}
        for raw in offered:
            if not self._mapping.knows_status(kind, raw):
                meant = self._mapping.status(kind, {"Status": raw, **ends.get(raw, {})})
                found.setdefault(meant, []).append(raw)
        return found

    def _priorities(self, name: str, shape: ObjectShape) -> Iterator[Finding]:
        field = shape.field(self._columns.fields[name].get("priority", ""))
        offered = field.offered if field is not None else ()
        unknown = [raw for raw in offered if not self._mapping.knows_priority(raw)]
        if unknown:
            fix = f'add them: priority = {{ "{unknown[0]}" = "high" }}'
            yield Finding("warn", "priority", f"not mapped, taken for normal: {', '.join(unknown)}", fix)

    def _read_fields(self, name: str, paths: Mapping[str, str]) -> Iterator[Finding]:
        for field, path in sorted(paths.items()):
            if not self._shapes.has(name, path):
                fix = f"conditions on it never hold: correct it, or give Read access to it: {PERMISSIONS}"
                yield Finding("warn", f"fields.{field}", f"{name} has no {path}, or we may not see it", fix)

    def _unfilled(self) -> Iterator[Finding]:
        filled = set().union(*self._columns.fields.values(), *USUAL.values(), *ON_REQUEST.values())
        for field in sorted(self._wanted - filled - _ALWAYS):
            fix = f'add fields.{field} = "Field__c" to the connection'
            yield Finding("warn", f"fields.{field}", f"policies name {field}, which nothing fills", fix)


def where(name: str) -> str:
    """The way to an object's fields. Custom fields of tasks belong to the object Activity."""
    label = "Activity" if name == names.TASK else name
    return f"Setup > Object Manager > {label} > Fields & Relationships"


def _hidden(name: str) -> Finding:
    fix = f"give the integration user Read on {name}: {PERMISSIONS}"
    return Finding("fail", name, f"{name} is not there or not readable", fix)


def _type_finding(subject: str, logical: str, field: FieldShape) -> Finding:
    times = {"datetime", "date"}
    if is_instant(logical) and field.type not in times:
        message = f"{field.name} holds {field.type}, but a due time needs Date/Time"
        return Finding("fail", subject, message, "map it to a Date/Time field")
    if not is_instant(logical) and field.type in {*times, "boolean"}:
        message = f"{field.name} holds {field.type}, but a state is text"
        return Finding("fail", subject, message, "map it to a text field")
    return Finding("ok", subject, f"{field.name} can be written")
