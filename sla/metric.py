"""Metrics: when a clock starts, pauses, stops and runs again.

Owns the one mechanism and its presets. Refuses special cases: what a built-in name can do, a policy can spell out.
Invariant: a metric looks only at signals and at the record's fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final

from sla import signal
from sla.condition import ALWAYS, Condition, read_condition
from sla.problem import Collector

NEVER: Final = Condition(lambda fields: False, frozenset(), {})  # noqa: ARG005


@dataclass(frozen=True, slots=True)
class Trigger:
    """Fires on an event that carries one of ``signals`` while ``condition`` holds; without signals, on the event that
    makes the condition true. ``answer`` adds whatever the policy counts as an answer; with ``by_owner`` only the
    owner's counts."""

    signals: int = 0
    condition: Condition = ALWAYS
    answer: bool = False
    by_owner: bool = False

    @property
    def on_edge(self) -> bool:
        """Whether it fires when its condition becomes true, whatever the event."""
        return not self.signals and not self.answer


@dataclass(frozen=True, slots=True)
class Metric:
    """Start, stop, pause and repeat of a clock.

    ``while_open``: starts only while the record is open. ``after_answer``: starts only once somebody has answered.
    ``resumes``: a reopened record resumes the cycle within the policy's window. ``retroactive``: a customer's message
    that reopens a record starts the clock at the message's own time.
    """

    name: str
    start: Trigger
    stop: Trigger
    pause: Condition = NEVER
    repeat: bool = False
    while_open: bool = False
    after_answer: bool = False
    resumes: bool = False
    needs: tuple[str, ...] = field(default=())
    """Keys that a target with this metric must give."""


def _status_in(*categories: str) -> Condition:
    wanted = frozenset(categories)
    return Condition(lambda fields: fields.get("status") in wanted, frozenset({"status"}), {"status": list(categories)})


_WAITING = _status_in("pending", "on_hold")
_RESOLVED = Trigger(signal.RESOLVED)
_ANSWER = Trigger(answer=True)

PRESETS: Final = {
    metric.name: metric
    for metric in (
        Metric("first_response", Trigger(signal.ASKED), _ANSWER, repeat=True, while_open=True),
        Metric(
            "next_response", Trigger(signal.CUSTOMER), _ANSWER, repeat=True, while_open=True, after_answer=True
        ),
        Metric(
            "update_every", _ANSWER, Trigger(signal.RESOLVED, answer=True), pause=_WAITING, repeat=True, while_open=True
        ),
        Metric("resolution", Trigger(signal.CREATED), _RESOLVED, pause=_WAITING, while_open=True, resumes=True),
        Metric("first_resolution", Trigger(signal.CREATED), _RESOLVED, pause=_WAITING, while_open=True),
        Metric("time_to_own", Trigger(signal.CREATED), Trigger(signal.OWNED), while_open=True),
        Metric(
            "owner_response",
            Trigger(signal.OWNED),
            Trigger(signal.OWNER_CHANGED, answer=True, by_owner=True),
            repeat=True,
            while_open=True,
        ),
        Metric("in_status", Trigger(), Trigger(), repeat=True, needs=("status", "raw_status")),
        Metric("waiting_on_customer", Trigger(signal.PENDING), Trigger(signal.UNPENDING), repeat=True),
    )
}  # fmt: skip
"""The built-in names. ``first_response`` begins a further cycle only for a lead that asks again after an answer."""

TRIGGER_KEYS: Final = ("answer", *signal.TRIGGER_WORDS)


def read_trigger(table: object, problems: Collector) -> Trigger:
    """A trigger from its table: ``{ answer = true }``, ``{ raw_status = "Proposal Sent" }``, or both together."""
    if not isinstance(table, dict) or not table:
        problems.add('a trigger is a table such as { answer = true } or { raw_status = "Proposal Sent" }')
        return Trigger()
    mask, answer, conditions = 0, False, {}
    for key, value in table.items():
        if key in TRIGGER_KEYS:
            if value is not True:
                problems.at(key).add(f"`{key}` takes true; leave it out instead of {value!r}")
            mask |= signal.TRIGGER_WORDS.get(key, 0)
            answer = answer or key == "answer"
        else:
            conditions[key] = value
    return Trigger(mask, read_condition(conditions, problems) if conditions else ALWAYS, answer)


def read_metric(table: dict[str, Any], problems: Collector) -> Metric | None:
    """The metric of a target: a preset by name, or one that spells out ``start`` and ``stop``. None when unreadable."""
    name = table.get("metric")
    if not isinstance(name, str) or not name:
        (problems.at("metric") if "metric" in table else problems).add("a target needs a metric", tuple(PRESETS))
        return None
    preset = PRESETS.get(name)
    if preset is None:
        if "start" not in table or "stop" not in table:
            problems.at("metric").add(
                f"{name!r} is no built-in metric: spell out its start and stop, or use a known name", tuple(PRESETS)
            )
            return None
        preset = Metric(name, Trigger(), Trigger())
    elif name == "in_status":
        preset = _in_status(preset, table, problems)
    if "start" in table:
        preset = replace(preset, start=read_trigger(table["start"], problems.at("start")))
    if "stop" in table:
        preset = replace(preset, stop=read_trigger(table["stop"], problems.at("stop")))
    if "pause" in table:
        preset = replace(preset, pause=_read_pause(table["pause"], problems.at("pause")))
    if "repeat" in table:
        if not isinstance(table["repeat"], bool):
            problems.at("repeat").add("`repeat` takes true or false")
        preset = replace(preset, repeat=table["repeat"] is True)
    return preset


def _read_pause(table: object, problems: Collector) -> Condition:
    """``{ status = ["pending"] }``; an empty list pauses nothing."""
    return NEVER if not table else read_condition(table, problems)


def _in_status(preset: Metric, table: dict[str, Any], problems: Collector) -> Metric:
    named = {key: table[key] for key in preset.needs if key in table}
    if not named:
        problems.add('`in_status` needs the status it watches, such as status = "open" or raw_status = "In Review"')
        return preset
    inside = read_condition(named, problems)
    outside = Condition(lambda fields: not inside(fields), inside.fields, {"not": named})
    return replace(preset, start=Trigger(condition=inside), stop=Trigger(condition=outside))
