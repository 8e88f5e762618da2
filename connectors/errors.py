"""Five errors that say what to do next. A connector raises nothing else across its boundary.

Owns the classification of failures by what the caller must do. Refuses one class per HTTP status.
Invariant: messages never carry a secret, a record's personal data or a whole vendor body.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """Base of the five. ``reason`` is one plain sentence for a person; ``code`` is the vendor's own code, if any."""

    fix: str | None = None
    """The next step for a person, where the connector knows one."""

    again_s: float | None = None
    """Seconds until the next try, where it calls nobody: what failed is on our own side."""

    def __init__(self, reason: str, *, code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class RetryLater(ConnectorError):
    """A passing fault: time-out, reset, 5xx, HTML instead of JSON, a locked row.

    ``after`` is the wait in seconds that the vendor asked for, or None. ``unknown`` is True when the request was a
    write that may have taken effect: its effect must be looked up before it is sent again.
    """

    def __init__(self, reason: str, *, code: str | None = None, after: float | None = None, unknown: bool = False):
        super().__init__(reason, code=code)
        self.after = after
        self.unknown = unknown


class RateLimited(RetryLater):
    """The vendor's quota said no. Never retried within the call; ``after`` seconds is the earliest next try."""

    def __init__(self, reason: str, *, after: float, code: str | None = None) -> None:
        super().__init__(reason, code=code, after=after, unknown=False)
        self.after: float = after


class AuthFailed(ConnectorError):
    """Login refused or revoked, or a permission of the whole connection is missing: stop, alarm, retry slowly."""

    narrow: bool = False
    """The login stands, and lacks the permission for calls of this kind alone: after a write, reading goes on."""


class Rejected(ConnectorError):
    """This record or request will never be accepted as it is (validation rule, deleted, unknown field)."""


class Conflict(ConnectorError):
    """The record is not what we thought (owner or status moved on): read again and decide again."""
