"""What comes over the SDK's connections: bodies within limits, and refusals before the SDK has seen them.

Owns the reading of bodies. Refuses meaning: see ``answers``. Invariant: no body takes more memory than its limit, and a
refusal keeps its status, headers and bytes, whatever its encoding.

The SDK turns what is no success into an exception of its own, for which it reads the whole body, decodes it as UTF-8
and calls a method that one version of urllib3 did not have (https://github.com/HubSpot/hubspot-api-python/issues/460).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from connectors.errors import Rejected
from connectors.http import MAX_ANSWER_BYTES

MAX_REFUSAL_BYTES: Final = 1024 * 1024
"""A batch of a hundred wrong rows, each with all its values, is a tenth of that."""
PART_BYTES: Final = 65_536


class Refused(Exception):
    """An answer that is no success. ``body`` is its beginning."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


def guard(pool: Any) -> None:
    """Has a urllib3 pool manager raise Refused for every answer that is no success."""
    pool.request = partial(_successful, pool.request)


def _successful(request: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    answer = request(*args, **kwargs)
    if 200 <= answer.status < 300:
        return answer
    raise Refused(answer.status, answer.headers, _read(answer, MAX_REFUSAL_BYTES)[:MAX_REFUSAL_BYTES])


def read(answer: Any) -> bytes:
    """The body of a success. Raises Rejected for one that is too large."""
    body = _read(answer, MAX_ANSWER_BYTES)
    if len(body) > MAX_ANSWER_BYTES:
        raise Rejected(f"the answer is larger than {MAX_ANSWER_BYTES} bytes", code="TOO_LARGE")
    return body


def _read(answer: Any, most: int) -> bytes:
    """All of a body, or a little more than ``most`` of it; then the connection is given up."""
    parts: list[bytes] = []
    size = 0
    for part in answer.stream(PART_BYTES):
        parts.append(part)
        size += len(part)
        if size > most:
            answer.close()
            break
    return b"".join(parts)
