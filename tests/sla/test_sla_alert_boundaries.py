"""Alerts at the edge: the very instant, the very end, the very words for whom each reaches."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sla_story import asks, changed, config, created, instant, policy, reply, target

from sla.figures.alert import Alert, AlertCount, Storm, alerts_of, storms
from sla.fold import evaluate_record
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

MINUTE, HOUR = 60_000, 3_600_000
ALERT = Alert(0, "a:ticket:1", "Support", "first_response", 1, "due", "enforce", ("notify",), ("user:5",))


def found(
    lines: list[dict[str, Any]], now: str, steps: list[dict[str, Any]], metric: str = "first_response", **more: Any
) -> list[Alert]:
    document = config(
        policy(target(metric, "2h", steps=steps), **more),
        calendars={"never": {"timezone": "UTC", "hours": {"mon": []}}},
    )
    document["people"] = {"user:5": {"manager": "user:9"}, "user:6": {"team": "East"}}
    policies = Policies.from_config(document)
    events = [event_from_mapping(line) for line in lines]
    return list(alerts_of(evaluate_record(policies, events, parse_instant(instant(now))), policies.people))


def told(alerts: list[Alert]) -> list[tuple[str, str]]:
    return [(format_instant(alert.at)[5:-1].replace("T", " "), alert.step) for alert in alerts]


HALF = [{"at": "50%", "notify": "owner"}]


def test_an_alert_carries_its_clock_and_its_step() -> None:
    steps = [{"at": "50%", "tag": "soon", "notify": "owner", "webhook": "pager", "risk": "25%"}]
    assert found([created("Mon 10:00", owner="user:5")], "Mon 12:30", steps) == [
        Alert(
            parse_instant(instant("Mon 11:00")), "desk:ticket:1", "Support", "first_response", 1, "50%", "enforce",
            ("notify", "tag", "webhook"), ("user:5",), 0.25,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "step", "to"),
    [
        ("user:5", {"task": "Call"}, ("user:5",)),
        ("user:5", {"notify": "owner", "task": "Call"}, ("user:5",)),
        ("user:5", {"notify": "manager"}, ("user:9",)),
        ("user:6", {"notify": "manager"}, ("manager of user:6",)),
        ("user:7", {"reassign": "manager"}, ("manager of user:7",)),
        ("queue:Q", {"reassign": "next"}, ("next of the pool of queue:Q",)),
        ("queue:Q", {"reassign": "queue:R"}, ("queue:R",)),
        ("queue:Q", {"reassign": "owner"}, ("owner",)),  # a pool of that name
        ("queue:Q", {"notify": "maria@acme.test", "message": "Sorry"}, ("maria@acme.test", "customer")),
        ("queue:Q", {"tag": "late"}, ()),
        ("queue:Q", {"comment": "owner", "webhook": "manager", "status": "open"}, ()),
        (None, {"task": "Call"}, ("unassigned",)),
    ],
)
def test_whom_an_alert_reaches(owner: str | None, step: dict[str, Any], to: tuple[str, ...]) -> None:
    fields = {} if owner is None else {"owner": owner}
    (alert,) = found([created("Mon 10:00", **fields)], "Mon 11:30", [{"at": "50%", **step}])
    assert alert.to == to


def test_an_alert_is_due_in_its_very_millisecond() -> None:
    story = [created("Mon 10:00")]
    assert told(found(story, "Mon 11:00", HALF)) == [("03-02 11:00:00", "50%")]
    assert told(found(story, "Mon 10:59:59.999", HALF)) == []


def test_what_was_seen_in_the_very_instant_of_its_threshold_is_told_then() -> None:
    assert told(found([created("Mon 10:00", seen=instant("Mon 11:00"))], "Mon 12:00", HALF)) == [
        ("03-02 11:00:00", "50%")
    ]
    late = [created("Mon 10:00", seen=instant("Mon 11:30"))]
    assert told(found(late, "Mon 11:30", HALF)) == [("03-02 11:30:00", "50%")]
    assert told(found(late, "Mon 11:29", HALF)) == []


def test_of_steps_that_are_known_at_once_the_later_one_stands_and_chances_are_counted_beside_it() -> None:
    steps = [
        {"at": "75%", "notify": "owner"},
        {"at": "50%", "notify": "owner"},
        {"at": "25%", "notify": "owner", "risk": "50%"},
        {"at": "60%", "notify": "owner", "risk": "60%"},
    ]
    late = [created("Mon 10:00", seen=instant("Mon 11:45"))]
    assert told(found(late, "Mon 11:50", steps)) == [
        ("03-02 11:45:00", "75%"), ("03-02 11:45:00", "25%"), ("03-02 11:45:00", "60%"),
    ]  # fmt: skip
    assert told(found([created("Mon 10:00")], "Mon 11:50", steps)) == [
        ("03-02 10:30:00", "25%"), ("03-02 11:00:00", "50%"), ("03-02 11:12:00", "60%"), ("03-02 11:30:00", "75%"),
    ]  # fmt: skip


def test_two_steps_at_one_instant_are_the_one_written_later() -> None:
    steps = [{"at": "50%", "notify": "user:1"}, {"at": "-1h", "notify": "user:2"}]
    assert [alert.to for alert in found([created("Mon 10:00")], "Mon 11:30", steps)] == [("user:2",)]
    assert [alert.to for alert in found([created("Mon 10:00")], "Mon 11:30", steps[::-1])] == [("user:1",)]


def test_a_minute_after_closing_time_is_prompt_and_a_millisecond_more_is_not() -> None:
    for seen, fires in (("17:01:00.000", "03-02 17:01:00"), ("17:01:00.001", "03-03 09:00:00")):
        late = [created("Mon 16:00", seen=instant(f"Mon {seen}"))]
        assert told(found(late, "Tue 09:00", HALF)) == [(fires, "50%")]


def test_what_was_reached_in_the_day_and_seen_after_closing_waits_for_the_morning() -> None:
    late = [created("Mon 15:30", seen=instant("Mon 17:00:30"))]  # reached at 16:30
    assert told(found(late, "Tue 08:59:59.999", HALF)) == []
    assert told(found(late, "Tue 09:00", HALF)) == [("03-03 09:00:00", "50%")]


def test_a_step_in_hours_that_never_come_never_fires() -> None:
    steps = [{"at": "50%", "notify": "owner", "hours": "never"}]
    assert told(found([created("Mon 10:00")], "Fri 16:00", steps)) == []


def test_a_step_in_hours_of_its_own_fires_in_them_and_at_their_close() -> None:
    steps = [{"at": "50%", "notify": "owner", "hours": "office"}]
    for at, fires in (("15:00", "03-02 16:00:00"), ("16:00", "03-02 17:00:00"), ("16:01", "03-03 09:00:00")):
        alerts = found([created(f"Mon {at}")], "Tue 10:00", steps, calendar="always")
        assert told(alerts) == [(fires, "50%")]


def test_an_answer_in_the_very_instant_of_the_alert_comes_first() -> None:
    steps = [{"at": "50%", "notify": "owner", "hours": "office"}]
    for answer, fires in (("09:00:00.001", [("03-03 09:00:00", "50%")]), ("09:00:00.000", []), ("08:59", [])):
        story = [created("Mon 18:00"), reply(f"Tue {answer}")]
        assert told(found(story, "Tue 10:00", steps, calendar="always")) == fires


def test_what_became_known_in_a_pause_waits_for_its_end() -> None:
    def story(seen: str) -> list[dict[str, Any]]:
        known = {"seen": instant(seen)}
        return [
            created("Mon 09:00", **known),
            changed("Mon 10:30", status="pending", **known),
            asks("Mon 15:00", **known),
        ]

    for seen, fires in (
        ("Mon 10:15", "10:15:00"), ("Mon 10:30", "15:00:00"), ("Mon 12:00", "15:00:00"), ("Mon 14:59", "15:00:00"),
        ("Mon 15:00", "15:00:00"), ("Mon 15:01", "15:01:00"),
    ):  # fmt: skip
        assert told(found(story(seen), "Mon 15:10", HALF, "resolution")) == [(f"03-02 {fires}", "50%")]


def test_while_a_pause_lasts_only_what_was_known_before_it_has_fired() -> None:
    for seen, fires in (("Mon 10:29", [("03-02 10:29:00", "50%")]), ("Mon 10:30", []), ("Mon 10:31", [])):
        story = [created("Mon 09:00", seen=instant(seen)), changed("Mon 10:30", status="pending", seen=instant(seen))]
        assert told(found(story, "Mon 14:00", HALF, "resolution")) == fires


def test_a_policy_that_warns_keeps_what_overwrites_nothing() -> None:
    everything = {
        "notify": "owner", "task": "Call", "reassign": "next", "set": {"tier": "gold"}, "status": "open",
        "priority": "raise", "comment": "Late", "tag": "late", "message": "Sorry", "webhook": "pager",
    }  # fmt: skip
    steps = [{"at": "50%", **everything}]
    (alert,) = found([created("Mon 10:00", owner="user:5")], "Mon 11:30", steps, stage="warn")
    assert alert.actions == ("notify", "task", "comment", "tag", "webhook")
    assert (alert.to, alert.stage, alert.sent) == (("user:5",), "warn", True)
    (alert,) = found([created("Mon 10:00", owner="user:5")], "Mon 11:30", steps)
    assert alert.to == ("user:5", "next of the pool of user:5", "customer")


def test_a_step_without_a_condition_asks_for_no_fields_and_one_with_a_condition_is_taken_to_hold() -> None:
    steps = [{"at": "50%", "notify": "owner"}, {"at": "75%", "notify": "owner", "when": {"tier": "gold"}}]
    policies = Policies.from_config(config(policy(target("first_response", "2h", steps=steps))))
    event = event_from_mapping(created("Mon 10:00"))
    evaluation = evaluate_record(policies, [event], parse_instant(instant("Mon 13:00")))
    assert [alert.step for alert in alerts_of(evaluation)] == ["50%", "75%"]
    asked: list[str] = []

    def fields(at: int) -> dict[str, Any]:
        asked.append(format_instant(at))
        return {"tier": "tin"}

    assert [alert.step for alert in alerts_of(evaluation, fields=fields)] == ["50%"]
    assert asked == [instant("Mon 11:30")]


def test_a_condition_that_fails_leaves_the_steps_after_it_alone() -> None:
    steps = [{"at": "50%", "notify": "owner", "when": {"tier": "gold"}}, {"at": "75%", "notify": "owner"}]
    policies = Policies.from_config(config(policy(target("first_response", "2h", steps=steps))))
    event = event_from_mapping(created("Mon 10:00"))
    evaluation = evaluate_record(policies, [event], parse_instant(instant("Mon 13:00")))
    assert [alert.step for alert in alerts_of(evaluation, fields=lambda at: {})] == ["75%"]


# ---- counting


def test_alerts_are_counted_by_kind_hour_day_and_person() -> None:
    count = AlertCount(ZoneInfo("Asia/Kolkata"))  # five hours and a half ahead
    assert (count.busiest_hour, count.days, count.storms({"Support": 1})) == (None, {}, [])
    for at in (0, 29 * MINUTE, 30 * MINUTE, 18 * HOUR + 29 * MINUTE, 18 * HOUR + 30 * MINUTE, 18 * HOUR + 31 * MINUTE):
        count.add([ALERT._replace(at=at), ALERT._replace(at=at, stage="shadow"), ALERT._replace(at=at, risk=0.5)])
    count.add([ALERT._replace(stage="shadow", risk=0.5), ALERT._replace(at=0, to=())])
    assert (count.sent, count.measured, count.doubtful) == (7, 7, 6)
    assert count.hours == {5: 3, 6: 1, 23: 1, 24: 2}
    assert count.days == {0: 5, 1: 2}
    assert count.people == {"user:5": {0: 4, 1: 2}}
    assert count.busiest_hour == (5, 3)
    count.add([ALERT._replace(at=19 * HOUR)])
    assert count.busiest_hour == (5, 3)  # the first of equals


def test_a_day_of_several_hours_is_their_sum() -> None:
    count = AlertCount(ZoneInfo("UTC"))
    count.add([ALERT._replace(at=hour * HOUR) for hour in (0, 0, 1, 23, 24, 24)])
    assert count.days == {0: 4, 1: 2}
    assert count.busiest_hour == (0, 2)


def test_storms_of_all_policies_come_in_order_of_time_and_of_name() -> None:
    count = AlertCount(ZoneInfo("UTC"))
    for name, at in (("C", 0), ("B", 5 * HOUR), ("A", 5 * HOUR), ("D", 0)):
        count.add([ALERT._replace(policy=name, at=at)] * 2)
    assert [(s.policy, s.since) for s in count.storms({"A": 1, "B": 1, "C": 1})] == [
        ("C", 0), ("A", 5 * HOUR), ("B", 5 * HOUR),
    ]  # fmt: skip
    assert count.storms({"A": 2}) == []


@pytest.mark.parametrize(
    ("instants", "budget", "expected"),
    [
        ([], 1, []),
        ([0, HOUR - 1], 1, [Storm("S", 1, 0, HOUR - 1, 1, 2)]),
        ([0, HOUR], 1, []),
        # the last one held back came an hour ago less a millisecond: still the same storm
        ([0, 0, HOUR - 1, HOUR - 1], 1, [Storm("S", 1, 0, HOUR - 1, 3, 4)]),
        ([0, 0, HOUR, HOUR], 1, [Storm("S", 1, 0, 0, 1, 2), Storm("S", 1, HOUR, HOUR, 1, 2)]),
        ([0, 0, HOUR, HOUR + 1], 1, [Storm("S", 1, 0, 0, 1, 2), Storm("S", 1, HOUR, HOUR + 1, 1, 2)]),
        # the peak stays when the rest of the storm is thinner, and what had passed is not in it
        ([0, 0, 0, 0, 50 * MINUTE, HOUR + 1, HOUR + 2], 1, [Storm("S", 1, 0, HOUR + 2, 5, 5)]),
    ],
)
def test_a_storm_is_told_with_its_budget_span_and_peak(instants: list[int], budget: int, expected: list[Storm]) -> None:
    assert list(storms("S", instants, budget)) == expected
