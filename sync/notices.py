"""Notices: what the steps of the ladder say to people, kept here until somebody carries them further.

Owns the action ``notify``. Refuses channels: mail and chat come by what reads the ledger. Invariant: after an outage a
person finds one digest, not a hundred stale alerts.
"""

from __future__ import annotations

import logging
from typing import Final

from sync import ledger, outbox
from sync.ledger import Entry
from sync.outbox import Letter
from sync.store import Transaction

log = logging.getLogger(__name__)

MANY: Final = 10
"""More than this at once for one addressee become one digest."""


def deliver(transaction: Transaction, now: int) -> int:
    """Puts every waiting notice into the ledger, by addressee. Returns how many there were."""
    letters = outbox.take_notices(transaction, now)
    if not letters:
        return 0
    by_addressee: dict[tuple[str, str | None], list[Letter]] = {}
    for letter in letters:
        addressee = letter.body["to"], letter.body["owner"] if letter.body["to"] == "owner" else None
        by_addressee.setdefault(addressee, []).append(letter)
    entries: list[Entry] = []
    for (to, owner), found in by_addressee.items():
        if len(found) > MANY:
            entries.append(Entry(now, "notice", None, _digest(to, owner, found)))
        else:
            entries += [Entry(now, "notice", letter.record, dict(letter.body)) for letter in found]
        log.info("%d notice(s) for %s: %s", len(found), owner or to, ", ".join(sorted({n.record for n in found})[:5]))
    for letter in letters:
        outbox.finish(transaction, letter, "done", now, None)
    ledger.append(transaction, entries)
    return len(letters)


def _digest(to: str, owner: str | None, letters: list[Letter]) -> dict[str, object]:
    records = [letter.record for letter in letters]
    return {
        "to": to,
        "owner": owner,
        "digest": len(letters),
        "records": records,
        "text": f"{len(letters)} steps reached",
    }
