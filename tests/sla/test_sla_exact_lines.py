"""What is said of a line that cannot be read, word for word; what a line may hold; and which event is which."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from sla.model import Event
from sla.timeline import BadLine, event_from_mapping, event_to_line, parse_line, read_lines, settle

LINE = {"record": "desk:ticket:1", "at": "1970-01-01T00:00:01Z", "id": "a", "event": "message", "actor": "user:3"}
BIRTH = {**LINE, "event": "created", "kind": "ticket"}
EVENTS = "created, changed, message, activity, merged, converted, disqualified, deleted, restored, excused, extended"
STATUSES = "new, open, pending, on_hold, resolved, closed, disqualified, converted"

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no record": ({"at": "x"}, "`record` is missing: it is connection:kind:id"),
    "a record that is a number": ({**LINE, "record": 5}, "`record` is missing: it is connection:kind:id"),
    "a record of two parts": ({**LINE, "record": "a:b"}, "a record is named connection:kind:id, not 'a:b'"),
    "a key that is nearly one": ({**LINE, "actr": 1}, "unknown key 'actr'; did you mean 'actor'?"),
    "a key that is like another from its middle on": (
        {**LINE, "untill": 1}, "unknown key 'untill'; did you mean 'until'?",
    ),
    "a key just near enough": ({**LINE, "actxyz": 1}, "unknown key 'actxyz'"),
    "a key like none": ({**LINE, "zzz": 1}, "unknown key 'zzz'"),
    "no time": ({"record": "a:b:c"}, "`at` is missing: the source time with an offset, such as 2026-03-02T14:05:00Z"),
    "a time of null": (
        {**LINE, "at": None}, "`at` is missing: the source time with an offset, such as 2026-03-02T14:05:00Z",
    ),
    "a time that is a number": ({**LINE, "at": 5}, "`at` is an ISO 8601 time, not 5"),
    "a time that is none": (
        {**LINE, "until": "soon"}, "`until`: 'soon' is not an ISO 8601 time such as 2026-03-02T14:05:00Z",
    ),
    "a time without an offset": (
        {**LINE, "seen": "2026-03-02T14:05:00"},
        "`seen`: '2026-03-02T14:05:00' has no offset; write 2026-03-02T14:05:00Z or +02:00",
    ),
    "a sequence that is text": ({**LINE, "seq": "1"}, "`seq` is a whole number, not '1'"),
    "a sequence that is a flag": ({**LINE, "seq": True}, "`seq` is a whole number, not True"),
    "fields that are a list": ({**LINE, "set": []}, "`set` is an object of fields, not []"),
    "a status that is none": (
        {**LINE, "set": {"status": "x"}}, f"status 'x' is no category; known: {STATUSES}",
    ),
    "an owner without a kind": (
        {**LINE, "set": {"owner": "maria"}}, "owner 'maria' is neither user:ID nor queue:ID nor null",
    ),
    "an owner that is a number": ({**LINE, "set": {"owner": 5}}, "owner 5 is neither user:ID nor queue:ID nor null"),
    "no event": ({k: v for k, v in LINE.items() if k != "event"}, f"`event` None is unknown; known: {EVENTS}"),
    "an unknown event": ({**LINE, "event": "fax"}, f"`event` 'fax' is unknown; known: {EVENTS}"),
    "a birth without a kind": ({**LINE, "event": "created"}, "`kind` is required on created: lead, ticket or deal"),
    "an unknown kind": ({**BIRTH, "kind": "order"}, "`kind` 'order' is unknown; known: lead, ticket, deal"),
    "an unknown activity": (
        {**LINE, "activity": "dance"}, "`activity` 'dance' is unknown; known: call, email, meeting, task, note",
    ),
    "an unknown direction": (
        {**LINE, "direction": "up"}, "`direction` 'up' is unknown; known: inbound, outbound",
    ),
    "an unknown actor": (
        {**LINE, "actor": "robot:1"},
        "actor 'robot:1' is unknown; write one of user:ID, customer:ID, bot:ID, workflow:ID, system:ID",
    ),
    **{
        f"{key} that is a number": ({**LINE, key: 5}, f"`{key}` is text, not 5")
        for key in ("id", "event", "kind", "actor", "direction", "channel", "activity", "outcome", "into", "reason",
                    "by", "target")
    },
    **{f"{key} that is text": ({**LINE, key: "no"}, f"`{key}` is true or false, not 'no'")
       for key in ("public", "automated")},
}  # fmt: skip


@pytest.mark.parametrize(("line", "message"), REFUSED.values(), ids=REFUSED)
def test_a_line_that_cannot_be_read_is_refused_in_these_words(line: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$") as caught:
        event_from_mapping(line)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "a line is one JSON object"),
        ("{", "not JSON: Input data was truncated"),
        (b'{"a": "\xff"}', None),
    ],
)
def test_what_is_no_json_object_is_refused(text: str | bytes, message: str | None) -> None:
    with pytest.raises(ValueError, match=r"^(not JSON: |a line is)") as caught:
        parse_line(text)
    assert message is None or str(caught.value) == message


def test_a_bad_line_is_told_with_its_number_and_its_whole_reason() -> None:
    bad: list[BadLine] = []
    lines = ["[1]", "  ", json.dumps(LINE), "[2]", json.dumps({**LINE, "id": "b"})]
    assert [event.id for event in read_lines(lines, bad)] == ["a", "b"]
    assert bad == [BadLine(1, "a line is one JSON object"), BadLine(4, "a line is one JSON object")]


FULL = {
    "record": "desk:ticket:1", "kind": "ticket", "at": "1970-01-01T00:00:01Z", "id": "a", "seq": 0,
    "seen": "1970-01-01T00:00:02Z", "event": "activity", "actor": "bot:1",
    "set": {"status": "open", "owner": "queue:x"},
    "direction": "inbound", "public": False, "automated": True, "channel": "email", "activity": "call",
    "outcome": "busy", "into": "desk:ticket:2", "from": "1970-01-01T00:00:03Z", "until": "1970-01-01T00:00:04Z",
    "reason": "why", "by": "user:9", "target": "resolution",
}  # fmt: skip


def test_every_key_of_the_format_has_its_place() -> None:
    event = event_from_mapping(FULL)
    assert event == Event(
        record="desk:ticket:1", kind="ticket", at=1000, id="a", seq=0, seen=2000, event="activity", actor="bot:1",
        set={"status": "open", "owner": "queue:x"}, direction="inbound", public=False, automated=True, channel="email",
        activity="call", outcome="busy", into="desk:ticket:2", from_at=3000, until=4000, reason="why", by="user:9",
        target="resolution",
    )  # fmt: skip
    assert event_to_line(event) == FULL
    assert list(event_to_line(event)) == list(FULL)


def test_null_is_as_good_as_left_out() -> None:
    nulls = dict.fromkeys(key for key in FULL if key not in ("record", "at", "event", "id", "actor"))
    assert event_from_mapping({**LINE, **nulls}) == event_from_mapping(LINE)
    assert event_from_mapping({**LINE, "set": {"status": None, "owner": None}}).set == {"status": None, "owner": None}
    assert event_from_mapping({**LINE, "actor": None}).actor is None


def test_fields_of_nothing_are_not_left_out() -> None:
    event = event_from_mapping({**LINE, "set": {}})
    assert event.set == {}
    assert event_to_line(event)["set"] == {}


def test_a_line_without_an_id_is_named_by_its_content_in_sorted_order() -> None:
    line = {"record": "a:ticket:1", "event": "message", "at": "1970-01-01T00:00:01Z"}
    text = '{"at":"1970-01-01T00:00:01Z","event":"message","record":"a:ticket:1"}'
    assert event_from_mapping(line).id == "line:" + hashlib.sha256(text.encode()).hexdigest()[:32]
    assert event_from_mapping({**line, "id": ""}).id == ""


@pytest.mark.parametrize("actor", ["user", "user:1", "customer:a:b", "bot:", "workflow:1", "system:1"])
def test_an_actor_is_known_by_what_stands_before_the_first_colon(actor: str) -> None:
    assert event_from_mapping({**LINE, "actor": actor}).actor == actor


# ---- settling


def some(id: str, at: int, word: str = "changed", **more: Any) -> Event:
    return Event(record="desk:ticket:1", id=id, at=at, event=word, **more)


def ids(events: list[Event], now: int = 100) -> list[str]:
    return [event.id for event in settle(events, now)]


def test_a_creation_comes_before_everything_else_of_its_instant() -> None:
    assert ids([some("a", 5, seq=-1), some("z", 5, "created", seq=9), some("b", 4)]) == ["b", "z", "a"]


def test_no_sequence_is_the_sequence_nought() -> None:
    assert ids([some("a", 5, seq=1), some("b", 5), some("c", 5, seq=-1), some("d", 5, seq=0)]) == ["c", "b", "d", "a"]


def test_the_last_instant_counts_and_the_next_does_not() -> None:
    assert ids([some("a", 100), some("b", 101), some("c", 99)]) == ["c", "a"]
    assert (ids([some("a", 100)]), ids([some("a", 101)])) == (["a"], [])
    assert settle([], 100) == []


def test_of_one_id_at_two_instants_the_first_counts() -> None:
    assert [(e.id, e.at) for e in settle([some("a", 7), some("b", 6), some("a", 5)], 100)] == [("a", 5), ("b", 6)]


def test_of_two_stories_of_one_instant_the_smaller_text_counts() -> None:
    one, two = some("a", 5, actor="user:1"), some("a", 5, actor="user:2")
    assert settle([two, one], 100) == settle([one, two], 100) == [one]
    # The smaller text may belong elsewhere in the order of its instant, which is then made anew.
    first, last = some("a", 5, seq=1, actor="user:2"), some("a", 5, actor="user:3", seq=9)
    assert settle([last, first, some("b", 5, seq=4)], 100) == [first, some("b", 5, seq=4)]
    early, late = some("a", 5, seq=1), some("a", 5, seq=9, kind="ticket")
    assert settle([early, late, some("b", 5, seq=4)], 100) == [some("b", 5, seq=4), late]


def test_a_creation_without_fields_takes_those_of_the_first_snapshot() -> None:
    birth = some("a", 1, "created", kind="ticket")
    seen = some("b", 1, set={"status": "open", "raw_status": "Open", "tier": "x"}, snapshot=True)
    later = some("c", 9, set={"status": "open", "raw_status": "Open", "tier": "y"}, snapshot=True)
    assert settle([seen, birth, later], 100)[0].set == {"status": "open", "raw_status": "Open", "tier": "x"}
    # Seen later it may have changed since: it began as new, and the CRM's own word for that is not known.
    assert settle([later, birth], 100)[0].set == {"tier": "y", "status": "new"}
    assert settle([later, birth], 100)[1] == later
    # What changed in between began as it was, where the source tells; else nobody knows.
    assert settle([birth, some("b", 2, set={"tier": "z"}), later], 100)[0].set == {"status": "new"}
    moved = some("b", 2, set={"tier": "z", "status": "open"}, was={"tier": "w"})
    again = some("d", 3, set={"tier": "v"}, was={"tier": "z"})
    assert settle([birth, moved, again, later], 100)[0].set == {"tier": "w", "status": "new"}
    known = some("b", 2, set={"status": "pending"}, was={"status": "open", "raw_status": "Open"})
    assert settle([birth, known, later], 100)[0].set == {"tier": "y", "status": "open"}
    assert settle([birth, some("b", 2, set={}, snapshot=True), later], 100)[0].set == {"tier": "y", "status": "new"}
    assert settle([birth, some("b", 2, set={"tier": "z"})], 100)[0].set is None


def test_a_creation_with_fields_keeps_its_own_and_only_the_first_without_takes_some() -> None:
    told = some("a", 1, "created", kind="lead", set={"tier": "own"})
    seen = some("s", 5, set={"tier": "seen"}, snapshot=True)
    again = some("b", 7, "created", kind="lead")
    assert [e.set for e in settle([told, seen], 100)] == [{"tier": "own"}, {"tier": "seen"}]
    assert [e.set for e in settle([told, seen, again], 100)] == [
        {"tier": "own"}, {"tier": "seen"}, {"tier": "seen", "status": "new"},
    ]  # fmt: skip
    twice = [some("a", 1, "created", kind="lead", set={}), again, seen]
    assert [e.set for e in settle(twice, 100)] == [{"tier": "seen", "status": "new"}, {"tier": "seen"}, None]
