"""Trap 2: a session that is never accepted makes the library log in for ever.

A user without API access, or behind a login range, gets 401 INVALID_SESSION_ID on every call. simple-salesforce's
record calls log in and repeat themselves, and so does the repeat: hundreds of logins until Python's stack is full.
Salesforce counts them, and locks the user.
https://github.com/simple-salesforce/simple-salesforce/issues/594 (mended for one of its two classes)
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from salesforce_naive import logins, sdk

from connectors.errors import AuthFailed
from sync.link import Link

FRAMES = 160
"""So that a test need not fill the whole stack."""


@contextmanager
def short_stack() -> Iterator[None]:
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + FRAMES)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


def test_the_sdk_logs_in_until_the_stack_is_full(org: Any) -> None:
    naive, _ = sdk(org)
    lead = org.create("Lead")
    org.fault("status:401", "/services/data")
    before = logins(org)
    with short_stack(), pytest.raises(RecursionError):
        naive.Lead.update(lead, {"City": "Ulm"})
    assert logins(org) - before > 10


def test_ours_logs_in_twice_and_stops(org: Any, acme: Any) -> None:
    acme.people()
    org.fault("status:401", "/services/data")
    before = logins(org)
    with pytest.raises(AuthFailed):
        acme.people()
    assert logins(org) - before == 1  # the second of two: the first one's session was the one refused


def test_ours_comes_back_after_minutes_and_then_ever_more_rarely(org: Any, acme: Any) -> None:
    org.fault("status:401", "/services/data")
    link, now, waits = Link("acme", acme, Random(1)), 0, []
    for _ in range(4):
        before = logins(org)
        with pytest.raises(AuthFailed) as refused:
            link.call(lambda connector: connector.people())
        assert logins(org) - before <= 2
        link.failed(refused.value, now)
        assert not link.is_open(now)
        waits.append(((link.standing.retry_at or 0) - now) // 1000)
        now = link.standing.retry_at or 0
    assert waits == [300, 600, 1200, 2400]
    assert link.standing.state == "stopped"
