"""The counts of the store in the Prometheus text format.

Owns the names of the metrics. Refuses to count anything itself: every figure is the view's.
Invariant: every name begins with ``sla_sidecar_`` and says its unit.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sync.view import View

_STATES: Final = ("ok", "retrying", "stopped")
Sample = tuple[dict[str, str], float]


def exposition(view: View, now: int) -> str:
    """The whole document. ``now`` is epoch ms."""
    summary, connections = view.summary(), view.connections()
    lines: list[str] = []
    _gauge(lines, "clocks", "Clocks by state or outcome.", _counts("word", summary.clocks))
    _gauge(lines, "outbox_rows", "Write-backs by state.", _counts("state", summary.outbox))
    _gauge(lines, "inbox_rows", "Inbound changes by state.",
           _counts("state", {"new": summary.inbox_new, "dead": summary.inbox_dead}))  # fmt: skip
    _gauge(lines, "records", "Records known.", [({}, summary.records)])
    _gauge(lines, "paused", "1 while write-backs are stopped by hand.", [({}, int(summary.paused))])
    states = [({"connection": c.name, "state": state}, int(c.state == state)) for c in connections for state in _STATES]
    _gauge(lines, "connection_state", "1 for the state a connection is in.", states)
    _gauge(lines, "connection_age_seconds", "Seconds since the last poll that was wholly digested.",
           [({"connection": c.name}, (now - c.ok_at) / 1_000) for c in connections if c.ok_at is not None])  # fmt: skip
    _gauge(lines, "quota_used", "Calls used of the vendor's allowance.",
           [({"connection": c.name, "window": q.window}, q.used) for c in connections for q in c.quota])  # fmt: skip
    _gauge(lines, "quota_max", "The vendor's allowance in calls.",
           [({"connection": c.name, "window": q.window}, q.max) for c in connections for q in c.quota])  # fmt: skip
    shares = [(c.name, c.allowance) for c in connections if c.allowance is not None]
    _gauge(
        lines,
        "quota_left",
        "Calls of the day that our share has left.",
        [({"connection": name}, a.left) for name, a in shares if a.left is not None],
    )
    _gauge(
        lines,
        "calls",
        "Our own calls of the vendor's day by purpose.",
        [({"connection": name, **one}, n) for name, a in shares for one, n in _counts("purpose", a.spent)],
    )
    _gauge(lines, "held_back_seconds", "Seconds until calls for a purpose go on.",
           [({"connection": c.name, "purpose": h.purpose}, (h.until - now) / 1_000)
            for c in connections for h in c.held if h.until > now])  # fmt: skip
    return "\n".join(lines) + "\n"


def _counts(label: str, counts: dict[str, int]) -> list[Sample]:
    return [({label: word}, count) for word, count in sorted(counts.items())]


def _gauge(lines: list[str], name: str, help_text: str, samples: Iterable[Sample]) -> None:
    lines += [f"# HELP sla_sidecar_{name} {help_text}", f"# TYPE sla_sidecar_{name} gauge"]
    for labels, value in samples:
        shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        lines.append(f"sla_sidecar_{name}{{{shown}}} {value:g}" if shown else f"sla_sidecar_{name} {value:g}")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
