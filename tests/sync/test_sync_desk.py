"""Whom a reassignment means: pools, the next one, managers, queues and people, against the people of a CRM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from connectors.base import Person
from sla.assignment import Choice
from sla.calendar import Calendar
from sla.people import NOBODY, People, read_people
from sla.problem import Collector
from sla.step import parse_reassign
from sync.configuration_shape import MemberEntry, PoolEntry
from sync.desk import Ask, Desk, Roster, remember
from sync.store import Store

OFFICE = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}, "office")
EVENING = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "17:00-21:00"}}, "evening")
ALWAYS = Calendar.from_config({"timezone": "UTC", "hours": "24x7"}, "always")
CALENDARS = {"office": OFFICE, "evening": EVENING, "always": ALWAYS}
TEAM = (
    Person("user:ann", "Ann", "ann@acme.test", manager="user:boss"),
    Person("user:ben", "Ben", "Ben@acme.test", manager="user:gone"),
    Person("user:cem", "Cem", "cem@acme.test"),
    Person("user:gone", "Gone", "gone@acme.test", active=False, manager="user:boss"),
    Person("user:boss", "Boss", "boss@acme.test"),
    Person("queue:9", "Unassigned"),
)
SALES = PoolEntry("sales", (MemberEntry("ann@acme.test"), MemberEntry("user:ben")), fallback="queue:Unassigned")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "sla.db")
    yield opened
    opened.close()


def people(**given: Any) -> People:
    problems = Collector()
    found = read_people(given, CALENDARS, problems)
    assert problems.problems == []
    return found


def ask(
    store: Store,
    wish: str,
    *,
    pools: tuple[PoolEntry, ...] = (SALES,),
    known: People = NOBODY,
    owner: str | None = "user:cem",
    due_at: int | None = None,
    now: int = MONDAY_NINE,
) -> Choice:
    desk = Desk({pool.name: pool for pool in pools}, CALENDARS, known)
    asked = Ask("crm", "crm:lead:9", owner, [(MONDAY_NINE, owner or "unassigned")], MONDAY_NINE, due_at, now)
    return store.read(lambda t: desk.choose_for(t, Roster(TEAM, now), parse_reassign(wish), asked))


def test_a_pools_name_means_its_next_member(store: Store) -> None:
    assert ask(store, "sales")[:2] == ("user:ann", "next in turn")


def test_next_means_the_next_of_the_pool_that_the_owner_belongs_to(store: Store) -> None:
    night = PoolEntry("night", (MemberEntry("user:cem"), MemberEntry("user:boss")))
    choice = ask(store, "next", pools=(SALES, night))
    assert (choice.owner, choice.pool) == ("user:boss", "night")
    assert choice.told()["considered"] == [
        {"user": "user:cem", "verdict": "had it before", "open": 0, "turn": 1},
        {"user": "user:boss", "verdict": "chosen", "open": 0, "turn": 2},
    ]


def test_the_owner_of_no_pool_has_no_next(store: Store) -> None:
    choice = ask(store, "next")
    assert (choice.owner, choice.reason, choice.final) == (None, "user:cem is a member of no pool", True)


def test_the_manager_is_the_one_of_the_configuration_before_the_one_of_the_crm(store: Store) -> None:
    assert ask(store, "manager", owner="user:ann")[:2] == ("user:boss", "manager of user:ann")
    listed = people(**{"ann@acme.test": {"manager": "cem@acme.test"}})
    assert ask(store, "manager", owner="user:ann", known=listed)[:2] == ("user:cem", "manager of user:ann")


def test_in_place_of_an_inactive_manager_stands_theirs(store: Store) -> None:
    choice = ask(store, "manager", owner="user:ben")
    assert choice[:2] == ("user:boss", "manager of user:gone")
    assert [(c.user, c.verdict) for c in choice.considered] == [
        ("user:gone", "inactive in the CRM"),
        ("user:boss", "chosen"),
    ]


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        ("user:cem", "no active manager of user:cem is known"),
        (None, "nobody owns it, so there is no manager"),
        ("queue:9", "nobody owns it, so there is no manager"),
    ],
)
def test_without_a_manager_nobody_is_meant_and_waiting_does_not_help(
    store: Store, owner: str | None, reason: str
) -> None:
    choice = ask(store, "manager", owner=owner)
    assert (choice.owner, choice.reason, choice.final) == (None, reason, True)


def test_managers_in_a_circle_end_the_search(store: Store) -> None:
    listed = people(**{"user:ben": {"manager": "user:gone"}, "user:gone": {"manager": "user:ben"}})
    assert ask(store, "manager", owner="user:ben", known=listed).reason == "no active manager of user:ben is known"


@pytest.mark.parametrize(
    ("wish", "owner", "reason"),
    [
        ("queue:Unassigned", "queue:9", "queue:Unassigned is named by the step"),
        ("user:boss", "user:boss", "user:boss is named by the step"),
        ("BOSS@acme.test", "user:boss", "BOSS@acme.test is named by the step"),
        ("queue:Nowhere", None, "queue:Nowhere is unknown in the CRM"),
        ("gone@acme.test", None, "gone@acme.test is inactive in the CRM"),
        ("nobody", None, "there is no pool 'nobody'"),
    ],
)
def test_queues_and_people_are_named_outright(store: Store, wish: str, owner: str | None, reason: str) -> None:
    choice = ask(store, wish)
    assert (choice.owner, choice.reason, choice.final) == (owner, reason, owner is None)


# ---- hours


def test_members_work_as_people_say_and_not_while_they_are_away(store: Store) -> None:
    listed = people(**{"ann@acme.test": {"calendar": "evening"}, "user:ben": {"away": ["2026-03-02"]}})
    choice = ask(store, "sales", known=listed)
    assert [c.verdict for c in choice.considered] == ["outside their hours", "away"]
    assert choice[:2] == ("queue:9", "nobody of the pool is free: to the fallback")


def test_a_members_own_calendar_goes_before_that_of_people_and_absences_hold_in_it(store: Store) -> None:
    listed = people(
        **{"user:ann": {"calendar": "evening", "away": ["2026-03-03"]}, "user:ben": {"away": ["2026-03-02"]}}
    )
    pool = PoolEntry("sales", (MemberEntry("ann@acme.test", calendar="office"), MemberEntry("user:ben")))
    assert [c.verdict for c in ask(store, "sales", pools=(pool,), known=listed).considered] == ["chosen", "away"]
    tuesday = MONDAY_NINE + 24 * 60 * MINUTE
    later = ask(store, "sales", pools=(pool,), known=listed, now=tuesday)
    assert [c.verdict for c in later.considered] == ["away", "chosen"]


def test_who_goes_home_too_early_to_meet_due_is_passed_over(store: Store) -> None:
    pool = PoolEntry(
        "sales", (MemberEntry("user:ann", calendar="office"), MemberEntry("user:ben")), needs=30 * MINUTE
    )  # fmt: skip
    half_past_four = MONDAY_NINE + 7 * 60 * MINUTE + 31 * MINUTE
    choice = ask(store, "sales", pools=(pool,), now=half_past_four, due_at=half_past_four + 120 * MINUTE)
    assert choice.owner == "user:ben"
    assert choice.considered[0].verdict == "cannot meet due: 29m of their time until then, 30m needed"


def test_members_whom_the_crm_does_not_know_are_told_of(store: Store) -> None:
    pool = PoolEntry("sales", (MemberEntry("typo@acme.test"), MemberEntry("user:ben")))
    choice = ask(store, "sales", pools=(pool,))
    assert [(c.user, c.verdict) for c in choice.considered] == [
        ("typo@acme.test", "unknown in the CRM"),
        ("user:ben", "chosen"),
    ]


def test_a_member_named_by_id_keeps_the_hours_listed_under_their_address(store: Store) -> None:
    listed = people(**{"ben@acme.test": {"away": ["2026-03-02"]}})
    assert [c.verdict for c in ask(store, "sales", known=listed).considered] == ["chosen", "away"]


def test_a_fallback_that_nobody_can_have_is_told_of(store: Store) -> None:
    for fallback, why in (("queue:Nowhere", "unknown"), ("gone@acme.test", "inactive")):
        pool = PoolEntry("sales", (MemberEntry("user:gone"),), fallback=fallback)
        choice = ask(store, "sales", pools=(pool,))
        assert choice.owner is None
        assert choice.reason == (
            f"nobody of the pool is free, and the pool has no fallback that can have it: {fallback} is {why} in the CRM"
        )


# ---- the line is kept


def _remember(store: Store, n: int, choice: Choice) -> None:
    store.write(lambda t: remember(t, f"key{n}", "sales", choice, f"crm:lead:{n}", MONDAY_NINE + n))


def test_the_line_survives_a_restart_and_an_edit_of_the_team(store: Store) -> None:
    for n in range(3):
        _remember(store, n, ask(store, "sales"))
    assert store.read(lambda t: t.rows("SELECT owner FROM assignment ORDER BY at")) == [
        ("user:ann",), ("user:ben",), ("user:ann",),
    ]  # fmt: skip
    larger = PoolEntry("sales", (*SALES.members, MemberEntry("user:boss")))
    choice = ask(store, "sales", pools=(larger,))
    assert [(c.user, c.turn) for c in choice.considered] == [("user:ann", 3), ("user:ben", 2), ("user:boss", 1)]


# ---- as the daemon does it

STEPS = """  { at = "50%", notify = "owner" },
  { at = "75%", task = "Call {record.name} now" },
  { at = "due", reassign = "sales" },
"""


def test_the_ledger_tells_who_was_considered_and_why(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.minutes(62)
    written = [row.body for row in scene.view().ledger(what="write") if row.body["action"] == "owner"]
    assert len(written) == 1
    said = {name: written[0]["body"][name] for name in ("owner", "reason", "pool", "considered")}
    assert said == {
        "owner": "user:ben",
        "reason": "next in turn",
        "pool": "sales",
        "considered": [
            {"user": "user:ann", "verdict": "had it before", "open": 1, "turn": 1},
            {"user": "user:ben", "verdict": "chosen", "open": 0, "turn": 2},
        ],
    }


def test_a_manager_gets_what_their_people_leave(staged: Callable[..., Scene]) -> None:
    document = LEADS.replace(STEPS, '  { at = "due", reassign = "manager" },\n')
    scene = staged(document=document, write={})
    scene.crm.person("user:ann", name="Ann", email="ann@acme.test", manager="user:cem")
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.crm.create("lead", "10", name="Noor", owner="user:ben")
    scene.minutes(62)
    assert scene.effects("owner") == [("owner", "lead:9", {"owner": "user:cem"})]
    assert [row.body["reason"] for row in scene.view().ledger(what="dead")] == [
        "no active manager of user:ben is known"
    ]


def test_a_cap_holds_within_one_delivery(staged: Callable[..., Scene]) -> None:
    members = (MemberEntry("user:ann", cap=2), MemberEntry("user:ben", cap=1))
    scene = staged(pools={"sales": PoolEntry("sales", members, fallback="queue:Unassigned")}, write={})
    for number in range(5):
        scene.crm.create("lead", str(number), name="Mara", owner="user:cem")
    scene.minutes(64)
    assert [what["owner"] for _, _, what in scene.effects("owner")] == [
        "user:ann", "user:ben", "user:ann", "queue:9", "queue:9",
    ]  # fmt: skip


def test_records_that_are_gone_do_not_count_against_a_cap(staged: Callable[..., Scene]) -> None:
    scene = staged(pools={"sales": PoolEntry("sales", (MemberEntry("user:ann", cap=1),))}, write={})
    scene.crm.create("lead", "old", name="Old", owner="user:ann")
    scene.round()
    scene.crm.delete("lead:old")
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(62)
    assert scene.effects("owner") == [("owner", "lead:9", {"owner": "user:ann"})]
