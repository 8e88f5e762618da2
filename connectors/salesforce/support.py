"""When versions of Salesforce's API, and ways to log in, come to an end.

Owns the table of ends. Refuses to ask: it is what Salesforce has announced, so that ``check`` can warn a year ahead.
Invariant: an end is never dated later than announced. Salesforce names the release, not the day: it is taken to be the
first day of the month in which that release reaches production.
https://developer.salesforce.com/docs/platform/api-tooling/guide/tooling-api-eol.html
https://developer.salesforce.com/docs/platform/api/guide/sforce-api-calls-login.html
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

PROMISED_YEARS: Final = 3
"""How long Salesforce supports a version at least, from its release."""


class Support(NamedTuple):
    """Versions ``first`` to ``last`` get no help from ``unsupported`` on, and no answer from ``gone`` on."""

    first: float
    last: float
    unsupported: date
    gone: date


SUPPORT: Final = (
    Support(7.0, 20.0, date(2022, 6, 1), date(2022, 6, 1)),
    Support(21.0, 30.0, date(2022, 6, 1), date(2025, 6, 1)),
    Support(31.0, 40.0, date(2027, 6, 1), date(2028, 6, 1)),
)
"""Ranges whose end is announced; later ones have none yet."""

SOAP_LOGIN_GONE: Final = date(2027, 6, 1)
"""Summer '27: the SOAP login() of every version."""
SOAP_LOGIN_VERSION: Final = "64.0"
"""The last version with a login(); calls after it may go by any other."""

_MONTHS: Final = (2, 6, 10)
"""Of Spring, Summer and Winter releases."""


def support(version: str) -> Support | None:
    """What is announced for a version such as ``"38.0"``; None while no end is."""
    number = float(version)
    return next((each for each in SUPPORT if each.first <= number <= each.last), None)


def released(version: str) -> date:
    """The first day of the month in which a version came out: 66.0 is Spring '26, and there are three a year."""
    number = int(float(version)) - 66
    return date(2026 + number // 3, _MONTHS[number % 3], 1)


def promised_until(version: str) -> date:
    """Until when Salesforce has bound itself to support a version."""
    out = released(version)
    return out.replace(year=out.year + PROMISED_YEARS)
