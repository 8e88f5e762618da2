"""What the org's objects are made of, as describe shows them to us.

Owns describe and its memory. Refuses to assume: an object or field that describe does not show does not exist for us,
whether it is missing or hidden by field-level security; one such field in a query would fail the whole query.
Invariant: what is remembered is at most an hour old, and forgotten at once when Salesforce contradicts it.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-sobject-describe.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from connectors.errors import Rejected
from connectors.salesforce import names
from connectors.salesforce.api import Api

KEPT_MS: Final = 3_600_000

STAMPS: Final = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
"""What can order a sweep, the best first. Only the first moves with every change: LastModifiedDate misses those by the
system itself, and CreatedDate misses all of them."""


class Choice(msgspec.Struct, gc=False):
    value: str
    active: bool = True


class FieldShape(msgspec.Struct, rename="camel", gc=False):
    """One field of describe, as far as it matters here."""

    name: str
    type: str = ""
    length: int = 0
    updateable: bool = False
    createable: bool = False
    filterable: bool = True
    sortable: bool = True
    unique: bool = False
    external_id: bool = False
    relationship_name: str | None = None
    reference_to: list[str] = []
    picklist_values: list[Choice] = []

    @property
    def offered(self) -> tuple[str, ...]:
        """The active values of a picklist, in the org's order."""
        return tuple(choice.value for choice in self.picklist_values if choice.active)


class ObjectShape(msgspec.Struct, rename="camel"):
    """One object of describe."""

    name: str
    queryable: bool = True
    updateable: bool = False
    createable: bool = False
    fields: list[FieldShape] = []

    def field(self, name: str) -> FieldShape | None:
        return next((field for field in self.fields if field.name == name), None)

    def link(self, relationship: str) -> FieldShape | None:
        """The reference field behind ``Account`` in ``Account.Tier__c``."""
        return next((field for field in self.fields if field.relationship_name == relationship), None)


_decode = msgspec.json.Decoder(ObjectShape).decode


class Shapes:
    """The shapes of one org. ``clock()`` is the present in epoch ms."""

    def __init__(self, api: Api, clock: Callable[[], int]) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[str, tuple[int, ObjectShape | None]] = {}

    def get(self, name: str) -> ObjectShape | None:
        """The object, or None when it does not exist for us."""
        now = self._clock()
        at, shape = self._known.get(name, (None, None))
        if at is None or now - at > KEPT_MS:
            shape = self._describe(name)
            self._known[name] = (now, shape)
        return shape

    def forget(self) -> None:
        """Asks anew next time."""
        self._known.clear()

    def has(self, name: str, path: str) -> bool:
        """Whether ``path`` (``Status``, ``Account.Tier__c``) can be selected of object ``name``."""
        return self.field(name, path) is not None

    def field(self, name: str, path: str) -> FieldShape | None:
        """The field at the end of ``path``, or None when it does not exist for us."""
        shape = self.get(name)
        first, dot, rest = path.partition(".")
        if shape is None:
            return None
        if not dot:
            return shape.field(first)
        link = shape.link(first)
        return self.field(link.reference_to[0], rest) if link is not None and len(link.reference_to) == 1 else None

    def stamp(self, name: str) -> str | None:
        """The field that sweeps of object ``name`` go by: some objects show a stamp and let nobody filter by it."""
        shape = self.get(name)
        fields = [shape.field(one) for one in STAMPS] if shape is not None else []
        return next((field.name for field in fields if field and field.filterable and field.sortable), None)

    def _describe(self, name: str) -> ObjectShape | None:
        try:
            answer = self._api.get(names.DESCRIBE.format(object=name))
        except Rejected as error:
            if error.code in {"NOT_FOUND", "404", "INVALID_TYPE"}:
                return None
            raise
        shape = _decode(answer.body)
        return shape if shape.queryable else None
