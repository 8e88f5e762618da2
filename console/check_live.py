"""All connections asked at once, each by itself, and none of them for longer than an administrator waits.

Owns the threads, the deadline and who is reported in which order. Refuses judgement of its own: a connector's findings
are passed on as they are. Invariant: what hangs is reported as silent with what it was not asked, and keeps neither
the others nor the end of the process waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Final

import connectors
from connectors.base import Connector, Finding
from connectors.errors import AuthFailed, ConnectorError, RateLimited, RetryLater
from connectors.settings import Timeouts, seconds
from sync import mentions, probe
from sync.clock import SystemClock
from sync.configuration_shape import Configuration, ConnectionEntry
from sync.roster import Roster

WITHIN_S: Final = 15.0
"""How long all of it may take."""

HURRIED: Final = {"connect": 4.0, "read": 8.0, "total": 10.0}
"""The longest time-outs of a call; shorter ones of the file hold."""

ACCOUNT: Final = "login, permissions, fields, statuses, quota and clock"
PEOPLE: Final = "the people, queues and teams that the file names"
WEBHOOK: Final = "the way of a webhook"


@dataclass
class Asked:
    """One connection while it is asked. ``waiting`` are the questions that have no answer yet."""

    name: str
    waiting: list[str]
    roster: Roster | None = None
    _answers: dict[str, list[Finding]] = field(default_factory=dict)

    def answer(self, question: str, findings: list[Finding]) -> None:
        """Notes what one question brought."""
        self._answers[question] = findings

    @property
    def findings(self) -> list[Finding]:
        """Everything that was answered, in the order of the questions."""
        return [finding for question in (ACCOUNT, PEOPLE, WEBHOOK) for finding in self._answers.get(question, ())]


class Inspection:
    """``Inspection(configuration, names)`` asks the connections of these names; ``rosters`` is whole once all
    of them were told. ``within_s``: real seconds for all of it."""

    def __init__(self, configuration: Configuration, names: list[str], within_s: float | None = None) -> None:
        self._configuration = configuration
        self._within_s = WITHIN_S if within_s is None else within_s
        self._clock = SystemClock()
        self._news: SimpleQueue[tuple[Asked, str, list[Finding]] | Exception | None] = SimpleQueue()
        questions = [ACCOUNT, *([PEOPLE] if mentions.mentions(configuration) else []), WEBHOOK]
        self._asked = [Asked(name, list(questions)) for name in names]

    @property
    def rosters(self) -> dict[str, Roster]:
        """The people of every connection that told them."""
        return {asked.name: asked.roster for asked in self._asked if asked.roster is not None}

    def findings(self, notify: Callable[[str], None]) -> Iterator[tuple[str, Finding]]:
        """Each connection's findings, in the order of the names, as soon as they and those before are complete.
        ``notify`` is told whom we still wait for."""
        over = threading.Timer(self._within_s, self._news.put, (None,))
        over.daemon = True
        over.start()
        for asked in self._asked:
            self._ask(asked)
        left = list(self._asked)
        late = False
        while left:
            while left and (late or not left[0].waiting):
                asked = left.pop(0)
                yield from ((asked.name, finding) for finding in [*asked.findings, *self._not_asked(asked)])
            if left:
                notify(", ".join(asked.name for asked in left if asked.waiting))
                late = not self._take()
        over.cancel()

    def _take(self) -> bool:
        """Waits for the next answer; False when the time is over."""
        if (news := self._news.get()) is None:
            return False
        if isinstance(news, Exception):
            raise news  # a fault of our own, told as one
        asked, question, findings = news
        asked.waiting.remove(question)
        asked.answer(question, findings)
        return True

    def _not_asked(self, asked: Asked) -> list[Finding]:
        if not asked.waiting:
            return []
        message = f"no answer within {self._within_s:g} s; not known: {'; '.join(asked.waiting)}"
        fix = "is there a way out, is `url` right? look at the CRM's status page, then try again"
        return [Finding("fail", "connection", message, fix, unreachable=asked.waiting != [WEBHOOK])]

    # ---- on threads of their own

    def _ask(self, asked: Asked) -> None:
        for task in (self._account_and_people, self._webhook):
            threading.Thread(target=self._safely, args=(task, asked), name=f"check-{asked.name}", daemon=True).start()

    def _safely(self, task: Callable[[Asked, Connector], None], asked: Asked) -> None:
        try:
            connector = self._built(self._configuration.connections[asked.name])
            try:
                task(asked, connector)
            finally:
                connector.close()
        except Exception as error:  # noqa: BLE001 - handed to the thread that waits
            self._news.put(error)

    def _account_and_people(self, asked: Asked, connector: Connector) -> None:
        found = _guarded("connection", connector.check)
        self._news.put((asked, ACCOUNT, found))
        if PEOPLE in asked.waiting:
            hopeless = any(one.level == "fail" and (one.unreachable or one.subject == "login") for one in found)
            people = [] if hopeless else _guarded("people", lambda: self._people(asked, connector))
            self._news.put((asked, PEOPLE, people))

    def _people(self, asked: Asked, connector: Connector) -> list[Finding]:
        asked.roster = Roster(connector.people(), self._clock.now())
        return []

    def _webhook(self, asked: Asked, connector: Connector) -> None:
        found = probe.round_trip(connector, self._configuration.daemon.public_url, self._clock.now())
        way = [found] if found is not None else []
        self._news.put((asked, WEBHOOK, [*way, *probe.channels(connector)]))

    def _built(self, entry: ConnectionEntry) -> Connector:
        settings = {**entry.settings, "timeouts": _hurried(entry.table)}
        wanted = self._configuration.named_fields
        return connectors.build(entry.name, entry.connector, settings, wanted=wanted, clock=self._clock.now)


def _hurried(table: Mapping[str, Any]) -> dict[str, str]:
    given = table.get("timeouts", {})
    usual = Timeouts().model_dump()
    return {key: f"{min(seconds(given[key]) if key in given else usual[key], most)}s" for key, most in HURRIED.items()}


def _guarded(subject: str, asking: Callable[[], list[Finding]]) -> list[Finding]:
    """The findings of a question; one that could not be asked is a finding itself."""
    try:
        return asking()
    except RetryLater as error:
        away = not isinstance(error, RateLimited)
        return [Finding("fail", subject, error.reason, error.fix or "try again later", unreachable=away)]
    except ConnectorError as error:
        fix = "mend the credentials or the permissions of this user" if isinstance(error, AuthFailed) else None
        return [Finding("fail", subject, error.reason, error.fix or fix)]
