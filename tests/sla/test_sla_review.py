"""A newcomer's reading of the rules against the code: each case is what a rule says and the code once did not do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sla_story import (
    HOUR,
    asks,
    changed,
    check,
    config,
    created,
    event,
    instant,
    only,
    pick,
    policy,
    promise,
    reply,
    target,
    verdicts,
)  # fmt: skip

from sla.calendar import Calendar

ONE, TWO = "desk:ticket:1", "desk:ticket:2"


# ---- calendars

NEW_YEARS_EVE = datetime(2027, 12, 31, 10, tzinfo=UTC), datetime(2027, 12, 31, 23, tzinfo=UTC)


def auckland() -> Calendar:
    return Calendar.from_config({"timezone": "Pacific/Auckland", "hours": "24x7"})


def test_rule_2_an_earlier_question_does_not_change_what_is_elapsed_at_the_end_of_a_later_year() -> None:
    asked = auckland()
    asked.elapsed(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
    assert auckland().elapsed(*NEW_YEARS_EVE) == timedelta(hours=13)
    assert asked.elapsed(*NEW_YEARS_EVE) == timedelta(hours=13)


def test_rule_2_an_earlier_question_does_not_close_a_calendar_that_never_closes() -> None:
    asked = auckland()
    asked.elapsed(datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC))
    assert asked.is_open(1_830_290_400_000)  # 2027-12-31T22:00:00Z, 11:00 on New Year's Day in Auckland


# ---- terms that change


def test_rule_4_a_clock_that_starts_over_on_other_terms_keeps_the_breach_it_had_made() -> None:
    terms = promise("resolution", {"normal": "2h", "low": "8h"}, recompute="restart")
    story = [created("Mon 09:00"), changed("Mon 12:00", priority="low")]
    found = verdicts(terms, story, "Mon 13:00")
    assert [(v["outcome"], v["breached_at"]) for v in found if v["cycle"] == 1] == [("missed", instant("Mon 11:00"))]


def test_rule_8_going_over_to_hours_that_are_closed_does_not_make_a_clock_overdue_at_once() -> None:
    by_tier = config(
        policy(target("resolution", "11h"), name="Round the clock", calendar="always", when={"tier": "gold"}),
        policy(target("resolution", "4h"), name="Office", when={"tier": "silver"}),
    )
    story = [created("Mon 11:00", tier="gold"), changed("Mon 20:00", tier="silver")]
    # 9 h are used, of 11 and then of 4; the old due is 22:00 and the office is closed until Tuesday 09:00.
    check(only(by_tier, story, "Mon 21:00"), policy="Office", outcome=None, due_at="Mon 22:00")


# ---- pauses


def test_rule_7_a_pause_goes_on_while_no_policy_matches() -> None:
    terms = promise("resolution", "8h", when={"tier": "gold"})
    story = [
        created("Mon 09:00", tier="gold"),
        changed("Mon 10:00", status="pending"),
        changed("Mon 11:00", tier="none"),
        changed("Mon 14:00", tier="gold"),
        changed("Mon 15:00", status="open"),
    ]
    check(only(terms, story, "Mon 16:00"), elapsed_s=2 * HOUR, paused_s=5 * HOUR, state="running")


def test_rule_7_a_message_ends_the_wait_for_the_customer_for_a_pause_that_names_the_crms_own_word() -> None:
    terms = promise("resolution", "8h", pause={"raw_status": ["Waiting on customer"]})
    story = [
        created("Mon 09:00"),
        changed("Mon 10:00", status="pending", raw_status="Waiting on customer"),
        asks("Mon 11:00"),
    ]
    check(only(terms, story, "Mon 13:00"), state="running", elapsed_s=3 * HOUR)


# ---- merged and deleted records

THREE = config(
    policy(
        target("in_status", "2h", status="open"),
        target("waiting_on_customer", "2h"),
        target("Proposal", "2h", start={"raw_status": "Sent"}, stop={"resolved": True}),
    )
)


@pytest.mark.parametrize("end", [event("Mon 10:00", "merged", into=TWO), event("Mon 10:00", "deleted")])
@pytest.mark.parametrize(
    "later",
    [
        changed("Mon 11:00", status="open"),
        changed("Mon 11:00", status="pending"),
        changed("Mon 11:00", raw_status="Sent"),
    ],
    ids=["in_status", "waiting_on_customer", "spelled out"],
)
def test_rule_13_nothing_begins_on_a_record_that_is_gone(end: dict[str, object], later: dict[str, object]) -> None:
    assert verdicts(THREE, [created("Mon 09:00"), end, later], "Mon 12:00") == []


@pytest.mark.parametrize("end", [event("Mon 11:00", "merged", into=TWO), event("Mon 11:00", "deleted")])
def test_rule_13_a_record_that_is_gone_is_not_reopened(end: dict[str, object]) -> None:
    story = [created("Mon 09:00"), changed("Mon 10:00", status="resolved"), end, changed("Mon 12:00", status="open")]
    check(only(promise("resolution", "8h"), story, "Mon 13:00"), state="stopped", outcome="met")


def test_rule_13_a_wait_that_reopened_the_merged_record_goes_on_with_the_winner() -> None:
    story = [
        created("Mon 09:00"),
        reply("Mon 09:30"),
        changed("Mon 09:40", status="resolved"),
        asks("Mon 10:00"),
        changed("Mon 10:01", status="open", actor="workflow:reopen"),
        event("Mon 11:00", "merged", into=TWO),
        created("Mon 09:00", record=TWO),
        reply("Mon 09:20", record=TWO),
    ]
    found = verdicts(promise("next_response", "4h"), story, "Mon 12:00")
    check(pick(found, record="desk:ticket:1"), outcome="cancelled", reason="merged")
    check(pick(found, record=TWO), state="running", started_at="Mon 10:00", due_at="Mon 14:00")


# ---- who had the time


def test_rule_5_the_delay_before_a_message_was_seen_is_the_systems_and_not_the_owners() -> None:
    story = [created("Mon 09:00", owner="user:3"), reply("Mon 09:30"), asks("Mon 10:00", seen=instant("Mon 12:00"))]
    found = only(promise("next_response", "4h"), story, "Mon 13:00")
    assert found["spent"] == {"system": 2 * HOUR, "user:3": HOUR}


def test_rule_13_an_older_wait_that_comes_in_after_due_leaves_the_breach_and_its_lateness_alone() -> None:
    story = [
        created("Mon 10:00"), created("Mon 09:00", record=TWO), event("Mon 13:00", "merged", record=TWO, into=ONE),
    ]  # fmt: skip
    alone, joined = (
        pick(verdicts(promise("first_response", "1h"), lines, "Mon 16:00"), record=ONE) for lines in (story[:1], story)
    )
    assert joined == alone
    check(joined, started_at="Mon 10:00", breached_at="Mon 11:00", late_s=5 * HOUR)
