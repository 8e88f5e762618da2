"""What an administrator does to the org's fields and objects while we read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sla.timeline import settle

TIER = {"ticket": "Account.Tier__c"}


def state(acme: Any, changes: list[Any]) -> dict[str, Any]:
    """What the fold knows of a record after its changes."""
    fields: dict[str, Any] = {}
    for event in settle([event for change in changes for event in acme.normalise(change).events], 1 << 60):
        fields |= event.set or {}
    return fields


def hide(org: Any) -> None:
    org.act("hide_field", object="Case", field="Priority")


def rename(org: Any) -> None:
    org.act("rename_field", object="Case", field="SLA_Policy__c", to="Plan__c")


def take_the_link(org: Any) -> None:
    org.setup(hide={"Account": ["Tier__c"]})


@pytest.mark.parametrize("happens", [hide, rename, take_the_link])
def test_a_field_that_goes_keeps_what_it_held_and_is_no_change(
    org: Any, drain: Any, happens: Callable[[Any], None]
) -> None:
    acme = org.connect(fields={"tier": TIER, "plan": {"ticket": "SLA_Policy__c"}})
    account = org.create("Account", Name="Doe", Tier__c="Gold")
    case = org.create("Case", AccountId=account, Priority="High", SLA_Policy__c="Care")
    first, cursor = drain(acme, "Case")
    happens(org)
    org.emulator.clock.advance(60)
    org.act("update", id=case, fields={"Subject": "Help again"})
    later, _ = drain(acme, "Case", cursor)
    known = state(acme, first + later)
    assert len(later) == 1
    assert (known["priority"], known["tier"], known["plan"]) == ("high", "Gold", "Care")


@pytest.mark.parametrize("happens", [hide, rename, take_the_link])
def test_a_fresh_read_goes_on_without_the_field(org: Any, happens: Callable[[Any], None]) -> None:
    acme = org.connect(fields={"tier": TIER, "plan": {"ticket": "SLA_Policy__c"}})
    case = org.create("Case")
    acme.read([f"acme:ticket:{case}"])
    happens(org)
    assert [change.stream for change in acme.read([f"acme:ticket:{case}"])] == ["Case"]


def test_an_answer_s_object_that_is_taken_away_hides_no_record(org: Any, acme: Any) -> None:
    case = org.create("Case")
    acme.read([f"acme:ticket:{case}"])
    org.remove_object("emailmessage")
    changes = acme.read([f"acme:ticket:{case}"])
    assert [acme.normalise(change).events[-1].event for change in changes] == ["changed"]


def test_a_field_that_goes_in_the_middle_of_a_sweep_stops_nothing(org: Any, acme: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("connectors.salesforce.names.PAGE_ROWS", 2)
    monkeypatch.setattr("emulators.salesforce.queries.SMALLEST_PAGE", 1)
    leads = [org.create("Lead") for _ in range(5)]
    page = acme.poll("Lead", None, 0)
    found = list(page.changes)
    org.act("hide_field", object="Lead", field="Country")
    while page.more:
        page = acme.poll("Lead", page.cursor, 0)
        found += page.changes
    assert [change.key.split(":")[1] for change in found] == leads


def test_a_null_and_a_field_that_is_not_there_make_one_key(org: Any, acme: Any, drain: Any) -> None:
    """So the record is not read twice for a field that never held anything."""
    org.create("Lead")
    before, _ = drain(acme, "Lead")
    org.act("hide_field", object="Lead", field="Country")
    assert [change.key for change in drain(org.connect(), "Lead")[0]] == [change.key for change in before]


@pytest.mark.parametrize(
    ("unfilterable", "stamp"),
    [(["SystemModstamp"], "LastModifiedDate"), (["SystemModstamp", "LastModifiedDate"], "CreatedDate")],
)
def test_a_stamp_that_cannot_be_filtered_is_replaced_by_the_next_best(
    org: Any, acme: Any, drain: Any, unfilterable: list[str], stamp: str
) -> None:
    org.setup(unfilterable={"Task": unfilterable})
    lead = org.create("Lead")
    org.act("call", id=lead)
    changes, cursor = drain(acme, "Task")
    assert [event.event for change in changes for event in acme.normalise(change).events] == ["activity"]
    org.emulator.clock.advance(1)
    org.act("call", id=lead)
    assert len(drain(acme, "Task", cursor)[0]) >= 1
    assert acme._shapes.stamp("Task") == stamp


def test_without_anything_to_go_by_the_stream_is_empty(org: Any, acme: Any) -> None:
    org.setup(unfilterable={"Task": ["SystemModstamp", "LastModifiedDate", "CreatedDate"]})
    page = acme.poll("Task", None, 0)
    assert (page.changes, page.more) == ([], False)


def test_check_names_what_is_lost(org: Any, acme: Any) -> None:
    org.setup(unfilterable={"Task": ["SystemModstamp"]})
    org.remove_object("casehistory")
    found = {finding.subject: finding for finding in acme.check() if finding.level == "warn"}
    assert "LastModifiedDate" in found["Task"].message
    assert "CaseHistory" in found["history"].message
    assert "Set History Tracking" in (found["history"].fix or "")
