"""Rule 12, in the fold: a calendar is edited under clocks that run, and nothing that was before is said anew."""

from __future__ import annotations

from typing import Any

from sla.fold import Evaluation, Move, evaluate_record
from sla.instant import format_instant, parse_instant
from sla.model import Event
from sla.policy import Policies

LONG = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}}
SHORT = {"timezone": "UTC", "hours": {"mon-fri": "09:00-12:00"}}


def policies(office: dict[str, Any], within: str = "6h", revised_at: str | None = None) -> Policies:
    table = LONG | {"revisions": [{**office, "from": revised_at}]} if revised_at else office
    steps = [{"at": "50%", "notify": "owner"}, {"at": "75%", "notify": "owner"}]
    target = {"metric": "resolution", "within": within, "steps": steps}
    support = {"name": "Support", "applies_to": "ticket", "calendar": "office", "targets": [target]}
    return Policies.from_config({"calendars": {"office": table}, "policies": [support]})


def ticket(*changes: tuple[str, str]) -> list[Event]:
    told = [("2026-03-02T09:00:00Z", "open"), *changes]
    return [
        Event(record="desk:ticket:1", id=str(place), at=parse_instant(at), event="changed" if place else "created",
              kind="ticket", actor="user:3" if place else "customer:1", set={"status": status})
        for place, (at, status) in enumerate(told)
    ]  # fmt: skip


def judged(events: list[Event], now: str, within: str = "6h", edited_at: str = "2026-03-02T11:00:00Z") -> Evaluation:
    before, after = policies(LONG, within), policies(SHORT, within, edited_at)
    edit = Move(parse_instant(edited_at), after, "hours", before)
    return evaluate_record(before, events, parse_instant(now), (), [edit])


def due(evaluation: Evaluation) -> str:
    return str(evaluation.clocks[0].verdict()["due_at"])


def test_rule_12_what_is_left_is_laid_out_on_the_edited_calendar() -> None:
    # Two hours worked; one more until noon on Monday, three on Tuesday.
    found = judged(ticket(), "2026-03-02T11:30:00Z")
    assert due(found) == "2026-03-03T12:00:00Z"
    assert [(change.why, format_instant(change.at)) for change in found.clocks[0].run.changes] == [
        ("hours", "2026-03-02T11:00:00Z")
    ]
    assert found.clocks[0].verdict()["elapsed_s"] == 2.5 * 3600


def test_rule_12_before_the_edit_nobody_knows_of_it() -> None:
    assert due(judged(ticket(), "2026-03-02T10:59:00Z")) == "2026-03-02T15:00:00Z"


def test_rule_12_a_clock_that_had_ended_keeps_its_due_and_its_steps() -> None:
    done = judged(ticket(("2026-03-02T10:00:00Z", "resolved")), "2026-03-03T18:00:00Z").clocks[0].verdict()
    assert (done["outcome"], done["due_at"]) == ("met", "2026-03-02T15:00:00Z")
    assert [step["instant"] for step in done["steps"]] == ["2026-03-02T12:00:00Z", "2026-03-02T13:30:00Z"]


def test_rule_12_one_that_goes_on_after_the_edit_does_so_on_the_edited_calendar() -> None:
    found = judged(
        ticket(("2026-03-02T10:00:00Z", "resolved"), ("2026-03-03T09:00:00Z", "open")), "2026-03-03T09:30:00Z"
    )
    assert due(found) == "2026-03-04T11:00:00Z"


def test_rule_12_a_breach_that_was_made_stays_and_time_over_it_follows_the_edited_calendar() -> None:
    found = judged(ticket(), "2026-03-03T18:00:00Z", within="1h").clocks[0].verdict()
    assert (found["outcome"], found["breached_at"], found["late_s"]) == ("missed", "2026-03-02T10:00:00Z", 5 * 3600)


def test_rule_12_a_paused_clock_goes_on_on_the_edited_calendar() -> None:
    events = ticket(("2026-03-02T10:00:00Z", "pending"), ("2026-03-02T11:30:00Z", "open"))
    found = judged(events, "2026-03-02T11:45:00Z")
    assert due(found) == "2026-03-04T10:30:00Z"
    assert found.clocks[0].verdict()["paused_s"] == 1.5 * 3600


def test_rule_12_a_step_counts_once_whatever_the_calendar() -> None:
    steps = judged(ticket(), "2026-03-03T12:00:00Z").clocks[0].steps
    assert [(step.at, format_instant(step.instant_ms or 0), step.reached, step.arm) for step in steps] == [
        ("50%", "2026-03-02T12:00:00Z", True, 0),
        ("75%", "2026-03-03T10:30:00Z", True, 0),
    ]


def test_rule_12_what_was_due_at_the_instant_of_the_edit_is_due() -> None:
    found = judged(ticket(), "2026-03-03T18:00:00Z", within="2h").clocks[0].verdict()
    assert (found["outcome"], found["breached_at"]) == ("missed", "2026-03-02T11:00:00Z")


def test_rule_12_working_days_stay_days() -> None:
    assert due(judged(ticket(), "2026-03-02T11:30:00Z", within="2bd")) == "2026-03-04T09:00:00Z"
    closed = LONG | {"closed": ["2026-03-03"]}
    before, after = policies(LONG, "2bd"), policies(closed, "2bd", at := "2026-03-02T11:00:00Z")
    edit = Move(parse_instant(at), after, "hours", before)
    assert (
        due(evaluate_record(before, ticket(), parse_instant("2026-03-02T11:30:00Z"), (), [edit]))
        == "2026-03-05T09:00:00Z"
    )


def test_rule_12_a_clock_left_behind_with_another_version_is_edited_as_well() -> None:
    first, second = policies(LONG, "2h"), policies(LONG, "8h")
    now, moved, edited = map(parse_instant, ("2026-03-03T18:00:00Z", "2026-03-02T11:30:00Z", "2026-03-02T12:30:00Z"))
    turns = [
        Move(moved, second, "unbreached"),  # overdue since eleven: it stays with the first
        Move(edited, policies(SHORT, "2h", "2026-03-02T12:30:00Z"), "hours", first),
        Move(edited, policies(SHORT, "8h", "2026-03-02T12:30:00Z"), "hours", second),
    ]
    [clock] = evaluate_record(first, ticket(), now, (), turns).clocks
    assert (clock.within_ms, clock.elapsed_ms) == (2 * 3_600_000, int(6.5 * 3_600_000))
