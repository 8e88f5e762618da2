"""The table of metrics: what starts, stops, pauses and repeats each clock."""

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


def cycles(metric: str, lines: list[dict], now: str, within: str = "4h", **more: object) -> list[tuple]:
    """(cycle, state, outcome) of every clock."""
    return [(v["cycle"], v["state"], v["outcome"]) for v in verdicts(promise(metric, within, **more), lines, now)]


def spans(metric: str, lines: list[dict], now: str, within: str = "4h", **more: object) -> list[tuple]:
    """(start, end) of every clock as HH:MM; the end is None while it runs."""
    return [
        (v["started_at"][11:16], v["completed_at"] and v["completed_at"][11:16])
        for v in verdicts(promise(metric, within, **more), lines, now)
    ]


TALK = [
    created("Mon 09:00"),
    reply("Mon 09:30"),
    asks("Mon 10:00"),
    asks("Mon 10:20"),
    reply("Mon 11:00"),
    asks("Mon 12:00"),
]

# ---- first_response


def test_first_response_runs_from_the_creation_to_the_first_answer() -> None:
    verdict = only(promise("first_response", "1h"), TALK, "Mon 13:00")
    check(verdict, started_at="Mon 09:00", completed_at="Mon 09:30", outcome="met", cycle=1)


def test_first_response_does_not_repeat_on_a_ticket() -> None:
    assert cycles("first_response", TALK, "Mon 16:00") == [(1, "stopped", "met")]


# ---- next_response


def test_next_response_runs_from_the_oldest_unanswered_message_to_the_next_answer() -> None:
    assert spans("next_response", TALK, "Mon 12:30") == [("10:00", "11:00"), ("12:00", None)]
    assert cycles("next_response", TALK, "Mon 12:30") == [(1, "stopped", "met"), (2, "running", None)]


def test_next_response_two_messages_in_one_wait_are_one_miss() -> None:
    lines = [created("Mon 09:00"), reply("Mon 09:30"), asks("Mon 10:00"), asks("Mon 11:30"), asks("Mon 12:00")]
    check(only(promise("next_response", "1h"), lines, "Mon 16:00"), cycle=1, breached_at="Mon 11:00", outcome="missed")


def test_next_response_does_not_start_before_the_first_answer() -> None:
    lines = [created("Mon 09:00"), asks("Mon 09:10"), asks("Mon 09:20")]
    assert cycles("next_response", lines, "Mon 12:00") == []
    assert cycles("next_response", [*lines, reply("Mon 09:30")], "Mon 12:00") == []


def test_next_response_is_not_paused_by_status() -> None:
    lines = [*TALK[:3], changed("Mon 10:10", status="pending")]
    check(only(promise("next_response", "1h"), lines, "Mon 12:00"), state="running", outcome="missed", paused_s=0)


def test_next_response_is_not_started_by_an_internal_or_automatic_message() -> None:
    lines = [
        *TALK[:2],
        event("Mon 10:00", "message", actor="customer:7", direction="inbound", public=True, automated=True),
        event("Mon 10:10", "message", actor="bot:1", direction="inbound", public=True),
    ]
    assert cycles("next_response", lines, "Mon 12:00") == []


# ---- update_every


def test_update_every_runs_from_answer_to_answer_while_the_record_is_open() -> None:
    lines = [
        created("Mon 09:00"), reply("Mon 10:00"), reply("Mon 12:00"), changed("Mon 13:00", status="resolved")
    ]  # fmt: skip
    assert spans("update_every", lines, "Mon 16:00") == [("10:00", "12:00"), ("12:00", "13:00")]
    assert cycles("update_every", lines, "Mon 16:00") == [(1, "stopped", "met"), (2, "stopped", "met")]


def test_update_every_misses_when_nothing_is_said() -> None:
    found = verdicts(promise("update_every", "2h"), [created("Mon 09:00"), reply("Mon 10:00")], "Mon 13:00")
    check(pick(found, cycle=1), state="running", outcome="missed", breached_at="Mon 12:00", late_s=HOUR)


@pytest.mark.parametrize("status", ["pending", "on_hold"])
def test_update_every_pauses_while_others_are_waited_for(status: str) -> None:
    lines = [
        created("Mon 09:00"), reply("Mon 10:00"),
        changed("Mon 11:00", status=status), changed("Mon 13:00", status="open"),
    ]  # fmt: skip
    check(only(promise("update_every", "2h"), lines, "Mon 13:30"), due_at="Mon 14:00", paused_s=2 * HOUR)


def test_update_every_does_not_start_with_an_answer_on_a_resolved_record() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="resolved"), reply("Mon 10:05")]
    assert cycles("update_every", lines, "Mon 16:00") == []


def test_update_every_starts_nothing_with_the_answer_that_resolves() -> None:
    lines = [created("Mon 09:00"), reply("Mon 10:00", seq=1), changed("Mon 10:00", status="resolved", seq=2)]
    assert [v["state"] for v in verdicts(promise("update_every", "2h"), lines, "Tue 16:00")] in ([], ["stopped"])


# ---- resolution and first_resolution


@pytest.mark.parametrize("metric", ["resolution", "first_resolution"])
@pytest.mark.parametrize("done", ["resolved", "closed"])
def test_resolution_runs_from_the_creation_until_resolved(metric: str, done: str) -> None:
    lines = [created("Mon 09:00"), reply("Mon 10:00"), changed("Mon 12:00", status=done)]
    check(only(promise(metric, "4h"), lines, "Mon 16:00"),
          started_at="Mon 09:00", completed_at="Mon 12:00", outcome="met", elapsed_s=3 * HOUR)  # fmt: skip


@pytest.mark.parametrize("metric", ["resolution", "first_resolution"])
@pytest.mark.parametrize("status", ["pending", "on_hold"])
def test_resolution_pauses_while_others_are_waited_for(metric: str, status: str) -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status=status), changed("Mon 12:00", status="open")]
    check(only(promise(metric, "4h"), lines, "Mon 12:00"), paused_s=2 * HOUR, due_at="Mon 15:00")


@pytest.mark.parametrize("actor", ["user:3", "workflow:autoclose", "bot:1"])
def test_resolution_does_not_ask_who_resolved_it(actor: str) -> None:
    lines = [created("Mon 09:00"), changed("Mon 12:00", status="resolved", actor=actor)]
    check(only(promise("resolution", "4h"), lines, "Mon 16:00"), outcome="met", completed_at="Mon 12:00")


# ---- time_to_own


def test_time_to_own_runs_until_a_person_owns_it() -> None:
    lines = [
        created("Mon 09:00", owner="queue:Support"), changed("Mon 09:30", owner="queue:Second level"),
        changed("Mon 10:00", owner="user:3"), changed("Mon 12:00", owner="user:4"),
    ]  # fmt: skip
    check(only(promise("time_to_own", "2h"), lines, "Mon 16:00"),
          started_at="Mon 09:00", completed_at="Mon 10:00", outcome="met", elapsed_s=HOUR)  # fmt: skip


def test_time_to_own_of_a_record_that_begins_with_an_owner_is_nothing() -> None:
    verdict = only(promise("time_to_own", "2h"), [created("Mon 09:00", owner="user:3")], "Mon 16:00")
    check(verdict, outcome="met", completed_at="Mon 09:00", elapsed_s=0, state="stopped")


def test_time_to_own_is_not_paused_and_a_queue_is_nobody() -> None:
    lines = [created("Mon 09:00", owner=None), changed("Mon 09:30", status="pending", owner="queue:Support")]
    check(only(promise("time_to_own", "1h"), lines, "Mon 11:00"), outcome="missed", breached_at="Mon 10:00")


def test_time_to_own_does_not_start_again_when_the_owner_leaves() -> None:
    lines = [
        created("Mon 09:00", owner="queue:Support"), changed("Mon 10:00", owner="user:3"),
        changed("Mon 11:00", owner="queue:Support"),
    ]  # fmt: skip
    assert cycles("time_to_own", lines, "Mon 16:00") == [(1, "stopped", "met")]


# ---- owner_response


def test_owner_response_runs_from_each_assignment_to_that_owners_answer() -> None:
    lines = [
        created("Mon 09:00", owner="queue:Support"), changed("Mon 09:30", owner="user:3"), reply("Mon 10:00"),
        changed("Mon 11:00", owner="user:4"), reply("Mon 11:30", actor="user:4"),
    ]  # fmt: skip
    assert spans("owner_response", lines, "Mon 16:00") == [("09:30", "10:00"), ("11:00", "11:30")]


def test_owner_response_is_not_ended_by_somebody_elses_answer() -> None:
    lines = [created("Mon 09:00", owner="user:3"), reply("Mon 09:30", actor="user:4")]
    check(only(promise("owner_response", "1h"), lines, "Mon 10:30"), outcome="missed", breached_at="Mon 10:00")


def test_owner_response_counts_what_else_answers_only_when_the_owner_does_it() -> None:
    def moved_by(actor: str) -> str | None:
        lines = [created("Mon 09:00", owner="user:3"), changed("Mon 09:30", status="open", actor=actor)]
        return only(promise("owner_response", "4h", answers=["status_change"]), lines, "Mon 10:00")["outcome"]

    assert (moved_by("user:3"), moved_by("user:4")) == ("met", None)


def test_owner_response_is_ended_by_the_owner_who_solves_without_a_word() -> None:
    lines = [created("Mon 09:00", owner="user:3"), changed("Mon 09:30", status="resolved", actor="user:3")]
    check(only(promise("owner_response", "4h"), lines, "Mon 10:00"), outcome="met", completed_at="Mon 09:30")


def test_owner_response_does_not_start_for_a_queue() -> None:
    assert cycles("owner_response", [created("Mon 09:00", owner="queue:Support")], "Mon 16:00") == []


def test_owner_response_ends_when_the_owner_changes_to_a_queue() -> None:
    lines = [created("Mon 09:00", owner="user:3"), changed("Mon 10:00", owner="queue:Support")]
    verdict = only(promise("owner_response", "4h"), lines, "Tue 16:00")
    check(verdict, state="stopped", elapsed_s=HOUR, breached_at=None)


def test_owner_response_is_not_started_by_the_same_owner_again() -> None:
    lines = [created("Mon 09:00", owner="user:3"), reply("Mon 09:30"), changed("Mon 10:00", owner="user:3")]
    assert cycles("owner_response", lines, "Mon 16:00") == [(1, "stopped", "met")]


def test_owner_response_the_owners_later_answers_start_nothing() -> None:
    lines = [created("Mon 09:00", owner="user:3"), reply("Mon 09:30"), asks("Mon 10:00"), reply("Mon 10:30")]
    assert cycles("owner_response", lines, "Mon 16:00") == [(1, "stopped", "met")]


# ---- in_status


def test_in_status_runs_on_each_stay_in_a_category() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 10:00", status="on_hold"), changed("Mon 11:00", status="open"),
        changed("Mon 12:00", status="on_hold"),
    ]  # fmt: skip
    assert spans("in_status", lines, "Mon 13:00", status="on_hold") == [("10:00", "11:00"), ("12:00", None)]


def test_in_status_runs_on_the_crms_own_word() -> None:
    lines = [
        created("Mon 09:00", raw_status="New"), changed("Mon 10:00", status="open", raw_status="In Review"),
        changed("Mon 11:00", raw_status="With Legal"),
    ]  # fmt: skip
    assert spans("in_status", lines, "Mon 13:00", raw_status="In Review") == [("10:00", "11:00")]


def test_in_status_starts_with_a_record_that_begins_there() -> None:
    check(only(promise("in_status", "4h", status="new"), [created("Mon 09:00")], "Mon 10:00"),
          started_at="Mon 09:00", due_at="Mon 13:00", state="running")  # fmt: skip


def test_in_status_does_not_leave_a_status_because_a_customer_writes() -> None:
    lines = [created("Mon 09:00", status="pending"), asks("Mon 10:00")]
    check(only(promise("in_status", "4h", status="pending"), lines, "Mon 12:00"), state="running", elapsed_s=3 * HOUR)


def test_in_status_is_not_paused_and_not_restarted_by_other_changes() -> None:
    lines = [created("Mon 09:00", status="pending"), reply("Mon 10:00"), changed("Mon 11:00", priority="high")]
    check(only(promise("in_status", "4h", status="pending"), lines, "Mon 12:00"),
          cycle=1, state="running", elapsed_s=3 * HOUR, paused_s=0)  # fmt: skip


def test_in_status_any_of_several() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Mon 11:00", status="on_hold")]
    assert spans("in_status", lines, "Mon 13:00", status=["pending", "on_hold"]) == [("10:00", None)]


# ---- waiting_on_customer


def test_waiting_on_customer_runs_until_the_customer_writes() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 10:00", status="pending"), asks("Mon 11:00"),
        changed("Mon 11:30", status="open"), changed("Mon 13:00", status="pending"),
    ]  # fmt: skip
    assert spans("waiting_on_customer", lines, "Mon 14:00") == [("10:00", "11:00"), ("13:00", None)]


def test_waiting_on_customer_ends_when_the_status_leaves_pending() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Mon 12:00", status="resolved")]
    check(only(promise("waiting_on_customer", "4h"), lines, "Mon 16:00"),
          state="stopped", started_at="Mon 10:00", completed_at="Mon 12:00", elapsed_s=2 * HOUR)  # fmt: skip


def test_waiting_on_customer_is_not_waiting_on_somebody_else() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="on_hold")]
    assert cycles("waiting_on_customer", lines, "Mon 12:00") == []


def test_waiting_on_customer_goes_on_when_the_team_writes() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), reply("Mon 11:00")]
    check(only(promise("waiting_on_customer", "4h"), lines, "Mon 12:00"), state="running", elapsed_s=2 * HOUR)


def test_waiting_on_customer_misses_when_the_customer_stays_silent() -> None:
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending")]
    check(only(promise("waiting_on_customer", "24h"), lines, "Fri 12:00"), outcome="missed", breached_at="Thu 10:00")


# ---- targets that spell out their own


PROPOSAL = config(
    policy(
        target(
            "Proposal follow-up", "24h", start={"raw_status": "Proposal Sent"}, stop={"answer": True},
            pause={"status": ["pending"]}, calendar="always",
        ),
        name="Deals", applies_to="deal",
    )
)  # fmt: skip
SENT = [
    created("Mon 09:00", record="crm:deal:1", actor="user:5", raw_status="Draft"),
    changed("Mon 18:00", record="crm:deal:1", raw_status="Proposal Sent", status="open"),
]


def test_a_target_of_its_own_starts_on_its_own_condition() -> None:
    check(only(PROPOSAL, SENT, "Tue 10:00"),
          target="Proposal follow-up", started_at="Mon 18:00", due_at="Tue 18:00", elapsed_s=16 * HOUR)  # fmt: skip
    assert verdicts(PROPOSAL, SENT[:1], "Tue 10:00") == []


def test_a_target_of_its_own_stops_on_its_own_condition() -> None:
    lines = [*SENT, activity("Tue 12:00", "call", record="crm:deal:1", outcome="connected")]
    check(only(PROPOSAL, lines, "Fri 10:00"), state="stopped", outcome="met", completed_at="Tue 12:00")


def test_a_target_of_its_own_pauses_on_its_own_condition() -> None:
    lines = [
        *SENT,
        changed("Tue 00:00", record="crm:deal:1", status="pending"),
        changed("Tue 06:00", record="crm:deal:1", status="open"),
    ]
    check(only(PROPOSAL, lines, "Tue 06:00"), due_at="Wed 00:00", elapsed_s=6 * HOUR, paused_s=6 * HOUR)


def test_a_target_of_its_own_may_stop_on_a_status() -> None:
    approval = promise(
        "Approval", "8h", start={"raw_status": "Submitted"}, stop={"raw_status": ["Approved", "Rejected"]}
    )
    lines = [
        created("Mon 09:00", raw_status="Draft"), changed("Mon 10:00", raw_status="submitted"),
        changed("Mon 12:00", raw_status="Rejected"),
    ]  # fmt: skip
    check(only(approval, lines, "Fri 12:00"), started_at="Mon 10:00", completed_at="Mon 12:00", elapsed_s=2 * HOUR)


def test_a_target_of_its_own_may_repeat() -> None:
    stay = {"start": {"raw_status": "Submitted"}, "stop": {"raw_status": "Returned"}}
    lines = [
        created("Mon 09:00", raw_status="Draft"),
        changed("Mon 10:00", raw_status="Submitted"), changed("Mon 11:00", raw_status="Returned"),
        changed("Mon 12:00", raw_status="Submitted"),
    ]  # fmt: skip
    assert spans("Approval", lines, "Mon 13:00", repeat=True, **stay) == [("10:00", "11:00"), ("12:00", None)]


def test_a_built_in_metric_may_start_from_another_field() -> None:
    qualified = promise("first_response", "1h", start={"raw_status": "Qualified"}, applies_to="lead")
    lines = [
        created("Mon 09:00", record="crm:lead:1", raw_status="Raw"),
        changed("Mon 12:00", record="crm:lead:1", raw_status="Qualified", actor="workflow:scoring"),
    ]
    check(only(qualified, lines, "Mon 12:30"), started_at="Mon 12:00", due_at="Mon 13:00")


def test_several_targets_run_side_by_side() -> None:
    promised = config(policy(target("first_response", "1h"), target("next_response", "2h"), target("resolution", "8h")))
    found = verdicts(promised, TALK, "Mon 12:30")
    assert [(v["target"], v["cycle"]) for v in found] == [
        ("first_response", 1), ("next_response", 1), ("next_response", 2), ("resolution", 1),
    ]  # fmt: skip
    check(pick(found, target="next_response", cycle=2), elapsed_s=30 * MINUTE)
