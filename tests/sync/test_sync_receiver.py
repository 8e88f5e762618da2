"""The door for webhooks: whatever comes, what it answers, and that a probe comes back without a trace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.base import PROBE_HEADER, Connector, WebhookRequest
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.settings import HubSpotSettings
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from connectors.signature import sign_v3
from sync import probe
from sync.clock import ManualClock
from sync.link import Link
from sync.receiver import Receiver
from sync.store import Store
from sync.view import View
from sync.writer import Writer

NOW = 1_772_460_305_000
PUBLIC = "https://sla.acme.example"
TOKEN = "b" * 43
ORG = "00D000000000062EAA"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Door:
    """A receiver over a real store, asked without a socket."""

    def __init__(self, folder: Path) -> None:
        hubspot = HubSpotSettings.model_validate(
            {"connector": "hubspot", "access_token": Secret("x"), "webhook_secret": Secret("top"), "portal_id": 7}
        )
        salesforce = SalesforceSettings.model_validate(
            {"connector": "salesforce", "domain": "acme.my", "client_id": "c", "client_secret": Secret("x"),
             "webhook": {"token": Secret(TOKEN), "organization": ORG}}
        )  # fmt: skip
        clock = ManualClock(NOW)
        self.hubspot: Connector = HubSpotConnector("hs", hubspot, wanted=frozenset(), clock=clock.now)
        self.salesforce: Connector = SalesforceConnector("sf", salesforce, wanted=frozenset(), clock=clock.now)
        self.store = Store.open(folder / "sla.db")
        self.writer = Writer(self.store)
        self.view = View.open(folder / "sla.db")
        links = {one.name: Link(one.name, one, Random(1)) for one in (self.hubspot, self.salesforce)}
        self.app = Receiver(links, self.writer, self.view, clock, PUBLIC).application()

    def send(self, told: WebhookRequest, **more: str) -> Answer:
        return self.ask(told.url.removeprefix(PUBLIC), told.body, [*{**told.headers, **more}.items()])

    def ask(self, target: str, body: bytes, headers: list[tuple[str, str]]) -> Answer:
        return asyncio.run(self._ask(target, body, headers))

    async def _ask(self, target: str, body: bytes, headers: list[tuple[str, str]]) -> Answer:
        from urllib.parse import unquote

        path, _, query = target.partition("?")
        scope = {
            "type": "http", "method": "POST", "path": unquote(path), "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        }  # fmt: skip
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self.app(scope, receive, send)  # type: ignore[arg-type]
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:]))

    def signed(self, body: bytes, path: str = "/webhooks/hs", at: int = NOW) -> WebhookRequest:
        signature = sign_v3(b"top", "POST", PUBLIC + path, body, str(at))
        headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(at)}
        return WebhookRequest("POST", PUBLIC + path, headers, body)

    def kept(self) -> int:
        return int(self.writer.write(lambda t: t.rows("SELECT count(*) FROM inbox"))[0][0])

    def close(self) -> None:
        self.writer.close()
        self.view.close()
        self.store.close()


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path)
    yield made
    made.close()


EVENT = (
    b'{"eventId":1,"subscriptionId":2,"portalId":7,"occurredAt":1772460300000,"subscriptionType":"ticket.creation",'
    b'"attemptNumber":0,"objectId":5}'
)


def test_a_repeated_delivery_is_kept_once(door: Door) -> None:
    told = door.signed(b"[" + EVENT + b"]")
    assert [door.send(told).status for _ in range(3)] == [200, 200, 200]
    assert door.kept() == 1


def test_the_path_counts_as_it_was_called_escapes_and_all(door: Door) -> None:
    assert door.send(door.signed(b"[" + EVENT + b"]", "/webhooks/h%73/a%20b?x=%3A&y=%25")).status == 200
    assert door.kept() == 1


def test_a_doubled_header_is_refused(door: Door) -> None:
    told = door.signed(b"[" + EVENT + b"]")
    headers = [*told.headers.items()]
    for name, value in told.headers.items():
        assert door.ask("/webhooks/hs", told.body, [*headers, (name, value)]).status == 401
    assert door.ask("/webhooks/hs", told.body, [*headers, ("x-hubspot-signature-v3", "é")]).status == 401
    assert door.kept() == 0


@pytest.mark.parametrize("name", ["hs", "sf"])
def test_a_probe_comes_back_and_leaves_no_trace(door: Door, name: str) -> None:
    connector = {"hs": door.hubspot, "sf": door.salesforce}[name]
    told = connector.probe(PUBLIC, NOW)
    assert told is not None
    answer = door.send(told, **{PROBE_HEADER: "0123456789abcdef"})
    assert (answer.status, answer.headers[PROBE_HEADER]) == (200, "0123456789abcdef")
    assert door.kept() == 0


def test_a_probe_of_a_stranger_is_refused_and_its_word_is_not_repeated(door: Door) -> None:
    answer = door.ask("/webhooks/hs", b"[]", [(PROBE_HEADER, "0123456789abcdef")])
    assert (answer.status, PROBE_HEADER in answer.headers) == (401, False)
    answer = door.ask("/webhooks/sf/wrong", b"<x/>", [(PROBE_HEADER, "0123456789abcdef")])
    assert (answer.status, PROBE_HEADER in answer.headers) == (401, False)


def test_only_a_plain_word_is_repeated_and_only_where_nothing_was_told(door: Door) -> None:
    told = door.hubspot.probe(PUBLIC, NOW)
    assert told is not None
    for word in ("", "short", "<script>alert(1)</script>", "0" * 65, "0123456789abcdeg"):
        assert PROBE_HEADER not in door.send(told, **{PROBE_HEADER: word}).headers
    genuine = door.signed(b"[" + EVENT + b"]")
    assert PROBE_HEADER not in door.send(genuine, **{PROBE_HEADER: "0123456789abcdef"}).headers


@pytest.mark.parametrize(
    ("status", "echoed", "level", "words"),
    [
        (200, True, "ok", "came back"),
        (200, False, "fail", "something else than sla-sidecar"),
        (401, False, "fail", "refuses what we sign"),
        (404, False, "fail", "no such path"),
        (503, False, "fail", "answered 503"),
    ],
)
def test_what_became_of_a_probe_is_told_in_one_sentence(status: int, echoed: bool, level: str, words: str) -> None:
    finding = probe._finding(PUBLIC, status, echoed=echoed)
    assert finding.level == level
    assert words in finding.message
    assert (finding.fix is None) is (level == "ok")


def test_without_a_public_address_or_a_secret_there_is_nothing_to_try(door: Door) -> None:
    finding = probe.round_trip(door.hubspot, None, NOW)
    assert finding is not None
    assert (finding.level, finding.fix) == ("warn", "set daemon.public_url")
    bare = HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("x")})
    connector: Connector = HubSpotConnector("hs", bare, wanted=frozenset(), clock=lambda: NOW)
    assert probe.round_trip(connector, PUBLIC, NOW) is None


# ---- whatever comes: no exception, no 5xx


def mutate(body: bytes, dice: random.Random) -> bytes:
    changed = bytearray(body)
    for _ in range(dice.randrange(1, 5)):
        at = dice.randrange(len(changed) or 1)
        match dice.randrange(5):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << dice.randrange(8)
            case 1:
                del changed[at : at + dice.randrange(1, 30)]
            case 2:
                changed[at:at] = dice.randbytes(3)
            case 3:
                changed[at:at] = dice.choice(NASTY)
            case _:
                changed = changed[:at]
    return bytes(changed)


NASTY = (
    b"NaN", b"1e400", b"-0", b"null", b'"\\ud800"', b"\xff", b"[" * 200, b'{"a":' * 70, b'"objectId":9' * 3,
    b"99999999999999999999999999", b"\x00", b"\xf0\x9f\x92\xa9", b"<a>" * 70, b"<!DOCTYPE x>", b"]]>", b"&#x0;",
)  # fmt: skip


def test_five_hundred_mutated_bodies_rightly_signed_never_bring_the_door_down(door: Door) -> None:
    dice = random.Random(11)
    whole = b"[" + EVENT + b"," + EVENT.replace(b":5", b":6") + b"]"
    message = door.salesforce.probe(PUBLIC, NOW)
    assert message is not None
    said: Callable[[bytes], int] = lambda body: door.send(door.signed(body)).status  # noqa: E731
    statuses = {said(mutate(whole, dice)) for _ in range(300)}
    statuses |= {door.ask(f"/webhooks/sf/{TOKEN}", mutate(message.body, dice), []).status for _ in range(200)}
    assert statuses <= {200, 400, 413}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)
KEYS = st.sampled_from(
    ["objectId", "portalId", "occurredAt", "subscriptionType", "objectTypeId", "propertyName", "propertyValue",
     "primaryObjectId", "mergedObjectIds", "newObjectId", "subscriptionId"]
)  # fmt: skip


@given(st.lists(st.dictionaries(KEYS, JSON), max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_signed_list_of_events_is_taken_or_refused_and_nothing_else(events: list[dict[str, Any]]) -> None:
    import json

    from connectors.errors import Rejected
    from connectors.hubspot.mapping import Mapper
    from connectors.hubspot.webhook import normalise, verify

    told = {"connector": "hubspot", "access_token": Secret("x"), "webhook_secret": Secret("top")}
    mapper = Mapper("hs", HubSpotSettings.model_validate(told), frozenset())
    body = json.dumps(events).encode("utf-8", "surrogatepass")
    headers = {
        "x-hubspot-signature-v3": sign_v3(b"top", "POST", PUBLIC, body, str(NOW)),
        "x-hubspot-request-timestamp": str(NOW),
    }
    try:
        for hint in verify(mapper, WebhookRequest("POST", PUBLIC, headers, body), NOW):
            normalise(mapper, hint.payload)
    except Rejected:
        pass


def test_a_thousand_forged_requests_fill_no_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(1_000):
        assert door.ask("/webhooks/hs", b"[]", []).status == 401
    assert [record.message for record in caplog.records] == [
        "connection hs: a webhook was refused: the request carries no signature of version 3"
    ]


def test_a_full_disk_asks_the_sender_to_come_again_and_then_takes_it(door: Door) -> None:
    told = door.signed(b"[" + EVENT.replace(b'"eventId":1', b'"eventId":1,"x":"' + b"y" * 200_000 + b'"') + b"]")
    [(pages,)] = door.writer.write(lambda t: t.rows("PRAGMA page_count"))
    door.writer.write(lambda t: t.rows(f"PRAGMA max_page_count = {pages}"))
    answer = door.send(told)
    assert (answer.status, answer.headers["retry-after"]) == (503, "30")
    door.writer.write(lambda t: t.rows("PRAGMA max_page_count = 1000000"))
    assert (door.send(told).status, door.kept()) == (200, 1)
