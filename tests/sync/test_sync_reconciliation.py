"""What nothing else found, a source that turns blind, imports, and a first contact that is cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sync_beside import NAMED, Beside
from sync_scene import MINUTE, Scene

from connectors.base import Page
from connectors.errors import RetryLater

HOUR = 60 * MINUTE
INDEX = {"salesforce": "Lead", "hubspot": "/crm/v3/objects/contacts/search"}
SECOND = {"salesforce": {"Email": "second@example.test"}, "hubspot": {"email": "second@example.test"}}


def _alarms(scene: Scene) -> list[str]:
    return [row.body["alarm"] for row in scene.view().ledger(what="alarm")]


def _told(scene: Scene) -> list[dict[str, Any]]:
    return [row.body for row in scene.view().ledger(what="reconcile")]


def reconcile(scene: Scene) -> bool:
    return scene.works.reconciliation.run(scene.works.links["crm"])


def leads(scene: Scene, count: int) -> None:
    """So many leads, polled; the place in the feed before them is free."""
    scene.crm._seq = 1
    for number in range(count):
        scene.crm.create("lead", f"{number:03}", name="Mara")
    scene.round()
    scene.round()


def behind(scene: Scene, id: str) -> None:
    """A lead whose row became visible so late that its cursor had passed it long before."""
    key = scene.crm.create("lead", id, name="Late")
    scene.crm.rows[key].seq = 1


# ---- what was missed


def test_a_row_that_every_poll_missed_is_found_read_whole_and_told(scene: Scene) -> None:
    leads(scene, 3)
    behind(scene, "late")
    scene.minutes(90, step=5)
    assert scene.view().record("crm:lead:late") is None
    assert reconcile(scene) is True
    assert scene.view().record("crm:lead:late") is not None
    [told] = _told(scene)
    assert (told["missed"], told["records"], told["gone"]) == (1, ["crm:lead:late"], 0)


def test_an_answer_that_was_missed_is_found_with_the_record_it_is_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.reconciliation.LATE_MS", 10 * MINUTE)
    leads(scene, 3)
    scene.crm.activity("lead:002", "note", by="user:ann", public=False)
    scene.round()
    call = scene.crm.activity("lead:001", "call", outcome="connected", by="user:ann")
    scene.crm.utterances[call].seq = 1
    scene.minutes(10, step=5)
    shown = scene.view().record("crm:lead:001")
    assert shown is not None
    assert [clock.state for clock in shown.clocks] == ["running"]
    scene.minutes(20, step=5)
    assert reconcile(scene) is True
    assert _told(scene)[0]["missed"] == 1
    found = scene.view().record("crm:lead:001")
    assert found is not None
    assert [clock.outcome for clock in found.clocks] == ["met"]


def test_nothing_that_is_known_counts_as_missed(scene: Scene) -> None:
    leads(scene, 5)
    scene.crm.update("lead:001", status="open", by="user:ann")
    scene.minutes(120, step=10)
    scene.crm.create("lead", "new", name="Just now")
    assert reconcile(scene) is True
    assert [(told["missed"], told["gone"]) for told in _told(scene)] == [(0, 0)]


def test_a_record_that_was_deleted_without_a_trace_is_told_as_gone(scene: Scene) -> None:
    leads(scene, 12)
    del scene.crm.rows["lead", "007"]
    assert reconcile(scene) is True
    assert _told(scene)[0]["gone"] == 1
    assert scene.view().summary().clocks == {"running": 11, "cancelled": 1}


def test_nothing_is_reconciled_before_the_first_poll_has_come_to_its_end(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara")
    assert reconcile(scene) is False
    assert scene.crm.calls == []


# ---- a source that turns blind


def test_a_source_that_hides_more_than_half_is_alarmed_and_nothing_is_cancelled(scene: Scene) -> None:
    leads(scene, 20)
    kept = dict(scene.crm.rows)
    for number in range(11):
        del scene.crm.rows["lead", f"{number:03}"]
    assert reconcile(scene) is False
    [alarm] = scene.view().ledger(what="alarm")
    assert (alarm.body["alarm"], alarm.body["hidden"], alarm.body["open"]) == (
        "the source hides most of what is open", 11, 20,
    )  # fmt: skip
    assert scene.view().summary().clocks == {"running": 20}
    assert reconcile(scene) is False
    assert len(_alarms(scene)) == 1
    scene.crm.rows.update(kept)
    assert reconcile(scene) is True


def test_half_of_it_is_taken_for_what_it_is(scene: Scene) -> None:
    leads(scene, 20)
    for number in range(10):
        del scene.crm.rows["lead", f"{number:03}"]
    assert reconcile(scene) is True
    assert scene.view().summary().clocks == {"running": 10, "cancelled": 10}


def test_a_great_clearance_that_was_meant_is_let_through_by_the_setting(scene: Scene) -> None:
    leads(scene, 20)
    for number in range(19):
        del scene.crm.rows["lead", f"{number:03}"]
    scene.works.reconciliation._vanish = {"crm": 1.0}
    assert reconcile(scene) is True
    assert _told(scene)[0]["gone"] == 19


# ---- again after a restart


def test_it_is_due_every_six_hours_however_often_there_was_a_restart(scene: Scene) -> None:
    leads(scene, 3)
    passes = 0
    for _ in range(26):
        scene.restart()
        scene.clock.advance(3_600)
        passes += scene.works.reconciliation.look(scene.works.links["crm"])
    assert passes == 4
    assert len(_told(scene)) == 4


def test_a_sweep_that_was_cut_short_goes_on_behind_its_last_page(scene: Scene) -> None:
    scene.crm.page = 10
    leads(scene, 45)
    link = scene.works.links["crm"]
    poll = link.connector.poll
    pages: list[str | None] = []

    def failing(stream: str, cursor: str | None, since: int) -> Page:
        if len(pages) == 3:
            raise RetryLater("no answer")
        pages.append(cursor)
        return poll(stream, cursor, since)

    link.connector.poll = failing  # type: ignore[method-assign]
    assert reconcile(scene) is False
    scene.restart()
    scene.clock.advance(60)
    link = scene.works.links["crm"]
    again: list[str | None] = []
    poll = link.connector.poll

    def counting(stream: str, cursor: str | None, since: int) -> Page:
        if stream == "lead":
            again.append(cursor)
        return poll(stream, cursor, since)

    link.connector.poll = counting  # type: ignore[method-assign]
    assert reconcile(scene) is True
    assert pages[0] is None
    assert None not in again
    assert len(again) == 2
    assert (_told(scene)[0]["read"], _told(scene)[0]["gone"]) == (45, 0)
    assert scene.rows("SELECT * FROM swept") == []


def test_a_sweep_of_the_day_before_yesterday_begins_anew(scene: Scene) -> None:
    leads(scene, 3)
    at = scene.clock.now() - 25 * HOUR
    scene.works.store.write(
        lambda t: t.run(
            "INSERT INTO sweep (connection, begin_at, seen_to, stream, cursor, read, missed)"
            " VALUES ('crm', ?, ?, 'deal', '0', 99, 0)",
            (at, at),
        )
    )
    assert reconcile(scene) is True
    assert _told(scene)[0]["read"] == 3


def test_each_pass_reads_other_open_records_when_there_are_many(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.reconciliation.READ_A_PASS", 4)
    leads(scene, 10)
    read: list[list[str]] = []
    link = scene.works.links["crm"]
    plain = link.connector.read

    def noting(records: Any) -> Any:
        read.append([record.rpartition(":")[2] for record in records])
        return plain(records)

    link.connector.read = noting  # type: ignore[method-assign]
    for _ in range(3):
        assert reconcile(scene) is True
    assert [sorted(portion) for portion in read] == [
        ["000", "001", "002", "003"], ["004", "005", "006", "007"], ["000", "001", "008", "009"],
    ]  # fmt: skip


# ---- a poll that was cut short


def failing_on(scene: Scene, stream: str) -> Callable[[], None]:
    """One stream gives no answer until what this returns is called."""
    link = scene.works.links["crm"]
    poll = link.connector.poll

    def failing(name: str, cursor: str | None, since: int) -> Page:
        if name == stream:
            raise RetryLater("no answer")
        return poll(name, cursor, since)

    link.connector.poll = failing  # type: ignore[method-assign]
    return lambda: setattr(link.connector, "poll", poll)


def test_a_record_is_not_judged_without_the_answers_of_the_same_poll(scene: Scene) -> None:
    """After a night in which nothing ran: the lead is read, its answer is not yet. It must not look unanswered."""
    scene.round()
    scene.clock.advance(600)
    lead = scene.crm.create("lead", "9", name="Mara")
    scene.crm.activity(lead, "call", outcome="connected", by="user:ann", at=scene.clock.now() + 60_000)
    mend = failing_on(scene, "activity")
    scene.round(minutes=120)
    assert scene.effects() == []
    assert scene.view().record("crm:lead:9") is None
    mend()
    scene.round(minutes=1)
    assert {action for action, _, _ in scene.effects()} == {"fields"}
    shown = scene.view().record("crm:lead:9")
    assert shown is not None
    assert [clock.outcome for clock in shown.clocks] == ["met"]


def test_a_feed_that_stays_away_keeps_nobody_from_being_judged_for_longer_than_ten_minutes(scene: Scene) -> None:
    scene.round()
    scene.crm.create("lead", "9", name="Mara")
    failing_on(scene, "activity")
    scene.minutes(9)
    assert scene.view().record("crm:lead:9") is None
    scene.minutes(10)
    assert scene.view().record("crm:lead:9") is not None


def test_another_connections_round_judges_nothing_that_is_half_read(staged: Callable[..., Scene]) -> None:
    scene = staged(connections=("crm", "other"))
    scene.round()
    scene.crm.create("lead", "9", name="Mara")
    failing_on(scene, "activity")
    scene.works.poll(scene.works.links["crm"])
    scene.works.poll(scene.works.links["other"])
    assert scene.view().record("crm:lead:9") is None


def test_a_single_record_is_judged_at_once_whatever_waits_before_it(scene: Scene) -> None:
    scene.round()
    for number in range(5):
        scene.crm.create("lead", str(number), name="Mara")
    failing_on(scene, "activity")
    scene.works.poll(scene.works.links["crm"])
    scene.works.intake.fetch(scene.works.links["crm"], ["crm:lead:3"])
    assert [row[0] for row in scene.rows("SELECT record FROM record")] == ["crm:lead:3"]


# ---- a first contact


def test_a_first_contact_shows_how_far_it_is_and_goes_on_after_a_kill(scene: Scene) -> None:
    scene.crm.page = 10
    for number in range(45):
        scene.crm.create("lead", f"{number:03}", name="Mara")
    link = scene.works.links["crm"]
    poll = link.connector.poll
    served: list[int] = []

    def counted(stream: str, cursor: str | None, since: int) -> Page:
        if len(served) == 3:
            raise KeyboardInterrupt
        page = poll(stream, cursor, since)
        scene.clock.advance(1)
        served.append(len(page.changes))
        return Page(page.changes, page.cursor, page.more, remaining=45 - sum(served))

    link.connector.poll = counted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        scene.works.poll(link)
    [connection] = scene.view().connections()
    [reading] = connection.reading
    assert (reading.stream, reading.read, reading.remaining) == ("lead", 30, 15)
    assert (reading.rate, reading.left_s) == (10.0, 1.5)
    scene.restart()
    calls = len(scene.crm.calls)
    scene.round()
    assert scene.crm.calls[calls:].count("poll") == 2 + 4  # two pages of leads and one of each other stream
    [connection] = scene.view().connections()
    assert connection.reading == []
    assert scene.view().summary().records == 45
    assert scene.rows("SELECT count(*) FROM inbox") == [(45,)]
    assert scene.rows("SELECT count(*), count(DISTINCT record) FROM event WHERE id = 'created'") == [(45, 45)]


# ---- over HTTP


@pytest.fixture(params=["salesforce", "hubspot"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Beside]:
    beside = Beside(tmp_path, request.param)
    yield beside
    beside.close()


def bring(desk: Beside, count: int, created: int | None) -> None:
    """An import brings leads, with the creation times of the system that they come from if it has any."""
    if desk.crm == "hubspot":
        rows = [{**NAMED["hubspot"], "email": f"p{number}@example.test"} for number in range(count)]
        told = {} if created is None else {"created": datetime.fromtimestamp(created / 1_000, UTC).isoformat()}
        with desk.emulator.lock:
            desk.emulator.act({"do": "import", "object": "contacts", "rows": rows, **told})
        return
    for number in range(count):
        key = desk.lead(Email=f"p{number}@example.test")
        if created is not None:
            desk.emulator.store.find(key)["CreatedDate"] = created - created % 1_000


def test_an_import_of_more_than_five_hundred_old_records_is_measured_and_nobody_is_alarmed(desk: Beside) -> None:
    desk.round()
    desk.round(3_600 * 24 * 8)
    bring(desk, 510, desk.clock.now() - 5 * 24 * HOUR)
    desk.round(60)
    measured = desk.rows("SELECT measured, count(*) FROM record GROUP BY measured")
    assert measured == [("imported: older than our last look at the source when it appeared", 510)]
    desk.round(3_600)
    assert desk.writes() == []


def test_a_few_old_records_are_no_import(desk: Beside) -> None:
    desk.round()
    desk.round(3_600 * 24 * 8)
    bring(desk, 24, desk.clock.now() - 5 * 24 * HOUR)
    desk.round(60)
    assert desk.rows("SELECT DISTINCT measured FROM record") == [(None,)]


def test_an_import_whose_records_are_made_at_the_same_time_is_known_by_its_source(tmp_path: Path) -> None:
    desk = Beside(tmp_path, "hubspot")
    desk.round()
    desk.round(3_600)
    bring(desk, 30, None)
    contact = desk.lead()
    desk.round(60)
    measured = dict(desk.rows("SELECT coalesce(measured, 'acted on'), count(*) FROM record GROUP BY measured"))
    assert measured == {"imported: one of many that an import brought in at once": 30, "acted on": 1}
    assert {line["id"] for line in desk.writes()} == {contact}
    desk.close()


def test_over_http_a_row_that_shows_hours_late_is_found(desk: Beside) -> None:
    desk.round()
    desk.emulator.faults.add({"fault": "late_index", "path": INDEX[desk.crm], "times": 1, "seconds": 10_800})
    late = desk.lead()
    for _ in range(9):
        desk.round(2_000)
    assert desk.view().record(f"desk:lead:{late}") is None  # every poll has gone by it
    assert desk.works.reconciliation.run(desk.link) is True
    assert desk.view().record(f"desk:lead:{late}") is not None
    [told] = desk.told("reconcile")
    assert (told["missed"], told["records"]) == (1, [f"desk:lead:{late}"])


def test_over_http_what_was_deleted_for_good_is_gone_and_what_is_there_stays(desk: Beside) -> None:
    desk.round()
    kept, gone = desk.lead(**SECOND[desk.crm]), desk.lead()
    desk.round(60)
    own = {"object": "contacts"} if desk.crm == "hubspot" else {}
    desk.act("delete", id=gone, **own)
    if desk.crm == "salesforce":
        desk.act("purge", id=gone)
    desk.round(3_600)
    assert desk.works.reconciliation.run(desk.link) is True
    states = dict(desk.rows("SELECT record, state LIKE '%\"deleted\":true%' FROM record"))
    assert states == {f"desk:lead:{kept}": 0, f"desk:lead:{gone}": 1}


def test_over_http_a_pass_over_what_is_known_finds_nothing_missed(desk: Beside) -> None:
    desk.round()
    for number in range(5):
        desk.lead(**{"email" if desk.crm == "hubspot" else "Email": f"p{number}@example.test"})
    for _ in range(6):
        desk.round(3_000)
    assert desk.works.reconciliation.run(desk.link) is True
    assert [(told["missed"], told["gone"]) for told in desk.told("reconcile")] == [(0, 0)]
