"""A login that is revoked, over HTTP: the connection stops, says so once, is tried ever more rarely, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_beside import Beside

from emulators.http import Response

TOKENS = "POST /services/oauth2/token"


@pytest.fixture(params=["salesforce", "hubspot"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, request.param)
    yield beside
    beside.close()


def revoke(desk: Beside) -> None:
    if desk.crm == "salesforce":
        desk.act("block_user")
        desk.act("revoke_sessions")
        return
    body = {"status": "error", "message": "The token has been revoked.", "category": "INVALID_AUTHENTICATION"}
    desk.refuse = lambda *_: Response(401, body)


def mend(desk: Beside) -> None:
    if desk.crm == "salesforce":
        desk.act("unblock_user")
    desk.refuse = lambda *_: None


def test_a_revoked_login_is_one_alarm_within_a_minute_and_a_next_step(desk: Beside) -> None:
    desk.round()
    revoke(desk)
    desk.round(60)
    [connection] = desk.view().connections()
    assert connection.state == "stopped"
    assert connection.reason
    for _ in range(60):
        desk.round(60)
    [alarm] = desk.told("alarm")
    assert (alarm["alarm"], alarm["connection"]) == ("connection stopped", "desk")


def test_it_is_asked_ever_more_rarely_and_never_locks_anybody_out(desk: Beside) -> None:
    desk.round()
    revoke(desk)
    desk.calls()
    for _ in range(24 * 12):
        desk.round(300)
    assert sum(desk.calls().values()) <= 3 * 30  # tries at 5, 10, 20, 40 minutes and then every hour


def test_once_it_is_mended_it_goes_on_without_a_restart_and_nothing_is_lost(desk: Beside) -> None:
    desk.round()
    revoke(desk)
    desk.round(60)
    lead = desk.lead()
    for _ in range(4):
        desk.round(600)
    mend(desk)
    for _ in range(13):
        desk.round(300)
    [connection] = desk.view().connections()
    assert (connection.state, connection.reason, connection.fix) == ("ok", None, None)
    assert desk.view().record(f"desk:lead:{lead}") is not None
    assert len(desk.told("alarm")) == 1
    revoke(desk)
    desk.round(600)
    assert len(desk.told("alarm")) == 2  # another outage is another alarm


def test_a_restart_in_the_middle_is_the_same_outage(desk: Beside) -> None:
    desk.round()
    revoke(desk)
    desk.round(60)
    desk.restart()
    for _ in range(30):
        desk.round(600)
    assert len(desk.told("alarm")) == 1
