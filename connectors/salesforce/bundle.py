"""Several queries in one call.

Owns the shape of a composite request and of its answer. Refuses to send. Invariant: each query has its own answer or
its own error, whatever became of the others.
https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-composite-post.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from connectors.errors import ConnectorError, RetryLater
from connectors.salesforce import names
from connectors.salesforce.faults import call_error


class Answer(NamedTuple):
    """A successful answer. ``at`` is the server's own time (its Date header) in epoch ms, or None."""

    body: bytes
    at: int | None
    headers: Mapping[str, str] = {}


class Part(msgspec.Struct, rename="camel"):
    """What became of one part of a composite call."""

    body: msgspec.Raw
    http_status_code: int


class _Bundle(msgspec.Struct, rename="camel"):
    composite_response: list[Part]


_decode_bundle = msgspec.json.Decoder(_Bundle).decode


def bundle(version: str, soqls: Sequence[tuple[str, int]]) -> bytes:
    """The body that asks all of ``soqls``, deleted rows included, each with the most rows of its page."""
    base = f"{names.VERSIONS}v{version}/{names.QUERY_ALL}"
    parts = [
        {
            "method": "GET", "referenceId": f"q{number}", "url": f"{base}?q={quote(soql)}",
            "httpHeaders": {names.QUERY_OPTIONS: f"batchSize={rows}"},
        }
        for number, (soql, rows) in enumerate(soqls)
    ]  # fmt: skip
    return msgspec.json.encode({"allOrNone": False, "compositeRequest": parts})


def parts_of(whole: Answer) -> list[Part]:
    """The parts of a composite call's answer; none when it is unreadable."""
    try:
        return _decode_bundle(whole.body).composite_response
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def unbundle(whole: Answer, expected: int) -> list[Answer | ConnectorError]:
    """The answers of a composite call's parts, each or its error."""
    parts = parts_of(whole)
    if len(parts) != expected:
        raise RetryLater("the answer to a composite call is unreadable", code="UNREADABLE")
    return [
        Answer(bytes(part.body), whole.at)
        if 200 <= part.http_status_code < 300
        else call_error(part.http_status_code, bytes(part.body), {}, write=False)
        for part in parts
    ]
