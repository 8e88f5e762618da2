"""Rules 12 and 20: excused spans and extensions, declared by somebody, with a reason."""

from __future__ import annotations

import pytest
from sla_story import HOUR, changed, check, created, event, instant, only, promise, reply

from sla.fold import evaluate
from sla.instant import parse_instant

FIRST = promise("first_response", "2h")
LATE = [created("Mon 10:00"), reply("Mon 13:00")]  # due at 12:00, an hour late


def excused(at: str, start: str, until: str, reason: str = "power cut") -> dict:
    return event(at, "excused", **{"from": instant(start)}, until=instant(until), reason=reason, by="user:boss")


def extended(at: str, until: str, target: str = "first_response") -> dict:
    return event(at, "extended", target=target, until=instant(until), reason="agreed by phone", by="user:boss")


def test_rule_20_a_miss_that_an_excused_span_explains_is_excused() -> None:
    verdict = only(FIRST, [*LATE, excused("Mon 15:00", "Mon 10:30", "Mon 12:00")], "Mon 16:00")
    check(verdict, outcome="excused", state="stopped", completed_at="Mon 13:00", elapsed_s=3 * HOUR)
    assert "power cut" in verdict["reason"]


def test_rule_20_an_excused_span_that_is_too_short_excuses_nothing() -> None:
    lines = [*LATE, excused("Mon 15:00", "Mon 10:30", "Mon 11:00")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="missed", breached_at="Mon 12:00")


def test_rule_20_only_the_working_time_of_a_span_excuses() -> None:
    lines = [created("Mon 15:00"), reply("Tue 10:30"), excused("Tue 12:00", "Mon 17:00", "Tue 09:00")]
    check(only(FIRST, lines, "Tue 16:00"), outcome="missed", breached_at="Mon 17:00", late_s=90 * 60)


def test_rule_20_a_span_after_the_answer_excuses_nothing() -> None:
    lines = [*LATE, excused("Mon 16:00", "Mon 13:30", "Mon 15:30")]
    check(only(FIRST, lines, "Mon 16:30"), outcome="missed")


def test_rule_20_two_spans_add_up() -> None:
    lines = [*LATE, excused("Mon 15:00", "Mon 10:30", "Mon 11:00"), excused("Mon 15:10", "Mon 12:00", "Mon 12:30")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="excused")


def test_rule_20_two_spans_that_overlap_are_counted_once() -> None:
    lines = [
        *LATE,
        excused("Mon 15:00", "Mon 10:30", "Mon 11:10", "power cut"),
        excused("Mon 15:10", "Mon 10:40", "Mon 11:10", "fire drill"),
    ]
    check(only(FIRST, lines, "Mon 16:00"), outcome="missed")


def test_rule_20_an_excuse_does_not_turn_a_success_into_anything_else() -> None:
    lines = [created("Mon 10:00"), reply("Mon 11:00"), excused("Mon 15:00", "Mon 10:30", "Mon 12:00")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="met", reason=None)


def test_rule_20_paused_time_is_excused_only_once() -> None:
    # Of the span 11:00-13:00 an hour was paused anyway: running time is 10-11 and 12-15, four hours, one of it excused.
    lines = [
        created("Mon 10:00"), changed("Mon 11:00", status="on_hold"), changed("Mon 12:00", status="open"),
        changed("Mon 15:00", status="resolved"), excused("Mon 16:00", "Mon 11:00", "Mon 13:00"),
    ]  # fmt: skip
    check(only(promise("resolution", "2h30m"), lines, "Mon 16:30"), outcome="missed")
    check(only(promise("resolution", "3h"), lines, "Mon 16:30"), outcome="excused")


def test_rule_12_a_closure_declared_afterwards_leaves_elapsed_time_alone() -> None:
    verdict = only(FIRST, [*LATE, excused("Tue 09:00", "Mon 09:00", "Mon 17:00", "closed: storm")], "Tue 10:00")
    check(verdict, outcome="excused", elapsed_s=3 * HOUR, started_at="Mon 10:00", due_at="Mon 12:00")


@pytest.mark.parametrize("answered", ["Mon 11:30", "Mon 13:00", "Mon 14:00"])
def test_rule_20_an_answer_within_an_extension_is_not_missed(answered: str) -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 14:00"), reply(answered)]
    assert only(FIRST, lines, "Mon 16:00")["outcome"] in ("met", "excused")


def test_rule_20_a_clock_wakes_when_its_extension_ends() -> None:
    lines = [created("Mon 10:00"), extended("Mon 13:00", "Mon 15:00")]  # granted after due
    excused_still = evaluate(FIRST, lines, instant("Mon 14:00"))[0]
    missed_again = evaluate(FIRST, lines, instant("Mon 15:01"))[0]
    assert (excused_still.outcome, missed_again.outcome) == ("excused", "missed")
    assert excused_still.wake_ms in (parse_instant(instant("Mon 15:00")), parse_instant(instant("Mon 15:00")) + 1)


def test_rule_20_a_clock_wakes_when_its_excuse_is_used_up() -> None:
    # Two hours allowed, one of them excused: at 13:00 three hours have gone, and the excuse no longer explains it.
    lines = [created("Mon 10:00"), excused("Mon 11:30", "Mon 10:15", "Mon 11:15")]
    excused_still = evaluate(FIRST, lines, instant("Mon 12:30"))[0]
    missed_again = evaluate(FIRST, lines, instant("Mon 13:01"))[0]
    assert (excused_still.outcome, missed_again.outcome) == ("excused", "missed")
    assert excused_still.wake_ms in (parse_instant(instant("Mon 13:00")), parse_instant(instant("Mon 13:00")) + 1)


def test_rule_20_an_answer_after_the_extension_is_missed() -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 14:00"), reply("Mon 14:30")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="missed")


def test_rule_20_within_an_extension_nothing_is_missed_yet() -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 14:00")]
    assert only(FIRST, lines, "Mon 13:00")["outcome"] != "missed"
    check(only(FIRST, lines, "Mon 14:30"), outcome="missed", state="running")


def test_rule_20_an_extension_is_for_its_own_target() -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 14:00", target="resolution"), reply("Mon 13:00")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="missed", breached_at="Mon 12:00")


def test_rule_20_an_extension_into_the_night_holds_until_its_very_end() -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 20:00"), reply("Mon 19:00")]
    check(only(FIRST, lines[:2], "Mon 18:00"), due_at="Mon 20:00", outcome=None, state="running")
    check(only(FIRST, lines[:2], "Mon 20:00"), outcome="missed", breached_at="Mon 20:00")
    check(only(FIRST, lines, "Tue 12:00"), outcome="met")


def test_rule_20_a_second_extension_cannot_shorten_the_first() -> None:
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 15:00"), extended("Mon 11:10", "Mon 13:00")]
    assert only(FIRST, [*lines, reply("Mon 14:30")], "Mon 16:00")["outcome"] in ("met", "excused")


def test_rule_20_a_later_priority_cannot_shorten_an_extension() -> None:
    promised = promise("first_response", {"urgent": "1h", "normal": "2h"})
    lines = [created("Mon 10:00"), extended("Mon 11:00", "Mon 15:00"), changed("Mon 11:30", priority="urgent")]
    assert only(promised, [*lines, reply("Mon 14:30")], "Mon 16:00")["outcome"] in ("met", "excused")


def test_rule_20_an_extension_cannot_shorten() -> None:
    lines = [created("Mon 10:00"), extended("Mon 10:30", "Mon 11:00"), reply("Mon 11:45")]
    check(only(FIRST, lines, "Mon 16:00"), outcome="met")
