"""SOAP login(): switched off as new orgs come, and gone from newer versions.

Owns its answer and its faults. Refuses every other SOAP call. Invariant: no session without user name, password and
security token.
Source: SOAP API Developer Guide, login(); help article 005132110 (the retirement, the versions). Which code a version
without login() answers with is assumed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from typing import Final

from emulators.http import Request, Response

LAST_VERSION: Final = 64
OFF: Final = (
    "SOAP API login() is disabled by default in this org. Contact the org administrator to enable SOAP API login()."
)
_ENVELOPE: Final = (
    '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:sf="urn:fault.partner.soap.sforce.com" xmlns="urn:partner.soap.sforce.com"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>{}</soapenv:Body></soapenv:Envelope>'
)
_FAULT: Final = (
    "<soapenv:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>"
    '<sf:LoginFault xsi:type="sf:LoginFault"><sf:exceptionCode>{code}</sf:exceptionCode>'
    "<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
)
_RESULT: Final = (
    "<loginResponse><result><passwordExpired>false</passwordExpired><sandbox>false</sandbox>"
    "<serverUrl>{url}/services/Soap/u/{version}.0/{org}</serverUrl><sessionId>{session}</sessionId>"
    "<userId>{user}</userId><userInfo><organizationId>{org}</organizationId></userInfo></result></loginResponse>"
)


class Refused(Exception):
    """A login that is refused: the exceptionCode and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def login(
    request: Request, *, enabled: bool, url: str, org: str, enter: Callable[[str, str], tuple[str, str]]
) -> Response:
    """``enter(username, password)`` gives session and user id, or raises Refused; ``url`` is the org's address."""
    try:
        version = int(re.fullmatch(r"/services/Soap/[uc]/(\d+)\.\d/?.*", request.path)[1])  # type: ignore[index]
    except (TypeError, ValueError):
        return _fault("INVALID_TYPE", "no such SOAP endpoint here")
    if version > LAST_VERSION:
        return _fault("UNSUPPORTED_API_VERSION", f"login() is not available in API version {version}.0")
    if not enabled:
        return _fault("INVALID_OPERATION", OFF)
    text = request.body.decode()
    try:
        session, user = enter(_element("username", text), _element("password", text))
    except Refused as refused:
        return _fault(refused.code, refused.message)
    result = _RESULT.format(url=url, version=version, org=org, session=escape(session), user=user)
    return Response(200, _ENVELOPE.format(result).encode(), {"Content-Type": "text/xml;charset=UTF-8"})


def _element(name: str, text: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>(.*?)</", text, re.DOTALL)
    return unescape(found[1]) if found else ""


def _fault(code: str, message: str) -> Response:
    fault = _FAULT.format(code=code, message=escape(message))
    return Response(500, _ENVELOPE.format(fault).encode(), {"Content-Type": "text/xml;charset=UTF-8"})
