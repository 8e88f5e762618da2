"""What HubSpot lets an app call, and how fast.

Owns the figures. Refuses to count: that is the allowance's. Invariant: no figure is above what the usage guidelines
grant to any account whose headers have not been heard yet but Free and Starter ones, which tell of theirs at once.
https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
https://developers.hubspot.com/docs/api-reference/search/guide#limits
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.allowance import Allowance
from connectors.hubspot.settings import HubSpotSettings
from connectors.pace import Pace, Store, Window
from connectors.share import calendar_day

CALLS_IN_TEN_SECONDS: Final = 190
"""For each app of a Professional or Enterprise account; 100 of a Free or Starter one, as its headers say."""

SEARCH_SECOND_S: Final = 1.1
"""HubSpot counts searches by the second, for the whole account; a little more keeps clear of the edge."""


def allowance(settings: HubSpotSettings, clock: Callable[[], int], zone: Callable[[], str | None]) -> Allowance:
    """The allowance of one connection. ``zone()`` is the account's time zone once known: at its midnight the day's
    calls are counted anew."""
    rest = Store(CALLS_IN_TEN_SECONDS, 10.0)
    searches = Window(settings.searches_per_second, SEARCH_SECOND_S)
    paces: dict[str, Pace] = {"rest": rest, "10s": rest, "search": searches}
    return Allowance(clock, settings.quota_share, day=lambda now: calendar_day(now, zone()), paces=paces)
