"""Whether a change of ours has run over somebody's edit: told by the property's history, after the write.

Owns the reading of that history. Refuses to undo anything: who was first is for people to say, and the ledger has it.
Invariant: a write that took effect stays done, whatever is found or cannot be read afterwards.

HubSpot has no conditional update. Between the fresh read and the write lies the time of one call, and an edit that
falls into it is lost; its trace is the value before ours in the history, which is then not the one that was read.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from connectors.base import OVERWROTE_EDIT, Receipt
from connectors.errors import ConnectorError
from connectors.hubspot import names, sources
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Sender
from connectors.hubspot.shapes import Version


class Overwritten:
    def __init__(self, portal: Portal, sender: Sender) -> None:
        self._portal = portal
        self._sender = sender

    def told(
        self, of: ObjectType, before: Mapping[str, str], inputs: Sequence[Input], receipts: Sequence[Receipt]
    ) -> list[Receipt]:
        """The receipts, with a reason where an owner was overwritten who had not been read. ``before``: the owner that
        each object had when it was read, "" for none."""
        done = {one.key for one in receipts if one.outcome == "done"}
        wrote = {one.id: one for one in inputs if names.OWNER in one.properties and done.issuperset(one.keys)}
        if not wrote:
            return list(receipts)
        try:
            rows = self._sender.histories(of, list(wrote), names.OWNER)
            lost = {
                key: self._words(edit)
                for number, versions in rows.items()
                if number in wrote  # not one that was merged into another meanwhile
                if (edit := overwritten(versions, wrote[number].properties[names.OWNER], before[number])) is not None
                for key in wrote[number].keys
            }
        except ConnectorError:
            return list(receipts)
        return [
            msgspec.structs.replace(one, reason=lost[one.key], code=OVERWROTE_EDIT) if one.key in lost else one
            for one in receipts
        ]

    def _words(self, edit: Version) -> str:
        user = sources.user_id(edit.source_id, edit.updated_by_user_id)
        who = self._portal.user(user) or sources.machine(edit.source_type) or "somebody"
        owner = self._portal.owner(edit.value) or "nobody"
        return f"this ran over an edit: {who} had set the owner to {owner} at {edit.timestamp}"


def overwritten(versions: Sequence[Version], wrote: str, before: str) -> Version | None:
    """The edit that a write has run over: what stands just below it in a history, newest first, unless that is what
    had been read."""
    for place, one in enumerate(versions):
        if (one.value or "") == wrote and not sources.by_hand(one.source_type):
            below = versions[place + 1] if place + 1 < len(versions) else None
            return below if below is not None and (below.value or "") != before else None
    return None
