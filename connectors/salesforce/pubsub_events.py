"""What a change event says: Avro bytes in, the records to read again out.

Owns the decoding, the skipping of our own changes and the meaning of gaps. Refuses the values of fields, but for the
ids that lead from an activity to its record: they are read over the API. Invariant: an event that cannot be understood
is a gap, never a silence.
https://developer.salesforce.com/docs/atlas.en-us.change_data_capture.meta/change_data_capture/cdc_event_fields_header.htm
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from connectors.base import Hint
from connectors.salesforce import names
from connectors.salesforce.ids import full_id, is_id, same_id
from sla.model import record_name

HEADER: Final = "ChangeEventHeader"
PARENTS: Final = ("WhoId", "WhatId", "ParentId")
_TOLD: Final = ("entityName", "changeType", "commitTimestamp", "transactionKey", "sequenceNumber")


class Told(NamedTuple):
    """What one event led to. ``gap``: something changed that it does not name."""

    hints: list[Hint]
    gap: bool = False


class Decoder:
    """Schemas by their ids, each asked for once; they change only when an admin changes the object."""

    def __init__(self, schema: Callable[[str], str]) -> None:
        self._ask = schema
        self._known: dict[str, tuple[Any, Any]] = {}

    def decode(self, schema_id: str, payload: bytes) -> dict[str, Any]:
        """The header and the parents' ids of one event. Raises ValueError for bytes that are not of that schema, and
        whatever asking for the schema raises."""
        import fastavro

        writer, reader = self._schemas(schema_id)
        try:
            found: Any = fastavro.schemaless_reader(io.BytesIO(payload), writer, reader)
        except (
            Exception
        ) as error:  # fastavro raises what the bytes make it stumble over: EOFError, IndexError, struct's
            raise ValueError(f"an event of schema {schema_id} cannot be decoded ({type(error).__name__})") from error
        return dict(found)

    def _schemas(self, schema_id: str) -> tuple[Any, Any]:
        known = self._known.get(schema_id)
        if known is None:
            known = self._known[schema_id] = _parsed(self._ask(schema_id))
        return known


def _parsed(text: str) -> tuple[Any, Any]:
    """The schema as written, and the part of it that is looked at: everything else is skipped over undecoded."""
    import fastavro

    try:
        whole = msgspec.json.decode(text, type=dict[str, Any])
        wanted = [field for field in whole["fields"] if field["name"] in (HEADER, *PARENTS)]
        # Both are parsed with named types of their own: the same names mean other records in each.
        return fastavro.parse_schema(whole, {}), fastavro.parse_schema({**whole, "fields": wanted}, {})
    except Exception as error:
        raise ValueError(f"a schema of change events cannot be read ({type(error).__name__})") from error


def understand(
    event: Mapping[str, Any], connection: str, objects: Sequence[str], ours: str | None, event_id: str
) -> Told:
    """What an event means. ``ours`` is the id of the user we are: what that one did is no news."""
    header = event.get(HEADER)
    if not isinstance(header, Mapping) or not header.get("changeType"):
        return Told([], gap=True)
    kind, committer = str(header["changeType"]), str(header.get("commitUser") or "")
    if kind == "GAP_OVERFLOW":
        return Told([], gap=True)
    if ours and is_id(committer) and same_id(committer, ours) and not kind.startswith("GAP_"):
        return Told([])
    ids = [str(one) for one in header.get("recordIds") or ()]
    if not ids or not all(is_id(one) for one in ids):
        return Told([], gap=True)  # "001*": all records of the object at once
    told = msgspec.json.encode({name: header.get(name) for name in _TOLD} | {"recordIds": ids})
    place = f"{header.get('transactionKey') or event_id}:{header.get('sequenceNumber') or 0}"
    entity = str(header.get("entityName"))
    records = [_record(event, entity, one, connection, objects) for one in ids]
    keys = [f"cdc:{place}:{full_id(one)}" for one in ids]
    return Told([Hint(key, record, told) for key, record in zip(keys, records, strict=True)])


def _record(event: Mapping[str, Any], entity: str, id: str, connection: str, objects: Sequence[str]) -> str | None:
    """The record itself, or the one that an activity belongs to, if the event shows it: an update shows only what
    changed, and is then left to the next poll."""
    candidates = (id,) if entity in names.KINDS else tuple(str(event.get(name) or "") for name in PARENTS)
    for one in candidates:
        parent = names.PREFIXES.get(one[:3])
        if is_id(one) and parent in objects:
            return record_name(connection, names.KINDS[str(parent)], full_id(one))
    return None
