"""Completing tasks of ours that nobody has to do any more.

Owns when a task counts as closed. Refuses to touch one that somebody has closed, put off or thrown away. Invariant: a
task that is gone is as good as completed.
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from connectors.base import Receipt
from connectors.hubspot import names
from connectors.hubspot.names import ObjectType
from connectors.hubspot.rows import Input
from connectors.hubspot.sending import Aim, Sender
from connectors.hubspot.tracing import Tracer, mark

STATUS: Final = "hs_task_status"
COMPLETED: Final = "COMPLETED"
CLOSED: Final = frozenset({COMPLETED, "DEFERRED"})


class Completion:
    def __init__(self, sender: Sender, tracer: Tracer) -> None:
        self._sender = sender
        self._tracer = tracer

    def write(self, of: ObjectType, aims: Sequence[Aim]) -> list[Receipt]:
        """Marks the tasks as completed, whoever owns them by now. ``of`` is the type of the records."""
        marks = {mark(aim.order.task): aim.id for aim in aims if aim.order.task and not aim.order.crm_id}
        traced = self._tracer.found(names.TASKS, of, marks) if marks else {}
        ids = {aim.order.key: aim.order.crm_id or traced.get(mark(aim.order.task or ""), "") for aim in aims}
        held = self._sender.held(names.TASKS, [one for one in ids.values() if one], (STATUS,))
        receipts: list[Receipt] = []
        open_ones: dict[str, list[str]] = {}
        for key, task in ids.items():
            if task in held and held[task].properties.get(STATUS) not in CLOSED:
                open_ones.setdefault(task, []).append(key)
            else:
                receipts.append(_over(key, task or None, "closed already" if task in held else "no longer there"))
        inputs = [Input(tuple(keys), mark(keys[0]), {STATUS: COMPLETED}, task) for task, keys in open_ones.items()]
        return receipts + [_forgiven(one, ids[one.key]) for one in self._sender.update(names.TASKS, inputs)]


def _over(key: str, task: str | None, why: str) -> Receipt:
    return Receipt(key=key, outcome="done", wrote=False, crm_id=task, reason=f"the task is {why}")


def _forgiven(one: Receipt, task: str) -> Receipt:
    """Somebody threw the task away between our read and our write."""
    gone = one.outcome == "rejected" and one.code in ("OBJECT_NOT_FOUND", "404")
    return _over(one.key, task, "no longer there") if gone else one
