"""What ``suggest`` measures by: the policies of a configuration, or the two usual promises on one of its calendars.

Owns the choice. Refuses history. Invariant: without policies every record is measured, and nothing is promised that
could be broken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from console.boundary import USAGE, Failure
from sla.model import KINDS
from sla.policy import Policies
from sla.problem import Problems
from sla.target import Target
from sync.configuration import POLICIES, Configuration, load

_BASE = frozenset({"calendars"})
_ASIDE = frozenset({"people", "derive"})
_LONG = "4000h"  # a promise that nobody breaks
_METRICS = ("first_response", "resolution")


class Basis:
    """The policies to evaluate by, and what the configuration says about each of their targets."""

    def __init__(self, configuration: Configuration, policies: Policies, tables: Sequence[Mapping[str, Any]]) -> None:
        self.configuration = configuration
        self.policies = policies
        self.tables = tables
        """The ``[[policies]]`` as written, or as they would be."""
        self.promised = policies is configuration.policies
        self._targets = {
            (policy.name, target.name): target for policy in policies.policies for target in policy.targets
        }

    def target(self, policy: str, target: str) -> Target:
        return self._targets[policy, target]

    def table(self, policy: str, target: str) -> Mapping[str, Any]:
        """A target as written."""
        for table in self.tables:
            for found in table["targets"] if table["name"] == policy else ():
                if found.get("name", found["metric"]) == target:
                    return dict(found)
        raise KeyError(policy, target)

    def within(self, policy: str, target: str, priority: str | None) -> str | None:
        """What is promised now, as written; None where nothing is, or where it depends on the priority."""
        if not self.promised:
            return None
        given = self.table(policy, target)["within"]
        if not isinstance(given, Mapping):
            return str(given)
        named = "normal" if priority == "(none)" else (priority or "").casefold()
        return str(given.get(named, "none")) if priority is not None else None


def read_basis(config: Path, calendar: str | None, answers: Sequence[str] | None) -> Basis:
    """Raises ConfigurationError for what is wrong with the file, Failure for a calendar that it does not have."""
    base = load(config, _BASE)
    calendars = list(base.document["calendars"])
    if calendar is None and "policies" in base.document:
        configuration = load(config, POLICIES)
        return Basis(configuration, configuration.policies, configuration.document["policies"])
    if calendar is None:
        if len(calendars) > 1:
            raise Failure("there are no policies yet", f"name a calendar: --calendar {calendars[0]}", USAGE)
        calendar = calendars[0]
    if calendar not in calendars:
        raise Failure(f"there is no calendar '{calendar}'", f"there are: {', '.join(calendars)}", USAGE)
    configuration = load(config, _BASE | (_ASIDE & base.document.keys()))
    tables = [_table(kind, calendar, answers) for kind in KINDS]
    document = {name: configuration.document[name] for name in _BASE | _ASIDE if name in configuration.document}
    try:
        return Basis(configuration, Policies.from_config({**document, "policies": tables}), tables)
    except Problems as found:
        raise Failure(f"--answers: {found.problems[0].message}", code=USAGE) from None


def _table(kind: str, calendar: str, answers: Sequence[str] | None) -> dict[str, Any]:
    given = {"answers": list(answers)} if answers else {}
    targets = [{"metric": metric, "within": _LONG} for metric in _METRICS]
    return {"name": f"{kind.capitalize()}s", "applies_to": kind, "calendar": calendar, **given, "targets": targets}
