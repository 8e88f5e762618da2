"""After a time in which nothing could be read, nothing takes effect before it has been: it may all be different now."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from sync_beside import Beside

from connectors.allowance import spending
from connectors.errors import RateLimited
from connectors.memory import MemoryConnector, MemoryCrm
from emulators.http import Response
from sync.link import Link

MINUTE = 60
NOW = 1_772_460_300_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, "hubspot")
    beside.round()
    yield beside
    beside.close()


def answer(desk: Beside, lead: str) -> None:
    desk.act("message", object="contacts", id=lead, direction="outbound", text="Hello", by="Li")


def made(desk: Beside) -> set[str]:
    return {line["object"] for line in desk.writes()}


def test_a_start_sends_nothing_before_it_has_read_what_happened_meanwhile(desk: Beside) -> None:
    lead = desk.lead()
    desk.round(MINUTE)
    desk.emulator.clock.advance(10 * MINUTE)
    answer(desk, lead)
    desk.emulator.clock.advance(40 * MINUTE)
    desk.restart()
    desk.works.wake()
    assert desk.works.deliver() == 0
    desk.round()
    assert made(desk) == {"contacts"}
    assert desk.writes()[-1]["fields"] == {"sla_status": "met"}


def test_after_a_start_nothing_is_judged_by_the_clock_alone_before_all_have_been_asked(desk: Beside) -> None:
    desk.restart()
    assert not desk.works.may_judge()
    desk.works.poll(desk.link)
    assert desk.works.may_judge()
    desk.restart()
    desk.refuse = lambda *_: Response(503, b"")
    desk.works.poll(desk.link)
    assert desk.works.may_judge()


def test_a_long_first_contact_is_waited_for_a_minute_and_no_longer(desk: Beside) -> None:
    desk.restart()
    desk.emulator.clock.advance(59)
    assert not desk.works.may_judge()
    desk.emulator.clock.advance(2)
    assert desk.works.may_judge()


def test_after_an_outage_of_the_crm_it_is_the_same(desk: Beside) -> None:
    lead = desk.lead()
    desk.round(MINUTE)
    desk.refuse = lambda *_: Response(503, b"")
    desk.round(2 * MINUTE)
    answer(desk, lead)
    for _ in range(4):
        desk.round(10 * MINUTE)
    desk.refuse = lambda *_: None
    desk.emulator.clock.advance(6 * MINUTE)
    desk.works.wake()
    assert desk.works.deliver() == 0
    desk.round()
    assert made(desk) == {"contacts"}


def test_a_single_poll_that_failed_holds_nothing_up() -> None:
    link = Link("desk", MemoryConnector("desk", MemoryCrm(lambda: NOW)), Random(7))
    assert not link.may_be_sent_to(NOW)
    link.was_read(NOW)
    link.was_not_read(NOW + 60_000)
    assert link.may_be_sent_to(NOW + 60_000)
    link.was_not_read(NOW + 301_000)
    assert not link.may_be_sent_to(NOW + 301_000)
    link.was_read(NOW + 302_000)
    assert link.may_be_sent_to(NOW + 302_000)


def test_where_our_own_share_has_no_call_left_for_reading_what_is_urgent_does_not_wait() -> None:
    connector = MemoryConnector("desk", MemoryCrm(lambda: NOW))
    link = Link("desk", connector, Random(7))
    connector.allowance.heard("day", 1_000, 1_000)
    with spending("read"), pytest.raises(RateLimited):
        connector.allowance.take("rest")
    assert link.may_be_sent_to(NOW)
