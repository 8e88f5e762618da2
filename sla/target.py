"""Targets: one promise of a policy, its length, calendar and steps, and what it offers to a given record.

Owns the grammar of ``[[policies.targets]]`` and the choice of a calendar and a length for a record. Refuses to weigh
one target against another.
Invariant: an offer depends on the record's fields and on the instant from which its clock counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sla import signal
from sla.calendar import Calendar
from sla.duration import Duration, parse_duration, parse_within
from sla.instant import MINUTE
from sla.metric import Metric, read_metric
from sla.model import PRIORITIES
from sla.people import NOBODY, People
from sla.period import Period
from sla.problem import Collector
from sla.step import Step, read_steps

TARGET_KEYS: Final = (
    "name", "metric", "within", "steps", "calendar", "answers", "reopen", "pause", "start", "stop", "repeat",
    "status", "raw_status", "start_field",
)  # fmt: skip
REOPEN_KEYS: Final = ("window", "floor")
CALENDAR_KEYS: Final = ("field", "default")
OWNER: Final = "owner"
"""The calendar's name that means the hours of whoever owns the record."""
DEFAULT_ANSWERS: Final = {"lead": signal.CALL_ATTEMPT, "ticket": signal.SOLVE, "deal": 0}
FLOOR: Final = 15 * MINUTE
_WINDOW: Final = Duration(days=5)


def length_ms(within: Duration, calendar: Calendar, start: int) -> int:
    """A target's length in working milliseconds for a clock that starts at ``start``."""
    if within.days:
        return calendar.elapsed_ms(start, calendar.add_days_ms(start, within.days))
    return within.work


@dataclass(frozen=True, slots=True)
class Reopen:
    """Until when a reopened record resumes its cycle, and how far ahead it is then due at least.

    ``window``: a length, or None for always; ``never`` begins a new cycle at once. ``floor``: working milliseconds,
    None for max(10 % of the target, 15 min).
    """

    window: Duration | None = _WINDOW
    never: bool = False
    floor: int | None = None


class Hours:
    """Which calendar counts for a record: one for all, the one that a field of the record names, or its owner's own;
    with the maintenance windows that concern the record taken out."""

    __slots__ = ("_by_owner", "_calendars", "_cut", "_field", "default", "fields", "fixed", "people", "windows")

    def __init__(
        self,
        default: Calendar,
        calendars: Mapping[str, Calendar] | None = None,
        *,
        field: str | None = None,
        by_owner: bool = False,
        windows: tuple[Period, ...] = (),
    ) -> None:
        self.default = default
        self.people: People = NOBODY
        self.windows = windows
        self._field = field
        self._by_owner = by_owner
        self._calendars = {name.casefold(): calendar for name, calendar in (calendars or {}).items()}
        self._cut: dict[tuple[int, ...], Calendar] = {}
        named = {OWNER} if by_owner else {field} if field else set()
        self.fields = frozenset(name for name in named if name) | {f for w in windows for f in w.when.fields}
        """The record fields that decide."""
        self.fixed = not self.fields and not windows
        """Whether it is the same calendar for every record."""

    def of(self, target: str, fields: Mapping[str, Any]) -> Calendar:
        """The calendar for a target of a record with these fields."""
        calendar = self.default
        if self._field:
            named = fields.get(self._field)
            calendar = calendar if named is None else self._calendars.get(str(named).casefold(), calendar)
        elif self._by_owner:
            owner = fields.get("owner")
            calendar = (self.people.hours(owner) if isinstance(owner, str) else None) or calendar
        if not self.windows:
            return calendar
        hit = tuple(i for i, window in enumerate(self.windows) if window.concerns(target, fields))
        return self._without(calendar, hit) if hit else calendar

    def _without(self, calendar: Calendar, hit: tuple[int, ...]) -> Calendar:
        key = (id(calendar), *hit)
        if key not in self._cut:
            windows = [self.windows[i] for i in hit]
            self._cut[key] = calendar.without([(w.start, w.end, f"maintenance: {w.name}") for w in windows])
        return self._cut[key]


class Offer(NamedTuple):
    """What a target promises a record: how long on which calendar, and the periods that stretched it."""

    target: Target
    within: Duration
    calendar: Calendar
    stretched: tuple[Period, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One promise: a metric and how long it may take. ``within`` is by priority, or the same for all under None."""

    name: str
    metric: Metric
    within: Mapping[str | None, Duration]
    steps: tuple[Step, ...]
    hours: Hours
    answers: int
    """The signals that count as an answer."""
    reopen: Reopen
    policy: str
    stage: str
    recompute: str
    rank: int
    """Its place in the file, which decides between equals."""
    start_field: str | None = None
    """A field of the record that tells since when somebody waits, where the CRM knows better than its own record."""
    adjustments: tuple[Period, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """The calendar that counts where no field says otherwise."""
        return self.hours.default

    @property
    def fields(self) -> frozenset[str]:
        """The record fields on which its length, calendar or start depend."""
        named = {"priority", *self.hours.fields, *(f for period in self.adjustments for f in period.when.fields)}
        return frozenset(named | {self.start_field} if self.start_field else named)

    def within_for(self, fields: Mapping[str, Any]) -> Duration | None:
        """How long it may take for a record with these fields; None is best effort, without a clock."""
        if None in self.within:
            return self.within[None]
        priority = fields.get("priority") or "normal"
        return self.within.get(str(priority).casefold())

    def offer(self, fields: Mapping[str, Any], since: int) -> Offer | None:
        """What it promises a record with these fields whose clock counts from ``since`` (epoch milliseconds)."""
        within = self.within_for(fields)
        if within is None:
            return None
        hours = self.hours
        calendar = hours.default if hours.fixed else hours.of(self.name, fields)
        if not self.adjustments:
            return Offer(self, within, calendar)
        found = tuple(p for p in self.adjustments if p.covers(since) and p.concerns(self.name, fields))
        for period in found:
            within = Duration(round(length_ms(within, calendar, since) * period.factor))
        return Offer(self, within, calendar, found)


class Setting(NamedTuple):
    """What a policy and the file around it mean for its targets."""

    policy: Mapping[str, Any]
    """The policy's own table."""
    name: str
    kind: str
    stage: str
    recompute: str
    calendars: Mapping[str, Calendar]
    adjustments: tuple[Period, ...]
    windows: tuple[Period, ...]


def read_target(table: object, setting: Setting, rank: int, problems: Collector) -> Target | None:
    """One target of a policy; None when it has no metric or no calendar."""
    if not isinstance(table, dict):
        problems.add("a target is a table: begin it with [[policies.targets]]")
        return None
    problems.unknown_keys(table, TARGET_KEYS)
    metric = read_metric(table, problems)
    within = _read_within(table, problems)
    hours = _read_hours(table, setting, problems)
    steps = read_steps(table.get("steps", []), problems.at("steps"), setting.calendars)
    own = {key: table.get(key, setting.policy.get(key)) for key in ("answers", "reopen")}
    answers = _read_answers(own["answers"], setting.kind, problems.at("answers"))
    reopen = _read_reopen(own["reopen"], problems.at("reopen"))
    start_field = _read_start_field(table, metric, problems)
    if metric is None or hours is None:
        return None
    name = table.get("name", metric.name)
    if not isinstance(name, str) or not name:
        problems.at("name").add("a target's name is text")
        name = metric.name
    return Target(
        name=name,
        metric=metric,
        within=within,
        steps=steps,
        hours=hours,
        answers=signal.REPLY | answers,
        reopen=reopen,
        policy=setting.name,
        stage=setting.stage,
        recompute=setting.recompute,
        rank=rank,
        start_field=start_field,
        adjustments=setting.adjustments,
    )


def _read_start_field(table: dict[str, Any], metric: Metric | None, problems: Collector) -> str | None:
    name = table.get("start_field")
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        problems.at("start_field").add('`start_field` is the name of a field, such as "submitted_at"')
        return None
    if metric is not None and not metric.start.signals & (signal.CREATED | signal.ASKED):
        problems.at("start_field").add(f"{metric.name!r} does not start with the record; only those that do can")
    return name


def _read_hours(table: dict[str, Any], setting: Setting, problems: Collector) -> Hours | None:
    """``calendar``: a name, ``"owner"``, or ``{ field = "support_hours", default = "office" }``."""
    named = table.get("calendar", setting.policy.get("calendar"))
    where = problems.at("calendar") if "calendar" in table else problems
    calendars = setting.calendars
    field = default = None
    if isinstance(named, dict):
        where.unknown_keys(named, CALENDAR_KEYS)
        field, default = named.get("field"), named.get("default")
        if not isinstance(field, str) or not field:
            where.add('`field` names the field that says which calendar, or "owner" for the owner\'s own')
            return None
        if default is None:
            where.add("`default` names the calendar for records whose field says none", tuple(calendars))
            return None
    elif named == OWNER and OWNER not in calendars:
        where.add('write { field = "owner", default = "office" }: whose hours are unknown needs a calendar too')
        return None
    else:
        default = named
    if not isinstance(default, str) or default not in calendars:
        if default is None:
            where.add("neither the target nor its policy names a calendar", tuple(calendars))
        else:
            where.add(f"there is no calendar {default!r}", tuple(calendars))
        return None
    by_owner = field == OWNER
    return Hours(
        calendars[default],
        calendars if field and not by_owner else None,
        field=None if by_owner else field,
        by_owner=by_owner,
        windows=setting.windows,
    )


def _read_within(table: dict[str, Any], problems: Collector) -> dict[str | None, Duration]:
    if "within" not in table:
        problems.add('a target needs `within`, such as "4h" or { urgent = "15m", normal = "4h", low = "none" }')
        return {}
    given = table["within"]
    here = problems.at("within")
    if not isinstance(given, dict):
        return {None: duration} if (duration := _duration(given, here)) else {}
    here.unknown_keys(given, PRIORITIES)
    found: dict[str | None, Duration] = {}
    for priority, text in given.items():
        if text != "none" and (duration := _duration(text, here.at(priority))):
            found[priority] = duration
    return found


def _duration(text: object, problems: Collector) -> Duration | None:
    if text == "none":
        return None
    try:
        return parse_within(text)
    except ValueError as mistake:
        problems.add(str(mistake))
        return None


def _read_answers(given: object, kind: str, problems: Collector) -> int:
    if given is None:
        return DEFAULT_ANSWERS[kind]
    if not isinstance(given, list):
        problems.add("`answers` is a list of what else counts as an answer", tuple(signal.ANSWER_WORDS))
        return 0
    mask = 0
    for i, word in enumerate(given):
        if word in signal.ANSWER_WORDS:
            mask |= signal.ANSWER_WORDS[word]
        else:
            problems.at(i).add(f"{word!r} is nothing that can count as an answer", tuple(signal.ANSWER_WORDS))
    return mask


def _read_reopen(given: object, problems: Collector) -> Reopen:
    if given is None:
        return Reopen()
    if not isinstance(given, dict):
        problems.add('`reopen` is a table such as { window = "5bd", floor = "15m" }')
        return Reopen()
    problems.unknown_keys(given, REOPEN_KEYS)
    window: Duration | None = _WINDOW
    if "window" in given and given["window"] not in ("always", "never"):
        window = _duration(given["window"], problems.at("window"))
    floor = None
    if "floor" in given:
        try:
            floor = parse_duration(given["floor"])
        except ValueError as mistake:
            problems.at("floor").add(str(mistake))
    return Reopen(None if given.get("window") == "always" else window, given.get("window") == "never", floor)
