"""Batch endpoints: up to a hundred records in one call, wholly or in part.

Owns which failures sink a batch and which only their own row. Refuses to write by itself: see ``writing``.
Invariant: what an answer lists under ``results`` has been written, what it lists under ``errors`` has not.
Most of what sinks a batch is captured; that results come in another order than inputs too.
https://developers.hubspot.com/docs/api-reference/error-handling#multi-status-errors
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulators.http import Response
from emulators.hubspot.api import PAGE_MAX_WITH_HISTORY, Call, done, multi_status, record_body
from emulators.hubspot.checks import check_links, check_properties
from emulators.hubspot.errors import HubSpotError, bad_input, objects_not_found
from emulators.hubspot.kinds import Kind
from emulators.hubspot.records import Record

Input = Mapping[str, Any]
Write = Callable[[Input], dict[str, Any]]
"""Writes one input and gives its result; raises HubSpotError and then has written nothing."""

Check = Callable[[Input], object]
"""Raises HubSpotError for an input that would be refused; writes nothing."""


def batch(call: Call, kind: Kind, what: str) -> Response:
    """``what``: read, create, update, upsert or archive."""
    run = {"read": _read, "create": _create, "update": _update, "upsert": _upsert, "archive": _archive}.get(what)
    if run is None:
        raise HubSpotError(404, "resource not found", "OBJECT_NOT_FOUND")
    (call.may_read if what == "read" else call.may_write)(kind)
    return run(call, kind)


def _read(call: Call, kind: Kind) -> Response:
    body = call.json()
    history = [str(name) for name in body.get("propertiesWithHistory") or []]
    inputs = call.inputs(PAGE_MAX_WITH_HISTORY if history else 100)
    names = [str(name) for name in body.get("properties") or []]
    archived = call.flag("archived")
    found: dict[str, Record] = {}
    missing: list[str] = []
    for wanted in dict.fromkeys(_id(one) for one in inputs):
        record = call.portal.find(kind, wanted, body.get("idProperty"))
        if record is None or record.archived is not archived:
            missing.append(wanted)
        else:
            found[record.id] = record
    results = [record_body(call.portal, record, names, history) for record in found.values()]
    errors = [objects_not_found(kind.label, missing).row({})] if missing else []
    return multi_status(call, results, errors, 200)


def _create(call: Call, kind: Kind) -> Response:
    def check(one: Input) -> None:
        check_properties(call.portal, kind, one.get("properties"), call.author)
        check_links(call.portal, kind, one.get("associations") or ())

    def write(one: Input) -> dict[str, Any]:
        record = call.writer.create(kind, one.get("properties"), one.get("associations") or ())
        return record_body(call.portal, record, None)

    return _write_all(call, call.inputs(), check, write, 201)


def _update(call: Call, kind: Kind) -> Response:
    inputs = call.inputs()
    _refuse_doubles(inputs)
    known = {_id(one): call.portal.find(kind, _id(one), one.get("idProperty")) for one in inputs}
    there = {key: record for key, record in known.items() if record is not None and not record.archived}
    missing = [key for key in known if key not in there]

    def check(one: Input) -> None:
        check_properties(call.portal, kind, one.get("properties"), call.author, there[_id(one)])

    def write(one: Input) -> dict[str, Any]:
        record = there[_id(one)]
        call.writer.update(record, one.get("properties"))
        return record_body(call.portal, record, None)

    rows = [objects_not_found(kind.label, missing).row(_traces(inputs, missing))] if missing else []
    return _write_all(call, [one for one in inputs if _id(one) in there], check, write, 200, rows)


def _upsert(call: Call, kind: Kind) -> Response:
    """Creates what is not there: by a property that is unique."""
    inputs = call.inputs()
    _refuse_doubles(inputs)

    def check(one: Input) -> Record | None:
        record, properties = _wanted(call, kind, one)
        check_properties(call.portal, kind, properties, call.author, record)
        return record

    def write(one: Input) -> dict[str, Any]:
        record, properties = _wanted(call, kind, one)
        new = record is None
        if record is None:
            record = call.writer.create(kind, properties)
        else:
            call.writer.update(record, properties)
        return record_body(call.portal, record, None) | {"new": new}

    return _write_all(call, inputs, check, write, 200)


def _wanted(call: Call, kind: Kind, one: Input) -> tuple[Record | None, dict[str, Any]]:
    by = str(one.get("idProperty") or "")
    if not by:
        raise bad_input("Some required fields were not set: [idProperty]")
    record = call.portal.find(kind, _id(one), by)
    properties = one.get("properties")
    if not isinstance(properties, dict):
        raise bad_input("Some required fields were not set: [properties]")
    return record, properties if record else {by: _id(one)} | properties


def _archive(call: Call, kind: Kind) -> Response:
    for one in call.inputs():
        record = call.portal.find(kind, _id(one))
        if record is not None and not record.archived:
            call.writer.archive(record)
    return done()


def _id(one: Input) -> str:
    if not isinstance(one.get("id"), str | int):
        raise bad_input("Some required fields were not set: [id]")
    return str(one["id"])


def _refuse_doubles(inputs: list[dict[str, Any]]) -> None:
    ids = [_id(one) for one in inputs]
    doubled = sorted({one for one in ids if ids.count(one) > 1})
    if doubled:
        told = f"Duplicate IDs found in batch input: [{', '.join(doubled)}]. IDs must be unique"
        raise HubSpotError(400, told, context={"ids": doubled})


def _write_all(
    call: Call,
    inputs: list[dict[str, Any]],
    check: Check,
    write: Write,
    status: int,
    rows: list[dict[str, Any]] | None = None,
) -> Response:
    """Rows fail alone when every input has an ``objectWriteTraceId``; otherwise one wrong input refuses the whole
    batch and nothing is written (developers.hubspot.com, "Multi-status errors for batch create requests")."""
    alone = all(one.get("objectWriteTraceId") for one in inputs)
    if not alone:
        for one in inputs:
            check(one)
    struck = call.partial()
    results: list[dict[str, Any]] = []
    errors = list(rows or [])
    for number, one in enumerate(inputs):
        if struck and (number % 2 or len(inputs) == 1):
            errors.append(HubSpotError(500, "internal error", "INTERNAL_ERROR").row(_named(one)))
            continue
        try:
            result = write(one)
        except HubSpotError as refused:
            errors.append(refused.row(_named(one)))
        else:
            if trace := one.get("objectWriteTraceId"):
                result["objectWriteTraceId"] = trace
            results.append(result)
    results.reverse()  # the order of results is not the order of inputs
    return multi_status(call, results, errors, status)


def _named(one: Input) -> dict[str, list[str]]:
    context = {"ids": [str(one["id"])]} if "id" in one else {}
    trace = one.get("objectWriteTraceId")
    return context | ({"objectWriteTraceId": [str(trace)]} if trace else {})


def _traces(inputs: list[dict[str, Any]], ids: list[str]) -> dict[str, list[str]]:
    traces = [str(one["objectWriteTraceId"]) for one in inputs if one.get("objectWriteTraceId") and _id(one) in ids]
    return {"objectWriteTraceId": traces} if traces else {}
