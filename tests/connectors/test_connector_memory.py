"""The reference CRM: its feed, its faults and its honesty about effects."""

from __future__ import annotations

import msgspec
import pytest

import connectors
from connectors.base import WriteBack
from connectors.errors import AuthFailed, RateLimited, Rejected, RetryLater
from connectors.memory import MemoryConnector, MemoryCrm

NOW = 1_767_600_000_000


@pytest.fixture
def crm() -> MemoryCrm:
    return MemoryCrm(lambda: NOW)


@pytest.fixture
def acme(crm: MemoryCrm) -> MemoryConnector:
    return MemoryConnector("acme", crm)


def drain(connector: MemoryConnector, stream: str, cursor: str | None, since: int = 0) -> tuple[list[str], str]:
    keys: list[str] = []
    while True:
        page = connector.poll(stream, cursor, since)
        keys += [change.key for change in page.changes]
        cursor = page.cursor
        if not page.more:
            return keys, cursor


def test_a_poll_serves_each_change_once_page_by_page(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.page = 2
    for number in range(5):
        crm.create("lead", f"L{number}")
    keys, cursor = drain(acme, "lead", None)
    assert keys == ["lead:L0:1", "lead:L1:2", "lead:L2:3", "lead:L3:4", "lead:L4:5"]
    crm.update("lead:L0", status="open")
    assert drain(acme, "lead", cursor) == (["lead:L0:6"], "6")


def test_a_first_sweep_brings_what_is_open_and_what_changed_lately(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.page = 1
    crm.create("ticket", "old-open", at=NOW - 1000)
    crm.create("ticket", "old-closed", at=NOW - 1000, status="closed")
    crm.create("ticket", "new-closed", at=NOW, status="closed")
    keys, cursor = drain(acme, "ticket", None, since=NOW)
    assert keys == ["ticket:old-open:1", "ticket:new-closed:3"]
    assert drain(acme, "ticket", cursor, since=NOW) == ([], cursor)


def test_served_changes_can_come_again_with_the_same_keys(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("lead", "L0")
    _, cursor = drain(acme, "lead", None)
    crm.repeat = 3
    assert drain(acme, "lead", cursor)[0] == ["lead:L0:1"]


def test_a_row_normalises_to_created_and_a_snapshot(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("lead", "L0", by="customer:9", source="Web", name="Ann")
    change = acme.poll("lead", None, 0).changes[0]
    created, changed = acme.normalise(change).events
    assert (created.event, created.kind, created.actor, created.set, created.at) == (
        "created", "lead", "customer:9", {}, NOW,
    )  # fmt: skip
    assert changed.snapshot is True
    assert changed.set == {
        "status": "new", "raw_status": "New", "priority": "normal", "owner": None, "source": "Web",
    }  # fmt: skip


def test_a_lost_answer_leaves_the_effect_and_a_look_up_finds_it(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("lead", "L0")
    task = WriteBack(key="k1", record="acme:lead:L0", action="task", subject="Call")
    crm.lose_answers()
    with pytest.raises(RetryLater) as caught:
        acme.write([task])
    assert caught.value.unknown is True
    assert len(crm.tasks) == 1
    again = acme.write([msgspec.structs.replace(task, attempts=1)])[0]
    assert (again.outcome, again.wrote, again.crm_id) == ("done", False, "task-1")
    acme.write([task])
    assert len(crm.tasks) == 2
    assert [effect.n for effect in crm.effects] == [1, 2]


def test_faults_strike_as_often_as_asked_and_where(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.rate_limited(45, 1, "poll")
    assert acme.people() == []
    with pytest.raises(RateLimited) as caught:
        acme.poll("lead", None, 0)
    assert caught.value.after == 45
    crm.auth_failed(None)
    for _ in range(3):
        with pytest.raises(AuthFailed):
            acme.people()
    assert acme.check()[0].level == "fail"
    crm.mend()
    crm.unreachable()
    assert acme.check()[0].unreachable is True
    assert acme.check()[0].level == "ok"


def test_one_bad_row_does_not_spoil_its_batch(crm: MemoryCrm, acme: MemoryConnector) -> None:
    for name in ("a", "b", "c"):
        crm.create("lead", name)
    crm.reject("lead:a", "status is required")
    crm.lock("lead:b")
    batch = [
        WriteBack(key=f"k{name}", record=f"acme:lead:{name}", action="fields", values={"sla_status": "met"})
        for name in ("a", "b", "c")
    ]
    assert [receipt.outcome for receipt in acme.write(batch)] == ["rejected", "retry", "done"]
    assert [receipt.outcome for receipt in acme.write(batch)] == ["rejected", "done", "done"]
    assert [effect.id for effect in crm.effects] == ["c", "b"]


def test_a_value_that_is_already_there_is_not_written(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("lead", "a")
    write = WriteBack(key="k", record="acme:lead:a", action="fields", values={"sla_due": NOW})
    assert acme.write([write])[0].wrote is True
    assert acme.write([write])[0].wrote is False
    observed = acme.normalise(acme.read(["acme:lead:a"])[0]).observed
    assert observed is not None
    assert observed.values == {"sla_due": NOW}


def test_an_owner_change_expects_what_it_saw(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("lead", "a", owner="user:1")
    crm.person("user:1")
    crm.person("user:2", active=False)
    move = WriteBack(key="k", record="acme:lead:a", action="owner", owner="user:1", expect={"owner": "user:3"})
    assert acme.write([move])[0].outcome == "conflict"
    move = WriteBack(key="k", record="acme:lead:a", action="owner", owner="user:2", expect={"owner": "user:1"})
    assert acme.write([move])[0].outcome == "rejected"
    assert crm.effects == []


def test_a_merged_and_a_deleted_record_say_so(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("ticket", "a")
    crm.create("ticket", "b")
    crm.merge("ticket:a", "ticket:b", by="user:1")
    crm.delete("ticket:b")
    merged, deleted = (acme.normalise(acme.read([f"acme:ticket:{name}"])[0]).events[-1] for name in "ab")
    assert (merged.event, merged.into, merged.actor) == ("merged", "acme:ticket:b", "user:1")
    assert deleted.event == "deleted"
    crm.restore("ticket:b")
    assert acme.normalise(acme.read(["acme:ticket:b"])[0]).events[-1].event == "restored"


def test_a_record_that_never_was_is_deleted(acme: MemoryConnector) -> None:
    assert acme.normalise(acme.read(["acme:lead:zzz"])[0]).events[0].event == "deleted"


def test_a_webhook_is_verified(crm: MemoryCrm, acme: MemoryConnector) -> None:
    crm.create("ticket", "a")
    request = crm_request = acme.webhook("ticket:a")
    assert acme.verify(request, NOW)[0].record == "acme:ticket:a"
    with pytest.raises(Rejected):
        acme.verify(request, NOW + 300_001)
    with pytest.raises(Rejected):
        acme.verify(msgspec.structs.replace(crm_request, body=request.body + b" "), NOW)


def test_connections_of_one_name_share_a_crm() -> None:
    try:
        first = connectors.build("acme", "memory", {}, wanted=frozenset(), clock=lambda: NOW)
        second = connectors.build("other", "memory", {"crm": "acme"}, wanted=frozenset(), clock=lambda: NOW)
        assert isinstance(first, MemoryConnector)
        assert isinstance(second, MemoryConnector)
        assert first.crm is second.crm
    finally:
        MemoryCrm.forget()
