"""Outbound messages: what they say, how many go together, and that only Ack true ends them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from xml.etree import ElementTree

import pytest
from salesforce_emulator_org import Org

NO_RULES = {"Sforce-Auto-Assign": "FALSE"}
NAMES = {"o": "http://soap.sforce.com/2005/09/outbound", "sf": "urn:sobject.enterprise.soap.sforce.com"}
ENVELOPE = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>{}</Ack></notificationsResponse>'
    "</soapenv:Body></soapenv:Envelope>"
)


class Listener:
    """Takes messages; ``answers`` are the Ack texts of the first ones, then ``true``."""

    def __init__(self, *answers: str) -> None:
        self.messages: list[ElementTree.Element] = []
        self.arrived = threading.Condition()
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with listener.arrived:
                    listener.messages.append(ElementTree.fromstring(body))
                    number = len(listener.messages)
                    listener.arrived.notify_all()
                ack = ENVELOPE.format(answers[number - 1] if number <= len(answers) else "true").encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(ack)))
                self.end_headers()
                self.wfile.write(ack)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/salesforce"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,))
        self.thread.start()

    def wait(self, enough: Callable[[list[ElementTree.Element]], bool]) -> list[ElementTree.Element]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: enough(self.messages), timeout=5)
            return list(self.messages)

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org()
    yield org
    org.close()


def ids(messages: list[ElementTree.Element]) -> list[str]:
    return [str(one.text) for message in messages for one in message.iterfind(".//sf:Id", NAMES)]


def test_a_written_record_is_told_with_its_org_and_message_id(org: Org) -> None:
    listener = Listener()
    org.control("webhooks", {"url": listener.url})
    lead = org.lead(Rating="Hot")
    (message,) = listener.wait(lambda messages: len(messages) == 1)
    listener.close()
    assert message.findtext(".//o:OrganizationId", namespaces=NAMES) == org.credentials["organization_id"]
    assert re.fullmatch(r"04k\w{15}", message.findtext(".//o:ActionId", "", NAMES))
    assert re.fullmatch(r"04l\w{15}", message.findtext(".//o:Notification/o:Id", "", NAMES))
    record = message.find(".//o:sObject", NAMES)
    assert record is not None
    assert record.attrib == {"{http://www.w3.org/2001/XMLSchema-instance}type": "sf:Lead"}
    assert record.findtext("sf:Id", namespaces=NAMES) == lead
    assert record.findtext("sf:Status", namespaces=NAMES) == "Open - Not Contacted"
    assert record.findtext("sf:SystemModstamp", namespaces=NAMES) == "2026-03-02T14:05:00.000Z"


def test_what_people_do_is_told_too_and_other_objects_are_not(org: Org) -> None:
    listener = Listener()
    org.control("webhooks", {"url": listener.url})
    case = org.act("create", object="Case", fields={"Subject": "Help & <more>"})
    org.act("message", id=case)
    org.act("update", id=case, fields={"Status": "Working"})
    messages = listener.wait(lambda messages: len(ids(messages)) == 2)
    listener.close()
    assert ids(messages) == [case, case]


def test_up_to_100_notifications_go_in_one_message(org: Org) -> None:
    leads = [org.lead(LastName=f"Lead {number}") for number in range(150)]
    listener = Listener()
    records = [{"attributes": {"type": "Lead"}, "id": lead, "Rating": "Hot"} for lead in leads]
    with org.emulator.lock:
        org.emulator.deliveries()  # what was written before there was a listener is not kept
        org.emulator.webhooks.change({"url": listener.url})
    org.patch("/composite/sobjects", {"records": records}, headers=NO_RULES)
    messages = listener.wait(lambda messages: len(ids(messages)) == 150)
    listener.close()
    assert [len(ids([message])) for message in messages] == [100, 50]


def test_a_message_without_ack_true_comes_again_with_the_same_ids_and_the_latest_state(org: Org) -> None:
    listener = Listener("false")
    org.control("webhooks", {"url": listener.url})
    lead = org.lead()
    listener.wait(lambda messages: len(messages) == 1)
    with org.emulator.lock:
        org.emulator.store.amend("Lead", lead, {"Status": "Working - Contacted"})
    while len(listener.messages) < 2:
        org.advance(15)
    first, second = listener.wait(lambda messages: len(messages) >= 2)[:2]
    listener.close()
    number = ".//o:Notification/o:Id"
    assert first.findtext(number, namespaces=NAMES) == second.findtext(number, namespaces=NAMES)
    assert second.findtext(".//sf:Status", namespaces=NAMES) == "Working - Contacted"


def test_an_admin_chooses_objects_and_fields(org: Org) -> None:
    listener = Listener()
    org.act("setup", outbound={"EmailMessage": ["ParentId", "Incoming"]})
    org.control("webhooks", {"url": listener.url})
    case = org.case()
    org.act("message", id=case)
    (message,) = listener.wait(lambda messages: len(messages) == 1)
    listener.close()
    assert message.findtext(".//sf:ParentId", namespaces=NAMES) == case
    assert message.findtext(".//sf:Incoming", namespaces=NAMES) == "true"


def test_a_forged_message_names_another_org(org: Org) -> None:
    case = org.case()
    org.emulator.webhooks.change({"url": "http://127.0.0.1:9/", "forged": True})
    org.emulator.deliveries()
    org.patch(f"/sobjects/Case/{case}", {"Subject": "x"}, headers=NO_RULES)
    (delivery,) = org.emulator.deliveries()
    assert delivery.render is not None
    (named,) = re.findall(rb"<OrganizationId>(\w+)</OrganizationId>", delivery.render()[1])
    assert named.decode() != org.credentials["organization_id"]
    assert (len(named), named[:3]) == (18, b"00D")
    org.emulator.webhooks.change({"url": None})
