"""Rules 13, 14 and 16: records that merge, convert, are disqualified, deleted or handed on."""

from __future__ import annotations

import pytest
from sla_story import (
    HOUR,
    MINUTE,
    activity,
    asks,
    changed,
    check,
    config,
    created,
    event,
    only,
    pick,
    policy,
    promise,
    reply,
    target,
    verdicts,
)

ONE, TWO, THREE = "desk:ticket:1", "desk:ticket:2", "desk:ticket:3"
FIRST = promise("first_response", "4h")
NEXT = promise("next_response", "4h")
WORK = promise("resolution", "8h")


def merged(at: str, record: str, into: str, actor: str = "user:3") -> dict:
    return event(at, "merged", record=record, into=into, actor=actor)


# ---- 13. merge


def test_rule_13_the_losers_open_clocks_are_cancelled() -> None:
    lines = [created("Mon 10:00", record=TWO), created("Mon 10:10", record=ONE), merged("Mon 11:00", TWO, ONE)]
    found = verdicts(config(policy(target("first_response", "4h"), target("resolution", "8h"))), lines, "Mon 12:00")
    for metric in ("first_response", "resolution"):
        loser = pick(found, record=TWO, target=metric)
        check(loser, state="stopped", outcome="cancelled", reason="merged", breached_at=None, elapsed_s=HOUR)


def test_rule_13_a_paused_clock_is_cancelled_too() -> None:
    lines = [
        created("Mon 10:00", record=TWO), changed("Mon 10:30", record=TWO, status="pending"),
        created("Mon 10:10", record=ONE), merged("Mon 11:00", TWO, ONE),
    ]  # fmt: skip
    loser = pick(verdicts(WORK, lines, "Mon 12:00"), record=TWO)
    check(loser, state="stopped", outcome="cancelled", reason="merged", elapsed_s=30 * MINUTE, paused_s=30 * MINUTE)


def test_rule_13_what_the_loser_missed_stays_missed() -> None:
    lines = [created("Mon 10:00", record=TWO), created("Mon 15:00", record=ONE), merged("Mon 15:30", TWO, ONE)]
    check(pick(verdicts(FIRST, lines, "Mon 16:00"), record=TWO),
          state="stopped", outcome="missed", breached_at="Mon 14:00")  # fmt: skip


def test_rule_13_what_the_loser_met_stays_met() -> None:
    lines = [
        created("Mon 10:00", record=TWO), reply("Mon 10:20", record=TWO),
        created("Mon 10:30", record=ONE), merged("Mon 11:00", TWO, ONE),
    ]  # fmt: skip
    found = verdicts(FIRST, lines, "Mon 12:00")
    check(pick(found, record=TWO), outcome="met", completed_at="Mon 10:20", reason=None)
    check(pick(found, record=ONE), started_at="Mon 10:30", due_at="Mon 14:30")


def test_rule_13_the_winner_takes_the_earlier_wait_of_the_loser() -> None:
    lines = [created("Mon 09:30", record=TWO), created("Mon 10:00", record=ONE), merged("Mon 10:30", TWO, ONE)]
    winner = pick(verdicts(FIRST, lines, "Mon 11:00"), record=ONE)
    check(winner, state="running", cycle=1, started_at="Mon 09:30", due_at="Mon 13:30", elapsed_s=90 * MINUTE)


def test_rule_13_the_winners_own_earlier_wait_stays() -> None:
    lines = [created("Mon 09:30", record=ONE), created("Mon 10:00", record=TWO), merged("Mon 10:30", TWO, ONE)]
    winner = pick(verdicts(FIRST, lines, "Mon 11:00"), record=ONE)
    check(winner, started_at="Mon 09:30", due_at="Mon 13:30")


def test_rule_13_until_the_merge_the_winner_knows_nothing_of_it() -> None:
    lines = [created("Mon 09:30", record=TWO), created("Mon 10:00", record=ONE), merged("Mon 10:30", TWO, ONE)]
    check(pick(verdicts(FIRST, lines, "Mon 10:30"), record=ONE), started_at="Mon 09:30")
    found = verdicts(FIRST, lines, "Mon 10:29")
    check(pick(found, record=ONE), started_at="Mon 10:00")
    check(pick(found, record=TWO), state="running", outcome=None)


def test_rule_13_a_wait_goes_through_two_merges() -> None:
    lines = [
        created("Mon 09:10", record=THREE), created("Mon 09:30", record=TWO), created("Mon 10:00", record=ONE),
        merged("Mon 10:15", THREE, TWO), merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    check(pick(verdicts(FIRST, lines, "Mon 11:00"), record=ONE), started_at="Mon 09:10", due_at="Mon 13:10")


LATE_CHAIN = [
    created("Mon 09:00", record=THREE), created("Mon 10:00", record=TWO), created("Mon 10:00", record=ONE),
    merged("Mon 10:10", TWO, ONE), merged("Mon 11:00", THREE, TWO),
]  # fmt: skip


def test_rule_13_a_merge_into_a_merged_record_moves_no_breach_that_was_made() -> None:
    short = promise("first_response", "30m")
    check(pick(verdicts(short, LATE_CHAIN, "Mon 10:45"), record=ONE), outcome="missed", breached_at="Mon 10:30")
    check(pick(verdicts(short, LATE_CHAIN, "Mon 11:30"), record=ONE), outcome="missed", breached_at="Mon 10:30")


def test_rule_13_a_merged_record_has_no_running_clock_whatever_is_merged_into_it() -> None:
    found = verdicts(FIRST, LATE_CHAIN, "Mon 11:30")
    assert [v["cycle"] for v in found if v["record"] == TWO] == [1]
    assert all(v["state"] == "stopped" for v in found if v["record"] in (TWO, THREE))


def test_rule_13_a_deleted_record_has_no_running_clock_whatever_is_merged_into_it() -> None:
    lines = [
        created("Mon 10:00", record=ONE), event("Mon 10:05", "deleted", record=ONE),
        created("Mon 10:10", record=TWO), merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    assert all(v["state"] == "stopped" for v in verdicts(FIRST, lines, "Mon 11:00"))


def test_rule_13_an_unanswered_message_of_the_loser_waits_on_with_the_winner() -> None:
    lines = [
        created("Mon 09:00", record=ONE), reply("Mon 09:10", record=ONE),
        created("Mon 09:30", record=TWO), reply("Mon 09:40", record=TWO), asks("Mon 10:20", record=TWO),
        merged("Mon 11:00", TWO, ONE),
    ]  # fmt: skip
    found = verdicts(NEXT, lines, "Mon 12:00")
    check(pick(found, record=TWO), outcome="cancelled", reason="merged")
    winner = pick(found, record=ONE)
    check(winner, state="running", started_at="Mon 10:20", due_at="Mon 14:20", elapsed_s=100 * MINUTE)


def test_rule_13_an_answer_on_the_winner_after_the_merge_ends_the_wait_of_both() -> None:
    lines = [
        created("Mon 09:30", record=TWO), created("Mon 10:00", record=ONE), merged("Mon 10:30", TWO, ONE),
        reply("Mon 11:30", record=ONE),
    ]  # fmt: skip
    winner = pick(verdicts(FIRST, lines, "Mon 16:00"), record=ONE)
    check(winner, outcome="met", started_at="Mon 09:30", completed_at="Mon 11:30", elapsed_s=2 * HOUR)


def test_rule_13_a_loser_for_whom_nobody_waits_brings_no_wait() -> None:
    by_the_team = [
        created("Mon 09:30", record=TWO, actor="user:3"), created("Mon 10:00", record=ONE),
        merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    check(pick(verdicts(FIRST, by_the_team, "Mon 11:00"), record=ONE), started_at="Mon 10:00", due_at="Mon 14:00")
    resolved = [
        created("Mon 09:30", record=TWO), changed("Mon 09:40", record=TWO, status="resolved"),
        created("Mon 10:00", record=ONE), merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    check(pick(verdicts(FIRST, resolved, "Mon 11:00"), record=ONE), started_at="Mon 10:00", due_at="Mon 14:00")


def test_rule_13_a_merge_into_a_resolved_record_starts_nothing() -> None:
    lines = [
        created("Mon 09:00", record=ONE), reply("Mon 09:10", record=ONE),
        changed("Mon 09:20", record=ONE, status="resolved"),
        created("Mon 09:30", record=TWO), merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    promised = config(policy(target("first_response", "4h"), target("next_response", "4h")))
    assert [v for v in verdicts(promised, lines, "Mon 11:00") if v["record"] == ONE and v["state"] != "stopped"] == []


def test_rule_13_the_time_of_both_waits_is_shared_out() -> None:
    lines = [
        created("Mon 09:30", record=TWO, owner="user:4"), created("Mon 10:00", record=ONE, owner="user:3"),
        merged("Mon 10:30", TWO, ONE),
    ]  # fmt: skip
    winner = pick(verdicts(FIRST, lines, "Mon 11:00"), record=ONE)
    assert sum(winner["spent"].values()) == winner["elapsed_s"] == 90 * MINUTE
    assert winner["spent"]["user:3"] >= HOUR


def test_rule_13_a_merge_notice_answers_nothing() -> None:
    lines = [
        created("Mon 09:30", record=ONE), created("Mon 10:00", record=TWO), merged("Mon 10:30", TWO, ONE),
        reply("Mon 10:30", record=ONE, actor="system:merge", automated=True),
    ]  # fmt: skip
    check(pick(verdicts(FIRST, lines, "Mon 11:00"), record=ONE), state="running", outcome=None)


# ---- 14. leads

LEAD, DEAL = "crm:lead:1", "crm:deal:9"
LEADS = config(policy(target("first_response", "1h"), target("resolution", "8h"), name="Leads", applies_to="lead"))
LEAD_FIRST = promise("first_response", "1h", applies_to="lead")
BOTH_KINDS = config(
    policy(target("first_response", "4h"), name="Leads", applies_to="lead"),
    policy(target("first_response", "4h"), name="Deals", applies_to="deal"),
)


def lead(at: str, **more: object) -> dict:
    return created(at, **{"record": LEAD, **more})


@pytest.mark.parametrize(
    "conversion",
    [
        event("Mon 10:40", "converted", record=LEAD, actor="user:5", into=DEAL),
        changed("Mon 10:40", record=LEAD, actor="user:5", status="converted"),
    ],
)
def test_rule_14_converted_by_a_person_is_answered_and_resolved(conversion: dict) -> None:
    found = verdicts(LEADS, [lead("Mon 10:00"), conversion], "Mon 16:00")
    check(pick(found, target="first_response"), outcome="met", completed_at="Mon 10:40", state="stopped")
    check(pick(found, target="resolution"), outcome="met", completed_at="Mon 10:40", state="stopped")


def test_rule_14_converted_too_late_is_missed() -> None:
    lines = [lead("Mon 10:00"), event("Mon 12:00", "converted", record=LEAD, actor="user:5")]
    found = verdicts(LEADS, lines, "Mon 16:00")
    check(pick(found, target="first_response"),
          outcome="missed", breached_at="Mon 11:00", completed_at="Mon 12:00", late_s=HOUR)  # fmt: skip


def test_rule_14_converted_by_automation_the_clock_moves_on_with_the_new_record() -> None:
    lines = [
        lead("Mon 10:00"),
        event("Mon 10:40", "converted", record=LEAD, actor="workflow:7", into=DEAL),
        created("Mon 10:40", record=DEAL, actor="workflow:7"),
    ]
    found = verdicts(BOTH_KINDS, lines, "Mon 12:00")
    old = pick(found, record=LEAD)
    assert old["state"] == "stopped"
    assert old["outcome"] == "cancelled"
    check(pick(found, record=DEAL), policy="Deals", state="running", started_at="Mon 10:00", due_at="Mon 14:00")


def test_rule_14_disqualified_by_a_person_is_cancelled() -> None:
    for line in (
        event("Mon 10:30", "disqualified", record=LEAD, actor="user:5"),
        changed("Mon 10:30", record=LEAD, actor="user:5", status="disqualified"),
    ):
        found = verdicts(LEADS, [lead("Mon 10:00"), line], "Mon 16:00")
        for metric in ("first_response", "resolution"):
            check(pick(found, target=metric),
                  state="stopped", outcome="cancelled", reason="disqualified", breached_at=None)  # fmt: skip


def test_rule_14_disqualifying_hides_no_miss() -> None:
    lines = [lead("Mon 10:00"), event("Mon 12:00", "disqualified", record=LEAD, actor="user:5")]
    check(only(LEAD_FIRST, lines, "Mon 16:00"), state="stopped", outcome="missed", breached_at="Mon 11:00")


def test_rule_14_an_answered_lead_stays_answered_when_disqualified() -> None:
    lines = [
        lead("Mon 10:00"), activity("Mon 10:20", "call", record=LEAD),
        event("Mon 10:30", "disqualified", record=LEAD, actor="user:5"),
    ]  # fmt: skip
    check(only(LEAD_FIRST, lines, "Mon 16:00"), outcome="met", completed_at="Mon 10:20")


def test_rule_14_a_second_inquiry_joins_the_first_wait() -> None:
    lines = [lead("Mon 10:00", id="form-1"), lead("Mon 10:30", id="form-2")]
    check(only(LEAD_FIRST, lines, "Mon 10:40"), cycle=1, started_at="Mon 10:00", due_at="Mon 11:00")
    answered = [*lines, activity("Mon 10:50", "call", record=LEAD)]
    check(only(LEAD_FIRST, answered, "Mon 16:00"), cycle=1, outcome="met", completed_at="Mon 10:50")


def test_rule_14_an_inquiry_after_an_answer_opens_the_next_cycle() -> None:
    lines = [lead("Mon 10:00", id="form-1"), activity("Mon 10:20", "call", record=LEAD), lead("Mon 12:00", id="form-2")]
    found = verdicts(LEAD_FIRST, lines, "Mon 12:30")
    assert [v["cycle"] for v in found] == [1, 2]
    check(found[0], outcome="met", completed_at="Mon 10:20")
    check(found[1], state="running", outcome=None, started_at="Mon 12:00", due_at="Mon 13:00")


def test_rule_14_a_lead_always_starts_a_first_response() -> None:
    check(only(LEAD_FIRST, [lead("Mon 10:00", actor="user:5")], "Mon 10:30"), state="running", due_at="Mon 11:00")


def test_rule_14_a_ticket_that_the_team_opened_starts_none() -> None:
    assert verdicts(FIRST, [created("Mon 10:00", actor="user:3")], "Mon 12:00") == []
    check(only(WORK, [created("Mon 10:00", actor="user:3")], "Mon 12:00"), state="running", due_at="Tue 10:00")


# ---- deleted and restored


@pytest.mark.parametrize("promised", [FIRST, WORK])
def test_a_deleted_record_has_no_running_clock(promised: dict) -> None:
    lines = [created("Mon 10:00"), event("Mon 11:00", "deleted", actor="user:3")]
    verdict = only(promised, lines, "Tue 16:00")
    check(verdict, state="stopped", outcome="cancelled", breached_at=None, elapsed_s=HOUR)
    assert verdict["reason"]


def test_a_restored_record_goes_on() -> None:
    lines = [created("Mon 10:00"), event("Mon 11:00", "deleted"), event("Mon 11:30", "restored")]
    check(only(FIRST, lines, "Mon 12:00"), state="running", outcome=None, started_at="Mon 10:00", cycle=1, reason=None)


def test_deleting_hides_no_miss_and_takes_back_no_success() -> None:
    missed = [created("Mon 10:00"), event("Mon 15:00", "deleted")]
    check(only(FIRST, missed, "Mon 16:00"), state="stopped", outcome="missed", breached_at="Mon 14:00")
    met = [created("Mon 10:00"), reply("Mon 11:00"), event("Mon 15:00", "deleted")]
    check(only(FIRST, met, "Mon 16:00"), outcome="met", completed_at="Mon 11:00")


# ---- 16. reassignment


def test_rule_16_reassignment_never_resets_the_customers_clocks() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"), changed("Mon 11:00", owner="user:4"),
        changed("Mon 12:00", owner="queue:Support"), changed("Mon 13:00", owner="user:5"),
    ]  # fmt: skip
    found = verdicts(config(policy(target("first_response", "4h"), target("resolution", "8h"))), lines, "Mon 13:00")
    check(pick(found, target="first_response"), cycle=1, started_at="Mon 10:00", due_at="Mon 14:00", elapsed_s=3 * HOUR)
    check(pick(found, target="resolution"), cycle=1, started_at="Mon 10:00", due_at="Tue 10:00", elapsed_s=3 * HOUR)


def test_rule_16_reassignment_restarts_the_owners_clock() -> None:
    lines = [created("Mon 10:00", owner="user:3"), changed("Mon 10:30", owner="user:4")]
    found = verdicts(promise("owner_response", "1h"), lines, "Mon 11:00")
    assert [v["cycle"] for v in found] == [1, 2]
    check(found[0], state="stopped", elapsed_s=30 * MINUTE, breached_at=None)
    check(found[1], state="running", started_at="Mon 10:30", due_at="Mon 11:30")


def test_rule_16_the_first_owners_miss_stays_theirs() -> None:
    lines = [
        created("Mon 10:00", owner="user:3"),
        changed("Mon 12:00", owner="user:4"),
        reply("Mon 12:10", actor="user:4"),
    ]
    found = verdicts(promise("owner_response", "1h"), lines, "Mon 16:00")
    check(found[0], cycle=1, outcome="missed", breached_at="Mon 11:00", late_s=HOUR)
    check(found[1], cycle=2, outcome="met", completed_at="Mon 12:10")
