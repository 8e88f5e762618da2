"""What ``init`` proposes for an account: objects, statuses, hours, who takes over, the fields to write.

Owns the choice and the questions about it. Refuses to write anything. Invariant: every name in a proposal is one that
the account itself told, and what it did not tell is the plainest thing that works.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import connectors
from connectors.base import Person
from connectors.setup import Account, ImportedCalendar, RawStatus
from console import output
from console.boundary import USAGE, Failure
from console.init_questions import Option, Questions
from sla.calendar import Calendar
from sla.problem import Problems
from sync.roster import QUEUE, TEAM, USER, Roster

MOST_MEMBERS: Final = 25
"""A longer list of owners is no team that takes turns; a team or a queue is proposed then."""
FIELDS: Final = ("first_response_due", "sla_status", "sla_policy")
"""What is written back at first, by our own names."""


class Hours(NamedTuple):
    """A calendar as it will stand in the file. ``notes`` become comments."""

    name: str
    table: Mapping[str, Any]
    notes: tuple[str, ...] = ()


class Taker(NamedTuple):
    """Who takes over: members of a pool with what they are called, or a queue alone (``reassign``)."""

    reassign: str | None
    members: tuple[tuple[str, str], ...] = ()
    fallback: str | None = None


class Known(NamedTuple):
    """What the account told."""

    account: Account
    people: Sequence[Person]
    calendars: Sequence[ImportedCalendar]


class Proposal(NamedTuple):
    """Everything that stands in the file beside the login. ``kinds`` are those of ``objects``, in their order."""

    objects: tuple[str, ...]
    kinds: tuple[str, ...]
    statuses: tuple[RawStatus, ...]
    hours: Hours
    taker: Taker
    write: Mapping[str, Mapping[str, str]]


def objects(questions: Questions, crm: str, account: Account) -> tuple[str, ...]:
    """The objects to watch: one for each kind of record."""
    readable = {one.object: one.kind for one in account.objects if one.readable}
    if not readable:
        seen = ", ".join(one.object for one in account.objects)
        raise Failure(f"this login may read none of {seen}", "give it the permissions of the page on this CRM")
    usual = connectors.settings_model(crm).model_fields["objects"].default or tuple(readable)
    default: dict[str, str] = {}
    for name in (*(name for name in usual if name in readable), *readable):
        default.setdefault(readable[name], name)
    while True:
        chosen = questions.several("objects", "What shall be watched?", tuple(readable), tuple(default.values()))
        twice = [kind for kind, count in Counter(readable[name] for name in chosen).items() if count > 1]
        if not twice:
            return chosen
        same = " and ".join(name for name in chosen if readable[name] == twice[0])
        message = f"{same} are both records of the kind {twice[0]}: name one of them"
        if not questions.asks:
            raise Failure(message, code=USAGE)
        output.tell(message)


def hours(questions: Questions, known: Known) -> Hours:
    """The calendar of the policies: one of the CRM's, or hours that are asked for."""
    imported = sorted((one for one in known.calendars if one.active), key=lambda one: not one.default)
    options = [Option(one.name, f"{one.title} (from the CRM{_around(one.table)})") for one in imported]
    options.append(Option("own", "other hours"))
    chosen = questions.choice("calendar", "When do you work?", options, options[0].value)
    for one in imported:
        if one.name == chosen:
            return Hours(one.name, one.table, (f"from the CRM: {one.title}", *one.notes))
    return questions.again(lambda: _own_hours(questions, known.account.zone or "UTC"))


def _own_hours(questions: Questions, usual_zone: str) -> Hours:
    """Hours that are asked for. Raises Failure for what is no zone or no hours."""
    zone = questions.text("timezone", "Time zone", usual_zone)
    text = questions.text("hours", "Opening hours", "mon-fri 09:00-17:00")
    days, _, span = text.partition(" ")
    found = Hours("office", {"timezone": zone, "hours": {days: span.strip()}})
    if text == "24x7":
        found = Hours("always", {"timezone": zone, "hours": "24x7"})
    try:
        Calendar.from_config(found.table)
    except Problems as wrong:
        told = "; ".join(problem.message for problem in wrong.problems)
        raise Failure(told, 'zones read "Europe/Berlin", hours "mon-fri 09:00-17:00" or "24x7"', USAGE) from None
    return found


def _around(table: Mapping[str, Any]) -> str:
    return ", open around the clock" if table.get("hours") == "24x7" else ""


def taker(questions: Questions, known: Known) -> Taker:
    """Who takes over what nobody answered in time. The login's own user is no candidate."""
    people = known.people
    owners = [one for one in people if one.active and one.id.startswith(USER) and one.id != known.account.user]
    queues = sorted(one.name for one in people if one.active and one.id.startswith(QUEUE))
    teams = Counter(team for one in owners for team in one.teams)
    options = [Option("none", "nobody: tell the owner and the manager only")]
    if 0 < len(owners) <= MOST_MEMBERS:
        options.insert(0, Option("owners", f"the {len(owners)} active owners, in turns"))
    options += [
        Option(f"{TEAM}{name}", f"the team {name} ({count}), in turns") for name, count in sorted(teams.items())
    ]
    options += [Option(f"{QUEUE}{name}", f"the queue {name}") for name in queues]
    chosen = questions.choice("pool", "Who takes over what nobody answered in time?", options, _usual(options))
    fallback = f"{QUEUE}{_unassigned(queues)}" if queues else None
    if chosen == "none":
        return Taker(None)
    if chosen.startswith(QUEUE):
        return Taker(chosen)
    if chosen.startswith(TEAM):
        return Taker(_slug(chosen.removeprefix(TEAM)), ((chosen, ""),), fallback)
    return Taker("owners", _named(owners, Roster(people, 0)), fallback)


def _slug(team: str) -> str:
    """A pool's name made of a team's; never one that a step takes for somebody else."""
    words = re.sub(r"[^a-z0-9]+", "-", team.casefold()).strip("-")
    return f"{words}-team" if words in ("", "next", "manager", "owner") else words


def _usual(options: Sequence[Option]) -> str:
    """The owners where they are few, else a team, else a queue."""
    ranks = {"owners": 0, "none": 3}
    return min(options, key=lambda one: ranks.get(one.value, 1 if one.value.startswith(TEAM) else 2)).value


def _unassigned(queues: Sequence[str]) -> str:
    return next((name for name in queues if "unassigned" in name.casefold()), queues[0])


def _named(owners: Sequence[Person], roster: Roster) -> tuple[tuple[str, str], ...]:
    """Each by address where it means them alone, else by id."""
    by_address = ((one, one.email if one.email and roster.resolve(one.email) == one.id else one.id) for one in owners)
    return tuple((text, one.name) for one, text in by_address)
