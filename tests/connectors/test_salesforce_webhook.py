"""Outbound messages: hints out of sound ones, a refusal out of everything else."""

from __future__ import annotations

import random

import pytest

from connectors.base import WebhookRequest
from connectors.errors import Rejected
from connectors.salesforce import webhook
from connectors.secret import Secret

ORG = "00D000000000062EAA"
TOKEN = "b" * 43
URL = f"https://sidecar.test/hooks/acme/{TOKEN}"
LEAD = "00Q000000000001EAA"
CASE = "500000000000001AAA"
MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body>
  <notifications xmlns="http://soap.sforce.com/2005/09/outbound">
   <OrganizationId>{org}</OrganizationId>
   <ActionId>04k000000000001AAA</ActionId>
   <SessionId>00D!AQ.secret.session</SessionId>
   <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/66.0/00D000000000062</EnterpriseUrl>
   <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/66.0/00D000000000062</PartnerUrl>
   {notifications}
  </notifications>
 </soapenv:Body>
</soapenv:Envelope>"""
NOTIFICATION = """<Notification><Id>{id}</Id>
 <sObject xsi:type="sf:{type}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject></Notification>"""


def notification(number: int = 1, type: str = "Lead", **fields: str) -> str:
    inner = "".join(f"<sf:{name}>{value}</sf:{name}>" for name, value in (fields or {"Id": LEAD}).items())
    return NOTIFICATION.format(id=f"04l{number:012d}", type=type, fields=inner)


def message(*notifications: str, org: str = ORG) -> bytes:
    return MESSAGE.format(org=org, notifications="".join(notifications or (notification(),))).encode()


def verify(
    body: bytes, url: str = URL, tokens: tuple[str, ...] = (TOKEN,), org: str = ORG
) -> list[tuple[str, str | None]]:
    request = WebhookRequest("POST", url, {"content-type": "text/xml"}, body)
    hints = webhook.verify(request, "acme", [Secret(token) for token in tokens], org, ("Lead", "Case"))
    return [(hint.key, hint.record) for hint in hints]


def refusal(body: bytes, url: str = URL, **more: str) -> str | None:
    with pytest.raises(Rejected) as caught:
        verify(body, url, **more)  # type: ignore[arg-type]
    return caught.value.code


def test_a_message_becomes_a_hint_for_each_notification() -> None:
    body = message(
        notification(1),
        notification(2, "Case", Id=CASE),
        notification(3, "Task", Id="00T000000000001AAA", WhoId=LEAD),
        notification(4, "EmailMessage", Id="02s000000000001AAA", ParentId=CASE),
        notification(5, "Account", Id="001000000000001AAA"),
        notification(6, "Lead", Id=LEAD[:15]),
    )
    assert verify(body) == [
        ("om:04l000000000001AAA", f"acme:lead:{LEAD}"),
        ("om:04l000000000002AAA", f"acme:ticket:{CASE}"),
        ("om:04l000000000003AAA", f"acme:lead:{LEAD}"),
        ("om:04l000000000004AAA", f"acme:ticket:{CASE}"),
        ("om:04l000000000005AAA", None),
        ("om:04l000000000006AAA", f"acme:lead:{LEAD}"),
    ]


def test_the_kept_part_is_the_notification_without_the_session() -> None:
    request = WebhookRequest("POST", URL, {}, message())
    hint = webhook.verify(request, "acme", [Secret(TOKEN)], ORG, ("Lead",))[0]
    assert b"04l000000000001" in hint.payload
    assert b"session" not in hint.payload.lower()


def test_the_org_is_known_by_either_length_of_its_id() -> None:
    assert verify(message(org=ORG[:15]))
    assert verify(message(), org=ORG[:15])
    assert refusal(message(org="00D000000000063EAA")) == "ORGANIZATION"
    assert refusal(message(org="00d000000000062EAA")) == "ORGANIZATION"
    assert refusal(message(org="")) == "ORGANIZATION"


def test_the_address_carries_the_token() -> None:
    base = "https://sidecar.test/webhooks/acme"
    for url in (f"{base}/{TOKEN}", f"{base}?token={TOKEN}", f"{base}?x=1&token={TOKEN}", f"{base}/{TOKEN}?x=1"):
        assert verify(message(), url, ("new-token", TOKEN))
    for url in (base, f"{base}/", f"{base}/{TOKEN}x", f"{base}?t={TOKEN}", f"{base}?token=", f"{base}#{TOKEN}",
                f"{base}/{TOKEN}/more", "https://sidecar.test/\udcff"):  # fmt: skip
        assert refusal(message(), url) == "BAD_SIGNATURE"
    assert refusal(message(), f"{base}?token=", tokens=("",)) == "BAD_SIGNATURE"  # type: ignore[arg-type]


def test_the_acknowledgement_is_what_salesforce_waits_for() -> None:
    assert b"<Ack>true</Ack>" in webhook.ACKNOWLEDGEMENT
    assert b'xmlns="http://soap.sforce.com/2005/09/outbound"' in webhook.ACKNOWLEDGEMENT


BILLION = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lol">'
    + b"".join(f'<!ENTITY a{n} "{"&a" + (str(n - 1) if n else "") + ";"}{"&a;" * 9}">'.encode() for n in range(1, 10))
    + b"]><l>&a9;</l>"
)
QUADRATIC = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "' + b"x" * 50_000 + b'">]><l>' + b"&a;" * 10_000 + b"</l>"
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><l>&x;</l>'
REMOTE_DTD = b'<?xml version="1.0"?><!DOCTYPE l SYSTEM "http://127.0.0.1:9/evil.dtd"><l/>'
HIDDEN = BILLION.decode().replace('version="1.0"', 'version="1.0" encoding="UTF-16"').encode("utf-16")


@pytest.mark.parametrize("bomb", [BILLION, QUADRATIC, EXTERNAL, REMOTE_DTD, HIDDEN])
def test_a_document_type_is_refused_before_anything_is_expanded(bomb: bytes) -> None:
    assert refusal(bomb) in {"DOCTYPE", "MALFORMED"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "MALFORMED"),
        (b"not xml", "MALFORMED"),
        (b"\xff\xfe\x00", "MALFORMED"),
        (b"<a>" * 60 + b"</a>" * 60, "MALFORMED"),
        (b"<a>" * 100 + b"</a>" * 100, "TOO_DEEP"),
        (b"<a>" * 5_000 + b"</a>" * 5_000, "MALFORMED"),
        (b"<a>" * 200_000, "MALFORMED"),
        (b"<a>" + b" " * 1_048_576 + b"</a>", "TOO_LARGE"),
        (message("<Notification/>"), "MALFORMED"),
        (message("<Notification><Id>04l</Id></Notification>"), "MALFORMED"),
        (message(*[notification(n) for n in range(101)]), "MALFORMED"),
        (MESSAGE.format(org=ORG, notifications="").encode(), "MALFORMED"),
        (b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>', "MALFORMED"),
    ],
)
def test_what_is_not_a_sound_message_is_refused(body: bytes, code: str) -> None:
    assert refusal(body) == code


def test_a_hundred_notifications_are_fine() -> None:
    assert len(verify(message(*[notification(n) for n in range(100)]))) == 100


def test_mutated_messages_are_accepted_or_refused_and_nothing_else() -> None:
    whole = message(notification(1), notification(2, "Case", Id=CASE))
    dice = random.Random(5)
    for _ in range(1_500):
        body = bytearray(whole)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(body))
            match dice.randrange(3):
                case 0:
                    body[at] ^= 1 << dice.randrange(8)
                case 1:
                    del body[at : at + dice.randrange(1, 20)]
                case _:
                    body[at:at] = dice.randbytes(dice.randrange(1, 5))
        try:
            verify(bytes(body))
        except Rejected:
            continue
