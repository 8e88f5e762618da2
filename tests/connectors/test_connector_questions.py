"""Questions of check: asked at once, told in order, each with its own failure."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial

from connectors.base import Finding
from connectors.errors import ConnectorError, RetryLater
from connectors.questions import ask, fetch

NAMES = ("first", "second", "third")


def failed(subject: str, error: ConnectorError) -> Finding:
    return Finding("fail", subject, error.reason)


def test_each_question_waits_for_none_of_the_others() -> None:
    together = threading.Barrier(3, timeout=5)

    def question(name: str) -> list[Finding]:
        together.wait()  # nobody passes before all three are here
        return [Finding("ok", name, "asked")]

    found = ask([(name, partial(question, name)) for name in NAMES], failed)
    assert [one.subject for one in found] == ["first", "second", "third"]


def test_findings_come_in_the_order_of_the_questions_whoever_is_ready_first() -> None:
    last = threading.Event()

    def slow() -> Iterator[Finding]:
        assert last.wait(5)
        yield Finding("ok", "slow", "")

    def quick() -> Iterator[Finding]:
        yield Finding("ok", "quick", "")
        last.set()

    assert [one.subject for one in ask([("slow", slow), ("quick", quick)], failed)] == ["slow", "quick"]


def test_a_question_that_is_not_answered_is_a_finding_and_keeps_none_from_the_others() -> None:
    def broken() -> Iterator[Finding]:
        yield Finding("ok", "broken", "so far")
        raise RetryLater("gone")

    found = ask([("broken", broken), ("fine", lambda: [Finding("ok", "fine", "")])], failed)
    assert [(one.level, one.subject) for one in found] == [("fail", "broken"), ("ok", "fine")]


def test_what_calls_are_for_is_known_in_every_thread() -> None:
    purpose: ContextVar[str] = ContextVar("purpose", default="nothing")
    purpose.set("check")
    found = ask([("one", lambda: [Finding("ok", "one", purpose.get())])], failed)
    assert found[0].message == "check"


def test_answers_fetched_ahead_may_fail_for_they_are_asked_again_where_they_are_needed() -> None:
    def broken() -> None:
        raise RetryLater("gone")

    seen: list[int] = []
    fetch([broken, lambda: seen.append(1)])
    assert seen == [1]
