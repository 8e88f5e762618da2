"""The two CRMs refuse too many calls in ways that have nothing in common, and neither says all that is needed.

Salesforce: status 403, no Retry-After, one code (REQUEST_LIMIT_EXCEEDED) for "the day is used up" and for "too many
long requests at once", and simple-salesforce raises the same class for a missing permission (API limits quick
reference; simple_salesforce.exceptions). HubSpot: 429 with a policyName (SECONDLY, TEN_SECONDLY_ROLLING, DAILY),
Retry-After not promised, searches without quota headers, and a day that ends at midnight in the account's time zone and
is shared by all private apps of the account (usage guidelines). Naive code waits a fixed moment, or only where
Retry-After stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
from simple_salesforce.exceptions import SalesforceRefusedRequest
from simple_salesforce.util import exception_handler
from sync_beside import Beside

from connectors.errors import RateLimited
from connectors.http import classify
from emulators.http import Request, Response

MIDNIGHT_S = 86_400


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Callable[[str], Beside]]:
    made: list[Beside] = []

    def make(crm: str) -> Beside:
        made.append(Beside(tmp_path, crm))
        return made[-1]

    yield make
    for one in made:
        one.close()


def refusal(crm: str, kind: str) -> Response:
    if crm == "salesforce":
        messages = {"day": "TotalRequests Limit exceeded.", "moment": "ConcurrentPerOrgLongTxn Limit exceeded."}
        return Response(403, [{"message": messages[kind], "errorCode": "REQUEST_LIMIT_EXCEEDED"}])
    policy = {"day": "DAILY", "moment": "TEN_SECONDLY_ROLLING"}[kind]
    body = {
        "status": "error",
        "message": "You have reached your limit.",
        "errorType": "RATE_LIMIT",
        "policyName": policy,
    }
    return Response(429, body)


# ---- what naive code makes of it


def test_the_sdk_of_salesforce_cannot_tell_a_used_up_day_from_a_missing_permission() -> None:
    sent = requests.Response()
    sent.status_code, sent._content = 403, json.dumps(refusal("salesforce", "day").body).encode()
    with pytest.raises(SalesforceRefusedRequest) as day:
        exception_handler(sent)
    sent._content = b'[{"message": "no", "errorCode": "API_DISABLED_FOR_ORG"}]'
    with pytest.raises(SalesforceRefusedRequest) as permission:
        exception_handler(sent)
    assert type(day.value) is type(permission.value)


@pytest.mark.parametrize(("crm", "kind"), [("salesforce", "day"), ("hubspot", "day"), ("hubspot", "moment")])
def test_whoever_looks_for_retry_after_finds_none_and_comes_back_at_once(crm: str, kind: str) -> None:
    answer = refusal(crm, kind)
    assert "Retry-After" not in answer.headers
    body = json.dumps(answer.body).encode()
    naive = classify(answer.status, body, answer.headers)
    # By status and header alone, Salesforce's is a missing permission and HubSpot's day is over in ten seconds.
    assert (type(naive).__name__, getattr(naive, "after", None)) in {("AuthFailed", None), ("RateLimited", 10.0)}


# ---- what ours makes of it


@pytest.mark.parametrize(
    ("crm", "kind", "least_s", "most_s"),
    [
        ("salesforce", "moment", 20, 30),
        ("salesforce", "day", 900, 1_000),
        ("hubspot", "moment", 10, 20),
        ("hubspot", "day", 1, MIDNIGHT_S),
    ],
)
def test_each_refusal_has_its_own_wait_and_nobody_is_called_within_it(
    beside: Callable[[str], Beside], crm: str, kind: str, least_s: int, most_s: int
) -> None:
    desk = beside(crm)
    desk.round()
    desk.refuse = lambda *_: refusal(crm, kind)
    desk.round(60)
    retry_at = desk.link.standing.retry_at
    refused_at = desk.clock.now()
    assert least_s - 1 <= (retry_at - refused_at) / 1_000 <= most_s + 10
    asked = len(desk.asked_at)
    desk.refuse = lambda *_: None
    while desk.clock.now() < retry_at - 61_000:
        desk.round(60)
    assert len(desk.asked_at) == asked
    desk.round(125)
    assert desk.link.standing.state == "ok"


def test_hubspots_used_up_day_ends_at_midnight_where_the_account_is(beside: Callable[[str], Beside]) -> None:
    desk = beside("hubspot")
    desk.round()
    desk.refuse = lambda *_: refusal("hubspot", "day")
    desk.round(60)
    day = desk.link.connector.allowance.balance()
    assert day.resets_at is not None
    assert 0 <= desk.link.standing.retry_at - day.resets_at <= 8_000


# ---- a storm


def storm(told: Callable[[Beside, int], dict[str, str]]) -> Callable[[Beside], list[tuple[int, int]]]:
    """Refuses for thirty seconds after every fifth call, and notes when it was asked although it had said not to."""

    def rage(desk: Beside) -> list[tuple[int, int]]:
        early: list[tuple[int, int]] = []
        state = {"until": 0, "served": 0}

        def refuse(_: Request, now: int) -> Response | None:
            if now < state["until"]:
                early.append((now, state["until"]))
            elif state["served"] < 5:
                state["served"] += 1
                return None
            state["until"], state["served"] = now + 30_000, 0
            answer = refusal("hubspot", "moment")
            answer.headers.update(told(desk, 30))
            return answer

        desk.refuse = refuse
        for _ in range(120):
            desk.round(5)
        return early

    return rage


@pytest.mark.parametrize(
    "told",
    [lambda _, s: {"Retry-After": str(s)}, lambda desk, s: {"Retry-After": desk.http_date(s + 1)}],
    ids=["seconds", "a date"],
)
def test_in_a_storm_nobody_comes_earlier_than_told(
    beside: Callable[[str], Beside], told: Callable[[Any, int], dict[str, str]]
) -> None:
    desk = beside("hubspot")
    desk.round()
    asked = len(desk.asked_at)
    assert storm(told)(desk) == []
    # Ten minutes hold some eighteen windows of five calls and the refusal that ends each.
    assert 40 <= len(desk.asked_at) - asked <= 1.1 * 20 * 6


def test_in_a_storm_that_says_nothing_the_policys_own_wait_is_kept(beside: Callable[[str], Beside]) -> None:
    desk = beside("hubspot")
    desk.round()
    early = storm(lambda *_: {})(desk)
    # It said ten seconds by its policy's name, and means thirty: it is asked at most twice too often in each.
    assert all(until - now <= 20_000 for now, until in early)


@pytest.mark.parametrize("part", [0.2, 0.6, 1.0])
def test_however_many_calls_are_refused_none_comes_within_the_wait(
    beside: Callable[[str], Beside], part: float
) -> None:
    desk = beside("hubspot")
    desk.round()
    dice, until, early, refused = Random(8), 0, 0, 0

    def refuse(_: Request, now: int) -> Response | None:
        nonlocal until, early, refused
        early += now < until
        if dice.random() >= part:
            return None
        until, refused = now + 20_000, refused + 1
        answer = refusal("hubspot", "moment")
        answer.headers["Retry-After"] = "20"
        return answer

    desk.refuse = refuse
    for _ in range(120):
        desk.round(5)
    assert early == 0
    assert 10 <= refused <= 1.1 * 600 / 20


def test_a_call_that_is_held_back_says_so_as_a_quota(beside: Callable[[str], Beside]) -> None:
    desk = beside("hubspot")
    desk.link.connector.allowance.refused("search", 5.0)
    with pytest.raises(RateLimited) as caught:
        desk.link.connector.poll("contacts", None, 0)
    assert 4 < caught.value.after <= 5.01
