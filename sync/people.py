"""Whose e-mail address is which id, as the CRMs tell it.

Owns the table ``person``. Refuses everybody whom no configuration lists by address, and names, roles and teams:
the file knows those. Invariant: an address stands here only while some version of ``[people]`` names it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from connectors.base import Person
from connectors.errors import ConnectorError
from sync import clock_row
from sync.clock import Clock
from sync.link import Link
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

REFRESH_MS: Final = 3_600_000
"""How long a CRM's answer is believed."""

AGAIN_MS: Final = 600_000
"""When a CRM that gave no answer is asked again."""


def ids(transaction: Transaction) -> list[tuple[str, str]]:
    """Addresses, case-folded, with the ``user:ID`` that they are in some connection."""
    return [(email, user) for email, user in transaction.rows("SELECT email, id FROM person ORDER BY email, id")]


def _ids_of(transaction: Transaction, connection: str) -> dict[str, str]:
    return dict(transaction.rows("SELECT email, id FROM person WHERE connection = ?", (connection,)))


def listed(transaction: Transaction, document: Mapping[str, Any]) -> frozenset[str]:
    """The addresses, case-folded, that ``[people]`` names in ``document`` or in a stored version."""
    documents = [document]
    documents += [
        msgspec.json.decode(text)
        for (text,) in transaction.rows("SELECT document FROM policy_version WHERE document LIKE '%\"people\"%'")
    ]
    return frozenset(
        name.casefold() for each in documents for name in each.get("people") or {} if not name.startswith("user:")
    )


def note(transaction: Transaction, connection: str, people: Iterable[Person], wanted: frozenset[str]) -> bool:
    """Replaces what is known of a connection's people by what it says now. True when that is news."""
    found = {
        person.email.casefold(): person.id
        # An active person is meant before an inactive one of the same address.
        for person in sorted(people, key=lambda person: (person.active, person.id))
        if person.email and person.id.startswith("user:") and person.email.casefold() in wanted
    }
    if found == _ids_of(transaction, connection):
        return False
    transaction.run("DELETE FROM person WHERE connection = ?", (connection,))
    rows = [(connection, email, user) for email, user in sorted(found.items())]
    transaction.many("INSERT INTO person (connection, email, id) VALUES (?, ?, ?)", rows)
    return True


class Directory:
    """Asks the CRMs of one daemon who their people are, where the configuration lists somebody by address."""

    def __init__(self, writes: Writes, document: Mapping[str, Any], clock: Clock) -> None:
        self._writes = writes
        self._document = document
        self._clock = clock
        self._ask_at: dict[str, int] = {}

    def refresh(self, link: Link) -> None:
        """Asks now and then; open clocks are judged again when somebody has become known. A CRM that does not answer
        stops nothing."""
        now = self._clock.now()
        if self._ask_at.get(link.name, 0) > now or not link.is_open(now):
            return
        self._ask_at[link.name] = now + REFRESH_MS
        wanted = self._writes.write(lambda t: listed(t, self._document))
        try:
            people = link.call(lambda connector: connector.people()) if wanted else []
        except ConnectorError as error:
            log.warning("connection %s: who its people are is not known: %s", link.name, error.reason)
            self._ask_at[link.name] = now + AGAIN_MS
            return
        self._writes.write(lambda t: note(t, link.name, people, wanted) and clock_row.wake_all(t, now))
