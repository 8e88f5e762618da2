"""The public timeline format: what is read, what is refused, which events count and in which order."""

from __future__ import annotations

import json
from itertools import permutations

import pytest

from sla.instant import parse_instant
from sla.model import Event, record_name, split_record
from sla.timeline import BadLine, event_to_line, parse_line, read_lines, settle

CREATED = {
    "record": "desk:ticket:42", "kind": "ticket", "at": "2026-03-02T14:05:00Z", "id": "a1", "event": "created",
    "actor": "customer:7", "set": {"status": "new", "priority": "high", "owner": "queue:Support"},
}  # fmt: skip
MESSAGE = {
    "record": "desk:ticket:42", "at": "2026-03-02T14:21:00Z", "id": "a3", "event": "message", "actor": "user:3",
    "direction": "outbound", "channel": "email",
}  # fmt: skip


def read(**changes: object) -> Event:
    line = {**MESSAGE, **changes}
    return parse_line(json.dumps({key: value for key, value in line.items() if value is not ...}))


# ---- reading


def test_a_line_becomes_an_event() -> None:
    event = parse_line(json.dumps(CREATED))
    assert event == Event(
        record="desk:ticket:42", kind="ticket", at=1772460300000, id="a1", event="created", actor="customer:7",
        set={"status": "new", "priority": "high", "owner": "queue:Support"},
    )  # fmt: skip


def test_bytes_are_read_too() -> None:
    assert parse_line(json.dumps(CREATED).encode()) == parse_line(json.dumps(CREATED))


def test_a_message_is_public_and_written_by_hand_unless_told_otherwise() -> None:
    assert (read().public, read().automated) == (True, False)
    assert (read(public=False).public, read(automated=True).automated) == (False, True)


@pytest.mark.parametrize(
    "text",
    ["2026-03-02T14:21:00Z", "2026-03-02T15:21:00+01:00", "2026-03-02T09:21:00-05:00", "2026-03-02T14:21:00.000Z"],
)
def test_offsets_are_understood(text: str) -> None:
    assert read(at=text).at == 1772461260000


def test_milliseconds_are_kept() -> None:
    assert read(at="2026-03-02T14:21:00.123Z").at == 1772461260123


def test_the_other_instants_of_an_event() -> None:
    event = parse_line(json.dumps({
        "record": "desk:ticket:42", "at": "2026-03-03T09:00:00Z", "id": "x", "event": "excused",
        "from": "2026-03-02T14:00:00Z", "until": "2026-03-02T15:00:00Z", "reason": "fire drill", "by": "user:1",
        "seen": "2026-03-03T09:00:05Z",
    }))  # fmt: skip
    assert (event.from_at, event.until, event.seen) == (1772460000000, 1772463600000, 1772528405000)
    assert (event.reason, event.by) == ("fire drill", "user:1")


def test_an_event_without_an_id_is_known_by_its_line() -> None:
    first, second = read(id=...), read(id=...)
    assert first.id == second.id
    assert read(id=..., channel="chat").id != first.id
    shuffled = json.dumps(dict(reversed([(k, v) for k, v in MESSAGE.items() if k != "id"])))
    assert parse_line(shuffled).id == first.id


# ---- refusing

REFUSED = {
    "not JSON": ("{nothing", "JSON"),
    "a list": ("[1, 2]", "object"),
    "no record": (json.dumps({k: v for k, v in MESSAGE.items() if k != "record"}), "record"),
    "a record of two parts": (json.dumps({**MESSAGE, "record": "desk:42"}), "connection:kind:id"),
    "no time": (json.dumps({k: v for k, v in MESSAGE.items() if k != "at"}), "at"),
    "a time without an offset": (json.dumps({**MESSAGE, "at": "2026-03-02T14:21:00"}), "offset"),
    "a time that is none": (json.dumps({**MESSAGE, "at": "yesterday"}), "yesterday"),
    "a time that is a number": (json.dumps({**MESSAGE, "at": 1772461260}), "at"),
    "no event": (json.dumps({k: v for k, v in MESSAGE.items() if k != "event"}), "event"),
    "an unknown event": (json.dumps({**MESSAGE, "event": "telegram"}), "telegram"),
    "created without its kind": (json.dumps({k: v for k, v in CREATED.items() if k != "kind"}), "kind"),
    "an unknown kind": (json.dumps({**CREATED, "kind": "order"}), "order"),
    "an unknown actor": (json.dumps({**MESSAGE, "actor": "robot:1"}), "robot:1"),
    "an unknown direction": (json.dumps({**MESSAGE, "direction": "sideways"}), "sideways"),
    "an unknown activity": (json.dumps({**MESSAGE, "event": "activity", "activity": "dance"}), "dance"),
    "an unknown status": (json.dumps({**CREATED, "set": {"status": "Working"}}), "Working"),
    "an owner without a kind": (json.dumps({**CREATED, "set": {"owner": "maria"}}), "maria"),
    "fields that are none": (json.dumps({**CREATED, "set": ["status"]}), "set"),
    "public that is text": (json.dumps({**MESSAGE, "public": "yes"}), "public"),
    "a sequence that is text": (json.dumps({**MESSAGE, "seq": "first"}), "seq"),
}


@pytest.mark.parametrize(("line", "named"), REFUSED.values(), ids=REFUSED)
def test_a_bad_line_is_refused_with_the_reason(line: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_line(line)


def test_a_bad_line_is_reported_with_its_number_and_the_rest_is_read() -> None:
    bad: list[BadLine] = []
    lines = [json.dumps(CREATED), "", "{nothing", json.dumps(MESSAGE), json.dumps({**MESSAGE, "event": "telegram"})]
    assert [event.id for event in read_lines(lines, bad)] == ["a1", "a3"]
    assert [line.number for line in bad] == [3, 5]
    assert "telegram" in bad[1].reason


# ---- writing


def test_an_event_written_and_read_again_is_the_same() -> None:
    for line in (CREATED, MESSAGE, {**MESSAGE, "seq": 3, "public": False, "automated": True, "id": "z"}):
        event = parse_line(json.dumps(line))
        assert parse_line(json.dumps(event_to_line(event))) == event


def test_a_written_event_reads_like_the_format() -> None:
    assert event_to_line(parse_line(json.dumps(CREATED))) == CREATED
    assert event_to_line(parse_line(json.dumps(MESSAGE))) == MESSAGE


# ---- settling: which events count, in which order


def some(id: str, at: str, **more: object) -> Event:
    return Event(record="desk:ticket:42", id=id, at=parse_instant(at), event=str(more.pop("event", "changed")), **more)


NOON, LATER = "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z"
NOW = parse_instant("2026-03-03T00:00:00Z")


def test_events_count_in_source_time() -> None:
    assert [e.id for e in settle([some("b", LATER), some("a", NOON)], NOW)] == ["a", "b"]


def test_within_one_instant_the_order_of_ids_counts() -> None:
    assert [e.id for e in settle([some("b", NOON), some("a", NOON), some("c", NOON)], NOW)] == ["a", "b", "c"]


def test_within_one_instant_a_sequence_beats_the_order_of_ids() -> None:
    events = [some("a", NOON, seq=3), some("b", NOON, seq=1), some("c", NOON, seq=2)]
    assert [e.id for e in settle(events, NOW)] == ["b", "c", "a"]


def test_the_same_id_twice_is_one_event() -> None:
    assert len(settle([some("a", NOON), some("a", NOON), some("b", LATER), some("b", LATER)], NOW)) == 2


def test_what_comes_after_now_is_left_out() -> None:
    assert [e.id for e in settle([some("a", NOON), some("b", LATER)], parse_instant("2026-03-02T12:30:00Z"))] == ["a"]
    assert [e.id for e in settle([some("a", NOON)], parse_instant(NOON))] == ["a"]


def test_every_order_and_doubling_settles_the_same() -> None:
    events = [some("a", NOON, seq=2), some("b", NOON), some("c", LATER), some("d", LATER, seq=1)]
    expected = settle(events, NOW)
    assert all(settle(list(order) * 2, NOW) == expected for order in permutations(events))


def test_one_id_with_two_stories_settles_the_same_in_every_order() -> None:
    told, retold = some("a", NOON, set={"priority": "high"}), some("a", NOON, set={"priority": "low"})
    assert settle([told, retold], NOW) == settle([retold, told], NOW)


def test_names_of_records() -> None:
    assert record_name("acme", "lead", "00Q1") == "acme:lead:00Q1"
    assert split_record("acme:lead:a:b") == ("acme", "lead", "a:b")
    with pytest.raises(ValueError, match="connection:kind:id"):
        split_record("acme:lead")
