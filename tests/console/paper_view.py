"""A store on paper: what ``sync.view.View`` answers, written down by hand."""

from sync.view import ClockRow, ConnectionRow, DaemonRow, LedgerRow, QuotaRow, Summary

NOW = 1_772_460_300_000  # 2026-03-02T14:05:00Z
MINUTE = 60_000


def clock(
    record,
    target,
    *,
    due=None,
    state="running",
    outcome=None,
    owner="user:5",
    title=None,
    used=300,
    measured=None,
    **more,
):
    verdict = {"elapsed_s": used, "within_s": 900, "remaining_s": max(900 - used, 0), "steps": []}
    return ClockRow(
        record=record, kind=record.split(":")[1], title=title, owner=owner, status="open", target=target,
        policy=more.pop("policy", "Support"), cycle=more.pop("cycle", 1), state=state, outcome=outcome,
        started_at=NOW - 10 * MINUTE, due_at=due, breached_at=None, completed_at=None, wake_at=due,
        measured=measured,
        verdict={**verdict, **more},
    )  # fmt: skip


CLOCKS = [
    clock("acme:lead:00Q1", "first_response", due=NOW - 4 * MINUTE, outcome="missed", owner=None, used=1140,
          title="Ada Lovelace", policy="Inbound web leads"),
    clock("desk:ticket:42", "next_response", due=NOW + 6 * MINUTE, used=700, cycle=3,
          steps=[{"at": "75%", "instant": "2026-03-02T14:00:00Z", "reached": True},
                 {"at": "due", "instant": "2026-03-02T14:11:00Z", "reached": False}]),
    clock("desk:ticket:43", "resolution", due=NOW + 200 * MINUTE, used=120),
    clock("desk:ticket:44", "resolution", state="paused", used=400),
]  # fmt: skip

CONNECTIONS = [
    ConnectionRow("acme", "salesforce", "ok", None, NOW - 900 * MINUTE, NOW - 3_000, None, 3, 128, 2, 0,
                  [QuotaRow("day", 1_240, 100_000, NOW)]),
    ConnectionRow("desk", "hubspot", "retrying", "HubSpot answers 503", NOW - 900 * MINUTE, NOW - 5 * MINUTE,
                  NOW + MINUTE, 300, 64, 0, 1, []),
]  # fmt: skip

LEDGER = [
    LedgerRow(1, NOW - 9 * MINUTE, "step", "acme:lead:00Q1",
              {"target": "first_response", "step": "75%", "decision": "fired", "reason": None}),
    LedgerRow(2, NOW - 9 * MINUTE, "write", "acme:lead:00Q1",
              {"key": "k", "action": "task", "body": {"subject": "Call Ada Lovelace now", "owner": "user:5"}}),
    LedgerRow(3, NOW - 4 * MINUTE, "write", "acme:lead:00Q1",
              {"key": "k", "action": "owner", "body": {"pool": "inside-sales", "owner": "user:7"}}),
    LedgerRow(4, NOW - 3 * MINUTE, "write", "desk:ticket:42",
              {"key": "k", "action": "fields", "body": {"values": {"first_response_due": NOW, "sla_status": "met"}}}),
    LedgerRow(5, NOW - 2 * MINUTE, "alarm", None, {"alarm": "connection stopped", "reason": "the token was revoked"}),
]  # fmt: skip


class PaperView:
    """Takes the place of ``sync.view.View``."""

    def __init__(self, clocks=CLOCKS, connections=CONNECTIONS, ledger=LEDGER, paused=False):
        self.all = list(clocks)
        self.met = list(connections)
        self.rows = list(ledger)
        self.paused = paused
        self.commits = 1
        self.risks = []

    def data_version(self):
        return self.commits

    def connections(self):
        return self.met

    def summary(self):
        counts = {"running": 2, "paused": 1, "missed": 1, "met": 9}
        daemon = DaemonRow("b", 1, NOW - 60 * MINUTE, NOW - 1_000)
        return Summary(counts, 1, len(self.all), 0, 0, {"waiting": 2, "dead": 1}, self.paused, daemon, None)

    def clocks(
        self, *, open_only=True, state=None, outcome=None, connection=None, policy=None, measured=None, limit=200
    ):
        return [
            row
            for row in self.all
            if (state is None or row.state == state)
            and (outcome is None or row.outcome == outcome)
            and (measured is None or measured == (row.measured is not None))
            and (connection is None or row.record.startswith(connection + ":"))
        ][:limit]

    def at_risk(self, now, records=None, *, limit=200):
        return [one for one in self.risks if records is None or one.record in records]

    def ledger(self, *, what=None, after=0, limit=200):
        return self.rows
