"""Questions of ``check`` that do not wait for each other, asked at once.

Owns the threads. Refuses to know a CRM. Invariant: findings come in the order of the questions, however long each of
them took, and what a question raises speaks for that question alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Final, TypeVar

from connectors.base import Finding
from connectors.errors import ConnectorError

T = TypeVar("T")

AT_ONCE: Final = 10
"""Most calls at a time: fewer than any CRM's limit of requests that run together."""

Question = Callable[[], Iterable[Finding]]


def ask(questions: Iterable[tuple[str, Question]], failed: Callable[[str, ConnectorError], Finding]) -> list[Finding]:
    """The findings of all questions, each with its subject. ``failed(subject, error)`` is the finding of one that a CRM
    did not answer."""

    def answered(subject: str, question: Question) -> list[Finding]:
        try:
            return list(question())
        except ConnectorError as error:
            return [failed(subject, error)]

    return [finding for found in _run([partial(answered, *one) for one in questions]) for finding in found]


def fetch(calls: Iterable[Callable[[], object]]) -> None:
    """Makes calls at once whose answers are remembered by whoever makes them. One that fails is made again, and told,
    where its answer is needed."""

    def quiet(call: Callable[[], object]) -> None:
        try:
            call()
        except ConnectorError:
            return

    _run([partial(quiet, call) for call in calls])


def _run(jobs: Sequence[Callable[[], T]]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="check") as threads:
        # What a call is for is told by the context, which threads do not inherit.
        return [done.result() for done in [threads.submit(copy_context().run, job) for job in jobs]]
