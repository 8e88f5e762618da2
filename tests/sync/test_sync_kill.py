"""SIGKILL at random moments, against an emulated CRM over HTTP: nothing lost, nothing done twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sync_range import Range, check, kill_again_and_again


@pytest.fixture(params=["salesforce", "hubspot"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Range]:
    made = Range(request.param, tmp_path, seed=20260302)
    yield made
    made.close()


def test_ten_kills_lose_nothing_and_repeat_nothing(crm: Range) -> None:
    kill_again_and_again(crm, 10)
    check(crm)


@pytest.mark.slow
def test_killed_while_answers_are_slow_and_lost_it_loses_nothing_and_repeats_nothing(crm: Range) -> None:
    crm.slow_and_lossy()
    kill_again_and_again(crm, 100)
    check(crm)


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_and_repeat_nothing(crm: Range) -> None:
    kill_again_and_again(crm, 200)
    check(crm)
