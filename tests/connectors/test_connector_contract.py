"""The contract of a connector, held against every connector of the registry."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from connector_benches import BENCHES, Bench

import connectors
from connectors.base import Change, Connector, WebhookRequest, WriteBack
from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from sla.model import DONE_STATUSES, PRIORITIES, STATUSES, Event

SECOND = 1000
DUE = 1_772_463_900_000
KINDS = ("lead", "ticket")


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    made = BENCHES[request.param]()
    yield made
    made.shut()


def sweep(connector: Connector, cursors: dict[str, str] | None = None) -> tuple[list[Change], dict[str, str]]:
    """Every stream to its end."""
    changes: list[Change] = []
    reached: dict[str, str] = {}
    for stream in connector.streams():
        cursor = (cursors or {}).get(stream.name)
        while True:
            page = connector.poll(stream.name, cursor, 0)
            changes += page.changes
            cursor = page.cursor
            if not page.more:
                break
        reached[stream.name] = cursor
    return changes, reached


def told(connector: Connector, changes: list[Change], record: str) -> list[Event]:
    """A record's events in source order; the same id twice is one event."""
    found: dict[str, Event] = {}
    for change in changes:
        for event in connector.normalise(change).events:
            if event.record == record:
                found.setdefault(event.id, event)
    return sorted(found.values(), key=lambda event: (event.at, event.event != "created", event.seq or 0, event.id))


def state(bench: Bench, record: str) -> dict[str, Any]:
    """The record's fields as a fresh read shows them."""
    events = told(bench.connector, bench.connector.read([record]), record)
    return [event.set for event in events if event.snapshot][-1] or {}


def observed(bench: Bench, record: str) -> dict[str, Any]:
    found = [bench.connector.normalise(change).observed for change in bench.connector.read([record])]
    return [one.values for one in found if one is not None and one.record == record][-1]


def fields(record: str, key: str = "f", attempts: int = 0, **values: Any) -> WriteBack:
    chosen = values or {"sla_due": DUE, "sla_status": "running"}
    return WriteBack(key=key, record=record, action="fields", values=chosen, attempts=attempts)


def task(record: str, key: str = "t", attempts: int = 0, **more: Any) -> WriteBack:
    usual = {"owner": None, "due_at": DUE, "priority": "high"}
    return WriteBack(key=key, record=record, action="task", subject="Call now", attempts=attempts, **{**usual, **more})


def move(record: str, to: str, **expect: Any) -> WriteBack:
    return WriteBack(key="o", record=record, action="owner", owner=to, expect=expect)


def test_every_connector_has_a_bench() -> None:
    assert set(BENCHES) == set(connectors.BUILT_IN)


# ---- reading


def test_streams_have_names_of_their_own_and_kinds_that_are_promised(bench: Bench) -> None:
    streams = bench.connector.streams()
    assert len({stream.name for stream in streams}) == len(streams)
    assert {stream.kind for stream in streams} - {None} == set(bench.connector.capabilities.kinds)
    assert set(bench.connector.capabilities.batch) == {
        "fields", "set", "owner", "task", "complete", "note", "tag", "message",
    }  # fmt: skip


def test_an_empty_crm_is_swept_and_swept_again(bench: Bench) -> None:
    changes, cursors = sweep(bench.connector)
    assert changes == []
    assert sweep(bench.connector, cursors)[0] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_record_is_created_by_its_customer_and_shown_whole(bench: Bench, kind: str) -> None:
    record = bench.create(kind, owner=bench.maria)
    changes, _ = sweep(bench.connector)
    created, shown = told(bench.connector, changes, record)
    assert (created.event, created.kind, created.set) == ("created", kind, {})
    assert not (created.actor or "").startswith("user:")
    assert (shown.event, shown.snapshot) == ("changed", True)
    assert created.at <= shown.at
    values = shown.set or {}
    assert values["status"] in STATUSES
    assert values["status"] not in DONE_STATUSES
    assert (values.get("priority") or "normal") in PRIORITIES
    assert isinstance(values["raw_status"], str)
    assert values["owner"] == bench.maria


def test_names_come_only_when_a_policy_wants_them(bench: Bench) -> None:
    record = bench.create("lead")
    plain = told(bench.connector, sweep(bench.connector)[0], record)[1].set or {}
    other = bench.connect("name")
    named = told(other, sweep(other)[0], record)[1].set or {}
    assert "name" not in plain
    assert "Ann" in named["name"]
    other.close()


def test_normalising_is_pure(bench: Bench) -> None:
    bench.create("lead")
    bench.create("ticket")
    changes, _ = sweep(bench.connector)
    fresh = bench.connect()
    for change in changes:
        assert fresh.normalise(change) == bench.connector.normalise(change)
    fresh.close()


def test_keys_are_unique_and_the_same_row_has_the_same_key_again(bench: Bench) -> None:
    for kind in KINDS:
        bench.customer_writes(bench.create(kind))
    changes, _ = sweep(bench.connector)
    keys = [change.key for change in changes]
    assert len(set(keys)) == len(keys)
    fresh = bench.connect()
    assert {change.key for change in sweep(fresh)[0]} == set(keys)
    fresh.close()


def test_what_changes_after_a_sweep_comes_with_the_next(bench: Bench) -> None:
    record = bench.create("ticket")
    _, cursors = sweep(bench.connector)
    bench.pass_time(90)
    bench.give(record, bench.li, by=bench.maria)
    changes, _ = sweep(bench.connector, cursors)
    shown = told(bench.connector, changes, record)[-1]
    assert ((shown.set or {})["owner"], shown.actor) == (bench.li, bench.maria)


def test_messages_and_calls_belong_to_their_record(bench: Bench) -> None:
    ticket, lead = bench.create("ticket"), bench.create("lead")
    bench.pass_time(60)
    bench.customer_writes(ticket)
    bench.pass_time(60)
    bench.agent_writes(ticket, bench.maria)
    bench.pass_time(60)
    bench.agent_calls(lead, bench.li, reached=False)
    bench.pass_time(60)
    bench.agent_calls(lead, bench.maria, reached=True)
    changes, _ = sweep(bench.connector)
    said = [event for event in told(bench.connector, changes, ticket) if event.event == "message"]
    inbound = [event for event in said if event.direction == "inbound"]
    outbound = [event for event in said if event.direction == "outbound"]
    assert all(event.public and not event.automated for event in said)
    assert {event.at for event in inbound} < {event.at for event in said}
    assert all((event.actor or "").startswith("customer:") for event in inbound)
    assert len({event.at for event in inbound}) == len({event.at for event in outbound}) == 1
    # A vendor may show one message twice, once without its author; the author must show once.
    assert bench.maria in {event.actor for event in outbound} <= {bench.maria, None}
    calls = [event for event in told(bench.connector, changes, lead) if event.event == "activity"]
    assert [(event.activity, event.actor) for event in calls] == [("call", bench.li), ("call", bench.maria)]
    assert calls[1].outcome in {"connected", "completed", "answered"}
    assert calls[0].outcome not in {None, "", "connected", "completed", "answered"}


def test_a_closed_ticket_is_done(bench: Bench) -> None:
    ticket = bench.create("ticket", owner=bench.maria)
    bench.pass_time(60)
    bench.close_ticket(ticket, by=bench.maria)
    shown = told(bench.connector, sweep(bench.connector)[0], ticket)[-1]
    assert (shown.set or {})["status"] in DONE_STATUSES
    assert shown.actor == bench.maria


def test_a_fresh_read_shows_the_record_and_what_was_said_on_it(bench: Bench) -> None:
    ticket, lead = bench.create("ticket"), bench.create("lead")
    bench.customer_writes(ticket)
    bench.agent_calls(lead, bench.maria, reached=True)
    changes = bench.connector.read([ticket, lead])
    assert {event.event for event in told(bench.connector, changes, ticket)} == {"created", "changed", "message"}
    assert {event.event for event in told(bench.connector, changes, lead)} == {"created", "changed", "activity"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_deleted_or_was_never_there_reads_as_deleted(bench: Bench, kind: str) -> None:
    record, never = bench.create(kind), f"acme:{kind}:{bench.unknown}"
    bench.delete(record)
    changes = bench.connector.read([record, never])
    for name in (record, never):
        assert told(bench.connector, changes, name)[-1].event == "deleted"


def test_the_loser_of_a_merge_names_what_it_went_into(bench: Bench) -> None:
    """The winner, or with vendors that make a new record of both, that one."""
    loser, winner = bench.create("ticket"), bench.create("ticket")
    bench.pass_time(60)
    bench.merge(loser, winner)
    changes = sweep(bench.connector)[0] + bench.connector.read([loser, winner])
    merged = [event for event in told(bench.connector, changes, loser) if event.event == "merged"]
    assert merged
    into = str(merged[0].into)
    assert into.startswith("acme:ticket:")
    assert into != loser
    assert into == winner or told(bench.connector, changes, winner)[-1].into == into


def test_people_can_be_told_apart(bench: Bench) -> None:
    people = {person.id: person for person in bench.connector.people()}
    assert people[bench.maria].active
    assert not people[bench.gone].active
    assert all(person.startswith(("user:", "queue:")) for person in people)


# ---- writing


@pytest.mark.parametrize("kind", KINDS)
def test_our_fields_are_written_and_seen_again(bench: Bench, kind: str) -> None:
    record = bench.create(kind)
    receipt = bench.connector.write([fields(record)])[0]
    assert (receipt.key, receipt.outcome, receipt.wrote) == ("f", "done", True)
    seen = observed(bench, record)
    assert (seen["sla_due"], seen["sla_status"]) == (DUE, "running")
    bench.connector.write([fields(record, sla_due=None)])
    assert observed(bench, record)["sla_due"] is None


@pytest.mark.parametrize("kind", KINDS)
def test_rule_19_our_own_write_comes_back_as_nobody_s_and_changes_nothing(bench: Bench, kind: str) -> None:
    record = bench.create(kind, owner=bench.maria)
    before, (_, cursors) = state(bench, record), sweep(bench.connector)
    bench.pass_time(60)
    bench.connector.write([fields(record)])
    changes, _ = sweep(bench.connector, cursors)
    shown = [event for event in told(bench.connector, changes, record) if event.snapshot][-1]
    assert shown.set == before
    assert shown.actor is None or shown.actor.startswith("system:")


def test_a_lost_answer_is_unknown_and_looking_it_up_writes_nothing_again(bench: Bench) -> None:
    record = bench.create("ticket")
    bench.lose_next_answer()
    with pytest.raises(RetryLater) as caught:
        bench.connector.write([fields(record)])
    assert caught.value.unknown
    receipt = bench.connector.write([fields(record, attempts=1)])[0]
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert bench.effects() == 1


@pytest.mark.parametrize("action", ["task", "note"])
def test_what_was_added_before_the_answer_was_lost_is_found_again(bench: Bench, action: Any) -> None:
    record = bench.create("ticket")
    write = msgspec.structs.replace(task(record, "acme/ticket/1/due/call"), action=action)
    bench.lose_next_answer()
    with pytest.raises(RetryLater) as caught:
        bench.connector.write([write])
    assert caught.value.unknown
    done = bench.effects()
    receipt = bench.connector.write([msgspec.structs.replace(write, attempts=1)])[0]
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert bench.effects() == done


@pytest.mark.parametrize("kind", KINDS)
def test_a_tag_is_added_once_and_changes_nothing_that_is_measured(bench: Bench, kind: str) -> None:
    record = bench.create(kind)
    before = state(bench, record)

    def tag(text: str) -> tuple[str, bool]:
        receipt = bench.connector.write([WriteBack(key=text, record=record, action="tag", subject=text)])[0]
        return receipt.outcome, receipt.wrote

    assert [tag("late"), tag("vip"), tag("late"), tag("vip")] == [
        ("done", True), ("done", True), ("done", False), ("done", False),
    ]  # fmt: skip
    assert bench.effects() == 2
    assert state(bench, record) == before


def message(record: str, text: str, since: int, attempts: int = 0) -> WriteBack:
    return WriteBack(
        key=f"m{since}", record=record, action="message", subject=text, since=since, attempts=attempts
    )  # fmt: skip


def test_our_message_to_the_customer_is_no_answer(bench: Bench) -> None:
    record = bench.create("ticket")
    bench.customer_writes(record)
    bench.pass_time(60)
    receipt = bench.connector.write([message(record, "Still <there>?", 0)])[0]
    assert (receipt.outcome, receipt.wrote) == ("done", True)
    assert bench.effects() == 1
    bench.pass_time(60)
    events = told(bench.connector, sweep(bench.connector)[0] + bench.connector.read([record]), record)
    said = [event for event in events if event.event == "message"]
    assert {event.direction for event in said} == {"inbound", "outbound"}
    ours = {event.actor for event in said if event.direction == "outbound" and event.public}
    assert ours == {"system:sla-sidecar"}


def test_a_message_whose_answer_was_lost_is_found_and_the_same_text_a_day_later_is_another(bench: Bench) -> None:
    record = bench.create("ticket")
    bench.customer_writes(record)
    first = observed_now(bench, record)
    bench.lose_next_answer()
    with pytest.raises(RetryLater) as caught:
        bench.connector.write([message(record, "Still there?", first)])
    assert caught.value.unknown
    again = bench.connector.write([message(record, "Still there?", first, attempts=1)])[0]
    assert (again.outcome, again.wrote) == ("done", False)
    assert bench.effects() == 1
    bench.mend()
    bench.pass_time(86_400)
    later = bench.connector.write([message(record, "Still there?", first + 86_400_000, attempts=1)])[0]
    assert (later.outcome, later.wrote) == ("done", True)
    assert bench.effects() == 2


def observed_now(bench: Bench, record: str) -> int:
    """About now, by the CRM's own clock: when the customer has just written."""
    events = told(bench.connector, bench.connector.read([record]), record)
    return max(event.at for event in events)


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_task_is_nobody_s_activity(bench: Bench, kind: str) -> None:
    record = bench.create(kind)
    receipt = bench.connector.write([task(record, owner=bench.maria)])[0]
    assert receipt.outcome == "done"
    assert receipt.crm_id
    bench.pass_time(60)
    bench.complete(receipt.crm_id, by=bench.maria)
    events = told(bench.connector, sweep(bench.connector)[0] + bench.connector.read([record]), record)
    assert {event.event for event in events} == {"created", "changed"}


def complete(record: str, task: str = "t", crm_id: str | None = None, attempts: int = 0) -> WriteBack:
    return WriteBack(key=f"{task}/complete", record=record, action="complete", task=task, crm_id=crm_id,
                     attempts=attempts)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("by_id", [False, True])
def test_a_task_of_ours_is_completed_once(bench: Bench, kind: str, by_id: bool) -> None:
    record = bench.create(kind)
    made = bench.connector.write([task(record, owner=bench.maria)])[0]
    wanted = complete(record, crm_id=made.crm_id if by_id else None)
    first, second = (bench.connector.write([wanted])[0] for _ in range(2))
    assert (first.outcome, first.wrote) == ("done", True)
    assert (second.outcome, second.wrote) == ("done", False)
    assert bench.effects() == 2
    # The task that was completed is still the one task of its key.
    again = bench.connector.write([task(record, owner=bench.maria, attempts=1)])[0]
    assert (again.outcome, again.wrote) == ("done", False)


def test_a_task_that_a_person_completed_or_that_never_was_is_done_with(bench: Bench) -> None:
    record = bench.create("ticket")
    made = bench.connector.write([task(record)])[0]
    bench.complete(str(made.crm_id), by=bench.maria)
    effects = bench.effects()
    for wanted in (complete(record), complete(record, crm_id=made.crm_id), complete(record, task="never")):
        receipt = bench.connector.write([wanted])[0]
        assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert bench.effects() == effects


def test_a_completion_whose_answer_was_lost_is_looked_at_again(bench: Bench) -> None:
    record = bench.create("ticket")
    bench.connector.write([task(record)])
    bench.lose_next_answer()
    with pytest.raises(RetryLater) as caught:
        bench.connector.write([complete(record)])
    assert caught.value.unknown
    receipt = bench.connector.write([complete(record, attempts=1)])[0]
    assert (receipt.outcome, receipt.wrote) == ("done", False)
    assert bench.effects() == 2


def test_an_owner_is_changed_only_from_the_one_expected(bench: Bench) -> None:
    record = bench.create("ticket", owner=bench.maria)
    assert bench.connector.write([move(record, bench.li, owner=bench.gone)])[0].outcome == "conflict"
    assert bench.effects() == 0
    assert bench.connector.write([move(record, bench.li, owner=bench.maria)])[0].outcome == "done"
    assert state(bench, record)["owner"] == bench.li
    again = bench.connector.write([move(record, bench.li, owner=bench.li)])[0]
    assert (again.outcome, again.wrote) == ("done", False)
    assert bench.effects() == 1


def test_nobody_who_left_is_made_an_owner(bench: Bench) -> None:
    record = bench.create("ticket", owner=bench.maria)
    receipt = bench.connector.write([move(record, bench.gone, owner=bench.maria)])[0]
    assert receipt.outcome == "rejected"
    assert receipt.reason
    assert state(bench, record)["owner"] == bench.maria


def test_a_priority_is_set_in_the_crm_s_own_words(bench: Bench) -> None:
    record = bench.create("ticket")
    write = WriteBack(key="s", record=record, action="set", values={"priority": "high"})
    assert bench.connector.write([write])[0].outcome == "done"
    assert state(bench, record)["priority"] == "high"
    assert bench.connector.write([write])[0].wrote is False


def test_every_write_back_of_a_batch_gets_its_own_receipt(bench: Bench) -> None:
    good, gone, never = bench.create("lead"), bench.create("lead"), f"acme:lead:{bench.unknown}"
    bench.delete(gone)
    batch = [fields(good, "good"), fields(gone, "gone"), fields(never, "never")]
    receipts = {receipt.key: receipt for receipt in bench.connector.write(batch)}
    assert {key: receipt.outcome for key, receipt in receipts.items()} == {
        "good": "done", "gone": "rejected", "never": "rejected",
    }  # fmt: skip
    assert receipts["gone"].reason
    assert bench.effects() == 1


# ---- faults


def operations(bench: Bench, record: str) -> list[Any]:
    stream = bench.connector.streams()[0].name
    return [
        lambda: bench.connector.poll(stream, None, 0),
        lambda: bench.connector.read([record]),
        bench.connector.people,
        lambda: bench.connector.write([fields(record)]),
        lambda: bench.connector.write([task(record)]),
        lambda: bench.connector.write([complete(record)]),
        lambda: bench.connector.write([move(record, bench.li)]),
    ]


@pytest.mark.parametrize(
    ("fault", "kind"), [("over_quota", RateLimited), ("down", RetryLater), ("locked_out", AuthFailed)]
)
def test_a_fault_of_the_crm_is_one_of_the_five_errors(bench: Bench, fault: str, kind: type[ConnectorError]) -> None:
    record = bench.create("ticket")
    sweep(bench.connector)
    getattr(bench, fault)()
    for operation in operations(bench, record):
        with pytest.raises(kind) as caught:
            operation()
        assert caught.value.reason
        if isinstance(caught.value, RateLimited):
            assert caught.value.after > 0
    findings = bench.connector.check()
    assert any(finding.level == "fail" for finding in findings)
    bench.mend()
    assert bench.effects() == 0
    bench.pass_time(86_400)  # nobody is called earlier than the CRM said, even to find out whether it has mended
    assert all(finding.level != "fail" for finding in bench.connector.check())
    assert bench.connector.write([fields(record)])[0].outcome == "done"


def test_check_says_more_than_yes(bench: Bench) -> None:
    findings = bench.connector.check()
    assert any(finding.level == "ok" for finding in findings)
    assert all(finding.fix for finding in findings if finding.level == "fail")


def test_closing_twice_is_fine(bench: Bench) -> None:
    bench.connector.people()
    bench.connector.quota()
    bench.connector.close()
    bench.connector.close()


# ---- webhooks


def test_a_sound_webhook_is_a_hint_and_a_changed_one_is_refused(bench: Bench) -> None:
    record = bench.create("lead")
    request = bench.webhook(record)
    if request is None:
        pytest.skip("the vendor's own tests sign their webhooks")
    now = 1_772_460_300_000
    hints = bench.connector.verify(request, now)
    assert [hint.record for hint in hints] == [record]
    assert hints == bench.connector.verify(request, now)
    content_type, _ = bench.connector.acknowledgement(request)
    assert "/" in content_type
    with pytest.raises(Rejected):
        bench.connector.verify(msgspec.structs.replace(request, body=b"x" + request.body), now)


def test_no_bytes_make_verify_do_anything_but_refuse(bench: Bench) -> None:
    dice = random.Random(3)
    samples = [b"", b"[]", b"{}", b"[[[[", b"<a/>", b"\xff\xfe", b"null", b"[1]", b'{"at": 1e400}', dice.randbytes(500)]
    for body in samples:
        for headers in ({}, {"x-hubspot-signature-v3": "é", "x-hubspot-request-timestamp": "1"}):
            with pytest.raises(Rejected):
                bench.connector.verify(WebhookRequest("POST", "https://sidecar.test/hooks/acme", headers, body), 0)
