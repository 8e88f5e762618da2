"""What is said about an objective that cannot be read, word for word, and what one that can be read turns into."""

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from sla_story import config, policy, target

from sla.condition import ALWAYS
from sla.duration import Duration
from sla.figures.credit import Tier, credit_for, format_share, formula, parse_share, read_credits
from sla.figures.objective import KEYS, read_objectives
from sla.figures.window import Window, rolling_days, window_at
from sla.instant import parse_instant
from sla.policy import Policies
from sla.problem import Collector, dotted

UTC = ZoneInfo("UTC")
TWO = config(
    policy(target("first_response", "1h")),
    policy(target("resolution", "8h"), target("first_response", "2h", calendar="always"), name="Second"),
    calendars={"berlin": {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}}},
)
GOAL = {"name": "Quick", "target": "first_response", "goal": "80%"}
NO_SHARE = 'is no share; write a percentage above 0 and up to 100, such as "95%" or "99.9%"'


def read(given, policies=TWO):
    problems = Collector(("objectives",))
    found = read_objectives(given, policies and Policies.from_config(policies), problems)
    return found, [(dotted(p.path).removeprefix("objectives"), p.message, p.known) for p in problems.problems]


def credits_read(given):
    problems = Collector(("credits",))
    return read_credits(given, problems), [
        (dotted(p.path).removeprefix("credits"), p.message, p.known) for p in problems.problems
    ]


# ---- objectives


def test_an_objective_of_three_keys_has_these_defaults():
    [[found], problems] = read([GOAL])
    assert problems == []
    assert (found.name, found.target, found.goal, found.window) == (
        "Quick", "first_response", Fraction(4, 5), "month",
    )  # fmt: skip
    assert (found.zone, found.calendar.name, found.within, found.credits) == (UTC, "office", None, ())
    assert (found.when is ALWAYS, found.adjusted, found.fields) == (True, True, frozenset())


def test_an_objective_may_say_everything():
    [[found], problems] = read(
        [
            {
                "name": "Gold", "target": "resolution", "goal": "99.9%", "window": "quarter", "within": "2bd",
                "zone": "Asia/Tokyo", "calendar": "berlin", "when": {"tier": "gold"}, "attainment": "raw",
                "credits": [{"below": "95%", "credit": "5%"}],
            }
        ]
    )  # fmt: skip
    assert problems == []
    assert (found.name, found.target, found.goal, found.window) == (
        "Gold", "resolution", Fraction(999, 1000), "quarter",
    )  # fmt: skip
    assert (found.zone.key, found.calendar.name, found.within) == ("Asia/Tokyo", "berlin", Duration(0, 2))
    assert (found.adjusted, found.fields, found.credits) == (
        False, {"tier"}, (Tier(Fraction(19, 20), Fraction(1, 20)),),
    )  # fmt: skip
    assert (found.when({"tier": "gold"}), found.when({"tier": "silver"})) == (True, False)


def test_the_zone_is_that_of_the_calendar_that_is_given():
    [[found], _] = read([{**GOAL, "calendar": "berlin"}])
    assert found.zone.key == "Europe/Berlin"


def test_objectives_stand_in_the_order_of_the_file_without_those_that_cannot_be_read():
    found, problems = read([{**GOAL, "name": "b"}, {**GOAL, "goal": "x"}, {**GOAL, "name": "a"}, {**GOAL, "name": "c"}])
    assert [one.name for one in found] == ["b", "a", "c"]
    assert problems == [("[1].goal", f"'x' {NO_SHARE}", ())]


@pytest.mark.parametrize("window", ["week", "month", "quarter", "1d", "28d", "9999d"])
def test_a_window_of_an_objective_is_one_of_these(window):
    [[found], problems] = read([{**GOAL, "window": window}])
    assert (found.window, problems) == (window, [])


@pytest.mark.parametrize("attainment", ["adjusted", "raw"])
def test_an_attainment_of_an_objective_is_one_of_two(attainment):
    [[found], problems] = read([{**GOAL, "attainment": attainment}])
    assert (found.adjusted, problems) == (attainment == "adjusted", [])


@pytest.mark.parametrize(
    ("wrong", "path", "message", "known"),
    [
        ({"gaol": 1}, ".gaol", "unknown key 'gaol'", KEYS),
        ({"name": ""}, ".name", "an objective needs a name", ()),
        ({"name": None}, ".name", "an objective needs a name", ()),
        ({"target": ""}, ".target", "an objective needs a target", ()),
        ({"target": "x"}, ".target", "no policy has a target 'x'", ("first_response", "resolution")),
        ({"calendar": "x"}, ".calendar", "there is no calendar 'x'", ("office", "always", "berlin")),
        ({"calendar": ["office"]}, ".calendar", "there is no calendar ['office']", ("office", "always", "berlin")),
        (
            {"window": "day"}, ".window",
            '\'day\' is no window; write "month", "week", "quarter", or "28d" for the last 28 days',
            ("week", "month", "quarter"),
        ),
        ({"attainment": None}, ".attainment", "None is no attainment", ("adjusted", "raw")),
        ({"goal": 95}, ".goal", f"95 {NO_SHARE}", ()),
        ({"within": "0m"}, ".within", "'0m' promises nothing; write a duration above zero", ()),
        (
            {"within": 5}, ".within",
            '5 is not a duration; write one such as "15m", "1h30m", "45s" or "2bd"', (),
        ),
        ({"when": 5}, ".when", 'a condition is a table such as { source = ["Web"] }, not 5', ()),
        ({"credits": 5}, ".credits", 'credits are a list such as [{ below = "95%", credit = "5%" }]', ()),
    ],
)  # fmt: skip
def test_a_mistake_is_told_word_for_word_with_what_is_known(wrong, path, message, known):
    assert read([{**GOAL, **wrong}]) == ((), [("[0]" + path, message, known)])


def test_what_is_missing_is_told_at_the_table():
    assert read([{}])[1] == [
        ("[0]", "an objective needs a name", ()),
        ("[0]", "an objective needs a target", ()),
        ("[0]", 'an objective needs a goal, such as "95%"', ()),
    ]


def test_a_zone_that_does_not_exist_is_told_at_its_key():
    found, [(path, message, _)] = read([{**GOAL, "zone": "Mars/Base"}])
    assert (found, path) == ((), "[0].zone")
    assert "Mars/Base" in message


def test_objectives_are_a_list_of_tables():
    assert read({}) == ((), [("", "objectives are a list: begin each with [[objectives]]", ())])
    found, problems = read(["x", GOAL])
    assert [one.name for one in found] == ["Quick"]
    assert problems == [("[0]", "an objective is a table: begin it with [[objectives]]", ())]


def test_another_objective_of_the_same_name_is_told_even_when_the_first_is_wrong():
    found, problems = read([{**GOAL, "goal": "0%"}, GOAL, {**GOAL, "name": 5}])
    assert [one.name for one in found] == ["Quick"]
    assert problems == [
        ("[0].goal", f"'0%' {NO_SHARE}", ()),
        ("[1].name", "there is another objective named 'Quick'", ()),
        ("[2].name", "an objective needs a name", ()),
    ]


def test_without_policies_everything_else_is_read_all_the_same():
    assert read([GOAL, {**GOAL, "name": "b", "calendar": "office"}], None) == ((), [])
    assert [path for path, *_ in read([{**GOAL, "goal": "0%", "window": "x"}], None)[1]] == ["[0].window", "[0].goal"]


# ---- credits


def test_credits_stand_with_the_lowest_limit_first():
    assert credits_read([{"below": "95%", "credit": "5%"}, {"below": "90%", "credit": "10%"}]) == (
        (Tier(Fraction(9, 10), Fraction(1, 10)), Tier(Fraction(19, 20), Fraction(1, 20))),
        [],
    )


def test_mistakes_in_credits_are_told_word_for_word():
    found, problems = credits_read(
        [
            "x",
            {},
            {"below": "95%"},
            {"credit": "5%"},
            {"below": "95", "credit": "5%", "more": 1},
            {"below": "9%", "credit": "1%"},
        ]
    )
    table = 'a credit is a table such as { below = "95%", credit = "5%" }'
    assert problems == [
        ("[0]", table, ()),
        ("[1]", "`below` is missing", ()),
        ("[1]", "`credit` is missing", ()),
        ("[2]", "`credit` is missing", ()),
        ("[3]", "`below` is missing", ()),
        ("[4].more", "unknown key 'more'", ("below", "credit")),
        ("[4].below", f"'95' {NO_SHARE}", ()),
    ]
    assert found == (Tier(Fraction(9, 100), Fraction(1, 100)),)


def test_limits_are_told_apart_and_earn_more_the_lower_they_are():
    assert credits_read([{"below": "99.5%", "credit": "10%"}, {"below": "90%", "credit": "5%"}])[1] == [
        ("[0].credit", "below 99.5% earns more than below 90%: a deeper miss cannot earn less", ())
    ]
    assert credits_read([{"below": "90%", "credit": "5%"}, {"below": "90%", "credit": "9%"}])[1] == [
        ("[1].below", "another credit is given below 90% already", ())
    ]
    assert credits_read({})[0] == ()


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("100%", Fraction(1)), ("0.000001%", Fraction(1, 100_000_000)), ("95 %", Fraction(19, 20)),
        ("99.95%", Fraction(1999, 2000)), ("7%", Fraction(7, 100)),
    ],
)  # fmt: skip
def test_a_share_is_read_exactly(text, share):
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["100.000001%", "0.0%", "1000%", "1.0000001%", " 5%", "5%%", "\u0665%", b"5%"])
def test_no_share_is_told_word_for_word(text):
    with pytest.raises(ValueError) as told:  # noqa: PT011 - the whole text is compared
        parse_share(text)
    assert str(told.value) == f"{text!r} {NO_SHARE}"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (Fraction(0), "0%"), (Fraction(1), "100%"), (Fraction(1, 10), "10%"), (Fraction(2, 3), "66.666667%"),
        (Fraction(999, 1000), "99.9%"), (Fraction(1, 100_000_000), "0.000001%"),
    ],
)  # fmt: skip
def test_a_share_is_shown_with_its_digits_and_no_more(share, text):
    assert format_share(share) == text


def test_a_schedule_without_tiers_earns_nothing():
    assert formula(()) == "otherwise nothing"
    assert credit_for((), Fraction(0)) == 0
    assert credit_for((Tier(Fraction(1, 2), Fraction(1, 5)),), None) == 0


# ---- windows


@pytest.mark.parametrize(
    ("kind", "days"),
    [("1d", 1), ("28d", 28), ("9999d", 9999), ("10000d", None), ("0d", None), ("028d", None), ("d", None),
     ("28", None), ("28D", None), ("28d ", None), ("\u0662d", None), (28, None), (None, None), ("month", None)],
)  # fmt: skip
def test_a_rolling_window_is_of_one_to_9999_days(kind, days):
    assert rolling_days(kind) == days


def span(start, end, name):
    return Window(parse_instant(start), parse_instant(end), name)


@pytest.mark.parametrize(
    ("at", "kind", "expected"),
    [
        ("2026-03-01T00:00:00Z", "month", span("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-03")),
        ("2026-02-28T23:59:59Z", "month", span("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02")),
        ("2026-11-30T12:00:00Z", "month", span("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2026-11")),
        ("2026-12-01T00:00:00Z", "month", span("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12")),
        ("2026-03-31T12:00:00Z", "quarter", span("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", "2026-Q1")),
        ("2026-04-01T00:00:00Z", "quarter", span("2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-Q2")),
        ("2026-09-30T12:00:00Z", "quarter", span("2026-07-01T00:00:00Z", "2026-10-01T00:00:00Z", "2026-Q3")),
        ("2026-10-01T00:00:00Z", "quarter", span("2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z", "2026-Q4")),
        ("2026-03-08T23:59:59Z", "week", span("2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z", "2026-W10")),
        ("2027-01-01T00:00:00Z", "week", span("2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z", "2026-W53")),
        ("2026-01-05T00:00:00Z", "week", span("2026-01-05T00:00:00Z", "2026-01-12T00:00:00Z", "2026-W02")),
        ("2026-12-31T23:59:59Z", "day", span("2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z", "2026-12-31")),
        ("2026-03-02T10:00:00Z", "1d", span("2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z", "last 1 days")),
    ],
)  # fmt: skip
def test_windows_begin_end_and_are_called(at, kind, expected):
    assert window_at(parse_instant(at), kind, UTC) == expected


def test_a_day_is_as_long_as_the_zone_makes_it():
    berlin = ZoneInfo("Europe/Berlin")
    assert window_at(parse_instant("2026-03-29T12:00:00Z"), "day", berlin) == span(
        "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29"
    )


@pytest.mark.parametrize("kind", ["year", "", None])
def test_another_word_is_no_window(kind):
    with pytest.raises(ValueError) as told:  # noqa: PT011 - the whole text is compared
        window_at(0, kind, UTC)
    assert str(told.value) == f"{kind!r} is no window; known: day, week, month, quarter"
