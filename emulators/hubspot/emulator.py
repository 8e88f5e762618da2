"""The emulated HubSpot: one portal behind the vendor's paths.

Owns the order of a request: token, limits, route, error. Refuses the parts: each has its module.
Invariant: every answer but a search's carries the rate-limit headers, and every error has the vendor's body.
Our own machinery; the pages that its parts follow stand in their own modules.
"""

from __future__ import annotations

import random
import re
import uuid
from typing import Any, Final

from emulators.core import Emulator, Refused
from emulators.http import Request, Response
from emulators.hubspot import errors, routes
from emulators.hubspot.api import Call, done
from emulators.hubspot.auth import Auth
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.errors import HubSpotError
from emulators.hubspot.hooks import Hooks
from emulators.hubspot.journal import FILES, PATH, Journal
from emulators.hubspot.kinds import SCOPES, Kind
from emulators.hubspot.limits import Limits
from emulators.hubspot.living import Life
from emulators.hubspot.people import ORDERS, act
from emulators.hubspot.portal import Author, Happening, Needed, Portal, Rule
from emulators.hubspot.seed import fill
from emulators.webhooks import Delivery

SETTINGS: Final = (
    "search_per_second", "index_lag_s", "missing_scopes", "missing_scopes_of", "merge_keeps_primary",
    "validation_rule", "required_rule", "rotate_refresh_token", "token_lifetime_s", "terse_429",
    "quota",
)  # fmt: skip


_PLACES: Final = re.compile(r"(?<=/)[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?:\.json)?(?=/|$)")

STRICT: Final = "2026-09"
"""From this version on conditional requirements hold for API writes."""


class HubSpotEmulator(Emulator):
    """``portal`` is the account, ``limits.search_per_second`` the only limit that is enforced from the start (None:
    off), ``portal.index_lag_ms`` how late every write reaches the search index, in emulated time."""

    name = "hubspot"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        seed = self.seed
        self.portal = Portal(seed, self.clock.now_ms)
        admin = self.portal.owners.people()[0]
        self.auth = Auth(seed, self.portal.id, admin.user_id or 0, self.clock.now_ms)
        self.webhook_secret = self.auth.client_secret
        self.limits = Limits()
        self.terse_429 = False
        """Whether a refusal by quota leaves out ``policyName``: every field of an error is optional."""
        self.hooks = Hooks(
            seed, self.portal.id, self.portal.app_id, self.webhook_secret, self.clock.now_ms, self.webhooks
        )
        self.journal = Journal(seed, self.portal.id, self.clock.now_ms, lambda: self.url)
        self._correlation = random.Random(f"correlation {seed}")
        fill(Deeds(self.portal, silent=True), random.Random(f"records {seed}"), self.records)
        self.portal.told = self._happened
        self.portal.said = self.hooks.message
        self.portal.logged = self.effects.record
        self.portal.lag_ms = self._lag_ms
        self.life = Life(Deeds(self.portal), random.Random(f"life {seed}"))

    def _happened(self, happening: Happening) -> None:
        self.hooks.happened(happening)
        self.journal.happened(happening)

    def answer(self, request: Request) -> Response:
        try:
            response = self._answer(request)
        except HubSpotError as refused:
            response = self._refusal(refused)
        return self._with_quota(request, response)

    def _answer(self, request: Request) -> Response:
        if match := routes.OAUTH.fullmatch(request.path):
            return self._oauth(request, match["rest"])
        if request.path.startswith(FILES):
            return self.journal.file(request)
        client = self.auth.check(request.headers.get("authorization"))
        if policy := self.limits.count(search=routes.is_search(request.path)):
            raise self._limited(policy)
        if request.path.startswith(PATH):
            return self.journal.answer(request, self.auth.is_app)
        found = routes.find(request.path)
        if found is None:
            raise errors.not_found()
        if routes.is_search(request.path) and not self.limits.may_search():
            raise self._limited("SECONDLY")
        version, parts = found
        strict = version[0] == "2" and version >= STRICT
        author = Author("INTEGRATION", str(self.portal.app_id), None, f"api:{client}", request.number, strict=strict)
        call = Call(self.portal, self.auth, request, version, author, lambda: self.partial(request))
        return routes.answer(call, parts)

    def _oauth(self, request: Request, rest: str) -> Response:
        """developers.hubspot.com, OAuth guide: token, introspection, revocation."""
        match request.method, rest.split("/"):
            case "POST", ["token"]:
                return done(self.auth.grant(request.form()))
            case "POST", ["private-apps", "get", "access-token-info"]:
                return done(self.auth.about_key(str(request.json().get("tokenKey", ""))))
            case "POST", ["token", "introspect"] | ["introspect"]:
                return done(self.auth.introspect(request.form()))
            case "POST", ["token", "revoke"] | ["revoke"]:
                self.auth.revoke_token(request.form())
                return done()
            case "GET", ["access-tokens", token]:
                return done(self.auth.about(token))
        raise errors.not_found()

    def error(self, status: int, request: Request) -> Response:
        """What a fault answers: a page of the proxy for its statuses, the policy of the endpoint for 429."""
        if status in errors.HTML_STATUSES:
            return Response(status, errors.GATEWAY_PAGE, {"Content-Type": "text/html; charset=UTF-8"})
        if status == 429:
            policy = "SECONDLY" if routes.is_search(request.path) else "TEN_SECONDLY_ROLLING"
            return self._with_quota(request, self._refusal(self._limited(policy)), used_up=policy)
        return self._with_quota(request, self._refusal(errors.by_status(status)))

    def over_quota(self, request: Request, which: str) -> Response | None:
        """The day's calls are used up, or those of the policy ``which``. Token requests are not counted."""
        if routes.OAUTH.fullmatch(request.path):
            return None
        policy = which or "DAILY"
        return self._with_quota(request, self._refusal(self._limited(policy)), used_up=policy)

    def _limited(self, policy: str) -> HubSpotError:
        return errors.rate_limited(policy, terse=self.terse_429)

    def normalise_path(self, path: str) -> str:
        return _PLACES.sub("{id}", super().normalise_path(path))

    def expire_token(self, request: Request) -> bool:
        return self.auth.expire(request.headers.get("authorization"))

    def _refusal(self, refused: HubSpotError) -> Response:
        correlation_id = str(uuid.UUID(int=self._correlation.getrandbits(128), version=4))
        return Response(refused.status, refused.body(correlation_id), {"X-HubSpot-Correlation-Id": correlation_id})

    def _with_quota(self, request: Request, response: Response, used_up: str | None = None) -> Response:
        if not routes.is_search(request.path) and not routes.OAUTH.fullmatch(request.path):
            response.headers |= self.limits.headers(used_up=used_up)
        return response

    def _lag_ms(self, kind: Kind) -> int:
        """A ``late_index`` fault strikes the write whose record that search then misses."""
        late = self.faults.take("late_index", "POST", f"/crm/v3/objects/{kind.name}/search")
        return int((late.seconds or 0) * 1000) if late else self.portal.index_lag_ms

    def act(self, order: dict[str, Any]) -> dict[str, Any]:
        """See ``people.ORDERS``; ``{"do": "settings", …}`` changes how the account behaves, see SETTINGS."""
        if order.get("do") == "settings":
            return self._set(order)
        if order.get("do") == "uninstall_app":
            self.auth.revoke()
            return {"uninstalled": True}
        if order.get("do") == "rotate_key":
            return {"access_token": self.auth.rotate_key(now=bool(order.get("now")))}
        if order.get("do") not in ORDERS:
            known = ", ".join((*ORDERS, "uninstall_app", "rotate_key", "settings"))
            raise Refused(f"unknown order {order.get('do')!r}; known: {known}")
        return act(Deeds(self.portal, counted=True), order)

    def _set(self, order: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(order) - {"do", *SETTINGS}:
            raise Refused(f"unknown setting {min(unknown)!r}; known: {', '.join(SETTINGS)}")
        if "search_per_second" in order:
            per_second = order["search_per_second"]
            self.limits.search_per_second = None if per_second is None else int(per_second)
        if "quota" in order:
            self.limits.enforce(order["quota"])
        if "index_lag_s" in order:
            self.portal.index_lag_ms = int(float(order["index_lag_s"]) * 1000)
        if "missing_scopes" in order:
            self.auth.scopes = set(SCOPES) - set(order["missing_scopes"])
        for client, lacking in dict(order.get("missing_scopes_of") or {}).items():
            self.auth.withheld[str(client)] = set(lacking)
        if "rotate_refresh_token" in order:
            self.auth.rotates = bool(order["rotate_refresh_token"])
        if "token_lifetime_s" in order:
            self.auth.lifetime_s = int(order["token_lifetime_s"])
        if "terse_429" in order:
            self.terse_429 = bool(order["terse_429"])
        if "merge_keeps_primary" in order:
            self.portal.merge_keeps_primary = bool(order["merge_keeps_primary"])
        if rule := order.get("required_rule"):
            needed = Needed(self.portal.kind(rule["object"]).name, rule["property"], rule["when"], str(rule["is"]))
            self.portal.needs.append(needed)
        if rule := order.get("validation_rule"):
            forbidden = frozenset(str(one) for one in rule["forbidden"])
            message = str(rule.get("message", "This value is not allowed."))
            self.portal.rules.append(Rule(self.portal.kind(rule["object"]).name, rule["property"], forbidden, message))
        return {"settings": sorted(set(order) - {"do"})}

    def credentials(self) -> dict[str, str]:
        return {
            "access_token": self.auth.static_token,
            "client_id": self.auth.client_id,
            "client_secret": self.auth.client_secret,
            "refresh_token": self.auth.refresh_token,
            "portal_id": str(self.portal.id),
            "app_id": str(self.portal.app_id),
        }

    def live(self) -> None:
        self.life.tick()

    def deliveries(self) -> list[Delivery]:
        return self.hooks.deliveries(self.webhooks.url, small=self.webhooks.shuffle)
