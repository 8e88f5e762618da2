"""Tags: values of one property that holds several, such as ``sla;escalated``.

Owns the adding of a tag. Refuses to take one away. Invariant: a tag that is there already is not written again, and
those of others stay.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.base import Receipt
from connectors.errors import Rejected
from connectors.hubspot.answers import receipt
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.names import ObjectType
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender
from connectors.hubspot.tracing import mark

SEPARATOR = ";"
"""Between the values of a property of several checkboxes, and between ours in one of plain text.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide"""


class Tagging:
    def __init__(self, mapper: Mapper, sender: Sender) -> None:
        self._mapper = mapper
        self._sender = sender

    def write(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        path = self._mapper.tags.get(of.name)
        if path is None:
            reason = f"no property is named for the tags of a {of.kind}: set tags.{of.kind}"
            return [receipt(aim.order.key, Rejected(reason, code="NO_TAGS")) for aim in aims]
        held = self._sender.held(of, [aim.id for aim in aims], [path])
        receipts: list[Receipt] = []
        tags: dict[str, list[str]] = {}
        keys: dict[str, list[str]] = {}
        for aim in aims:
            row = held.get(aim.id)
            if row is None:
                gone = Rejected("the record no longer exists", code="OBJECT_NOT_FOUND")
                receipts.append(receipt(aim.order.key, gone))
                continue
            here = tags.get(aim.id) or read_tags(row.properties.get(path))
            tag = aim.order.subject or ""
            if tag in here:
                receipts.append(Receipt(key=aim.order.key, outcome="done", wrote=False, crm_id=aim.id))
                continue
            tags[aim.id] = [*here, tag]
            keys.setdefault(aim.id, []).append(aim.order.key)
        inputs = [
            Input(tuple(keys[one]), mark(keys[one][0]), {path: SEPARATOR.join(found)}, one)
            for one, found in tags.items()
        ]
        return receipts + self._sender.update(of, inputs)


def read_tags(value: str | None) -> list[str]:
    """The tags of a property's value."""
    return [tag for part in (value or "").split(SEPARATOR) if (tag := part.strip())]
