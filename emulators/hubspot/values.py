"""Property values: what the API takes, what is kept, what it gives back.

Owns parsing and rendering of one value by its type. Refuses to know records, pipelines and owners.
Invariant: ``render(parse(text))`` gives the vendor's own form of a valid text; an instant is kept as epoch ms.
https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from emulators.hubspot.errors import Issue

DAY_MS: Final = 86_400_000
_DIGITS: Final = re.compile(r"-?\d+")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def iso(at_ms: int) -> str:
    """Like Java's Instant: no fraction when the milliseconds are zero."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    fraction = f".{at_ms % 1000:03d}" if at_ms % 1000 else ""
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def parse_instant(text: str) -> int | None:
    """Epoch milliseconds of ``1700000000000`` or ISO 8601 (without an offset: UTC); None for anything else."""
    if _DIGITS.fullmatch(text):
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1000)


def as_text(value: Any) -> str | None:
    """A JSON value as the text that the API reads it as; None for a value that is no scalar."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None


def parse(name: str, type: str, text: str) -> int | str | Issue:
    """The kept form of a text that is not empty, or what is wrong with it."""
    if type == "datetime":
        at = parse_instant(text)
        return Issue(name, "INVALID_LONG", f"{text} was not a valid long.") if at is None else at
    if type == "date":
        return _parse_date(name, text)
    if type == "number":
        try:
            number = Decimal(text)
        except InvalidOperation:
            return Issue(name, "INVALID_LONG", f"{text} was not a valid long.")
        return f"{number:f}"
    if type == "bool":
        lower = text.lower()
        if lower not in ("true", "false"):
            return Issue(name, "INVALID_BOOLEAN", f"{text} was not a valid boolean.")
        return lower
    if name == "email" and not _EMAIL.fullmatch(text):
        return Issue(name, "INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def _parse_date(name: str, text: str) -> str | Issue:
    # A date has no time: YYYY-MM-DD or epoch ms of a UTC midnight. developers.hubspot.com, properties guide.
    if _DIGITS.fullmatch(text):
        at_ms = int(text)
        if at_ms % DAY_MS:
            at = datetime.fromtimestamp(at_ms // 1000, UTC)
            clock = f"{at.hour}:{at.minute}:{at.second}.{at_ms % 1000}"
            return Issue(name, "INVALID_DATE", f"{text} is at {clock} UTC, not midnight!")
        return datetime.fromtimestamp(at_ms // 1000, UTC).date().isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return Issue(name, "INVALID_DATE", f"{text} was not a valid date.")


def render(type: str, kept: int | str) -> str:
    """The text that the API answers."""
    return iso(int(kept)) if type == "datetime" else str(kept)


def comparable(type: str, text: str) -> float | str | None:
    """A kept or asked value in the form in which searches compare it; None when it has no place in the order."""
    if type in ("number", "datetime"):
        try:
            return float(text)
        except ValueError:
            return None
    if type == "date":
        if _DIGITS.fullmatch(text):
            return float(text)
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000
        except ValueError:
            return None
    return text.lower()
