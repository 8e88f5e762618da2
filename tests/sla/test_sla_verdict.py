"""The verdict to the letter: the public example, its shape, its order."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sla_story import HOUR, MINUTE, changed, config, created, instant, policy, promise, reply, target, verdicts

from sla.fold import evaluate
from sla.policy import Policies
from sla.problem import Problems

TIMELINE = """
{"record": "desk:ticket:42", "kind": "ticket", "at": "2026-03-02T14:05:00Z", "id": "a1", "event": "created", "actor": "customer:7", "set": {"status": "new", "priority": "high", "source": "Email", "owner": "queue:Support"}}
{"record": "desk:ticket:42", "at": "2026-03-02T14:20:00Z", "id": "a2", "event": "changed", "actor": "user:3", "set": {"status": "pending", "owner": "user:3"}}
{"record": "desk:ticket:42", "at": "2026-03-02T14:21:00Z", "id": "a3", "event": "message", "actor": "user:3", "direction": "outbound", "public": true, "automated": false, "channel": "email"}
{"record": "desk:ticket:42", "at": "2026-03-02T15:00:00Z", "id": "a4", "event": "message", "actor": "customer:7", "direction": "inbound", "public": true}
{"record": "crm:lead:9", "kind": "lead", "at": "2026-03-02T15:10:00Z", "id": "b7", "event": "activity", "actor": "user:5", "activity": "call", "outcome": "connected"}
{"record": "desk:ticket:42", "at": "2026-03-03T09:00:00Z", "id": "a9", "event": "merged", "into": "desk:ticket:40"}
"""  # noqa: E501
VERDICT = """
{"record": "desk:ticket:42", "policy": "Support", "target": "first_response", "cycle": 1, "state": "stopped", "outcome": "met",
 "started_at": "2026-03-02T14:05:00Z", "due_at": "2026-03-02T15:05:00Z", "completed_at": "2026-03-02T14:21:00Z", "breached_at": null,
 "within_s": 3600, "elapsed_s": 960, "paused_s": 0, "remaining_s": 2640, "late_s": 0, "reason": null,
 "steps": [{"at": "75%", "instant": "2026-03-02T14:50:00Z", "reached": false}],
 "spent": {"system": 0, "queue:Support": 900, "user:3": 60}}
"""  # noqa: E501
SUPPORT = promise(
    "first_response", {"urgent": "15m", "high": "1h", "normal": "4h"}, steps=[{"at": "75%", "notify": "owner"}]
)


def lines() -> list[dict]:
    return [json.loads(line) for line in TIMELINE.strip().splitlines()]


@pytest.mark.parametrize("now", ["2026-03-02T14:21:00Z", "2026-03-02T16:00:00Z", "2026-03-04T12:00:00Z"])
def test_the_public_example_to_the_letter(now: str) -> None:
    found = [clock.verdict() for clock in evaluate(SUPPORT, lines(), now)]
    expected = json.loads(VERDICT)
    assert found == [expected]
    assert json.dumps(found[0]) == json.dumps(expected)


def test_lengths_are_whole_numbers() -> None:
    found = evaluate(SUPPORT, lines(), "2026-03-02T16:00:00Z")[0].verdict()
    names = ("within_s", "elapsed_s", "paused_s", "remaining_s", "late_s")
    assert [type(found[name]) for name in names] == [int] * 5
    assert [type(seconds) for seconds in found["spent"].values()] == [int] * 3


def test_before_the_answer() -> None:
    found = evaluate(SUPPORT, lines(), "2026-03-02T14:10:00Z")[0].verdict()
    assert found == {
        "record": "desk:ticket:42", "policy": "Support", "target": "first_response", "cycle": 1,
        "state": "running", "outcome": None,
        "started_at": "2026-03-02T14:05:00Z", "due_at": "2026-03-02T15:05:00Z", "completed_at": None,
        "breached_at": None, "within_s": 3600, "elapsed_s": 300, "paused_s": 0, "remaining_s": 3300, "late_s": 0,
        "reason": None, "steps": [{"at": "75%", "instant": "2026-03-02T14:50:00Z", "reached": False}],
        "spent": {"system": 0, "queue:Support": 300},
    }  # fmt: skip


def test_verdicts_come_by_record_target_and_cycle() -> None:
    promised = config(policy(target("resolution", "8h"), target("next_response", "4h"), target("first_response", "1h")))
    story = []
    for record in ("desk:ticket:9", "desk:ticket:10", "a:ticket:2"):
        story += [
            {**created("Mon 09:00"), "record": record},
            {**reply("Mon 09:10"), "record": record},
        ]
        for at, line in (("Mon 10:00", "inbound"), ("Mon 10:30", "outbound"), ("Mon 11:00", "inbound")):
            actor = "customer:7" if line == "inbound" else "user:3"
            story.append({
                "record": record, "at": instant(at), "event": "message", "actor": actor, "direction": line, "id": at,
            })  # fmt: skip
    found = [(v["record"], v["target"], v["cycle"]) for v in verdicts(promised, story[::-1], "Mon 12:00")]
    assert found == [
        (record, name, cycle)
        for record in ("a:ticket:2", "desk:ticket:10", "desk:ticket:9")
        for name, cycle in (("first_response", 1), ("next_response", 1), ("next_response", 2), ("resolution", 1))
    ]


def test_instants_of_a_clock_are_aware() -> None:
    clock = evaluate(promise("first_response", "1h"), [created("Mon 10:00"), reply("Mon 11:30")], instant("Mon 12:00"))[
        0
    ]
    assert clock.started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert clock.due_at == clock.breached_at == datetime(2026, 3, 2, 11, tzinfo=UTC)
    assert clock.completed_at == datetime(2026, 3, 2, 11, 30, tzinfo=UTC)


def test_a_clock_has_every_part_of_its_verdict_by_name() -> None:
    lines = [created("Mon 10:00", owner="user:3"), reply("Mon 13:30")]
    clock = evaluate(promise("first_response", "2h"), lines, instant("Mon 14:00"))[0]
    verdict = clock.verdict()
    for name in ("within_s", "elapsed_s", "paused_s", "remaining_s", "late_s", "spent", "outcome", "state", "cycle"):
        assert getattr(clock, name) == verdict[name], name
    assert (clock.late_s, clock.spent) == (90 * MINUTE, {"system": 0, "user:3": 3 * HOUR + 30 * MINUTE})


def test_now_may_be_a_datetime_and_must_be_aware() -> None:
    story = [created("Mon 10:00")]
    promised = promise("first_response", "1h")
    assert evaluate(promised, story, datetime(2026, 3, 2, 10, 30, tzinfo=UTC))[0].verdict()["elapsed_s"] == 30 * MINUTE
    with pytest.raises(ValueError, match=r"zone|aware|offset"):
        evaluate(promised, story, datetime(2026, 3, 2, 10, 30))


def test_policies_may_be_read_before() -> None:
    policies = Policies.from_config(promise("first_response", "1h"))
    assert evaluate(policies, [created("Mon 10:00")], instant("Mon 12:00"))[0].verdict()["late_s"] == HOUR


def test_a_configuration_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(Problems):
        evaluate(promise("first_response", "soon"), [created("Mon 10:00")], instant("Mon 12:00"))


def test_an_event_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="at"):
        evaluate(promise("first_response", "1h"), [{"record": "a:ticket:1", "event": "created"}], instant("Mon 12:00"))


def test_no_events_no_clocks() -> None:
    assert evaluate(promise("first_response", "1h"), [], instant("Mon 12:00")) == []


def test_a_record_whose_creation_is_unknown_has_no_clock_from_it() -> None:
    assert verdicts(promise("first_response", "1h"), [changed("Mon 10:00", status="open")], "Mon 12:00") == []


def run(code: str, **environment: str) -> str:
    """What a fresh interpreter prints, started where the project is."""
    root = Path(__file__).resolve().parents[2]
    environment = {"PATH": "", "PYTHONPATH": str(root), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def test_the_package_offers_what_the_documentation_says() -> None:
    code = "from sla import evaluate; from sla.calendar import Calendar; print(evaluate.__name__, Calendar.__name__)"
    assert run(code).split() == ["evaluate", "Calendar"]


def test_the_verdict_does_not_depend_on_the_machines_zone_or_hashing() -> None:
    code = f"""
import json
from sla import evaluate
lines = [json.loads(line) for line in {TIMELINE.strip().splitlines()!r}]
for clock in evaluate({SUPPORT!r}, lines, "2026-03-02T16:00:00Z"):
    print(json.dumps(clock.verdict()))
"""
    here = run(code, TZ="Pacific/Apia", PYTHONHASHSEED="1", LC_ALL="C")
    there = run(code, TZ="America/New_York", PYTHONHASHSEED="2", LC_ALL="C.UTF-8")
    assert here == there == json.dumps(json.loads(VERDICT)) + "\n"
