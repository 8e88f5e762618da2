"""Life: inquiries and tickets arrive, some are answered in time, some late, some are left alone.

Owns the script of a living portal, paced in emulated time. Refuses effects: this is not somebody's write through the
API. Invariant: whoever acts looks at the record first, and lets it be when somebody else has dealt with it.
Our own machinery: the story is made up.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Final

from emulators.hubspot import names, seed
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.owners import Owner
from emulators.hubspot.records import Record

EVERY_S: Final = {"inquiry": 240.0, "ticket": 300.0, "lead": 600.0}
"""Mean emulated seconds between arrivals: at sixty-fold speed some thirty a minute."""
AT_ONCE_MAX: Final = 50
"""Deeds per tick, so that a clock moved by days does not hold up requests."""

Deed = Callable[[], None]


class Life:
    def __init__(self, deeds: Deeds, dice: random.Random) -> None:
        self._deeds = deeds
        self._portal = deeds.portal
        self._dice = dice
        self._plan: list[tuple[int, int, Deed]] = []
        self._made = 0
        for number, arrive in enumerate((self._inquiry, self._ticket, self._lead)):
            self._in(20 * (number + 1), arrive)

    def tick(self) -> None:
        """Does what is due now."""
        now_ms = self._portal.now_ms()
        if not self._portal.owners.people():
            return  # everybody was deactivated
        for _ in range(AT_ONCE_MAX):
            if not self._plan or self._plan[0][0] > now_ms:
                return
            heapq.heappop(self._plan)[2]()

    def _in(self, seconds: float, deed: Deed) -> None:
        self._made += 1
        heapq.heappush(self._plan, (self._portal.now_ms() + int(seconds * 1000), self._made, deed))

    def _about(self, low: int, high: int, deed: Deed) -> None:
        self._in(self._dice.uniform(low, high), deed)

    def _again(self, what: str, deed: Deed) -> None:
        self._in(self._dice.expovariate(1 / EVERY_S[what]), deed)

    def _number(self) -> int:
        self._made += 1
        return 7_000_000 + self._made

    # Inquiries and leads

    def _inquiry(self) -> None:
        owner = None if self._dice.random() < 0.1 else seed.sales(self._deeds, self._dice)
        contact = seed.inquiry(self._deeds, self._dice, self._number(), owner)
        self._follow_up(contact)
        self._again("inquiry", self._inquiry)

    def _lead(self) -> None:
        contact = self._deeds.create("contacts", names.contact(self._dice, self._number()))
        made = seed.lead(self._deeds, self._dice, contact, seed.sales(self._deeds, self._dice))
        self._follow_up(made)
        self._again("lead", self._lead)

    def _follow_up(self, record: Record) -> None:
        chance = self._dice.random()
        if chance < 0.4:
            self._about(90, 700, lambda: self._call(record))
        elif chance < 0.55:
            self._about(200, 1500, lambda: self._mail(record))
        elif chance < 0.7:
            self._about(1500, 3600, lambda: self._call(record))
        else:  # left alone, until somebody else is made to care
            first = record.text("hubspot_owner_id")
            self._about(1200, 2400, lambda: self._new_owner_calls(record, first))

    def _call(self, record: Record) -> None:
        owner = self._owner(record)
        if owner is None:
            return
        outcome = self._dice.choice(("connected", "connected", "no_answer", "voicemail"))
        self._deeds.call(record, owner, outcome)
        self._progress(record, owner, "connected" if outcome == "connected" else "attempting")
        if outcome == "connected" and self._dice.random() < 0.2:
            self._about(600, 3000, lambda: self._convert(record))

    def _mail(self, record: Record) -> None:
        owner = self._owner(record)
        if owner is not None:
            self._deeds.say(record, self._dice.choice(names.ANSWERS), owner)
            self._progress(record, owner, "attempting")

    def _new_owner_calls(self, record: Record, first: str) -> None:
        if record.text("hubspot_owner_id") != first:
            self._call(record)

    def _progress(self, record: Record, owner: Owner, state: str) -> None:
        if record.kind.name == "leads":
            self._deeds.move(record, state, owner)
        else:
            status = "CONNECTED" if state == "connected" else "ATTEMPTED_TO_CONTACT"
            self._deeds.update(record, {"hs_lead_status": status}, owner)

    def _convert(self, record: Record) -> None:
        owner = self._owner(record)
        if owner is not None:
            self._deeds.convert(record, owner)

    # Tickets

    def _ticket(self) -> None:
        contact = self._deeds.create("contacts", names.contact(self._dice, self._number()))
        owner = seed.agents(self._deeds, self._dice) if self._dice.random() < 0.8 else None
        made = seed.ticket(self._deeds, self._dice, contact, owner)
        chance = self._dice.random()
        if chance < 0.6:
            self._about(150, 900, lambda: self._answer(made))
        elif chance < 0.8:
            self._about(2000, 4500, lambda: self._answer(made))
        self._again("ticket", self._ticket)

    def _answer(self, record: Record) -> None:
        """The agent answers, and mostly waits for the customer then."""
        owner = self._owner(record)
        if owner is None or record.text("hs_is_closed") == "true":
            return
        self._deeds.say(record, self._dice.choice(names.ANSWERS), owner)
        chance = self._dice.random()
        if chance < 0.65:
            self._deeds.move(record, "customer", owner)
            if self._dice.random() < 0.75:
                self._about(300, 1500, lambda: self._reply(record))
        elif chance < 0.75:
            self._deeds.move(record, "third", owner)
            self._about(1200, 3600, lambda: self._answer(record))
        else:
            self._about(60, 600, lambda: self._close(record))

    def _reply(self, record: Record) -> None:
        """The customer writes; the stage lags behind until somebody looks."""
        if self._gone(record):
            return
        self._deeds.say(record, self._dice.choice(names.REPLIES))
        self._about(60, 400, lambda: self._look(record))

    def _look(self, record: Record) -> None:
        owner = self._owner(record)
        if owner is None or record.text("hs_is_closed") == "true":
            return
        self._deeds.move(record, "us", owner)
        if self._dice.random() < 0.75:
            self._about(120, 1200, lambda: self._answer(record))

    def _close(self, record: Record) -> None:
        owner = self._owner(record)
        if owner is not None and record.text("hs_is_closed") != "true":
            self._deeds.move(record, "closed", owner)

    def _owner(self, record: Record) -> Owner | None:
        """Who cares for it now; None when nobody can, because it is gone."""
        if self._gone(record):
            return None
        owner = self._portal.owners.find(record.text("hubspot_owner_id"))
        if owner is not None and not owner.queue and not owner.archived:
            return owner
        of_tickets = record.kind.name == "tickets"
        return seed.agents(self._deeds, self._dice) if of_tickets else seed.sales(self._deeds, self._dice)

    @staticmethod
    def _gone(record: Record) -> bool:
        return record.archived or record.merged_into is not None
