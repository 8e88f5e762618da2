"""What an account says at its edges: deletions, excuses, promises that end, steps, marks and midnights."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import activity, asks, changed, config, created, event, instant, policy, promise, reply, target

from sla.account.explain import explain_record
from sla.fold import Move, Wait
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3_600


def at(text: str) -> int:
    return parse_instant(instant(text))


def account(document: dict[str, Any], lines: list[dict[str, Any]], now: str, **more: Any) -> dict[str, Any]:
    return explain_record(Policies.from_config(document), [event_from_mapping(line) for line in lines], at(now), **more)


def only(document: dict[str, Any], lines: list[dict[str, Any]], now: str, **more: Any) -> dict[str, Any]:
    [clock] = account(document, lines, now, **more)["clocks"]
    return clock


def lane_of(document: dict[str, Any], lines: list[dict[str, Any]], now: str) -> dict[str, Any]:
    [lane] = account(document, lines, now)["picture"]["lanes"]
    return lane


def margin(document: dict[str, Any], lines: list[dict[str, Any]], now: str) -> list[list[str]]:
    return [line["counts_as"] for line in account(document, lines, now)["timeline"]]


def marks(lane: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each mark as ("11:00", kind, label)."""
    return [(mark["at"][11:16], mark["kind"], mark["label"]) for mark in lane["marks"]]


def spans(clock: dict[str, Any]) -> list[tuple[str, str, str, str, float]]:
    return [(i["from"][8:16], i["to"][8:16], i["kind"], i["cause"], i["working_s"]) for i in clock["intervals"]]


# ---- the margin of the timeline


def test_a_deletion_and_what_took_it_back_are_both_told() -> None:
    lines = [created("Mon 10:00"), event("Mon 11:00", "deleted"), event("Mon 12:00", "restored")]
    document = promise("resolution", "8h")
    assert margin(document, lines, "Mon 13:00") == [
        ["started resolution #1"], ["cancelled resolution #1"], ["restored resolution #1"],
    ]  # fmt: skip
    assert marks(lane_of(document, lines, "Mon 13:00")) == [
        ("10:00", "event", "started"), ("11:00", "event", "cancelled"), ("12:00", "event", "restored"),
        ("13:00", "now", "now"), ("11:00", "due", "due"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (event("Mon 11:00", "deleted"), "cancelled resolution #1 (deleted)"),
        (event("Mon 11:00", "merged", into="desk:ticket:2"), "cancelled resolution #1 (merged)"),
        (event("Mon 11:00", "disqualified"), "cancelled resolution #1 (disqualified)"),
        (event("Mon 11:00", "converted", into="desk:ticket:9", actor="workflow:1"),
         "cancelled resolution #1 (converted)"),
        (changed("Mon 11:00", tier="silver"), "cancelled resolution #1 (policy)"),
        (changed("Mon 11:00", status="resolved"), "stopped resolution #1 (met)"),
    ],
)  # fmt: skip
def test_an_end_is_told_with_its_reason_at_the_event_that_brought_it(line: dict[str, Any], words: str) -> None:
    lines = [
        created("Mon 10:00", tier="gold"),
        {**reply("Mon 11:00"), "id": "x1"}, {**line, "id": "x2"}, {**asks("Mon 11:00"), "id": "x3"},
    ]  # fmt: skip
    document = promise("resolution", "4h", when={"tier": "gold"})
    assert margin(document, lines, "Mon 12:00") == [["started resolution #1"], [], [words], []]


def test_a_clock_that_is_only_tried_out_says_so_and_one_that_was_missed_too() -> None:
    document = promise("resolution", "30m", stage="shadow")
    lines = [created("Mon 10:00"), changed("Mon 11:00", status="resolved")]
    assert margin(document, lines, "Mon 12:00") == [
        ["started resolution #1 (tried out)"], ["stopped resolution #1 (missed, tried out)"],
    ]  # fmt: skip


def test_a_change_of_terms_is_told_at_the_field_and_marked_in_the_picture() -> None:
    document = promise("resolution", {"normal": "4h", "urgent": "2h"})
    lines = [
        created("Mon 10:00", id="a"), reply("Mon 11:00", id="b"), changed("Mon 11:00", priority="urgent", id="c"),
    ]  # fmt: skip
    assert margin(document, lines, "Mon 11:30") == [
        ["started resolution #1"], [], ["changed the terms of resolution #1"],
    ]  # fmt: skip
    assert marks(lane_of(document, lines, "Mon 11:30")) == [
        ("10:00", "event", "started"), ("11:00", "event", "terms changed"), ("11:30", "now", "now"),
        ("12:00", "due", "due"),
    ]  # fmt: skip


def test_a_pause_that_changes_its_reason_is_one_pause() -> None:
    lines = [
        created("Mon 10:00"), changed("Mon 11:00", status="pending"), changed("Mon 12:00", status="on_hold"),
        changed("Mon 13:00", status="open"),
    ]  # fmt: skip
    assert margin(promise("resolution", "8h"), lines, "Mon 14:00") == [
        ["started resolution #1"], ["paused resolution #1"], [], ["resumed resolution #1"],
    ]  # fmt: skip


def test_signals_are_told_in_words_and_events_that_mean_nothing_have_none() -> None:
    lines = [
        created("Mon 10:00", owner="queue:1"),
        changed("Mon 10:10", owner="user:3"),
        changed("Mon 10:20", owner="user:4", status="open"),
        activity("Mon 10:30", "call", outcome="busy"),
        reply("Mon 10:40", automated=True),
        changed("Mon 10:50", status="pending"),
        asks("Mon 11:00"),
        changed("Mon 11:10", status="resolved"),
        changed("Mon 11:20", status="open"),
        event("Mon 11:30", "excused", **{"from": instant("Mon 10:00"), "until": instant("Mon 10:05")}),
        event("Mon 11:40", "extended", until=instant("Fri 10:00")),
        activity("Mon 11:50", "note"),
    ]
    found = account(promise("resolution", "8h"), lines, "Mon 12:00")["timeline"]
    assert [line["signals"] for line in found] == [
        ["created", "somebody began to wait"],
        ["a person became the owner", "the owner changed"],
        ["moved out of new by a person", "a person became the owner", "the owner changed"],
        ["call attempt"],
        ["sequence or automatic e-mail"],
        ["the wait for the customer began"],
        ["customer message", "the wait for the customer ended"],
        ["resolved by a person", "resolved"],
        ["reopened"],
        ["a span was excused"],
        ["due was extended"],
        [],
    ]
    assert [line.get("not_an_answer") for line in found] == [None] * 11 + ["a note reaches nobody"]


def test_a_status_change_that_a_policy_does_not_count_is_no_answer_for_it() -> None:
    lines = [created("Mon 10:00", owner="user:3"), changed("Mon 10:10", status="open")]
    document = config(policy(
        target("first_response", "4h", answers=["call_attempt"]), target("resolution", "8h"),
        target("first_response", "4h", name="kind", answers=["status_change"]),
        target("owner_response", "4h", name="own", answers=["status_change"]),
    ))  # fmt: skip
    found = account(document, lines, "Mon 12:00")["timeline"][1]
    assert found["not_an_answer_for"] == {
        "first_response": "moved out of new by a person, which this policy does not count",
    }  # fmt: skip
    assert found["counts_as"] == ["stopped kind #1 (met)", "stopped own #1 (met)"]


def test_whose_answer_it_was_matters_only_where_the_owner_has_to_answer() -> None:
    lines = [created("Mon 10:00", owner="user:3"), reply("Mon 10:10", actor="user:5")]
    document = config(policy(target("update_every", "4h"), target("owner_response", "4h")))
    found = account(document, lines, "Mon 12:00")["timeline"][1]
    assert found["not_an_answer_for"] == {"owner_response": "not by the owner"}
    assert found["counts_as"] == ["started update_every #1"]


# ---- causes


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        ({}, "excused"),
        ({"by": "user:9"}, "excused (by user:9)"),
        ({"reason": "fire drill"}, "excused: fire drill"),
        ({"reason": "fire drill", "by": "user:9"}, "excused: fire drill (by user:9)"),
    ],
)
def test_an_excuse_is_told_with_as_many_words_as_it_came_with(words: dict[str, str], cause: str) -> None:
    excuse = event(
        "Mon 11:00", "excused", **{"from": instant("Mon 10:00"), "until": instant("Mon 10:30"), **words}
    )  # fmt: skip
    clock = only(promise("resolution", "4h"), [created("Mon 10:00", owner="user:3"), excuse], "Mon 11:00")
    assert spans(clock) == [
        ("02T10:00", "02T10:30", "excused", cause, 1800),
        ("02T10:30", "02T11:00", "running", "running", 1800),
    ]


def test_of_excuses_that_overlap_the_earlier_is_told_and_an_excuse_goes_before_a_lag() -> None:
    def excuse(start: str, end: str, why: str) -> dict[str, Any]:
        return event(
            "Mon 12:00", "excused", **{"from": instant(start), "until": instant(end), "reason": why, "id": why}
        )

    lines = [
        created("Mon 10:00", owner="user:3", seen=instant("Mon 10:30")),
        excuse("Mon 10:20", "Mon 11:00", "late"), excuse("Mon 10:10", "Mon 10:40", "early"),
    ]  # fmt: skip
    clock = only(promise("resolution", "4h"), lines, "Mon 12:00")
    assert spans(clock) == [
        ("02T10:00", "02T10:10", "source lag", "source lag: not seen here yet", 600),
        ("02T10:10", "02T10:30", "excused", "excused: early", 1200),
        ("02T10:30", "02T10:40", "excused", "excused: early", 600),
        ("02T10:40", "02T11:00", "excused", "excused: late", 1200),
        ("02T11:00", "02T12:00", "running", "running", HOUR),
    ]
    assert [i["holder"] for i in clock["intervals"]] == ["system", "system", "user:3", "user:3", "user:3"]


def test_a_closed_day_is_of_the_kind_before_the_colon() -> None:
    document = promise("resolution", "8h")
    document["maintenance"] = [
        {"name": "Move: part two", "from": instant("Mon 11:00"), "until": instant("Mon 12:00"), "reason": "r",
         "approved_by": "m"},
    ]  # fmt: skip
    clock = only(document, [created("Mon 10:30", owner="user:3")], "Mon 12:30")
    assert spans(clock)[1] == ("02T11:00", "02T12:00", "maintenance", "maintenance: Move: part two", 0)
    assert "holder" not in clock["intervals"][1]
    assert "openings" not in clock["intervals"][1]


def test_an_event_in_a_pause_that_changes_nothing_of_it_does_not_cut_it() -> None:
    lines = [
        created("Mon 16:00", owner="user:3"), changed("Mon 16:30", status="pending"),
        changed("Mon 16:45", subject="x"), changed("Tue 09:30", subject="y"),
    ]  # fmt: skip
    clock = only(promise("resolution", "8h"), lines, "Tue 10:00")
    assert spans(clock)[1:] == [("02T16:30", "03T10:00", "waiting on customer", "paused: pending", 5400)]
    assert clock["intervals"][1]["openings"] == [
        {"from": instant("Mon 16:30"), "to": instant("Mon 17:00"), "working_s": 1800},
        {"from": instant("Tue 09:00"), "to": instant("Tue 10:00"), "working_s": 3600},
    ]


def test_a_field_that_is_empty_text_is_called_empty_in_a_pause() -> None:
    document = promise("resolution", "8h", pause={"blocked": {"not": "no"}})
    lines = [created("Mon 10:00", blocked="no"), changed("Mon 11:00", blocked=""), changed("Mon 12:00", blocked="7")]
    causes = [cause for _, _, _, cause, _ in spans(only(document, lines, "Mon 13:00"))]
    assert causes[1:] == ["paused: blocked empty", "paused: blocked 7"]


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        (changed("Mon 11:00", status="resolved"), event("Mon 11:00", "deleted"), "resolved"),
        (event("Mon 11:00", "deleted"), changed("Mon 11:00", status="resolved"), "deleted"),
        (reply("Mon 11:00"), event("Mon 11:00", "deleted"), "deleted"),
    ],
)
def test_of_two_ends_in_one_instant_the_first_names_the_gap(first: Any, second: Any, kind: str) -> None:
    lines = [
        created("Mon 10:00"), {**first, "id": "x1"}, {**second, "id": "x2"}, event("Mon 12:00", "restored"),
        changed("Mon 12:00", status="open", id="y"),
    ]  # fmt: skip
    clock = only(promise("resolution", "8h"), lines, "Mon 13:00")
    assert [span[2] for span in spans(clock)][1] == kind


# ---- sums up to due


@pytest.mark.parametrize(
    ("lines", "parts"),
    [
        ([created("Mon 16:00")], [("Mon 16:00", "Mon 17:00"), ("Tue 09:00", "Tue 10:00")]),
        ([created("Mon 16:00"), changed("Tue 09:30", status="resolved")],
         [("Mon 16:00", "Mon 17:00"), ("Tue 09:00", "Tue 10:00")]),
        ([created("Mon 16:00"), event("Mon 16:30", "extended", until=instant("Wed 09:00"))],
         [("Mon 16:00", "Mon 17:00"), ("Tue 09:00", "Tue 17:00")]),
        ([created("Mon 16:00"), changed("Mon 16:30", status="pending")], None),
        ([created("Mon 15:00"), changed("Mon 15:30", status="pending"), changed("Mon 16:00", status="open")],
         [("Mon 15:00", "Mon 15:30"), ("Mon 16:00", "Mon 17:00"), ("Tue 09:00", "Tue 09:30")]),
    ],
)  # fmt: skip
def test_the_parts_up_to_due_end_at_due(lines: list[dict[str, Any]], parts: list[tuple[str, str]] | None) -> None:
    for now in ("Mon 16:45", "Thu 10:00"):
        due = only(promise("resolution", "2h"), lines, now)["sums"]["due"]
        told = None if due is None else [(part["from"], part["to"]) for part in due["parts"]]
        assert told == (None if parts is None else [(instant(a), instant(b)) for a, b in parts])


# ---- decisions


def test_a_clock_that_ended_because_nothing_is_promised_any_more_has_no_due_to_compare() -> None:
    document = config(
        policy(target("resolution", {"normal": "4h"})),
        policy(target("resolution", "8h"), name="Elsewhere", when={"priority": "urgent"}),
        policy(target("resolution", {"normal": "8h"}), name="Slack"),
    )
    document["adjustments"] = [
        {"name": "Sale", "from": "2026-03-02", "until": "2026-03-02", "factor": 1.5, "reason": "r",
         "approved_by": "m"},
    ]  # fmt: skip
    clock = only(document, [created("Mon 10:00"), changed("Mon 11:00", priority="low")], "Mon 12:00")
    assert (clock["reason"], clock["ended_at"]) == ("policy", instant("Mon 11:00"))
    assert (clock["decision"]["at"], clock["decision"]["due_at"]) == (instant("Mon 11:00"), None)
    assert clock["adjustments"] == []
    assert [(other["policy"], other["why_not"]) for other in clock["other_policies"]] == [
        ("Elsewhere", 'its conditions do not hold: priority is "low", wanted "urgent"'),
        ("Slack", "it promises nothing at priority low"),
    ]


def test_a_policy_that_is_tried_out_and_one_that_counts_do_not_compete() -> None:
    document = config(
        policy(target("resolution", "4h"), name="House", when={"tier": "gold"}),
        policy(target("resolution", "1h"), name="Trial", when={"tier": ["gold", "silver"]}, stage="shadow"),
    )
    found = account(document, [created("Mon 10:00", tier="gold")], "Mon 10:30")
    assert [(c["policy"], c["stage"], c["other_policies"]) for c in found["clocks"]] == [
        ("House", "enforce", [{
            "policy": "Trial", "why_not": "it is only tried out (stage shadow)", "due_at": instant("Mon 11:00"),
            "mismatches": [],
        }]),
        ("Trial", "shadow", [{
            "policy": "House", "due_at": instant("Mon 14:00"), "mismatches": [],
            "why_not": "it competes for the clocks that count, and this one is only tried out (stage shadow)",
        }]),
    ]  # fmt: skip


def test_a_change_at_the_very_breach_is_weighed_and_one_after_it_is_not() -> None:
    document = promise("resolution", "1h")
    for when, weighed in (("Mon 11:00", "Mon 11:00"), ("Mon 11:00:00.001", "Mon 10:00")):
        clock = only(document, [created("Mon 10:00"), changed(when, priority="normal")], "Mon 12:00")
        assert clock["breached_at"] == instant("Mon 11:00")
        assert clock["decision"]["at"] == instant(weighed)


def test_two_periods_stretch_a_promise_one_after_the_other() -> None:
    document = promise("resolution", "4h")
    document["adjustments"] = [
        {"name": name, "from": "2026-03-02", "until": "2026-03-02", "factor": factor, "reason": name.lower(),
         "approved_by": "m"}
        for name, factor in (("Sale", 1.5), ("Flu", 2))
    ]  # fmt: skip
    clock = only(document, [created("Mon 10:00")], "Mon 11:00")
    assert [(a["name"], a["factor"], a["from_s"], a["to_s"]) for a in clock["adjustments"]] == [
        ("Sale", 1.5, 4 * HOUR, 6 * HOUR), ("Flu", 2, 6 * HOUR, 12 * HOUR),
    ]  # fmt: skip


def test_only_the_derived_fields_that_somebody_looks_at_are_part_of_a_decision() -> None:
    document = promise("resolution", "4h", when={"region": "north"})
    document["derive"] = [
        {"name": "Near", "field": "region", "value": "north", "when": {"city": "Kiel"}},
        {"name": "Gold", "field": "tier", "value": "gold", "when": {"city": "Kiel"}},
    ]
    clock = only(document, [created("Mon 10:00", city="Kiel")], "Mon 11:00")
    assert clock["decision"]["derived"] == {"region": {"value": "north", "rule": "Near"}}


# ---- versions and changes


def test_moves_are_taken_in_order_of_time_and_those_still_to_come_are_not() -> None:
    versions = {hours: Policies.from_config(promise("resolution", f"{hours}h")) for hours in (4, 5, 6, 7)}
    moves = [
        Move(at("Mon 12:00"), versions[6], "all"), Move(at("Mon 11:00"), versions[5], "all"),
        Move(at("Mon 12:00:00.001"), versions[7], "all"),
    ]  # fmt: skip
    events = [event_from_mapping(created("Mon 10:00"))]
    found = explain_record(versions[4], events, at("Mon 12:00"), (), moves)
    [clock] = found["clocks"]
    assert found["policy_version"] == clock["policy_version"] == versions[6].version
    assert [(c["at"], c["within_before_s"], c["within_s"]) for c in clock["changes"]] == [
        (instant("Mon 11:00"), 4 * HOUR, 5 * HOUR), (instant("Mon 12:00"), 5 * HOUR, 6 * HOUR),
    ]  # fmt: skip
    assert (clock["decision"]["at"], clock["decision"]["when"]) == (
        instant("Mon 12:00"), "when its terms were last weighed again",
    )  # fmt: skip


def test_a_clock_that_stayed_behind_is_explained_by_its_own_version() -> None:
    old = Policies.from_config(config(policy(target("resolution", "4h"), name="Old")))
    new = Policies.from_config(config(policy(target("resolution", "6h"), name="New")))
    events = [event_from_mapping(created("Mon 10:00"))]
    found = explain_record(old, events, at("Mon 12:00"), (), [Move(at("Mon 11:00"), new, "new")])
    [clock] = found["clocks"]
    assert (found["policy_version"], clock["policy_version"]) == (new.version, old.version)
    assert (clock["decision"]["at"], clock["changes"], clock["other_policies"]) == (instant("Mon 10:00"), [], [])


def test_a_change_with_the_first_event_has_no_before_and_one_that_came_too_near_is_floored() -> None:
    document = promise("resolution", {"normal": "4h", "urgent": "1h"})
    lines = [created("Mon 10:00", id="a"), changed("Mon 10:00", priority="urgent", id="b")]
    [change] = only(document, lines, "Mon 10:30")["changes"]
    assert change["fields"] == {
        "priority": {"before": None, "after": "urgent"},
    }  # fmt: skip
    assert (change["due_before_at"], change["due_at"], change["floored"]) == (
        instant("Mon 14:00"), instant("Mon 11:00"), False,
    )  # fmt: skip
    late = [created("Mon 10:00", priority="normal"), changed("Mon 13:00", priority="urgent", subject="not looked at")]
    [change] = only(document, late, "Mon 13:10")["changes"]
    assert change["fields"] == {"priority": {"before": "normal", "after": "urgent"}}
    assert (change["due_at"], change["floored"]) == (instant("Mon 13:15"), True)


def test_only_clocks_of_the_name_and_cycle_that_were_asked_for_are_drawn() -> None:
    lines = [created("Mon 10:00"), reply("Mon 10:10"), asks("Mon 11:00"), reply("Mon 11:30"), asks("Mon 12:00")]
    found = account(promise("next_response", "1h"), lines, "Mon 12:30", only=[("next_response", 2)])
    assert [lane["clock"] for lane in found["picture"]["lanes"]] == ["next_response #2"]
    assert account(promise("next_response", "1h"), lines, "Mon 12:30", only=[("next_response", 3)])["clocks"] == []


def test_a_wait_that_comes_in_later_than_now_has_not_come() -> None:
    wait = Wait(at("Mon 12:00"), at("Mon 09:30"))
    for now, started in (("Mon 11:59", "Mon 10:00"), ("Mon 12:00", "Mon 09:30")):
        clock = only(promise("first_response", "8h"), [created("Mon 10:00")], now, waits=[wait])
        assert clock["started_at"] == instant(started)


# ---- steps


def test_a_step_tells_its_threshold_and_how_far_it_is() -> None:
    steps = [
        {"at": "due", "notify": "owner"}, {"at": "25%", "notify": "owner"}, {"at": "100%", "notify": "owner"},
        {"at": "-1h", "notify": "owner"},
    ]  # fmt: skip
    document = promise("resolution", "4h", steps=steps)
    found = only(document, [created("Mon 10:00")], "Mon 11:00")["steps"]
    assert [(s["at"], s["instant"], s["reached"], s["threshold_s"], s["armed_again"], s["why"]) for s in found] == [
        ("due", instant("Mon 14:00"), False, 4 * HOUR, 0, "1h of 4h have gone by"),
        ("25%", instant("Mon 11:00"), True, HOUR, 0, "1h of working time had gone by"),
        ("100%", instant("Mon 14:00"), False, 4 * HOUR, 0, "1h of 4h have gone by"),
        ("-1h", instant("Mon 13:00"), False, 3 * HOUR, 0, "1h of 3h have gone by"),
    ]


# ---- the picture


def test_steps_are_marked_as_reached_or_not_and_the_one_at_due_is_due_itself() -> None:
    steps = [{"at": word, "notify": "owner"} for word in ("25%", "75%", "due", "+1h")]
    document = promise("resolution", "4h", steps=steps)
    assert marks(lane_of(document, [created("Mon 10:00")], "Mon 11:00")) == [
        ("10:00", "event", "started"), ("11:00", "now", "now"), ("11:00", "reached", "25%"),
        ("13:00", "step", "75%"), ("14:00", "due", "due"),
    ]  # fmt: skip
    assert marks(lane_of(document, [created("Mon 10:00")], "Mon 15:00"))[-3:] == [
        ("14:00", "breach", "due, missed"), ("15:00", "now", "now"), ("15:00", "reached", "+1h"),
    ]  # fmt: skip


def test_a_lane_that_has_no_length_yet_ends_now() -> None:
    lane = lane_of(promise("resolution", "4h"), [created("Mon 10:00", status="pending")], "Mon 10:00")
    assert (lane["from"], lane["to"], lane["bars"], lane["midnights"], lane["scale"]) == (
        instant("Mon 10:00"), instant("Mon 10:00"), [], [], 1,
    )  # fmt: skip
    assert (lane["outcome"], lane["timezone"], lane["policy"]) == ("paused", "UTC", "Support")
    assert marks(lane)[0] == ("10:00", "event", "started")


def test_midnights_are_those_of_the_calendars_zone_inside_the_lane() -> None:
    document = promise("resolution", "9h")
    document["calendars"]["office"] = {"timezone": "Europe/Berlin", "hours": "24x7"}
    for start, end, midnights in (
        ("Mon 22:00", "Tue 22:59", ["Mon 23:00"]),
        ("Mon 23:00", "Tue 23:00", []),
        ("Mon 23:00", "Tue 23:01", ["Tue 23:00"]),
        ("Mon 22:59", "Wed 23:00", ["Mon 23:00", "Tue 23:00"]),
    ):
        lane = lane_of(document, [created(start)], end)
        assert [midnight["at"] for midnight in lane["midnights"]] == [instant(text) for text in midnights]


def test_a_lane_of_years_has_a_hundred_midnights() -> None:
    lane = lane_of(promise("resolution", "9h"), [created("2025-01-01T10:00:00Z")], "Mon 10:00")
    assert len(lane["midnights"]) == 100
    assert lane["midnights"][0]["at"] == "2025-01-02T00:00:00Z"
    assert lane["midnights"][-1]["at"] == "2025-04-11T00:00:00Z"


def test_the_bars_of_a_lane_are_its_intervals_with_their_places() -> None:
    lines = [created("Mon 10:00", owner="user:3"), changed("Mon 11:00", status="on_hold")]
    lane = lane_of(promise("resolution", "4h"), lines, "Mon 12:00:00.500")
    assert lane["bars"] == [
        {"from": instant("Mon 10:00"), "to": instant("Mon 11:00"), "kind": "running", "cause": "running",
         "counts": True, "working_s": 3600, "holder": "user:3", "x": 0, "x_end": 0.5},
        {"from": instant("Mon 11:00"), "to": "2026-03-02T12:00:00.500Z", "kind": "on hold",
         "cause": "paused: on_hold", "counts": False, "working_s": 3600.5, "holder": None, "x": 0.5, "x_end": 1},
    ]  # fmt: skip
    assert lane["scale"] == 1  # 3600.5 s beside 3600 s
