"""Write-backs: sorted by action and object, sent a hundred at a time, one receipt each.

Owns the way of a batch, and the writing of our own fields, which nobody else writes and need no comparison. Refuses to
decide: what to write is the caller's. Invariant: an error is raised only when nothing of the batch has been written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from connectors.base import Receipt, WriteBack
from connectors.errors import ConnectorError, Rejected
from connectors.hubspot import names
from connectors.hubspot.activities import Activities
from connectors.hubspot.answers import receipt
from connectors.hubspot.changes import Changes
from connectors.hubspot.completing import Completion
from connectors.hubspot.mapping import Mapper, encode, same
from connectors.hubspot.messages import Replies
from connectors.hubspot.names import ObjectType
from connectors.hubspot.portal import Portal
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender
from connectors.hubspot.tagging import Tagging
from connectors.hubspot.tracing import Tracer, mark
from sla.model import split_record


class Writer:
    def __init__(self, portal: Portal, mapper: Mapper, sender: Sender, replies: Replies) -> None:
        self._mapper = mapper
        self._sender = sender
        self._changes = Changes(portal, mapper, sender)
        tracer = Tracer(portal, sender, mapper.settings.task_key)
        self._activities = Activities(portal, sender, tracer, mapper.settings)
        self._completion = Completion(sender, tracer)
        self._tagging = Tagging(mapper, sender)
        self._replies = replies

    def write(self, batch: Sequence[WriteBack]) -> list[Receipt]:
        """One receipt for each write-back, in any order."""
        ways: dict[str, Callable[[ObjectType, Sequence[Aim]], list[Receipt]]] = {
            "fields": self._fields,
            "set": self._changes.write,
            "owner": self._changes.write,
            "task": lambda of, aims: self._activities.write(names.TASKS, of, aims),
            "complete": self._completion.write,
            "note": lambda of, aims: self._activities.write(names.NOTES, of, aims),
            "tag": self._tagging.write,
            "message": self._replies.write,
        }
        aims, receipts = self._aims(batch)
        for (action, name), group in groupby(aims, key=lambda aim: (aim.order.action, aim.of.name)):
            members = list(group)
            try:
                receipts += ways[action](names.TYPES[name], members)
            except ConnectorError as failed:
                if len(members) == len(batch):
                    raise
                receipts += [receipt(aim.order.key, failed) for aim in members]
        return receipts

    def _aims(self, batch: Sequence[WriteBack]) -> tuple[list[Aim], list[Receipt]]:
        aims: list[Aim] = []
        refused: list[Receipt] = []
        for order in batch:
            _, kind, number = split_record(order.record)
            of = self._mapper.of_kind(kind)
            if of is None:
                reason = f"this connection watches no object of the kind {kind}"
                refused.append(receipt(order.key, Rejected(reason, code="NO_SUCH_KIND")))
            else:
                aims.append(Aim(order, of, number))
        return sorted(aims, key=lambda aim: (aim.order.action, aim.of.name)), refused

    def _fields(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """Our own fields. After an unknown outcome they are read first, and only what differs is sent again."""
        paths = self._mapper.write[of.name]
        held = self._sender.held(of, [aim.id for aim in aims if aim.order.attempts], list(paths.values()))
        receipts: list[Receipt] = []
        merged: dict[str, dict[str, str]] = {}
        keys: dict[str, list[str]] = {}
        for aim in aims:
            there = held[aim.id].properties if aim.order.attempts and aim.id in held else None
            wanted = {
                paths[name]: encode(name, value)
                for name, value in aim.order.values.items()
                if name in paths and not (there is not None and same(name, value, there.get(paths[name])))
            }
            if wanted:
                merged.setdefault(aim.id, {}).update(wanted)
                keys.setdefault(aim.id, []).append(aim.order.key)
            else:
                receipts.append(Receipt(key=aim.order.key, outcome="done", wrote=False, crm_id=aim.id))
        inputs = [Input(tuple(keys[one]), mark(keys[one][0]), values, one) for one, values in merged.items()]
        return receipts + self._sender.update(of, inputs)
