"""Webhooks: genuine ones become hints, all others are refused."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import WRITE, Desk, sample

from connectors.base import WebhookRequest
from connectors.errors import Rejected
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.webhook import acknowledgement, normalise, verify
from connectors.secret import Secret
from connectors.signature import sign_v3

NOW = 1_772_460_305_000
URL = "https://sla.example.test/hooks/acme?from=hubspot"


def mapper(**given: Any) -> Mapper:
    told = {"connector": "hubspot", "access_token": Secret("x"), "webhook_secret": Secret("top-secret"),
            "write": {"ticket": WRITE}, **given}  # fmt: skip
    return Mapper("acme", HubSpotSettings.model_validate(told), frozenset())


def request(
    body: bytes, *, secret: str = "top-secret", at: int = NOW, url: str = URL, **headers: str
) -> WebhookRequest:
    signed = {
        "x-hubspot-signature-v3": sign_v3(secret.encode(), "POST", URL, body, str(at)),
        "x-hubspot-request-timestamp": str(at),
    }
    return WebhookRequest("POST", url, {**signed, **headers}, body)


def test_each_event_hints_at_its_record() -> None:
    hints = verify(mapper(), request(sample("webhook.json")), NOW)
    assert [hint.record for hint in hints] == [
        "acme:ticket:2574114363",
        "acme:lead:51",
        None,  # our own field: nothing to read again
        None,  # a conversation is no record
    ]
    assert len({hint.key for hint in hints}) == 4
    assert msgspec.json.decode(hints[1].payload)["objectId"] == 51


def test_a_repeated_delivery_has_the_same_keys() -> None:
    first = verify(mapper(), request(sample("webhook.json")), NOW)
    again = (
        sample("webhook.json")
        .replace(b'"attemptNumber":0', b'"attemptNumber":3')
        .replace(b'"eventId":1', b'"eventId":9')
    )
    assert [hint.key for hint in verify(mapper(), request(again), NOW)] == [hint.key for hint in first]


def test_another_value_or_instant_is_another_event() -> None:
    def key(**change: Any) -> str:
        event = {"subscriptionId": 1, "portalId": 2, "objectId": 3, "occurredAt": 4, "propertyName": "a",
                 "propertyValue": "b", "subscriptionType": "ticket.propertyChange", **change}  # fmt: skip
        (hint,) = verify(mapper(), request(msgspec.json.encode([event])), NOW)
        return hint.key

    variants = [{}, {"subscriptionId": 9}, {"portalId": 9}, {"objectId": 9}, {"occurredAt": 9}, {"propertyName": "x"},
                {"propertyValue": "x"}]  # fmt: skip
    assert len({key(**variant) for variant in variants}) == 7
    assert key(eventId=5) == key(eventId=6)


def test_the_secret_before_the_rotation_still_counts() -> None:
    of = mapper(webhook_secret=Secret("new"), webhook_previous_secret=Secret("old"))
    assert verify(of, request(sample("webhook.json"), secret="old"), NOW)
    assert verify(of, request(sample("webhook.json"), secret="new"), NOW)
    with pytest.raises(Rejected):
        verify(of, request(sample("webhook.json")), NOW)


@pytest.mark.parametrize("minutes", [-6, 6, 365 * 24 * 60])
def test_a_stale_or_future_request_is_refused(minutes: int) -> None:
    with pytest.raises(Rejected):
        verify(mapper(), request(sample("webhook.json"), at=NOW + minutes * 60_000), NOW)


def test_without_a_secret_nothing_is_believed() -> None:
    with pytest.raises(Rejected):
        verify(mapper(webhook_secret=None), request(sample("webhook.json")), NOW)


def test_another_url_or_signature_is_refused() -> None:
    with pytest.raises(Rejected):
        verify(mapper(), request(sample("webhook.json"), url=URL + "&x=1"), NOW)
    with pytest.raises(Rejected):
        verify(mapper(), request(sample("webhook.json"), **{"x-hubspot-signature-v3": "Zm9yZ2Vk"}), NOW)


def test_no_changed_bit_of_a_request_passes() -> None:
    dice = random.Random(3)
    body = sample("webhook.json")
    good = request(body)
    for _ in range(200):
        place = dice.randrange(len(body))
        changed = body[:place] + bytes([body[place] ^ (1 << dice.randrange(8))]) + body[place + 1 :]
        with pytest.raises(Rejected):
            verify(mapper(), WebhookRequest("POST", URL, good.headers, changed), NOW)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"[1]", b"[null]", b'[{"occurredAt":"x"}]', b"[" * 5000, b"\xff", b'[{"objectId":1e400}]',
     b"[{}," * 2000],
)  # fmt: skip
def test_a_signed_body_that_is_no_list_of_events_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        verify(mapper(), request(body), NOW)


def test_too_much_is_refused() -> None:
    with pytest.raises(Rejected, match="larger"):
        verify(mapper(), request(b" " * 1_000_001), NOW)
    with pytest.raises(Rejected, match="more events"):
        verify(mapper(), request(b"[" + b",".join([b"{}"] * 1001) + b"]"), NOW)


def test_another_portals_events_are_passed_over_and_ours_beside_them_are_taken() -> None:
    assert len(verify(mapper(portal_id=62515), request(sample("webhook.json")), NOW)) == 4
    assert verify(mapper(portal_id=62516), request(sample("webhook.json")), NOW) == []
    events = msgspec.json.decode(sample("webhook.json"))
    events[0]["portalId"] = 62516
    mixed = verify(mapper(portal_id=62515), request(msgspec.json.encode(events)), NOW)
    assert [hint.record for hint in mixed] == ["acme:lead:51", None, None]


def event(**told: Any) -> bytes:
    return msgspec.json.encode({"portalId": 1, "occurredAt": NOW, **told})


@pytest.mark.parametrize(
    ("subscription", "word"),
    [("ticket.deletion", "deleted"), ("ticket.restore", "restored"), ("ticket.privacyDeletion", "deleted")],
)
def test_a_deletion_or_restoration_is_told_at_its_time(subscription: str, word: str) -> None:
    (found,) = normalise(mapper(), event(subscriptionType=subscription, objectId=7)).events
    assert (found.event, found.record, found.at) == (word, "acme:ticket:7", NOW)


def test_a_merge_ends_the_losers_in_the_new_record() -> None:
    body = event(subscriptionType="ticket.merge", primaryObjectId=7, mergedObjectIds=[8, 9], newObjectId=10)
    found = normalise(mapper(), body).events
    assert [(one.record, one.into) for one in found] == [
        ("acme:ticket:7", "acme:ticket:10"), ("acme:ticket:8", "acme:ticket:10"), ("acme:ticket:9", "acme:ticket:10"),
    ]  # fmt: skip
    kept = normalise(mapper(), event(subscriptionType="contact.merge", primaryObjectId=7, mergedObjectIds=[8])).events
    assert [(one.record, one.into) for one in kept] == [("acme:lead:8", "acme:lead:7")]


def test_leads_come_as_objects_with_a_type_id() -> None:
    of = mapper(objects=["leads"])
    body = msgspec.json.encode([{"subscriptionType": "object.creation", "objectTypeId": "0-136", "objectId": 5}])
    (hint,) = verify(of, request(body), NOW)
    assert hint.record == "acme:lead:5"


def test_a_change_tells_nothing_by_itself() -> None:
    for part in msgspec.json.decode(sample("webhook.json")):
        assert normalise(mapper(), msgspec.json.encode(part)).events == []


def test_the_answer_is_empty() -> None:
    assert acknowledgement() == ("text/plain; charset=utf-8", b"")


def test_the_practice_portals_own_webhooks_are_believed() -> None:
    with Desk() as desk:
        of = mapper(webhook_secret=Secret(desk.emulator.webhook_secret), portal_id=desk.emulator.portal.id)
        ticket = desk.ticket()
        desk.act("update", object="tickets", id=ticket, stage="closed", by="Sam")
        desk.act("delete", object="tickets", id=ticket, by="Sam")
        (delivery,) = desk.emulator.hooks.deliveries(URL)
        assert delivery.render is not None
        headers, body = delivery.render()
        lower = {name.lower(): value for name, value in headers.items()}
        hints = verify(of, WebhookRequest("POST", URL, lower, body), desk.now)
        assert {hint.record for hint in hints} == {f"acme:ticket:{ticket}"}
        told = [found.event for hint in hints for found in normalise(of, hint.payload).events]
        assert told == ["deleted"]
