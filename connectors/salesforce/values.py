"""Salesforce's instants, days and quoted text.

Owns their reading and writing. Refuses time zones: everything is UTC. Invariant: an instant that Salesforce sent comes
back to the same millisecond, and no text can end the quotes it stands in.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from connectors.salesforce.ids import is_id


def read_instant(text: str) -> int:
    """Epoch ms of ``2026-03-02T14:05:00.000+0000`` or ``…Z``. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"an instant without an offset: {text!r}")
    return round(moment.timestamp() * 1000)


def show_instant(at: int) -> str:
    """``2026-03-02T14:05:00.000Z``, in SOQL (unquoted) and in JSON alike."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03d}Z"


def show_day(at: int) -> str:
    """The UTC day of an instant, for fields that hold a date."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d}"


def quote(text: str) -> str:
    """A SOQL string literal. https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
    sforce_api_calls_soql_select_quotedstringescapes.htm"""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def select(columns: Iterable[str], name: str, where: str, rest: str = "") -> str:
    """A query. Columns and object are names that describe showed, values in ``where`` are quoted or instants."""
    return f"SELECT {', '.join(columns)} FROM {name} WHERE {where} {rest}".rstrip()  # noqa: S608


def id_list(ids: Collection[str]) -> str:
    """``('id', 'id')`` for an IN condition. Raises ValueError for text that is no id."""
    if not ids or not all(map(is_id, ids)):
        raise ValueError("an IN condition takes record ids")
    return "('" + "', '".join(ids) + "')"
