"""Write-backs that the login may not make although it may do all else.

Owns how long they wait, and whether somebody has been told. Refuses to stop a connection for them: what may be read is
read on. Invariant: one alarm for each missing permission, for as long as it is missing.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FIRST_WAIT_MS: Final = 300_000
"""Doubled with each further try, up to an hour: a permission is granted by hand."""
LONGEST_WAIT_MS: Final = 3_600_000
GRANTED_MS: Final = 2 * LONGEST_WAIT_MS
"""What has not been refused for so long had been granted: the next refusal is another one."""


class Met(NamedTuple):
    """A missing permission: no try before ``until`` (epoch ms); ``news`` when nobody has been told yet."""

    until: int
    wait_ms: int
    news: bool = True


class Lacking:
    """Which permissions are missing, by connection and by what the CRM said of them."""

    def __init__(self) -> None:
        self._met: dict[tuple[str, str], Met] = {}

    def met(self, connection: str, reason: str, now: int) -> Met:
        """Notes a refusal."""
        last = self._met.get((connection, reason))
        if last is None or now - last.until > GRANTED_MS:
            found = Met(now + FIRST_WAIT_MS, FIRST_WAIT_MS)
        elif last.until > now:  # another batch of the same round
            found = last._replace(news=False)
        else:
            wait_ms = min(LONGEST_WAIT_MS, 2 * last.wait_ms)
            found = Met(now + wait_ms, wait_ms, news=False)
        self._met[connection, reason] = found
        return found
