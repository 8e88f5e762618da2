"""What a report counts: outcomes, lengths, rates, record by record and group by group."""

import statistics
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_story import activity, asks, changed, config, created, event, instant, policy, reply, target

from sla.figures.attainment import DEFINITIONS, Tally
from sla.figures.case import cases
from sla.figures.grouping import Grouping, Selection
from sla.figures.handling import handling_of
from sla.figures.percentile import nearest_rank, percentiles
from sla.fold import evaluate_timelines
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3600
BOTH = config(
    policy(
        target("first_response", "1h", steps=[{"at": "75%", "notify": "owner"}, {"at": "due", "notify": "manager"}]),
        target("resolution", "8h"),
    )
)


def found_cases(configuration, lines, now, targets=(), shadow=True):
    policies = Policies.from_config(configuration)
    at = parse_instant(instant(now))
    timelines = {}
    for line in lines:
        read = event_from_mapping(line)
        timelines.setdefault(read.record, []).append(read)
    for evaluation in evaluate_timelines(policies, timelines, at):
        events = timelines[evaluation.state.record]
        yield from cases(evaluation, events, at, policies.people, targets, shadow=shadow)


def figures(configuration, lines, now, targets=(), shadow=True):
    tally = Tally()
    for case in found_cases(configuration, lines, now, targets, shadow):
        tally.add(case, parse_instant(instant(now)))
    return tally.figures()


def grouped(configuration, lines, now, *by, **chosen):
    at = parse_instant(instant(now))
    zone = ZoneInfo(chosen.pop("zone", "UTC"))
    where = {name: frozenset(values) for name, values in chosen.pop("where", {}).items()}
    spans = {name: parse_instant(instant(text)) for name, text in chosen.items()}
    grouping = Grouping(Selection(by, zone, where=where, **spans), at)
    for case in found_cases(configuration, lines, now):
        grouping.add(case)
    return {tuple(group["group"].values()): group for group in grouping.groups()}, grouping


def ticket(number, at="Mon 09:00", answered=None, resolved=None, **fields):
    record = f"desk:ticket:{number}"
    lines = [created(at, record=record, owner="user:3", **fields)]
    if answered:
        lines.append(reply(answered, record=record))
    if resolved:
        lines.append(changed(resolved, record=record, status="resolved"))
    return lines


# ---- percentiles


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 15), (5, 15), (30, 20), (40, 20), (41, 35), (50, 35), (80, 40), (95, 50), (100, 50)]
)
def test_a_percentile_is_the_nearest_rank(percent, expected):
    assert nearest_rank([15, 20, 35, 40, 50], percent) == expected


def test_percentiles_of_many_are_exact():
    assert percentiles(range(200, 0, -1)) == {50: 100, 80: 160, 90: 180, 95: 190}


def test_a_percentile_of_nothing_is_nothing():
    assert nearest_rank([], 50) is None
    assert percentiles([]) == {50: None, 80: None, 90: None, 95: None}


@given(st.lists(st.integers(0, 10**12), min_size=1), st.integers(1, 100))
def test_at_least_so_many_do_not_exceed_a_percentile_and_no_smaller_length_would_do(values, percent):
    found = nearest_rank(sorted(values), percent)
    assert found in values
    assert 100 * sum(value <= found for value in values) >= percent * len(values)
    assert 100 * sum(value < found for value in values) < percent * len(values)
    assert nearest_rank(sorted(values), 50) == statistics.median_low(values)


# ---- outcomes


def test_the_denominator_is_met_and_missed():
    lines = [
        *ticket(1, answered="Mon 09:30"),
        *ticket(2, answered="Mon 11:00"),
        *ticket(3),
        *ticket(4, at="Mon 11:45"),
        *ticket(5),
        event("Mon 09:10", "merged", record="desk:ticket:5", into="desk:ticket:1"),
    ]
    found = figures(config(policy(target("first_response", "1h"))), lines, "Mon 12:00")
    counts = {name: found[name] for name in ("clocks", "met", "missed", "running", "cancelled", "decided")}
    assert counts == {"clocks": 5, "met": 1, "missed": 2, "running": 1, "cancelled": 1, "decided": 3}
    assert found["cancelled_by_reason"] == {"merged": 1}
    assert (found["raw_attainment"], found["breach_rate"]) == (0.333333, 0.666667)


def test_disqualified_clocks_are_counted_apart_and_hide_no_miss():
    leads = config(policy(target("first_response", "1h"), applies_to="lead"))
    lines = [
        created("Mon 09:00", record="crm:lead:1"),
        event("Mon 09:30", "disqualified", record="crm:lead:1", actor="user:3"),
        created("Mon 09:00", record="crm:lead:2"),
        event("Mon 11:00", "disqualified", record="crm:lead:2", actor="user:3"),
    ]
    found = figures(leads, lines, "Mon 12:00")
    assert (found["missed"], found["cancelled"], found["disqualified"]) == (1, 0, 1)
    assert found["cancelled_by_reason"] == {"disqualified": 1}


def test_an_excused_miss_is_a_miss_in_raw_and_left_out_of_adjusted_attainment():
    lines = [
        *ticket(1, answered="Mon 09:30"),
        *ticket(2, answered="Mon 11:00"),
        *ticket(3, answered="Mon 11:00"),
        event(
            "Tue 09:00",
            "excused",
            record="desk:ticket:3",
            reason="power cut",
            by="user:9",
            **{"from": instant("Mon 09:00"), "until": instant("Mon 11:00")},
        ),
    ]
    found = figures(config(policy(target("first_response", "1h"))), lines, "Tue 12:00")
    assert (found["met"], found["missed"], found["excused"]) == (1, 1, 1)
    assert (found["raw_attainment"], found["adjusted_attainment"]) == (0.333333, 0.5)
    assert found["compliance_rate"] == found["adjusted_attainment"]
    assert found["breach_rate"] == 0.666667


def test_nothing_decided_has_no_attainment():
    found = figures(config(policy(target("first_response", "1h"))), ticket(1), "Mon 09:30")
    assert (found["decided"], found["adjusted_attainment"], found["breach_rate"]) == (0, None, None)


def test_fewer_than_twenty_decided_clocks_are_marked():
    promise = config(policy(target("first_response", "1h")))
    lines = [line for number in range(20) for line in ticket(number, answered="Mon 09:30")]
    assert figures(promise, lines, "Mon 12:00")["small"] is False
    assert figures(promise, lines[2:], "Mon 12:00")["small"] is True


# ---- lengths


def test_percentiles_are_of_completed_clocks_in_working_time_late_ones_included():
    lines = [
        *ticket(1, answered="Mon 09:10"),
        *ticket(2, answered="Mon 09:20"),
        *ticket(3, answered="Tue 09:30"),
        *ticket(4),
    ]
    found = figures(config(policy(target("first_response", "1h"))), lines, "Wed 12:00")
    assert found["first_response"] == {"count": 3, "p50_s": 1200, "p80_s": 30600, "p90_s": 30600, "p95_s": 30600}
    assert found["resolution"] == {"count": 0, "p50_s": None, "p80_s": None, "p90_s": None, "p95_s": None}


def test_a_first_response_under_a_name_of_its_own_is_still_one():
    named = config(policy(target("first_response", "1h", name="Hello")))
    assert figures(named, ticket(1, answered="Mon 09:10"), "Mon 12:00")["first_response"]["count"] == 1


def test_handling_time_is_what_people_had_of_completed_resolutions():
    lines = [
        created("Mon 09:00", owner="queue:Support"),
        changed("Mon 10:00", owner="user:3", status="open"),
        changed("Mon 12:00", owner="user:4"),
        changed("Mon 13:00", status="resolved"),
        *ticket(2, resolved="Mon 10:00"),
        created("Mon 09:00", record="desk:ticket:3", owner="queue:Support"),
        changed("Mon 16:00", record="desk:ticket:3", status="resolved"),
    ]
    found = figures(BOTH, lines, "Tue 12:00")
    assert (found["handled"], found["average_handling_s"]) == (2, 2 * HOUR)
    assert found["time_per_owner"] == {"queue:Support": 8 * HOUR, "user:3": 3 * HOUR, "user:4": 1 * HOUR}


def test_waiting_on_the_customer_ends_with_their_word():
    lines = [
        *ticket(1, answered="Mon 09:30"),
        changed("Mon 10:00", status="pending"),
        asks("Mon 12:00"),
        changed("Mon 15:00", status="resolved"),
    ]
    assert figures(BOTH, lines, "Tue 12:00")["waiting_on_customer_s"] == 2 * HOUR


# ---- rates


def test_a_step_at_due_or_later_or_one_that_reassigns_escalates():
    steps = [{"at": "50%", "reassign": "sales"}, {"at": "75%", "notify": "owner"}]
    early = config(policy(target("first_response", "1h", steps=steps)))
    assert figures(early, ticket(1, answered="Mon 09:35"), "Mon 12:00")["escalated"] == 1
    assert figures(early, ticket(1, answered="Mon 09:20"), "Mon 12:00")["escalated"] == 0
    assert figures(BOTH, ticket(1, answered="Mon 09:50", resolved="Mon 10:00"), "Mon 12:00")["escalated"] == 0
    late = figures(BOTH, ticket(1, answered="Mon 10:30", resolved="Mon 11:00"), "Mon 12:00")
    assert (late["escalated"], late["clocks"], late["escalation_rate"]) == (1, 2, 0.5)


def test_a_record_counts_once_however_many_clocks_it_has():
    found = figures(BOTH, ticket(1, answered="Mon 09:30", resolved="Mon 10:00"), "Mon 12:00")
    assert (found["clocks"], found["records"], found["resolved"]) == (2, 1, 1)


def test_reopened_records_are_a_share_of_the_resolved_ones():
    lines = [
        *ticket(1, answered="Mon 09:30", resolved="Mon 10:00"),
        changed("Mon 11:00", status="open"),
        changed("Mon 11:30", status="resolved"),
        *ticket(2, answered="Mon 09:30", resolved="Mon 10:00"),
        *ticket(3, answered="Mon 09:30"),
    ]
    found = figures(BOTH, lines, "Mon 12:00")
    assert (found["records"], found["resolved"], found["reopened"], found["reopen_rate"]) == (3, 2, 1, 0.5)


def test_first_contact_resolution_takes_one_answer_at_most_and_no_reopening():
    lines = [
        *ticket(1, answered="Mon 09:30", resolved="Mon 10:00"),
        *ticket(2, resolved="Mon 10:00"),
        *ticket(3, answered="Mon 09:30", resolved="Mon 10:00"),
        reply("Mon 09:45", record="desk:ticket:3"),
        *ticket(4, answered="Mon 09:30", resolved="Mon 10:00"),
        changed("Mon 11:00", record="desk:ticket:4", status="open"),
        *ticket(5, answered="Mon 09:30", resolved="Mon 10:00"),
        reply("Mon 11:00", record="desk:ticket:5"),
        *ticket(6, answered="Mon 09:30"),
    ]
    found = figures(BOTH, lines, "Mon 12:00")
    assert (found["first_contact"], found["resolved"], found["first_contact_rate"]) == (3, 5, 0.6)


# ---- integrity


def test_a_status_that_still_waits_for_a_customer_who_has_spoken_is_told_and_stops_no_clock():
    lines = [
        *ticket(1, answered="Mon 09:30"),
        changed("Mon 10:00", status="pending"),
        asks("Mon 11:00"),
        changed("Mon 15:00", status="resolved"),
    ]
    found = figures(BOTH, lines, "Tue 12:00")
    assert found["integrity"] == {"pauses": 0, "pauses_s": 0, "stale": 1, "stale_s": 4 * HOUR}


def test_a_pause_that_goes_on_after_the_customer_has_spoken_is_counted_with_its_time():
    own = config(policy(target("resolution", "8h", pause={"raw_status": ["Parked"]})))
    lines = [
        *ticket(1),
        changed("Mon 10:00", raw_status="Parked", status="on_hold"),
        asks("Mon 11:00"),
        changed("Mon 15:00", raw_status="Open", status="open"),
    ]
    found = figures(own, lines, "Tue 12:00")
    assert found["integrity"] == {"pauses": 1, "pauses_s": 4 * HOUR, "stale": 0, "stale_s": 0}


def test_an_answer_after_their_word_makes_the_rest_of_a_pause_sound():
    own = config(policy(target("resolution", "8h", pause={"raw_status": ["Parked"]})))
    lines = [
        *ticket(1),
        changed("Mon 10:00", raw_status="Parked", status="on_hold"),
        asks("Mon 11:00"),
        reply("Mon 12:00"),
        changed("Mon 15:00", raw_status="Open", status="open"),
    ]
    assert figures(own, lines, "Tue 12:00")["integrity"]["pauses_s"] == HOUR


# ---- handling


def test_only_real_answers_before_the_first_resolution_count():
    lines = [
        *ticket(1, answered="Mon 09:30"),
        reply("Mon 09:40", actor="bot:1"),
        reply("Mon 09:41", public=False),
        activity("Mon 09:42", "call", outcome="no answer"),
        activity("Mon 09:43", "call", outcome="connected"),
        changed("Mon 10:00", status="resolved"),
        reply("Mon 10:30"),
    ]
    found = handling_of([event_from_mapping(line) for line in lines], parse_instant(instant("Mon 12:00")))
    assert (found.answers, found.resolved_at, found.reopened) == (2, parse_instant(instant("Mon 10:00")), 0)


def test_what_happens_after_now_has_not_happened():
    events = [event_from_mapping(line) for line in ticket(1, answered="Mon 09:30", resolved="Mon 10:00")]
    assert handling_of(events, parse_instant(instant("Mon 09:45"))).resolved_at is None


def spoken(*lines, now="Mon 16:00"):
    """While the customer had the last word, as short texts."""
    events = [event_from_mapping(line) for line in lines]
    # A snapshot is how a CRM shows a whole record; no line of a file can say so.
    events = [msgspec.structs.replace(one, snapshot=one.id.startswith("snap")) for one in events]
    found = handling_of(events, parse_instant(instant(now))).spoken
    return [(format_instant(start)[11:16], format_instant(end)[11:16]) for start, end in found]


def test_the_customer_has_the_last_word_until_an_answer_or_a_status():
    opened = [created("Mon 09:00"), asks("Mon 11:00")]
    assert spoken(*opened) == [("11:00", "16:00")]
    assert spoken(*opened, reply("Mon 12:00")) == [("11:00", "12:00")]
    assert spoken(*opened, reply("Mon 12:00", public=False)) == [("11:00", "16:00")]
    assert spoken(*opened, changed("Mon 12:00", status="pending")) == [("11:00", "12:00")]
    assert spoken(*opened, changed("Mon 12:00", priority="high")) == [("11:00", "16:00")]
    assert spoken(*opened, reply("Mon 12:00"), asks("Mon 13:00")) == [("11:00", "12:00"), ("13:00", "16:00")]


def test_a_snapshot_ends_the_last_word_only_with_another_status():
    opened = [created("Mon 09:00"), changed("Mon 10:00", status="open"), asks("Mon 11:00")]
    assert spoken(*opened, changed("Mon 12:00", id="snap1", status="open", priority="high")) == [("11:00", "16:00")]
    assert spoken(*opened, changed("Mon 12:00", id="snap1", status="pending")) == [("11:00", "12:00")]


@pytest.mark.parametrize("word", ["converted", "disqualified"])
def test_a_lead_that_ends_ends_the_last_word(word):
    lead = {"record": "crm:lead:1"}
    lines = [created("Mon 09:00", **lead), asks("Mon 11:00", **lead), event("Mon 12:00", word, actor="user:3", **lead)]
    assert spoken(*lines) == [("11:00", "12:00")]


@pytest.mark.parametrize("word", ["merged", "deleted"])
def test_nobody_waits_on_a_record_that_is_gone(word):
    lines = [
        created("Mon 09:00"),
        changed("Mon 10:00", status="pending"),
        event("Mon 12:00", word, into="desk:ticket:2"),
    ]
    found = handling_of([event_from_mapping(line) for line in lines], parse_instant(instant("Mon 16:00")))
    assert [(format_instant(a), format_instant(b)) for a, b in found.waits] == [
        (instant("Mon 10:00"), instant("Mon 12:00"))
    ]


# ---- groups


def test_a_clock_belongs_to_the_period_in_which_it_was_decided():
    lines = [
        *ticket(1, at="Mon 16:30", answered="Tue 09:10"),  # met on Tuesday
        *ticket(2, at="Mon 16:30", answered="Wed 09:10"),  # due, and missed, on Tuesday
        *ticket(3, at="Mon 15:00", answered="Wed 09:10"),  # due, and missed, on Monday
    ]
    found, _ = grouped(config(policy(target("first_response", "1h"))), lines, "Wed 12:00", "day")
    assert {key: (g["met"], g["missed"]) for key, g in found.items()} == {
        ("2026-03-02",): (0, 1),
        ("2026-03-03",): (1, 1),
    }


def test_periods_are_those_of_a_zone():
    promise = config(policy(target("first_response", "1h", calendar="always")))
    lines = ticket(1, at="Mon 23:20", answered="Mon 23:30")
    assert [*grouped(promise, lines, "Wed 12:00", "day")[0]] == [("2026-03-02",)]
    assert [*grouped(promise, lines, "Wed 12:00", "day", zone="Europe/Berlin")[0]] == [("2026-03-03",)]


def test_from_takes_its_instant_in_and_until_leaves_it_out():
    lines = [*ticket(1, answered="Mon 09:10"), *ticket(2, answered="Mon 09:20"), *ticket(3, answered="Mon 09:30")]
    promise = config(policy(target("first_response", "1h")))
    _, grouping = grouped(promise, lines, "Wed 12:00", since="Mon 09:10", until="Mon 09:30")
    assert grouping.total()["met"] == 2


def test_groups_by_any_field_add_up_to_the_total():
    lines = [
        *ticket(1, answered="Mon 09:30", region="north"),
        *ticket(2, answered="Mon 11:00", region="south"),
        *ticket(3, answered="Mon 09:30"),
    ]
    found, grouping = grouped(config(policy(target("first_response", "1h"))), lines, "Wed 12:00", "region", "target")
    assert [*found] == [("(none)", "first_response"), ("north", "first_response"), ("south", "first_response")]
    total = grouping.total()
    for name in ("clocks", "met", "missed", "records", "resolved", "escalated"):
        assert total[name] == sum(group[name] for group in found.values())
    assert total["first_response"]["count"] == 3


def test_where_compares_without_case_and_takes_any_of_several_values():
    lines = [*ticket(1, region="North"), *ticket(2, region="South"), *ticket(3, region="East"), *ticket(4)]
    promise = config(policy(target("first_response", "1h")))
    _, grouping = grouped(promise, lines, "Wed 12:00", where={"region": {"north", "south"}})
    assert grouping.total()["clocks"] == 2


def test_a_dimension_that_no_clock_has_is_known_for_it():
    _, grouping = grouped(config(policy(target("first_response", "1h"))), ticket(1, region="n"), "Wed 12:00", "regoin")
    assert grouping.named == {"regoin": False}
    assert "region" in grouping.fields


def test_a_shadow_policy_is_left_out_unless_asked_for():
    both = config(
        policy(target("first_response", "1h")),
        policy(target("first_response", "10m"), name="Tried out", stage="shadow"),
    )
    lines = ticket(1, answered="Mon 09:30")
    assert figures(both, lines, "Mon 12:00")["clocks"] == 2
    assert figures(both, lines, "Mon 12:00", shadow=False)["met"] == 1


def test_with_targets_one_of_theirs_counts_the_record():
    lines = ticket(1, answered="Mon 09:30", resolved="Mon 10:00")
    found = [*found_cases(BOTH, lines, "Mon 12:00", targets=("first_response",))]
    assert [case.fact.target for case in found if case.handling] == ["first_response"]


def test_a_policy_that_is_tried_out_counts_its_records_for_itself():
    tried = policy(target("first_response", "10m"), name="Tried out", stage="shadow")
    both = config(policy(target("first_response", "1h")), tried)
    found, _ = grouped(both, ticket(1, answered="Mon 09:30"), "Mon 12:00", "stage")
    assert {key: (group["records"], group["met"]) for key, group in found.items()} == {
        ("enforce",): (1, 1),
        ("shadow",): (1, 0),
    }


def test_every_cycle_of_the_resolution_is_somebodys_time_and_the_record_counts_once():
    never = config(policy(target("first_resolution", "8h"), target("resolution", "8h", reopen={"window": "never"})))
    lines = [
        *ticket(1, resolved="Mon 10:00"),
        changed("Mon 12:00", status="open", owner="user:4"),
        changed("Mon 15:00", status="resolved"),
    ]
    found = figures(never, lines, "Tue 12:00")
    assert (found["records"], found["clocks"]) == (1, 3)
    assert found["resolution"]["count"] == 2
    assert found["time_per_owner"] == {"user:4": 3 * HOUR, "user:3": HOUR}
    assert (found["handled"], found["average_handling_s"]) == (2, 2 * HOUR)


def test_every_figure_has_its_definition():
    found = figures(BOTH, ticket(1), "Mon 12:00")
    counts = {"resolved", "reopened", "first_contact", "handled", "escalated", "disqualified", "cancelled_by_reason"}
    assert set(found) - counts - set(DEFINITIONS) == set()
