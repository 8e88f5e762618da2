"""Exceptions to a record's time: events of its timeline, judged at the next tick, withdrawn without a trace lost."""

from __future__ import annotations

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from sync import exceptions
from sync.exceptions import By, Refused

NINE_THIRTY = MONDAY_NINE + 30 * MINUTE


def by(scene: Scene, reason: str | None = "the line was down") -> By:
    return By("maria", scene.clock.now(), reason)


def outcome(scene: Scene, record: str = "crm:lead:1") -> list[tuple[str, int]]:
    rows = scene.rows("SELECT outcome, due_at FROM clock WHERE record = ?", record)
    return [(result, (due - MONDAY_NINE) // MINUTE) for result, due in rows]


@pytest.fixture
def late(scene: Scene) -> Scene:
    """A lead that was called ten minutes too late."""
    scene.crm.create("lead", "1", name="Mara", owner="user:ann")
    scene.minutes(70, step=10)
    scene.crm.activity("lead:1", by="user:ann")
    scene.round(1)
    assert outcome(scene) == [("missed", 60)]
    return scene


def test_an_excuse_that_explains_a_miss_whole_makes_it_excused_and_stands_in_the_ledger(late: Scene) -> None:
    name = exceptions.excuse(late.database, "crm:lead:1", NINE_THIRTY, NINE_THIRTY + 15 * MINUTE, by(late))
    late.round()
    assert outcome(late) == [("excused", 60)]
    [row] = late.view().ledger(what="excuse")
    assert (row.record, row.body) == (
        "crm:lead:1",
        {"id": name, "from": NINE_THIRTY, "until": NINE_THIRTY + 15 * MINUTE, "by": "maria",
         "reason": "the line was down"},
    )  # fmt: skip


def test_one_that_explains_too_little_leaves_the_miss(late: Scene) -> None:
    exceptions.excuse(late.database, "crm:lead:1", NINE_THIRTY, NINE_THIRTY + 5 * MINUTE, by(late))
    late.round()
    assert outcome(late) == [("missed", 60)]


def test_a_wrong_excuse_is_withdrawn_and_stays_listed_with_who_did_it(late: Scene) -> None:
    name = exceptions.excuse(late.database, "crm:lead:1", NINE_THIRTY, NINE_THIRTY + 15 * MINUTE, by(late))
    late.round(1)
    exceptions.withdraw(late.database, "crm:lead:1", name, by(late, "wrong lead"))
    late.round()
    assert outcome(late) == [("missed", 60)]
    [found] = late.view().exceptions("crm:lead:1")
    assert (found.event.id, found.withdrawn_by, found.withdrawn_at) == (name, "maria", late.clock.now())
    assert [row.body["reason"] for row in late.view().ledger(what="withdraw")] == ["wrong lead"]
    assert [event.event for event in late.view().events(["crm:lead:1"]) if event.event == "excused"] == []
    with pytest.raises(Refused, match="was withdrawn before"):
        exceptions.withdraw(late.database, "crm:lead:1", name, by(late))


def test_an_extension_moves_due_to_the_instant_that_was_named(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara", owner="user:ann")
    scene.round(10)
    until = MONDAY_NINE + 180 * MINUTE
    assert exceptions.extend(scene.database, "crm:lead:1", "first_response", until, by(scene)) == "extended-1"
    scene.round()
    assert outcome(scene) == [(None, 180)]
    exceptions.withdraw(scene.database, "crm:lead:1", "extended-1", by(scene))
    scene.round()
    assert outcome(scene) == [(None, 60)]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (lambda s: exceptions.excuse(s.database, "crm:lead:11", 1, 2, by(s)), "knows no record 'crm:lead:11'"),
        (lambda s: exceptions.excuse(s.database, "crm:lead:1", 2, 1, by(s)), "before it begins"),
        (lambda s: exceptions.excuse(s.database, "crm:lead:1", 1, 2, by(s, " ")), "needs a reason"),
        (lambda s: exceptions.extend(s.database, "crm:lead:1", "first_respons", 2, by(s)), "no clock of the target"),
        (lambda s: exceptions.extend(s.database, "crm:lead:1", "first_response", 2, by(s)), "extends nothing"),
        (lambda s: exceptions.withdraw(s.database, "crm:lead:1", "excused-7", by(s)), "has no exception"),
        (lambda s: exceptions.excuse_calendar(s.database, "offce", 1, 2, by(s)), "has had a calendar"),
    ],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_in_one_sentence_and_changes_nothing(late: Scene, order, said) -> None:  # type: ignore[no-untyped-def]
    before = late.rows("SELECT count(*), max(id) FROM ledger"), late.rows("SELECT count(*) FROM event")
    with pytest.raises(Refused) as refusal:
        order(late)
    assert said in refusal.value.message
    assert (late.rows("SELECT count(*), max(id) FROM ledger"), late.rows("SELECT count(*) FROM event")) == before


def test_the_nearest_words_are_offered(late: Scene) -> None:
    with pytest.raises(Refused) as refusal:
        exceptions.excuse(late.database, "crm:lead:11", 1, 2, by(late))
    assert refusal.value.fix == "did you mean crm:lead:1?"
    with pytest.raises(Refused) as refusal:
        exceptions.extend(late.database, "crm:lead:1", "first_respons", 2, by(late))
    assert refusal.value.fix == "did you mean 'first_response'?"
    with pytest.raises(Refused) as refusal:
        exceptions.excuse_calendar(late.database, "alway", 1, 2, by(late))
    assert refusal.value.fix == "did you mean 'always'?"


# ---- a closure declared after the fact


def test_a_closure_declared_after_the_fact_excuses_the_records_whose_clocks_ran_then_and_no_others(
    late: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exceptions, "AT_ONCE", 1)
    late.crm.create("lead", "2", name="Noor", owner="user:ann")  # after the closure
    late.round(1)
    span = NINE_THIRTY, NINE_THIRTY + 15 * MINUTE
    name, records = exceptions.excuse_calendar(late.database, "always", *span, by(late, "fire drill"))
    assert records == ["crm:lead:1"]
    late.round()
    assert outcome(late) == [("excused", 60)]
    assert exceptions.excuse_calendar(late.database, "always", *span, by(late, "fire drill")) == (name, [])
    assert exceptions.withdraw_everywhere(late.database, name, by(late)) == ["crm:lead:1"]
    late.round()
    assert outcome(late) == [("missed", 60)]
    again, records = exceptions.excuse_calendar(late.database, "always", *span, by(late, "fire drill"))
    assert (again, records) == (f"{name}-2", ["crm:lead:1"])


def test_a_closure_of_a_killed_order_is_followed_to_the_end_when_it_is_given_again(
    late: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exceptions, "AT_ONCE", 1)
    late.crm.create("lead", "0", name="Noor", at=MONDAY_NINE, owner="user:ann")
    late.round(1)

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    span = NINE_THIRTY, NINE_THIRTY + 15 * MINUTE
    with pytest.raises(KeyboardInterrupt):
        exceptions.excuse_calendar(late.database, "always", *span, by(late), killed)
    assert exceptions.excuse_calendar(late.database, "always", *span, by(late))[1] == ["crm:lead:1"]
    assert late.rows("SELECT record FROM event WHERE id LIKE 'closed-%' ORDER BY record") == [
        ("crm:lead:0",), ("crm:lead:1",),
    ]  # fmt: skip


def test_a_clock_on_another_calendar_is_not_excused(staged) -> None:  # type: ignore[no-untyped-def]
    night = LEADS.replace("[[policies]]", '[calendars.night]\ntimezone = "UTC"\nhours = "22:00-23:00"\n[[policies]]', 1)
    scene = staged(document=night)
    scene.crm.create("lead", "1", name="Mara", owner="user:ann")
    scene.minutes(70, step=10)
    span = NINE_THIRTY, NINE_THIRTY + 15 * MINUTE
    assert exceptions.excuse_calendar(scene.database, "night", *span, by(scene))[1] == []
