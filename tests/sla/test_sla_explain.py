"""What an account says, case by case: causes, decisions, changes, steps, the margin of the timeline, the picture."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import (
    activity,
    asks,
    changed,
    config,
    created,
    event,
    instant,
    policy,
    promise,
    reply,
    target,
)

from sla.account.explain import explain_record
from sla.fold import Move, Wait
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3_600


def account(document: dict[str, Any], lines: list[dict[str, Any]], now: str, **more: Any) -> dict[str, Any]:
    events = [event_from_mapping(line) for line in lines]
    return explain_record(Policies.from_config(document), events, parse_instant(instant(now)), **more)


def only(document: dict[str, Any], lines: list[dict[str, Any]], now: str, **more: Any) -> dict[str, Any]:
    """The single clock of an account."""
    [clock] = account(document, lines, now, **more)["clocks"]
    return clock


def causes(clock: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Each interval as ("Mon 10:00-Mon 11:00", cause, working seconds)."""
    return [
        (f"{short(i['from'])}-{short(i['to'])}", i["cause"], i["working_s"]) for i in clock["intervals"]
    ]  # fmt: skip


def short(text: str) -> str:
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[(int(text[8:10]) - 2) % 7]} {text[11:16]}"


def sums(clock: dict[str, Any], name: str) -> dict[str, float]:
    return {kind: total["working_s"] for kind, total in clock["sums"][name].items() if total["parts"]}


# ---- intervals and their causes


def test_time_before_it_was_seen_and_before_it_was_routed_is_the_systems_and_each_has_its_cause() -> None:
    lines = [
        created("Mon 10:00", seen=instant("Mon 10:15")),
        changed("Mon 10:30", owner="queue:Support"),
        changed("Mon 11:00", owner="user:3"),
    ]
    clock = only(promise("first_response", "4h"), lines, "Mon 12:00")
    assert causes(clock) == [
        ("Mon 10:00-Mon 10:15", "source lag: not seen here yet", 900),
        ("Mon 10:15-Mon 10:30", "waiting for first assignment", 900),
        ("Mon 10:30-Mon 11:00", "running", 1800),
        ("Mon 11:00-Mon 12:00", "running", 3600),
    ]
    assert [i["holder"] for i in clock["intervals"]] == ["system", "system", "queue:Support", "user:3"]
    assert sums(clock, "spent") == {"system": 1800, "queue:Support": 1800, "user:3": 3600}


def test_holidays_closed_days_and_closed_parts_of_a_day_are_told_by_name() -> None:
    office = {
        "timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}, "holidays": ["US"],
        "closed": ["2026-07-02 12:00-13:00", "2026-07-06"],
    }  # fmt: skip
    document = promise("resolution", "40h")
    document["calendars"]["office"] = office
    lines = [created("2026-07-02T11:00:00Z", owner="user:3")]
    clock = only(document, lines, "2026-07-07T10:00:00Z")
    assert [(i["from"][8:16], i["to"][8:16], i["cause"]) for i in clock["intervals"]] == [
        ("02T11:00", "02T12:00", "running"),
        ("02T12:00", "02T13:00", "closed"),
        ("02T13:00", "02T17:00", "running"),
        ("02T17:00", "03T00:00", "out of hours"),
        ("03T00:00", "04T00:00", "holiday: Independence Day (observed)"),
        ("04T00:00", "05T00:00", "holiday: Independence Day"),
        ("05T00:00", "06T00:00", "out of hours"),
        ("06T00:00", "07T00:00", "closed"),
        ("07T00:00", "07T09:00", "out of hours"),
        ("07T09:00", "07T10:00", "running"),
    ]


def test_maintenance_is_told_by_name() -> None:
    document = promise("resolution", "40h")
    document["maintenance"] = [
        {"name": "Move", "from": instant("Mon 11:00"), "until": instant("Mon 12:00"), "reason": "r",
         "approved_by": "m"},
    ]  # fmt: skip
    clock = only(document, [created("Mon 10:00", owner="user:3")], "Mon 13:00")
    assert causes(clock) == [
        ("Mon 10:00-Mon 11:00", "running", HOUR),
        ("Mon 11:00-Mon 12:00", "maintenance: Move", 0),
        ("Mon 12:00-Mon 13:00", "running", HOUR),
    ]


def test_a_pause_is_told_by_status_and_its_working_time_by_what_was_waited_for() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"),
        changed("Mon 16:00", status="pending", raw_status="Waiting on Customer"),
        changed("Tue 10:00", status="on_hold", raw_status="With Vendor"),
        changed("Tue 11:00", status="open", raw_status="Working"),
    ]
    clock = only(promise("resolution", "40h"), lines, "Tue 12:00")
    assert causes(clock) == [
        ("Mon 10:00-Mon 16:00", "running", 6 * HOUR),
        ("Mon 16:00-Tue 10:00", "paused: pending (Waiting on Customer)", 2 * HOUR),
        ("Tue 10:00-Tue 11:00", "paused: on_hold (With Vendor)", HOUR),
        ("Tue 11:00-Tue 12:00", "running", HOUR),
    ]
    assert sums(clock, "paused") == {"waiting on customer": 2 * HOUR, "on hold": HOUR}
    assert clock["sums"]["paused"]["waiting on customer"]["parts"] == [
        {"from": instant("Mon 16:00"), "to": instant("Mon 17:00"), "working_s": HOUR},
        {"from": instant("Tue 09:00"), "to": instant("Tue 10:00"), "working_s": HOUR},
    ]
    assert clock["sums"]["whole_s"] == 10 * HOUR == clock["elapsed_s"] + clock["paused_s"]


def test_a_pause_of_its_own_kind_names_the_fields_that_it_looks_at() -> None:
    lines = [created("Mon 10:00"), changed("Mon 11:00", blocked="yes")]
    pause = {"blocked": "yes", "vendor": {"exists": False}}
    clock = only(promise("resolution", "40h", pause=pause), lines, "Mon 12:00")
    assert causes(clock)[1] == ("Mon 11:00-Mon 12:00", "paused: blocked yes, vendor empty", HOUR)
    assert sums(clock, "paused") == {"paused": HOUR}


def test_a_gap_after_a_pause_is_told_apart_from_the_pause() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", status="pending"),
        changed("Mon 12:00", status="resolved"), changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    clock = only(promise("resolution", "40h"), lines, "Mon 15:00")
    assert causes(clock) == [
        ("Mon 10:00-Mon 11:00", "running", HOUR),
        ("Mon 11:00-Mon 12:00", "paused: pending", HOUR),
        ("Mon 12:00-Mon 14:00", "resolved, until it was reopened", 2 * HOUR),
        ("Mon 14:00-Mon 15:00", "running", HOUR),
    ]
    assert sums(clock, "left_out") == {"resolved": 2 * HOUR}
    assert clock["sums"]["whole_s"] == 5 * HOUR


def test_what_lasted_no_time_at_all_is_no_interval() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"),
        changed("Mon 11:00", status="pending", id="a"),
        event("Mon 11:00", "deleted", id="b"),
    ]
    clock = only(promise("resolution", "40h"), lines, "Mon 14:00")
    assert causes(clock) == [("Mon 10:00-Mon 11:00", "running", HOUR)]


def test_a_record_that_came_back_from_deletion_leaves_the_gap_out() -> None:
    lines = [created("Mon 10:00", owner="user:3"), event("Mon 11:00", "deleted"), event("Mon 13:00", "restored")]
    clock = only(promise("resolution", "40h"), lines, "Mon 14:00")
    assert causes(clock)[1] == ("Mon 11:00-Mon 13:00", "deleted, until it was restored", 2 * HOUR)
    assert sums(clock, "left_out") == {"deleted": 2 * HOUR}


def test_an_excused_span_counts_and_is_told_with_reason_and_who() -> None:
    excuse = {"from": instant("Mon 10:30"), "until": instant("Mon 11:30"), "reason": "fire drill", "by": "user:9"}
    lines = [created("Mon 10:00", owner="user:3"), event("Mon 12:00", "excused", **excuse)]
    clock = only(promise("resolution", "1h30m"), lines, "Mon 12:15")
    assert causes(clock) == [
        ("Mon 10:00-Mon 10:30", "running", 1800),
        ("Mon 10:30-Mon 11:30", "excused: fire drill (by user:9)", HOUR),
        ("Mon 11:30-Mon 12:15", "running", 2700),
    ]
    assert clock["sums"]["excused"]["working_s"] == HOUR
    assert clock["elapsed_s"] == 8100
    assert clock["outcome"] == "excused"


def test_the_sum_up_to_due_goes_on_as_if_the_clock_ran_on() -> None:
    clock = only(promise("first_response", "9h"), [created("Mon 16:00")], "Mon 16:30")
    assert clock["sums"]["due"] == {
        "working_s": 9 * HOUR,
        "parts": [
            {"from": instant("Mon 16:00"), "to": instant("Mon 17:00"), "working_s": HOUR},
            {"from": instant("Tue 09:00"), "to": instant("Tue 17:00"), "working_s": 8 * HOUR},
        ],
    }


# ---- whose terms rule, and why the others do not


def others(clock: dict[str, Any]) -> dict[str, str]:
    return {other["policy"]: other["why_not"] for other in clock["other_policies"]}


def many(**more: Any) -> dict[str, Any]:
    return config(
        policy(target("resolution", "4h"), name="House"),
        policy(target("resolution", "2h"), name="Gold", when={"tier": ["gold", "platinum"], "seats": {"gte": 100}}),
        policy(target("resolution", "4h"), name="Copy"),
        policy(target("resolution", "8h"), name="Slack"),
        policy(target("resolution", {"urgent": "1h"}), name="Urgent only"),
        policy(target("resolution", "1h"), name="Trial", stage="shadow"),
        policy(target("first_response", "1h"), name="Elsewhere", when={"tier": "nobody"}),
        **more,
    )


def test_each_policy_that_lost_is_told_with_its_reason_and_its_due() -> None:
    found = account(many(), [created("Mon 10:00", tier="silver", seats=10)], "Mon 11:00")
    clock = next(clock for clock in found["clocks"] if clock["policy"] == "House")
    assert others(clock) == {
        "Gold": 'its conditions do not hold: tier is "silver", wanted one of "gold", "platinum"; '
        "seats is 10, wanted ≥ 100",
        "Copy": "it would be due at the same instant, 2026-03-02T14:00:00Z, and stands later in the file",
        "Slack": "it would be due 2026-03-03T10:00:00Z, not before 2026-03-02T14:00:00Z",
        "Urgent only": "it promises nothing at priority normal",
        "Trial": "it is only tried out (stage shadow)",
    }  # fmt: skip
    assert {o["policy"]: o["due_at"] for o in clock["other_policies"]} == {
        "Gold": None, "Copy": instant("Mon 14:00"), "Slack": instant("Tue 10:00"), "Urgent only": None,
        "Trial": instant("Mon 11:00"),
    }  # fmt: skip
    assert clock["other_policies"][0]["mismatches"] == [
        'tier is "silver", wanted one of "gold", "platinum"', "seats is 10, wanted ≥ 100",
    ]  # fmt: skip
    assert clock["decision"]["at"] == instant("Mon 10:00")
    assert clock["decision"]["due_at"] == instant("Mon 14:00")
    tried = next(clock for clock in found["clocks"] if clock["policy"] == "Trial")
    assert others(tried)["House"].startswith("it competes for the clocks that count")


def test_where_the_first_counts_the_others_stand_later_in_the_file() -> None:
    found = account(many(match="first"), [created("Mon 10:00", tier="gold", seats=200)], "Mon 11:00")
    clock = next(clock for clock in found["clocks"] if clock["policy"] == "House")
    assert others(clock)["Gold"] == "it stands later in the file, and the first that matches rules"
    assert clock["other_policies"][0]["due_at"] == instant("Mon 12:00")


def test_the_decision_is_the_last_weighing_and_not_what_became_of_the_record_since() -> None:
    lines = [
        created("Mon 10:00", tier="silver", seats=200),
        changed("Mon 11:00", tier="gold"),
        changed("Mon 16:00", subject="a word that no policy looks at"),
        changed("Tue 10:00", tier="silver"),
    ]
    at_noon = next(c for c in account(many(), lines, "Mon 12:00")["clocks"] if c["stage"] == "enforce")
    assert (at_noon["policy"], at_noon["decision"]["at"]) == ("Gold", instant("Mon 11:00"))
    assert at_noon["decision"]["due_at"] == instant("Mon 12:00")
    assert others(at_noon)["House"] == "it would be due 2026-03-02T14:00:00Z, not before 2026-03-02T12:00:00Z"
    later = next(c for c in account(many(), lines, "Tue 11:00")["clocks"] if c["stage"] == "enforce")
    assert later["decision"]["at"] == instant("Mon 11:00"), "after the breach nothing is weighed any more"


def test_a_decision_on_the_way_weighs_what_is_left_and_not_the_whole() -> None:
    lines = [
        created("Mon 09:00", tier="silver", seats=200),
        changed("Mon 09:30", status="pending"),
        changed("Mon 12:30", status="open"),
        changed("Mon 13:00", tier="gold"),
        asks("Mon 13:30"),
    ]
    clock = next(c for c in account(many(), lines, "Mon 13:45")["clocks"] if c["stage"] == "enforce")
    assert clock["policy"] == "Gold"
    assert (clock["decision"]["at"], clock["decision"]["when"]) == (
        instant("Mon 13:00"), "when its terms were last weighed again",
    )  # fmt: skip
    assert clock["decision"]["due_at"] == instant("Mon 14:00")  # one hour of two was gone
    assert others(clock)["House"] == "it would be due 2026-03-02T16:00:00Z, not before 2026-03-02T14:00:00Z"


def test_a_policy_that_began_to_match_late_was_decided_then() -> None:
    document = promise("resolution", "4h", when={"tier": "gold"})
    lines = [created("Mon 10:00"), changed("Mon 11:00", subject="x"), changed("Mon 12:00", tier="gold")]
    clock = only(document, lines, "Mon 13:00")
    assert (clock["started_at"], clock["decision"]["at"], clock["decision"]["when"]) == (
        instant("Mon 10:00"), instant("Mon 12:00"), "at its start",
    )  # fmt: skip


def test_a_clock_that_only_a_merged_wait_began_was_decided_on_what_the_record_was_then() -> None:
    lines = [created("Mon 10:00", actor="user:3", tier="gold")]
    wait = Wait(parse_instant(instant("Mon 12:00")), parse_instant(instant("Mon 11:00")))
    document = config(
        policy(target("next_response", "4h"), when={"tier": "gold"}),
        policy(target("next_response", "2h"), name="Silver", when={"tier": "silver"}),
    )
    clock = only(document, lines, "Mon 13:00", waits=[wait])
    assert clock["decision"]["at"] == clock["started_at"] == instant("Mon 11:00")
    assert others(clock) == {"Silver": 'its conditions do not hold: tier is "gold", wanted "silver"'}


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"source": "Web"}, 'source is empty, wanted "Web"'),
        ({"tier": {"not": "silver"}}, 'tier is "silver", wanted not "silver"'),
        ({"tier": {"in": ["a", "b"]}}, 'tier is "silver", wanted one of "a", "b"'),
        ({"seats": {"gt": 10, "lt": 20}}, "seats is 10, wanted > 10 and < 20"),
        ({"source": {"exists": True}}, "source is empty, wanted any value"),
        ({"tier": {"exists": False}}, 'tier is "silver", wanted no value'),
        ({"tier": {"starts_with": "g"}}, 'tier is "silver", wanted starting with "g"'),
        ({"tier": "silver", "all": [{"seats": 10}, {"seats": 11}]}, "seats is 10, wanted 11"),
        (
            {"any": [{"seats": 11}, {"tier": "gold", "seats": 12}]},
            'none of these: seats is 10, wanted 11; or tier is "silver", wanted "gold" and seats is 10, wanted 12',
        ),
        ({"not": {"tier": "silver", "all": [{"seats": 10}]}}, 'this must not be: tier is "silver" and seats is 10'),
    ],
)
def test_a_condition_that_does_not_hold_is_told_field_by_field(when: dict[str, Any], words: str) -> None:
    document = config(policy(target("resolution", "4h")), policy(target("resolution", "2h"), name="Other", when=when))
    clock = only(document, [created("Mon 10:00", tier="silver", seats=10)], "Mon 11:00")
    assert others(clock) == {"Other": f"its conditions do not hold: {words}"}


def test_a_stretched_promise_tells_by_what_and_who_approved_it() -> None:
    document = promise("resolution", "4h")
    document["adjustments"] = [
        {"name": "Black Friday", "from": "2026-03-02", "until": "2026-03-02", "factor": 1.5, "reason": "the rush",
         "approved_by": "user:9"},
    ]  # fmt: skip
    clock = only(document, [created("Mon 10:00")], "Mon 11:00")
    assert clock["adjustments"] == [
        {"name": "Black Friday", "factor": 1.5, "reason": "the rush", "approved_by": "user:9", "from_s": 4 * HOUR,
         "to_s": 6 * HOUR},
    ]  # fmt: skip
    assert clock["within_s"] == 6 * HOUR


def test_a_derived_priority_tells_the_rule_and_the_change_that_it_made() -> None:
    document = promise("resolution", {"urgent": "4h", "normal": "20h"})
    document["derive"] = [
        {"name": "Outage", "field": "priority", "value": "urgent", "when": {"subject": {"contains": "outage"}}},
    ]  # fmt: skip
    found = account(document, [created("Mon 10:00"), changed("Mon 11:00", subject="An outage!")], "Mon 12:00")
    [clock] = found["clocks"]
    assert clock["decision"]["derived"] == {"priority": {"value": "urgent", "rule": "Outage"}}
    assert found["derived"] == {"priority": "Outage"}
    assert found["timeline"][1]["derived"] == {"priority": "Outage"}
    [change] = clock["changes"]
    assert change == {
        "at": instant("Mon 11:00"), "why": "terms", "fields": {"priority": {"before": None, "after": "urgent"}},
        "policy_before": "Support", "policy": "Support", "within_before_s": 20 * HOUR, "within_s": 4 * HOUR,
        "due_before_at": instant("Wed 14:00"), "due_at": instant("Mon 14:00"), "floored": False,
    }  # fmt: skip


def test_a_record_that_went_over_to_another_version_tells_both() -> None:
    old, new = Policies.from_config(promise("resolution", "20h")), Policies.from_config(promise("resolution", "6h"))
    events = [event_from_mapping(created("Mon 10:00"))]
    move = Move(parse_instant(instant("Mon 11:00")), new, "all")
    found = explain_record(old, events, parse_instant(instant("Mon 12:00")), (), [move])
    [clock] = found["clocks"]
    assert found["policy_version"] == clock["policy_version"] == new.version != old.version
    assert (clock["changes"][0]["why"], clock["changes"][0]["due_at"]) == ("version", instant("Mon 16:00"))
    assert clock["decision"]["at"] == instant("Mon 11:00")


# ---- the whole of it


def test_the_account_of_a_small_record_to_the_letter() -> None:
    document = promise("first_response", "1h", steps=[{"at": "50%", "notify": "owner"}])
    lines = [
        created("Mon 10:00", id="a", owner="queue:Support"),
        reply("Mon 10:40:00.250", id="b"),
    ]
    found = account(document, lines, "Mon 12:00")
    versions = Policies.from_config(document)
    parts = [{"from": instant("Mon 10:00"), "to": "2026-03-02T10:40:00.250Z", "working_s": 2400.25}]
    whole = {"working_s": 2400.25, "parts": parts}
    answered = {key: value for key, value in lines[1].items() if key != "public"}  # as it is anyway
    step = {"at": "50%", "instant": instant("Mon 10:30"), "reached": True}
    assert found == {
        "record": "desk:ticket:1", "kind": "ticket", "now": instant("Mon 12:00"),
        "first_seen_at": instant("Mon 10:00"), "policy_version": versions.version,
        "fields": {"status": "new", "owner": "queue:Support"}, "derived": {},
        "timeline": [
            {**lines[0], "counts_as": ["started first_response #1"], "signals": ["created", "somebody began to wait"]},
            {**answered, "counts_as": ["stopped first_response #1 (met)"], "signals": ["answer"]},
        ],
        "all_clocks": ["first_response#1"],
        "clocks": [{
            "record": "desk:ticket:1", "policy": "Support", "target": "first_response", "cycle": 1,
            "state": "stopped", "outcome": "met", "started_at": instant("Mon 10:00"), "due_at": instant("Mon 11:00"),
            "completed_at": "2026-03-02T10:40:00.250Z", "breached_at": None, "within_s": 3600, "elapsed_s": 2400.25,
            "paused_s": 0, "remaining_s": 1199.75, "late_s": 0, "reason": None,
            "spent": {"system": 0, "queue:Support": 2400.25}, "stage": "enforce",
            "policy_version": versions.version, "calendar": "office",
            "calendar_version": versions.calendars["office"].version, "timezone": "UTC",
            "ended_at": "2026-03-02T10:40:00.250Z", "budget_s": 3600,
            "intervals": [{
                "from": instant("Mon 10:00"), "to": "2026-03-02T10:40:00.250Z", "kind": "running", "cause": "running",
                "counts": True, "working_s": 2400.25, "holder": "queue:Support",
            }],
            "sums": {
                "elapsed": whole, "spent": {"system": {"working_s": 0, "parts": []}, "queue:Support": whole},
                "paused": {}, "left_out": {}, "excused": {"working_s": 0, "parts": []},
                "due": {"working_s": 3600, "parts": [{**parts[0], "to": instant("Mon 11:00"), "working_s": 3600}]},
                "whole_s": 2400.25,
            },
            "steps": [{
                **step, "threshold_s": 1800, "armed_again": 0, "why": "30m of working time had gone by",
                "actions": {"notify": "owner"},
            }],
            "changes": [], "adjustments": [],
            "decision": {
                "at": instant("Mon 10:00"), "when": "at its start", "match": "strictest",
                "due_at": instant("Mon 11:00"), "derived": {},
            },
            "other_policies": [],
        }],
        "picture": {"lanes": [{
            "clock": "first_response #1", "policy": "Support", "outcome": "met", "timezone": "UTC",
            "from": instant("Mon 10:00"), "to": instant("Mon 11:00"), "scale": 1.0,
            "bars": [{
                "from": instant("Mon 10:00"), "to": "2026-03-02T10:40:00.250Z", "kind": "running", "cause": "running",
                "counts": True, "working_s": 2400.25, "holder": "queue:Support", "x": 0.0, "x_end": 0.666736,
            }],
            "marks": [
                {"at": instant("Mon 10:00"), "kind": "event", "label": "started", "x": 0.0},
                {"at": instant("Mon 10:30"), "kind": "reached", "label": "50%", "x": 0.5},
                {"at": "2026-03-02T10:40:00.250Z", "kind": "event", "label": "stopped", "x": 0.666736},
                {"at": instant("Mon 11:00"), "kind": "due", "label": "due", "x": 1.0},
            ],
            "midnights": [],
        }]},
    }  # fmt: skip


def test_the_picture_of_a_clock_that_is_overdue_marks_the_breach_and_now() -> None:
    [lane] = account(promise("first_response", "1h"), [created("Mon 10:00")], "Mon 12:00")["picture"]["lanes"]
    assert [(mark["at"], mark["kind"], mark["label"], mark["x"]) for mark in lane["marks"]] == [
        (instant("Mon 10:00"), "event", "started", 0.0),
        (instant("Mon 11:00"), "breach", "due, missed", 0.5),
        (instant("Mon 12:00"), "now", "now", 1.0),
    ]


# ---- the margin of the timeline


def margin(document: dict[str, Any], lines: list[dict[str, Any]], now: str) -> list[list[str]]:
    return [line["counts_as"] for line in account(document, lines, now)["timeline"]]


def test_each_event_is_told_with_what_it_did_to_which_clock() -> None:
    lines = [
        created("Mon 10:00"), reply("Mon 10:30"), changed("Mon 11:00", status="pending"), asks("Mon 12:00"),
        changed("Mon 13:00", status="resolved"), changed("Mon 14:00", status="open", actor="customer:7"),
        event("Mon 15:00", "deleted"),
    ]  # fmt: skip
    document = config(policy(target("first_response", "1h"), target("resolution", "40h")))
    assert margin(document, lines, "Mon 16:00") == [
        ["started first_response #1", "started resolution #1"],
        ["stopped first_response #1 (met)"],
        ["paused resolution #1"],
        ["resumed resolution #1"],
        ["stopped resolution #1"],
        ["reopened resolution #1"],
        ["cancelled resolution #1 (deleted)"],
    ]


def test_of_several_events_of_one_instant_the_one_that_can_have_done_it_is_told() -> None:
    lines = [
        created("Mon 10:00", id="a"),
        changed("Mon 11:00", subject="x", id="b"),
        reply("Mon 11:00", id="c"),
        changed("Mon 11:00", subject="y", id="d"),
    ]
    told = margin(promise("first_response", "4h"), lines, "Mon 12:00")
    assert told == [["started first_response #1"], [], ["stopped first_response #1 (met)"], []]


@pytest.mark.parametrize(
    ("before", "first", "doer", "words"),
    [
        ([reply("Mon 10:10")], changed("Mon 11:00", subject="x"), asks("Mon 11:00"), "started next_response #1"),
        ([reply("Mon 10:10"), asks("Mon 10:20")], changed("Mon 11:00", subject="x"), event("Mon 11:00", "merged",
         into="desk:ticket:2"), "cancelled next_response #1 (merged)"),
        ([changed("Mon 10:30", status="pending")], reply("Mon 11:00"), asks("Mon 11:00"), "resumed resolution #1"),
        ([changed("Mon 10:30", status="resolved")], reply("Mon 11:00"), changed("Mon 11:00", status="open"),
         "reopened resolution #1"),
        ([event("Mon 10:30", "deleted")], reply("Mon 11:00"), event("Mon 11:00", "restored"), "restored resolution #1"),
        ([], changed("Mon 11:00", subject="x"), event("Mon 11:00", "extended", until=instant("Fri 12:00"),
         target="resolution"), "extended resolution #1"),
    ],
)  # fmt: skip
def test_a_change_beside_it_is_not_taken_for_the_doer(before: Any, first: Any, doer: Any, words: str) -> None:
    document = config(policy(target("next_response", "4h"), target("resolution", "8h")))
    lines = [created("Mon 10:00"), *before, {**first, "id": "x1"}, {**doer, "id": "x2"}]
    told = account(document, lines, "Mon 12:00")["timeline"]
    assert words in told[-1]["counts_as"]
    assert words not in told[-2]["counts_as"]


def test_what_is_no_answer_at_the_very_start_and_end_is_told_while_the_clock_runs_only() -> None:
    lines = [
        created("Mon 10:00", id="a"),
        activity("Mon 10:00", "call", outcome="busy", id="b"),
        reply("Mon 11:00", id="c"),
        activity("Mon 11:00", "call", outcome="busy", id="d"),
    ]
    told = account(promise("first_response", "4h"), lines, "Mon 12:00")["timeline"]
    assert [list(line.get("not_an_answer_for", {})) for line in told] == [[], ["first_response"], [], []]


def test_what_looked_like_an_answer_is_told_with_the_reason() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"),
        reply("Mon 10:10", actor="bot:1"),
        reply("Mon 10:20", public=False),
        reply("Mon 10:30", automated=True),
        activity("Mon 10:40", "call", outcome="no answer"),
        changed("Mon 10:50", status="open", owner="user:4"),
        reply("Mon 11:00", actor="user:3"),
    ]
    document = config(policy(target("first_response", "1h"), target("owner_response", "1h")))
    found = account(document, lines, "Mon 12:00")["timeline"]
    both = ["first_response", "owner_response"]
    assert [line.get("not_an_answer") for line in found] == [
        None, "sent by bot, not by a person", "an internal note", None, None, None, None,
    ]  # fmt: skip
    sequence = "a sequence or automatic e-mail, which this policy does not count"
    call = "a call attempt, which this policy does not count"
    assert found[3]["not_an_answer_for"] == dict.fromkeys(both, sequence)
    assert found[4]["not_an_answer_for"] == dict.fromkeys(both, call)
    assert found[6]["not_an_answer_for"] == {"owner_response": "not by the owner"}


def test_a_wait_that_a_merged_record_brought_begins_without_an_event_of_its_own() -> None:
    wait = Wait(parse_instant(instant("Mon 12:00")), parse_instant(instant("Mon 10:00")))
    clock = only(promise("first_response", "4h"), [created("Mon 11:00")], "Mon 13:00", waits=[wait])
    assert causes(clock)[0][0].startswith("Mon 10:00-")
    assert [change["why"] for change in clock["changes"]] == ["merged"]


# ---- steps


def test_each_step_tells_its_threshold_in_working_time_and_why_it_was_reached_or_not() -> None:
    steps = [{"at": "50%", "notify": "owner"}, {"at": "-30m", "notify": "owner"}, {"at": "+1h", "notify": "manager"}]
    lines = [created("Mon 10:00"), changed("Mon 13:00", status="pending")]
    running = only(promise("resolution", "4h", steps=steps), lines[:1], "Mon 12:30")["steps"]
    assert [(s["at"], s["threshold_s"], s["reached"], s["why"]) for s in running] == [
        ("50%", 2 * HOUR, True, "2h of working time had gone by"),
        ("-30m", 12_600, False, "2h30m of 3h30m have gone by"),
        ("+1h", 5 * HOUR, False, "2h30m of 5h have gone by"),
    ]
    paused = only(promise("resolution", "4h", steps=steps), lines, "Mon 15:00")["steps"]
    assert paused[1]["why"] == "the clock is paused after 3h, before 3h30m"
    stopped = only(
        promise("resolution", "4h", steps=steps), [lines[0], changed("Mon 11:00", status="resolved")], "Tue 12:00"
    )
    assert stopped["steps"][0]["why"] == "the clock ended after 1h, before 2h"


def test_a_step_that_was_reached_before_the_terms_changed_says_so() -> None:
    steps = [{"at": "50%", "notify": "owner"}]
    lines = [created("Mon 09:00", priority="high"), changed("Mon 12:00", priority="urgent")]
    clock = only(promise("resolution", {"high": "4h", "urgent": "3h30m"}, steps=steps), lines, "Mon 12:30")
    assert (clock["steps"][0]["instant"], clock["steps"][0]["why"]) == (
        instant("Mon 11:00"),
        "reached on earlier terms",
    )


# ---- narrowing and the picture


def test_only_the_clocks_that_were_asked_for_are_told() -> None:
    lines = [created("Mon 10:00"), reply("Mon 10:10"), asks("Mon 11:00"), reply("Mon 11:30"), asks("Mon 12:00")]
    document = config(policy(target("first_response", "1h"), target("next_response", "1h")))

    def names(*wanted: tuple[str, int | None]) -> list[str]:
        found = account(document, lines, "Mon 13:00", only=wanted)
        assert found["all_clocks"] == ["first_response#1", "next_response#1", "next_response#2"]
        assert len(found["picture"]["lanes"]) == len(found["clocks"])
        return [f"{clock['target']}#{clock['cycle']}" for clock in found["clocks"]]

    assert names(("next_response", None)) == ["next_response#1", "next_response#2"]
    assert names(("next_response", 2), ("first_response", None)) == ["first_response#1", "next_response#2"]
    assert names(("nothing", None)) == []


def test_in_the_picture_time_that_does_not_count_takes_at_most_half_of_a_lane() -> None:
    found = account(
        promise("first_response", "1h"), [created("Fri 16:50", owner="user:3"), reply("Mon+1 09:10")], "Tue+1 09:00"
    )
    [lane] = found["picture"]["lanes"]
    assert lane["scale"] == 194  # 64 h 40 min around 20 min that count
    running = [bar for bar in lane["bars"] if bar["counts"]]
    assert sum(bar["x_end"] - bar["x"] for bar in running) == pytest.approx(0.5, abs=1e-5)
    assert lane["bars"][0]["x"] == 0
    assert {mark["label"]: mark["at"] for mark in lane["marks"]} == {
        "started": instant("Fri 16:50"), "stopped": instant("Mon+1 09:10"), "due": instant("Mon+1 09:50"),
    }  # fmt: skip
    assert [midnight["at"] for midnight in lane["midnights"]] == [
        instant("Sat 00:00"), instant("Sun 00:00"), instant("Mon+1 00:00"),
    ]  # fmt: skip


def test_a_record_without_a_clock_is_accounted_for_as_well() -> None:
    found = account(promise("resolution", "1h", when={"tier": "gold"}), [created("Mon 10:00")], "Mon 11:00")
    assert (found["clocks"], found["picture"], found["timeline"][0]["counts_as"]) == ([], {"lanes": []}, [])
    nothing = account(promise("resolution", "1h"), [created("Mon 10:00")], "Mon 09:00")
    assert (nothing["clocks"], nothing["timeline"], nothing["first_seen_at"]) == ([], [], None)
