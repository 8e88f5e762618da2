"""Which teams people belong to: HubSpot's teams; Salesforce's public groups, queues and roles."""

from __future__ import annotations

from typing import Any

from hubspot_samples.desk import Desk


def test_a_person_belongs_to_groups_queues_and_a_role_of_the_org(org: Any, acme: Any) -> None:
    store, cast = org.emulator.store, org.emulator.cast
    maria, li, sam = cast.agents
    with org.emulator.lock:
        at = org.emulator.clock.now_ms()

        def add(table: str, **row: Any) -> str:
            return str(store.insert(table, row, cast.admin, at)["Id"])

        inner, outer = (add("Group", Name=name, Type="Regular") for name in ("Night shift", "Europe"))
        for group, member in ((inner, maria), (outer, inner), (inner, outer), (outer, li)):  # a circle of two groups
            add("GroupMember", GroupId=group, UserOrGroupId=member)
        role = add("UserRole", Name="Agents")
        store.update("User", sam, {"UserRoleId": role}, cast.admin)
    people = {person.name: person for person in acme.people()}
    assert people["Maria Costa"].teams == ("Europe", "Night shift", "Support", "Unassigned")
    assert people["Li Wei"].teams == ("Europe", "Night shift", "Support", "Unassigned")
    assert people["Sam Okoro"].teams == ("Agents", "Support", "Unassigned")
    assert people["Pat Admin"].teams == ()
    assert "Night shift" not in people


def test_teams_that_may_not_be_read_keep_nobody_from_being_known(org: Any, acme: Any) -> None:
    org.remove_object("UserRole")
    org.remove_object("GroupMember")
    assert {person.name for person in acme.people()} >= {"Maria Costa", "Support"}


def test_all_of_it_is_one_call(org: Any, acme: Any) -> None:
    acme.people()
    before = org.calls()
    acme.people()
    assert org.calls() - before == 1


def test_a_person_belongs_to_the_teams_of_the_portal() -> None:
    with Desk() as desk:
        teams = {person.email: person.teams for person in desk.connector.people()}
    assert teams["maria@acme.test"] == ("Inside Sales",)
    assert teams[None] == ()
