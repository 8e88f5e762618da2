"""A webhook's round trip, a probe from here to the public address and back; and whether channels let us listen.

Owns the call and what its answer means. Refuses to keep or change anything: a probe is signed like a genuine webhook
and tells nothing, so the receiver answers it without a row, a read or a write. Invariant: a good finding means that the
address, the secret or token, and the running daemon belong together.
"""

from __future__ import annotations

import secrets
from typing import Final
from urllib.parse import urlsplit

from connectors.base import PROBE_HEADER, Connector, Finding, HintFeed, HintPage, WebhookRequest
from connectors.errors import ConnectorError, RetryLater
from connectors.http import exchange, open_session
from connectors.settings import Timeouts, is_loopback

SUBJECT: Final = "webhook"
_PATIENCE: Final = Timeouts.model_validate({"connect": "3s", "read": "5s", "total": "6s"})
"""HubSpot gives a receiver five seconds."""

_WAYS_OUT: Final = {
    "DNS": "mend daemon.public_url, or give its name an address that is known here too",
    "TLS": "give the public address a certificate for its name, of an authority that is known everywhere",
}
"""By the code of what kept a probe from arriving."""

LISTEN_S: Final = 1.5
"""How long a channel has to refuse us."""


def round_trip(connector: Connector, public_url: str | None, now: int) -> Finding | None:
    """What became of one probe; None for a connection that takes no webhooks. ``now`` is epoch ms.

    ``public_url`` is ``daemon.public_url``. Takes six seconds at most and never raises.
    """
    told = connector.probe((public_url or "").rstrip("/"), now)
    if told is None:
        return None
    if public_url is None:
        return Finding("warn", SUBJECT, "nothing says how webhooks reach this machine", fix="set daemon.public_url")
    word = secrets.token_hex(16)
    session = open_session(_PATIENCE, override=public_url if is_loopback(urlsplit(public_url).hostname) else None)
    try:
        headers = {**told.headers, PROBE_HEADER: word}
        answer = exchange(session, told.method, _called(told, public_url), write=False, data=told.body, headers=headers)
    except ConnectorError as error:
        fix = _WAYS_OUT.get(error.code or "", "start the daemon, and lead the public address to daemon.listen")
        return Finding("fail", SUBJECT, f"{public_url} gave no answer: {error.reason}", fix=fix, unreachable=True)
    finally:
        session.close()
    return _finding(public_url, answer.status_code, echoed=answer.headers.get(PROBE_HEADER) == word)


def channels(connector: Connector) -> list[Finding]:
    """Whether every channel of a connection lets us listen. Takes a few seconds and never raises ConnectorError.

    They begin with now, and where the daemon goes on is not touched. All are opened before the first is waited for."""
    feeds = list(connector.hint_feeds())
    try:
        opened = [(feed, _heard(feed, None, 0.0)) for feed in feeds]
        return [
            _channel(feed.name, _heard(feed, begun.cursor, LISTEN_S) if isinstance(begun, HintPage) else begun)
            for feed, begun in opened
        ]
    finally:
        for feed in feeds:
            feed.close()


def _heard(feed: HintFeed, cursor: str | None, wait_s: float) -> HintPage | ConnectorError:
    try:
        return feed.pull(cursor, wait_s)
    except ConnectorError as error:
        return error


def _channel(name: str, heard: HintPage | ConnectorError) -> Finding:
    subject = f"channel {name}"
    if isinstance(heard, HintPage):
        return Finding("ok", subject, "it lets us listen")
    # Polls go on without it, so it is no reason to fail what works.
    away = isinstance(heard, RetryLater)
    fix = heard.fix or ("try again later" if away else "mend the app's or the user's permissions")
    return Finding("warn" if away else "fail", subject, heard.reason, fix=fix)


def _called(told: WebhookRequest, public_url: str) -> str:
    """An override of the session repeats the path of ``public_url``, so it is taken off here."""
    parts = urlsplit(public_url)
    if not is_loopback(parts.hostname):
        return told.url
    return f"{parts.scheme}://{parts.netloc}{told.url.removeprefix(public_url.rstrip('/'))}"


def _finding(public_url: str, status: int, *, echoed: bool) -> Finding:
    if 200 <= status < 300 and echoed:
        return Finding("ok", SUBJECT, f"a signed probe went to {public_url} and came back")
    if 200 <= status < 300:
        fix = "lead the public address to daemon.listen, paths and headers unchanged"
        return Finding("fail", SUBJECT, f"{public_url} is answered by something else than sla-sidecar", fix=fix)
    if status in (400, 401):
        fix = "start the daemon with this configuration; a proxy must change neither path nor body; check both clocks"
        return Finding("fail", SUBJECT, "the daemon at the public address refuses what we sign", fix=fix)
    if status == 404:
        fix = "start the daemon with this configuration; a proxy must lead the whole path to it"
        return Finding("fail", SUBJECT, f"{public_url} has no such path", fix=fix)
    fix = "make room on the disk of the database" if status == 503 else "look into the log of the proxy or the daemon"
    return Finding("fail", SUBJECT, f"{public_url} answered {status}", fix=fix)
