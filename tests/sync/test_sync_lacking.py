"""A permission to write that is missing: reading goes on, one alarm tells of it, and once granted all is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_beside import Beside

from sync.lacking import Lacking

SEARCH = "POST /crm/objects/2026-09/contacts/search"
MINUTE = 60_000
SCOPE = "crm.objects.contacts.write"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, "hubspot")
    yield beside
    beside.close()


def lack(desk: Beside, *scopes: str) -> None:
    desk.emulator.act({"do": "settings", "missing_scopes": list(scopes)})


def test_what_may_not_be_written_stops_no_reading_and_is_one_alarm(desk: Beside) -> None:
    desk.round()
    lack(desk, SCOPE)
    desk.lead()
    desk.calls()
    for _ in range(60):
        desk.round(60)
    calls = desk.calls()
    assert calls[SEARCH] == 60
    assert sum(count for call, count in calls.items() if call.endswith(("/update", "/create"))) <= 10
    [connection] = desk.view().connections()
    assert connection.state == "ok"
    [alarm] = desk.told("alarm")
    assert (alarm["alarm"], alarm["connection"]) == ("a permission is missing", "desk")
    assert SCOPE in alarm["reason"]
    assert alarm["fix"] == "add it to the service key or app, and install an app again"


def test_once_it_is_granted_everything_is_written_without_a_restart(desk: Beside) -> None:
    desk.round()
    lack(desk, SCOPE)
    lead = desk.lead()
    for _ in range(3):
        desk.round(60)
    assert desk.writes() == []
    lack(desk)
    for _ in range(6):
        desk.round(60)
    assert lead in {line["id"] for line in desk.writes()}


def test_tries_become_rarer_and_a_later_outage_is_news_again() -> None:
    lacking = Lacking()
    first = lacking.met("desk", "x", 0)
    assert (first.until, first.news) == (5 * MINUTE, True)
    assert lacking.met("desk", "x", 1_000) == first._replace(news=False)
    untils, now = [], first.until
    for _ in range(5):
        now = lacking.met("desk", "x", now).until
        untils.append(now // MINUTE)
    assert untils == [15, 35, 75, 135, 195]
    assert lacking.met("desk", "y", 0).news
    assert lacking.met("desk", "x", now + 121 * MINUTE).news
