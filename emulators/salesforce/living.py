"""A working day in the practice org: leads and cases come in, some are answered in time, some late, some never.

Owns the script and its timing, in emulated time. Refuses effects: what happens here by itself is nobody's write.
Invariant: everything that happens was put on the agenda before; one dice decides, so a seed gives one story.
Our own machinery: the story is made up.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from emulators.core import Refused
from emulators.salesforce.errors import ApiError
from emulators.salesforce.people import People
from emulators.salesforce.seed import MINUTE, Cast, Records
from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import CLOSED

LEADS_EVERY: Final = 2 * MINUTE
CASES_EVERY: Final = 3 * MINUTE
"""Mean gaps between arrivals: about eight new records in ten emulated minutes."""
WATCH_FOR: Final = 6 * 60 * MINUTE
"""How long a lead that nobody called may still be picked up."""
WAITING: Final = "Waiting on Customer"


class Life:
    def __init__(self, store: Store, people: People, records: Records, cast: Cast, dice: random.Random) -> None:
        self._store = store
        self._people = people
        self._records = records
        self._cast = cast
        self._dice = dice
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._made = 0
        self._begun: set[str] = set()
        self._after(MINUTE / 6, self._lead_arrives)
        self._after(MINUTE / 3, self._case_arrives)

    def tick(self) -> None:
        """Everything that is due by now, in order. What the org refuses (a colleague who left, a locked row, a
        validation rule) does not happen, and life goes on."""
        self._people.recorded = False
        try:
            while self._agenda and self._agenda[0][0] <= self._store.now_ms():
                with suppress(Refused, ApiError):
                    heapq.heappop(self._agenda)[2]()
        finally:
            self._people.recorded = True

    def _after(self, ms: float, action: Callable[[], None]) -> None:
        self._made += 1
        heapq.heappush(self._agenda, (self._store.now_ms() + int(ms), self._made, action))

    def _between(self, least: float, most: float) -> float:
        """A random wait in ms between two numbers of minutes."""
        return self._dice.uniform(least, most) * MINUTE

    def _chance(self, probability: float) -> bool:
        return self._dice.random() < probability

    def _do(self, order: str, id: str, **more: Any) -> None:
        self._people.do({"do": order, "id": id, **more})

    def _row(self, object: str, id: str) -> Values | None:
        """The record while somebody may still work on it."""
        row = self._store.get(object, id)
        done = row is None or row["IsDeleted"] or row.get("IsConverted") or row["Status"] in CLOSED[object]
        return None if done else row

    def _fate(self, object: str, first: float) -> float:
        """What becomes of the newest record, 0 to 1. The first one's is fixed, so that whoever watches sees within
        minutes a lead that nobody calls and a case that waits for its customer."""
        drawn = self._dice.random()
        if object in self._begun:
            return drawn
        self._begun.add(object)
        return first

    # Leads

    def _lead_arrives(self) -> None:
        self._after(self._dice.expovariate(1 / LEADS_EVERY), self._lead_arrives)
        queued = self._chance(0.15)
        lead = self._records.lead(owner=self._cast.unassigned if queued else None)
        fate = self._fate("Lead", first=1.0)
        if fate < 0.40:
            self._after(self._between(1, 9), lambda: self._call(lead))
        elif fate < 0.55:
            self._after(self._between(20, 60), lambda: self._call(lead))
        else:
            self._watch(lead, str((self._store.get("Lead", lead) or {})["OwnerId"]), self._store.now_ms() + WATCH_FOR)

    def _call(self, id: str) -> None:
        row = self._row("Lead", id)
        if row is None:
            return
        caller = row["OwnerId"] if row["OwnerId"].startswith("005") else self._dice.choice(self._cast.agents)
        self._do("call", id, by=caller, outcome=self._dice.choice(("connected", "left voicemail", "no answer")))
        self._do("update", id, by=caller, fields={"Status": "Working - Contacted", "OwnerId": caller})
        self._finish_tasks("WhoId", id, caller)
        self._after(self._between(30, 240), lambda: self._decide(id))

    def _decide(self, id: str) -> None:
        row = self._row("Lead", id)
        if row is None or not row["OwnerId"].startswith("005"):
            return
        if self._chance(0.4):
            self._do("convert", id, by=row["OwnerId"])
        elif self._chance(0.5):
            self._do("update", id, by=row["OwnerId"], fields={"Status": "Closed - Not Converted"})

    def _watch(self, id: str, owner: str, until: int) -> None:
        """A lead nobody means to call: a new owner usually does, and a task sometimes helps the old one remember."""
        row = self._row("Lead", id)
        if row is None or self._store.now_ms() > until:
            return
        if row["OwnerId"] != owner and row["OwnerId"].startswith("005"):
            if self._chance(0.75):
                self._after(self._between(2, 8), lambda: self._call(id))
                return
            owner = row["OwnerId"]
        elif self._open_tasks("WhoId", id) and self._chance(0.03):
            self._after(self._between(1, 3), lambda: self._call(id))
            return
        self._after(MINUTE, lambda: self._watch(id, owner, until))

    def _open_tasks(self, field: str, id: str) -> list[Values]:
        return [task for task in self._store.children("Task", field, id) if not task["IsClosed"]]

    def _finish_tasks(self, field: str, id: str, user: str) -> None:
        for task in self._open_tasks(field, id):
            self._do("update", task["Id"], by=user, fields={"Status": "Completed"})

    # Cases

    def _case_arrives(self) -> None:
        self._after(self._dice.expovariate(1 / CASES_EVERY), self._case_arrives)
        case = self._records.case()
        self._do("message", case, direction="inbound", text="Please help.")
        fate = self._fate("Case", first=0.0)
        if fate == 0.0:
            self._after(self._between(2, 4), lambda: self._answer(case, closing=False))
        elif fate < 0.65:
            self._after(self._between(2, 20), lambda: self._answer(case))
        elif fate < 0.85:
            self._after(self._between(40, 150), lambda: self._answer(case))

    def _answer(self, id: str, *, closing: bool | None = None) -> None:
        """An agent takes the case, writes, and usually waits for the customer."""
        row = self._row("Case", id)
        if row is None:
            return
        agent = row["OwnerId"] if row["OwnerId"].startswith("005") else self._dice.choice(self._cast.agents)
        self._do("message", id, direction="outbound", by=agent, text="Could you tell us more?")
        closing = self._chance(0.35) if closing is None else closing
        status = "Closed" if closing else WAITING
        self._do("update", id, by=agent, fields={"Status": status, "OwnerId": agent})
        self._finish_tasks("WhatId", id, agent)
        if not closing:
            self._after(self._between(5, 25), lambda: self._reply(id))

    def _reply(self, id: str) -> None:
        """The customer answers; the status follows at once, or only when an agent gets to it."""
        row = self._row("Case", id)
        if row is None or self._chance(0.15):
            return
        self._do("message", id, direction="inbound", text="Here is what you asked for.")
        if self._chance(0.6):
            self._do("update", id, by=self._cast.automation, fields={"Status": "Working"})
        if self._chance(0.85):
            self._after(self._between(3, 45), lambda: self._answer(id))
