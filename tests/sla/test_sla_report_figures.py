"""Every figure of a report for a handful of tickets that can be added up by hand, as a whole and group by group."""

from array import array
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sla_story import activity, asks, changed, config, created, event, instant, policy, reply, target

from sla.figures.attainment import FEW, Tally, mean_s, rate, seconds
from sla.figures.case import cases
from sla.figures.grouping import Grouping, Selection
from sla.figures.handling import Handling, handling_of
from sla.fold import evaluate_timelines
from sla.instant import parse_instant
from sla.policy import Policies
from sla.timeline import event_from_mapping

HOUR = 3600
UTC = ZoneInfo("UTC")
PARKED = {"raw_status": ["Parked"]}
RULES = config(
    policy(
        target("first_response", "1h", steps=[{"at": "due", "notify": "manager"}]),
        target("resolution", "4h", pause=PARKED, steps=[{"at": "50%", "notify": "owner"}]),
    )
)
NOW = "Tue 12:00"


def ms(text):
    return parse_instant(instant(text))


def of(number, *lines):
    return [{**line, "record": f"desk:ticket:{number}"} for line in lines]


LINES = [
    # Answered after 30 min, parked with a word of the customer for two hours, solved, reopened and solved.
    *of(
        1,
        created("Mon 09:00", owner="user:3", tier="gold"),
        reply("Mon 09:30"),
        changed("Mon 10:00", raw_status="Parked", status="on_hold"),
        asks("Mon 11:00"),
        changed("Mon 13:00", raw_status="Open", status="open"),
        changed("Mon 14:00", status="resolved"),
        changed("Mon 15:00", status="open"),
        changed("Mon 15:30", status="resolved"),
    ),
    # Answered late, waits for the customer for an hour, the status for half an hour too long.
    *of(
        2,
        created("Mon 09:00", owner="queue:Desk", tier="gold"),
        changed("Mon 10:00", owner="user:4"),
        reply("Mon 11:00"),
        changed("Mon 11:30", status="pending"),
        asks("Mon 12:30"),
        changed("Mon 13:00", status="resolved"),
    ),
    # Merged before anything was due.
    *of(3, created("Mon 09:00", tier="silver"), event("Mon 09:10", "merged", into="desk:ticket:1")),
    # Nobody ever looked at it; still open.
    *of(4, created("Tue 10:30", owner="user:3")),
]


def gathered(lines=LINES, now=NOW, rules=RULES, targets=()):
    policies, at = Policies.from_config(rules), ms(now)
    timelines = {}
    for line in lines:
        read = event_from_mapping(line)
        timelines.setdefault(read.record, []).append(read)
    for evaluation in evaluate_timelines(policies, timelines, at):
        yield from cases(evaluation, timelines[evaluation.state.record], at, policies.people, targets)


def tallied(found, now=NOW):
    tally = Tally()
    for case in found:
        tally.add(case, ms(now))
    return tally


def grouped(*by, lines=LINES, now=NOW, **more):
    grouping = Grouping(Selection(by, UTC, **more), ms(now))
    for case in gathered(lines, now):
        grouping.add(case)
    return grouping


WHOLE = {
    "clocks": 8, "met": 3, "missed": 2, "excused": 0, "running": 1, "cancelled": 2, "disqualified": 0,
    "cancelled_by_reason": {"merged": 2}, "decided": 5, "small": True, "raw_attainment": 0.6,
    "adjusted_attainment": 0.6, "compliance_rate": 0.6, "breach_rate": 0.4,
    "first_response": {"count": 2, "p50_s": 1800, "p80_s": 7200, "p90_s": 7200, "p95_s": 7200},
    "resolution": {"count": 2, "p50_s": 9000, "p80_s": 14400, "p90_s": 14400, "p95_s": 14400},
    "handled": 2, "average_handling_s": 9900.0,  # 2 h 30 min by user:3, 3 h by user:4
    "escalated": 2, "escalation_rate": 0.25, "records": 4, "resolved": 2, "reopened": 1, "reopen_rate": 0.5,
    "first_contact": 1, "first_contact_rate": 0.5, "waiting_on_customer_s": HOUR,
    "time_per_owner": {"user:3": 4 * HOUR, "user:4": 3 * HOUR, "queue:Desk": HOUR, "system": 600},
    "integrity": {"pauses": 1, "pauses_s": 2 * HOUR, "stale": 1, "stale_s": 1800},
}  # fmt: skip


def test_every_figure_of_a_few_tickets():
    found = tallied(gathered()).figures()
    assert found == WHOLE


# ---- one record, figure by figure


@pytest.mark.parametrize(("work", "expected"), [(0, 0), (1000, 1), (1500, 1.5), (999, 0.999), (3_600_000, 3600)])
def test_seconds_are_whole_where_they_can_be(work, expected):
    assert (seconds(work), type(seconds(work))) == (expected, type(expected))


def test_a_mean_is_to_the_millisecond_and_a_rate_to_six_digits():
    assert mean_s(array("q", [1000, 1000, 1001])) == 1.0
    assert mean_s(array("q", [1000, 1001, 1001])) == 1.001
    assert mean_s(array("q", [4000, 2000])) == 3.0
    assert mean_s(array("q")) is None
    assert (rate(2, 3), rate(0, 3), rate(0, 0)) == (0.666667, 0.0, None)


def test_twenty_decided_clocks_are_enough():
    assert FEW == 20
    for missed, small in ((5, True), (6, False)):
        tally = Tally()
        tally.outcomes.update({"met": 14, "missed": missed, "excused": 9, "running": 9})
        assert tally.figures()["small"] is small


def test_cancelled_ones_are_told_by_reason_in_order_and_the_disqualified_apart():
    tally = Tally()
    tally.outcomes.update({"cancelled": 6})
    tally.reasons.update({"merged": 2, "disqualified": 3, "deleted": 1})
    found = tally.figures()
    assert (found["cancelled"], found["disqualified"]) == (3, 3)
    assert list(found["cancelled_by_reason"].items()) == [("deleted", 1), ("disqualified", 3), ("merged", 2)]


def test_a_cancelled_clock_without_a_reason_is_told_apart():
    merged = next(case for case in gathered() if case.fact.outcome == "cancelled")
    nameless = merged._replace(fact=msgspec.structs.replace(merged.fact, reason=None))
    assert tallied([merged, nameless]).figures()["cancelled_by_reason"] == {"merged": 1, "no reason given": 1}


def test_rates_are_of_their_own_counts():
    tally = Tally()
    tally.outcomes.update({"met": 5, "missed": 2, "excused": 1, "cancelled": 1, "running": 1})
    tally.escalated, tally.records, tally.resolved, tally.reopened, tally.first_contact = 3, 9, 8, 2, 4
    found = tally.figures()
    assert (found["clocks"], found["decided"]) == (10, 7)
    assert (found["raw_attainment"], found["breach_rate"]) == (0.625, 0.375)
    assert (found["adjusted_attainment"], found["compliance_rate"]) == (0.714286, 0.714286)
    assert (found["escalated"], found["escalation_rate"]) == (3, 0.3)
    assert (found["records"], found["resolved"], found["reopened"], found["reopen_rate"]) == (9, 8, 2, 0.25)
    assert (found["first_contact"], found["first_contact_rate"]) == (4, 0.5)


def test_who_had_most_stands_first_and_of_two_equals_the_first_by_name():
    tally = Tally()
    tally.spent.update({"user:9": 2000, "user:3": 2000, "queue:a": 5000, "user:1": 1500})
    assert list(tally.figures()["time_per_owner"].items()) == [
        ("queue:a", 5), ("user:3", 2), ("user:9", 2), ("user:1", 1.5),
    ]  # fmt: skip


def test_two_tallies_make_one():
    one, other = tallied(gathered(LINES[:8])), tallied(gathered(LINES[8:]))
    one.merge(other)
    assert one.figures() == tallied(gathered()).figures()
    twice = tallied(gathered())
    twice.merge(tallied(gathered()))
    once, double = tallied(gathered()).figures(), twice.figures()
    for name in ("clocks", "met", "missed", "running", "cancelled", "handled", "escalated", "records", "resolved",
                 "reopened", "first_contact", "waiting_on_customer_s"):  # fmt: skip
        assert double[name] == 2 * once[name] > 0, name
    assert double["cancelled_by_reason"] == {"merged": 4}
    assert double["integrity"] == {name: 2 * value for name, value in once["integrity"].items()}
    assert double["time_per_owner"] == {name: 2 * value for name, value in once["time_per_owner"].items()}


# ---- groups


def test_groups_stand_by_their_values_with_every_figure():
    found = grouped("tier", "target").groups()
    assert [group["group"] for group in found] == [
        {"tier": "(none)", "target": "first_response"},
        {"tier": "(none)", "target": "resolution"},
        {"tier": "gold", "target": "first_response"},
        {"tier": "gold", "target": "resolution"},
        {"tier": "silver", "target": "first_response"},
        {"tier": "silver", "target": "resolution"},
    ]
    assert [group["clocks"] for group in found] == [1, 1, 2, 2, 1, 1]
    assert list(found[0])[1:] == list(Tally().figures())


def test_the_total_is_the_same_however_it_is_grouped():
    assert grouped().total() == grouped("tier", "target").total() == tallied(gathered()).figures()
    assert grouped().groups()[0]["group"] == {}


def test_a_clock_of_the_first_instant_is_in_and_one_of_the_last_is_not():
    def clocks(**spans):
        return grouped(**{name: ms(text) for name, text in spans.items()}).total()["clocks"]

    assert clocks() == clocks(since="Mon 09:10") == 8
    assert clocks(since="Mon 09:10:00.001") == 6
    assert clocks(until="Mon 09:10") == 0
    assert clocks(until="Mon 09:10:00.001") == 2
    assert clocks(since="Mon 09:30", until="Mon 10:00") == 1


def test_all_of_several_conditions_hold_for_what_is_counted():
    where = {"tier": frozenset({"gold"}), "target": frozenset({"resolution", "other"})}
    found = grouped(where=where)
    assert found.total()["clocks"] == 2
    assert found.named == {"tier": True, "target": True}
    assert found.fields == {"status", "owner", "tier", "raw_status"}


def test_a_clock_that_is_not_asked_for_still_tells_which_fields_there_are():
    found = grouped("region", where={"tier": frozenset({"bronze"})})
    assert (found.total()["clocks"], found.groups()) == (0, [])
    assert found.named == {"region": False, "tier": True}
    assert "owner" in found.fields


# ---- which clock counts the record


def test_the_resolution_counts_the_record_and_each_of_its_cycles():
    never = config(policy(target("first_response", "1h"), target("resolution", "4h", reopen={"window": "never"})))
    found = [*gathered(LINES[:8], rules=never)]
    assert [(c.fact.target, c.fact.cycle, c.handling is not None, c.counted) for c in found] == [
        ("first_response", 1, False, False),
        ("resolution", 1, True, True),
        ("resolution", 2, False, True),
    ]


def test_without_a_resolution_the_first_resolution_counts_and_else_the_earliest_clock():
    def counting(*targets, asked=()):
        found = gathered(LINES[:8], rules=config(policy(*targets)), targets=asked)
        return [(c.fact.target, c.fact.cycle) for c in found if c.handling is not None]

    first, whole = target("first_resolution", "4h"), target("resolution", "4h")
    reply_, next_ = target("first_response", "1h"), target("next_response", "1h")
    assert counting(reply_, first, whole) == [("resolution", 1)]
    assert counting(reply_, first, next_) == [("first_resolution", 1)]
    assert counting(reply_, next_) == [("first_response", 1)]
    assert counting(reply_, whole, asked=("first_response",)) == [("first_response", 1)]
    assert counting(reply_, whole, asked=("elsewhere",)) == []


def test_cases_have_the_excuses_in_order_and_what_the_customer_said():
    late, early = (
        event(at, "excused", reason="r", by="user:9", **{"from": instant(a), "until": instant(b)})
        for at, a, b in (("Mon 16:00", "Mon 12:00", "Mon 13:00"), ("Mon 16:30", "Mon 10:00", "Mon 11:00"))
    )
    for case in gathered([*LINES[:8], late, early]):
        assert case.excuses == ((ms("Mon 10:00"), ms("Mon 11:00")), (ms("Mon 12:00"), ms("Mon 13:00")))
        assert case.spoken == ((ms("Mon 11:00"), ms("Mon 13:00")),)


def test_a_case_is_of_the_instant_of_its_decision_else_of_its_start():
    found = {(c.fact.record[-1], c.metric): c.at for c in gathered()}
    assert found[("1", "first_response")] == ms("Mon 09:30")
    assert found[("2", "first_response")] == ms("Mon 10:00")
    assert found[("3", "resolution")] == ms("Mon 09:10")
    assert found[("4", "resolution")] == ms("Tue 10:30")


def test_cases_know_the_team_and_leave_out_what_is_only_tried_out():
    tried = policy(target("resolution", "1h"), name="Tried", stage="shadow")
    rules = {**config(policy(target("resolution", "4h")), tried), "people": {"user:3": {"team": "Inside"}}}
    lines = [created("Mon 09:00", owner="user:3", team="Desk")]  # the CRM says otherwise
    [*both] = gathered(lines, rules=rules)
    assert [(case.fact.policy, case.fact.team) for case in both] == [("Support", "Inside"), ("Tried", "Inside")]
    events = [event_from_mapping(line) for line in lines]
    [evaluation] = evaluate_timelines(Policies.from_config(rules), {events[0].record: events}, ms(NOW))
    assert [case.fact.policy for case in cases(evaluation, events, ms(NOW), shadow=False)] == ["Support"]


# ---- handling


def handled(*lines, now="Mon 17:00"):
    return handling_of([event_from_mapping(line) for line in lines], ms(now))


def test_nothing_was_done_on_a_record_without_events():
    assert handled() == Handling(0, None, 0, (), (), ()) == Handling()


def test_a_wait_that_goes_on_ends_now():
    found = handled(created("Mon 09:00"), changed("Mon 10:00", status="pending"))
    assert found.waits == ((ms("Mon 10:00"), ms("Mon 17:00")),)
    assert (found.spoken, found.stale) == ((), ())


def test_a_call_that_got_through_takes_the_last_word_and_one_that_did_not_leaves_it():
    def spoken(outcome):
        call = activity("Mon 12:00", "call", outcome=outcome)
        return handled(created("Mon 09:00"), asks("Mon 11:00"), call).spoken

    assert spoken("connected") == ((ms("Mon 11:00"), ms("Mon 12:00")),)
    assert spoken("no answer") == ((ms("Mon 11:00"), ms("Mon 17:00")),)


def test_spans_of_no_length_are_none():
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Mon 10:00", status="open", seq=2)]
    assert handled(*lines).waits == ()
    assert handled(created("Mon 09:00"), changed("Mon 10:00", status="pending"), now="Mon 10:00").waits == ()


def test_everything_that_was_done_is_told():
    found = handled(
        created("Mon 09:00"),
        reply("Mon 09:30"),
        changed("Mon 10:00", status="pending"),
        asks("Mon 11:00"),
        asks("Mon 11:30"),
        reply("Mon 12:00"),
        changed("Mon 12:30", status="pending"),
        changed("Mon 13:00", status="resolved"),
        changed("Mon 14:00", status="open"),
        changed("Mon 15:00", status="resolved"),
        changed("Mon 16:00", status="open"),
    )
    assert found == Handling(
        answers=2,
        resolved_at=ms("Mon 13:00"),
        reopened=2,
        waits=((ms("Mon 10:00"), ms("Mon 11:00")), (ms("Mon 12:00"), ms("Mon 13:00"))),
        spoken=((ms("Mon 11:00"), ms("Mon 12:00")),),
        stale=((ms("Mon 11:00"), ms("Mon 12:00")),),
    )


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (Handling(), False),
        (Handling(resolved_at=0), True),
        (Handling(answers=1, resolved_at=5), True),
        (Handling(answers=2, resolved_at=5), False),
        (Handling(answers=1, resolved_at=5, reopened=1), False),
        (Handling(answers=1), False),
    ],
)
def test_first_contact_is_resolved_with_one_answer_and_for_good(found, first):
    assert found.first_contact is first
