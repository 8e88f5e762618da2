"""A clock as a fact: every part of it, whose it was, and the group in which it is counted."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from sla_story import changed, config, created, event, instant, policy, reply, target

from sla.figures.fact import DIMENSIONS, Reached, dimension, fact_of, facts, holder_at
from sla.fold import evaluate_record
from sla.instant import parse_instant
from sla.policy import Policies
from sla.record import RecordState
from sla.timeline import event_from_mapping

MINUTE, HOUR = 60_000, 3_600_000
PROMISE = config(
    policy(target("resolution", "2h", steps=[{"at": "50%", "notify": "owner"}, {"at": "+4h", "notify": "manager"}]))
)
CLOSED = [
    created("Mon 09:00", owner="user:3", priority="low"),
    changed("Mon 09:30", status="pending"),
    changed("Mon 10:00", status="open"),
    changed("Mon 12:00", status="resolved"),
]


def ms(text):
    return parse_instant(instant(text))


def evaluation(lines, now, promise=PROMISE):
    return evaluate_record(Policies.from_config(promise), [event_from_mapping(line) for line in lines], ms(now))


def the_fact(lines, now, promise=PROMISE, people=None):
    [fact] = facts(evaluation(lines, now, promise), people)
    return fact


def people(**named):
    document = {**PROMISE, "people": {name.replace("_", ":"): given for name, given in named.items()}}
    return Policies.from_config(document).people


def test_a_fact_says_everything_of_a_clock_that_has_ended():
    found = msgspec.structs.asdict(the_fact(CLOSED, "Mon 16:00"))
    fields = found.pop("fields")
    assert found == {
        "record": "desk:ticket:1", "kind": "ticket", "policy": "Support", "target": "resolution", "cycle": 1,
        "stage": "enforce", "state": "stopped", "outcome": "missed", "raw_outcome": "missed", "reason": None,
        "started_at": ms("Mon 09:00"), "due_at": ms("Mon 11:30"), "completed_at": ms("Mon 12:00"),
        "ended_at": ms("Mon 12:00"), "breached_at": ms("Mon 11:30"), "within": 2 * HOUR,
        "elapsed": 2 * HOUR + 30 * MINUTE, "paused": 30 * MINUTE, "late": 30 * MINUTE, "owner": "user:3", "team": None,
        "spent": {"system": 0, "user:3": 2 * HOUR + 30 * MINUTE},
        "reached": [Reached("50%", ms("Mon 10:30"), {"notify": "owner"})],
    }  # fmt: skip
    # What happens at the very end of a clock is in its fields.
    assert (fields["status"], fields["priority"]) == ("resolved", "low")


def test_a_fact_of_a_running_clock_has_no_outcome_and_the_fields_of_now():
    found = the_fact([created("Mon 09:00"), changed("Mon 09:30", priority="high")], "Mon 10:00")
    assert (found.state, found.outcome, found.raw_outcome, found.due_at) == ("running", None, None, ms("Mon 11:00"))
    assert (found.completed_at, found.ended_at, found.breached_at, found.decided_at) == (None, None, None, None)
    assert (found.elapsed, found.paused, found.late) == (HOUR, 0, 0)
    assert found.fields["priority"] == "high"


def test_a_fact_of_a_cancelled_clock_has_a_reason_and_was_decided_when_it_ended():
    found = the_fact([created("Mon 09:00"), event("Mon 09:30", "merged", into="desk:ticket:2")], "Mon 10:00")
    assert (found.outcome, found.raw_outcome, found.reason, found.completed_at) == (
        "cancelled", "cancelled", "merged", None,
    )  # fmt: skip
    assert (found.ended_at, found.decided_at) == (ms("Mon 09:30"), ms("Mon 09:30"))


def test_an_excused_miss_was_a_miss():
    excuse = event("Tue 09:00", "excused", reason="power cut", by="user:9",
                   **{"from": instant("Mon 09:00"), "until": instant("Mon 12:00")})  # fmt: skip
    found = the_fact([*CLOSED, excuse], "Tue 10:00")
    assert (found.outcome, found.raw_outcome, found.reason) == ("excused", "missed", "power cut")


def test_a_miss_is_decided_at_due_and_not_at_its_end():
    assert the_fact(CLOSED, "Mon 16:00").decided_at == ms("Mon 11:30")


def test_facts_stand_in_the_order_of_the_clocks():
    two = config(policy(target("resolution", "8h"), target("first_response", "1h")))
    found = facts(evaluation([created("Mon 09:00")], "Mon 09:30", two))
    assert [fact.target for fact in found] == ["first_response", "resolution"]


# ---- whose it was


def test_a_miss_is_whose_it_was_at_due_whoever_has_it_later():
    lines = [
        created("Mon 09:00", owner="user:3"),
        changed("Mon 11:30", owner="user:4"),
        changed("Mon 12:00", status="resolved"),
    ]
    assert the_fact(lines, "Mon 16:00").owner == "user:3"


def test_what_was_kept_is_whose_it_was_at_the_end_and_what_runs_whose_it_is_now():
    lines = [created("Mon 09:00", owner="user:3"), changed("Mon 09:30", owner="user:4")]
    assert the_fact(lines, "Mon 09:30").owner == "user:3"
    assert the_fact(lines, "Mon 10:00").owner == "user:4"
    lines += [changed("Mon 10:00", status="resolved"), changed("Mon 10:30", owner="user:5")]
    assert the_fact(lines, "Mon 12:00").owner == "user:4"


def test_whoever_gets_a_record_at_the_instant_did_not_have_it_before():
    state = RecordState("desk:ticket:1")
    state.holders = [(10, "system"), (20, "queue:a"), (20, "user:3"), (30, "user:4")]
    assert [holder_at(state, at) for at in (9, 10, 11, 20, 21, 30, 31)] == [
        "system", "system", "system", "system", "user:3", "user:3", "user:4",
    ]  # fmt: skip
    state.holders = [(20, "queue:a"), (20, "user:3")]
    assert holder_at(state, 20) == "user:3"
    state.holders = []
    assert holder_at(state, 20) == "system"


def test_the_team_is_the_owners_else_the_records():
    lines = [created("Mon 09:00", owner="user:3", team="Desk")]
    staff = people(user_3={"team": "Inside sales"}, user_4={"manager": "user:9"})
    assert the_fact(lines, "Mon 10:00", people=staff).team == "Inside sales"
    assert the_fact(lines, "Mon 10:00").team == "Desk"
    assert the_fact([created("Mon 09:00", owner="user:4", team=5)], "Mon 10:00", people=staff).team == "5"
    assert the_fact([created("Mon 09:00", owner="user:4")], "Mon 10:00", people=staff).team is None
    found = evaluation(lines, "Mon 10:00")
    assert fact_of(found.clocks[0], found.state).team == "Desk"


# ---- dimensions


def test_there_are_seventeen_dimensions_beside_the_fields():
    assert DIMENSIONS == (
        "policy", "target", "kind", "owner", "team", "channel", "source", "priority", "tier", "customer",
        "connection", "stage", "day", "week", "month", "quarter", "hour_of_week",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("policy", "Support"), ("target", "resolution"), ("kind", "ticket"), ("owner", "user:3"), ("stage", "enforce"),
        ("connection", "desk"), ("team", "(none)"), ("priority", "low"), ("channel", "(none)"), ("source", "(none)"),
        ("tier", "gold"), ("customer", "(none)"), ("region", "(none)"), ("amount", "0"), ("vip", "False"),
    ],
)  # fmt: skip
def test_a_dimension_is_a_part_of_the_clock_or_a_field_of_its_record(name, group):
    more = {"owner": "user:3", "priority": "low", "tier": "gold", "region": "", "amount": 0, "vip": False}
    assert dimension(the_fact([created("Mon 09:00", **more)], "Mon 10:00"), name) == group


def test_a_field_cannot_pass_for_what_the_clock_itself_says():
    fields = {"owner": "user:3", "policy": "x", "target": "x", "stage": "x", "connection": "x", "day": 1}
    found = the_fact([created("Mon 09:00", **fields)], "Mon 10:00")
    names = ("policy", "target", "stage", "connection", "day")
    assert [dimension(found, name) for name in names] == ["Support", "resolution", "enforce", "desk", "2026-03-02"]


def test_the_customer_is_the_requester_where_no_customer_is_told():
    told = {"requester": "customer:8"}
    assert dimension(the_fact([created("Mon 09:00", **told)], "Mon 10:00"), "customer") == "customer:8"
    assert dimension(the_fact([created("Mon 09:00", customer="acme", **told)], "Mon 10:00"), "customer") == "acme"
    assert dimension(the_fact([created("Mon 09:00", **told)], "Mon 10:00"), "tier") == "(none)"


@pytest.mark.parametrize(
    ("at", "week", "month", "quarter", "hour"),
    [
        ("2026-01-01T00:00:00Z", "2026-W01", "2026-01", "2026-Q1", "Thu 00"),
        ("2025-12-28T23:00:00Z", "2025-W52", "2025-12", "2025-Q4", "Sun 23"),
        ("2025-12-29T09:00:00Z", "2026-W01", "2025-12", "2025-Q4", "Mon 09"),
        ("2026-03-31T09:00:00Z", "2026-W14", "2026-03", "2026-Q1", "Tue 09"),
        ("2026-04-01T10:00:00Z", "2026-W14", "2026-04", "2026-Q2", "Wed 10"),
        ("2026-07-03T11:00:00Z", "2026-W27", "2026-07", "2026-Q3", "Fri 11"),
        ("2026-10-03T11:00:00Z", "2026-W40", "2026-10", "2026-Q4", "Sat 11"),
    ],
)
def test_a_period_is_of_the_local_date_of_the_start_while_nothing_is_decided(at, week, month, quarter, hour):
    always = config(policy(target("resolution", "2h", calendar="always")))
    found = the_fact([created(at)], at, always)
    names = ("day", "week", "month", "quarter", "hour_of_week")
    assert [dimension(found, name) for name in names] == [at[:10], week, month, quarter, hour]


def test_a_period_is_that_of_the_zone():
    always = config(policy(target("first_response", "2h", calendar="always")))
    found = the_fact([created("Mon 22:00"), reply("Mon 23:30")], "Tue 10:00", always)
    assert dimension(found, "hour_of_week", ZoneInfo("Europe/Berlin")) == "Tue 00"
    assert dimension(found, "hour_of_week") == "Mon 23"
