"""The names of effects: made of content alone.

Owns idempotency keys. Refuses counters, row ids and the present time, so that a restored backup, a rebuilt database
and a second daemon call the same effect by the same name. Invariant: equal effects, equal keys, on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

_LENGTH: Final = 40  # fits every CRM's custom text field; 160 bits are beyond chance

_encoder: Final = msgspec.json.Encoder(order="sorted")


def _digest(*parts: Any) -> str:
    return hashlib.sha256(_encoder.encode(parts)).hexdigest()[:_LENGTH]


def step_key(record: str, policy: str, target: str, started_at: int, step: str, arm: int, action: str) -> str:
    """The name of what one step does to one record. ``record`` begins with its connection's name."""
    return _digest(record, policy, target, started_at, step, arm, action)


def completion_key(task: str) -> str:
    """The name of marking the task as done that the effect ``task`` made."""
    return _digest("complete", task)


def episode_key(watch: str, group: str, begin: int, action: str) -> str:
    """The name of what one episode of a watch does: ``begin`` is epoch ms."""
    return _digest("watch", watch, group, begin, action)


def fields_key(record: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """The name of the state in which our fields of ``record`` hold ``values``, and these values as sorted JSON."""
    text = _encoder.encode(values)
    # The record stands in front so that the keys of a page of records lie side by side in the index: of nothing else
    # are there so many rows.
    return f"fields:{record}:{hashlib.sha256(text).hexdigest()[:16]}", text.decode()
