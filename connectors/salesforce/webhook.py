"""Outbound messages: verified, taken apart, acknowledged. Pure.

Owns the SOAP of Salesforce's outbound messages. Refuses to believe them: they carry no signature, so they are hints to
read a record again, and nothing else. Invariant: whatever the bytes are, the answer is a list of hints or ``Rejected``,
nothing outside the bytes is ever fetched, and the session id that a message may hold is dropped.
https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_om_outboundmessaging_understanding.htm
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from connectors.base import Hint, WebhookRequest
from connectors.errors import Rejected
from connectors.salesforce import names
from connectors.salesforce.ids import full_id, is_id, same_id
from connectors.secret import Secret
from sla.model import record_name

if TYPE_CHECKING:
    from lxml import etree

    from connectors.salesforce.settings import WebhookSettings

MAX_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_NOTIFICATIONS: Final = 100
"""Salesforce: up to 100 notifications in one message."""

_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUT: Final = "{http://soap.sforce.com/2005/09/outbound}"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

PROBE: Final = "04l000000000000AAA"
"""The notification of our own probes: a number that Salesforce, counting from one, does not give (assumed)."""

ACKNOWLEDGEMENT: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
"""One acknowledgement for the whole message; anything else makes Salesforce send it again, for 24 hours."""


def verify(
    request: WebhookRequest, connection: str, tokens: Sequence[Secret], organization: str, objects: Sequence[str]
) -> list[Hint]:
    """The hints of a message, one a notification. Raises Rejected for everything that is not ours or not sound.

    ``tokens`` are the accepted secrets of the address; ``organization`` the id of the org, 15 or 18 characters.
    """
    _check_token(request.url, tokens)
    root = _parse(request.body)
    notifications = root.find(f"{_SOAP}Body/{_OUT}notifications")
    if notifications is None:
        raise Rejected("the request is not an outbound message", code="MALFORMED")
    if not same_id(_text(notifications, f"{_OUT}OrganizationId"), organization):
        raise Rejected("the message comes from another org", code="ORGANIZATION")
    found = notifications.findall(f"{_OUT}Notification")
    if not 0 < len(found) <= MAX_NOTIFICATIONS:
        raise Rejected("the message holds no notifications, or too many", code="MALFORMED")
    return [_hint(one, connection, objects) for one in found if _text(one, f"{_OUT}Id") != PROBE]


def probe(address: str, hook: WebhookSettings) -> WebhookRequest:
    """A message to ``address`` (without the token) whose one notification tells nothing."""
    body = (
        f'<e:Envelope xmlns:e="{_SOAP[1:-1]}"><e:Body><notifications xmlns="{_OUT[1:-1]}">'
        f"<OrganizationId>{hook.organization}</OrganizationId>"
        f"<Notification><Id>{PROBE}</Id></Notification></notifications></e:Body></e:Envelope>"
    )
    headers = {"content-type": "text/xml; charset=utf-8"}
    return WebhookRequest("POST", f"{address}/{hook.token.reveal()}", headers, body.encode())


def _check_token(url: str, tokens: Sequence[Secret]) -> None:
    """The token is the last part of the path or the parameter ``token``; all are compared, in constant time."""
    path, _, query = url.split("#", 1)[0].partition("?")
    given = [path.rpartition("/")[2], *(part[6:] for part in query.split("&") if part.startswith("token="))]
    right = 0
    for token in tokens:
        for text in given:
            right |= bool(token) and hmac.compare_digest(text.encode("utf-8", "surrogatepass"), token.reveal().encode())
    if not right:
        raise Rejected("the address does not carry the webhook's token", code="BAD_SIGNATURE")


def _parse(body: bytes) -> etree._Element:
    """The document's root. No entities, no DTD, no network, no huge trees; refused before anything is expanded."""
    from lxml import etree

    if len(body) > MAX_BYTES:
        raise Rejected("the message is larger than a megabyte", code="TOO_LARGE")
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Rejected("the message declares a document type", code="DOCTYPE")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        recover=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root: etree._Element = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Rejected("the message is not well-formed XML", code="MALFORMED") from None
    if root.getroottree().docinfo.internalDTD is not None:  # in an encoding that hid it from the look above
        raise Rejected("the message declares a document type", code="DOCTYPE")
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise Rejected("the message is nested too deep", code="TOO_DEEP")
    return root


def _hint(notification: etree._Element, connection: str, objects: Sequence[str]) -> Hint:
    from lxml import etree

    key, thing = _text(notification, f"{_OUT}Id"), notification.find(f"{_OUT}sObject")
    if not is_id(key) or thing is None:
        raise Rejected("a notification has no id or no record", code="MALFORMED")
    values = {etree.QName(child).localname: (child.text or "").strip() for child in thing}
    payload = etree.tostring(notification, with_tail=False)
    return Hint(f"om:{full_id(key)}", _record(thing, values, connection, objects), payload)


def _record(thing: Any, values: dict[str, str], connection: str, objects: Sequence[str]) -> str | None:
    """The record that a notification is about: itself, or the parent of a task, e-mail or comment."""
    name = str(thing.get(_TYPE, "")).rpartition(":")[2]
    candidates = ("Id",) if name in names.KINDS else ("WhoId", "WhatId", "ParentId")
    for field in candidates:
        key = values.get(field, "")
        parent = names.PREFIXES.get(key[:3])
        if is_id(key) and parent in objects:
            return record_name(connection, names.KINDS[str(parent)], full_id(key))
    return None


def _text(element: etree._Element, path: str) -> str:
    found = element.find(path)
    return (found.text or "").strip() if found is not None else ""
