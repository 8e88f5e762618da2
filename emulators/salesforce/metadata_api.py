"""The Metadata API, as far as it reads the settings of business hours.

Owns ``readMetadata`` of BusinessHoursSettings. Refuses every other call and kind. Invariant: a refusal is a SOAP fault
with HTTP 500.
Source: Metadata API Developer Guide, "readMetadata()" and "BusinessHoursSettings": the only place that tells which
business hours observe a holiday. That reading needs Modify Metadata or Modify All Data: the same guide, "Quick Start".
https://developer.salesforce.com/docs/platform/api-metadata/references/meta-types/metadata-businesshourssettings.html
"""

from __future__ import annotations

import re
from typing import Final
from xml.sax.saxutils import escape

from emulators.http import Request, Response
from emulators.salesforce.org import Org
from emulators.salesforce.store import Store, Values

_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope'
    ' xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"'
    ' xmlns:sf="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    "<soapenv:Body>{}</soapenv:Body></soapenv:Envelope>"
)
_SESSION: Final = re.compile(rb"<(?:\w+:)?sessionId>([^<]+)</")
_KIND: Final = re.compile(rb"<(?:\w+:)?type>([^<]+)</")


def session_of(request: Request) -> str:
    """The session id in the SOAP header, which stands for the Authorization header of REST."""
    found = _SESSION.search(request.body)
    return found[1].decode() if found else ""


def answer(request: Request, store: Store, org: Org) -> Response:
    """The answer to a call with a good session."""
    if not org.permissions & {"ModifyMetadata", "ModifyAllData"}:
        return fault(
            "INSUFFICIENT_ACCESS",
            "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions",
        )
    kind = _KIND.search(request.body)
    if b"readMetadata" not in request.body or kind is None or kind[1] != b"BusinessHoursSettings":
        return fault("INVALID_TYPE", "this emulator reads BusinessHoursSettings alone")
    hours = "".join(_hours(row) for row in store.rows("BusinessHours"))
    holidays = "".join(_holiday(row, org) for row in store.rows("Holiday"))
    records = f'<records xsi:type="BusinessHoursSettings"><fullName>BusinessHours</fullName>{hours}{holidays}</records>'
    return _response(200, f"<readMetadataResponse><result>{records}</result></readMetadataResponse>")


def fault(code: str, message: str) -> Response:
    text = (
        f"<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {escape(message)}</faultstring>"
        "</soapenv:Fault>"
    )
    return _response(500, text)


def _response(status: int, body: str) -> Response:
    return Response(status, _ENVELOPE.format(body).encode(), {"Content-Type": "text/xml;charset=UTF-8"})


def _hours(row: Values) -> str:
    return f"<businessHours><active>true</active><name>{escape(row['Name'])}</name></businessHours>"


def _holiday(row: Values, org: Org) -> str:
    observed = "".join(
        f"<businessHours>{escape(one)}</businessHours>" for one in org.holiday_hours.get(row["Name"], ())
    )
    day = row.get("ActivityDate") or row.get("RecurrenceStartDate") or ""
    return f"<holidays><activityDate>{day}</activityDate>{observed}<name>{escape(row['Name'])}</name></holidays>"
