"""Objectives: what a file may say, what stands in a window, what remains, what is owed."""

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sla_story import changed, config, created, event, instant, policy, reply, target

from sla.calendar import Calendar
from sla.figures.case import cases
from sla.figures.credit import Tier, credit_for, format_share, formula, parse_share, read_credits
from sla.figures.objective import read_objectives
from sla.figures.standing import Reckoning, span_starts
from sla.figures.window import window_at
from sla.fold import evaluate_timelines
from sla.instant import format_instant, parse_instant
from sla.policy import Policies
from sla.problem import Collector, dotted
from sla.timeline import event_from_mapping

UTC = ZoneInfo("UTC")
PROMISE = config(policy(target("first_response", "1h")))
GOAL = {"name": "Quick", "target": "first_response", "goal": "80%"}


def read(*tables, promise=PROMISE):
    problems = Collector()
    found = read_objectives(list(tables), Policies.from_config(promise), problems)
    return found, [(dotted(problem.path), problem.message) for problem in problems.problems]


def stand(table, lines, now, *, promise=PROMISE, since=None, until=None):
    """The standings of an objective over lines of a timeline."""
    policies, at = Policies.from_config(promise), parse_instant(instant(now))
    problems = Collector()
    [objective] = read_objectives([{**GOAL, **table}], policies, problems)
    timelines = {}
    for line in lines:
        event_read = event_from_mapping(line)
        timelines.setdefault(event_read.record, []).append(event_read)
    spans = [None if text is None else parse_instant(instant(text)) for text in (since, until)]
    reckoning = Reckoning(objective, at, *spans)
    for evaluation in evaluate_timelines(policies, timelines, at):
        for case in cases(evaluation, timelines[evaluation.state.record], at):
            reckoning.add(case)
    return reckoning.standings()


def chats(at, met=0, missed=0, offset=0, **fields):
    """Tickets created at a time, answered after ten minutes or after two hours."""
    lines = []
    day, _, time = at.partition(" ")
    hour, minute = map(int, time.split(":"))
    for number in range(met + missed):
        record = f"desk:ticket:{day}{time}{offset + number}"
        late = number >= met
        lines.append(created(at, record=record, **fields))
        lines.append(reply(f"{day} {hour + 2 * late:02}:{minute + 10:02}", record=record))
    return lines


# ---- windows


@pytest.mark.parametrize(
    ("kind", "start", "end", "name"),
    [
        ("day", "2026-03-04T00:00:00Z", "2026-03-05T00:00:00Z", "2026-03-04"),
        ("week", "2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z", "2026-W10"),
        ("month", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-03"),
        ("quarter", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-Q1"),
        ("28d", "2026-02-04T12:00:00Z", "2026-03-04T12:00:00Z", "last 28 days"),
    ],
)
def test_a_window_begins_and_ends(kind, start, end, name):
    found = window_at(parse_instant("2026-03-04T12:00:00Z"), kind, UTC)
    assert (format_instant(found.start), format_instant(found.end), found.name) == (start, end, name)


def test_windows_are_of_the_local_date_across_clock_changes():
    berlin = ZoneInfo("Europe/Berlin")
    found = window_at(parse_instant("2026-02-28T23:30:00Z"), "month", berlin)
    assert format_instant(found.start) == "2026-02-28T23:00:00Z"
    assert format_instant(found.end) == "2026-03-31T22:00:00Z"


def test_the_last_month_and_quarter_end_with_the_year():
    at = parse_instant("2026-12-31T12:00:00Z")
    assert format_instant(window_at(at, "month", UTC).end) == "2027-01-01T00:00:00Z"
    assert format_instant(window_at(at, "quarter", UTC).end) == "2027-01-01T00:00:00Z"
    assert window_at(at, "week", UTC).name == "2026-W53"


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["day", "week", "month", "quarter"]))
def test_windows_follow_each_other_without_a_gap(at, kind):
    zone = ZoneInfo("America/St_Johns")
    here = window_at(at, kind, zone)
    assert here.start <= at < here.end
    assert window_at(here.end, kind, zone).start == here.end
    assert window_at(here.end - 1, kind, zone) == here


# ---- credits


def test_the_credit_is_that_of_the_lowest_limit_which_the_attainment_is_under():
    tiers = read_credits([{"below": "95%", "credit": "5%"}, {"below": "90%", "credit": "10%"}], Collector())
    cases_ = {(96, 100): 0, (95, 100): 0, (949, 1000): 5, (90, 100): 5, (899, 1000): 10, (0, 100): 10}
    for (met, decided), percent in cases_.items():
        assert credit_for(tiers, Fraction(met, decided)) == Fraction(percent, 100)
    assert credit_for(tiers, None) == 0
    assert formula(tiers) == "10% below 90%, 5% below 95%, otherwise nothing"


def test_two_limits_may_earn_the_same_credit():
    problems = Collector()
    read_credits([{"below": "95%", "credit": "5%"}, {"below": "90%", "credit": "5%"}], problems)
    assert problems.problems == []


@given(st.fractions(0, 1), st.fractions(0, 1))
def test_a_lower_attainment_never_earns_a_lower_credit(one, other):
    tiers = (Tier(Fraction(9, 10), Fraction(1, 4)), Tier(Fraction(95, 100), Fraction(1, 20)))
    low, high = sorted((one, other))
    assert credit_for(tiers, low) >= credit_for(tiers, high)


@pytest.mark.parametrize("text", ["0%", "101%", "95", 95, "-5%", "", "9 5%", "nan%", None, "1e2%"])
def test_a_share_is_a_percentage(text):
    with pytest.raises(ValueError, match="is no share"):
        parse_share(text)


def test_a_share_is_exact():
    assert parse_share("99.9%") == Fraction(999, 1000)
    assert [format_share(parse_share(text)) for text in ("99.9%", "5%", "100%")] == ["99.9%", "5%", "100%"]


# ---- reading


def test_an_objective_needs_a_name_a_target_and_a_goal():
    found, problems = read({})
    assert found == ()
    assert problems == [
        ("[0]", "an objective needs a name"),
        ("[0]", "an objective needs a target"),
        ("[0]", 'an objective needs a goal, such as "95%"'),
    ]


@pytest.mark.parametrize(
    ("wrong", "path", "says"),
    [
        ({"name": ""}, "[0].name", "an objective needs a name"),
        ({"target": 5}, "[0].target", "an objective needs a target"),
        ({"gaol": "80%"}, "[0].gaol", "unknown key 'gaol'"),
        ({"target": "first_respons"}, "[0].target", "no policy has a target 'first_respons'"),
        ({"goal": "80"}, "[0].goal", "'80' is no share"),
        ({"within": "2d"}, "[0].within", "can be read in two ways"),
        ({"window": "fortnight"}, "[0].window", "'fortnight' is no window"),
        ({"window": "0d"}, "[0].window", "'0d' is no window"),
        ({"zone": "Europe/Berln"}, "[0].zone", "did you mean 'Europe/Berlin'"),
        ({"calendar": "ofice"}, "[0].calendar", "there is no calendar 'ofice'"),
        ({"attainment": "honest"}, "[0].attainment", "'honest' is no attainment"),
        ({"when": {"priority": {"is": 1}}}, "[0].when.priority.is", "unknown key 'is'"),
        ({"credits": {}}, "[0].credits", "credits are a list"),
        ({"credits": [{"below": "95%"}]}, "[0].credits[0]", "`credit` is missing"),
        ({"credits": [{"below": "95", "credit": "5%"}]}, "[0].credits[0].below", "'95' is no share"),
        ({"credits": [{"below": "95%", "credt": "5%"}]}, "[0].credits[0].credt", "unknown key 'credt'"),
        (
            {"credits": [{"below": "95%", "credit": "10%"}, {"below": "90%", "credit": "5%"}]},
            "[0].credits[0].credit",
            "a deeper miss cannot earn less",
        ),
        (
            {"credits": [{"below": "95%", "credit": "10%"}, {"below": "95%", "credit": "5%"}]},
            "[0].credits[1].below",
            "another credit is given below 95% already",
        ),
    ],
)
def test_a_mistake_in_an_objective_is_told_with_its_path(wrong, path, says):
    found, problems = read({**GOAL, **wrong})
    assert found == ()
    assert [(where, said) for where, said in problems if where == path and says in said], problems


def test_every_problem_is_told_at_once_and_two_of_one_name_are_one():
    _, problems = read({**GOAL, "goal": "0%", "window": "year"}, GOAL, GOAL, "text")
    assert [path for path, _ in problems] == ["[0].window", "[0].goal", "[1].name", "[2].name", "[3]"]


def test_zone_and_calendar_are_those_of_the_first_target_of_that_name_unless_given():
    berlin = {"berlin": {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}}
    promise = config(policy(target("first_response", "1h", calendar="berlin")), calendars=berlin)
    [plain], _ = read(GOAL, promise=promise)
    [given_], _ = read({**GOAL, "zone": "UTC", "calendar": "always"}, promise=promise)
    assert (plain.zone.key, plain.calendar.name) == ("Europe/Berlin", "berlin")
    assert (given_.zone.key, given_.calendar.name) == ("UTC", "always")


def test_the_fields_of_an_objective_are_those_that_a_crm_has_to_tell():
    [objective], _ = read({**GOAL, "when": {"channel": "chat", "policy": "Support", "kind": "ticket"}})
    assert objective.fields == {"channel"}


# ---- standing


def test_what_is_left_of_the_allowance_is_for_the_volume_so_far():
    [standing] = stand({"window": "week"}, chats("Mon 09:00", met=9, missed=1), "Mon 17:00")
    document = standing.document()
    assert (document["met"], document["missed"], document["decided"], document["attainment"]) == (9, 1, 10, 0.9)
    assert (document["allowed"], document["remaining"]) == (2, 1)
    assert (document["passed"], document["projected_allowed"], document["projected_remaining"]) == (0.2, 10, 9)
    assert document["status"] == "ok"


def test_below_the_goal_so_far_is_at_risk_and_more_than_the_window_allows_is_exhausted():
    below = chats("Mon 09:00", met=7, missed=3)
    assert stand({"window": "week"}, below, "Mon 17:00")[0].status == "at risk"
    assert stand({"window": "week"}, below, "Fri 17:00")[0].status == "exhausted"
    assert stand({"window": "week"}, chats("Mon 09:00", met=8, missed=2), "Fri 17:00")[0].status == "ok"


def test_burning_faster_than_it_grows_over_a_day_and_a_week_is_at_risk():
    good = chats("Mon 09:00", met=90)
    bad = chats("Wed+1 09:00", met=1, missed=9)
    [standing] = stand({"window": "month"}, [*good, *bad], "Wed+1 16:00")
    assert standing.attainment == Fraction(91, 100)
    assert standing.burn == {"hour": None, "day": Fraction(9, 2), "week": Fraction(9, 2)}
    assert standing.status == "at risk"


def test_a_bad_day_that_is_over_is_no_risk_while_the_goal_holds():
    lines = [*chats("Mon 09:00", met=90), *chats("Wed+1 09:00", met=1, missed=9), *chats("Fri+1 09:00", met=3)]
    [standing] = stand({"window": "month"}, lines, "Fri+1 16:00")
    assert (standing.burn["day"], standing.burn["week"], standing.status) == (0, Fraction(45, 13), "ok")


def test_burn_is_the_share_missed_over_the_share_that_may_be():
    lines = [*chats("Mon 09:00", met=8, missed=2), *chats("Mon 15:30", met=1, missed=0)]
    [standing] = stand({"window": "week"}, lines, "Mon 16:00")
    assert standing.burn["hour"] == 0
    assert standing.burn["day"] == Fraction(10, 11)  # 2 of 11 missed, 1 of 5 may be


def test_a_span_takes_its_first_instant_in():
    lines = [created("Mon 14:50"), reply("Mon 15:00")]
    assert stand({"window": "week"}, lines, "Mon 16:00")[0].burn["hour"] == 0
    assert stand({"window": "week"}, lines, "Mon 16:01")[0].burn["hour"] is None


def test_a_goal_of_everything_has_no_allowance_and_no_burn():
    [standing] = stand({"goal": "100%", "window": "week"}, chats("Mon 09:00", met=3, missed=1), "Mon 17:00")
    assert (standing.allowed, standing.burn["day"], standing.status) == (0, None, "exhausted")


def test_a_window_without_clocks_is_ok_and_owes_nothing():
    [standing] = stand({"credits": [{"below": "95%", "credit": "5%"}]}, [], "Mon 17:00")
    assert (standing.attainment, standing.status, standing.credit) == (None, "ok", 0)
    assert standing.formula() == "nothing was decided, so nothing is owed (5% below 95%, otherwise nothing)"


def test_each_window_stands_for_itself_and_credits_follow_from_its_counts():
    lines = [*chats("Mon 09:00", met=17, missed=3), *chats("Mon+1 09:00", met=19, missed=1)]
    tiers = [{"below": "95%", "credit": "5%"}, {"below": "90%", "credit": "10%"}]
    first, second = stand({"window": "week", "credits": tiers}, lines, "Fri+1 17:00")
    assert (first.window.name, first.credit, second.window.name, second.credit) == (
        "2026-W10", Fraction(1, 10), "2026-W11", 0,
    )  # fmt: skip
    assert first.formula() == ("17 / (17 + 3) = 85%; 10% below 90%, 5% below 95%, otherwise nothing; credit 10%")
    assert (first.current, second.current, first.burn) == (False, True, {})


def test_only_windows_that_touch_what_is_asked_for_are_shown():
    lines = [*chats("Mon 09:00", met=1), *chats("Mon+1 09:00", met=1), *chats("Mon+2 09:00", met=1)]
    found = stand({"window": "week"}, lines, "Fri+2 17:00", since="Mon+1 00:00", until="Mon+2 00:00")
    assert [standing.window.name for standing in found] == ["2026-W11"]


def test_a_rolling_window_ends_now_and_forgets_what_is_older():
    lines = [*chats("Mon 09:00", missed=5), *chats("Mon+1 09:00", met=4)]
    [standing] = stand({"window": "7d"}, lines, "Fri+1 17:00")
    assert (standing.met, standing.missed, standing.passed) == (4, 0, 1)


def test_excused_misses_count_only_against_a_raw_goal():
    lines = chats("Mon 09:00", met=3, missed=1)
    late = lines[-1]["record"]
    lines.append(event("Tue 09:00", "excused", record=late, reason="power cut", by="user:9",
                       **{"from": instant("Mon 09:00"), "until": instant("Mon 12:00")}))  # fmt: skip
    [adjusted] = stand({"window": "week"}, lines, "Fri 17:00")
    [raw] = stand({"window": "week", "attainment": "raw"}, lines, "Fri 17:00")
    assert (adjusted.attainment, raw.attainment) == (1, Fraction(3, 4))
    assert raw.document()["counts"] == "raw"


def test_conditions_choose_the_clocks_by_fields_policy_and_kind():
    lines = [*chats("Mon 09:00", met=2, channel="chat"), *chats("Mon 09:00", missed=2, offset=5, channel="email")]
    [standing] = stand({"when": {"channel": "chat", "policy": "support"}}, lines, "Fri 17:00")
    assert (standing.met, standing.missed) == (2, 0)


# ---- another length than the target's


@pytest.mark.parametrize(
    ("answered", "now", "met", "missed"),
    [
        ("Mon 09:20", "Mon 17:00", 1, 0),
        ("Mon 09:20:01", "Mon 17:00", 0, 1),
        (None, "Mon 09:19", 0, 0),
        (None, "Mon 09:20", 0, 1),
        ("Tue 09:00", "Tue 17:00", 0, 1),
    ],
)
def test_an_objective_may_ask_for_another_length_than_the_target(answered, now, met, missed):
    lines = [created("Mon 09:00"), *([reply(answered)] if answered else [])]
    [standing] = stand({"within": "20m"}, lines, now)
    assert (standing.met, standing.missed) == (met, missed)


def test_a_miss_of_the_shorter_length_belongs_to_when_that_was_over():
    lines = [created("Fri 16:50"), reply("Mon+1 09:30")]
    found = stand({"within": "10m", "window": "week"}, lines, "Mon+1 12:00")
    assert [(s.window.name, s.met, s.missed) for s in found] == [("2026-W10", 0, 1), ("2026-W11", 0, 0)]


def test_a_longer_length_forgives_what_the_target_does_not():
    [standing] = stand({"within": "2h"}, [created("Mon 09:00"), reply("Mon 10:30")], "Mon 17:00")
    assert (standing.met, standing.missed) == (1, 0)


def test_working_days_are_a_length_too():
    lines = [created("Mon 10:00"), reply("Tue 10:00"), created("Mon 10:00", record="desk:ticket:2"),
             reply("Tue 10:01", record="desk:ticket:2")]  # fmt: skip
    [standing] = stand({"within": "1bd"}, lines, "Wed 17:00")
    assert (standing.met, standing.missed) == (1, 1)


def test_pauses_do_not_count_towards_another_length():
    promise = config(policy(target("resolution", "8h")))
    lines = [
        created("Mon 09:00"),
        changed("Mon 10:00", status="pending"),
        changed("Mon 15:00", status="open"),
        changed("Mon 15:30", status="resolved"),
    ]
    resolution = {"target": "resolution", "window": "week"}
    assert stand({**resolution, "within": "90m"}, lines, "Mon 17:00", promise=promise)[0].met == 1
    assert stand({**resolution, "within": "89m"}, lines, "Mon 17:00", promise=promise)[0].missed == 1


def test_a_clock_that_pauses_with_nothing_left_is_undecided_until_it_runs_again():
    promise = config(policy(target("resolution", "8h")))
    lines = [created("Mon 09:00"), changed("Mon 10:00", status="pending"), changed("Tue 10:00", status="open")]
    resolution = {"target": "resolution", "within": "1h", "window": "week"}
    assert stand(resolution, lines, "Mon 17:00", promise=promise)[0].decided == 0
    assert stand(resolution, lines, "Tue 10:01", promise=promise)[0].missed == 1


def test_excused_time_counts_for_another_length_too():
    lines = [created("Mon 09:00"), reply("Mon 09:40"),
             event("Tue 09:00", "excused", reason="power cut", by="user:9",
                   **{"from": instant("Mon 09:05"), "until": instant("Mon 09:30")})]  # fmt: skip
    [standing] = stand({"within": "20m"}, lines, "Tue 17:00")
    assert (standing.met, standing.missed, standing.excused) == (0, 0, 1)


def test_excused_time_counts_while_a_clock_still_runs():
    excuse = event("Mon 09:31", "excused", reason="power cut", by="user:9",
                   **{"from": instant("Mon 09:05"), "until": instant("Mon 09:30")})  # fmt: skip
    lines = [created("Mon 09:00"), excuse]
    found = {now: stand({"within": "20m"}, lines, now)[0] for now in ("Mon 09:40", "Mon 09:45", "Mon 09:45:01")}
    assert {now: (standing.missed, standing.excused) for now, standing in found.items()} == {
        "Mon 09:40": (0, 1),
        "Mon 09:45": (0, 1),
        "Mon 09:45:01": (1, 0),
    }


# ---- spans


def test_the_last_working_hour_and_day_reach_over_closed_hours():
    office = Calendar.from_config({"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"}})
    assert format_instant(span_starts(office, parse_instant(instant("Mon+1 10:30")))["hour"]) == instant("Mon+1 09:30")
    found = span_starts(office, parse_instant(instant("Mon+1 09:30")))
    assert {name: format_instant(at) for name, at in found.items()} == {
        "hour": instant("Fri 16:30"),
        "day": instant("Fri 09:30"),
        "week": instant("Mon 09:30"),
    }


def test_without_closed_hours_a_day_is_a_day():
    always = Calendar.from_config({"timezone": "UTC", "hours": "24x7"})
    found = span_starts(always, parse_instant(instant("Mon+1 09:30")))
    assert format_instant(found["hour"]) == instant("Mon+1 08:30")
    assert format_instant(found["day"]) == instant("Sun 09:30")


def test_a_calendar_that_never_opens_has_spans_all_the_same():
    closed = Calendar.from_config({"timezone": "UTC", "hours": {"mon": []}})
    assert span_starts(closed, parse_instant(instant("Mon 09:30")))["hour"] < parse_instant("2017-01-01T00:00:00Z")
