"""Trap 24: HubSpot's webhooks repeat, come out of order and share ids, and the library's check of them is no check.

The SDK's helper signs the address as it is instead of undoing twelve escapes first, takes any time in the future, and
stumbles over a request without a signature; an event's id is not unique, and what an event says may be older than what
the next one says. So: our own check over the raw bytes and the public address, a key of content, and the record is read
again. https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation,
https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hubspot_samples.desk import Desk

from connectors.base import WebhookRequest
from connectors.errors import Rejected
from connectors.secret import Secret
from connectors.signature import sign_v3

NOW = 1_772_460_305_000
YEAR = 365 * 86_400_000
URL = "https://sla.acme.example/webhooks/acme?to=%2Fsla%3A1"
BODY = b'[{"subscriptionType":"ticket.creation","objectId":5,"portalId":7,"occurredAt":1772460300000}]'


def by_the_readme(secret: str, signature: str | None, url: str, body: bytes, at: int) -> bool:
    from hubspot.utils.signature import Signature

    return bool(
        Signature.is_valid(
            signature=signature, client_secret=secret, request_body=body.decode(), http_method="POST", http_uri=url,
            signature_version="v3", timestamp=str(at),
        )
    )  # fmt: skip


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(webhook_secret=Secret("top")) as made:
        yield made


def request(body: bytes, at: int, signature: str | None = None) -> WebhookRequest:
    told = signature if signature is not None else sign_v3(b"top", "POST", URL, body, str(at))
    headers = {"x-hubspot-signature-v3": told, "x-hubspot-request-timestamp": str(at)}
    return WebhookRequest("POST", URL, headers, body)


def test_the_librarys_check_refuses_the_genuine_takes_the_future_and_breaks_without_a_signature() -> None:
    from time import time

    now = int(time() * 1000)
    genuine = sign_v3(b"top", "POST", URL, BODY, str(now))
    assert by_the_readme("top", genuine, URL, BODY, now) is False
    plain = "https://sla.acme.example/webhooks/acme"
    in_a_year = sign_v3(b"top", "POST", plain, BODY, str(now + YEAR))
    assert by_the_readme("top", in_a_year, plain, BODY, now + YEAR) is True
    for none in (None, "é"):
        with pytest.raises(TypeError):
            by_the_readme("top", none, plain, BODY, now)


def test_ours_takes_the_genuine_and_refuses_all_others_in_one_way(desk: Desk) -> None:
    assert [hint.record for hint in desk.connector.verify(request(BODY, NOW), NOW)] == ["acme:ticket:5"]
    for told in (request(BODY, NOW + YEAR), request(BODY, NOW, ""), request(BODY, NOW, "é")):
        with pytest.raises(Rejected):
            desk.connector.verify(told, NOW)
    bare = WebhookRequest("POST", URL, {}, BODY)
    with pytest.raises(Rejected):
        desk.connector.verify(bare, NOW)


def two_events_of_one_id() -> bytes:
    event: dict[str, Any] = {"eventId": 100, "subscriptionId": 1, "portalId": 7, "subscriptionType": "ticket.creation"}
    return json.dumps([event | {"objectId": 5, "occurredAt": NOW}, event | {"objectId": 6, "occurredAt": NOW}]).encode()


def test_whoever_goes_by_the_events_id_loses_one_of_two() -> None:
    seen: dict[int, int] = {}
    for event in json.loads(two_events_of_one_id()):
        seen.setdefault(event["eventId"], event["objectId"])
    assert list(seen.values()) == [5]  # 6 was never looked at


def test_ours_keeps_both_and_a_repeated_delivery_is_none(desk: Desk) -> None:
    hints = desk.connector.verify(request(two_events_of_one_id(), NOW), NOW)
    assert len({hint.key for hint in hints}) == 2
    again = two_events_of_one_id().replace(b'"eventId": 100', b'"eventId": 7, "attemptNumber": 3')
    assert [hint.key for hint in desk.connector.verify(request(again, NOW), NOW)] == [hint.key for hint in hints]


def shuffled(desk: Desk, ticket: str) -> list[dict[str, Any]]:
    """What the practice portal tells of two changes, delivered the wrong way round."""
    desk.emulator.hooks.deliveries(None)
    for stage in ("waiting on contact", "closed"):
        desk.act("update", object="tickets", id=ticket, stage=stage, by="Sam")
        desk.pass_time(60)
    (delivery,) = desk.emulator.hooks.deliveries(URL)
    assert delivery.render is not None
    events = json.loads(delivery.render()[1])
    return [event for event in reversed(events) if event.get("propertyName") == "hs_pipeline_stage"]


def test_whoever_believes_the_last_event_that_came_has_a_ticket_open_that_is_closed(desk: Desk) -> None:
    ticket = desk.ticket()
    believed = [event["propertyValue"] for event in shuffled(desk, ticket)][-1]
    record = desk.emulator.portal.shelf(desk.emulator.portal.kind("tickets")).find(ticket)
    assert record is not None
    assert believed != record.text("hs_pipeline_stage")


def test_ours_reads_the_ticket_again_and_finds_it_closed(desk: Desk) -> None:
    ticket = desk.ticket()
    body = json.dumps(shuffled(desk, ticket)).encode()
    records = {hint.record for hint in desk.connector.verify(request(body, desk.now), desk.now)}
    assert records == {f"acme:ticket:{ticket}"}
    events = [
        event for change in desk.connector.read(sorted(filter(None, records)))
        for event in desk.connector.normalise(change).events
    ]  # fmt: skip
    assert [event.set["status"] for event in events if event.snapshot] == ["closed"]
