"""Which reached steps happen, which wait for their hours, and which never do. A working day is 09:00 to 17:00, UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sla.fold import Evaluation, evaluate_record
from sla.instant import parse_instant
from sla.model import Event
from sla.policy import Policies
from sync.decision import Decision, decide

RECORD = "desk:ticket:1"
CALENDARS = {
    "office": {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}},
    "nights": {"timezone": "UTC", "hours": "20:00-06:00"},
    "always": {"timezone": "UTC", "hours": "24x7"},
}


def at(text: str) -> int:
    """``"2 16:30"``: the second day of March 2026, a Monday."""
    day, time = text.split()
    return parse_instant(f"2026-03-{int(day):02d}T{time if time.count(':') > 1 else time + ':00'}Z")


def judged(steps: list[dict[str, Any]], *lines: tuple[Any, ...], now: str, **policy: Any) -> Evaluation:
    """A ticket opened on Monday at 10:00 with four hours to answer: due at 14:00."""
    target = {"metric": "first_response", "within": policy.pop("within", "4h"), "steps": steps}
    document = {
        "calendars": CALENDARS,
        "policies": [{"name": "P", "applies_to": "ticket", "calendar": "office", "targets": [target], **policy}],
    }
    created = policy.get("fields", {"status": "new"})
    events = [Event(record=RECORD, kind="ticket", at=at("2 10:00"), id="a", event="created", actor="customer:7",
                    set=created)]  # fmt: skip
    events += [Event(record=RECORD, at=at(when), id=str(n), **more) for n, (when, more) in enumerate(lines)]
    return evaluate_record(Policies.from_config(document), events, at(now))


def decisions(evaluation: Evaluation, decided: Any = (), **more: Any) -> list[tuple[str, str, str | None]]:
    (clock,), state = evaluation
    found = decide(clock, decided, None, state, **more)
    return [(decision.step.at, decision.what, decision.reason) for decision in found]


REPLY = {"event": "message", "actor": "user:3", "direction": "outbound"}
WARN = {"at": "75%", "notify": "owner"}
DUE = {"at": "due", "task": "Answer"}


def test_a_step_reached_in_its_hours_happens() -> None:
    assert decisions(judged([WARN, DUE], now="2 13:00")) == [("75%", "fired", None)]
    assert decisions(judged([WARN, DUE], now="2 12:59:59")) == []


def test_steps_reached_together_collapse_into_the_latest() -> None:
    assert decisions(judged([WARN, DUE], now="2 16:00")) == [
        ("75%", "collapsed", "due was reached as well"),
        ("due", "fired", None),
    ]


def test_a_step_noticed_outside_hours_waits_for_the_next_opening() -> None:
    held = "outside working hours: held until 2026-03-03T09:00:00Z"
    assert decisions(judged([DUE], now="2 17:30")) == [("due", "held", held)]
    assert decisions(judged([DUE], now="3 08:59:59")) == [("due", "held", held)]
    assert decisions(judged([DUE], now="3 09:00")) == [("due", "fired", None)]


def test_over_the_weekend_a_step_waits_for_monday() -> None:
    late = judged([{"at": "+1h", "notify": "owner"}], now="7 12:00", within="36h")  # due Friday 14:00
    (clock,), state = late
    (decision,) = decide(clock, (), None, state)
    assert (decision.what, decision.until) == ("held", at("9 09:00"))


@pytest.mark.parametrize(
    ("now", "what"),
    [("2 17:00", "fired"), ("2 17:00:59", "fired"), ("2 17:01", "fired"), ("2 17:01:01", "held"), ("3 09:00", "fired")],
)
def test_a_threshold_at_closing_time_belongs_to_the_day_for_a_minute(now: str, what: str) -> None:
    assert [found for _, found, _ in decisions(judged([DUE], now=now, within="7h"))] == [what]


def test_an_instant_step_happens_at_any_hour() -> None:
    assert decisions(judged([{**DUE, "instant": True}], now="2 23:00")) == [("due", "fired", None)]


def test_a_step_may_keep_other_hours_than_its_clock() -> None:
    nights = [{**DUE, "hours": "nights"}]
    assert decisions(judged(nights, now="2 14:00")) == [
        ("due", "held", "outside working hours: held until 2026-03-02T20:00:00Z")
    ]
    assert decisions(judged(nights, now="2 20:00")) == [("due", "fired", None)]


def test_an_instant_step_does_not_wait_for_a_held_one_and_overtakes_those_before_it() -> None:
    early = [WARN, {**DUE, "instant": True}, {"at": "+30m", "notify": "manager"}]
    assert decisions(judged(early, now="2 18:00")) == [
        ("75%", "collapsed", "due was reached as well"),
        ("due", "fired", None),
        ("+30m", "held", "outside working hours: held until 2026-03-03T09:00:00Z"),
    ]
    assert decisions(judged(early, now="3 09:00"), {("75%", 0), ("due", 0)}) == [("+30m", "fired", None)]


def test_held_steps_collapse_when_their_hours_come() -> None:
    assert [what for _, what, _ in decisions(judged([WARN, DUE], now="2 20:00"))] == ["held", "held"]
    assert [what for _, what, _ in decisions(judged([WARN, DUE], now="3 09:00"))] == ["collapsed", "fired"]


def test_a_held_step_is_dropped_when_its_clock_stops_meanwhile() -> None:
    answered = judged([DUE], ("2 18:00", REPLY), now="3 09:00", within="7h")
    assert decisions(answered) == [("due", "dropped", "the clock had stopped before it was seen")]


def test_a_held_step_waits_on_while_its_clock_is_paused() -> None:
    paused = [{"metric": "resolution", "within": "4h", "steps": [DUE]}]
    waiting = judged([], ("2 18:00", {"event": "changed", "actor": "user:3", "set": {"status": "pending"}}),
                     now="3 09:00", targets=paused)  # fmt: skip
    assert decisions(waiting) == []


@pytest.mark.parametrize(("country", "what"), [("US", "fired"), ("CN", "dropped"), (None, "dropped")])
def test_a_condition_is_judged_by_the_record_as_it_is(country: str | None, what: str) -> None:
    step = {**DUE, "when": {"country": "US"}}
    set_ = {"event": "changed", "actor": "user:3", "set": {"country": country}}
    found = decisions(judged([step], ("2 13:59", set_), now="2 14:00"))
    assert found == [("due", what, None if what == "fired" else "its condition does not hold")]


def test_a_condition_of_a_held_step_is_judged_when_its_hours_come() -> None:
    step = {**DUE, "when": {"priority": "high"}}
    raised = {"event": "changed", "actor": "user:3", "set": {"priority": "high"}}
    assert [what for _, what, _ in decisions(judged([step], now="2 17:30"))] == ["held"]
    assert [what for _, what, _ in decisions(judged([step], ("2 20:00", raised), now="3 09:00"))] == ["fired"]


def test_a_step_that_does_not_want_to_happen_overtakes_nobody() -> None:
    steps = [WARN, {**DUE, "when": {"country": "US"}}]
    assert decisions(judged(steps, now="2 16:00")) == [
        ("due", "dropped", "its condition does not hold"),
        ("75%", "fired", None),
    ]


RISKS: list[tuple[Callable[[Any], Any] | None, str, str | None]] = [
    (lambda clock: (0.6, 40), "fired", None),
    (lambda clock: (0.595, 40), "dropped", "the chance to miss is 59.5%, by 40 endings: below 60.0%"),
    (lambda clock: (0.25, 40), "dropped", "the chance to miss is 25.0%, by 40 endings: below 60.0%"),
    (lambda clock: None, "dropped", "nothing to judge the risk by"),
    (None, "dropped", "nothing to judge the risk by"),
]


@pytest.mark.parametrize(("risk", "what", "reason"), RISKS)
def test_a_step_may_ask_for_a_chance_to_miss(risk: Any, what: str, reason: str | None) -> None:
    step = {**WARN, "risk": "60%"}
    assert decisions(judged([step], now="2 13:00"), risk=risk) == [("75%", what, reason)]


def test_nothing_waits_for_hours_where_nothing_happens_anyway() -> None:
    (clock,), state = judged([WARN, DUE], now="2 23:00")
    found: Callable[[str], Mapping[str, str]]
    found = lambda why: {d.step.at: d.what for d in decide(clock, (), why, state)}  # noqa: E731
    assert found("older than enforce_from") == {"75%": "measured", "due": "measured"}
    (tried,), state = judged([WARN], now="2 23:00", stage="shadow")
    assert [d.what for d in decide(tried, (), None, state)] == ["measured"]


def test_a_step_is_decided_once_for_each_arming() -> None:
    assert decisions(judged([DUE], now="2 15:00"), {("due", 0)}) == []
    assert decisions(judged([DUE], now="2 15:00"), {("due", 1)}) == [("due", "fired", None)]


def test_a_held_step_could_first_happen_when_its_hours_came() -> None:
    (clock,), state = judged([{**DUE, "hours": "nights"}], now="2 21:00")
    (decision,) = decide(clock, (), None, state)
    assert decision == Decision(clock.steps[0], "fired", None, None, at("2 20:00"))
