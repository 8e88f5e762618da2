"""Which business hours observe a holiday: only the Metadata API tells.

Owns the request for BusinessHoursSettings and the reading of its answer. Refuses to insist: it takes "Modify Metadata",
which the daemon's user should not have. Invariant: XML is read without entities, DTDs and network.
https://developer.salesforce.com/docs/platform/api-metadata/references/meta-types/metadata-businesshourssettings.html
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from connectors.errors import RetryLater

SPACE: Final = "{http://soap.sforce.com/2006/04/metadata}"


def request(session: str) -> bytes:
    """The SOAP envelope that reads the settings."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns="http://soap.sforce.com/2006/04/metadata">'
        f"<env:Header><SessionHeader><sessionId>{escape(session)}</sessionId></SessionHeader></env:Header>"
        "<env:Body><readMetadata><type>BusinessHoursSettings</type><fullNames>BusinessHours</fullNames>"
        "</readMetadata></env:Body></env:Envelope>"
    ).encode()


def observed(answer: bytes) -> dict[str, set[str]]:
    """Holiday's name -> names of the business hours that observe it. Two holidays of one name count together."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(answer, parser)
    except etree.XMLSyntaxError:
        raise RetryLater("the answer of the Metadata API is unreadable", code="UNREADABLE") from None
    found: dict[str, set[str]] = {}
    for holiday in root.iter(f"{SPACE}holidays"):
        name = holiday.findtext(f"{SPACE}name") or ""
        found.setdefault(name, set()).update(one.text or "" for one in holiday.findall(f"{SPACE}businessHours"))
    return found
