"""How an objective stands, number by number: every part of its document, the limits of its states, which clocks count
for which window, and what a clock is worth to an objective with a length of its own."""

from dataclasses import replace
from fractions import Fraction

import pytest
from sla_story import asks, changed, config, created, event, instant, policy, reply, target

from sla.calendar import Calendar
from sla.figures.case import cases
from sla.figures.objective import judge, read_objectives
from sla.figures.standing import BURNS, Count, Reckoning, Standing, span_starts
from sla.figures.window import Window
from sla.fold import evaluate_timelines
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sla.problem import Collector
from sla.timeline import event_from_mapping

HOUR, DAY = 3_600_000, 86_400_000
PROMISE = config(policy(target("first_response", "1h")))
LONG = config(policy(target("resolution", "8h")))
GOAL = {"name": "Quick", "target": "first_response", "goal": "80%"}
TIERS = [{"below": "95%", "credit": "5%"}, {"below": "50%", "credit": "12.5%"}]


def ms(text):
    return parse_instant(instant(text))


def objective(promise=PROMISE, **more):
    problems = Collector()
    [found] = read_objectives([{**GOAL, **more}], Policies.from_config(promise), problems)
    assert problems.problems == []
    return found


def standing(met=0, missed=0, excused=0, passed=Fraction(1), burn=None, **more):
    return Standing(objective(**more), Window(0, 10, "w"), met, missed, excused, True, passed, burn or {})


def the_cases(lines, now, promise):
    policies, timelines = Policies.from_config(promise), {}
    for line in lines:
        read = event_from_mapping(line)
        timelines.setdefault(read.record, []).append(read)
    return [
        case
        for evaluation in evaluate_timelines(policies, timelines, ms(now))
        for case in cases(evaluation, timelines[evaluation.state.record], ms(now))
    ]


# ---- the document


def test_everything_about_a_standing_is_in_its_document():
    found = standing(7, 3, 2, Fraction(1, 3), {"hour": None, "day": Fraction(2, 3), "week": Fraction(2)}, credits=TIERS)
    assert found.document() == {
        "objective": "Quick", "target": "first_response", "goal": 0.8, "window": "w", "current": True,
        "met": 7, "missed": 3, "excused": 2, "decided": 10, "counts": "adjusted", "attainment": 0.7,
        "allowed": 2.0, "remaining": -1.0, "passed": 0.333333, "projected_allowed": 6.0, "projected_remaining": 3.0,
        "burn": {"hour": None, "day": 0.666667, "week": 2.0}, "status": "at risk", "credit": 0.05,
        "formula": "7 / (7 + 3) = 70%; 12.5% below 50%, 5% below 95%, otherwise nothing; credit 5%",
    }  # fmt: skip


def test_a_raw_objective_counts_excused_ones_as_missed_everywhere():
    found = standing(7, 1, 2, attainment="raw", credits=TIERS)
    assert (found.bad, found.decided, found.attainment, found.allowed) == (3, 10, Fraction(7, 10), 2)
    document = found.document()
    assert (document["missed"], document["excused"], document["decided"]) == (1, 2, 10)
    assert (document["counts"], document["remaining"], document["projected_remaining"]) == ("raw", -1.0, -1.0)
    assert document["formula"].startswith("7 / (7 + 3) = 70%; ")
    assert (document["status"], standing(7, 1, 2).status) == ("exhausted", "ok")


def test_without_credits_nothing_is_said_of_them():
    document = standing(1, 1).document()
    assert (document["credit"], document["formula"]) == (None, None)


def test_of_nothing_there_is_no_share_and_no_credit():
    document = standing(credits=TIERS).document()
    assert (document["attainment"], document["decided"], document["status"]) == (None, 0, "ok")
    assert (document["credit"], document["formula"]) == (
        0.0, "nothing was decided, so nothing is owed (12.5% below 50%, 5% below 95%, otherwise nothing)",
    )  # fmt: skip


def test_shares_are_rounded_to_six_digits():
    assert standing(2, 1).document()["attainment"] == 0.666667


def test_before_any_working_time_has_passed_the_allowance_is_that_of_the_volume():
    assert standing(8, 2, passed=Fraction(0)).projected_allowed == 2
    assert standing(8, 2, passed=Fraction(1, 2)).projected_allowed == 4


def test_what_is_allowed_exactly_is_allowed():
    assert standing(8, 2).status == "ok"
    assert standing(7, 3).status == "exhausted"
    assert standing(7, 3, passed=Fraction(2, 3)).status == "at risk"  # 3 of 3 allowed at this pace
    assert standing(7, 3, passed=Fraction(3, 4)).status == "exhausted"


def test_burning_is_above_one_over_both_day_and_week():
    def status(hour, day, week):
        return standing(9, 1, burn={"hour": hour, "day": day, "week": week}).status

    assert BURNS == ("hour", "day", "week")
    two, one = Fraction(2), Fraction(1)
    assert status(None, two, two) == "at risk"
    assert status(two, two, one) == "ok"
    assert status(two, one, two) == "ok"
    assert status(two, None, two) == "ok"
    assert status(two, two, None) == "ok"


def test_a_count_counts_each_outcome_for_itself():
    count = Count()
    assert (count.met, count.missed, count.excused, count.share(adjusted=True)) == (0, 0, 0, None)
    for outcome in ("met", "met", "missed", "excused"):
        count.add(outcome)
    assert (count.met, count.missed, count.excused) == (2, 1, 1)
    assert (count.share(adjusted=True), count.share(adjusted=False)) == (Fraction(2, 3), Fraction(1, 2))
    assert (count.bad(adjusted=True), count.bad(adjusted=False)) == (1, 2)


# ---- the reckoning


def reckoning(now, since=None, until=None, **more):
    spans = [None if text is None else ms(text) for text in (since, until)]
    return Reckoning(objective(**more), ms(now), *spans)


def test_an_outcome_is_counted_in_the_window_in_which_it_was_decided():
    found = reckoning("Wed+1 12:00", window="week")
    for outcome, at in (("met", "Mon 00:00"), ("missed", "Sun 23:59:59.999"), ("excused", "Mon+1 00:00")):
        found.count(outcome, ms(at))
    first, second = found.standings()
    assert (first.window.name, first.met, first.missed, first.excused) == ("2026-W10", 1, 1, 0)
    assert (second.window.name, second.met, second.missed, second.excused) == ("2026-W11", 0, 0, 1)
    assert (first.current, first.passed, first.burn) == (False, 1, {})
    assert (second.current, second.passed) == (True, Fraction(19, 40))
    assert found.current() == second


def test_a_rolling_window_takes_its_first_and_its_last_instant_in_and_nothing_older():
    found = reckoning("Wed+1 12:00", window="7d")
    for at in ("Wed 11:59:59.999", "Wed 12:00", "Wed+1 12:00"):
        found.count("met", ms(at))
    [standing_] = found.standings()
    assert (standing_.met, standing_.passed, standing_.window.name) == (2, 1, "last 7 days")


def test_what_is_decided_at_the_end_of_a_window_is_of_the_next():
    found = reckoning("Wed 12:00", window="week")
    found.count("met", ms("Mon+1 00:00"))
    assert [(s.window.name, s.met) for s in found.standings()] == [("2026-W10", 0), ("2026-W11", 1)]


def test_windows_that_only_touch_what_is_asked_for_are_left_out():
    def names(since, until):
        found = reckoning("Wed+2 12:00", since, until, window="week")
        for at in ("Mon+1 12:00", "Mon 12:00"):
            found.count("met", ms(at))
        return [s.window.name for s in found.standings()]

    assert names(None, None) == ["2026-W10", "2026-W11", "2026-W12"]
    assert names("Sun 23:59:59.999", None) == ["2026-W10", "2026-W11", "2026-W12"]
    assert names("Mon+1 00:00", None) == ["2026-W11", "2026-W12"]
    assert names(None, "Mon+1 00:00") == ["2026-W10"]
    assert names(None, "Mon+1 00:00:00.001") == ["2026-W10", "2026-W11"]


def test_burn_rates_are_of_their_spans():
    found = reckoning("Wed+1 16:00", window="week")
    for outcome, at in (
        ("met", "Wed+1 15:00"),
        ("missed", "Wed+1 14:59:59.999"),
        ("missed", "Tue+1 16:00"),
        ("missed", "Tue+1 15:59:59.999"),
        ("missed", "Wed 16:00"),
        ("missed", "Wed 15:59:59.999"),
    ):
        found.count(outcome, ms(at))
    assert found.current().burn == {"hour": 0, "day": Fraction(10, 3), "week": 4}


def test_burn_of_a_raw_goal_counts_excused_ones():
    burns = {}
    for attainment in ("raw", "adjusted"):
        found = reckoning("Wed+1 16:00", window="week", attainment=attainment)
        found.count("excused", ms("Wed+1 15:30"))
        found.count("met", ms("Wed+1 15:30"))
        burns[attainment] = found.current().burn["hour"]
    assert burns == {"raw": Fraction(5, 2), "adjusted": 0}


def test_clocks_are_needed_from_the_earliest_span_on():
    assert reckoning("Wed+1 16:00", window="month").needed_since == ms("2026-03-01T00:00:00Z")
    assert reckoning("Wed+1 16:00", window="week").needed_since == ms("Wed 16:00")


def test_a_window_without_working_time_has_passed():
    closed = {"shut": {"timezone": "UTC", "hours": {"mon": []}}}
    plan = config(policy(target("first_response", "1h")), calendars=closed)
    found = Reckoning(objective(plan, calendar="shut", window="week"), ms("Wed 12:00"))
    assert found.current().passed == 1


# ---- spans


def test_an_average_day_is_of_working_days_among_the_last_28_whole_days():
    # Mondays 8 h, Tuesdays 4 h: 6 h on average, of which two are from Monday.
    calendar = Calendar.from_config({"timezone": "UTC", "hours": {"mon": "09:00-17:00", "tue": "09:00-13:00"}})
    assert format_instant(span_starts(calendar, ms("Tue+8 13:00"))["day"]) == instant("Mon+8 15:00")
    # A day is whole when it is over.
    opened = calendar.revised(ms("Mon+8 00:00"), Calendar.from_config({"timezone": "UTC", "hours": "24x7"}))
    assert format_instant(span_starts(opened, ms("Mon+8 12:00"))["day"]) == instant("Mon+8 06:00")
    # 28 days back is the Tuesday of week 4; the Monday before it, of one hour, is not counted.
    late = Calendar.from_config({"timezone": "UTC", "hours": {"mon": "09:00-10:00"}}).revised(
        ms("Tue+4 00:00"), calendar
    )
    assert format_instant(span_starts(late, ms("Tue+8 00:00"))["day"]) == instant("Mon+8 11:00")  # 48 h in 8 days


def test_spans_of_a_calendar_that_never_opens_go_back_ten_years_at_least():
    shut = Calendar.from_config({"timezone": "UTC", "hours": {"mon": []}})
    now = ms("Wed 12:00")
    found = span_starts(shut, now)
    assert found["week"] == now - 7 * DAY
    assert 3_653 * DAY <= now - found["hour"] <= 2 * 3_653 * DAY + HOUR
    assert now - found["day"] == 4_095 * DAY


# ---- which clocks count, and as what


def test_a_clock_counts_for_the_objective_of_its_target_and_not_when_it_is_tried_out():
    tried = config(
        policy(target("first_response", "1h"), target("resolution", "8h")),
        policy(target("first_response", "10m"), name="Tried", stage="shadow"),
    )
    goal = objective(tried)
    covered = [(c.fact.policy, c.fact.target) for c in the_cases([created("Mon 09:00")], "Mon 09:30", tried)
               if goal.covers(c)]  # fmt: skip
    assert covered == [("Support", "first_response")]


@pytest.mark.parametrize(
    ("when", "counts"),
    [
        ({"policy": "Support"}, True), ({"policy": "Sales"}, False), ({"kind": "ticket"}, True),
        ({"kind": "lead"}, False), ({"tier": "gold"}, True), ({"tier": "gold", "kind": "lead"}, False),
    ],
)  # fmt: skip
def test_a_condition_is_about_the_policy_the_kind_and_the_fields(when, counts):
    [case] = the_cases([created("Mon 09:00", tier="gold", policy="x", kind="ticket")], "Mon 09:30", PROMISE)
    assert objective(when=when).covers(case) is counts


def judged(lines, now, promise=LONG, **more):
    [case] = the_cases(lines, now, promise)
    target_ = case.fact.target
    found = judge(objective(promise, target=target_, **more), case, ms(now))
    return found.outcome, format_instant(found.at)


def test_by_its_own_target_a_clock_counts_as_what_it_is_except_for_a_cancelled_one():
    gone = [created("Mon 09:00"), event("Mon 09:10", "merged", into="desk:ticket:2")]
    assert judged(gone, "Mon 12:00") == (None, instant("Mon 09:10"))
    assert judged([created("Mon 09:00")], "Mon 12:00") == (None, instant("Mon 09:00"))
    assert judged([created("Mon 09:00")], "Tue 12:00") == ("missed", instant("Mon 17:00"))
    solved = [created("Mon 09:00"), changed("Mon 10:00", status="resolved")]
    assert judged(solved, "Mon 12:00") == ("met", instant("Mon 10:00"))


@pytest.mark.parametrize(
    ("now", "outcome", "at"),
    [("Mon 09:59", None, "Mon 09:00"), ("Mon 10:00", "missed", "Mon 10:00"), ("Mon 12:00", "missed", "Mon 10:00")],
)
def test_a_running_clock_misses_another_length_at_the_instant_at_which_it_is_over(now, outcome, at):
    assert judged([created("Mon 09:00")], now, within="1h") == (outcome, instant(at))


@pytest.mark.parametrize(
    ("solved", "outcome", "at"),
    [("Mon 10:00", "met", "Mon 10:00"), ("Mon 10:00:00.001", "missed", "Mon 10:00")],
)
def test_a_clock_that_ends_at_another_length_met_it(solved, outcome, at):
    lines = [created("Mon 09:00"), changed(solved, status="resolved")]
    assert judged(lines, "Mon 12:00", within="1h") == (outcome, instant(at))


def test_a_clock_that_was_cancelled_within_another_length_is_undecided_and_later_it_had_missed():
    def gone(at):
        return [created("Mon 09:00"), event(at, "merged", into="desk:ticket:2")]

    assert judged(gone("Mon 09:30"), "Mon 12:00", within="1h") == (None, instant("Mon 09:30"))
    assert judged(gone("Mon 11:00"), "Mon 12:00", within="1h") == ("missed", instant("Mon 10:00"))


def test_another_length_is_reached_in_a_later_piece_and_at_the_next_opening():
    paused = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Mon 12:00", status="open")]
    assert judged(paused, "Mon 16:00", within="90m") == ("missed", instant("Mon 12:30"))
    assert judged(paused, "Mon 16:00", within="1h") == ("missed", instant("Mon 12:00"))
    night = [*paused[:2], changed("Mon 20:00", status="open")]
    assert judged(night, "Tue 16:00", within="1h") == ("missed", instant("Tue 09:00"))
    again = [*paused, changed("Mon 12:30", status="pending"), changed("Mon 14:00", status="open")]
    assert judged(again, "Mon 16:00", within="2h") == ("missed", instant("Mon 14:30"))
    assert judged(again, "Mon 14:30", within="2h") == ("missed", instant("Mon 14:30"))
    assert judged(again, "Mon 14:29", within="2h") == (None, instant("Mon 09:00"))


def excused(since, until):
    return event("Mon 16:30", "excused", reason="r", by="user:9", **{"from": instant(since), "until": instant(until)})


@pytest.mark.parametrize(
    ("spans", "outcome"),
    [
        ([("Mon 09:00", "Mon 09:30")], "excused"),
        ([("Mon 09:00", "Mon 09:29:59")], "missed"),
        ([("Mon 09:00", "Mon 09:20"), ("Mon 09:40", "Mon 09:50")], "excused"),
        ([("Mon 09:00", "Mon 09:20"), ("Mon 09:10", "Mon 09:30")], "excused"),
        ([("Mon 09:00", "Mon 09:20"), ("Mon 09:05", "Mon 09:20"), ("Mon 09:06", "Mon 09:21")], "missed"),
        ([("Mon 09:00", "Mon 09:25"), ("Mon 09:05", "Mon 09:10"), ("Mon 09:20", "Mon 09:29")], "missed"),
        ([("Mon 06:00", "Mon 09:10")], "missed"),
        ([("Mon 10:15", "Mon 12:00"), ("Mon 09:00", "Mon 09:15")], "excused"),
        ([("Mon 10:15:01", "Mon 12:00"), ("Mon 09:00", "Mon 09:15")], "missed"),
        ([], "missed"),
    ],
)
def test_excused_time_is_counted_once_and_only_while_the_clock_ran(spans, outcome):
    lines = [created("Mon 09:00"), changed("Mon 10:30", status="resolved"), *(excused(*span) for span in spans)]
    lines = [{**line, "id": str(i)} for i, line in enumerate(lines)]
    assert judged(lines, "Tue 12:00", within="1h") == (outcome, instant("Mon 10:00"))


def test_excused_time_of_a_pause_explains_nothing():
    lines = [
        created("Mon 09:00"),
        changed("Mon 09:30", status="pending"),
        changed("Mon 10:30", status="open"),
        changed("Mon 11:30", status="resolved"),
    ]
    assert judged([*lines, excused("Mon 09:30", "Mon 10:30")], "Tue 12:00", within="1h")[0] == "missed"
    assert judged([*lines, excused("Mon 09:15", "Mon 10:44")], "Tue 12:00", within="1h")[0] == "missed"
    assert judged([*lines, excused("Mon 09:15", "Mon 10:45")], "Tue 12:00", within="1h")[0] == "excused"


def test_what_is_undecided_or_of_another_target_is_not_counted():
    goal = replace(objective(LONG, target="resolution"), window="week")
    found = Reckoning(goal, ms("Tue 12:00"))
    for case in the_cases([created("Mon 09:00")], "Mon 12:00", LONG):
        found.add(case)
    lines = [created("Mon 09:00"), reply("Mon 09:30"), asks("Mon 10:00")]
    for case in the_cases(lines, "Tue 12:00", PROMISE):
        found.add(case)
    assert found.current().document()["decided"] == 0
    for case in the_cases([created("Mon 09:00")], "Tue 12:00", LONG):
        found.add(case)
    assert (found.current().missed, found.current().decided) == (1, 1)
