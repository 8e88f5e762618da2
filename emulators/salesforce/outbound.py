"""Outbound messages: SOAP notifications about records, repeated until the listener says Ack true.

Owns the envelope, ids, batching and the schedule of repetitions. Refuses sending (``emulators.webhooks`` does that).
Invariant: a message shows the records as they are when it is sent, not as they were when it was queued.
Source: SOAP API Developer Guide, "Outbound Messaging": up to 100 notifications a message, one Ack for all of them,
retried with growing gaps of at most two hours, dropped after 24 hours.
The first gap is assumed.
https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from emulators.salesforce.ids import make_id
from emulators.salesforce.org import Org
from emulators.salesforce.store import Store, Values
from emulators.salesforce.values import show_instant
from emulators.webhooks import Delivery

MOST: Final = 100
_ACK: Final = re.compile(rb"<(?:[\w.-]+:)?Ack>\s*true\s*</(?:[\w.-]+:)?Ack>", re.IGNORECASE)
_HEADERS: Final = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""', "User-Agent": "Salesforce/practice"}


def waits() -> tuple[float, ...]:
    """Seconds between attempts: doubling from 15 s to two hours, until a day has passed."""
    gaps, total, gap = [], 0.0, 15.0
    while total + gap <= 24 * 3600:
        gaps.append(gap)
        total += gap
        gap = min(gap * 2, 7200.0)
    return tuple(gaps)


def acknowledged(status: int, body: bytes) -> bool:
    return 200 <= status < 300 and _ACK.search(body) is not None


class Outbound:
    """``org_id`` is what messages say of their org."""

    def __init__(self, store: Store, org: Org, org_id: Callable[[], str], base_url: Callable[[], str]) -> None:
        self._store = store
        self._org = org
        self._org_id = org_id
        self._base_url = base_url
        self._waiting: dict[str, list[tuple[str, str]]] = {}
        self._made = 0

    def queue(self, object: str, id: str) -> None:
        """A record was written. Deleted ones send nothing: workflow does not run on delete."""
        row = self._store.get(object, id)
        if object not in self._org.outbound or row is None or row.get("IsDeleted"):
            return
        self._made += 1
        self._waiting.setdefault(object, []).append((make_id("04l", self._made), id))

    def deliveries(self, url: str | None) -> list[Delivery]:
        """What is waiting, as messages; nothing is kept while there is no listener."""
        waiting, self._waiting = self._waiting, {}
        if not url:
            return []
        return [
            self._delivery(url, entity, batch)
            for entity, notices in waiting.items()
            for batch in _batched(notices, MOST)
        ]

    def _delivery(self, url: str, object: str, notices: list[tuple[str, str]]) -> Delivery:
        def render() -> tuple[Mapping[str, str], bytes]:
            return _HEADERS, self._envelope(object, notices)

        return Delivery("POST", url, _HEADERS, b"", render=render, accepted=acknowledged, waits=waits())

    def _envelope(self, object: str, notices: list[tuple[str, str]]) -> bytes:
        org_id = self._org_id()
        number = list(self._org.outbound).index(object) + 1 if object in self._org.outbound else 1
        soap = f"{self._base_url()}/services/Soap"
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
            ' xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            '<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
            f"<OrganizationId>{org_id}</OrganizationId><ActionId>{make_id('04k', number)}</ActionId>"
            '<SessionId xsi:nil="true"/>'
            f"<EnterpriseUrl>{escape(soap)}/c/68.0/{org_id[:15]}</EnterpriseUrl>"
            f"<PartnerUrl>{escape(soap)}/u/68.0/{org_id[:15]}</PartnerUrl>"
            + "".join(self._notification(object, *notice) for notice in notices)
            + "</notifications></soapenv:Body></soapenv:Envelope>"
        )
        return text.encode()

    def _notification(self, object: str, notification: str, id: str) -> str:
        row = self._store.get(object, id) or {"Id": id}
        names = ("Id", *(name for name in self._org.outbound.get(object, ()) if name != "Id"))
        fields = "".join(self._element(object, name, row) for name in names)
        return (
            f'<Notification><Id>{notification}</Id><sObject xsi:type="sf:{object}"'
            f' xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject></Notification>'
        )

    def _element(self, object: str, name: str, row: Values) -> str:
        value = row.get(name)
        if value is None:
            return ""
        return f"<sf:{name}>{escape(self._text(object, name, value))}</sf:{name}>"

    def _text(self, object: str, name: str, value: Any) -> str:
        field = self._store.tables[object.lower()].fields.get(name)
        if field is not None and field.type == "datetime":
            return show_instant(value).replace("+0000", "Z")  # SOAP spells UTC as Z, REST as +0000
        return str(value).lower() if isinstance(value, bool) else str(value)


def _batched(items: list[tuple[str, str]], size: int) -> list[list[tuple[str, str]]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
