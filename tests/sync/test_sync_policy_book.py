"""Versions of the policies: which one a record lives by, and what time means to it after a calendar was edited."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from sla.calendar import Calendar
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sync import adoption
from sync.applying import Order, apply
from sync.difference import differences
from sync.policy_book import PolicyBook
from sync.revision import composed

DAY = 24 * 60 * MINUTE
OFFICE = {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}


def calendar(document: dict[str, Any], name: str = "office") -> Calendar:
    return Calendar.from_config(document["calendars"][name], name)


# ---- a document with later ones laid over it


def test_before_the_edit_the_old_hours_count_and_from_it_on_the_new_ones() -> None:
    at = parse_instant("2026-03-04T12:00:00+01:00")
    late = {"timezone": "Europe/Berlin", "hours": {"mon-fri": "12:00-20:00"}}
    found = calendar(composed({"calendars": {"office": OFFICE}}, [(at, {"calendars": {"office": late}})]))
    since, until = (parse_instant(f"2026-03-0{day}T00:00:00+01:00") for day in (3, 6))
    assert [(format_instant(a), format_instant(b)) for a, b in found.intervals_ms(since, until)] == [
        ("2026-03-03T08:00:00Z", "2026-03-03T16:00:00Z"),
        ("2026-03-04T08:00:00Z", "2026-03-04T19:00:00Z"),
        ("2026-03-05T11:00:00Z", "2026-03-05T19:00:00Z"),
    ]


def test_what_the_edit_takes_away_is_gone_from_then_on() -> None:
    table = {**OFFICE, "closed": ["2026-03-03", "2026-03-10"], "open": ["2026-03-07 10:00-12:00"], "holidays": ["DE"]}
    at = parse_instant("2026-03-04T12:00:00+01:00")
    found = calendar(composed({"calendars": {"office": table}}, [(at, {"calendars": {"office": OFFICE}})]))
    opened = [
        found.is_open(parse_instant(f"2026-{day}T11:00:00+01:00")) for day in ("03-03", "03-07", "03-10", "04-03")
    ]
    assert opened == [False, False, True, True]


def test_revisions_of_both_files_keep_their_days() -> None:
    early = {**OFFICE, "revisions": [{"from": date(2026, 3, 3), "hours": {"mon-fri": "10:00-12:00"}},
                                     {"from": date(2026, 3, 20), "hours": {"mon-fri": "01:00-02:00"}}]}  # fmt: skip
    later = {**OFFICE, "revisions": [{"from": "2026-03-02", "closed": ["2026-03-12"]},
                                     {"from": "2026-03-16", "hours": {"mon-fri": "13:00-14:00"}}]}  # fmt: skip
    at = parse_instant("2026-03-10T00:00:00+01:00")
    found = calendar(composed({"calendars": {"office": early}}, [(at, {"calendars": {"office": later}})]))
    worked = {
        day: found.elapsed_ms(*(parse_instant(f"2026-03-{day}T{time}+01:00") for time in ("00:00:00", "23:59:00")))
        // (60 * MINUTE)
        for day in ("02", "03", "10", "12", "16", "23")
    }
    assert worked == {"02": 8, "03": 2, "10": 8, "12": 0, "16": 1, "23": 1}


def test_a_window_of_maintenance_is_dated_as_a_calendar_is() -> None:
    window = {"name": "move", "reason": "new rooms", "approved_by": "maria",
              "from": "2026-03-02T08:00:00Z", "until": "2026-03-02T10:00:00Z"}  # fmt: skip
    at = parse_instant("2026-03-02T09:00:00Z")
    announced = composed({"calendars": {}}, [(at, {"maintenance": [window]})])
    called_off = composed({"calendars": {}, "maintenance": [window]}, [(at, {"calendars": {}})])
    assert [(w["from"], w["until"]) for w in announced["maintenance"]] == [(format_instant(at), "2026-03-02T10:00:00Z")]
    assert [(w["from"], w["until"]) for w in called_off["maintenance"]] == [
        ("2026-03-02T08:00:00Z", format_instant(at))
    ]


def test_promises_stay_those_of_the_version() -> None:
    read = tomllib.loads(LEADS)
    double = tomllib.loads(LEADS.replace('within = "60m"', 'within = "2h"'))
    assert composed(read, [(MONDAY_NINE, double)])["policies"] == read["policies"]


hours = st.sampled_from(["08:00-12:00", "09:00-17:00", "13:00-22:00", "00:00-24:00"])
tables = st.builds(
    lambda zone, time, closed: {"timezone": zone, "hours": {"mon-fri": time}, "closed": closed},
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
    hours,
    st.lists(st.sampled_from(["2026-03-03", "2026-03-05", "2026-03-11"]), max_size=2, unique=True),
)


@given(tables, st.lists(st.tuples(st.integers(0, 14 * 24), tables), max_size=3), st.integers(0, 13 * 24))
def test_each_instant_is_open_as_the_file_in_force_at_that_instant_says(
    first: dict[str, Any], edits: list[tuple[int, dict[str, Any]]], hour: int
) -> None:
    in_order = sorted(dict(edits).items())
    later = [(MONDAY_NINE + at * 60 * MINUTE, {"calendars": {"office": table}}) for at, table in in_order]
    found = calendar(composed({"calendars": {"office": first}}, later))
    at = MONDAY_NINE + hour * 60 * MINUTE + 30 * MINUTE
    in_force = next((table for since, table in reversed(in_order) if since <= hour), first)
    assert found.is_open(at) == Calendar.from_config(in_force).is_open(at)


# ---- the book


def edit(scene: Scene, document: str) -> None:
    read = tomllib.loads(document)
    apply(scene.database, Order(Policies.from_config(read).version, read, "new", "maria"), scene.clock.now())


def dues(scene: Scene) -> dict[str, int]:
    return {r: (due - MONDAY_NINE) // MINUTE for r, due in scene.rows("SELECT record, due_at FROM clock ORDER BY 1")}


CLOSED = LEADS.replace('hours = "24x7"', 'hours = "24x7"\nclosed = ["2026-03-02 09:00-10:30"]')


def test_an_edit_of_a_calendar_moves_open_clocks_by_what_lies_ahead_and_leaves_elapsed_time_alone(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara")
    scene.round(20)
    edit(scene, CLOSED)  # closed from nine: twenty minutes of it have been worked
    scene.round(1)
    assert dues(scene) == {"crm:lead:1": 90 + 40}
    scene.crm.create("lead", "2", name="Noor")
    scene.round(1)
    assert dues(scene) == {"crm:lead:1": 130, "crm:lead:2": 90 + 60}


def test_an_edit_by_restart_counts_as_well(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara")
    scene.round(20)
    scene.restart(document=CLOSED)
    scene.works.wake()
    assert dues(scene) == {"crm:lead:1": 130}
    scene.clock.advance(60)
    scene.restart(document=LEADS)  # taken back a minute later, only that minute was closed
    scene.works.wake()
    assert dues(scene) == {"crm:lead:1": 61}


def test_only_clocks_on_the_edited_calendar_are_looked_at_again(staged: Callable[..., Scene]) -> None:
    night = '\n[calendars.night]\ntimezone = "UTC"\nhours = "20:00-23:00"\n'
    scene = staged(document=LEADS + night)
    scene.crm.create("lead", "1", name="Mara")
    scene.round(5)
    before = scene.rows("SELECT wake_at FROM clock")
    edit(scene, LEADS + night.replace("23:00", "22:00"))
    assert scene.rows("SELECT wake_at FROM clock") == before
    edit(scene, CLOSED + night)
    assert scene.rows("SELECT wake_at FROM clock") == [(scene.clock.now() + 1,)]


def test_a_version_put_in_force_beside_a_running_daemon_counts_for_what_it_sees_next(scene: Scene) -> None:
    edit(scene, LEADS.replace('within = "60m"', 'within = "5m"'))
    scene.clock.advance(1)
    scene.crm.create("lead", "1", name="Mara", at=MONDAY_NINE)
    scene.round()
    assert dues(scene) == {"crm:lead:1": 5}


def test_the_book_knows_every_version_in_the_order_of_its_adoption(scene: Scene) -> None:
    first = scene.works.engine.book.current
    assert first is not None
    for document in (CLOSED, LEADS):
        scene.clock.advance(60)
        edit(scene, document)
    book = PolicyBook()
    scene.works.store.read(book.refresh)
    assert [version for _, version in book.timetable] == [
        first.version, Policies.from_config(tomllib.loads(CLOSED)).version, first.version,
    ]  # fmt: skip
    assert book.in_force() == first.version


def test_a_store_of_the_first_release_knows_when_its_versions_came(scene: Scene) -> None:
    scene.works.store.write(lambda t: t.run("DELETE FROM adoption"))
    statement = next(
        each
        for each in __import__("sync.migrations").migrations._VERSIONS.split(";\n")
        if "INSERT INTO adoption" in each
    )
    scene.works.store.write(lambda t: t.run(statement))
    found = scene.works.store.read(adoption.last)
    assert found is not None
    assert (found.at, found.scope, found.done_at, found.after) == (MONDAY_NINE, "new", MONDAY_NINE, "")


# ---- what differs


def test_a_change_is_told_by_the_names_people_gave_and_nothing_else_is_told() -> None:
    old, new = tomllib.loads(LEADS), tomllib.loads(LEADS)
    assert differences(old, new) == []
    new["policies"][0]["when"] = {"source": "Web"}
    del new["policies"][0]["targets"][0]["steps"][1]
    new["policies"].append({"name": "VIP", "applies_to": "lead"})
    told = [(found.section, found.name, found.what, found.details) for found in differences(old, new)]
    assert told == [
        ("policies", "Inbound leads", "changed", [
            'targets.first_response.steps.75%: {"at":"75%","task":"Call {record.name} now"} → nothing',
            'when: nothing → {"source":"Web"}',
        ]),
        ("policies", "VIP", "added", []),
    ]  # fmt: skip


@pytest.mark.parametrize("written", [date(2026, 7, 1), "2026-07-01"])
def test_a_date_of_the_file_equals_the_same_date_of_the_store(written: object) -> None:
    old = {"calendars": {"office": {**OFFICE, "revisions": [{"from": "2026-07-01", "closed": []}]}}}
    new = {"calendars": {"office": {**OFFICE, "revisions": [{"from": written, "closed": []}]}}}
    assert differences(old, new) == []


def test_the_page_shows_a_revision_that_can_be_read() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "versions.md").read_text()
    [block] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    office = calendar(tomllib.loads(block))
    friday = [parse_instant(f"2026-{day}T14:30:00+02:00") for day in ("06-26", "07-03")]
    assert [office.is_open(at) for at in friday] == [True, False]
