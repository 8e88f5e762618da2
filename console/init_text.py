"""The commented configuration that ``init`` writes.

Owns its wording and order. Refuses secrets: it is given their places. Invariant: what is written is accepted by
``check --offline`` as it stands, and starts in shadow mode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from console.init_proposal import Proposal
from console.toml_text import key, pairs, text

_WIDTH: Final = 117
_CATEGORIES: Final = "new, open, pending (waiting for the customer), on_hold (for somebody else), resolved, closed"
_POLICY: Final = {
    "lead": ("New leads", '"15m"', "Call {record.name} now"),
    "ticket": ("New tickets", '{ urgent = "15m", high = "1h", normal = "4h", low = "1bd" }', "Answer {record.name}"),
    "deal": ("New deals", '"1bd"', "Answer {record.name}"),
}
"""By kind of record: the policy's name, its first response, and the task shortly before due."""


def configuration(name: str, table: Mapping[str, Any], account: str, proposal: Proposal) -> str:
    """The whole file. ``table`` is the login's part of ``[connections.NAME]``; ``account`` says whose it is."""
    parts = (
        _daemon(),
        _calendar(proposal),
        _connection(name, table, account, proposal),
        _statuses(name, proposal),
        _write(name, proposal),
        _pool(proposal),
        *(_policy(kind, proposal) for kind in proposal.kinds),
    )
    return "\n".join(line for part in parts for line in (*part, "")).rstrip("\n") + "\n"


def _daemon() -> Iterator[str]:
    yield "# Configuration of sla-sidecar, as `sla-sidecar init` proposes it for this account. Every key stands in"
    yield "# docs/configuration.md; `sla-sidecar check` tells what does not fit."
    yield ""
    yield "[daemon]"
    yield 'database = "sla.db"'
    yield 'listen = "127.0.0.1:8080"'
    yield 'mode = "shadow"                     # compute everything, write nothing; "live" once you like what you see'


def _calendar(proposal: Proposal) -> Iterator[str]:
    yield "# When people work: due times count these hours only."
    for note in proposal.hours.notes:
        yield f"# {_plain(note)}"
    if proposal.hours.table.get("hours") == "24x7":
        yield '# Open around the clock: is that so? If not: hours = { mon-fri = "09:00-17:00" }'
    yield f"[calendars.{key(proposal.hours.name)}]"
    for name, value in proposal.hours.table.items():
        yield from _wrapped(name, value)
    if not proposal.hours.notes:
        yield '# holidays = ["DE", "DE-BE"]         # a country, or a part of it'


def _wrapped(name: str, value: Any) -> Iterator[str]:
    """A pair on one line, a long list on one for each of its elements."""
    line = f"{key(name)} = {text(value)}"
    if len(line) <= _WIDTH or not isinstance(value, list | tuple):
        yield line
        return
    yield f"{key(name)} = ["
    yield from (f"  {text(element)}," for element in value)
    yield "]"


def _connection(name: str, table: Mapping[str, Any], account: str, proposal: Proposal) -> Iterator[str]:
    yield f"# {_plain(account)}"
    yield "# The connection's name begins the names of its records, so it stays. Secrets are only named here."
    yield f"[connections.{key(name)}]"
    yield from pairs(table)
    yield f"objects = {text(proposal.objects)}"
    yield "# enforce_from = 2026-01-15T09:00:00Z           # older records are measured only; default: the first start"


def _statuses(name: str, proposal: Proposal) -> Iterator[str]:
    yield f"# What your statuses mean: {_CATEGORIES};"
    yield "# for leads also disqualified and converted. This is our guess: clocks start, pause and stop by it."
    first = True
    for kind in proposal.kinds:
        words = {one.name: one.category for one in proposal.statuses if one.kind == kind}
        if words:
            yield from () if first else ("",)
            first = False
            yield f"[connections.{key(name)}.status.{kind}]"
            yield from pairs(words)


def _write(name: str, proposal: Proposal) -> Iterator[str]:
    yield "# What we know -> the CRM's field. `sla-sidecar provision` creates those that are not there; what has no"
    yield "# entry here is not written."
    yield f"[connections.{key(name)}.write]"
    yield from pairs(proposal.write)


def _pool(proposal: Proposal) -> Iterator[str]:
    taker = proposal.taker
    if not taker.members:
        return
    yield "# Who takes over, in turns. Take out whoever does not take records."
    yield f"[pools.{taker.reassign}]"
    yield "members = ["
    for member, called in taker.members:
        yield f"  {text(member)}," + (f"  # {_plain(called)}" if called and called != member else "")
    yield "]"
    if taker.fallback is not None:
        yield f"fallback = {text(taker.fallback)}      # when nobody of them can have it"


def _policy(kind: str, proposal: Proposal) -> Iterator[str]:
    name, within, task = _POLICY[kind]
    yield "[[policies]]"
    yield f"name = {text(name)}"
    yield f"applies_to = {text(kind)}"
    yield f"calendar = {text(proposal.hours.name)}"
    yield 'stage = "warn"                      # fields, notices and tasks; reassigning waits for "enforce"'
    yield ""
    yield "[[policies.targets]]"
    yield 'metric = "first_response"'
    yield f"within = {within}"
    yield "steps = ["
    yield f'  {{ at = "75%", notify = "owner", task = {text(task)} }},'
    if proposal.taker.reassign is not None:
        yield f'  {{ at = "due", notify = "manager", reassign = {text(proposal.taker.reassign)} }},'
    else:
        yield '  { at = "due", notify = "manager" },'
    yield "]"


def _plain(words: str) -> str:
    """Foreign text for a comment: nothing in it ends the line."""
    return "".join(char if char.isprintable() else " " for char in words)
