"""Every version of the policies that some record still lives by.

Owns the table ``policy_version``. Refuses to decide who moves to a newer version. Invariant: a record is judged by the
version that was in force when it was first seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sla.policy import Policies
from sla.problem import Problems
from sync import ledger
from sync.store import Transaction


class Terms(NamedTuple):
    """What a version of the policies means for the judge. ``limits``: steps an hour, by policy; ``titled``: whether
    some text of theirs calls a record by its name."""

    policies: Policies
    limits: Mapping[str, int]
    titled: bool

    @classmethod
    def of(cls, policies: Policies) -> Terms:
        limits = {policy.name: policy.actions_per_hour for policy in policies.policies}
        return cls(policies, limits, "name" in policies.fields)


class PolicyBook:
    """The current policies, and earlier ones rebuilt from the documents they were read from."""

    def __init__(self, current: Policies, document: Mapping[str, Any]) -> None:
        self.current = current
        daemon = document.get("daemon", {})
        self._document = {
            "daemon": {name: daemon[name] for name in ("match",) if name in daemon},
            "calendars": document.get("calendars", {}),
            "policies": document.get("policies", []),
        }
        self._known = {current.version: Terms.of(current)}

    def register(self, transaction: Transaction, now: int) -> None:
        """Notes the current version as in force from ``now`` on, unless it is known already."""
        transaction.run(
            "INSERT INTO policy_version (version, effective_at, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (self.current.version, now, msgspec.json.encode(self._document).decode()),
        )

    def get(self, transaction: Transaction, version: str, now: int) -> Terms:
        """The terms of a version. One that this release cannot read any more gives way to the current one."""
        found = self._known.get(version)
        if found is None:
            found = self._known[version] = Terms.of(self._rebuild(transaction, version, now))
        return found

    def _rebuild(self, transaction: Transaction, version: str, now: int) -> Policies:
        row = transaction.one("SELECT document FROM policy_version WHERE version = ?", (version,))
        try:
            if row is not None:
                return Policies.from_config(msgspec.json.decode(row[0]))
            problem = "its document is missing"
        except Problems as problems:
            problem = str(problems)
        body = {"alarm": "policy version lost", "version": version, "reason": problem, "instead": self.current.version}
        ledger.append(transaction, [ledger.Entry(now, "alarm", None, body)])
        return self.current
