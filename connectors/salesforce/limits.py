"""How fast we call Salesforce.

Owns the figures. Refuses to count: that is the allowance's. Invariant: one connection never has more than a handful of
requests under way, so the limit of 25 (Developer Edition: 5) requests that run for 20 seconds or longer is not ours to
fill; Salesforce names no limit for shorter ones, and the pace here is our own manners (assumed to be harmless).
https://developer.salesforce.com/docs/platform/salesforce-app-limits/guide/salesforce-app-limits-platform-api.html
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.allowance import Allowance
from connectors.pace import Pace, Store, Window
from connectors.salesforce.settings import SalesforceSettings


def allowance(settings: SalesforceSettings, clock: Callable[[], int]) -> Allowance:
    """The allowance of one connection. Its day is any 24 hours. Logins stay far below what locks a user out: a session
    lasts 15 minutes at the least, so 60 an hour are many times what is needed."""
    paces: dict[str, Pace] = {"rest": Store(1_000, 10.0), "bulk": Store(60, 60.0), "login": Window(60, 3_600.0)}
    return Allowance(clock, settings.quota_share, paces=paces)
