"""The search engine: operators, case, sorts, walls, the late index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulators.hubspot import HubSpotEmulator
from emulators.hubspot.deeds import Deeds
from emulators.hubspot.errors import HubSpotError
from emulators.hubspot.kinds import KINDS
from emulators.hubspot.limits import Limits
from emulators.hubspot.search import search

T0 = 1_772_460_300_000  # 2026-03-02T14:05:00Z
TICKETS = KINDS["tickets"]


@pytest.fixture
def crm() -> HubSpotEmulator:
    return HubSpotEmulator(seed=3)


@pytest.fixture
def tickets(crm: HubSpotEmulator) -> dict[str, str]:
    """Five tickets by subject; their ids grow from a to e."""
    stage = crm.portal.pipelines.stage("tickets", "new").id
    rows = {
        "a": {"hs_ticket_priority": "HIGH", "sla_due": str(T0), "sla_status": "Running"},
        "b": {"hs_ticket_priority": "LOW", "sla_due": str(T0 + 1000), "sla_status": "met"},
        "c": {"hs_ticket_priority": "HIGH", "sla_due": str(T0 + 2000)},
        "d": {"sla_status": "running"},
        "e": {"sla_due": str(T0 + 2000), "content": "Mail ada@acme.test about the red-hot printer"},
    }
    deeds = Deeds(crm.portal)
    return {
        name: deeds.create("tickets", {"subject": name, "hs_pipeline_stage": stage} | fields).id
        for name, fields in rows.items()
    }


@pytest.fixture
def find(crm: HubSpotEmulator, tickets: dict[str, str]) -> Callable[..., str]:
    names = {key: name for name, key in tickets.items()}

    def run(*filters: dict[str, Any], **order: Any) -> str:
        order.setdefault("filterGroups", [{"filters": list(filters)}] if filters else [])
        found = search(crm.portal, TICKETS, order)
        return "".join(names.get(record.id, "?") for record in found.records)

    return run


def one(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (one("hs_ticket_priority", "EQ", "HIGH"), "ac"),
        (one("hs_ticket_priority", "EQ", "high"), ""),  # options keep their case
        (one("hs_ticket_priority", "NEQ", "HIGH"), "b"),  # what has no value matches no comparison
        (one("hs_ticket_priority", "IN", values=["HIGH", "LOW"]), "abc"),
        (one("hs_ticket_priority", "NOT_IN", values=["LOW"]), "ac"),
        (one("sla_status", "EQ", "RUNNING"), "ad"),  # texts do not
        (one("sla_status", "IN", values=["running"]), "ad"),
        (one("sla_status", "IN", values=["Running"]), ""),  # values of IN must be in lower case
        (one("sla_status", "NOT_IN", values=["running"]), "b"),
        (one("sla_status", "HAS_PROPERTY"), "abd"),
        (one("sla_status", "NOT_HAS_PROPERTY"), "ce"),
        (one("sla_due", "GT", str(T0 + 1000)), "ce"),
        (one("sla_due", "GTE", str(T0 + 1000)), "bce"),
        (one("sla_due", "LT", str(T0 + 1000)), "a"),
        (one("sla_due", "LTE", str(T0 + 1000)), "ab"),
        (one("sla_due", "EQ", str(T0)), "a"),
        (one("sla_due", "BETWEEN", str(T0), highValue=str(T0 + 1000)), "ab"),
        (one("subject", "BETWEEN", "b", highValue="d"), "bcd"),
        (one("content", "CONTAINS_TOKEN", "PRINTER"), "e"),
        (one("content", "CONTAINS_TOKEN", "print"), ""),
        (one("content", "CONTAINS_TOKEN", "print*"), "e"),
        (one("content", "CONTAINS_TOKEN", "*@acme.test"), "e"),
        (one("content", "NOT_CONTAINS_TOKEN", "printer"), ""),
    ],
)
def test_operators(find: Callable[..., str], filter: dict[str, Any], found: str) -> None:
    assert find(filter) == found


def test_filters_of_a_group_hold_together_and_groups_are_alternatives(find: Callable[..., str]) -> None:
    high, due = one("hs_ticket_priority", "EQ", "HIGH"), one("sla_due", "GT", str(T0))
    assert find(high, due) == "c"
    assert find(filterGroups=[{"filters": [high]}, {"filters": [due]}]) == "abce"


def test_a_walk_by_id_sees_every_record_once(find: Callable[..., str], tickets: dict[str, str]) -> None:
    walked, last = "", "0"
    while page := find(one("hs_object_id", "GT", last), limit=2, sorts=["hs_object_id"]):
        walked += page
        last = tickets[page[-1]]
    assert walked == "abcde"


@pytest.mark.parametrize(
    ("sorts", "found"),
    [
        ([], "abcde"),
        (["-subject"], "edcba"),
        ([{"propertyName": "subject", "direction": "DESCENDING"}], "edcba"),
        (["sla_due"], "abced"),  # ties by id, what has no value comes last
        (["-sla_due"], "cebad"),
        ([{"propertyName": "subject"}, {"propertyName": "sla_due", "direction": "DESCENDING"}], "abcde"),
    ],
)
def test_one_sort(find: Callable[..., str], sorts: list[Any], found: str) -> None:
    assert find(sorts=sorts) == found


def test_free_text_looks_into_the_searched_properties(find: Callable[..., str]) -> None:
    assert find(query="RED-HOT") == "e"


@pytest.mark.parametrize(
    "order",
    [
        {"filterGroups": [{"filters": [one("nonsense", "EQ", "1")]}]},
        {"filterGroups": [{"filters": [one("subject", "LIKE", "1")]}]},
        {"filterGroups": [{"filters": [one("subject", "EQ")]}]},
        {"filterGroups": [{"filters": [one("subject", "IN", "a")]}]},
        {"filterGroups": [{"filters": [one("subject", "HAS_PROPERTY", "a")]}]},
        {"filterGroups": [{"filters": [one("sla_due", "BETWEEN", "1")]}]},
        {"filterGroups": [{"filters": [one("sla_due", "GT", "2026-03-02T14:05:00Z")]}]},
        {"filterGroups": [{"filters": [one("subject", "EQ", "a")]}] * 6},
        {"filterGroups": [{"filters": [one("subject", "EQ", "a")] * 7}]},
        {"filterGroups": [{"filters": [one("subject", "EQ", "a")] * 5}] * 4},
        {"sorts": ["nonsense"]},
        {"limit": 201},
        {"limit": 0},
        {"after": "x"},
        {"query": "x" * 3001},
    ],
)
def test_what_makes_no_sense_is_refused(find: Callable[..., str], order: dict[str, Any]) -> None:
    with pytest.raises(HubSpotError) as caught:
        find(**order)
    assert caught.value.status == 400


def test_keys_may_be_missing_and_the_default_page_has_ten(crm: HubSpotEmulator) -> None:
    deeds = Deeds(crm.portal)
    for number in range(11):
        deeds.create("contacts", {"email": f"p{number}@acme.test"})
    found = search(crm.portal, KINDS["contacts"], {})
    assert (found.total, len(found.records), found.after) == (11, 10, 10)
    assert search(crm.portal, KINDS["contacts"], {"after": "10"}).after is None


def test_nobody_pages_beyond_ten_thousand(crm: HubSpotEmulator) -> None:
    assert search(crm.portal, TICKETS, {"limit": 200, "after": "9800"}).total == 0
    for after, limit in (("9801", 200), ("10000", 1)):
        with pytest.raises(HubSpotError):
            search(crm.portal, TICKETS, {"limit": limit, "after": after})


def test_archived_and_merged_records_leave_the_index(
    crm: HubSpotEmulator, find: Callable[..., str], tickets: dict[str, str]
) -> None:
    crm.act({"do": "delete", "object": "tickets", "id": tickets["a"]})
    crm.act({"do": "merge", "object": "tickets", "id": tickets["b"], "into": tickets["c"]})
    assert find() == "de?"


def test_linked_records_are_found_by_the_other_end(
    crm: HubSpotEmulator, find: Callable[..., str], tickets: dict[str, str]
) -> None:
    contact = crm.act({"do": "create", "object": "contacts", "fields": {"email": "ada@acme.test"}})
    ticket = crm.portal.shelf(TICKETS).find(tickets["d"])
    ada = crm.portal.shelf(KINDS["contacts"]).find(contact["id"])
    assert ticket is not None
    assert ada is not None
    Deeds(crm.portal).writer(None).link(ticket, ada, [16])
    assert find(one("associations.contact", "EQ", contact["id"])) == "d"
    assert find(one("associations.contact", "NOT_HAS_PROPERTY")) == "abce"


def test_the_index_is_late_and_answers_show_the_record_as_it_is_now(
    crm: HubSpotEmulator, find: Callable[..., str], tickets: dict[str, str]
) -> None:
    crm.act({"do": "settings", "index_lag_s": 30})
    crm.act({"do": "update", "object": "tickets", "id": tickets["a"], "fields": {"sla_status": "missed"}})
    still = one("sla_status", "EQ", "running")
    assert find(still) == "ad"
    found = search(crm.portal, TICKETS, {"filterGroups": [{"filters": [still]}]})
    assert found.records[0].text("sla_status") == "missed"
    crm.clock.advance(30)
    assert find(still) == "d"


def test_a_late_index_fault_strikes_one_write(
    crm: HubSpotEmulator, find: Callable[..., str], tickets: dict[str, str]
) -> None:
    crm.faults.add({"fault": "late_index", "path": "/crm/v3/objects/tickets", "times": 1, "seconds": 600})
    for name in "ab":
        crm.act({"do": "update", "object": "tickets", "id": tickets[name], "fields": {"sla_policy": "Support"}})
    assert find(one("sla_policy", "HAS_PROPERTY")) == "b"
    crm.clock.advance(600)
    assert find(one("sla_policy", "HAS_PROPERTY")) == "ab"


def test_five_searches_a_second_are_allowed() -> None:
    now = [100.0]
    limits = Limits(lambda: now[0])
    assert [limits.may_search() for _ in range(6)] == [True] * 5 + [False]
    now[0] += 1.0
    assert limits.may_search()
    limits.search_per_second = None
    assert all(limits.may_search() for _ in range(50))
