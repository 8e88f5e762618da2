"""The webhooks journal: what an app was told of, read from a place on, and what is gone is a gap."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import Desk, order

from connectors.base import Change, HintFeed, HintPage
from connectors.errors import AuthFailed, RetryLater
from connectors.hubspot import journal
from connectors.secret import Secret


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk() as made:
        yield made


def feed(desk: Desk, **settings: Any) -> HintFeed:
    credentials = desk.emulator.credentials()
    told = {"client_id": credentials["client_id"], "client_secret": Secret(credentials["client_secret"])}
    [found] = desk.connect(**{"journal": told, **settings}).hint_feeds()
    return found


def records(page: HintPage) -> list[str | None]:
    return [hint.record for hint in page.hints]


def test_it_begins_with_now_and_tells_of_what_changes_from_then_on(desk: Desk) -> None:
    desk.ticket()
    found = feed(desk)
    first = found.pull(None, 0)
    assert first.hints == []
    ticket = desk.ticket()
    page = found.pull(first.cursor, 0)
    assert set(records(page)) == {f"acme:ticket:{ticket}"}
    assert page.cursor not in ("", first.cursor)
    assert found.pull(page.cursor, 0) == HintPage([], page.cursor)


def test_a_journal_that_held_nothing_is_read_from_its_first_entry(desk: Desk) -> None:
    found = feed(desk)
    assert found.pull(None, 0) == HintPage([], "")
    ticket = desk.ticket()
    assert set(records(found.pull("", 0))) == {f"acme:ticket:{ticket}"}


def test_several_entries_come_in_one_pull_and_the_same_ones_have_the_same_keys(desk: Desk) -> None:
    found = feed(desk)
    desk.ticket()
    start = found.pull(None, 0).cursor
    tickets = []
    for _ in range(3):
        tickets.append(desk.ticket())
        feed(desk).pull(None, 0)  # publishes an entry
    page = found.pull(start, 0)
    assert list(dict.fromkeys(records(page))) == [f"acme:ticket:{one}" for one in tickets]
    assert [hint.key for hint in feed(desk).pull(start, 0).hints] == [hint.key for hint in page.hints]


def test_a_place_of_more_than_three_days_ago_is_a_gap_and_reading_goes_on_from_now(desk: Desk) -> None:
    found = feed(desk)
    desk.ticket()
    start = found.pull(None, 0).cursor
    desk.pass_time(4 * 86_400)
    desk.ticket()
    page = found.pull(start, 0)
    assert (page.hints, page.gap) == ([], True)
    ticket = desk.ticket()
    assert set(records(found.pull(page.cursor, 0))) == {f"acme:ticket:{ticket}"}


def test_a_404_where_nothing_is_new_is_no_gap(desk: Desk) -> None:
    desk.emulator.journal.quiet_status = 404
    found = feed(desk)
    desk.ticket()
    start = found.pull(None, 0).cursor
    assert found.pull(start, 0) == HintPage([], start)


def test_changes_of_our_own_fields_alone_make_nothing_be_read(desk: Desk) -> None:
    found = feed(desk)
    ticket = desk.ticket()
    start = found.pull(None, 0).cursor
    desk.connector.write([order("fields", f"acme:ticket:{ticket}", "k", values={"sla_status": "running"})])
    assert set(records(found.pull(start, 0))) == {None}


def test_what_is_linked_to_a_record_makes_it_be_read(desk: Desk) -> None:
    found = feed(desk)
    ticket = desk.ticket()
    start = found.pull(None, 0).cursor
    desk.act("call", object="tickets", id=ticket, by="Sam", outcome="connected")
    assert f"acme:ticket:{ticket}" in records(found.pull(start, 0))


def test_a_deletion_is_told_at_its_own_time(desk: Desk) -> None:
    connector = desk.connect()
    found = feed(desk)
    ticket = desk.ticket()
    start = found.pull(None, 0).cursor
    at = desk.now
    desk.act("delete", object="tickets", id=ticket, by="Sam")
    page = found.pull(start, 0)
    told = [
        event for hint in page.hints for event in connector.normalise(Change("webhook", hint.key, hint.payload)).events
    ]
    assert [(event.record, event.event) for event in told] == [(f"acme:ticket:{ticket}", "deleted")]
    assert at <= told[0].at <= desk.now


def test_another_portals_events_are_passed_over(desk: Desk) -> None:
    found = feed(desk, portal_id=4711)
    desk.ticket()
    assert found.pull("", 0).hints == []


def test_the_token_is_an_app_s_own_is_renewed_in_time_and_never_sent_to_the_files(desk: Desk) -> None:
    found = feed(desk)
    desk.ticket()
    page = found.pull("", 0)  # a file refuses any authorisation: that it came says that none was sent
    assert page.hints
    desk.pass_time(1_900)
    desk.ticket()
    assert found.pull(page.cursor, 0).hints


def test_a_link_that_has_ended_is_asked_for_anew(desk: Desk) -> None:
    found = feed(desk)
    desk.ticket()
    links = desk.emulator.journal._links
    api: Any = found._api  # type: ignore[attr-defined]
    entry = api.earliest()
    desk.pass_time(3_700)
    with pytest.raises(RetryLater):
        api.file(entry)
    assert found.pull("", 0).hints
    assert len(links) == 2


def test_a_file_that_cannot_be_read_is_a_gap_and_the_next_one_is_taken(desk: Desk) -> None:
    found = feed(desk)
    desk.ticket()
    start = found.pull(None, 0).cursor
    desk.emulator.journal.broken_files = 1
    desk.ticket()
    page = found.pull(start, 0)
    assert (page.hints, page.gap) == ([], True)
    ticket = desk.ticket()
    assert set(records(found.pull(page.cursor, 0))) == {f"acme:ticket:{ticket}"}


def test_a_wrong_secret_or_a_missing_scope_stops_the_channel_with_the_next_step(desk: Desk) -> None:
    wrong = feed(desk, journal={"client_id": "nobody", "client_secret": Secret("wrong")})
    with pytest.raises(AuthFailed):
        wrong.pull(None, 0)
    desk.emulator.faults.add({"fault": "status:403", "path": "/webhooks-journal/*"})
    with pytest.raises(AuthFailed) as caught:
        feed(desk).pull(None, 0)
    assert "developer.webhooks_journal.read" in (caught.value.fix or "")


def test_while_nothing_is_new_it_asks_at_its_own_pace_and_closing_ends_the_wait(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "PACE_S", 0.05)
    found = feed(desk)
    desk.ticket()
    start = found.pull(None, 0).cursor
    assert found.pull(start, 0.2).hints == []
    assert desk.emulator.counts["GET /webhooks-journal/journal/2026-09/offset/{id}/next"] == 5
    timer = threading.Timer(0.05, found.close)
    timer.start()
    monkeypatch.setattr(journal, "PACE_S", 30.0)
    assert found.pull(start, 60.0) == HintPage([], start)


@pytest.mark.parametrize(
    "changes", [{"a": 1}, [{"propertyName": "a"}], [{"name": "a"}], ["a"], None, 7, {}, [None], [{}]]
)
def test_the_properties_that_changed_are_found_in_any_of_the_forms_they_may_have(changes: Any) -> None:
    event = msgspec.convert({"propertyChanges": changes}, journal.JournalEvent)
    assert journal._changed(event) in (["a"], [])
