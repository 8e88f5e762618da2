"""People whom the configuration lists by address are found as the owners of their records."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from connectors.errors import RetryLater
from console.timeline_file import read_history
from sla.fold import evaluate_timelines
from sla.policy import Policies
from sync.plan import plan
from sync.store import Reader

PEOPLE = """
[calendars.evening]
timezone = "UTC"
hours = { mon-fri = "17:00-21:00" }

[people]
"Ann@acme.test" = { calendar = "evening", team = "Late" }
"stranger@acme.test" = { team = "Late" }
"user:ben" = { team = "Early" }
"user:Cem" = { calendar = "evening" }
"""
OWNERS = LEADS.replace('calendar = "always"\n', 'calendar = { field = "owner", default = "always" }\n', 1).replace(
    'metric = "first_response"', 'metric = "owner_response"'
)


def test_only_people_whom_the_configuration_lists_by_address_are_kept(staged: Callable[..., Scene]) -> None:
    scene = staged(document=LEADS + PEOPLE)
    scene.round()
    assert scene.rows("SELECT connection, email, id FROM person") == [("crm", "ann@acme.test", "user:ann")]


def test_without_anybody_listed_by_address_nobody_is_asked_for(scene: Scene) -> None:
    scene.round()
    assert "people" not in scene.crm.calls
    assert scene.rows("SELECT * FROM person") == []


def test_the_clock_of_an_owner_listed_by_address_runs_in_their_hours(staged: Callable[..., Scene]) -> None:
    scene = staged(document=OWNERS + PEOPLE)
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.round()
    eighteen = MONDAY_NINE + 9 * 60 * MINUTE
    assert [clock.due_at for clock in scene.view().clocks()] == [eighteen]


def test_the_clock_of_an_owner_listed_by_name_runs_in_their_hours(staged: Callable[..., Scene]) -> None:
    scene = staged(document=OWNERS + PEOPLE)
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    assert [clock.due_at for clock in scene.view().clocks()] == [MONDAY_NINE + 9 * 60 * MINUTE]


def test_clocks_are_judged_again_when_an_owner_becomes_known(staged: Callable[..., Scene]) -> None:
    scene = staged(document=OWNERS + PEOPLE)
    people = scene.works.links["crm"].connector.people

    def away() -> list[object]:
        raise RetryLater("no answer")

    scene.works.links["crm"].connector.people = away  # type: ignore[method-assign,assignment]
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.round()
    first = [clock.due_at for clock in scene.view().clocks()]
    assert first != [MONDAY_NINE + 9 * 60 * MINUTE]
    scene.works.links["crm"].connector.people = people  # type: ignore[method-assign]
    scene.round(minutes=11)
    assert [clock.due_at for clock in scene.view().clocks()] == [MONDAY_NINE + 9 * 60 * MINUTE]


def test_readers_of_the_store_know_them_too(staged: Callable[..., Scene]) -> None:
    scene = staged(document=OWNERS + PEOPLE)
    scene.crm.create("lead", "9", name="Mara", owner="user:ann")
    scene.round()
    terms = scene.view().terms("crm:lead:9", scene.clock.now())
    assert terms is not None
    colleague = terms.policies.people.get("user:ann")
    assert colleague is not None
    assert colleague.team == "Late"
    reader = Reader.open(scene.database)
    found = plan(reader, Policies.from_config(read := tomllib.loads(OWNERS + PEOPLE + "\n")), read, scene.clock.now())
    reader.close()
    assert found.changes == []
    policies = Policies.from_config(tomllib.loads(OWNERS + PEOPLE))
    timelines, _ = read_history(None, scene.database, policies)
    ((clock,),) = (evaluation.clocks for evaluation in evaluate_timelines(policies, timelines, scene.clock.now()))
    assert clock.due_ms == MONDAY_NINE + 9 * 60 * MINUTE


def test_who_is_listed_no_longer_is_forgotten_with_the_last_version_that_did(staged: Callable[..., Scene]) -> None:
    scene = staged(document=LEADS + PEOPLE)
    scene.round()
    scene.restart(document=LEADS)
    scene.round(minutes=1)
    assert scene.rows("SELECT email FROM person") == [("ann@acme.test",)]
    scene.works.store.write(lambda t: t.run("DELETE FROM policy_version WHERE document LIKE '%Ann%'"))
    scene.round(minutes=61)
    assert scene.rows("SELECT email FROM person") == []
