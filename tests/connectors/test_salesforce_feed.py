"""Reading Salesforce: nothing is missed, nothing comes for ever, and little is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from connectors.base import WriteBack
from connectors.errors import Rejected, RetryLater
from connectors.salesforce import names
from emulators.salesforce.writes import Actor

DAY = 86_400_000


def plant(org: Any, name: str, at: int, **fields: Any) -> str:
    """A record that somebody made at ``at`` (epoch ms)."""
    usual = {"Lead": {"LastName": "Doe", "Company": "Doe Ltd"}, "Case": {"Subject": "Help"}}.get(name, {})
    table = org.emulator.store.tables[name.lower()]
    return str(org.emulator.writer.create(table, {**usual, **fields}, Actor(org.emulator.cast.admin), at))


def ids(changes: list[Any]) -> list[str]:
    return [change.key.split(":")[1] for change in changes]


def test_a_first_sweep_brings_what_is_recent_and_what_is_open(org: Any, acme: Any, drain: Any) -> None:
    now = org.emulator.clock.now_ms()
    old_open = plant(org, "Case", now - 90 * DAY)
    plant(org, "Case", now - 90 * DAY, Status="Closed")
    new_closed = plant(org, "Case", now - DAY, Status="Closed")
    changes, _ = drain(acme, "Case", since=now - 7 * DAY)
    assert ids(changes) == [old_open, new_closed]


def test_a_first_sweep_asks_for_leads_by_the_mapped_statuses(org: Any, drain: Any) -> None:
    now = org.emulator.clock.now_ms()
    connector = org.connect(status={"lead": {"Closed - Not Converted": "disqualified"}})
    old_open = plant(org, "Lead", now - 90 * DAY)
    plant(org, "Lead", now - 90 * DAY, Status="Closed - Not Converted")
    changes, _ = drain(connector, "Lead", since=now - DAY)
    assert ids(changes) == [old_open]


def test_any_number_of_rows_with_one_stamp_come_once_each(
    org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PAGE_ROWS", 5)
    at = org.emulator.clock.now_ms() - DAY
    leads = [plant(org, "Lead", at) for _ in range(23)] + [plant(org, "Lead", at + 1000)]
    changes, cursor = drain(acme, "Lead", since=at)
    assert ids(changes) == leads
    assert drain(acme, "Lead", cursor)[0] == []


def test_a_page_that_the_server_shrinks_is_not_the_last(
    org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulators.salesforce.queries.PAGE", 4)
    at = org.emulator.clock.now_ms() - DAY
    leads = [plant(org, "Lead", at) for _ in range(11)]
    assert ids(drain(acme, "Lead", since=at)[0]) == leads


def test_a_row_that_becomes_visible_late_is_not_missed(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    org.fault("late_index", "Lead", times=1, seconds=300)
    late = org.create("Lead")
    org.emulator.clock.advance(60)
    prompt = org.create("Lead")
    changes, cursor = drain(acme, "Lead", cursor)
    assert ids(changes) == [prompt]
    org.emulator.clock.advance(240)
    changes, cursor = drain(acme, "Lead", cursor)
    assert ids(changes) == [late]


def test_what_was_taken_is_not_handed_out_again(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    org.create("Lead")
    changes, cursor = drain(acme, "Lead", cursor)
    assert len(changes) == 1
    for _ in range(3):
        changes, cursor = drain(acme, "Lead", cursor)
        assert changes == []


def test_a_page_that_was_lost_comes_again_with_the_same_keys(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    org.create("Lead")
    lost, later = drain(acme, "Lead", cursor)
    again, _ = drain(acme, "Lead", cursor)
    assert [change.key for change in again] == [change.key for change in lost]
    assert later != cursor
    fresh, _ = drain(org.connect(), "Lead", cursor)
    assert [change.key for change in fresh] == [change.key for change in lost]


def test_a_late_row_in_a_lost_page_comes_again(org: Any, acme: Any, drain: Any) -> None:
    """The cursor stands still for a late row, but its page must not count as taken when it was not."""
    org.create("Lead")
    _, cursor = drain(acme, "Lead")
    _, cursor = drain(acme, "Lead", cursor)
    late = plant(org, "Lead", org.emulator.clock.now_ms() - 60_000)
    lost, _ = drain(acme, "Lead", cursor)
    again, _ = drain(acme, "Lead", cursor)
    assert ids(lost) == ids(again) == [late]


def test_two_changes_within_a_second_are_two_changes(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    lead = org.create("Lead")
    first, cursor = drain(acme, "Lead", cursor)
    row = org.row(lead)
    org.emulator.store.update("Lead", lead, {"Status": "Working - Contacted"}, org.emulator.cast.admin,
                              row["SystemModstamp"])  # fmt: skip
    second, _ = drain(acme, "Lead", cursor)
    assert ids(first) == ids(second) == [lead]
    assert first[0].key != second[0].key
    assert acme.normalise(second[0]).events[1].set["status"] == "open"


def test_the_cursor_never_passes_the_server_s_time(org: Any, acme: Any, drain: Any) -> None:
    now = org.emulator.clock.now_ms()
    plant(org, "Lead", now + DAY)
    _, cursor = drain(acme, "Lead")
    assert msgspec.json.decode(cursor)["reached"] <= now + 2000


@pytest.mark.parametrize(
    ("happens", "event"),
    [
        (lambda org, one, two: org.act("delete", id=one), "deleted"),
        (lambda org, one, two: org.act("merge", id=one, into=two), "merged"),
        (lambda org, one, two: org.act("convert", id=one, by="maria@acme.test"), "converted"),
    ],
)
def test_a_lead_s_end_is_seen(
    org: Any, acme: Any, drain: Any, happens: Callable[[Any, str, str], Any], event: str
) -> None:
    one, two = org.create("Lead"), org.create("Lead")
    _, cursor = drain(acme, "Lead")
    happens(org, one, two)
    changes, _ = drain(acme, "Lead", cursor)
    ends = [found for change in changes for found in acme.normalise(change).events if found.event == event]
    assert [end.record for end in ends] == [f"acme:lead:{one}"]
    assert ends[0].into == (f"acme:lead:{two}" if event == "merged" else None)


def test_what_is_said_comes_with_its_record(org: Any, acme: Any, drain: Any) -> None:
    lead, case = org.create("Lead"), org.create("Case", Origin="Email")
    account = org.create("Account", Name="Acme")
    org.act("call", id=lead, by="maria@acme.test", outcome="Contacted")
    org.create("Task", WhatId=account, Subject="x", Status="Completed", Priority="Normal")
    org.act("message", id=case)
    org.act("message", id=case, direction="outbound", by="maria@acme.test")
    org.act("message", id=case, channel="comment", direction="outbound", public=False, by="li@acme.test")
    org.create("Event", WhoId=lead, StartDateTime="2026-03-02T16:00:00.000Z", Subject="Demo", by="maria@acme.test")
    said = [
        (event.record, event.event, event.actor, event.direction, event.activity, event.public)
        for stream in ("Task", "Event", "EmailMessage", "CaseComment")
        for change in drain(acme, stream)[0]
        for event in acme.normalise(change).events
    ]
    maria, li = org.agent(0), org.agent(1)
    assert said == [
        (f"acme:lead:{lead}", "activity", maria, None, "call", True),
        (f"acme:lead:{lead}", "activity", maria, None, "meeting", True),
        (f"acme:ticket:{case}", "message", f"customer:{case}", "inbound", None, True),
        (f"acme:ticket:{case}", "message", maria, "outbound", None, True),
        (f"acme:ticket:{case}", "message", li, "outbound", None, False),
    ]


def test_an_automatic_reply_is_told_by_headers_that_are_not_kept(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case")
    headers = "From: ann@doe.test\nAuto-Submitted: auto-replied\n"
    plant(org, "EmailMessage", org.emulator.clock.now_ms(), ParentId=case, Incoming=True, Status="0", Headers=headers)
    change = drain(acme, "EmailMessage")[0][0]
    assert acme.normalise(change).events[0].automated is True
    assert b"ann@doe.test" not in change.payload
    assert b"Headers" not in change.payload


def test_e_mails_come_in_smaller_pages(org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "EMAIL_PAGE_ROWS", 2)
    monkeypatch.setattr("emulators.salesforce.queries.SMALLEST_PAGE", 1)
    case = org.create("Case")
    for _ in range(5):
        org.act("message", id=case)
    assert len(drain(acme, "EmailMessage")[0]) == 5
    counts = org.emulator.counts
    assert counts["GET /services/data/v66.0/queryAll"] + counts["POST /services/data/v66.0/composite"] == 3


def test_only_what_is_asked_for_is_fetched(org: Any, drain: Any) -> None:
    org.create("Lead", FirstName="Ann", Email="ann@doe.test")
    plain = drain(org.connect(), "Lead")[0][0]
    named = drain(org.connect("name"), "Lead")[0][0]
    assert b"Ann" not in plain.payload
    assert b"Ann Doe" in named.payload
    assert b"ann@doe.test" not in plain.payload + named.payload


def test_a_sweep_from_the_beginning_shows_what_was_handed_on_just_before(org: Any, acme: Any, drain: Any) -> None:
    """The reconciliation takes what a sweep does not show for hidden: many at once are a false alarm."""
    cursor = drain(acme, "Lead")[1]
    leads = [org.create("Lead") for _ in range(5)]
    cursor = drain(acme, "Lead", cursor)[1]
    assert drain(acme, "Lead", cursor)[0] == []
    assert ids(drain(acme, "Lead", None)[0]) == leads


def test_after_a_failure_nothing_is_served_that_was_asked_before_it(
    org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "PAGE_ROWS", 3)
    order = [stream.name for stream in acme.streams()]
    cursors = {name: drain(acme, name)[1] for name in order}
    case, *_ = [org.create("Case") for _ in range(3)]
    page = acme.poll("Lead", cursors["Lead"], 0)  # asks for cases, tasks, events and e-mails, too
    full = acme.poll("Case", cursors["Case"], 0)
    assert full.more
    org.fault("status:503", "/services/data/v66.0/queryAll", times=1)
    with pytest.raises(RetryLater):
        acme.poll("Case", full.cursor, 0)
    org.emulator.clock.advance(3_600)
    mail = org.act("message", id=case)
    drain(acme, "Lead", page.cursor)
    drain(acme, "Case", full.cursor)
    assert ids(drain(acme, "EmailMessage", cursors["EmailMessage"])[0]) == [mail]


def test_what_people_wrote_on_their_tasks_is_kept_nowhere(org: Any, drain: Any) -> None:
    lead = org.create("Lead")
    org.act("call", id=lead)
    usual = {"WhoId": lead, "Status": "Completed", "Subject": "Call"}
    for text in ("She is ill until May", "sla-sidecar:0123 She is ill until May"):
        org.create("Task", Description=text, **usual)
    acme = org.connect(task_key="Not_There__c")
    changes, _ = drain(acme, "Task")
    assert len(changes) == 3
    assert all(b"ill until" not in change.payload for change in changes)
    assert [len(acme.normalise(change).events) for change in changes] == [1, 1, 0]


def test_an_org_that_hides_the_stamp_of_a_record_takes_conditional_writes(org: Any) -> None:
    org.setup(hide={"Lead": ["SystemModstamp"]})
    lead = org.create("Lead", OwnerId="maria@acme.test")
    write = WriteBack(key="o", record=f"acme:lead:{lead}", action="owner", owner=org.agent(1))
    assert [receipt.outcome for receipt in org.connect().write([write])] == ["done"]


def test_a_hidden_field_is_left_out(org: Any, drain: Any) -> None:
    org.setup(hide={"Lead": ["Country", "SLA_Due__c", "MasterRecordId"], "User": ["UserType"]})
    lead = org.create("Lead")
    acme = org.connect()
    change = drain(acme, "Lead")[0][0]
    found = acme.normalise(change)
    assert "country" not in found.events[1].set
    assert found.events[1].record == f"acme:lead:{lead}"


def test_a_field_that_is_hidden_while_we_run_does_not_end_the_feed(org: Any, acme: Any, drain: Any) -> None:
    _, cursor = drain(acme, "Lead")
    org.setup(hide={"Lead": ["Country"]})
    lead = org.create("Lead")
    assert ids(drain(acme, "Lead", cursor)[0]) == [lead]


def test_an_object_that_is_not_there_is_an_empty_feed(org: Any, acme: Any) -> None:
    org.remove_object("event")
    page = acme.poll("Event", None, 0)
    assert (page.changes, page.more) == ([], False)
    assert acme.poll("Event", page.cursor, 0).cursor == page.cursor


def test_streams_follow_the_settings(org: Any) -> None:
    def streams(**more: Any) -> list[str]:
        return [stream.name for stream in org.connect(**more).streams()]

    assert streams() == [
        "Lead", "Case", "Task", "Event", "EmailMessage", "CaseComment", "LeadHistory", "CaseHistory",
    ]  # fmt: skip
    assert streams(objects=["Lead"]) == ["Lead", "Task", "Event", "LeadHistory"]
    assert streams(objects=["Case"], answers=["EmailMessage", "FeedItem"]) == [
        "Case", "EmailMessage", "FeedItem", "CaseHistory",
    ]  # fmt: skip


def test_a_fresh_read_costs_one_call_and_tells_what_is_gone(org: Any, acme: Any) -> None:
    lead, case = org.create("Lead"), org.create("Case")
    org.act("call", id=lead)
    org.act("message", id=case)
    acme.read([f"acme:lead:{lead}", f"acme:ticket:{case}"])  # describes
    before = org.calls()
    gone = "00Q00000000000AAAA"
    changes = acme.read([f"acme:lead:{lead}", f"acme:lead:{gone}", "acme:lead:odd", "acme:deal:1"])
    assert org.calls() == before + 1
    events = {event.record: event.event for change in changes for event in acme.normalise(change).events[-1:]}
    assert events == {
        f"acme:lead:{lead}": "activity", f"acme:lead:{gone}": "deleted", "acme:lead:odd": "deleted",
    }  # fmt: skip
    changes = acme.read([f"acme:ticket:{case}"])
    assert [change.stream for change in changes] == ["Case", "EmailMessage"]
    assert org.calls() == before + 2


def test_a_read_and_a_poll_give_one_row_one_key(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    polled = drain(acme, "Lead")[0][0]
    org.emulator.clock.advance(90)
    read = acme.read([f"acme:lead:{lead}"])[0]
    assert read.key == polled.key
    told = [[event.id for event in acme.normalise(change).events] for change in (polled, read)]
    assert told[0] == told[1]  # or a reconciliation would take everything for missed


def test_a_deleted_record_is_read_as_deleted(org: Any, acme: Any) -> None:
    lead = org.create("Lead")
    org.act("delete", id=lead)
    change = acme.read([f"acme:lead:{lead}"])[0]
    assert acme.normalise(change).events[-1].event == "deleted"


def test_our_own_write_says_nothing_of_who_changed_the_rest(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead", LeadSource="Other")
    _, cursor = drain(acme, "Lead")
    now = org.emulator.clock.now_ms() // 1000 * 1000
    write = WriteBack(key="k", record=f"acme:lead:{lead}", action="fields", values={"sla_due": now})
    acme.write([write])
    found = acme.normalise(drain(acme, "Lead", cursor)[0][-1])
    assert found.events[1].actor is None
    assert found.observed.values["sla_due"] == now


@pytest.mark.parametrize("fault", ["html", "truncate", "reset", "status:503", "drop_response"])
def test_a_broken_answer_is_tried_later_and_moves_no_cursor(org: Any, acme: Any, drain: Any, fault: str) -> None:
    _, cursor = drain(acme, "Lead")
    lead = org.create("Lead")
    org.fault(fault, "/services/data/v66.0/queryAll", times=1)
    with pytest.raises(RetryLater) as caught:
        acme.poll("Lead", cursor, 0)
    assert caught.value.unknown is False
    assert ids(drain(acme, "Lead", cursor)[0]) == [lead]


def test_a_cursor_that_nobody_wrote_is_refused(acme: Any) -> None:
    with pytest.raises(Rejected) as caught:
        acme.poll("Lead", "yesterday", 0)
    assert caught.value.code == "CURSOR"


def test_people_are_users_and_queues(org: Any, acme: Any) -> None:
    org.act("deactivate_user", user="li@acme.test")
    people = {person.name: person for person in acme.people()}
    maria, li, queue = people["Maria Costa"], people["Li Wei"], people["Support"]
    assert (maria.email, maria.active, maria.id) == ("maria@acme.test", True, org.agent(0))
    assert maria.manager == f"user:{org.emulator.cast.manager}"
    assert li.active is False
    assert queue.id == f"queue:{org.emulator.cast.support}"
    assert "Automated Process" not in people


def test_many_people_come_page_by_page(org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = [person.id for person in acme.people()]
    monkeypatch.setattr(names, "PAGE_ROWS", 3)
    assert [person.id for person in acme.people()] == everybody


def test_a_round_over_all_streams_costs_two_calls(org: Any, acme: Any, drain: Any) -> None:
    streams = [stream.name for stream in acme.streams()]
    cursors = {name: drain(acme, name)[1] for name in streams}
    for _ in range(2):
        before = org.calls()
        lead, case = org.create("Lead"), org.create("Case")
        org.act("call", id=lead)
        org.act("message", id=case)
        found = {}
        for name in streams:
            found[name], cursors[name] = drain(acme, name, cursors[name])
        assert org.calls() == before + 2
        assert {name: len(changes) for name, changes in found.items()} == {
            "Lead": 1, "Case": 1, "Task": 1, "Event": 0, "EmailMessage": 1, "CaseComment": 0, "LeadHistory": 0,
            "CaseHistory": 0,
        }  # fmt: skip


def test_an_answer_asked_ahead_is_not_used_for_another_cursor(org: Any, acme: Any, drain: Any) -> None:
    old = drain(acme, "Case")[1]
    case = org.create("Case")
    lead_cursor, case_cursor = drain(acme, "Lead")[1], drain(acme, "Case", old)[1]
    drain(acme, "Lead", lead_cursor)
    assert case_cursor != old
    assert ids(drain(acme, "Case", old)[0]) == [case]


def test_a_stream_that_fails_does_not_fail_the_one_it_travels_with(
    org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursors = {name: drain(acme, name)[1] for name in ("Lead", "Case")}
    lead = org.create("Lead")
    show = acme._reading.feed._sweeps.query
    broken = {"Case": "SELECT Nope__c FROM Case"}
    monkeypatch.setattr(acme._reading.feed._sweeps, "query", lambda name, *rest: broken.get(name) or show(name, *rest))
    assert ids(drain(acme, "Lead", cursors["Lead"])[0]) == [lead]
    with pytest.raises(Rejected):
        acme.poll("Case", cursors["Case"], 0)


def test_a_great_change_before_a_silence_is_not_read_every_round(org: Any, acme: Any, drain: Any) -> None:
    """The cursor stays within half an hour of the present, and stands still for minutes at a time."""
    plant(org, "Lead", org.emulator.clock.now_ms() - 3_600_000)
    _, cursor = drain(acme, "Lead")
    moved = 0
    for _ in range(60):
        org.emulator.clock.advance(60)
        changes, later = drain(acme, "Lead", cursor)
        assert changes == []
        moved += later != cursor
        cursor = later
    assert 0 < moved < 6
    late = org.emulator.clock.now_ms() - 9 * 60_000  # what shows up within the overlap is never missed
    lead = plant(org, "Lead", late)
    assert ids(drain(acme, "Lead", cursor)[0]) == [lead]


def test_nine_streams_at_rest_cost_two_calls_a_round(org: Any, drain: Any) -> None:
    acme = org.connect(answers=["Task", "Event", "EmailMessage", "CaseComment", "FeedItem"])
    streams = [stream.name for stream in acme.streams()]
    cursors = {name: drain(acme, name)[1] for name in streams}
    assert len(streams) == 9
    for _ in range(2):
        before = org.calls()
        for name in streams:
            cursors[name] = drain(acme, name, cursors[name])[1]
        assert org.calls() == before + 2


def test_posts_count_once_and_by_who_sees_them(org: Any, drain: Any) -> None:
    acme = org.connect(answers=["EmailMessage", "FeedItem"])
    case = org.create("Case")
    org.act("post", id=case, by="maria@acme.test")
    org.act("post", id=case, by="maria@acme.test", public=False)
    org.act("post", id=case, by="maria@acme.test", type="EmailMessageEvent")
    org.act("post", id=case, direction="inbound")
    said = [event for change in drain(acme, "FeedItem")[0] for event in acme.normalise(change).events]
    assert [(event.direction, event.public, (event.actor or "").split(":")[0]) for event in said] == [
        ("outbound", True, "user"), ("outbound", False, "user"), ("inbound", True, "customer"),
    ]  # fmt: skip
    assert {change.stream for change in acme.read([f"acme:ticket:{case}"])} == {"Case", "FeedItem"}


def test_a_burst_of_changes_is_not_remembered_key_by_key(
    org: Any, acme: Any, drain: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.salesforce.served.MOST", 10)
    _, cursor = drain(acme, "Lead")
    for _ in range(30):
        org.create("Lead")
    changes, cursor = drain(acme, "Lead", cursor)
    assert len(changes) == 30
    again, _ = drain(acme, "Lead", cursor)
    assert {change.key for change in again} == {change.key for change in changes}  # doubles, which the store drops
    assert sum(map(len, acme._reading.feed._served._taken.values())) <= 10


def test_cursors_of_salesforce_may_expire_between_any_two_pages(
    org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No locator is followed: the next page is asked for by the last row."""
    monkeypatch.setattr(names, "PAGE_ROWS", 3)
    monkeypatch.setattr("emulators.salesforce.queries.SMALLEST_PAGE", 1)
    leads = [org.create("Lead") for _ in range(8)]
    found, page = [], acme.poll("Lead", None, 0)
    while True:
        found += page.changes
        if not page.more:
            break
        org.setup(expire_cursors=True)
        page = acme.poll("Lead", page.cursor, 0)
    assert ids(found) == leads


def test_a_page_that_the_server_shrinks_makes_no_record_gone(
    org: Any, acme: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    leads = [org.create("Lead") for _ in range(9)]
    monkeypatch.setattr("emulators.salesforce.queries.PAGE", 4)
    changes = acme.read([f"acme:lead:{lead}" for lead in leads])
    assert sorted(ids(changes)) == sorted(leads)
    assert not any(event.event == "deleted" for change in changes for event in acme.normalise(change).events)


def test_a_first_contact_with_little_in_it_costs_two_calls(org: Any, acme: Any, drain: Any) -> None:
    lead, case = org.create("Lead"), org.create("Case")
    org.act("call", id=lead)
    org.act("message", id=case)
    streams = [stream.name for stream in acme.streams()]
    for name in streams:
        acme._shapes.get(name)  # describes
    acme._reading.feed._selection.select("Lead")
    before = org.calls()
    found = {name: len(drain(acme, name)[0]) for name in streams}
    assert org.calls() == before + 2
    assert found == {
        "Lead": 1, "Case": 1, "Task": 1, "Event": 0, "EmailMessage": 1, "CaseComment": 0, "LeadHistory": 0,
        "CaseHistory": 0,
    }  # fmt: skip


def test_first_pages_that_are_too_much_for_one_call_are_asked_for_one_by_one(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    org.fault("status:503", "/services/data/v66.0/composite")
    found = {stream.name: drain(acme, stream.name)[0] for stream in acme.streams()}
    assert ids(found["Lead"]) == [lead]
    assert org.emulator.counts["POST /services/data/v66.0/composite"] == 1
