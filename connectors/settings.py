"""What every connection table may say, whatever the CRM.

Owns the common keys, their defaults and their checks. Refuses vendor words: each CRM extends the model in its own
``settings.py``. Invariant: an unknown key is an error, and no message of a failed validation repeats a value.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from connectors.secret import Secret

StatusCategory = Literal["new", "open", "pending", "on_hold", "resolved", "closed", "disqualified", "converted"]
Priority = Literal["urgent", "high", "normal", "low"]
RecordKind = Literal["lead", "ticket", "deal"]

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(value: object) -> float:
    """Seconds of a duration text such as ``"15s"`` or ``"1h30m"``. Raises ValueError."""
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError('a duration is text such as "15s", "10m" or "1h30m"')
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(value))


def is_loopback(host: str | None) -> bool:
    """Whether a host name or address means this machine."""
    if not host:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(value: str) -> str:
    """A base URL without a trailing slash. Only a loopback address may be plain http. Raises ValueError."""
    parts = urlsplit(value)
    if parts.username or parts.password:
        raise ValueError("a URL carries no user name or password")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError('a base URL reads "https://host" or "https://host/path"')
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is allowed only to this machine (127.0.0.1); use https")
    return value.rstrip("/")


Seconds = Annotated[float, BeforeValidator(seconds)]
"""A duration text in the configuration, a number of seconds in the model."""


def between(least: str, most: str) -> Callable[[float], float]:
    """A check of a duration, its bounds as they would be written; what leads outside them is a slip of the pen."""

    def check(value: float) -> float:
        if not seconds(least) <= value <= seconds(most):
            raise ValueError(f'must lie between "{least}" and "{most}"')
        return value

    return check


Wait = Annotated[Seconds, AfterValidator(between("50ms", "1h"))]
"""How long something is waited for: a call that may take no time at all never comes to an end well."""

Overlap = Annotated[Seconds, AfterValidator(between("0s", "168h"))]

BaseUrl = Annotated[str, AfterValidator(base_url)]


class Table(BaseModel):
    """A table of the configuration: frozen, no unknown keys, values never repeated in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Timeouts(Table):
    """How long one HTTP call may take, in seconds: to connect, between two bytes, and altogether."""

    connect: Wait = 5.0
    read: Wait = 30.0
    total: Wait = 120.0


class ConnectionSettings(Table):
    """The keys that every ``[connections.NAME]`` may have. Durations are seconds once validated."""

    connector: str
    poll_every: Annotated[Seconds, AfterValidator(between("100ms", "24h"))] = 60.0
    overlap: Overlap = 600.0
    quota_share: float = Field(default=0.2, gt=0, le=1)
    may_vanish: float = Field(default=0.5, gt=0, le=1)
    objects: tuple[str, ...] = ()
    enforce_from: datetime | None = None
    status: dict[RecordKind, dict[str, StatusCategory]] = Field(default_factory=dict)
    priority: dict[str, Priority] = Field(default_factory=dict)
    fields: dict[str, str | dict[RecordKind, str]] = Field(default_factory=dict)
    write: dict[RecordKind, dict[str, str]] = Field(default_factory=dict)
    tags: dict[RecordKind, str] = Field(default_factory=dict)
    url: BaseUrl | None = None
    timeouts: Timeouts = Timeouts()
    allow_plain_secrets: bool = False

    @classmethod
    def lacking(cls, table: Mapping[str, Any], action: str, kind: str) -> str | None:
        """Why a connection with this table cannot do ``action`` (tag, message, priority) for records of a kind, with
        what to do about it; None when it can, or does not watch that kind."""
        tags = table.get("tags")
        if action == "tag" and kind in cls.watched(table) and not (isinstance(tags, Mapping) and kind in tags):
            return f'name the field that holds its tags, such as tags.{kind} = "SLA_Tags__c"'
        return None

    @staticmethod
    def fills(table: Mapping[str, Any], field: str, kind: str) -> bool:
        """Whether ``fields`` of a connection's table says where a normalised field of a kind stands."""
        fields = table.get("fields")
        path = fields.get(field) if isinstance(fields, Mapping) else None
        return isinstance(path, str) or (isinstance(path, Mapping) and kind in path)

    @classmethod
    def watched(cls, table: Mapping[str, Any]) -> frozenset[str]:  # noqa: ARG003 - each CRM has its own word for it
        """The kinds of records that a connection with this table watches."""
        return frozenset(get_args(RecordKind))


def secret_keys(model: type[BaseModel]) -> frozenset[tuple[str, ...]]:
    """Paths of the keys of ``model`` that hold secrets, nested tables included: ``("client_secret",)``."""
    found: set[tuple[str, ...]] = set()
    for name, field in model.model_fields.items():
        key = field.alias or name
        for kind in _types(field.annotation):
            if kind is Secret:
                found.add((key,))
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                found.update((key, *path) for path in secret_keys(kind))
    return frozenset(found)


def _types(annotation: Any) -> list[Any]:
    inner = get_args(annotation)
    return [kind for part in inner for kind in _types(part)] if inner else [annotation]
