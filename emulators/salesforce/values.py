"""Values on the wire and in rows: instants, dates, and what a client may send for a type.

Owns conversion. Refuses to know objects.
Invariant: ``show(read(x))`` is what Salesforce would show for ``x``, with fractions of seconds gone.
Source: REST API Developer Guide, "Valid Date and DateTime Formats"; answers spell UTC as ``+0000``.
https://developer.salesforce.com/docs/platform/salesforce-soql-sosl/guide/sforce-api-calls-soql-select-dateformats.html
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from emulators.salesforce.errors import ApiError, bad_json, malformed_id
from emulators.salesforce.ids import is_id, to_18
from emulators.salesforce.schema import TEXT_TYPES, Field

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
NUMBERS: Final = frozenset({"int", "double", "currency", "percent"})


@lru_cache(maxsize=65536)
def show_instant(ms: int) -> str:
    """Epoch ms as REST answers spell it: ``2026-03-02T14:05:00.000+0000``."""
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def read_instant(text: str, *, exact: bool = False) -> int | None:
    """Epoch ms, in whole seconds unless ``exact``; None for text that is no instant with an offset."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1000 + (moment.microsecond // 1000 if exact else 0)


def read_date(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


def show(field: Field, value: Any) -> Any:
    """A row's value as an answer carries it."""
    return show_instant(value) if field.type == "datetime" and value is not None else value


def read(field: Field, value: Any) -> Any:
    """What a client sent for a field, as rows keep it. Raises ApiError when the type does not take it."""
    if value is None or value == "":
        return False if field.type == "boolean" else None
    if field.type in TEXT_TYPES:
        return _text(field, value)
    if field.type in ("reference", "id"):
        if not is_id(value):
            raise malformed_id(field.label.removesuffix(" ID"), value)
        return to_18(value)
    if field.type == "boolean":
        return _boolean(field, value)
    if field.type in NUMBERS:
        return _number(field, value)
    if field.type in ("datetime", "date"):
        return _moment(field, value)
    return str(value)


def _text(field: Field, value: Any) -> str:
    if isinstance(value, dict | list):
        raise bad_json(f"Cannot deserialize instance of {field.type} from {type(value).__name__}: {field.name}")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "1", "false", "0"):
        return str(value).lower() in ("true", "1")
    raise _not_a(field, value)


def _number(field: Field, value: Any) -> float | int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise _not_a(field, value) from None
    return int(number) if field.type == "int" else number


def _moment(field: Field, value: Any) -> int | str:
    found = None
    if isinstance(value, str):
        found = read_instant(value) if field.type == "datetime" else (read_date(value) or _day_of(value))
    if found is None:
        raise _not_a(field, value)
    return found


def _day_of(text: str) -> str | None:
    instant = read_instant(text)
    return None if instant is None else show_instant(instant)[:10]


def _not_a(field: Field, value: Any) -> ApiError:
    kind = "VALUE_STRING" if isinstance(value, str) else "VALUE_NUMBER_INT"
    return bad_json(
        f"Cannot deserialize instance of {field.type} from {kind} value {value} or request may be missing a required "
        "field at [line:1, column:2]"
    )
