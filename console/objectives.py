"""How the objectives stand now, for ``status``: a line each.

Owns finding what counts without looking back over the whole store. Refuses to reckon: ``sla.figures.standing`` does.
Invariant: a line says the same as ``report`` does of the current window, or says that only ``report`` can tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from console.report_words import exactly, number, percent

if TYPE_CHECKING:
    from sla.figures.objective import Objective
    from sla.figures.standing import Reckoning, Standing
    from sla.policy import Policies
    from sync.store import Reader

MOST: Final = 2_000
"""How many records at most are evaluated for a line."""


class Row(NamedTuple):
    """One objective, as a line for people and as a document."""

    line: str
    document: dict[str, Any]


def current_objectives(config: Path, database: Path, now: int) -> list[Row]:
    """Every objective of the file ``config``. A file with mistakes gives one row that says so."""
    if b"objectives" not in config.read_bytes():
        return []
    from console.store import reader
    from sla.figures.standing import Reckoning
    from sync.configuration import REPORT, ConfigurationError, load

    try:
        configuration = load(config, REPORT)
    except ConfigurationError as error:
        count = len(error.problems)
        noun = "problem" if count == 1 else "problems"
        problem = f"cannot be read: the configuration has {count} {noun}, see `sla-sidecar check`"
        return [Row(f"objectives {problem}", {"error": problem})]
    rows = []
    with reader(database) as opened:
        for objective in configuration.objectives:
            reckoning = Reckoning(objective, now)
            told = _count(opened, objective, reckoning, configuration.policies, now)
            rows.append(_row(reckoning.current()) if told else _untold(objective))
    return rows


def _count(reader: Reader, objective: Objective, reckoning: Reckoning, policies: Policies, now: int) -> bool:
    """Counts what the current window needs; False when that is too much in passing."""
    from sla.figures.case import cases
    from sync.retrospect import decided_clocks, decided_since, retrospect

    since = reckoning.needed_since
    if objective.within is None and not objective.fields:
        shadow = {policy.name for policy in policies.policies if policy.stage == "shadow"}
        for policy, kind, outcome, at in decided_clocks(reader, objective.target, since):
            if at <= now and policy not in shadow and objective.when({"policy": policy, "kind": kind}):
                reckoning.count(outcome, at)
        return True
    records = decided_since(reader, [objective.target], since)
    if len(records) > MOST:
        return False
    for evaluation, events, terms in retrospect(reader, now, records):
        for case in cases(evaluation, events, now, terms.people):
            reckoning.add(case)
    return True


def _row(standing: Standing) -> Row:
    found = standing.document()
    burn = [f"{name} {number(rate)}" for name, rate in found["burn"].items() if rate is not None]
    said = [
        f"{percent(found['attainment'])} of {exactly(found['goal'])} ({found['met']}/{found['decided']})",
        f"{number(found['remaining'])} may be missed" if found["decided"] else "nothing decided yet",
        *([f"burn {', '.join(burn)}"] if burn else []),
    ]
    return Row(f"objective  {found['objective']}, {found['window']}: {found['status']}; {'; '.join(said)}", found)


def _untold(objective: Objective) -> Row:
    said = "too many records to look at in passing; `sla-sidecar report` tells"
    return Row(f"objective  {objective.name}: {said}", {"objective": objective.name, "status": None, "reason": said})
