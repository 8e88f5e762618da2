"""Storm control: how many effects each policy may have in an hour.

Owns the count and the one alert of a storm. Refuses to drop anything: what is over the budget is decided later.
Invariant: within any hour no policy fires more steps than its budget.
"""

from __future__ import annotations

from typing import Final

from sync import ledger
from sync.store import Transaction

HOUR_MS: Final = 3_600_000
AGAIN_MS: Final = 300_000
"""How long what is over the budget rests before it is looked at again, at least."""


class Budget:
    """What is left for each policy in the hour before ``now``. Lives as long as one transaction."""

    def __init__(self, transaction: Transaction, now: int) -> None:
        self._now = now
        self._spent: dict[str, int] = {}
        self._oldest: dict[str, int] = {}
        for policy, count, oldest in transaction.rows(
            "SELECT policy, count(*), min(decided_at) FROM step"
            " WHERE decision = 'fired' AND decided_at > ? GROUP BY policy",
            (now - HOUR_MS,),
        ):
            self._spent[policy], self._oldest[policy] = count, oldest
        self._held: dict[str, int] = {}

    def take(self, policy: str, limit: int) -> bool:
        """Spends one of the policy's ``limit`` steps an hour; False when none is left."""
        spent = self._spent.get(policy, 0)
        if spent >= limit:
            self._held[policy] = self._held.get(policy, 0) + 1
            return False
        self._spent[policy] = spent + 1
        return True

    def again_at(self, policy: str) -> int:
        """When to look again at what was held back."""
        return max(self._oldest.get(policy, self._now) + HOUR_MS + 1, self._now + AGAIN_MS)

    def alerts(self, transaction: Transaction) -> list[ledger.Entry]:
        """One alert for each policy whose storm has only begun."""
        entries = []
        for policy, held in self._held.items():
            name = f"storm:{policy}"
            row = transaction.one("SELECT value FROM setting WHERE name = ?", (name,))
            if row is None or int(row[0]) <= self._now - HOUR_MS:
                again_at = self.again_at(policy)
                body = {"alarm": "action budget spent", "policy": policy, "held": held, "again_at": again_at}
                entries.append(ledger.Entry(self._now, "alarm", None, body))
            transaction.run(
                "INSERT INTO setting (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, str(self._now)),
            )
        return entries
