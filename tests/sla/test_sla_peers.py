"""What other systems get wrong, are asked for, or answer differently among themselves, and what is answered here.

The first part is arithmetic on which libraries disagree; the second the stories that broke other engines; the third
what their users complain about. Every expected value is worked out by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sla_story import (
    activity,
    asks,
    changed,
    check,
    config,
    created,
    event,
    ladder,
    only,
    pick,
    policy,
    promise,
    reply,
    rung,
    target,
    verdicts,
)

from sla.calendar import Calendar

# ---- arithmetic on which libraries disagree

NEW_YORK = {"timezone": "America/New_York", "hours": {"mon-fri": "09:00-17:00"}}
ALWAYS = {"timezone": "America/New_York", "hours": "24x7"}
NIGHTS = {"timezone": "America/New_York", "hours": {"sat": "22:00-06:00"}}
CHRISTMAS = {"timezone": "America/New_York", "hours": "22:00-06:00", "closed": ["2026-12-25"]}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "due"),
    [
        # Work that ends exactly at the close is due at the close, not at the next opening three days later: whoever
        # has until the end of Friday has until Friday.
        pytest.param(NEW_YORK, "2026-03-06T21:00", 60, "2026-03-06T22:00", id="Friday 16:00 and an hour"),
        pytest.param(NEW_YORK, "2026-03-14T16:00", 480, "2026-03-16T21:00", id="Saturday noon and a whole day"),
        # No work at all is done at once, whatever the hour.
        pytest.param(NEW_YORK, "2026-03-14T16:00", 0, "2026-03-14T16:00", id="Saturday noon and nothing"),
        pytest.param(NEW_YORK, "2026-03-13T20:59:30", 1, "2026-03-16T13:00:30", id="half a minute before the close"),
        # Three hours are three hours of time, not of the wall clock.
        pytest.param(ALWAYS, "2024-03-10T06:00", 180, "2024-03-10T09:00", id="over the hour that is skipped"),
        pytest.param(ALWAYS, "2024-11-03T04:30", 120, "2024-11-03T06:30", id="into the hour that is repeated"),
        # A start is where it is on the calendar's own day: 00:30 UTC on Saturday is Friday evening in New York.
        pytest.param(NEW_YORK, "2026-03-07T00:30", 60, "2026-03-09T14:00", id="Saturday in UTC, Friday in New York"),
        pytest.param(NEW_YORK, "2026-03-09T00:30", 60, "2026-03-09T14:00", id="Monday in UTC, Sunday in New York"),
        # A list of holidays that has come to its end leaves ordinary weeks.
        pytest.param(
            NEW_YORK | {"closed": ["2026-12-25"]}, "2031-03-03T14:00", 480, "2031-03-03T22:00", id="no holidays listed"
        ),
        pytest.param(
            NEW_YORK | {"hours": {"mon-fri": ["09:00-12:00", "12:30-17:00"]}},
            "2026-03-02T16:30", 60, "2026-03-02T18:00", id="half an hour before lunch",
        ),
    ],
)  # fmt: skip
def test_due_where_libraries_disagree(hours: dict, start: str, minutes: int, due: str) -> None:
    assert Calendar.from_config(hours).due(utc(start), timedelta(minutes=minutes)) == utc(due)


@pytest.mark.parametrize(
    ("hours", "start", "end", "minutes"),
    [
        pytest.param(ALWAYS, "2024-03-10T05:00", "2024-03-10T10:00", 300, id="midnight to six in spring"),
        pytest.param(ALWAYS, "2024-11-03T04:00", "2024-11-03T11:00", 420, id="midnight to six in autumn"),
        pytest.param(ALWAYS, "2024-11-03T05:30", "2024-11-03T06:30", 60, id="from half past one to half past one"),
        pytest.param(NIGHTS, "2026-10-31T12:00", "2026-11-01T20:00", 540, id="the night shift of autumn"),
        pytest.param(NIGHTS, "2026-03-07T12:00", "2026-03-08T20:00", 420, id="the night shift of spring"),
        # Nobody can be there at a time that does not exist: an opening inside the gap begins where the gap ends.
        pytest.param(
            NEW_YORK | {"hours": {"sun": "02:30-06:00"}}, "2026-03-08T00:00", "2026-03-09T00:00", 180,
            id="an opening inside the hour that is skipped",
        ),
        # A shift belongs to the day it opens, so the holiday takes the shift that opens on it, whole, and no other.
        pytest.param(CHRISTMAS, "2026-12-25T00:00", "2026-12-25T18:00", 480, id="a night shift into a holiday"),
        pytest.param(CHRISTMAS, "2026-12-25T18:00", "2026-12-26T18:00", 0, id="a night shift out of a holiday"),
        pytest.param(CHRISTMAS, "2026-12-26T04:00", "2026-12-26T10:00", 0, id="both ends within a closed shift"),
        pytest.param(NEW_YORK, "2026-03-02T18:00", "2026-03-02T16:00", -120, id="an end before its start"),
        pytest.param(
            NEW_YORK | {"closed": ["2026-03-04"]}, "2026-03-04T15:00", "2026-03-04T17:00", 0, id="within one holiday"
        ),
        # After one day's close until after the next day's: that day counts.
        pytest.param(NEW_YORK, "2026-03-02T23:00", "2026-03-03T23:00", 480, id="from one evening to the next"),
        pytest.param(NEW_YORK, "2026-03-07T15:00", "2026-03-07T20:00", 0, id="within one weekend"),
    ],
)  # fmt: skip
def test_elapsed_where_libraries_disagree(hours: dict, start: str, end: str, minutes: int) -> None:
    assert Calendar.from_config(hours).elapsed(utc(start), utc(end)) == timedelta(minutes=minutes)


# ---- stories that broke other engines (office hours are Monday to Friday, 09:00 to 17:00 UTC)


def test_a_start_on_sunday_at_22_counts_from_monday_morning() -> None:
    verdict = only(promise("first_response", "1h"), [created("Sun 22:00")], "Sun 23:00")
    check(verdict, started_at="Sun 22:00", due_at="Mon+1 10:00", elapsed_s=0)


def test_a_hold_over_a_weekend_moves_due_by_its_working_hours() -> None:
    lines = [created("Fri 15:00"), changed("Fri 16:00", status="on_hold"), changed("Mon+1 10:00", status="open")]
    verdict = only(promise("resolution", "8h"), lines, "Mon+1 11:00")
    check(verdict, due_at="Mon+1 17:00", elapsed_s=2 * 3600, paused_s=2 * 3600, remaining_s=6 * 3600)


def test_paused_straight_to_resolved_keeps_the_hold() -> None:
    lines = [created("Mon 10:00"), changed("Mon 11:00", status="pending"), changed("Thu 15:00", status="resolved")]
    verdict = only(promise("resolution", "8h"), lines, "Fri 09:00")
    check(verdict, outcome="met", completed_at="Thu 15:00", elapsed_s=3600, paused_s=28 * 3600)


def test_half_a_year_on_hold_is_half_a_year_on_hold() -> None:
    lines = [
        created("2026-02-02T10:00:00Z"),
        changed("2026-02-02T11:00:00Z", status="on_hold"),
        changed("2026-08-03T10:00:00Z", status="resolved"),
    ]
    check(only(promise("resolution", "8h"), lines, "2026-09-01T00:00:00Z"), outcome="met", elapsed_s=3600, late_s=0)


def test_two_holds_add_up() -> None:
    lines = [
        created("Mon 10:00"),
        changed("Mon 10:30", status="pending"), changed("Mon 11:30", status="open"),
        changed("Mon 13:00", status="on_hold"), changed("Mon 15:00", status="open"),
        changed("Mon 16:00", status="resolved"),
    ]  # fmt: skip
    verdict = only(promise("resolution", "4h"), lines, "Tue 09:00")
    check(verdict, outcome="met", elapsed_s=3 * 3600, paused_s=3 * 3600, remaining_s=3600)


def test_a_warning_before_due_lies_on_its_own_side_of_the_night() -> None:
    steps = [{"at": "-3h", "notify": "owner"}, {"at": "-1h", "notify": "owner"}]
    verdict = only(promise("first_response", "4h", steps=steps), [created("Mon 15:00")], "Mon 16:30")
    check(verdict, due_at="Tue 11:00")
    assert ladder(verdict) == [rung("-3h", "Mon 16:00", True), rung("-1h", "Tue 10:00", False)]


def test_a_lunch_break_is_no_working_time() -> None:
    shifts = {"lunch": {"timezone": "UTC", "hours": {"mon-fri": ["09:00-12:30", "13:00-17:00"]}}}
    document = config(policy(target("first_response", "1h", calendar="lunch")), calendars=shifts)
    check(only(document, [created("Mon 12:00")], "Mon 12:45"), due_at="Mon 13:30", elapsed_s=1800)


@pytest.mark.parametrize(
    ("hours", "start", "within", "due"),
    [
        pytest.param("02:30-06:00", "2026-03-08T05:00:00Z", "3h", "2026-03-08T10:00:00Z", id="a day of 23 hours"),
        # Open from 01:30 to 02:00, closed from 01:00 to 01:30 as the clocks show it again, then open until six.
        pytest.param("01:30-06:00", "2026-11-01T04:00:00Z", "1h", "2026-11-01T07:00:00Z", id="a day of 25 hours"),
    ],
)
def test_an_opening_inside_the_change_of_the_clocks(hours: str, start: str, within: str, due: str) -> None:
    sundays = {"sundays": {"timezone": "America/New_York", "hours": {"sun": hours}}}
    document = config(policy(target("first_response", within, calendar="sundays")), calendars=sundays)
    check(only(document, [created(start)], start), due_at=due)


TIERS = config(
    policy(target("resolution", "8h"), name="Silver", when={"tier": "silver"}),
    policy(target("resolution", "4h"), name="Gold", when={"tier": "gold"}),
)


def test_a_policy_that_changes_while_paused_forgets_neither_the_pause_nor_the_time_before() -> None:
    lines = [
        created("Mon 09:00", tier="silver"), changed("Mon 10:00", status="on_hold"), changed("Mon 12:00", tier="gold"),
        changed("Mon 14:00", status="open"),
    ]  # fmt: skip
    verdict = only(TIERS, lines, "Mon 15:00")
    check(verdict, policy="Gold", due_at="Mon 17:00", elapsed_s=2 * 3600, paused_s=4 * 3600, within_s=4 * 3600)


def test_closed_reopened_and_closed_is_one_promise_without_the_gap() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 11:00", status="resolved"), changed("Tue 10:00", status="open"),
        changed("Tue 12:00", status="closed"),
    ]  # fmt: skip
    verdict = only(promise("resolution", "8h"), lines, "Wed 09:00")
    check(verdict, cycle=1, outcome="met", completed_at="Tue 12:00", elapsed_s=4 * 3600)


def test_two_messages_in_one_wait_are_one_miss_from_the_first_of_them() -> None:
    lines = [created("Mon 09:00"), reply("Mon 09:30"), asks("Mon 10:00"), asks("Mon 10:50"), reply("Mon 11:30")]
    verdict = only(promise("next_response", "1h"), lines, "Mon 12:00")
    check(verdict, cycle=1, started_at="Mon 10:00", breached_at="Mon 11:00", outcome="missed", late_s=1800)


def test_a_requester_of_the_team_does_not_answer_himself() -> None:
    lines = [created("Mon 10:00", requester="user:3"), reply("Mon 10:10", actor="user:3")]
    promised = promise("first_response", "1h")
    check(only(promised, lines, "Mon 10:30"), state="running", outcome=None)
    check(only(promised, [*lines, reply("Mon 10:40", actor="user:4")], "Mon 11:00"), completed_at="Mon 10:40")


def test_a_holiday_added_for_yesterday_leaves_yesterdays_time_alone() -> None:
    office = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"},
              "revisions": [{"from": "2026-03-04", "closed": ["2026-03-03"]}]}  # fmt: skip
    document = config(policy(target("resolution", "10h")), calendars={"office": office})
    verdict = only(document, [created("Mon 16:00")], "Wed 09:30")
    check(verdict, due_at="Wed 10:00", elapsed_s=9 * 3600 + 1800, outcome=None)


def test_a_holiday_added_for_tomorrow_moves_the_due_of_open_clocks() -> None:
    office = {"timezone": "UTC", "hours": {"mon-fri": "09:00-17:00"},
              "revisions": [{"from": "2026-03-03", "closed": ["2026-03-04"]}]}  # fmt: skip
    document = config(policy(target("resolution", "10h")), calendars={"office": office})
    check(only(document, [created("Mon 16:00")], "Tue 12:00"), due_at="Thu 10:00", elapsed_s=4 * 3600)


def test_a_merge_while_paused_cancels_what_was_left() -> None:
    lines = [
        created("Mon 09:00"), changed("Mon 10:00", status="pending"), event("Mon 12:00", "merged", into="desk:ticket:2")
    ]  # fmt: skip
    verdict = only(promise("resolution", "8h"), lines, "Tue 12:00")
    check(verdict, state="stopped", outcome="cancelled", elapsed_s=3600, paused_s=2 * 3600, breached_at=None)
    assert "merged" in verdict["reason"]


# ---- what users of other engines ask for


def test_leads_have_clocks_too() -> None:
    promised = promise("first_response", "15m", applies_to="lead")
    lead = created("Mon 10:00", record="crm:lead:9", source="Web")
    called = activity("Mon 10:10", "call", record="crm:lead:9", outcome="connected")
    check(only(promised, [lead, called], "Mon 11:00"), outcome="met", elapsed_s=600)


def test_a_pause_is_counted_in_working_time_like_everything_else() -> None:
    # From Friday 16:30 to Monday 09:30 is an hour of work, not 65 hours.
    lines = [created("Fri 16:00"), changed("Fri 16:30", status="on_hold"), changed("Mon+1 09:30", status="open")]
    check(only(promise("resolution", "2h"), lines, "Mon+1 09:30"), paused_s=3600, due_at="Mon+1 11:00")


def test_paused_and_never_resumed_is_not_a_success() -> None:
    lines = [created("Mon 10:00"), changed("Mon 11:00", status="on_hold")]
    verdict = only(promise("resolution", "2h"), lines, "Mon+2 12:00")
    check(verdict, state="paused", outcome=None, completed_at=None, due_at=None, remaining_s=3600)


def test_a_priority_that_is_set_after_the_creation_gives_its_own_target() -> None:
    promised = promise("first_response", {"urgent": "1h", "normal": "8h"})
    lines = [created("Mon 09:00", priority="normal"), changed("Mon 09:05", priority="urgent")]
    check(only(promised, lines, "Mon 09:10"), due_at="Mon 10:00", within_s=3600)


def test_a_hand_over_to_another_group_brings_that_groups_target() -> None:
    groups = config(
        policy(target("resolution", "8h"), name="First line", when={"owner": "queue:First"}),
        policy(target("resolution", "4h"), name="Second line", when={"owner": "queue:Second"}),
    )
    lines = [created("Mon 09:00", owner="queue:First"), changed("Mon 10:00", owner="queue:Second")]
    check(only(groups, lines, "Mon 10:30"), policy="Second line", started_at="Mon 09:00", due_at="Mon 13:00")


def test_a_promise_that_no_longer_applies_stops_and_says_so() -> None:
    lines = [created("Mon 09:00", tier="silver"), changed("Mon 10:00", tier="none")]
    check(only(TIERS, lines, "Fri 10:00"), state="stopped", outcome="cancelled", breached_at=None)


def test_closing_thanks_start_no_clock() -> None:
    document = config(policy(target("next_response", "1h"), target("resolution", "8h")))
    lines = [created("Mon 09:00"), reply("Mon 09:30"), changed("Mon 10:00", status="resolved"), asks("Mon 10:05")]
    found = verdicts(document, lines, "Mon+1 10:00")
    assert [(one["target"], one["outcome"]) for one in found] == [("resolution", "met")]


def test_an_autoresponder_is_no_first_response() -> None:
    promised = promise("first_response", "15m", applies_to="lead")
    lead = {"record": "crm:lead:9"}
    lines = [
        created("Mon 10:00", **lead),
        reply("Mon 10:00:05", actor="workflow:2", automated=True, **lead),
        reply("Mon 10:01", actor="bot:1", **lead),
        activity("Tue 12:00", "call", outcome="connected", **lead),
    ]
    verdict = only(promised, lines, "Tue 13:00")
    check(verdict, outcome="missed", breached_at="Mon 10:15", completed_at="Tue 12:00", late_s=35100)


def test_a_customer_who_writes_through_another_channel_is_waiting_all_the_same() -> None:
    lines = [created("Mon 09:00"), reply("Mon 09:30"), asks("Mon 10:00", channel="portal")]
    check(only(promise("next_response", "1h"), lines, "Mon 10:30"), started_at="Mon 10:00", due_at="Mon 11:00")


def test_the_routings_half_hour_is_not_the_representatives() -> None:
    promised = promise("first_response", "15m", applies_to="lead")
    lead = {"record": "crm:lead:9"}
    lines = [
        created("Mon 10:00", **lead),
        changed("Mon 10:30", actor="workflow:2", owner="user:5", **lead),
        activity("Mon 10:35", "call", outcome="connected", **lead),
    ]
    verdict = only(promised, lines, "Mon 11:00")
    check(verdict, outcome="missed", spent={"system": 1800, "user:5": 300})


def test_a_merged_record_stops_alerting() -> None:
    steps: list[Any] = [{"at": "due", "notify": "manager"}]
    lines = [created("Mon 09:00"), event("Mon 09:30", "merged", into="desk:ticket:2")]
    verdict = only(promise("first_response", "1h", steps=steps), lines, "Tue 09:00")
    assert [reached for _, _, reached in ladder(verdict)] == [False]


def test_a_clock_may_start_when_it_really_happened() -> None:
    promised = promise("resolution", "4h", start_field="outage_at")
    verdict = only(promised, [created("Mon 10:00", outage_at="2026-03-02T09:00:00Z")], "Mon 10:30")
    check(verdict, started_at="Mon 09:00", due_at="Mon 13:00", elapsed_s=5400)


def test_the_update_target_does_not_overrule_the_first_response() -> None:
    document = config(policy(target("first_response", "1h"), target("update_every", "4h")))
    lines = [created("Mon 09:00"), reply("Mon 09:30")]
    found = verdicts(document, lines, "Mon 12:00")
    check(pick(found, target="first_response"), outcome="met", completed_at="Mon 09:30")
    check(pick(found, target="update_every"), started_at="Mon 09:30", due_at="Mon 13:30", outcome=None)
