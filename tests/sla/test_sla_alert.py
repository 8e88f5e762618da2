"""Alerts: which steps would have fired, when, and whom each would have reached."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sla_story import asks, changed, config, created, instant, policy, reply, target

from sla.figures.alert import Alert, AlertCount, alerts_of, storms
from sla.fold import evaluate_record
from sla.instant import HOUR, MINUTE, format_instant, parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

LADDER = [
    {"at": "50%", "notify": "owner"},
    {"at": "due", "task": "Call {record.name}", "reassign": "second-line"},
    {"at": "+1h", "notify": "manager"},
]


def found(lines: list[dict[str, Any]], now: str, document: dict[str, Any] | None = None) -> list[Alert]:
    policies = Policies.from_config(document or promised())
    events = [event_from_mapping(line) for line in lines]
    return list(alerts_of(evaluate_record(policies, events, parse_instant(instant(now))), policies.people))


def promised(metric: str = "first_response", steps: Any = LADDER, **more: Any) -> dict[str, Any]:
    return config(policy(target(metric, "2h", steps=steps), **more))


def told(alerts: list[Alert]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(format_instant(alert.at)[5:16].replace("T", " "), alert.step, alert.to) for alert in alerts]


def test_each_step_is_an_alert_at_its_instant_to_whom_it_would_have_gone() -> None:
    story = [created("Mon 10:00", owner="queue:Support"), changed("Mon 11:30", owner="user:5")]
    assert told(found(story, "Mon 16:00")) == [
        ("03-02 11:00", "50%", ("queue:Support",)),
        ("03-02 12:00", "due", ("user:5", "second-line")),
        ("03-02 13:00", "+1h", ("manager of user:5",)),
    ]


def test_the_owner_of_the_very_instant_is_told() -> None:
    story = [created("Mon 10:00", owner="user:3"), changed("Mon 11:00", owner="user:5")]
    assert told(found(story, "Mon 11:30")) == [("03-02 11:00", "50%", ("user:5",))]


def test_a_manager_who_is_known_is_named() -> None:
    document = {**promised(), "people": {"user:5": {"manager": "user:9"}}}
    assert told(found([created("Mon 10:00", owner="user:5")], "Mon 13:00", document))[-1][2] == ("user:9",)


def test_a_record_that_nobody_has_tells_nobody() -> None:
    assert told(found([created("Mon 10:00")], "Mon 11:30")) == [("03-02 11:00", "50%", ("unassigned",))]


def test_an_answer_ends_the_alerts() -> None:
    assert told(found([created("Mon 10:00", owner="user:5"), reply("Mon 11:30")], "Mon 16:00")) == [
        ("03-02 11:00", "50%", ("user:5",))
    ]


def test_steps_that_had_passed_when_it_was_first_seen_are_one_alert_then() -> None:
    late = created("Mon 10:00", owner="user:5", seen=instant("Mon 12:30"))
    assert told(found([late], "Mon 12:45")) == [("03-02 12:30", "due", ("user:5", "second-line"))]
    assert told(found([late], "Mon 12:15")) == []


def test_a_clock_that_ended_before_it_was_seen_raises_none() -> None:
    late = [created("Mon 10:00", seen=instant("Mon 15:00")), reply("Mon 14:00", seen=instant("Mon 15:00"))]
    assert found(late, "Mon 16:00") == []


def test_what_became_known_during_a_pause_is_told_when_the_clock_goes_on() -> None:
    story = [
        created("Mon 09:00", owner="user:5", seen=instant("Mon 10:30")),
        changed("Mon 10:15", status="pending", seen=instant("Mon 10:30")),
        asks("Mon 15:00"),
    ]
    document = promised("resolution", [{"at": "50%", "notify": "owner"}])
    assert found(story[:2], "Mon 14:00", document) == []
    assert told(found(story, "Mon 15:30", document)) == [("03-02 15:00", "50%", ("user:5",))]


def test_what_ends_or_pauses_the_clock_in_the_instant_it_is_seen_comes_first() -> None:
    seen = {"seen": instant("Mon 12:30")}
    assert found([created("Mon 10:00", **seen), reply("Mon 12:30")], "Mon 13:00") == []
    document = promised("resolution", [{"at": "50%", "notify": "owner"}])
    story = [created("Mon 10:00", **seen), changed("Mon 12:30", status="pending"), asks("Mon 15:00")]
    assert found(story[:2], "Mon 14:00", document) == []
    assert told(found(story, "Mon 16:00", document)) == [("03-02 15:00", "50%", ("unassigned",))]


def test_a_policy_that_is_only_tried_out_sends_nothing() -> None:
    alerts = found([created("Mon 10:00")], "Mon 13:30", promised(stage="shadow"))
    assert [alert.sent for alert in alerts] == [False, False, False]
    count = AlertCount(ZoneInfo("UTC"))
    count.add(alerts)
    assert (count.sent, count.measured, count.people) == (0, 3, {})


def test_a_policy_that_only_warns_leaves_out_what_overwrites() -> None:
    steps = [{"at": "50%", "set": {"priority": "high"}}, {"at": "due", "notify": "owner", "reassign": "second-line"}]
    [alert] = found([created("Mon 10:00", owner="user:5")], "Mon 13:30", promised(steps=steps, stage="warn"))
    assert (alert.step, alert.actions, alert.to) == ("due", ("notify",), ("user:5",))


def test_days_and_hours_are_those_of_the_zone() -> None:
    count = AlertCount(ZoneInfo("America/New_York"))
    at = parse_instant("2026-03-03T03:30:00Z")  # Monday evening in New York
    alert = Alert(at, "a:ticket:1", "Support", "first_response", 1, "due", "enforce", ("notify",), ("user:5", "user:9"))
    count.add([alert, alert._replace(at=at + 2 * HOUR, to=("user:5",))])
    monday = parse_instant("2026-03-02T00:00:00Z") // (24 * HOUR)
    assert count.days == {monday: 1, monday + 1: 1}
    assert count.people == {"user:5": {monday: 1, monday + 1: 1}, "user:9": {monday: 1}}
    assert count.busiest_hour == (monday * 24 + 22, 1)


# ---- hours, conditions, risk


def test_a_step_waits_for_its_hours_and_falls_away_when_answered_before() -> None:
    steps = [{"at": "50%", "notify": "owner", "hours": "office"}]
    document = config(policy(target("first_response", "2h", steps=steps), calendar="always"))
    story = [created("Mon 18:00", owner="user:5")]
    assert told(found(story, "Mon 23:00", document)) == []
    assert told(found(story, "Tue 12:00", document)) == [("03-03 09:00", "50%", ("user:5",))]
    assert told(found([*story, reply("Tue 08:00")], "Tue 12:00", document)) == []


def test_a_threshold_at_closing_time_fires_at_once_and_what_was_seen_later_the_next_morning() -> None:
    steps = [{"at": "50%", "notify": "owner"}]
    assert told(found([created("Mon 16:00")], "Mon 20:00", promised(steps=steps)))[0][0] == "03-02 17:00"
    for seen, fires in (("Mon 17:01", "03-02 17:01"), ("Mon 17:02", "03-03 09:00")):
        late = created("Mon 16:00", seen=instant(seen))
        assert told(found([late], "Tue 09:30", promised(steps=steps)))[0][0] == fires
    late = created("Mon 16:00", seen=instant("Mon 18:00"))
    assert told(found([late], "Tue 09:30", promised(steps=steps)))[0][0] == "03-03 09:00"
    at_once = [{"at": "50%", "notify": "owner", "instant": True}]
    assert told(found([late], "Tue 09:30", promised(steps=at_once)))[0][0] == "03-02 18:00"


def test_a_condition_is_judged_by_the_record_as_it_stood() -> None:
    steps = [{"at": "50%", "notify": "owner", "when": {"source": "Web"}}]
    policies = Policies.from_config(promised(steps=steps))
    event = event_from_mapping(created("Mon 10:00", source="Web"))
    evaluation = evaluate_record(policies, [event], parse_instant(instant("Mon 13:00")))
    asked: list[int] = []

    def fields(at: int) -> dict[str, Any]:
        asked.append(at)
        return {"source": "Mail"}

    assert list(alerts_of(evaluation, fields=fields)) == []
    assert [format_instant(at) for at in asked] == [instant("Mon 11:00")]
    assert len(list(alerts_of(evaluation, fields=lambda at: {"source": "web"}))) == 1


def test_a_step_that_asks_for_a_chance_to_miss_may_have_fired() -> None:
    steps = [{"at": "50%", "notify": "owner", "risk": "60%"}, {"at": "due", "message": "Sorry for the delay"}]
    alerts = found([created("Mon 10:00")], "Mon 13:00", promised(steps=steps))
    assert [(alert.step, alert.risk, alert.sent, alert.to) for alert in alerts] == [
        ("50%", 0.6, False, ("unassigned",)),
        ("due", None, True, ("customer",)),
    ]
    count = AlertCount(ZoneInfo("UTC"))
    count.add(alerts)
    assert (count.sent, count.measured, count.doubtful) == (1, 0, 1)


def test_an_alert_at_closing_time_is_remembered_when_the_clock_ends_that_evening() -> None:
    story = [created("Mon 15:30", owner="user:5"), reply("Mon 17:30")]
    assert told(found(story, "Mon 18:00", promised(steps=[{"at": "75%", "notify": "owner"}]))) == [
        ("03-02 17:00", "75%", ("user:5",))
    ]


# ---- storms


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([0, 10, 20], []),
        ([0, 10, 20, 59], [(0, 59, 1, 4)]),
        ([0, 10, 20, 60], []),  # the first one lies a whole hour back
        ([0, 1, 2, 3, 4, 200, 201, 202, 203], [(0, 4, 2, 5), (200, 203, 1, 4)]),
        # what is held back fires later and is not counted again: at 61 the first one's place is free
        ([0, 20, 40, 50, 61], [(0, 50, 1, 4)]),
        # less than an hour after the last one held back it is the same storm; an hour after, another
        ([0, 1, 2, 3, 60, 60], [(0, 60, 2, 5)]),
        ([0, 1, 2, 3, 61, 62, 62, 63], [(0, 3, 1, 4), (61, 63, 1, 4)]),
    ],
)
def test_a_storm_is_a_span_over_the_budget(minutes: list[int], expected: list[tuple[int, int, int, int]]) -> None:
    found = storms("Support", [n * MINUTE for n in reversed(minutes)], 3)
    assert [(s.since // MINUTE, s.until // MINUTE, s.held, s.peak) for s in found] == expected


def test_only_policies_of_the_file_have_a_budget() -> None:
    count = AlertCount(ZoneInfo("UTC"))
    alert = Alert(0, "a:ticket:1", "Support", "first_response", 1, "due", "enforce", ("notify",), ("user:5",))
    count.add([alert] * 3)
    assert [(s.policy, s.budget, s.held) for s in count.storms({"Support": 2})] == [("Support", 2, 1)]
    assert count.storms({}) == []
