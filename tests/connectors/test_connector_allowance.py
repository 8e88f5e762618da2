"""The gate before every call: paces, the vendor's waits, and the share of the day with its reserves."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.allowance import PURPOSES, Allowance, is_held_back, spending
from connectors.errors import RateLimited
from connectors.pace import Store, Window
from connectors.share import DAY_MS, QUARTER_MS, RESERVED, Share, calendar_day, rolling_day
from sla.instant import parse_instant

NINE = parse_instant("2026-03-02T09:00:00Z")
HOUR = 3_600_000


class World:
    """A clock in ms, and real seconds that pass only while somebody waits."""

    def __init__(self) -> None:
        self.now = NINE
        self.seconds = 0.0
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waited.append(round(seconds, 3))
        self.seconds += seconds

    def allowance(self, share: float = 0.2, **given: Any) -> Allowance:
        return Allowance(lambda: self.now, share, seconds=lambda: self.seconds, sleep=self.sleep, **given)


@pytest.fixture
def world() -> World:
    return World()


def takes(allowance: Allowance, purpose: Any, endpoint: str = "rest") -> bool:
    with spending(purpose):
        try:
            allowance.take(endpoint)
        except RateLimited as error:
            return not is_held_back(error)
    return True


def wait_of(allowance: Allowance, purpose: Any, endpoint: str = "rest") -> float:
    with spending(purpose), pytest.raises(RateLimited) as caught:
        allowance.take(endpoint)
    return caught.value.after


# ---- paces


def test_five_searches_a_second_go_at_once_and_the_sixth_waits_in_its_place(world: World) -> None:
    allowance = world.allowance(paces={"search": Window(5, 1.1)})
    assert [takes(allowance, "read", "search") for _ in range(6)] == [True] * 6
    assert world.waited == [1.1]


def test_whoever_would_wait_longer_than_a_second_is_told_how_long(world: World) -> None:
    allowance = world.allowance(paces={"login": Window(2, 3_600.0)})
    assert takes(allowance, "read", "login")
    world.seconds = 600
    assert takes(allowance, "read", "login")
    assert wait_of(allowance, "read", "login") == pytest.approx(3_000, abs=0.01)
    assert allowance.used() == {"read": 2}


def test_a_burst_is_followed_by_an_even_rate_and_never_by_a_long_wait(world: World) -> None:
    allowance = world.allowance(paces={"rest": Store(190, 10.0)})
    assert all(takes(allowance, "read") for _ in range(400))
    assert max(world.waited) < 0.1
    assert len(world.waited) == 400 - 63


def test_an_account_that_says_less_is_called_less(world: World) -> None:
    store = Store(190, 10.0)
    allowance = world.allowance(paces={"rest": store, "10s": store})
    allowance.heard("10s", 1, 100)
    allowance.heard("10s", 1, 250)
    while world.seconds < 10:
        assert takes(allowance, "read")
    assert allowance.used()["read"] <= 101


@given(
    st.sampled_from([(Window, 5, 1.1), (Store, 190, 10.0), (Store, 4, 2.0), (Window, 1, 1.0)]),
    st.lists(st.floats(0, 0.8), min_size=1, max_size=300),
)
def test_no_window_ever_holds_more_than_its_count(kind: Any, gaps: list[float]) -> None:
    make, count, seconds = kind
    pace, now, made = make(count, seconds), 0.0, []
    for gap in gaps:
        now += gap
        at = pace.next(now)
        pace.book(at)
        made.append(at)
        now = max(now, at)
    for first, last in zip(made, made[count:], strict=False):
        assert last - first >= seconds - 1e-6
    assert made == sorted(made)


def test_eight_threads_that_search_at_once_all_get_their_turn() -> None:
    allowance = Allowance(lambda: NINE, paces={"search": Window(40, 0.1)})
    done = [0] * 8

    def search(mine: int) -> None:
        for _ in range(20):
            allowance.take("search")
            done[mine] += 1

    threads = [threading.Thread(target=search, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert done == [20] * 8


# ---- what the vendor said


def test_a_class_of_endpoints_rests_as_long_as_the_vendor_said(world: World) -> None:
    allowance = world.allowance()
    allowance.refused("search", 10.0)
    assert wait_of(allowance, "read", "search") == pytest.approx(10, abs=0.01)
    assert takes(allowance, "read", "rest")
    world.now += 9_999
    assert not takes(allowance, "breach", "search")
    world.now += 2
    assert takes(allowance, "read", "search")


def test_a_shorter_wait_does_not_shorten_a_longer_one(world: World) -> None:
    allowance = world.allowance()
    allowance.refused("rest", 600.0)
    allowance.refused("rest", 1.0)
    world.now += 599_000
    assert not takes(allowance, "breach")


def test_a_day_that_is_used_up_stops_calls_of_every_class(world: World) -> None:
    allowance = world.allowance()
    allowance.refused("*", 3_600.0)
    assert [takes(allowance, "breach", one) for one in ("rest", "search", "login")] == [False] * 3


# ---- the share of the day


def test_before_the_vendor_has_said_anything_calls_are_counted_and_not_held_back(world: World) -> None:
    allowance = world.allowance()
    assert all(takes(allowance, "reconcile") for _ in range(1_000))
    balance = allowance.balance()
    assert (balance.limit, balance.own, balance.left) == (None, 1_000, None)


def test_what_is_less_urgent_stops_first(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 0, 1_000)  # 200 calls are ours
    stopped: dict[str, int] = {}
    for own in range(200):
        for purpose in PURPOSES:
            if purpose != "breach" and purpose not in stopped and allowance._share.free_at(purpose, world.now) > NINE:
                stopped[purpose] = own
        assert takes(allowance, "breach")
    assert stopped == {"reconcile": 120, "refresh": 160, "read": 180, "check": 180, "warning": 190}
    assert not takes(allowance, "breach")


def test_a_write_back_that_has_begun_comes_to_its_end_and_the_next_one_waits(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 0, 1_000)
    while allowance.balance().own < 159:
        assert takes(allowance, "read")
    with spending("refresh"):
        for _ in range(3):
            allowance.take("rest")
    assert not takes(allowance, "refresh")


def test_a_long_reading_that_has_begun_stops_at_its_reserve(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 0, 1_000)
    with spending("read"):
        for _ in range(180):
            allowance.take("rest")
        with pytest.raises(RateLimited):
            allowance.take("rest")


def test_the_same_order_holds_when_others_have_used_the_account_up(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 985, 1_000)  # 15 are left of all; 20 belong to reading's betters
    assert [one for one in PURPOSES if takes(allowance, one)] == ["breach", "warning"]


def test_what_a_vendor_says_of_our_app_alone_counts_as_well(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 100, 100_000)
    allowance.heard("day, this app", 250, 250)
    assert not takes(allowance, "breach")


def test_hubspots_day_begins_anew_at_midnight_in_the_accounts_time_zone(world: World) -> None:
    allowance = world.allowance(day=lambda now: calendar_day(now, "America/New_York"))
    allowance.heard("day", 0, 1_000)
    while takes(allowance, "breach"):
        pass
    assert allowance.used() == {"breach": 200}
    assert wait_of(allowance, "breach") == 20 * 3_600  # nine o'clock in London is four in New York
    world.now = parse_instant("2026-03-03T04:59:59Z")
    assert not takes(allowance, "breach")
    world.now = parse_instant("2026-03-03T05:00:00Z")
    assert takes(allowance, "reconcile")
    assert allowance.balance().own == 1


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Europe/Berlin", "2026-03-29", 23), ("Europe/Berlin", "2026-10-25", 25), ("Asia/Kathmandu", "2026-03-02", 24)],
)
def test_a_day_is_as_long_as_its_zone_makes_it(zone: str, day: str, hours: int) -> None:
    found = calendar_day(parse_instant(f"{day}T12:00:00Z"), zone)
    assert found.end is not None
    assert (found.end - found.begin) / HOUR == hours
    assert found.begin % QUARTER_MS == 0


@pytest.mark.parametrize("zone", [None, "", "No/Such"])
def test_without_a_known_zone_the_day_is_the_last_24_hours(zone: str | None) -> None:
    assert calendar_day(NINE, zone) == rolling_day(NINE)


def test_salesforces_calls_come_back_24_hours_after_they_were_made(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 0, 1_000)
    for _ in range(4):
        assert all(takes(allowance, "breach") for _ in range(50))
        world.now += HOUR
    world.now += 9 * HOUR
    allowance.heard("day", 200, 1_000)
    # Half past nine of the next day has not been reached, but the first quarter of an hour has gone by then.
    assert wait_of(allowance, "breach") == 11 * 3_600 + 900
    world.now += 11 * HOUR + QUARTER_MS
    allowance.heard("day", 150, 1_000)
    assert sum(takes(allowance, "breach") for _ in range(60)) == 50


def test_a_figure_of_a_rolling_day_that_is_a_quarter_of_an_hour_old_is_asked_for_anew(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 1_000, 1_000)
    assert wait_of(allowance, "read") == 900
    world.now += 900_000
    assert takes(allowance, "read")
    allowance.heard("day", 1_000, 1_000)
    assert not takes(allowance, "read")


def test_what_was_spent_and_heard_outlives_a_restart(world: World) -> None:
    first = world.allowance()
    first.heard("day", 40, 1_000)
    assert all(takes(first, "read") for _ in range(30))
    assert all(takes(first, "breach") for _ in range(20))
    second = world.allowance()
    second.restore(first.spent(0), {"day": (40, 1_000, NINE), "10s": (3, 190, NINE)})
    assert second.balance() == first.balance()._replace(left=150)
    assert sorted(second.spent(0)) == [(NINE, "breach", 20), (NINE, "read", 30)]


def test_what_is_held_back_tells_until_when_and_why_and_ends_by_itself(world: World) -> None:
    allowance = world.allowance()
    allowance.heard("day", 0, 1_000)
    for _ in range(130):
        assert takes(allowance, "read")
    assert not takes(allowance, "reconcile")
    [held] = allowance.held_back()
    assert (held.purpose, held.reason) == (
        "reconcile",
        "70 calls of the day's share are left; they are kept for what is more urgent",
    )
    assert allowance.free_at("reconcile") == held.until
    assert allowance.free_at("read") is None
    world.now = held.until
    assert allowance.held_back() == []
    assert takes(allowance, "reconcile")


def test_rounds_are_stretched_from_half_of_the_share_on_so_that_the_rest_lasts_the_day(world: World) -> None:
    allowance = world.allowance(share=0.2)
    allowance.heard("day", 0, 15_000)  # a developer's org: 3,000 are ours, 2,700 for reading
    for _ in range(1_340):
        allowance._share.spend("read", world.now)
    assert allowance.worth_s(2, "read") == 0
    for _ in range(660):
        allowance._share.spend("read", world.now)
    world.now += 12 * HOUR
    # 700 for the twelve hours and a quarter until those come back.
    assert allowance.worth_s(2, "read") == pytest.approx(2 * 12.25 * 3_600 / 700)


def test_a_day_that_ends_at_midnight_is_shared_out_until_then(world: World) -> None:
    allowance = world.allowance(day=lambda now: calendar_day(now, "UTC"))
    allowance.heard("day", 0, 15_000)
    for _ in range(1_700):
        allowance._share.spend("read", world.now)
    assert allowance.worth_s(3, "read") == pytest.approx(3 * 15 * 3_600 / 1_000)


@given(
    st.lists(
        st.tuples(st.sampled_from(PURPOSES), st.integers(0, 3 * HOUR), st.integers(0, 40), st.integers(0, 700)),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([rolling_day, lambda now: calendar_day(now, "Europe/Berlin")]),
)
def test_whatever_happens_our_own_calls_stay_within_the_share_of_every_day(steps: Any, day: Any) -> None:
    share, now, made = Share(0.2, day), NINE, []
    share.heard("day", 0, 1_000, now)
    for purpose, passed, wanted, others in steps:
        now += passed
        for _ in range(wanted):
            free = share.free_at(purpose, now)
            if free > now:
                later = share.free_at(purpose, free - 1)
                assert later >= free, "it was told too late an instant"
                break
            share.spend(purpose, now)
            made.append(now)
        share.heard("day", min(1_000, others + len(made)), 1_000, now)
        begin = day(now).begin
        assert sum(at > begin if day is rolling_day else at >= begin for at in made) <= 200
    assert RESERVED["breach"] == 0


@settings(max_examples=25)
@given(st.lists(st.integers(0, 2 * HOUR), min_size=200, max_size=200), st.sampled_from(PURPOSES))
def test_the_wait_that_is_told_is_long_enough_and_no_longer(gaps: list[int], purpose: Any) -> None:
    share, now = Share(0.2, rolling_day), NINE
    share.heard("day", 0, 1_000, now)
    for gap in gaps[:200]:
        share.spend("breach", now)
        now += gap // 60
    free = share.free_at(purpose, now)
    assert now < free <= now + DAY_MS + QUARTER_MS
    assert share.free_at(purpose, free) <= free
    assert share.free_at(purpose, free - 1) > free - 1
