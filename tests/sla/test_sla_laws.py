"""What holds for every timeline whatever happens in it: order, repetition, time going on, sums, company."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sla.clock import Clock
from sla.fold import evaluate, evaluate_record
from sla.instant import parse_instant
from sla.model import STATUSES, Event
from sla.policy import Policies
from sla.timeline import event_to_line, parse_line

MINUTE = 60_000
MONDAY = 1_772_409_600_000  # 2026-03-02T00:00:00Z
RECORD = "desk:ticket:1"
STEPS = [{"at": "50%", "notify": "owner"}, {"at": "-30m", "notify": "owner"}, {"at": "due", "notify": "manager"},
         {"at": "+2h", "notify": "manager"}]  # fmt: skip
METRICS = (
    "first_response", "next_response", "update_every", "resolution", "first_resolution", "time_to_own",
    "owner_response", "waiting_on_customer",
)  # fmt: skip


def document() -> dict[str, Any]:
    """Every metric, two calendars, policies that compete and stop matching, targets by priority."""
    by_priority = {"urgent": "1h", "high": "2h30m", "normal": "8h", "low": "none"}
    whole = [{"metric": metric, "within": by_priority, "steps": STEPS} for metric in METRICS]
    odd = [
        {"metric": "resolution", "within": "2bd", "reopen": {"window": "4h"}},
        {"metric": "in_status", "status": ["pending", "on_hold"], "within": "3h"},
        {"metric": "Handover", "start": {"owner": {"starts_with": "user:"}}, "stop": {"answer": True}, "within": "1h",
         "repeat": True, "pause": {"status": ["on_hold"]}},
    ]  # fmt: skip
    return {
        "calendars": {
            "office": {"timezone": "America/New_York", "hours": {"mon-fri": ["09:00-12:30", "13:00-17:00"]},
                       "closed": ["2026-03-04 15:00-24:00"]},
            "always": {"timezone": "UTC", "hours": "24x7"},
        },
        "policies": [
            {"name": "Everybody", "applies_to": "ticket", "calendar": "office", "targets": whole},
            {"name": "Gold", "applies_to": "ticket", "calendar": "always", "when": {"tier": "gold"},
             "targets": [{"metric": "resolution", "within": "6h", "steps": STEPS},
                         {"metric": "first_response", "within": "30m"}]},
            {"name": "Odd", "applies_to": "ticket", "calendar": "always", "when": {"tier": ["gold", "silver"]},
             "answers": ["status_change"], "targets": odd},
        ],
    }  # fmt: skip


POLICIES = Policies.from_config(document())
ACTORS = st.sampled_from(["user:3", "user:4", "customer:7", "bot:1", "workflow:2", None])
WHEN = st.integers(0, 5 * 24 * 4).map(lambda n: MONDAY + n * 15 * MINUTE)  # a grid, so that instants meet
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from([s for s in STATUSES if s not in ("disqualified", "converted")]),
        "priority": st.sampled_from(["urgent", "high", "normal", "low"]),
        "owner": st.sampled_from(["user:3", "user:4", "queue:Support", None]),
        "tier": st.sampled_from(["gold", "silver", "bronze"]),
    },
)


WORDS = (
    ["changed"] * 5 + ["message"] * 5 + ["activity", "deleted", "restored"] + ["excused"] * 2 + ["extended", "merged"]
)


@st.composite
def happenings(draw: st.DrawFn, when: st.SearchStrategy[int] = WHEN) -> dict[str, Any]:
    """Anything that can happen to a ticket."""
    at, actor = draw(when), draw(ACTORS)
    word = draw(st.sampled_from(WORDS))
    found: dict[str, Any] = {"at": at, "event": word, "actor": actor}
    if word == "changed":
        found |= {"set": draw(FIELDS), "snapshot": draw(st.booleans())}
    elif word == "message":
        found |= {"direction": draw(st.sampled_from(["inbound", "outbound"])), "public": draw(st.booleans())}
    elif word == "activity":
        found |= {"activity": draw(st.sampled_from(["call", "note"])), "outcome": draw(st.sampled_from([None, "busy"]))}
    elif word == "excused":
        found |= {"reason": "fire drill"}
        found |= {
            key: at + sign * draw(st.integers(0, 60)) * 15 * MINUTE for key, sign in (("from_at", -1), ("until", 1))
        }
    elif word == "extended":
        target = draw(st.sampled_from(["first_response", "resolution"]))
        found |= {"target": target, "until": at + draw(st.integers(0, 80)) * 15 * MINUTE, "reason": "agreed"}
    elif word == "merged":
        found |= {"into": "desk:ticket:99"}
    return found


@st.composite
def timelines(draw: st.DrawFn, record: str = RECORD) -> list[Event]:
    told = draw(st.lists(happenings(), min_size=2, max_size=16))
    born = MONDAY + draw(st.integers(0, 80)) * 15 * MINUTE  # early: most of what happens happens to it
    if draw(st.booleans()):  # chance alone hardly ever solves and reopens
        solved = born + draw(st.integers(1, 150)) * 15 * MINUTE
        again = solved + draw(st.integers(1, 100)) * 15 * MINUTE
        lives = ((solved, "resolved"), (again, "open"))
        told += [{"at": at, "event": "changed", "actor": "user:3", "set": {"status": status}} for at, status in lives]
    if draw(st.booleans()):  # nor does it often let people speak in turns
        turns = sorted(born + draw(st.integers(1, 150)) * 15 * MINUTE for _ in range(4))
        told += [
            {"at": at, "event": "message", "actor": actor, "direction": way}
            for at, (actor, way) in zip(turns, [("user:3", "outbound"), ("customer:7", "inbound")] * 2, strict=True)
        ]
    first = {"at": born, "event": "created", "kind": "ticket", "actor": "customer:7",
             "set": {"status": "new", **draw(FIELDS)}}  # fmt: skip
    seen = draw(st.integers(0, 20)) * 15 * MINUTE
    events = [Event(record=record, id="000", **{**first, "seen": born + seen})]
    return events + [Event(record=record, id=f"{n:03}", **one) for n, one in enumerate(told, 1)]


NOW = st.integers(0, 9 * 24 * 12).map(lambda n: MONDAY + n * 5 * MINUTE)


def clocks(events: list[Event], now: int) -> list[Clock]:
    return evaluate_record(POLICIES, events, now).clocks


def verdicts(events: list[Event], now: int) -> list[dict[str, Any]]:
    return [clock.verdict() for clock in clocks(events, now)]


def name(clock: Clock) -> tuple[str, int]:
    return clock.target, clock.cycle


# ---- order and repetition


@given(timelines(), NOW, st.randoms(use_true_random=False))
def test_the_order_and_repetition_of_events_change_nothing(events: list[Event], now: int, rng: random.Random) -> None:
    again = events + rng.choices(events, k=3)
    rng.shuffle(again)
    assert verdicts(again, now) == verdicts(events, now)


@given(timelines(), NOW)
def test_what_has_not_happened_yet_changes_nothing(events: list[Event], now: int) -> None:
    assert verdicts(events, now) == verdicts([event for event in events if event.at <= now], now)


@given(timelines(), NOW)
def test_asking_twice_gives_the_same_answer(events: list[Event], now: int) -> None:
    assert verdicts(events, now) == verdicts(events, now)


@given(timelines(), NOW)
def test_a_timeline_written_and_read_again_gives_the_same_clocks(events: list[Event], now: int) -> None:
    assume(not any(event.snapshot for event in events))
    again = [parse_line(json.dumps(event_to_line(event))) for event in events]
    assert verdicts(again, now) == verdicts(events, now)


# ---- time going on


@given(timelines(), NOW, NOW)
def test_a_breach_never_disappears(events: list[Event], one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    before = {name(clock): clock for clock in clocks(events, earlier) if clock.breached_ms is not None}
    after = {name(clock): clock for clock in clocks(events, later)}
    for key, clock in before.items():
        assert after[key].breached_ms == clock.breached_ms
        assert after[key].outcome in ("missed", "excused")


@given(timelines(), NOW, NOW)
def test_elapsed_and_paused_time_never_shrink(events: list[Event], one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    after = {name(clock): clock for clock in clocks(events, later)}
    for clock in clocks(events, earlier):
        assert clock.elapsed_ms <= after[name(clock)].elapsed_ms
        assert clock.paused_ms <= after[name(clock)].paused_ms
        assert clock.started_ms == after[name(clock)].started_ms


@given(timelines(), NOW)
def test_nothing_changes_by_itself_before_a_clock_wakes(events: list[Event], now: int) -> None:
    events = [event for event in events if event.at <= now]

    def looks(clock: Clock) -> tuple[Any, ...]:
        return clock.state, clock.outcome, clock.due_ms, clock.breached_ms, [s.reached for s in clock.steps]

    for clock in clocks(events, now):
        horizon = clock.wake_ms or now + 60 * 24 * 60 * MINUTE
        before = next(c for c in clocks(events, horizon - 1) if name(c) == name(clock))
        assert looks(before) == looks(clock)
        if clock.wake_ms is not None:
            assert clock.wake_ms > now
            awake = next(c for c in clocks(events, clock.wake_ms) if name(c) == name(clock))
            assert looks(awake) != looks(clock)


# ---- sums and shapes


@given(timelines(), NOW)
def test_whose_time_it_was_adds_up_to_the_elapsed_time(events: list[Event], now: int) -> None:
    for clock in clocks(events, now):
        assert sum(clock.spent_ms.values()) == clock.elapsed_ms
        assert all(part >= 0 for part in clock.spent_ms.values())


@given(timelines(), NOW)
def test_the_parts_of_a_verdict_agree_with_each_other(events: list[Event], now: int) -> None:
    for verdict in verdicts(events, now):
        started, due, done, breached = (verdict[k] for k in ("started_at", "due_at", "completed_at", "breached_at"))
        assert verdict["state"] in ("running", "paused", "stopped")
        assert verdict["outcome"] in (None, "met", "missed", "cancelled", "excused")
        assert min(verdict[k] for k in ("elapsed_s", "paused_s", "remaining_s", "late_s")) >= 0
        assert (verdict["outcome"] in ("missed", "excused")) == (breached is not None)
        assert breached is None or started < breached
        assert done is None or (verdict["state"] == "stopped" and started <= done)
        assert verdict["state"] == "stopped" or verdict["outcome"] in (None, "missed", "excused")
        assert verdict["state"] != "stopped" or verdict["outcome"] is not None
        assert verdict["outcome"] != "met" or (done is not None and (due is None or done <= due))
        assert verdict["outcome"] != "cancelled" or verdict["reason"]
        assert verdict["late_s"] == 0 or breached is not None
        assert verdict["remaining_s"] == 0 or breached is None
        assert verdict["remaining_s"] == 0 or verdict["late_s"] == 0
        assert verdict["state"] != "paused" or breached is not None or due is None
        assert verdict["state"] != "running" or due is not None
        json.dumps(verdict)


@given(timelines(), NOW)
def test_a_clock_and_its_verdict_say_the_same(events: list[Event], now: int) -> None:
    for clock in clocks(events, now):
        verdict = clock.verdict()
        lengths = (clock.within_ms, clock.elapsed_ms, clock.paused_ms, clock.remaining_ms, clock.late_ms)
        names = ("within_s", "elapsed_s", "paused_s", "remaining_s", "late_s")
        assert [length / 1000 for length in lengths] == [verdict[key] for key in names]
        instants = (clock.started_ms, clock.due_ms, clock.completed_ms, clock.breached_ms)
        written = [verdict[key] for key in ("started_at", "due_at", "completed_at", "breached_at")]
        assert list(instants) == [text and parse_instant(text) for text in written]
        aware = (clock.started_at, clock.due_at, clock.completed_at, clock.breached_at)
        assert list(aware) == [text and datetime.fromisoformat(text) for text in written]
        assert (
            clock.record,
            clock.policy,
            clock.target,
            clock.cycle,
            clock.state,
            clock.outcome,
            clock.reason,
        ) == tuple(verdict[key] for key in ("record", "policy", "target", "cycle", "state", "outcome", "reason"))


@given(timelines(), NOW)
def test_cycles_are_numbered_without_gaps_and_only_the_last_may_run(events: list[Event], now: int) -> None:
    found = verdicts(events, now)
    for target in {verdict["target"] for verdict in found}:
        mine = [verdict for verdict in found if verdict["target"] == target]
        assert [verdict["cycle"] for verdict in mine] == list(range(1, len(mine) + 1))
        assert all(verdict["state"] == "stopped" for verdict in mine[:-1])


# ---- neutral acts

LONG_AFTER = MONDAY + 365 * 24 * 60 * MINUTE  # when they are heard of, so that the record is not heard of earlier

STEADY = Policies.from_config({
    **document(),
    "policies": [{
        "name": "Steady", "applies_to": "ticket", "calendar": "office",
        "targets": [{"metric": m, "within": "4h", "steps": STEPS} for m in METRICS if m != "waiting_on_customer"],
    }],
})  # fmt: skip


@given(timelines(), NOW, st.integers(0, 5 * 24 * 4), st.sampled_from(["pending", "on_hold"]))
def test_pausing_and_resuming_in_one_instant_is_neutral(events: list[Event], now: int, n: int, hold: str) -> None:
    at = MONDAY + n * 15 * MINUTE + 7 * MINUTE  # between the instants at which anything else happens
    state = evaluate_record(STEADY, [event for event in events if event.at < at], at).state
    assume(state.created_at is not None and not state.deleted and state.status in ("new", "open"))
    act = {"record": RECORD, "at": at, "seen": LONG_AFTER, "event": "changed", "actor": "workflow:2"}
    again = [
        Event(**act, id="hold", seq=1, set={"status": hold}),
        Event(**act, id="back", seq=2, set={"status": state.status}),
    ]
    with_both = evaluate_record(STEADY, [*events, *again], now).clocks
    without = evaluate_record(STEADY, events, now).clocks
    assert [clock.verdict() for clock in with_both] == [clock.verdict() for clock in without]


@given(timelines(), NOW, st.integers(0, 5 * 24 * 4))
def test_an_event_that_changes_nothing_is_neutral(events: list[Event], now: int, n: int) -> None:
    at = MONDAY + n * 15 * MINUTE + 7 * MINUTE
    assume(at > events[0].at)
    again = [
        Event(record=RECORD, id="note", at=at, seen=LONG_AFTER, event="message", actor="user:3", public=False),
        Event(record=RECORD, id="idle", at=at, seen=LONG_AFTER, event="changed", actor="user:3", set={}),
        Event(
            record=RECORD, id="word", at=at, seen=LONG_AFTER, event="changed", actor="user:3", set={"subject": "Fire"}
        ),
    ]
    assert verdicts([*events, *again], now) == verdicts(events, now)


def steady(*policies: dict[str, Any], match: str = "strictest") -> Policies:
    """Policies of the same targets, hours and all, except for what is said."""
    targets = [{"metric": metric, "within": "4h", "steps": STEPS} for metric in METRICS]
    shared = {"applies_to": "ticket", "calendar": "office", "targets": targets}
    return Policies.from_config(
        {**document(), "daemon": {"match": match}, "policies": [{**shared, **p} for p in policies]}
    )


ONE = steady({"name": "One"})
TWINS = steady(
    {"name": "Gold", "when": {"tier": "gold"}},
    {"name": "Silver", "when": {"tier": "silver"}},
    {"name": "Others", "when": {"tier": {"not": ["gold", "silver"]}}},
)
SLACK = [{"metric": metric, "within": "1000h"} for metric in METRICS]
WITH_SLACK = steady({"name": "Slack", "targets": SLACK}, {"name": "One"})
FIRST_OF_TWO = steady({"name": "One"}, {"name": "Strict", "targets": [
    {"metric": metric, "within": "5m"} for metric in METRICS
]}, match="first")  # fmt: skip


def seen_by(policies: Policies, events: list[Event], now: int) -> list[dict[str, Any]]:
    """The verdicts under some policies, whatever these are called."""
    return [{**clock.verdict(), "policy": ""} for clock in evaluate_record(policies, events, now).clocks]


@given(timelines(), NOW)
def test_going_from_a_policy_to_its_twin_is_neutral(events: list[Event], now: int) -> None:
    assert seen_by(TWINS, events, now) == seen_by(ONE, events, now)


@given(timelines(), NOW)
def test_a_slacker_promise_beside_a_strict_one_is_neutral(events: list[Event], now: int) -> None:
    assert seen_by(WITH_SLACK, events, now) == seen_by(ONE, events, now)


@given(timelines(), NOW)
def test_a_promise_further_down_the_file_is_neutral_when_the_first_counts(events: list[Event], now: int) -> None:
    assert seen_by(FIRST_OF_TWO, events, now) == seen_by(ONE, events, now)


# ---- company


@given(st.lists(timelines(), min_size=1, max_size=4), NOW, st.randoms(use_true_random=False))
def test_many_records_together_are_each_as_if_alone(stories: list[list[Event]], now: int, rng: random.Random) -> None:
    renamed = [
        [Event(**{**_fields(event), "record": f"desk:ticket:{n}"}) for event in story]
        for n, story in enumerate(stories)
    ]
    alone = [clock.verdict() for story in renamed for clock in evaluate_record(POLICIES, story, now).clocks]
    everything = [event for story in renamed for event in story]
    rng.shuffle(everything)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now)
    assert [clock.verdict() for clock in evaluate(POLICIES, everything, at)] == alone


@st.composite
def families(draw: st.DrawFn) -> list[Event]:
    """Three tickets of which some go into others, once all of them are there."""
    stories = [draw(timelines(f"desk:ticket:{n}")) for n in (1, 2, 3)]
    all_there = max(story[0].at for story in stories)
    ways = draw(st.sampled_from([[(2, 1)], [(3, 2), (2, 1)], [(3, 1), (2, 1)]]))
    times = sorted(max(draw(WHEN), all_there) for _ in ways)
    for n, ((loser, winner), at) in enumerate(zip(ways, times, strict=True)):
        gone = {"id": f"gone-{n}", "at": at, "event": "merged"}
        stories[0].append(Event(record=f"desk:ticket:{loser}", into=f"desk:ticket:{winner}", **gone))
    return [event for story in stories for event in story]


@given(families(), NOW, st.randoms(use_true_random=False))
def test_the_order_of_events_changes_nothing_for_records_that_merge(
    events: list[Event], now: int, rng: random.Random
) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=now)
    found = evaluate(POLICIES, events, at)
    again = events + rng.choices(events, k=3)
    rng.shuffle(again)
    assert [clock.verdict() for clock in evaluate(POLICIES, again, at)] == [clock.verdict() for clock in found]
    for clock in found:
        assert sum(clock.spent_ms.values()) == clock.elapsed_ms
        assert (clock.outcome in ("missed", "excused")) == (clock.breached_ms is not None)


@given(families(), NOW, NOW)
def test_a_breach_never_disappears_when_records_merge(events: list[Event], one: int, other: int) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    earlier, later = (epoch + timedelta(milliseconds=now) for now in sorted((one, other)))
    after = {(clock.record, *name(clock)): clock for clock in evaluate(POLICIES, events, later)}
    for clock in evaluate(POLICIES, events, earlier):
        if clock.breached_ms is not None:
            assert after[clock.record, *name(clock)].breached_ms == clock.breached_ms


def _fields(event: Event) -> dict[str, Any]:
    return {field: getattr(event, field) for field in event.__struct_fields__}


# ---- none of this for want of cases

DONE = ("resolved", "closed")


def _kinds(events: list[Event], now: int) -> set[str]:
    """What there is in a case that a law could break on."""
    found = set()
    for clock in clocks(events, now):
        found |= {str(clock.outcome), clock.state} | ({"paused"} if clock.paused_ms else set())
        found |= {"breached"} if clock.breached_ms is not None else set()
        found |= {"breached and completed"} if clock.breached_ms is not None and clock.completed_ms else set()
        found |= {"a later cycle"} if clock.cycle > 1 else set()
        found |= {"several holders"} if len([part for part in clock.spent_ms.values() if part]) > 1 else set()
        found |= {"a step reached"} if any(step.reached for step in clock.steps) else set()
    instants = Counter(event.at for event in events)
    found |= {"one instant"} if instants.most_common(1)[0][1] > 1 else set()
    status = "new"
    for event in sorted(events, key=lambda one: (one.at, one.id)):
        new = (event.set or {}).get("status", status)
        found |= {"reopened"} if status in DONE and new not in DONE and event.at <= now else set()
        status = str(new)
    return found


def test_the_cases_of_these_laws_have_every_difficulty() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=400, derandomize=True, database=None)
    @given(timelines(), NOW)
    def look(events: list[Event], now: int) -> None:
        seen.update(_kinds(events, now))

    look()
    rare = {
        kind: seen[kind] for kind in ("excused", "reopened", "a later cycle", "cancelled", "breached and completed")
    }
    often = {kind: seen[kind] for kind in (
        "paused", "breached", "met", "missed", "running", "stopped", "several holders", "one instant", "a step reached",
    )}  # fmt: skip
    assert min(rare.values()) >= 2, rare
    assert min(often.values()) >= 15, often


def test_neutral_pauses_interrupt_running_clocks() -> None:
    running = 0

    @settings(max_examples=100)
    @given(timelines(), st.integers(0, 5 * 24 * 4))
    def look(events: list[Event], n: int) -> None:
        nonlocal running
        at = MONDAY + n * 15 * MINUTE + 7 * MINUTE
        running += any(clock.state == "running" for clock in evaluate_record(STEADY, events, at).clocks)

    look()
    assert running >= 20
