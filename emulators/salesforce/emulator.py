"""The emulated Salesforce: puts the parts of this folder together behind the core's ``Emulator``.

Owns the wiring and the vendor's shape of faults. Refuses detail: each part has its own module.
Invariant: one org, one OrganizationId, whatever the seed.
Our own machinery; the pages that its parts follow stand in their own modules.
"""

from __future__ import annotations

import random
import re
from typing import Any, Final

from emulators.core import Emulator
from emulators.http import Request, Response
from emulators.salesforce import auth, errors
from emulators.salesforce.api import NEWEST, OLDEST, Api
from emulators.salesforce.bus import Bus
from emulators.salesforce.errors import ApiError
from emulators.salesforce.ids import make_id
from emulators.salesforce.living import Life
from emulators.salesforce.org import Org
from emulators.salesforce.outbound import Outbound
from emulators.salesforce.people import People
from emulators.salesforce.permissions import show_permissions
from emulators.salesforce.practice_key import private_key_pem
from emulators.salesforce.seed import INTEGRATION, Records, grow, plant
from emulators.salesforce.setup_tables import setup_tables
from emulators.salesforce.store import Store
from emulators.salesforce.tables import make_tables
from emulators.salesforce.writes import Writer
from emulators.webhooks import Delivery

ORG_ID: Final = make_id("00D", 1)
FORGED_ID: Final = make_id("00D", 2)
"""The org that a forged message names."""
_IN_PATH: Final = re.compile(r"(?<=/)(?:[0-9A-Za-z]{18}(?:-\d+)?|[0-9A-Za-z]{15})(?=/|$)")
_EXTERNAL: Final = re.compile(r"(/sobjects/\w+/\w+__c/).+")
_QUERIES: Final = tuple(f"/services/data/v{number}.0/query" for number in range(OLDEST, NEWEST + 1))
_STATUS_CODES: Final = {
    400: ("MALFORMED_QUERY", "unexpected"), 401: ("INVALID_SESSION_ID", "Session expired or invalid"),
    403: ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    404: ("NOT_FOUND", "The requested resource does not exist"),
    429: ("REQUEST_LIMIT_EXCEEDED", "Too many requests"), 503: ("SERVER_UNAVAILABLE", "Service Unavailable"),
}  # fmt: skip


class SalesforceEmulator(Emulator):
    name = "salesforce"
    webhook_secret = ORG_ID
    """Outbound messages carry no signature; what a listener checks is the OrganizationId."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        now = self.clock.origin
        self.org = Org()
        tables = {name: table.copy() for name, table in (make_tables() | setup_tables()).items()}
        self.store = Store(tables, self.clock.now_ms, self._index_delay)
        self.outbound = Outbound(
            self.store, self.org, lambda: FORGED_ID if self.webhooks.forged else ORG_ID, lambda: self.url
        )
        self.bus = Bus(self.store)
        self.writer = Writer(self.store, self.org, self.effects, self._written, self._row_fault)
        self.cast = plant(self.store, self.writer, now)
        self.people = People(self.store, self.writer, self.org, self.cast.admin, self.cast.automation)
        grow(self.store, self.writer, self.cast, self.records, self.random, now)
        self.org.assignment = {"Lead": self.cast.unassigned, "Case": self.cast.support}
        self.org.run_as = self.cast.integration
        self.store.insert("UserPermissionAccess", {}, self.cast.admin)
        show_permissions(self.store, self.org)
        self.org.outbound = {
            "Lead": ("Status", "OwnerId", "SystemModstamp"),
            "Case": ("Status", "OwnerId", "SystemModstamp"),
        }
        self.bus.begin()
        self.auth = auth.Auth(self.store, self.org, ORG_ID, self.seed, lambda: self.url)
        self.api = Api(self.store, self.org, self.auth, self.writer, self.partial)
        dice = random.Random(f"life {self.seed}")
        self.life = Life(self.store, self.people, Records(self.store, self.writer, self.cast, dice), self.cast, dice)

    def _written(self, object: str, id: str) -> None:
        self.outbound.queue(object, id)
        self.bus.written(object, id)

    def answer(self, request: Request) -> Response:
        return self.api.answer(request)

    def act(self, order: dict[str, Any]) -> dict[str, Any]:
        if order.get("do") == "setup":
            if order.get("revoke_sessions"):
                self.auth.end_all()
            if order.get("expire_cursors"):
                self.api.queries.expire()
            if order.get("expire_jobs"):
                self.api.bulk.expire()
        if order.get("do") in {"logins", "revoke_sessions", "block_user", "unblock_user", "duplicate_rule"}:
            return self._administer(order)
        done = self.people.do(order)
        show_permissions(self.store, self.org)
        return done

    def _administer(self, order: dict[str, Any]) -> dict[str, Any]:
        """``logins`` (see ``Doors``), ``revoke_sessions`` (``grants``: refresh tokens too), ``block_user`` (freezes
        ``user``), ``unblock_user``, ``duplicate_rule`` (``object``, ``field``, ``block``)."""
        if order["do"] == "logins":
            self.auth.doors.change(order)
            return {"id": "logins"}
        if order["do"] == "duplicate_rule":
            self.writer.duplicates.add(order)
            return {"id": "duplicate_rule"}
        if order["do"] == "revoke_sessions":
            self.auth.end_all(grants=bool(order.get("grants")))
            return {"id": "sessions"}
        user = self.people.person(str(order.get("user", INTEGRATION)))
        (self.auth.doors.frozen.add if order["do"] == "block_user" else self.auth.doors.frozen.discard)(user)
        return {"id": user}

    def _row_fault(self, method: str, path: str) -> str | None:
        """The code that a ``row:CODE`` fault has for the next row of this call; ``OUTER,INNER`` is a trigger's."""
        fault = self.faults.take("row", method, path)
        return fault.argument if fault is not None else None

    def credentials(self) -> dict[str, str]:
        return {
            "consumer_key": auth.CONSUMER_KEY, "consumer_secret": auth.CONSUMER_SECRET, "username": INTEGRATION,
            "password": auth.PASSWORD, "security_token": auth.SECURITY_TOKEN, "private_key": private_key_pem(),
            "access_token": self.auth.open_session(self.cast.integration), "instance_url": self.url,
            "organization_id": ORG_ID, "refresh_token": self.auth.refresh_token(self.cast.integration),
        }  # fmt: skip

    def live(self) -> None:
        self.life.tick()

    def deliveries(self) -> list[Delivery]:
        return self.outbound.deliveries(self.webhooks.url)

    def error(self, status: int, request: Request) -> Response:
        code, message = _STATUS_CODES.get(status, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        if request.path.startswith("/services/oauth2"):
            return Response(status, {"error": "unknown_error", "error_description": "retry your request"})
        return ApiError(status, code, message).response()

    def over_quota(self, request: Request, which: str) -> Response | None:
        """Logins and the list of versions are not counted. No Retry-After: Salesforce sends none. ``concurrent``: too
        many long requests at a time, which has the same code."""
        if not re.match(r"/services/data/v", request.path):
            return None
        response = errors.limit_exceeded(concurrent=which == "concurrent").response()
        if which == "concurrent":
            return response
        response.headers["Sforce-Limit-Info"] = f"api-usage={self.org.daily_limit}/{self.org.daily_limit}"
        return response

    def expire_token(self, request: Request) -> bool:
        return self.auth.end(self.auth.token(request))

    def _index_delay(self, object: str) -> float:
        """A ``late_index`` fault may name the object or the query that will miss its row."""
        return self.faults.index_delay(object, *_QUERIES)

    def normalise_path(self, path: str) -> str:
        return _EXTERNAL.sub(r"\1{value}", _IN_PATH.sub("{id}", path)).rstrip("/")


EMULATOR = SalesforceEmulator
