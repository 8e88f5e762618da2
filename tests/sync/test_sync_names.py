"""People, queues and teams by name: who is meant, what is said of a name that leads nowhere, and the one alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sync_scene import LEADS, MONDAY_NINE, Scene

from connectors.base import Person
from connectors.errors import RetryLater
from sla.people import NOBODY
from sla.step import parse_reassign
from sync.configuration import load
from sync.configuration_error import ConfigurationError
from sync.configuration_shape import MemberEntry, PoolEntry
from sync.desk import Ask, Desk
from sync.mentions import doubts
from sync.roster import Roster
from sync.store import Store

TEAM = (
    Person("user:1", "Maria Lopez", "maria@acme.test", teams=("Inside Sales",)),
    Person("user:2", "Li Wei", "li@acme.test", teams=("Inside Sales", "Late shift")),
    Person("user:3", "Sam Lee", "sam@acme.test"),
    Person("user:4", "Sam Lee", "sam.lee@acme.test"),
    Person("user:5", "Alex Former", "alex@acme.test", active=False, teams=("Inside Sales",)),
    Person("user:6", "Maria Lopez", "old.maria@acme.test", active=False),
    Person("queue:9", "Unassigned"),
    Person("queue:8", "Sam Lee"),
)
ROSTER = Roster(TEAM, MONDAY_NINE)

FILE = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[connections.acme]
connector = "memory"

[people]
"maria@acme.test" = { team = "Late", manager = "boss@acme.test" }
"lee@acme.test" = { team = "Late" }

[pools.sales]
members = ["Maria Lopes", "Sam Lee", "alex@acme.test", { user = "user:2" }, "team:Inside Sale"]
fallback = "queue:Unasigned"

[[policies]]
name = "Leads"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "1h"
steps = [{ at = "due", reassign = "user:Li Wei", notify = "user:Lee Wei" }]
"""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("user:1", "user:1"),
        ("MARIA@acme.test", "user:1"),
        ("maria lopez", "user:1"),  # the active one of two
        ("user:Maria Lopez", "user:1"),
        ("queue:unassigned", "queue:9"),
        ("queue:9", "queue:9"),
        ("queue:Sam Lee", "queue:8"),
        ("Alex Former", "user:5"),
        ("Sam Lee", None),  # two of them
        ("Unassigned", None),  # a queue is named as one
        ("team:Inside Sales", None),
        ("", None),
    ],
)
def test_a_text_means_somebody_or_nobody_and_never_one_of_two(text: str, meant: str | None) -> None:
    assert ROSTER.resolve(text) == meant


def test_a_team_stands_for_its_active_people() -> None:
    assert ROSTER.members("team:inside sales") == ["user:1", "user:2"]
    assert ROSTER.members("team:Nobody") == []


def test_a_pool_of_a_team_has_its_people_once_and_who_is_named_has_their_own_terms(tmp_path: Path) -> None:
    members = (MemberEntry("team:Inside Sales"), MemberEntry("Li Wei", cap=0, weight=2), MemberEntry("team:Nobody"))
    desk = Desk({"sales": PoolEntry("sales", members, fallback="queue:Unassigned")}, {}, NOBODY)
    store = Store.open(tmp_path / "sla.db")
    ask = Ask("crm", "crm:lead:9", None, [(MONDAY_NINE, "unassigned")], MONDAY_NINE, None, MONDAY_NINE)
    choice = store.read(lambda t: desk.choose_for(t, ROSTER, parse_reassign("sales"), ask))
    assert [(c.user, c.verdict) for c in choice.considered] == [
        ("user:2", "at the cap of 0"),
        ("user:1", "chosen"),
        ("team:Nobody", "unknown in the CRM"),
    ]
    assert desk.is_of("sales", ROSTER, "user:1")
    assert desk.is_of("sales", ROSTER, "queue:9")
    assert not desk.is_of("sales", ROSTER, "user:3")
    named = store.read(lambda t: desk.choose_for(t, ROSTER, parse_reassign("user:Li Wei"), ask))
    assert named.owner == "user:2"
    several = store.read(lambda t: desk.choose_for(t, ROSTER, parse_reassign("user:Sam Lee"), ask))
    assert (several.owner, several.reason) == (None, "user:Sam Lee may mean 2 people of the CRM")
    store.close()


def test_every_name_that_leads_nowhere_is_told_with_its_place_and_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FILE)
    found = doubts(load(file), {"acme": ROSTER})
    assert [(d.level, d.problem.line, d.problem.column, d.problem.message, d.problem.hint) for d in found] == [
        ("fail", 10, 48, "nobody is called 'boss@acme.test' in the CRM", None),
        ("fail", 11, 19, "nobody is called 'lee@acme.test' in the CRM", 'did you mean "sam.lee@acme.test"?'),
        ("fail", 14, 12, "nobody is called 'Maria Lopes' in the CRM", 'did you mean "Maria Lopez"?'),
        ("fail", 14, 27, "'Sam Lee' may mean user:3 or user:4", 'name one by id, such as "user:3"'),
        ("warn", 14, 38, "'alex@acme.test' is inactive in the CRM", "name somebody who is active"),
        (
            "fail",
            14,
            77,
            "no active person is in the team 'Inside Sale' in the CRM",
            'did you mean "team:Inside Sales"?',
        ),
        ("fail", 15, 12, "nobody is called 'queue:Unasigned' in the CRM", 'did you mean "queue:Unassigned"?'),
        ("fail", 24, 59, "nobody is called 'user:Lee Wei' in the CRM", 'did you mean "user:Li Wei"?'),
    ]


def test_a_name_that_another_crm_knows_is_no_mistake_and_silence_proves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    names = 'members = ["maria@acme.test", "li@acme.test"]\nfallback = "queue:Unassigned"\n'
    start, end = FILE.index("members"), FILE.index("[[policies]]")
    step = FILE.index("steps")
    file.write_text(
        FILE[:start].replace(', manager = "boss@acme.test"', "").replace('"lee@acme.test" = { team = "Late" }', "")
        + names
        + FILE[end:step]
    )
    one, other = Roster(TEAM[:1], 0), Roster(TEAM[1:], 0)
    assert doubts(load(file), {"a": one, "b": other}) == []
    found = doubts(load(file), {"a": one}, ("b",))
    assert [(d.level, d.problem.message) for d in found] == [
        ("warn", "'li@acme.test' is not known; b gave no answer"),
        ("warn", "'queue:Unassigned' is not known; b gave no answer"),
    ]
    assert doubts(load(file), {}, ("a", "b")) == []


@pytest.mark.parametrize("text", ["maria", "queue:Support", "team:", "user:", "@acme.test", "Maria: Lopez", "Maria "])
def test_a_member_that_can_be_nobody_is_found_in_the_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FILE.replace("Maria Lopes", text))
    with pytest.raises(ConfigurationError) as failed:
        load(file)
    assert [problem.message for problem in failed.value.problems] == [
        'must be an e-mail address, a name, "user:ID" or "team:NAME"'
    ]


def test_all_of_a_pool_may_be_one_team(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    start, end = FILE.index("members"), FILE.index("fallback")
    file.write_text(FILE[:start] + 'members = "team:Inside Sale"\n' + FILE[end:])
    configuration = load(file)
    assert configuration.pools["sales"].members == (MemberEntry("team:Inside Sale"),)
    assert (14, 11) in [(d.problem.line, d.problem.column) for d in doubts(configuration, {"acme": ROSTER})]


def test_an_id_that_was_cut_short_is_met_with_the_whole_one(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    start, end = FILE.index("members"), FILE.index("fallback")
    file.write_text(FILE[:start] + 'members = ["user:005Em0000000003"]\n' + FILE[end:])
    roster = Roster([Person("user:005Em0000000003IAA", "Maria Lopez"), Person("user:005Em0000000004IAA", "Li")], 0)
    hints = [doubt.problem.hint for doubt in doubts(load(file), {"acme": roster}) if doubt.problem.line == 14]
    assert hints == ['did you mean "user:005Em0000000003IAA"?']


# ---- at run time

NAMING = LEADS + '\n[pools.sales]\nmembers = ["ann@acme.test", "Nobody Known"]\nfallback = "queue:Unassigned"\n'


def alarms(scene: Scene) -> list[object]:
    found = scene.rows("SELECT body FROM ledger WHERE what = 'alarm' ORDER BY id")
    return [json.loads(body)["names"] for (body,) in found if "somebody named" in body]


def test_an_unknown_name_is_one_alarm_also_after_a_restart(staged: Callable[..., Scene]) -> None:
    scene = staged(document=NAMING)
    scene.round()
    scene.round(minutes=61)
    scene.restart()
    scene.round(minutes=61)
    assert alarms(scene) == [["Nobody Known"]]


def test_whoever_becomes_known_and_is_lost_again_is_told_again(staged: Callable[..., Scene]) -> None:
    scene = staged(document=NAMING)
    scene.round()
    scene.crm.person("user:new", name="Nobody Known")
    scene.round(minutes=61)
    scene.crm.deactivate("user:new")
    scene.round(minutes=61)
    assert alarms(scene) == [["Nobody Known"], ["Nobody Known"]]


def test_nothing_is_said_while_a_crm_has_not_told_its_people(staged: Callable[..., Scene]) -> None:
    scene = staged(document=NAMING, connections=("crm", "other"))

    def away() -> list[Person]:
        raise RetryLater("no answer")

    people = scene.works.links["other"].connector.people
    scene.works.links["other"].connector.people = away  # type: ignore[method-assign]
    scene.round()
    assert alarms(scene) == []
    scene.works.links["other"].connector.people = people  # type: ignore[method-assign]
    scene.round(minutes=11)
    assert alarms(scene) == [["Nobody Known"]]
