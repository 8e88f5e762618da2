"""Composite: up to 25 calls in one, the later ones using answers of the earlier ones.

Owns references and the all-or-none of a composite request. Refuses what a subrequest does.
Invariant: a composite request counts as one call, and its subrequests answer in order.
Source: https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html ("up to 25
subrequests …, up to 5 of these … sObject Collections or query operations"). The codes of these refusals are assumed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from emulators.http import Request, Response
from emulators.salesforce import errors
from emulators.salesforce.call import Call
from emulators.salesforce.errors import ApiError
from emulators.salesforce.writes import Writer

MOST: Final = 25
MOST_WIDE: Final = 5
"""How many of them may be queries or collections."""
_WIDE: Final = re.compile(r"/services/data/v[\d.]+/(query|queryAll|composite/sobjects)(?=[/?]|$)")
_REFERENCE: Final = re.compile(r"@\{([^}]+)\}")
_ROLLED_BACK: Final = "The transaction was rolled back since another operation in the same transaction failed."


class _Rollback(Exception):
    """Leaves an all-or-none block without a trace of what was written in it."""


class Composite:
    """``dispatch`` answers one subrequest as if it had come by itself."""

    def __init__(self, writer: Writer, dispatch: Callable[[Call, Request], Response]) -> None:
        self._writer = writer
        self._dispatch = dispatch

    def answer(self, call: Call) -> Response:
        if call.method != "POST":
            raise errors.method_not_allowed(call.method, "POST")
        body = call.body()
        parts = body.get("compositeRequest")
        if not isinstance(parts, list) or not parts:
            raise errors.bad_json("compositeRequest must be a list of subrequests")
        if len(parts) > MOST:
            raise ApiError(400, "LIMIT_EXCEEDED", f"No more than {MOST} subrequests are allowed in a composite request")
        if sum(_WIDE.search(str(part.get("url", ""))) is not None for part in parts) > MOST_WIDE:
            message = f"No more than {MOST_WIDE} queries and collections are allowed in a composite request"
            raise ApiError(400, "LIMIT_EXCEEDED", message)
        results: list[dict[str, Any]] = []
        try:
            if body.get("allOrNone"):
                with self._writer.all_or_none():
                    self._run(call, parts, results)
                    _check(results)
            else:
                self._run(call, parts, results)
        except _Rollback:
            results = [result if result["httpStatusCode"] >= 400 else _halted(result) for result in results]
        return Response(200, {"compositeResponse": results})

    def _run(self, call: Call, parts: list[dict[str, Any]], results: list[dict[str, Any]]) -> None:
        answers: dict[str, Any] = {}
        for part in parts:
            name = str(part.get("referenceId", ""))
            response = self._one(call, part, answers)
            if response.status < 400:
                answers[name] = response.body
            results.append(
                {"body": response.body, "httpHeaders": response.headers, "httpStatusCode": response.status}
                | {"referenceId": name}
            )

    def _one(self, call: Call, part: dict[str, Any], answers: dict[str, Any]) -> Response:
        try:
            url, body = _filled(part.get("url", ""), answers), _filled(part.get("body"), answers)
        except LookupError as unknown:
            message = f"Invalid reference specified. No value for {unknown.args[0]} found"
            return ApiError(400, "PROCESSING_HALTED", message).response()
        target = urlsplit(url)
        headers = {name.lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
        request = Request(
            method=str(part.get("method", "GET")).upper(),
            path=target.path,
            query=parse_qs(target.query, keep_blank_values=True),
            headers=headers,
            body=b"" if body is None else json.dumps(body).encode(),
            number=call.request.number,
        )
        return self._dispatch(call, request)


def _check(results: list[dict[str, Any]]) -> None:
    if any(result["httpStatusCode"] >= 400 for result in results):
        raise _Rollback


def _halted(result: dict[str, Any]) -> dict[str, Any]:
    return result | {
        "body": ApiError(400, "PROCESSING_HALTED", _ROLLED_BACK).body(), "httpHeaders": {}, "httpStatusCode": 400,
    }  # fmt: skip


def _filled(value: Any, answers: dict[str, Any]) -> Any:
    """``value`` with its ``@{name.path}`` references replaced. Raises LookupError with the reference."""
    if isinstance(value, dict):
        return {key: _filled(one, answers) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, answers) for one in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: str(_looked_up(found[1], answers)), value)
    return value


def _looked_up(reference: str, answers: dict[str, Any]) -> Any:
    value: Any = answers
    for step in re.findall(r"[^.\[\]]+", reference):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise LookupError(reference) from None
    return value
