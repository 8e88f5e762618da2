"""The wire of HubSpot's webhooks journal: its own token, where an entry lies, and the file that it points to.

Owns the client credentials of the app and three calls. Refuses to know what an event says. Invariant: the address of a
file is called without any token of ours, over TLS, and no redirect is followed.
https://developers.hubspot.com/docs/api-reference/latest/webhooks-journal/journal-entries/guide
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from connectors.allowance import Allowance
from connectors.errors import AuthFailed, RetryLater
from connectors.http import classify, exchange, open_session
from connectors.hubspot.answers import understand
from connectors.hubspot.journal_settings import JournalSettings
from connectors.hubspot.names import HOST
from connectors.hubspot.oauth import Grant, TokenEndpoint
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import Told
from connectors.settings import is_loopback

OLDEST_VERSION: Final = "2026-03"
SCOPE: Final = "developer.webhooks_journal.read"
"""The objects' own scopes are needed beside it: they are the app's."""


class PlaceUnknown(Exception):
    """HubSpot keeps entries for three days; https://developers.hubspot.com/docs/api-reference/2027-03-beta/
    webhooks-journal/journal-entries/local/get-journal-local-next: "404 if the offset has expired or doesn't exist"."""


class Entry(Told):
    """Where one entry of the journal lies, and the place behind it."""

    current_offset: str
    url: str
    expires_at: str | None = None


class JournalApi:
    """The journal of one app. Used from one thread."""

    def __init__(
        self, settings: HubSpotSettings, journal: JournalSettings, clock: Callable[[], int], allowance: Allowance
    ) -> None:
        version = OLDEST_VERSION if settings.api_version == "v3" else settings.api_version
        self._base = f"{HOST}/webhooks-journal/journal/{version}"
        self._endpoint = TokenEndpoint(settings, clock, allowance)
        self._session = open_session(settings.timeouts, override=settings.url)
        here = settings.url if settings.url and is_loopback(urlsplit(settings.url).hostname) else None
        self._files = open_session(settings.timeouts, override=here)
        self._journal = journal
        self._clock = clock
        self._allowance = allowance
        self._grant: Grant | None = None

    def earliest(self) -> Entry | None:
        """The oldest entry that is kept, of three days; None when there is none."""
        return self._entry("earliest")

    def latest(self) -> Entry | None:
        return self._entry("latest")

    def after(self, offset: str) -> Entry | None:
        """The entry behind a place; None when nothing is new. Raises PlaceUnknown."""
        return self._entry(f"offset/{quote(offset, safe='')}/next", unknown=PlaceUnknown)

    def file(self, entry: Entry) -> bytes:
        """What an entry holds, as bytes. Raises RetryLater also where its address has ended: it is asked for anew."""
        answer = exchange(self._files, "GET", entry.url, write=False)
        if answer.status_code != 200:
            if answer.status_code in (400, 401, 403, 404):
                raise RetryLater("a file of the journal could not be fetched", code=str(answer.status_code))
            raise classify(answer.status_code, answer.content, answer.headers)
        return answer.content

    def close(self) -> None:
        self._endpoint.close()
        self._session.close()
        self._files.close()

    def _entry(self, path: str, unknown: type[Exception] | None = None) -> Entry | None:
        self._allowance.take("rest")
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        answer = exchange(self._session, "GET", f"{self._base}/{path}", write=False, headers=headers)
        if answer.status_code == 404 and unknown is not None:
            raise unknown
        if answer.status_code in (204, 404):
            return None
        if answer.status_code == 401:
            self._grant = None
        if answer.status_code != 200:
            error = understand(answer.status_code, answer.content, answer.headers, now=self._clock())
            if isinstance(error, AuthFailed):
                error.fix = f"give the app of journal.client_id the scope {SCOPE}, and install it in this account"
            raise error
        try:
            return msgspec.json.decode(answer.content, type=Entry)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise classify(answer.status_code, answer.content, answer.headers) from error

    def _token(self) -> str:
        if self._grant is None or not self._grant.holds(self._clock()):
            self._grant = self._endpoint.grant(
                {
                    "grant_type": "client_credentials",
                    "client_id": self._journal.client_id,
                    "client_secret": self._journal.client_secret.reveal(),
                    "scope": SCOPE,
                }
            )
        return self._grant.access_token
