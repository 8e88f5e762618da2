"""Pipelines and their stages, with ids of this portal alone.

Owns the stages that tickets, deals and leads pass through. Refuses writes: a practice portal's pipelines stand.
Invariant: stage ids are unique in the portal and follow from the seed, so nobody can hard-code them.
https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final

from emulators.hubspot.values import iso


@dataclass(frozen=True, slots=True)
class Stage:
    id: str
    label: str
    order: int
    metadata: dict[str, str]
    state: str
    """What it means here: new, us, customer, third, closed, won, lost …"""

    @property
    def closed(self) -> bool:
        return self.metadata.get("isClosed") == "true"


@dataclass(frozen=True, slots=True)
class Pipeline:
    id: str
    label: str
    order: int
    stages: list[Stage] = field(default_factory=list)

    def stage(self, state: str) -> Stage:
        return next(stage for stage in self.stages if stage.state == state)


def _ticket(state: str, *, closed: bool = False) -> dict[str, str]:
    metadata = {"isClosed": "true" if closed else "false"}
    # ticketState is optional: a stage that an admin added by hand may come without it.
    return metadata if state == "third" else metadata | {"ticketState": "CLOSED" if closed else "OPEN"}


def _deal(probability: str) -> dict[str, str]:
    return {"isClosed": "true" if probability in ("0.0", "1.0") else "false", "probability": probability}


_LEAD: Final = {"isClosed": "false"}
_LAYOUT: Final[dict[str, tuple[tuple[str, tuple[tuple[str, str, dict[str, str]], ...]], ...]]] = {
    "tickets": (
        ("Support Pipeline", (
            ("new", "New", _ticket("new")),
            ("us", "Waiting on us", _ticket("us")),
            ("customer", "Waiting on contact", _ticket("customer")),
            ("third", "Waiting on third party", _ticket("third")),
            ("closed", "Closed", _ticket("closed", closed=True)),
        )),
    ),
    "deals": (
        ("Sales Pipeline", (
            ("new", "Appointment Scheduled", _deal("0.2")),
            ("proposal", "Proposal Sent", _deal("0.6")),
            ("won", "Closed Won", _deal("1.0")),
            ("lost", "Closed Lost", _deal("0.0")),
        )),
    ),
    "leads": (
        ("Lead pipeline", (
            ("new", "New", _LEAD),
            ("attempting", "Attempting", _LEAD),
            ("connected", "Connected", _LEAD),
            ("qualified", "Qualified", {"isClosed": "true"}),
            ("disqualified", "Disqualified", {"isClosed": "true"}),
        )),
    ),
}  # fmt: skip


class Pipelines:
    def __init__(self, dice: random.Random, now_ms: int) -> None:
        self._now_ms = now_ms
        self._pipelines: dict[str, list[Pipeline]] = {}
        for kind, layout in _LAYOUT.items():
            self._pipelines[kind] = [_make(order, label, stages, dice) for order, (label, stages) in enumerate(layout)]

    def of(self, kind: str) -> list[Pipeline]:
        return self._pipelines.get(kind, [])

    def find(self, kind: str, id: str) -> Pipeline | None:
        return next((one for one in self.of(kind) if one.id == id), None)

    def of_stage(self, kind: str, stage_id: str) -> tuple[Pipeline, Stage] | None:
        for pipeline in self.of(kind):
            for stage in pipeline.stages:
                if stage.id == stage_id:
                    return pipeline, stage
        return None

    def stage(self, kind: str, state: str) -> Stage:
        """The stage of the first pipeline by what it means."""
        return self.of(kind)[0].stage(state)

    def body(self, pipeline: Pipeline) -> dict[str, Any]:
        """Schema Pipeline."""
        return self._dated(pipeline.id, pipeline.label, pipeline.order) | {
            "stages": [self.stage_body(stage) for stage in pipeline.stages]
        }

    def stage_body(self, stage: Stage) -> dict[str, Any]:
        """Schema PipelineStage."""
        more = {"metadata": stage.metadata, "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT"}
        return self._dated(stage.id, stage.label, stage.order) | more

    def _dated(self, id: str, label: str, order: int) -> dict[str, Any]:
        at = iso(self._now_ms)
        return {"label": label, "displayOrder": order, "id": id, "archived": False, "createdAt": at, "updatedAt": at}


def _make(order: int, label: str, stages: tuple[tuple[str, str, dict[str, str]], ...], dice: random.Random) -> Pipeline:
    first = dice.randrange(10_000_000, 900_000_000)
    made = [
        Stage(str(first + 1 + index), name, index, metadata, state)
        for index, (state, name, metadata) in enumerate(stages)
    ]
    return Pipeline(str(first), label, order, made)
