"""Field histories: every change of status and owner with its second and its doer, also between two polls."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Change, WriteBack
from sla import signal
from sla.model import Event
from sla.record import RecordState
from sla.timeline import settle


def told(acme: Any, changes: list[Any]) -> list[Event]:
    return [event for change in changes for event in acme.normalise(change).events]


def row(**more: Any) -> bytes:
    import json

    usual = {
        "Id": "017000000000001AAA", "CaseId": "500000000000001AAA", "CreatedDate": "2026-03-02T14:05:00.000+0000",
        "CreatedById": "005000000000001AAA", "CreatedBy": {"UserType": "Standard"}, "Field": "Status",
        "NewValue": "Waiting on Customer",
    }  # fmt: skip
    return json.dumps({**usual, **more}).encode()


def test_what_happened_between_two_polls_is_told_to_the_second(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case")
    _, cursor = drain(acme, "CaseHistory")
    maria, li = org.agent(0), org.agent(1)
    moments = []
    for status, who in (("Working", maria), ("Waiting on Customer", maria), ("Working", li)):
        org.emulator.clock.advance(7)
        org.act("update", id=case, by=who, fields={"Status": status})
        moments.append(org.row(case)["SystemModstamp"])
    changes, _ = drain(acme, "CaseHistory", cursor)
    assert [(event.event, event.at, event.actor, event.set, event.snapshot) for event in told(acme, changes)] == [
        ("changed", moments[0], maria, {"raw_status": "Working", "status": "open"}, False),
        ("changed", moments[1], maria, {"raw_status": "Waiting on Customer", "status": "pending"}, False),
        ("changed", moments[2], li, {"raw_status": "Working", "status": "open"}, False),
    ]


def test_a_record_that_changed_before_we_came_began_as_its_history_says(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead", OwnerId="Unassigned")
    for owner in ("maria@acme.test", "li@acme.test"):
        org.emulator.clock.advance(60)
        org.act("update", id=lead, by="li@acme.test", fields={"OwnerId": owner})
    changes = [change for stream in ("Lead", "LeadHistory") for change in drain(acme, stream)[0]]
    events = settle(
        [event for event in told(acme, changes) if event.record.endswith(lead)], org.emulator.clock.now_ms()
    )
    assert [event.set["owner"] for event in events if event.set] == [
        f"queue:{org.emulator.cast.unassigned}", org.agent(0), org.agent(1), org.agent(1),
    ]  # fmt: skip


def test_an_owner_s_change_is_one_event_although_it_is_two_rows(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    _, cursor = drain(acme, "LeadHistory")
    org.act("update", id=lead, by="li@acme.test", fields={"OwnerId": "Unassigned"})
    changes, _ = drain(acme, "LeadHistory", cursor)
    assert len(changes) == 1
    assert b"Unassigned" not in changes[0].payload  # the names stay where they are
    (event,) = told(acme, changes)
    assert (event.record, event.actor, event.set) == (
        f"acme:lead:{lead}", org.agent(1), {"owner": f"queue:{org.emulator.cast.unassigned}"},
    )  # fmt: skip


def test_our_own_change_is_known_as_ours(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case", OwnerId="maria@acme.test")
    _, cursor = drain(acme, "CaseHistory")
    acme.write([WriteBack(key="k", record=f"acme:ticket:{case}", action="owner", owner=org.agent(1))])
    (event,) = told(acme, drain(acme, "CaseHistory", cursor)[0])
    assert (event.actor, event.set) == ("system:sla-sidecar", {"owner": org.agent(1)})


def test_automation_is_told_from_people(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case")
    org.act("update", id=case, by=org.emulator.cast.automation, fields={"Status": "Working"})
    (event,) = told(acme, drain(acme, "CaseHistory")[0])
    assert event.actor == f"workflow:{org.emulator.cast.automation}"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("Status", "Waiting on Customer", {"raw_status": "Waiting on Customer", "status": "pending"}),
        ("Status", "A word that nobody mapped", None),
        ("Status", None, None),
        ("Owner", "Li Wei", None),
        ("Owner", "005000000000002", {"owner": "user:005000000000002AAA"}),
        ("ownerAccepted", "005000000000002AAA", {"owner": "user:005000000000002AAA"}),
        ("ownerEscalated", "00G000000000002EAA", {"owner": "queue:00G000000000002EAA"}),
        ("Escalator__c", "005000000000002AAA", None),
        ("Priority", "High", None),
        ("created", None, None),
    ],
)
def test_what_a_row_tells(acme: Any, field: str, value: Any, expected: dict[str, Any] | None) -> None:
    events = acme.normalise(Change("CaseHistory", "k", row(Field=field, NewValue=value))).events
    assert [event.set for event in events] == ([] if expected is None else [expected])


def test_rows_of_one_second_keep_their_order(acme: Any) -> None:
    """Their ids grow as Salesforce counts, digits before capitals before small letters."""
    ids = ["01700000000000ZAAA", "01700000000000aAAA", "01700000000000bAAA"]
    events = told(acme, [Change("CaseHistory", one, row(Id=one)) for one in ids])
    assert sorted(event.id for event in events) == [f"h:{one}" for one in ids]


def test_many_rows_with_one_stamp_come_once_each(org: Any, acme: Any, drain: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("connectors.salesforce.names.PAGE_ROWS", 3)
    cases = [org.create("Case") for _ in range(8)]
    _, cursor = drain(acme, "CaseHistory")
    for case in cases:
        org.act("update", id=case, fields={"Status": "Working"})
    events = told(acme, drain(acme, "CaseHistory", cursor)[0])
    assert [event.record for event in events] == [f"acme:ticket:{case}" for case in cases]
    assert len({event.id for event in events}) == 8


def test_a_row_that_shows_late_is_not_missed(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case")
    _, cursor = drain(acme, "CaseHistory")
    org.fault("late_index", "CaseHistory", times=1, seconds=300)
    org.act("update", id=case, fields={"Status": "Working"})
    org.emulator.clock.advance(60)
    changes, cursor = drain(acme, "CaseHistory", cursor)
    assert changes == []
    org.emulator.clock.advance(240)
    assert len(drain(acme, "CaseHistory", cursor)[0]) == 1


def test_without_tracking_snapshots_go_on_alone(org: Any, acme: Any, drain: Any) -> None:
    org.setup(track={"Case": []})
    case = org.create("Case")
    _, cursor = drain(acme, "Case")
    org.act("update", id=case, by="maria@acme.test", fields={"Status": "Working"})
    assert drain(acme, "CaseHistory")[0] == []
    (shown,) = drain(acme, "Case", cursor)[0]
    assert acme.normalise(shown).events[1].set["status"] == "open"


def test_without_the_object_the_stream_is_empty(org: Any, acme: Any) -> None:
    org.remove_object("leadhistory")
    page = acme.poll("LeadHistory", None, 0)
    assert (page.changes, page.more) == ([], False)


def test_a_first_sweep_reaches_back_thirty_days(org: Any, acme: Any) -> None:
    asked: list[str] = []
    query = acme._api.query
    acme._api.query = lambda soql, **more: (asked.append(soql), query(soql, **more))[1]
    acme.poll("CaseHistory", None, 1_772_460_300_000)
    assert asked == [
        "SELECT Id, CreatedDate, CreatedById, CreatedBy.UserType, Field, OldValue, NewValue, CaseId FROM CaseHistory"
        " WHERE CreatedDate >= 2026-01-31T14:05:00.000Z"
        " AND Field IN ('Status', 'Owner', 'ownerAccepted', 'ownerAssignment', 'ownerEscalated')"
        " ORDER BY CreatedDate ASC, Id ASC"
    ]


def test_a_fresh_read_brings_the_history_where_it_fits_into_the_call(org: Any, acme: Any) -> None:
    lead, case = org.create("Lead"), org.create("Case")
    org.act("update", id=lead, fields={"Status": "Working - Contacted"})
    org.act("update", id=case, fields={"Status": "Working"})
    acme.read([f"acme:lead:{lead}", f"acme:ticket:{case}"])  # describes
    before = org.calls()
    changes = acme.read([f"acme:lead:{lead}", f"acme:ticket:{case}"])
    assert [change.stream for change in changes] == ["Lead", "LeadHistory", "Case"]
    assert org.calls() == before + 2
    wide = org.connect(answers=["Task", "EmailMessage", "CaseComment"])
    assert [change.stream for change in wide.read([f"acme:ticket:{case}"])] == ["Case", "CaseHistory"]


def test_a_poll_and_a_read_give_one_row_one_key(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead")
    org.act("update", id=lead, fields={"Status": "Working - Contacted"})
    (polled,) = drain(acme, "LeadHistory")[0]
    assert polled.key in {change.key for change in acme.read([f"acme:lead:{lead}"])}


def lived(acme: Any, record: str, changes: list[Any]) -> tuple[RecordState, list[tuple[int, int]]]:
    """The state of a record after its changes, and the signals with their instants."""
    state = RecordState(record)
    events = [event for event in told(acme, changes) if event.record == record]
    return state, [(event.at, state.apply(event)) for event in settle(events, 1 << 60)]


def everything(acme: Any, drain: Any) -> list[Any]:
    return [change for stream in acme.streams() for change in drain(acme, stream.name)[0]]


def test_a_wait_for_the_customer_between_two_polls_is_seen(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case")
    moments = []
    for status in ("Working", "Waiting on Customer", "Working"):
        org.emulator.clock.advance(60)
        org.act("update", id=case, by=org.agent(0), fields={"Status": status})
        moments.append(org.row(case)["SystemModstamp"])
    changes = everything(acme, drain)
    assert [change.stream for change in changes].count("Case") == 1  # the one state that the record shows
    _, signals = lived(acme, f"acme:ticket:{case}", changes)
    assert [at for at, found in signals if found & signal.PENDING] == [moments[1]]
    assert [at for at, found in signals if found & signal.UNPENDING] == [moments[2]]


def test_a_conversion_that_three_rows_tell_is_one(org: Any, acme: Any, drain: Any) -> None:
    lead = org.create("Lead", OwnerId="maria@acme.test")
    first = everything(acme, drain)
    org.emulator.clock.advance(60)
    org.act("convert", id=lead, by="maria@acme.test")
    state, signals = lived(acme, f"acme:lead:{lead}", first + everything(org.connect(), drain))
    assert (state.status, state.answers) == ("converted", 1)
    assert sum(1 for _, found in signals if found & signal.RESOLVED) == 1


def test_the_same_change_by_row_and_by_history_is_one(org: Any, acme: Any, drain: Any) -> None:
    case = org.create("Case", OwnerId="maria@acme.test")
    first = everything(acme, drain)
    org.emulator.clock.advance(60)
    org.act("update", id=case, by="li@acme.test", fields={"OwnerId": "li@acme.test", "Status": "Closed"})
    state, signals = lived(acme, f"acme:ticket:{case}", first + everything(org.connect(), drain))
    assert (state.owner, state.status, state.owners) == (org.agent(1), "closed", [org.agent(0), org.agent(1)])
    assert sum(1 for _, found in signals if found & signal.OWNER_CHANGED) == 1
    assert sum(1 for _, found in signals if found & signal.SOLVE) == 1
