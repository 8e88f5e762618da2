"""A connection in words: what is left of its calls, who used them, what is held back, how far a first reading is, how
its channels stand, and what is missing.

Owns the sentences. Refuses to count. Invariant: the same words stand in ``status`` and on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console import output

if TYPE_CHECKING:
    from sync.view_shape import AllowanceRow, ChannelRow, ConnectionRow, ReadingRow


def lines(row: ConnectionRow, now: int) -> list[str]:
    """Sentences about one connection as of ``now`` (epoch ms); none when there is nothing to say."""
    return list(_lines(row, now))


def _lines(row: ConnectionRow, now: int) -> Iterator[str]:
    if row.state != "ok" and row.retry_at is not None and row.retry_at > now:
        yield f"nobody is called before {output.instant(row.retry_at)}"
    if row.fix:
        yield f"next step: {row.fix}"
    if row.allowance is not None and (row.allowance.own or row.allowance.max):
        yield _share(row.allowance)
    for held in row.held:
        if held.until > now:
            yield f"{_gerund(held.purpose)} is held back until {output.instant(held.until)}: {held.reason}"
    for reading in row.reading:
        yield _reading(reading)
    for channel in row.channels:
        yield _channel(channel, now)
    for loss in row.losses:
        yield f"{loss.subject}: {loss.reason}" + (f"; {loss.fix}" if loss.fix else "")


def _channel(row: ChannelRow, now: int) -> str:
    heard = "never" if row.heard_at is None else f"{output.length(max(0, now - row.heard_at) / 1_000)} ago"
    return f"channel {row.name}: {row.state}, last heard {heard}" + (f": {row.reason}" if row.reason else "")


def _share(row: AllowanceRow) -> str:
    spent = ", ".join(f"{name} {count:,}" for name, count in sorted(row.spent.items(), key=lambda item: -item[1]))
    ours = f"{row.own:,} calls of the day are ours" + (f" ({spent})" if spent else "")
    if row.max is None:
        return f"{ours}; the CRM tells no daily limit"
    left = f"{row.left or 0:,} of our {int(row.share * row.max):,} calls are left"
    others = "" if row.others is None else f", {row.others:,} others'"
    when = "the last 24 hours count" if row.resets_at is None else f"anew at {output.instant(row.resets_at)}"
    return f"{left}; {ours}{others}, of {row.max:,}; {when}"


def _reading(row: ReadingRow) -> str:
    words = [f"first contact: {row.stream}, {row.read:,} read"]
    if row.remaining is not None:
        words.append(f"{row.remaining:,} to go")
    if row.rate is not None:
        words.append(f"{row.rate:,.0f} a second")
    if row.left_s is not None:
        words.append(f"{output.length(row.left_s)} left")
    return ", ".join(words)


def _gerund(purpose: str) -> str:
    return {
        "breach": "writing breaches", "warning": "writing warnings", "refresh": "refreshing fields", "read": "reading",
        "reconcile": "reconciling", "check": "checking",
    }.get(purpose, purpose)  # fmt: skip
