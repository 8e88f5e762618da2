"""The calls that writes are made of: read fresh, update, create.

Owns the bodies of batch calls that write. Refuses to choose values. Invariant: what may have
taken effect is never repeated in the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.base import Receipt, WriteBack
from connectors.errors import ConnectorError
from connectors.hubspot import names
from connectors.hubspot.answers import row_error
from connectors.hubspot.api import HubSpotApi
from connectors.hubspot.names import ObjectType
from connectors.hubspot.reading import Reader
from connectors.hubspot.rows import Input, deliver
from connectors.hubspot.shapes import ROW, Failed, RawPage, Row, Version, Written


@dataclass(frozen=True, slots=True)
class Aim:
    """A write-back and the object that it is for."""

    order: WriteBack
    of: ObjectType
    id: str


class Sender:
    def __init__(self, api: HubSpotApi, reader: Reader) -> None:
        self._api = api
        self._reader = reader

    def now(self) -> int:
        """The server's time, epoch ms."""
        return self._api.now()

    def held(self, of: ObjectType, ids: Sequence[str], properties: Sequence[str]) -> dict[str, Row]:
        """What objects hold now, by id: read from the objects, for the search index lags behind them."""
        return {row.id: row for _, row in self._reader.rows(of, list(dict.fromkeys(ids)), properties)}

    def histories(self, of: ObjectType, ids: Sequence[str], name: str) -> dict[str, list[Version]]:
        """The past values of a property, newest first, by object."""
        found = self._reader.rows(of, ids, (), history=(name,))
        return {row.id: row.properties_with_history.get(name, []) for _, row in found}

    def held_by(self, of: ObjectType, name: str, values: Sequence[str], properties: Sequence[str]) -> dict[str, Row]:
        """Objects by the value of a unique property: read from the objects as well. Raises Rejected where the property
        is not unique, or not there."""
        found: dict[str, Row] = {}
        for at in range(0, len(values), names.BATCH_LIMIT):
            body = {
                "inputs": [{"id": one} for one in values[at : at + names.BATCH_LIMIT]],
                "idProperty": name,
                "properties": [name, *properties],
                "propertiesWithHistory": [],
            }
            page = self._api.post(RawPage, self._api.paths.batch(of.name, "read"), body)
            rows = (ROW.decode(raw) for raw in page.results)
            found |= {value: row for row in rows if (value := row.properties.get(name))}
        return found

    def update(self, of: ObjectType, inputs: Sequence[Input]) -> list[Receipt]:
        return deliver(inputs, lambda rows: self._send(of, "update", rows), self._judge)

    def create(self, of: ObjectType, inputs: Sequence[Input]) -> list[Receipt]:
        return deliver(inputs, lambda rows: self._send(of, "create", rows), self._judge)

    def _send(self, of: ObjectType, verb: str, rows: Sequence[Input]) -> Written:
        # A write whose answer was lost is looked up before it is sent again, so it is not repeated in the same call:
        # an update would be harmless, but people see it twice in the property's history.
        body = {"inputs": [row.body() for row in rows]}
        return self._api.post(Written, self._api.paths.batch(of.name, verb), body, write=True)

    def _judge(self, failed: Failed) -> ConnectorError:
        return row_error(failed, now=self._api.now(), zone=self._api.zone)
