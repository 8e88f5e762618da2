"""Batches of writes: what each row's fate was, and what to do when one row sinks the others.

Owns the reading of HTTP 200, 201 and 207 row by row, and the splitting of a refused batch. Refuses I/O: ``send`` is
given. Invariant: every input gets exactly one receipt, and one bad row never costs another its write. What a row says
of the connection is raised, unless something has been written.
https://developers.hubspot.com/docs/api-reference/error-handling#multi-status-errors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Receipt
from connectors.errors import AuthFailed, Conflict, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.hubspot.answers import MissingProperty, receipt
from connectors.hubspot.shapes import Failed, Written


@dataclass(frozen=True, slots=True)
class Input:
    """One row of a batch. ``keys`` are the write-backs that it serves; ``trace`` finds it again in the answer: it goes
    along as ``objectWriteTraceId``, which also makes HubSpot judge every row by itself. ``id`` is the object's id,
    "" for one to be created; ``mark`` is a text in its properties by which a created one is known."""

    keys: tuple[str, ...]
    trace: str
    properties: Mapping[str, str]
    id: str = ""
    mark: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        known = {"id": self.id} if self.id else {}
        return {**known, **self.more, "properties": dict(self.properties), "objectWriteTraceId": self.trace}


Send = Callable[[Sequence[Input]], Written]
Judge = Callable[[Failed], ConnectorError]


def deliver(inputs: Sequence[Input], send: Send, judge: Judge) -> list[Receipt]:
    """Sends the batch and tells every row's fate. Raises the error of the first call when nothing has been written."""
    receipts: list[Receipt] = []
    waiting = [list(inputs)]
    while waiting:
        now = waiting.pop()
        if not now:
            continue
        try:
            answer = send(now)
        except (Rejected, Conflict) as refused:
            if len(now) == 1:
                receipts += _told(now[0], refused)
            else:
                bad, rest = _blamed(now, refused)
                receipts += [one for row in bad for one in _told(row, refused)]
                waiting += [rest] if bad else [now[len(now) // 2 :], now[: len(now) // 2]]
        except ConnectorError as failed:
            if not receipts and len(now) == len(inputs):
                raise
            left = [*now, *(row for part in waiting for row in part)]
            return receipts + [one for row in left for one in _told(row, failed)]
        else:
            told, errors = _judged(now, answer, judge)
            whole = next((one for one in errors if isinstance(one, AuthFailed | RateLimited)), None)
            if whole is not None and not receipts and len(errors) == len(now) == len(inputs):
                raise whole
            receipts += told
    return receipts


def _told(row: Input, error: ConnectorError) -> list[Receipt]:
    return [receipt(key, error) for key in row.keys]


def _blamed(inputs: Sequence[Input], refused: ConnectorError) -> tuple[list[Input], list[Input]]:
    """The rows that a refusal of the whole batch names by a property that does not exist, and the others."""
    names = set(refused.names if isinstance(refused, MissingProperty) else ())
    bad = [row for row in inputs if names & row.properties.keys()]
    return bad, [row for row in inputs if not names & row.properties.keys()]


def fates(inputs: Sequence[Input], answer: Written, judge: Judge) -> list[Receipt]:
    """Every row's receipt out of an answer. A row that the answer does not mention may have been written."""
    return _judged(inputs, answer, judge)[0]


def _judged(inputs: Sequence[Input], answer: Written, judge: Judge) -> tuple[list[Receipt], list[ConnectorError]]:
    """The receipts, and what those rows met that failed."""
    by_id = {row.id: row for row in answer.results}
    by_trace = {row.object_write_trace_id: row for row in answer.results if row.object_write_trace_id}
    receipts: list[Receipt] = []
    errors: list[ConnectorError] = []
    silent: list[Input] = []
    for one in inputs:
        found = by_trace.get(one.trace) or (by_id.get(one.id) if one.id else None)
        if found is None and one.mark:
            found = next((row for row in answer.results if _carries(row.properties, one.mark)), None)
        if found is not None:
            receipts += [Receipt(key=key, outcome="done", crm_id=found.id) for key in one.keys]
            continue
        failed = next((entry for entry in answer.errors if _names(entry, one)), None)
        if failed is None:
            silent.append(one)
            continue
        errors.append(judge(failed))
        receipts += _told(one, errors[-1])
    for one, error in zip(silent, _left_out(silent, answer, judge), strict=True):
        errors.append(error)
        receipts += _told(one, error)
    return receipts, errors


def _left_out(silent: Sequence[Input], answer: Written, judge: Judge) -> list[ConnectorError]:
    """What became of rows that nothing in the answer names. An error that names no row is theirs when all of them have
    failed by HubSpot's own count; otherwise any of them may have been written."""
    nameless = [entry for entry in answer.errors if not _names_any(entry)]
    failed = max(answer.num_errors, len(answer.errors)) - (len(answer.errors) - len(nameless))
    alike = {(entry.category, entry.message) for entry in nameless}
    if nameless and (failed >= len(silent)) and len(alike) == 1:
        return [judge(nameless[0]) for _ in silent]
    return [RetryLater("HubSpot's answer leaves this row out", unknown=True) for _ in silent]


def _names_any(entry: Failed) -> bool:
    return isinstance(entry.context.get("ids"), list) or isinstance(entry.context.get("objectWriteTraceId"), list)


def _carries(properties: Mapping[str, str | None], mark: str) -> bool:
    return any(mark in value for value in properties.values() if value)


def _names(entry: Failed, one: Input) -> bool:
    ids, traces = entry.context.get("ids"), entry.context.get("objectWriteTraceId")
    if isinstance(traces, list) and one.trace in traces:
        return True
    return bool(one.id) and isinstance(ids, list) and one.id in map(str, ids)
