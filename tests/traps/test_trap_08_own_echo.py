"""Writing the state of a clock back to its record changes the record: it comes back by poll and by webhook.

Both CRMs stamp a record at every write, an integration's too (Salesforce: SystemModstamp, and outbound messages on top;
HubSpot: hs_lastmodifieddate, and property-change webhooks), so a daemon that writes whenever a record comes in feeds
itself for ever. Salesforce's guide on outbound messages warns of such loops; HubSpot's developers meet them with
workflows. The cure: to compare before writing, and to write only what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_beside import STATUS, Beside

from connectors.base import WriteBack


@pytest.fixture(params=["salesforce", "hubspot"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, request.param)
    yield beside
    beside.close()


def naive_rounds(connector: Any, rounds: int, pass_time: Callable[[float], None]) -> list[int]:
    """Reads what changed and writes a note of it to each record: how many records each round wrote to."""
    cursor, written = None, []
    for number in range(rounds):
        page = connector.poll(connector.streams()[0].name, cursor, 0)
        cursor = page.cursor
        records = sorted({e.record for change in page.changes for e in connector.normalise(change).events})
        status = {"sla_status": f"seen {number}"}
        connector.write([WriteBack(key=record, record=record, action="fields", values=status) for record in records])
        written.append(len(records))
        pass_time(120)
    return written


def test_writing_whenever_a_record_comes_in_never_ends(desk: Beside) -> None:
    desk.lead()
    assert naive_rounds(desk.connector(), 5, desk.emulator.clock.advance) == [1, 1, 1, 1, 1]


def test_our_own_write_comes_back_and_causes_none(desk: Beside) -> None:
    desk.round()
    lead = desk.lead()
    desk.round(60)
    assert len(desk.writes()) == 1
    for _ in range(5):
        desk.round(60)
    assert len(desk.writes()) == 1
    assert len(desk.rows("SELECT 1 FROM inbox WHERE change_key LIKE ?", f"%{lead}%")) > 1  # it did come back


def test_it_comes_back_by_webhook_too_and_causes_none(desk: Beside) -> None:
    desk.round()
    lead = desk.lead()
    desk.round(60)
    for number in range(5):
        desk.webhook(lead, f"hook {number}")
        desk.round(20)
    assert len(desk.writes()) == 1


def test_whoever_overwrites_what_we_wrote_is_not_fought(desk: Beside) -> None:
    desk.round()
    lead = desk.lead()
    own = {"object": "contacts"} if desk.crm == "hubspot" else {}
    for _ in range(8):
        desk.round(30)
        desk.act("update", id=lead, fields={STATUS[desk.crm]: "theirs"}, **own)
    assert len(desk.writes()) == 1
