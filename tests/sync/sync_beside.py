"""The works of a daemon beside a practice CRM, over HTTP, by the practice CRM's clock: rounds are made by hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from email.utils import format_datetime
from pathlib import Path
from random import Random
from typing import Any

from sync_scene import LEADS, configuration

from connectors.base import Hint
from connectors.http import IMPATIENT
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.settings import HubSpotSettings
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from emulators.core import serve
from emulators.http import Request, Response
from emulators.hubspot import EMULATOR as HubSpot
from emulators.salesforce import EMULATOR as Salesforce
from sync import inbox
from sync.view import View
from sync.works import Works

FIELDS = {
    "salesforce": {"first_response_due": "SLA_First_Response_Due__c", "sla_status": "SLA_Status__c"},
    "hubspot": {"first_response_due": "sla_first_response_due", "sla_status": "sla_status"},
}
STATUS = {"salesforce": "SLA_Status__c", "hubspot": "sla_status"}
LEAD = {"salesforce": "Lead", "hubspot": "contacts"}
NAMED = {
    "salesforce": {"LastName": "Doe", "Company": "Doe Ltd", "LeadSource": "Web"},
    "hubspot": {"firstname": "Ada", "lastname": "Byron", "hs_lead_status": "NEW"},
}


class CrmClock:
    """The practice CRM's time, as the daemon's. Waiting moves it on."""

    def __init__(self, emulator: Any) -> None:
        self._clock = emulator.clock

    def now(self) -> int:
        return int(self._clock.now_ms())

    def monotonic(self) -> float:
        return self.now() / 1_000

    def real_seconds(self, seconds: float) -> float:
        return seconds

    def wait(self, seconds: float, event: threading.Event) -> bool:
        if not event.is_set():
            self._clock.advance(seconds)
        return event.is_set()


class Beside:
    """``Beside(folder, "hubspot")``: works with one connection, ``desk``, to a served practice CRM."""

    def __init__(self, folder: Path, crm: str, *, records: int = 0, document: str = LEADS, **settings: Any) -> None:
        self.crm = crm
        self.folder = folder
        self.document = document
        self.emulator: Any = (Salesforce if crm == "salesforce" else HubSpot)(seed=7, records=records)
        if crm == "hubspot":
            self.emulator.limits.search_per_second = None
        self.server = serve(self.emulator)
        self.clock = CrmClock(self.emulator)
        self.settings = settings
        self.asked_at: list[int] = []
        """When each call reached the CRM."""
        self.refuse: Callable[[Request, int], Response | None] = lambda *_: None
        self._answer = self.emulator.answer
        self.emulator.answer = self._watched
        self.works = self._open()

    def _watched(self, request: Request) -> Response:
        now = self.clock.now()
        self.asked_at.append(now)
        return self.refuse(request, now) or self._answer(request)

    def connector(self) -> Any:
        known = self.emulator.credentials()
        common = {"url": self.server.url, "write": {"lead": FIELDS[self.crm]}, **self.settings}
        if self.crm == "salesforce":
            org = {"domain": "acme.my", "client_id": known["consumer_key"], "client_secret": known["consumer_secret"]}
            model = SalesforceSettings.model_validate({"connector": "salesforce", "objects": ["Lead"], **org, **common})
            return SalesforceConnector(
                "desk", model, wanted=frozenset(), clock=self.clock.now, patience=IMPATIENT,
                pause=self.emulator.clock.advance,
            )  # fmt: skip
        token = {"access_token": Secret(known["access_token"]), "searches_per_second": 1_000}
        portal = HubSpotSettings.model_validate({"connector": "hubspot", "objects": ["contacts"], **token, **common})
        return HubSpotConnector("desk", portal, wanted=frozenset(), clock=self.clock.now, patience=IMPATIENT)

    def _open(self) -> Works:
        made = configuration(
            self.folder / "sla.db", self.document, connections=("desk",), enforce_from=None,
            write={"lead": FIELDS[self.crm]}, pools={},
        )  # fmt: skip
        return Works(made, self.clock, ready={"desk": self.connector()}, rng=Random(7))

    def restart(self) -> None:
        """The process ends, however it ends, and starts again on the same file."""
        self.works.store.close()
        self.works._lock.release()
        self.works = self._open()

    def close(self) -> None:
        self.works.close()
        self.server.close()

    @property
    def link(self) -> Any:
        return self.works.links["desk"]

    def round(self, seconds: float = 0) -> None:
        self.emulator.clock.advance(seconds)
        self.works.round()

    def act(self, do: str, **order: Any) -> str:
        with self.emulator.lock:
            return str(self.emulator.act({"do": do, **order})["id"])

    def lead(self, **fields: Any) -> str:
        """A new lead; its id."""
        return self.act("create", object=LEAD[self.crm], fields={**NAMED[self.crm], **fields})

    def webhook(self, id: str, key: str) -> None:
        """A webhook about a lead has come in and was found to be genuine."""
        hint = Hint(key, f"desk:lead:{id}", b"{}")
        self.works.store.write(lambda t: inbox.keep_hints(t, "desk", [hint], self.clock.now()))

    def writes(self) -> list[dict[str, Any]]:
        """What the API did in the CRM."""
        return [line for line in self.emulator.effects.lines() if str(line["by"]).startswith("api:")]

    def calls(self) -> dict[str, int]:
        """Calls by method and path since this was last asked."""
        with self.emulator.lock:
            counts = dict(self.emulator.counts)
            self.emulator.counts.clear()
        return counts

    def view(self) -> View:
        return View.open(self.folder / "sla.db")

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.works.store.read(lambda t: t.rows(sql, parameters))

    def told(self, what: str) -> list[dict[str, Any]]:
        """The ledger's rows of a kind."""
        return [row.body for row in self.view().ledger(what=what)]

    def http_date(self, seconds_ahead: float) -> str:
        from datetime import timedelta

        return format_datetime(self.emulator.clock.now() + timedelta(seconds=seconds_ahead), usegmt=True)
