"""Trap 25: Salesforce's outbound messages are not events.

They say what a record is when they are sent, not what happened; they repeat, come out of order, hold up to a hundred
notifications under one acknowledgement, carry no signature, and name the org by an id of 15 characters in one place and
18 in another. So: a secret in the address, the org in either spelling, the notification's id as the key, and the record
is read again. SOAP API Developer Guide, "Outbound Messaging", "Understanding Notifications".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from connectors.base import WebhookRequest
from connectors.http import IMPATIENT
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.secret import Secret
from emulators.core import Server, serve
from emulators.salesforce import EMULATOR
from emulators.salesforce.outbound import acknowledged

TOKEN = "t" * 43
URL = f"https://sla.acme.example/webhooks/acme/{TOKEN}"
NAMES = {"o": "http://soap.sforce.com/2005/09/outbound", "sf": "urn:sobject.enterprise.soap.sforce.com"}


class Practice:
    def __init__(self) -> None:
        self.emulator = EMULATOR()
        self.server: Server = serve(self.emulator)
        self.organization = self.emulator.credentials()["organization_id"]
        credentials = self.emulator.credentials()
        settings = SalesforceSettings.model_validate(
            {"connector": "salesforce", "domain": "practice.my", "client_id": credentials["consumer_key"],
             "client_secret": credentials["consumer_secret"], "url": self.server.url,
             "webhook": {"token": Secret(TOKEN), "organization": self.organization[:15]}}
        )  # fmt: skip
        self.connector = SalesforceConnector(
            "acme", settings, wanted=frozenset(), clock=self.emulator.clock.now_ms, patience=IMPATIENT
        )
        self.emulator.outbound.deliveries(None)

    def act(self, do: str, **order: object) -> str:
        with self.emulator.lock:
            return str(self.emulator.act({"do": do, **order}).get("id", ""))

    def lead(self) -> str:
        return self.act("create", object="Lead", fields={"LastName": "Doe", "Company": "Acme"})

    def message(self) -> bytes:
        """What is sent now of all that happened so far."""
        (delivery,) = self.emulator.outbound.deliveries(URL)
        assert delivery.render is not None
        return delivery.render()[1]

    def verify(self, body: bytes) -> list[tuple[str, str | None]]:
        told = WebhookRequest("POST", URL, {"content-type": "text/xml"}, body)
        return [(hint.key, hint.record) for hint in self.connector.verify(told, 0)]


@pytest.fixture
def practice() -> Iterator[Practice]:
    made = Practice()
    yield made
    made.connector.close()
    made.server.close()


def statuses(body: bytes) -> list[str]:
    """What somebody takes for a history who takes notifications for events."""
    return [found.text or "" for found in ElementTree.fromstring(body).iterfind(".//sf:Status", NAMES)]


def contacted_for_a_while(practice: Practice) -> tuple[str, bytes]:
    lead = practice.lead()
    for status in ("Working - Contacted", "Open - Not Contacted"):
        practice.act("update", object="Lead", id=lead, fields={"Status": status})
    return lead, practice.message()


def test_whoever_takes_them_for_events_never_hears_that_the_lead_was_contacted(practice: Practice) -> None:
    _, body = contacted_for_a_while(practice)
    assert statuses(body) == ["Open - Not Contacted"] * 3


def test_ours_takes_three_hints_at_one_record_and_reads_it_with_its_own_times(practice: Practice) -> None:
    lead, body = contacted_for_a_while(practice)
    hints = practice.verify(body)
    assert {record for _, record in hints} == {f"acme:lead:{lead}"}
    assert len({key for key, _ in hints}) == 3
    changes = practice.connector.read([f"acme:lead:{lead}"])
    assert [change.stream for change in changes if change.stream == "Lead"] == ["Lead"]


def test_whoever_compares_the_orgs_id_as_text_refuses_every_message(practice: Practice) -> None:
    practice.lead()
    said = re.search(rb"<OrganizationId>(\w+)<", practice.message())
    assert said is not None
    configured = practice.organization[:15]  # as Setup > Company Information shows it
    assert said[1].decode() != configured


def test_ours_knows_the_org_by_either_length_and_no_other_one(practice: Practice) -> None:
    practice.lead()
    body = practice.message()
    assert practice.verify(body)
    short = body.replace(practice.organization.encode(), practice.organization[:15].encode())
    assert practice.verify(short)
    other = body.replace(practice.organization[:15].encode(), b"00D000000000777")
    with pytest.raises(Exception, match="another org"):
        practice.verify(other)


def test_a_message_that_was_answered_plainly_comes_again(practice: Practice) -> None:
    """A listener that answers plainly, as one does for webhooks, is told the same for a day."""
    assert not acknowledged(200, b"ok")
    assert not acknowledged(200, b"<Ack>false</Ack>")


def test_ours_answers_once_for_all_and_what_comes_again_has_the_same_keys(practice: Practice) -> None:
    for _ in range(3):
        practice.lead()
    (delivery,) = practice.emulator.outbound.deliveries(URL)
    assert delivery.render is not None
    first, again = delivery.render()[1], delivery.render()[1]
    assert practice.verify(first) == practice.verify(again)
    told = WebhookRequest("POST", URL, {}, first)
    kind, answer = practice.connector.acknowledgement(told)
    assert (kind, acknowledged(200, answer)) == ("text/xml; charset=utf-8", True)
    assert answer.count(b"<Ack>") == 1
