"""The org's own life and its seeded past: the same seed tells the same story, and the story has what a demo needs."""

from __future__ import annotations

import pytest

from emulators.clock import EmulatorClock
from emulators.salesforce import SalesforceEmulator

START = 1_772_460_300


def lived(minutes: int, seed: int = 1) -> SalesforceEmulator:
    """An org after so many minutes, a tick every ten seconds."""
    emulator = SalesforceEmulator(seed=seed, living=True, clock=EmulatorClock(real=lambda: START))
    for _ in range(minutes * 6):
        emulator.clock.advance(10)
        emulator.live()
    return emulator


@pytest.fixture(scope="module")
def org() -> SalesforceEmulator:
    return lived(240)


def test_several_records_arrive_in_ten_minutes() -> None:
    store = lived(10).store
    assert 5 <= store.count("Lead") + store.count("Case") <= 15


def test_some_leads_are_called_within_minutes_some_late_and_some_never(org: SalesforceEmulator) -> None:
    first_call: dict[str, int] = {}
    for task in org.store.rows("Task"):
        lead = task["WhoId"]
        if lead.startswith("00Q") and task["TaskSubtype"] == "Call":
            first_call.setdefault(lead, task["CreatedDate"])
    old = [row for row in org.store.rows("Lead") if row["CreatedDate"] < (START + 150 * 60) * 1000]
    waits = [first_call.get(row["Id"], 0) and first_call[row["Id"]] - row["CreatedDate"] for row in old]
    called = [wait for wait in waits if wait]
    assert sum(wait <= 10 * 60_000 for wait in called) >= 5
    assert sum(wait >= 20 * 60_000 for wait in called) >= 2
    untouched = [row for row in old if row["Status"] == "Open - Not Contacted" and row["Id"] not in first_call]
    assert len(untouched) >= 10


def test_cases_wait_for_the_customer_and_come_back(org: SalesforceEmulator) -> None:
    changes = [
        (row["CaseId"], row["OldValue"], row["NewValue"])
        for row in org.store.rows("CaseHistory")
        if row["Field"] == "Status"
    ]
    assert any(new == "Waiting on Customer" for _, _, new in changes)
    assert any((old, new) == ("Waiting on Customer", "Working") for _, old, new in changes)
    assert any(new == "Closed" for _, _, new in changes)
    mails = list(org.store.rows("EmailMessage"))
    assert {mail["Incoming"] for mail in mails} == {True, False}


def test_a_lead_given_to_somebody_else_is_usually_called_by_them(org: SalesforceEmulator) -> None:
    emulator = lived(60)
    sam = emulator.people.person("sam@acme.test")
    left = [row for row in emulator.store.rows("Lead") if row["Status"] == "Open - Not Contacted"]
    given = [row["Id"] for row in left if row["OwnerId"] != sam]
    for lead in given:
        emulator.act({"do": "update", "id": lead, "fields": {"OwnerId": sam}})
    for _ in range(30):
        emulator.clock.advance(60)
        emulator.live()
    calls = {row["WhoId"] for row in emulator.store.rows("Task") if row["OwnerId"] == sam}
    assert len(calls & set(given)) > len(given) / 3


def test_life_goes_on_when_a_colleague_leaves() -> None:
    emulator = lived(5)
    emulator.act({"do": "deactivate_user", "user": "sam@acme.test"})
    before = emulator.store.count("Lead")
    for _ in range(60):
        emulator.clock.advance(60)
        emulator.live()
    assert emulator.store.count("Lead") > before + 10


def test_what_happens_by_itself_leaves_no_effects(org: SalesforceEmulator) -> None:
    assert org.effects.lines() == []


def test_the_same_seed_tells_the_same_story() -> None:
    def story(emulator: SalesforceEmulator) -> list[object]:
        return [list(emulator.store.rows(name)) for name in ("Lead", "Case", "Task", "EmailMessage", "LeadHistory")]

    assert story(lived(30, seed=5)) == story(lived(30, seed=5))
    assert story(lived(30, seed=5)) != story(lived(30, seed=6))


def test_records_to_begin_with_are_as_many_as_asked_and_lie_in_the_past() -> None:
    emulator = SalesforceEmulator(records=300, clock=EmulatorClock(real=lambda: START))
    again = SalesforceEmulator(records=300, clock=EmulatorClock(real=lambda: START))
    leads, cases = list(emulator.store.rows("Lead")), list(emulator.store.rows("Case"))
    assert len(leads) + len(cases) == 300
    assert (leads, cases) == (list(again.store.rows("Lead")), list(again.store.rows("Case")))
    assert all(row["SystemModstamp"] <= START * 1000 for row in leads + cases)
    assert len({row["Status"] for row in leads}) >= 3
    assert emulator.effects.lines() == []
