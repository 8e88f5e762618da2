"""Terms that depend on the record or on the time of year: derived fields, calendars by field or owner, another start,
stretched promises, maintenance."""

from __future__ import annotations

from typing import Any

import pytest
from sla_story import (
    HOUR,
    MINUTE,
    asks,
    changed,
    check,
    config,
    created,
    instant,
    only,
    policy,
    reply,
    target,
    verdicts,
)

from sla import Policies, Problems
from sla.figures.fact import dimension, facts
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.timeline import event_from_mapping

FIRST = policy(target("first_response", {"urgent": "1h", "normal": "4h"}))


def also(document: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return {**document, **sections}


# ---- derived fields


OUTAGE = {"field": "priority", "value": "urgent", "when": {"subject": {"contains": "outage"}}, "name": "outages"}


def test_a_keyword_in_the_subject_gives_the_priority() -> None:
    rules = also(config(FIRST), derive=[OUTAGE])
    check(only(rules, [created("Mon 10:00", subject="Outage in Berlin")], "Mon 10:00"), due_at="Mon 11:00")
    check(only(rules, [created("Mon 10:00", subject="A question")], "Mon 10:00"), due_at="Mon 14:00")


def test_of_two_rules_for_a_field_the_first_that_holds_counts() -> None:
    calm = {"field": "priority", "value": "normal", "when": {"subject": {"contains": "planned"}}}
    lines = [created("Mon 10:00", subject="Planned outage")]
    check(only(also(config(FIRST), derive=[calm, OUTAGE]), lines, "Mon 10:00"), due_at="Mon 14:00")
    check(only(also(config(FIRST), derive=[OUTAGE, calm]), lines, "Mon 10:00"), due_at="Mon 11:00")


def test_a_rule_sees_what_earlier_ones_derived() -> None:
    tier = {"field": "tier", "value": "gold", "when": {"amount": {"gte": 1000}}}
    urgent = {"field": "priority", "value": "urgent", "when": {"tier": "gold"}}
    lines = [created("Mon 10:00", amount=5000)]
    check(only(also(config(FIRST), derive=[tier, urgent]), lines, "Mon 10:00"), due_at="Mon 11:00")
    check(only(also(config(FIRST), derive=[urgent, tier]), lines, "Mon 10:00"), due_at="Mon 14:00")


def test_a_subject_that_changes_changes_the_promise_with_the_floor() -> None:
    lines = [created("Mon 10:00", subject="A question"), changed("Mon 12:00", subject="An outage!")]
    # One hour from 10:00 has passed: due stands 15 minutes ahead of the change.
    check(only(also(config(FIRST), derive=[OUTAGE]), lines, "Mon 12:00"), due_at="Mon 12:15", within_s=HOUR)


def test_when_the_rule_no_longer_holds_the_crms_own_value_counts_again() -> None:
    lines = [created("Mon 10:00", subject="Outage", priority="normal"), changed("Mon 10:30", subject="False alarm")]
    check(only(also(config(FIRST), derive=[OUTAGE]), lines, "Mon 10:30"), due_at="Mon 14:00")


def test_a_policy_can_match_a_derived_field() -> None:
    gold = policy(target("first_response", "1h"), when={"tier": "gold"})
    rule = {"field": "tier", "value": "gold", "when": {"customer": {"in": ["acme", "globex"]}}}
    assert verdicts(also(config(gold), derive=[rule]), [created("Mon 10:00", customer="initech")], "Mon 10:00") == []
    check(
        only(also(config(gold), derive=[rule]), [created("Mon 10:00", customer="ACME")], "Mon 10:00"), policy="Support"
    )


def test_the_state_tells_which_rule_gave_a_field() -> None:
    read = Policies.from_config(also(config(FIRST), derive=[OUTAGE]))
    events = [event_from_mapping(created("Mon 10:00", subject="Outage", priority="low"))]
    state = evaluate_record(read, events, events[0].at).state
    assert (state.fields["priority"], state.derived) == ("urgent", {"priority": "outages"})
    assert "subject" in read.fields


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"field": "priority", "value": "asap", "when": {}}, ("derive", 0, "value")),
        ({"field": "status", "value": "open", "when": {}}, ("derive", 0, "field")),
        ({"field": "tier", "value": "gold"}, ("derive", 0)),
        ({"field": "tier", "when": {}}, ("derive", 0)),
        ({"value": "gold", "when": {}}, ("derive", 0)),
        ({"field": "tier", "value": ["gold"], "when": {}}, ("derive", 0, "value")),
        ({"field": "tier", "value": "gold", "when": {}, "wen": {}}, ("derive", 0, "wen")),
        ({"field": "tier", "value": "gold", "when": "always"}, ("derive", 0, "when")),
        ("tier", ("derive", 0)),
    ],
)
def test_a_wrong_rule_is_named_by_its_path(rule: object, path: tuple[object, ...]) -> None:
    with pytest.raises(Problems) as caught:
        Policies.from_config(also(config(FIRST), derive=[rule]))
    assert [problem.path for problem in caught.value.problems] == [path]


def test_the_owners_team_is_a_field_that_policies_can_name() -> None:
    inside = policy(target("first_response", "1h"), name="Inside", when={"team": "inside sales"})
    document = also(config(inside), people={"user:5": {"team": "Inside sales"}, "user:6": {"calendar": "office"}})
    check(only(document, [created("Mon 10:00", owner="user:5")], "Mon 10:00"), policy="Inside")
    assert verdicts(document, [created("Mon 10:00", owner="user:6")], "Mon 10:00") == []
    assert verdicts(document, [created("Mon 10:00", owner="user:5", team="Field")], "Mon 10:00") == []
    handed = [created("Mon 10:00", owner="user:5"), changed("Mon 10:10", owner="user:6")]
    check(only(document, handed, "Mon 10:20"), outcome="cancelled", reason="policy")


# ---- calendars


BERLIN = {"timezone": "UTC", "hours": {"mon-fri": "07:00-15:00"}}
BY_FIELD = policy(target("first_response", "4h"), calendar={"field": "support_hours", "default": "office"})


def test_a_field_of_the_record_names_the_calendar() -> None:
    document = config(BY_FIELD, calendars={"Berlin": BERLIN})
    check(only(document, [created("Mon 13:00")], "Mon 13:00"), due_at="Mon 17:00")
    check(only(document, [created("Mon 13:00", support_hours="berlin")], "Mon 13:00"), due_at="Tue 09:00")
    check(only(document, [created("Mon 13:00", support_hours="moon")], "Mon 13:00"), due_at="Mon 17:00")


def test_another_calendar_under_way_keeps_what_has_elapsed() -> None:
    document = config(BY_FIELD, calendars={"Berlin": BERLIN})
    lines = [created("Mon 13:00"), changed("Mon 14:00", support_hours="Berlin")]
    # One hour has elapsed and one more is left in Berlin today: the other two are from seven o'clock on.
    check(only(document, lines, "Mon 14:00"), due_at="Tue 09:00", elapsed_s=HOUR)


def test_the_owners_own_hours_count_for_the_owner() -> None:
    by_owner = policy(target("owner_response", "2h", calendar={"field": "owner", "default": "office"}))
    document = also(
        config(by_owner, calendars={"Berlin": BERLIN}),
        people={"user:5": {"calendar": "Berlin", "away": ["2026-03-03"]}, "user:6": {"team": "Sales"}},
    )
    check(only(document, [created("Mon 14:00", owner="user:5")], "Mon 14:00"), due_at="Wed 08:00")
    check(only(document, [created("Mon 14:00", owner="user:6")], "Mon 14:00"), due_at="Mon 16:00")


def test_whoever_is_listed_by_address_is_known_once_the_id_is() -> None:
    by_owner = policy(target("owner_response", "2h", calendar={"field": "owner", "default": "office"}))
    people = {"Maria@acme.example": {"calendar": "Berlin", "team": "Inside"}}
    read = Policies.from_config(also(config(by_owner, calendars={"Berlin": BERLIN}), people=people))
    events = [event_from_mapping(created("Mon 14:00", owner="user:5"))]
    now = events[0].at
    assert evaluate_record(read, events, now).clocks[0].due_ms == parse_instant(instant("Mon 16:00"))
    read.know([("maria@acme.example", "user:5")])
    evaluation = evaluate_record(read, events, now)
    assert evaluation.clocks[0].due_ms == parse_instant(instant("Tue 08:00"))
    assert facts(evaluation, read.people)[0].team == "Inside"


@pytest.mark.parametrize(
    ("calendar", "message"),
    [
        ("owner", 'write { field = "owner", default = "office" }'),
        ({"field": "region"}, "`default` names the calendar"),
        ({"default": "office"}, "`field` names the field"),
        ({"field": "region", "default": "ofice"}, "there is no calendar 'ofice'"),
        ({"field": "region", "default": "office", "fallback": 1}, "unknown key 'fallback'"),
    ],
)
def test_a_calendar_that_cannot_be_found_is_told(calendar: object, message: str) -> None:
    with pytest.raises(Problems, match=message.replace("{", r"\{")):
        Policies.from_config(config(policy(target("resolution", "4h", calendar=calendar))))


# ---- another start


FROM_FORM = config(policy(target("first_response", "4h", start_field="submitted_at")))


def test_a_start_field_tells_since_when_somebody_waits() -> None:
    lines = [created("Mon 12:00", submitted_at=instant("Mon 10:00"))]
    check(only(FROM_FORM, lines, "Mon 12:00"), started_at="Mon 10:00", due_at="Mon 14:00", elapsed_s=2 * HOUR)


def test_a_promise_that_was_late_before_the_record_came_is_missed_at_its_own_time() -> None:
    lines = [created("Tue 12:00", submitted_at=instant("Mon 10:00"))]
    verdict = only(FROM_FORM, lines, "Tue 12:00")
    check(verdict, outcome="missed", breached_at="Mon 14:00")
    assert verdict["spent"] == {"system": 10 * HOUR}  # Monday 10 to 17 and Tuesday 9 to 12


@pytest.mark.parametrize("told", [None, "", "soon", True, instant("Mon 13:00")])
def test_a_start_field_that_tells_nothing_earlier_changes_nothing(told: object) -> None:
    check(only(FROM_FORM, [created("Mon 12:00", submitted_at=told)], "Mon 12:00"), started_at="Mon 12:00")


def test_a_start_field_that_is_filled_in_later_takes_the_clock_back_with_the_floor() -> None:
    lines = [created("Mon 12:00"), changed("Mon 13:00", submitted_at=instant("Mon 09:00"))]
    check(only(FROM_FORM, lines, "Mon 13:00"), started_at="Mon 09:00", due_at="Mon 13:24", elapsed_s=4 * HOUR)


def test_a_lead_that_asks_again_waits_since_its_new_form() -> None:
    document = config(policy(target("first_response", "4h", start_field="submitted_at"), applies_to="lead"))
    lead = "crm:lead:9"
    lines = [
        created("Mon 10:00", record=lead, submitted_at=instant("Mon 09:30")), reply("Mon 10:10", record=lead),
        created("Tue 10:00", record=lead, submitted_at=instant("Tue 09:15")),
    ]  # fmt: skip
    found = verdicts(document, lines, "Tue 10:00")
    assert [verdict["started_at"] for verdict in found] == [instant("Mon 09:30"), instant("Tue 09:15")]


def test_only_what_starts_with_the_record_can_start_elsewhere() -> None:
    with pytest.raises(Problems, match="'next_response' does not start with the record"):
        Policies.from_config(config(policy(target("next_response", "4h", start_field="submitted_at"))))
    assert "submitted_at" in Policies.from_config(FROM_FORM).fields


# ---- stretched promises


FRIDAY = {
    "name": "Black Friday", "from": "2026-03-03", "until": "2026-03-04", "factor": 1.5, "when": {"channel": "email"},
    "targets": ["first_response"], "reason": "four times the mail", "approved_by": "Ada",
}  # fmt: skip
BOTH = config(policy(target("first_response", "2h"), target("resolution", "8h")))


@pytest.mark.parametrize(
    ("start", "channel", "within"),
    [
        ("Mon 16:59", "email", 2 * HOUR),
        ("Tue 09:00", "email", 3 * HOUR),
        ("Tue 09:00", "phone", 2 * HOUR),
        ("Wed 16:00", "email", 3 * HOUR),  # a date means to the end of that day
        ("Thu 09:00", "email", 2 * HOUR),
    ],
)
def test_a_promise_is_stretched_for_clocks_that_begin_in_the_period(start: str, channel: str, within: int) -> None:
    found = verdicts(also(BOTH, adjustments=[FRIDAY]), [created(start, channel=channel)], start)
    assert {v["target"]: v["within_s"] for v in found} == {"first_response": within, "resolution": 8 * HOUR}


def test_working_days_are_stretched_as_the_working_time_that_they_are() -> None:
    document = also(config(policy(target("first_response", "1bd"))), adjustments=[{**FRIDAY, "factor": 2}])
    check(only(document, [created("Tue 10:00", channel="email")], "Tue 10:00"), due_at="Thu 10:00", within_s=16 * HOUR)


def test_two_periods_stretch_one_after_the_other() -> None:
    twice = [FRIDAY, {**FRIDAY, "name": "Strike", "factor": 2, "when": {}}]
    check(
        only(also(config(policy(target("first_response", "2h"))), adjustments=twice),
             [created("Tue 09:00", channel="email")], "Tue 09:00"),
        within_s=6 * HOUR,
    )  # fmt: skip


def test_a_priority_that_rises_is_stretched_like_the_start() -> None:
    document = also(config(FIRST), adjustments=[{**FRIDAY, "when": {}}])
    lines = [created("Tue 09:00"), changed("Tue 09:10", priority="urgent")]
    check(only(document, lines, "Tue 09:10"), within_s=90 * MINUTE, due_at="Tue 10:30")


def test_the_period_that_stretched_it_is_known() -> None:
    read = Policies.from_config(also(BOTH, adjustments=[FRIDAY]))
    events = [event_from_mapping(created("Tue 09:00", channel="email"))]
    clock = evaluate_record(read, events, events[0].at).clocks[0]
    assert [(p.name, p.factor, p.approved_by) for p in clock.run.stretched] == [("Black Friday", 1.5, "Ada")]


# ---- maintenance


MOVE = {
    "name": "Move", "from": instant("Mon 10:00"), "until": instant("Mon 12:00"), "when": {"site": "Berlin"},
    "reason": "the phones are off", "approved_by": "Ada",
}  # fmt: skip


def test_no_clock_runs_in_a_maintenance_window_that_concerns_the_record() -> None:
    document = also(config(policy(target("first_response", "2h"))), maintenance=[MOVE])
    here = only(document, [created("Mon 09:00", site="berlin")], "Mon 11:00")
    check(here, due_at="Mon 13:00", elapsed_s=HOUR, state="running")
    check(only(document, [created("Mon 09:00", site="Paris")], "Mon 11:00"), due_at="Mon 11:00", elapsed_s=2 * HOUR)


def test_a_window_for_some_targets_leaves_the_others_running() -> None:
    found = verdicts(
        also(BOTH, maintenance=[{**MOVE, "targets": ["resolution"]}]),
        [created("Mon 09:00", site="Berlin")],
        "Mon 12:00",
    )
    assert {v["target"]: v["elapsed_s"] for v in found} == {"first_response": 3 * HOUR, "resolution": HOUR}


@pytest.mark.parametrize(
    ("section", "wrong", "path"),
    [
        ("adjustments", {"factor": 0}, "factor"),
        ("adjustments", {"factor": "1.5"}, "factor"),
        ("adjustments", {"reason": ""}, "reason"),
        ("adjustments", {"from": "tomorrow"}, "from"),
        ("adjustments", {"until": "2026-03-02"}, "until"),
        ("adjustments", {"timezone": "Berlin"}, "timezone"),
        ("adjustments", {"targets": "resolution"}, "targets"),
        ("adjustments", {"fctor": 2}, "fctor"),
        ("maintenance", {"factor": 2}, "factor"),
        ("maintenance", {"when": 5}, "when"),
    ],
)
def test_a_wrong_period_is_named_by_its_path(section: str, wrong: dict[str, Any], path: str) -> None:
    sound = FRIDAY if section == "adjustments" else MOVE
    with pytest.raises(Problems) as caught:
        Policies.from_config(also(BOTH, **{section: [{**sound, **wrong}]}))
    assert [problem.path for problem in caught.value.problems] == [(section, 0, path)]


@pytest.mark.parametrize("key", ["name", "reason", "approved_by", "from", "until", "factor"])
def test_a_period_says_what_figures_will_be_asked_for(key: str) -> None:
    with pytest.raises(Problems) as caught:
        Policies.from_config(also(BOTH, adjustments=[{k: v for k, v in FRIDAY.items() if k != key}]))
    assert [problem.path for problem in caught.value.problems] == [("adjustments", 0)]


# ---- versions and facts


def test_the_version_changes_with_every_section_that_says_what_is_promised() -> None:
    documents = [
        BOTH, also(BOTH, adjustments=[FRIDAY]), also(BOTH, maintenance=[MOVE]), also(BOTH, derive=[OUTAGE]),
        also(BOTH, people={"user:1": {"team": "Sales"}}), also(BOTH, daemon={"match": "first"}),
    ]  # fmt: skip
    assert len({Policies.from_config(document).version for document in documents}) == len(documents)
    same = [also(BOTH, derive=[]), also(BOTH, daemon={"mode": "shadow"}), also(BOTH, people={})]
    assert {Policies.from_config(document).version for document in same} == {Policies.from_config(BOTH).version}


def test_a_level_says_who_agreed_and_decides_nothing() -> None:
    corporate = policy(target("first_response", "8h"), name="House", level="corporate")
    service = policy(target("first_response", "1h"), name="Mail", level="service", when={"channel": "email"})
    lines = [created("Mon 09:00", channel="email")]
    check(only(config(corporate, service), lines, "Mon 09:00"), policy="Mail")
    check(only(config(corporate, service, match="first"), lines, "Mon 09:00"), policy="House")
    with pytest.raises(Problems, match="`level` is one of corporate, customer, service"):
        Policies.from_config(config(policy(target("resolution", "1h"), level="gold")))


def test_a_fact_names_who_had_it_when_the_promise_was_broken() -> None:
    lines = [
        created("Mon 09:00", owner="queue:Desk", priority="normal"), changed("Mon 09:30", owner="user:3"),
        changed("Mon 11:00", owner="user:4"), asks("Mon 11:30"), reply("Mon 12:00", actor="user:4"),
        changed("Mon 13:00", priority="urgent"),
    ]  # fmt: skip
    read = Policies.from_config(config(policy(target("first_response", "2h"))))
    events = [event_from_mapping(line) for line in lines]
    fact = facts(evaluate_record(read, events, parse_instant(instant("Tue 09:00"))))[0]
    assert (fact.owner, fact.outcome, fact.late) == ("user:3", "missed", HOUR * 1000)
    assert fact.fields["priority"] == "normal"  # as it stood when the clock ended
    assert {name: dimension(fact, name) for name in ("day", "week", "month", "quarter", "hour_of_week", "tier")} == {
        "day": "2026-03-02", "week": "2026-W10", "month": "2026-03", "quarter": "2026-Q1", "hour_of_week": "Mon 11",
        "tier": "(none)",
    }  # fmt: skip
