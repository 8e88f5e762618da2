"""Whose e-mail address or name is which id, as the CRMs tell it, and who is named that no CRM knows.

Owns the table ``person`` and the alarm about unknown names. Refuses everybody whom no configuration lists, and roles
and teams: the file knows those. Invariant: an address stands here only while some version of ``[people]`` names it; one
unknown name is one alarm, until it is known again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from connectors.errors import ConnectorError
from sync import clock_row, ledger
from sync.clock import Clock
from sync.configuration_shape import Configuration
from sync.ledger import Entry
from sync.link import Link
from sync.mentions import mentions
from sync.roster import USER, Roster
from sync.store import Transaction
from sync.writer import Writes

log = logging.getLogger(__name__)

REFRESH_MS: Final = 3_600_000
"""How long a CRM's answer is believed."""

AGAIN_MS: Final = 600_000
"""When a CRM that gave no answer is asked again."""


def ids(transaction: Transaction) -> list[tuple[str, str]]:
    """Addresses and names, case-folded, with the ``user:ID`` that they are in some connection."""
    return [(email, user) for email, user in transaction.rows("SELECT email, id FROM person ORDER BY email, id")]


def _ids_of(transaction: Transaction, connection: str) -> dict[str, str]:
    return dict(transaction.rows("SELECT email, id FROM person WHERE connection = ?", (connection,)))


def listed(transaction: Transaction, document: Mapping[str, Any]) -> frozenset[str]:
    """The addresses and names (``user:First Last``), case-folded, by which ``[people]`` lists somebody in ``document``
    or in a stored version. Ids are left out: they need no looking up."""
    documents = [document]
    documents += [
        msgspec.json.decode(text)
        for (text,) in transaction.rows("SELECT document FROM policy_version WHERE document LIKE '%\"people\"%'")
    ]
    return frozenset(
        name.casefold()
        for each in documents
        for name in each.get("people") or {}
        if " " in name or not name.startswith(USER)
    )


def note(transaction: Transaction, connection: str, roster: Roster, wanted: frozenset[str]) -> bool:
    """Replaces what is known of a connection's people by what it says now. True when that is news."""
    meant = {name: roster.resolve(name) for name in wanted}
    found = {name: user for name, user in meant.items() if user is not None and user.startswith(USER)}
    if found == _ids_of(transaction, connection):
        return False
    transaction.run("DELETE FROM person WHERE connection = ?", (connection,))
    rows = [(connection, email, user) for email, user in sorted(found.items())]
    transaction.many("INSERT INTO person (connection, email, id) VALUES (?, ?, ?)", rows)
    return True


def alarm(transaction: Transaction, unknown: Iterable[str], now: int) -> None:
    """Tells once of every name that no CRM knows; one that becomes known is forgotten, so that it may be told again."""
    row = transaction.one("SELECT value FROM setting WHERE name = 'unknown_names'")
    told: list[str] = [] if row is None else msgspec.json.decode(row[0])
    names = sorted(set(unknown))
    if names == told:
        return
    if news := [name for name in names if name not in told]:
        body = {"alarm": "somebody named in the configuration is unknown or inactive in every CRM", "names": news}
        ledger.append(transaction, [Entry(now, "alarm", None, body)])
    transaction.run(
        "INSERT INTO setting (name, value) VALUES ('unknown_names', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (msgspec.json.encode(names).decode(),),
    )


class Directory:
    """Asks the CRMs of one daemon who their people are, where the configuration names somebody."""

    def __init__(self, writes: Writes, configuration: Configuration, clock: Clock) -> None:
        self._writes = writes
        self._document = configuration.document
        self._named = frozenset(mention.text for mention in mentions(configuration))
        self._silent = set(configuration.connections)
        """Connections that have not told yet who their people are."""
        self._unknown: dict[str, frozenset[str]] = {}
        self._clock = clock
        self._ask_at: dict[str, int] = {}

    def clock_was_set(self) -> None:
        """Somebody moved the wall clock: everybody is asked for anew."""
        self._ask_at.clear()

    def refresh(self, link: Link) -> None:
        """Asks now and then; open clocks are judged again when somebody has become known. A CRM that does not answer
        stops nothing."""
        now = self._clock.now()
        if self._ask_at.get(link.name, 0) > now or not link.is_open(now, "read"):
            return
        self._ask_at[link.name] = now + REFRESH_MS
        wanted = self._writes.write(lambda t: listed(t, self._document))
        try:
            people = link.call(lambda connector: connector.people()) if wanted or self._named else []
        except ConnectorError as error:
            log.warning("connection %s: who its people are is not known: %s", link.name, error.reason)
            self._ask_at[link.name] = now + AGAIN_MS
            return
        roster = Roster(people, now)
        self._writes.write(lambda t: note(t, link.name, roster, wanted) and clock_row.wake_all(t, now))
        self._tell_of_unknown(link.name, roster)

    def _tell_of_unknown(self, connection: str, roster: Roster) -> None:
        """A name counts as known where one connection knows somebody active by it: with several CRMs hardly anybody
        is in all of them. So nothing is said before all have answered."""
        self._unknown[connection] = frozenset(
            name for name in self._named if roster.inactive.issuperset(roster.members(name))
        )
        self._silent.discard(connection)
        if not self._silent:
            unknown = frozenset.intersection(*self._unknown.values())
            self._writes.write(lambda t: alarm(t, unknown, self._clock.now()))
