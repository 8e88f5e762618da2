"""Whether somebody can be made an owner, and in which zone they read a day.

Owns the questions about new owners and their answers. Refuses to guess: who cannot be looked up is left to Salesforce
to judge. Invariant: what is said of an owner was read with the records that are about to be written, or is at most an
hour old where only a day depends on it. A task's owner is a person; queues own leads and cases that they are for.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-queuesobject.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.errors import ConnectorError
from connectors.salesforce import names
from connectors.salesforce.api import Api
from connectors.salesforce.bundle import Answer
from connectors.salesforce.rows import decoded
from connectors.salesforce.shape import KEPT_MS
from connectors.salesforce.values import id_list, select

UTC: Final = ZoneInfo("UTC")
ORGANIZATION: Final = "Organization"


def questions(owners: Iterable[str]) -> dict[str, str]:
    """The queries that tell whether these users and queues can own, by object."""
    ids = sorted(set(owners))
    users = [one for one in ids if one.startswith(names.USER_PREFIX)]
    queues = [one for one in ids if one.startswith(names.QUEUE_PREFIX)]
    asked: dict[str, str] = {}
    if users:
        asked[names.USER] = select(("Id", "IsActive", "TimeZoneSidKey"), names.USER, f"Id IN {id_list(users)}")
    if queues:
        where = f"QueueId IN {id_list(queues)}"
        asked[names.QUEUE_OBJECT] = select(("QueueId", "SobjectType"), names.QUEUE_OBJECT, where)
    return asked


class Candidates:
    """What the answers to ``questions`` say."""

    def __init__(self, answers: Mapping[str, Answer | ConnectorError]) -> None:
        users, queues = _rows(answers.get(names.USER)), _rows(answers.get(names.QUEUE_OBJECT))
        self._active = {row["Id"][:15]: bool(row.get("IsActive", True)) for row in users}
        self._serves: dict[str, set[str]] = {}
        for row in queues:
            self._serves.setdefault(row["QueueId"][:15], set()).add(row["SobjectType"])

    def obstacle(self, owner: str, name: str) -> tuple[str, str] | None:
        """Why a user or queue cannot own a record of object ``name``, and Salesforce's code for it."""
        if not self._active.get(owner[:15], True):
            return "the new owner is an inactive user; take the user out of the pool", "INACTIVE_OWNER_OR_USER"
        served = self._serves.get(owner[:15])
        if served is not None and name not in served:
            return f"the queue is not for {name} records: Setup > Queues > Supported Objects", "INVALID_OPERATION"
        return None


class Zones:
    """The zone of each user and of the org, and who is active; asked for once an hour. ``clock()`` in epoch ms."""

    def __init__(self, api: Api, clock: Callable[[], int]) -> None:
        self._api = api
        self._clock = clock
        self._at: int | None = None
        """When the org's zone was asked for; what is known of users is no older."""
        self._org: ZoneInfo = UTC
        self._users: dict[str, tuple[bool, ZoneInfo]] = {}

    def learn(self, users: Iterable[str]) -> None:
        """Makes the zones of these users known, by one call at most."""
        now = self._clock()
        if stale := self._at is None or now - self._at > KEPT_MS:
            self._users.clear()
        missing = sorted({one for one in users if one[:15] not in self._users})
        asked = questions(missing)
        if stale:
            asked[ORGANIZATION] = select(("Id", "TimeZoneSidKey"), ORGANIZATION, "Id != null")
        if not asked:
            return
        answers = dict(zip(asked, self._api.each_query(list(asked.values())), strict=True))
        for row in _rows(answers.get(ORGANIZATION)):
            self._org = _zone(row.get("TimeZoneSidKey"))
        self._users |= {one[:15]: (True, self._org) for one in missing}  # who is hidden is taken for active
        for row in _rows(answers.get(names.USER)):
            self._users[row["Id"][:15]] = (bool(row.get("IsActive", True)), _zone(row.get("TimeZoneSidKey")))
        self._at = now if stale else self._at

    def is_active(self, user: str) -> bool:
        return self._users.get(user[:15], (True, UTC))[0]

    def of(self, user: str | None) -> ZoneInfo:
        """The zone of a user; the org's for nobody."""
        return self._users[user[:15]][1] if user is not None and user[:15] in self._users else self._org


def _rows(answer: Answer | ConnectorError | None) -> list[dict[str, Any]]:
    """The rows of a query; none of one that failed, since nothing here is worth failing for."""
    return decoded(answer) if isinstance(answer, Answer) else []


def _zone(key: object) -> ZoneInfo:
    """The IANA zone that a TimeZoneSidKey names; UTC for anything else."""
    try:
        return ZoneInfo(str(key))
    except (KeyError, ValueError, OSError):
        return UTC
