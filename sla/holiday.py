"""Public holidays by country and subdivision: the only door to the ``holidays`` package.

Owns the names ``US``, ``US-NY`` and what they close. Refuses dates written by hand: those are the calendar's.
Invariant: for one region and year the answer never changes within a process.
"""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from functools import lru_cache


def check_region(region: object) -> str | None:
    """What is wrong with ``US`` or ``US-NY``; None when the ``holidays`` package knows it."""
    import holidays

    if not isinstance(region, str) or not region:
        return f'{region!r} is not a region; write a country such as "US" or a subdivision such as "US-NY"'
    country, _, subdivision = region.partition("-")
    supported = holidays.list_supported_countries(include_aliases=True)
    if country not in supported:
        near = get_close_matches(country.upper(), supported, 1, 0.5)
        return f"no holidays are known for country {country!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    if subdivision:
        try:
            holidays.country_holidays(country, subdiv=subdivision, years=2024)
        except NotImplementedError:
            known = ", ".join(supported[country]) or "none"
            return f"country {country!r} has no subdivision {subdivision!r}; known: {known}"
    return None


@lru_cache(maxsize=1024)
def holidays_of(region: str, year: int) -> dict[date, str]:
    """Date to name for one year, observed days included. Raises NotImplementedError for an unknown region."""
    import holidays

    country, _, subdivision = region.partition("-")
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    return {day: name for day, name in sorted(found.items()) if day.year == year}
