"""When a decision was taken, by which version, and what the policies that lost would have promised then."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import changed, config, created, event, instant, policy, promise, target

from sla.account.explain import explain_record
from sla.account.moment import Moments
from sla.account.rivals import Decision, decision
from sla.fold import Move, evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping, settle


def at(text: str) -> int:
    return parse_instant(instant(text))


def told(policies: Policies, lines: list[dict[str, Any]], now: str, moves: list[Move] | None = None) -> dict[str, Any]:
    """The single clock of an account."""
    events = [event_from_mapping(line) for line in lines]
    [clock] = explain_record(policies, events, at(now), (), moves or [])["clocks"]
    return clock


def rival_due(within: str, lines: list[dict[str, Any]], now: str) -> str:
    """When a policy that lost by its place in the file would have been due."""
    document = config(
        policy(target("resolution", "16h"), name="House"),
        policy(target("resolution", within), name="Rival", when={"tier": "gold"}),
        match="first",
    )
    clock = told(Policies.from_config(document), lines, now)
    assert clock["policy"] == "House"
    [other] = clock["other_policies"]
    assert other["why_not"] == "it stands later in the file, and the first that matches rules"
    return other["due_at"]


LATER = [created("Mon 10:00"), changed("Mon 13:00", tier="gold")]
EVENING = [created("Mon 10:00"), changed("Mon 20:00", tier="gold")]
PAUSED = [
    created("Mon 10:00"), changed("Mon 11:00", status="pending"), changed("Mon 12:00", status="open"),
    changed("Mon 13:00", tier="gold"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("within", "lines", "now", "due"),
    [
        ("4h", [created("Mon 10:00", tier="gold")], "Mon 11:00", "Mon 14:00"),
        ("8h", [created("Mon 10:00", tier="gold")], "Mon 11:00", "Tue 10:00"),
        ("1bd", [created("Mon 10:00", tier="gold")], "Mon 11:00", "Tue 10:00"),
        ("4h", LATER, "Mon 16:00", "Mon 14:00"),
        ("4h", LATER, "Tue 12:00", "Mon 14:00"),
        ("1h", LATER, "Mon 16:00", "Mon 11:00"),
        ("3h", LATER, "Mon 16:00", "Mon 13:00"),
        ("4h", PAUSED, "Tue 12:00", "Mon 15:00"),
        ("7h", EVENING, "Tue 12:00", "Mon 20:00"),
        ("8h", EVENING, "Tue 12:00", "Tue 10:00"),
        ("7h", [created("Mon 10:00:00.001"), EVENING[1]], "Tue 12:00", "Tue 09:00:00.001"),
    ],
)
def test_what_lost_is_due_by_what_was_left_of_it_at_the_decision(within: str, lines: Any, now: str, due: str) -> None:
    assert rival_due(within, lines, now) == instant(due)


def test_a_policy_that_began_to_match_at_this_very_instant_was_decided_now() -> None:
    policies = Policies.from_config(promise("resolution", "8h", when={"tier": "gold"}))
    clock = told(policies, [created("Mon 10:00"), changed("Mon 12:00", tier="gold")], "Mon 12:00")
    assert clock["started_at"] == instant("Mon 10:00")
    assert (clock["decision"]["at"], clock["decision"]["when"]) == (instant("Mon 12:00"), "at its start")


def test_rivals_are_told_in_the_order_of_the_file_tried_out_or_not() -> None:
    names = ("Zeta", "Alpha", "Mid", "Beta")
    document = config(*(
        policy(target("resolution", f"{4 + place}h"), name=name, **({"stage": "shadow"} if name == "Alpha" else {}))
        for place, name in enumerate(names)
    ))  # fmt: skip
    events = [event_from_mapping(created("Mon 09:00"))]
    found = explain_record(Policies.from_config(document), events, at("Mon 10:00"))["clocks"]
    others = {clock["policy"]: [other["policy"] for other in clock["other_policies"]] for clock in found}
    assert others == {"Zeta": ["Alpha", "Mid", "Beta"], "Alpha": ["Zeta", "Mid", "Beta"]}


def test_targets_of_another_name_or_kind_are_no_rivals() -> None:
    document = config(
        policy(target("resolution", "4h"), target("first_response", "1h"), name="House"),
        {**policy(target("resolution", "1h"), name="Leads"), "applies_to": "lead"},
        policy(target("resolution", "8h", name="slow"), name="Slow"),
    )
    events = [event_from_mapping(created("Mon 09:00"))]
    found = explain_record(Policies.from_config(document), events, at("Mon 10:00"))["clocks"]
    assert [(clock["target"], clock["other_policies"]) for clock in found] == [
        ("first_response", []), ("resolution", []), ("slow", []),
    ]  # fmt: skip


# ---- which weighing was the last

TERMS = changed("Mon 12:00", priority="high")


@pytest.mark.parametrize(
    ("lines", "moved", "decided"),
    [
        ([TERMS], "Mon 11:00", "Mon 12:00"),
        ([TERMS], "Mon 13:00", "Mon 13:00"),
        ([TERMS], "Mon 12:00", "Mon 12:00"),
        ([], "Mon 11:00", "Mon 11:00"),
        ([event("Mon 13:00", "extended", until=instant("Fri 10:00"))], "Mon 11:00", "Mon 11:00"),
        ([changed("Mon 13:00", subject="x")], "Mon 11:00", "Mon 11:00"),
    ],
)
def test_the_last_weighing_is_that_of_the_terms_or_of_the_version(lines: Any, moved: str, decided: str) -> None:
    old, new = Policies.from_config(promise("resolution", "8h")), Policies.from_config(promise("resolution", "6h"))
    lines = [created("Mon 10:00"), *lines]
    moves = [Move(at(moved), new, "all")]
    events = [event_from_mapping(line) for line in lines]
    evaluation = evaluate_record(old, events, at("Mon 14:00"), (), moves)
    moments = Moments(old, settle(events, at("Mon 14:00")), moves)
    then = moments.until(at(decided))
    assert then is not None
    assert decision(evaluation.clocks[0], new, moments) == Decision(at(decided), then, new, False)


def test_a_clock_that_was_weighed_once_was_decided_at_its_start() -> None:
    policies = Policies.from_config(promise("resolution", "8h"))
    events = [event_from_mapping(created("Mon 10:00"))]
    evaluation = evaluate_record(policies, events, at("Mon 14:00"))
    moments = Moments(policies, settle(events, at("Mon 14:00")))
    assert decision(evaluation.clocks[0], policies, moments) == Decision(
        at("Mon 10:00"), moments.all[0], policies, True
    )
    assert decision(evaluation.clocks[0], policies, Moments(policies, [])) is None


def test_a_clock_on_edited_hours_is_explained_by_the_edited_version() -> None:
    document = promise("resolution", "6h")
    old = Policies.from_config(document)
    document["calendars"]["office"]["hours"] = {"mon-fri": "09:00-13:00"}
    edited = Policies.from_config(document)
    clock = told(old, [created("Mon 10:00")], "Mon 12:00", [Move(at("Mon 11:00"), edited, "hours", old)])
    assert (clock["policy_version"], clock["calendar_version"]) == (edited.version, edited.calendars["office"].version)
    assert [(c["why"], c["due_before_at"], c["due_at"]) for c in clock["changes"]] == [
        ("hours", instant("Mon 16:00"), instant("Tue 12:00")),
    ]  # fmt: skip
    assert clock["decision"]["at"] == instant("Mon 10:00")
