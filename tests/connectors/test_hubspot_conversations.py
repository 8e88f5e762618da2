"""Conversations as answers: who said what, what it costs, and nothing counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hubspot_samples.desk import Desk, order

from connectors.errors import Rejected
from connectors.hubspot import names
from connectors.hubspot.conversing import normalise
from connectors.hubspot.mapping import Mapper
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.shapes import ENCODER, Envelope
from connectors.hubspot.thread_shapes import SAID
from connectors.secret import Secret
from emulators.hubspot import threads_api
from sla.model import Event

MINUTE = 60
HOUR = 60 * MINUTE
THREADS = "GET /conversations/conversations/2026-09/threads"
MESSAGES = "GET /conversations/conversations/2026-09/threads/{id}/messages"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Desk(answers=["emails", "calls", "conversations"]) as desk:
        yield desk


def say(desk: Desk, ticket: str, **more: Any) -> None:
    desk.pass_time(1)
    desk.act("chat", object="tickets", id=ticket, **more)


def heard(desk: Desk, cursor: str | None = None, since: int = 0) -> tuple[list[Event], str]:
    changes, after = desk.poll("conversations", cursor, since)
    return desk.events(changes), after


def test_a_chat_is_told_message_by_message_with_who_said_it(desk: Desk) -> None:
    ticket = desk.ticket()
    say(desk, ticket, actor="visitor", text="It burns")
    say(desk, ticket, actor="bot", type="WELCOME_MESSAGE", text="Hello!")
    say(desk, ticket, actor="system", text="We got it")
    say(desk, ticket, actor="agent", by="Sam", type="COMMENT", text="Again!")
    say(desk, ticket, type="ASSIGNMENT", actor="system")
    say(desk, ticket, actor="agent", by="Sam", text="On it")
    events, _ = heard(desk)
    sam = f"user:{desk.owner('Sam')}"
    assert {event.record for event in events} == {f"acme:ticket:{ticket}"}
    assert [(event.direction, event.actor, event.public, event.automated) for event in events] == [
        ("inbound", "customer:unknown", True, False),
        ("outbound", "bot:hubspot", True, True),
        ("outbound", "bot:hubspot", True, True),
        ("outbound", sam, False, False),
        ("outbound", sam, True, False),
    ]
    assert {event.channel for event in events if event.public} == {"email"}


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
def test_every_api_version_hears_the_same(desk: Desk, version: str) -> None:
    desk.connector = desk.connect(api_version=version)
    say(desk, desk.ticket(), text="Hello?")
    assert [event.direction for event in heard(desk)[0]] == ["inbound"]


@pytest.mark.parametrize(
    ("order", "who"),
    [({"actor": "integration"}, "system:integration"), ({"actor": "llm"}, "bot:hubspot"),
     ({"actor": "bot"}, "bot:hubspot")],
)  # fmt: skip
def test_what_is_no_agents_word_is_no_persons(desk: Desk, order: dict[str, str], who: str) -> None:
    ticket = desk.ticket()
    say(desk, ticket, **order)
    (event,), _ = heard(desk)
    assert event.actor == who


def test_a_message_that_failed_reached_nobody(desk: Desk) -> None:
    ticket = desk.ticket()
    say(desk, ticket, actor="agent", by="Sam", status="FAILED")
    assert heard(desk)[0] == []


def test_our_own_reply_is_ours(desk: Desk) -> None:
    desk.connector = desk.connect(sender=desk.owner("Jo"))
    ticket = desk.ticket()
    say(desk, ticket, text="Hello?")
    desk.connector.write([order("message", f"acme:ticket:{ticket}", subject="We are on it")])
    assert [event.actor for event in heard(desk)[0]] == ["customer:unknown", "system:sla-sidecar"]


def test_no_word_of_what_was_said_is_kept(desk: Desk) -> None:
    ticket = desk.ticket()
    say(desk, ticket, text="My password is swordfish")
    changes, _ = desk.poll("conversations")
    assert b"swordfish" not in changes[0].payload
    assert b"Printer" not in changes[0].payload


# ---- nothing twice


def test_an_email_of_a_conversation_counts_once(desk: Desk) -> None:
    contact = desk.contact()
    ticket = desk.act("create", object="tickets", fields={"subject": "x"},
                      associations=[{"object": "contacts", "id": contact}])["id"]  # fmt: skip
    desk.act("message", object="tickets", id=ticket, text="Help")
    desk.pass_time(MINUTE)
    desk.act("message", object="tickets", id=ticket, text="On it", direction="outbound", by="Sam")
    events = [event for stream in desk.connector.streams() for event in desk.events(desk.poll(stream.name)[0])]
    said = [event for event in events if event.event == "message"]
    assert sorted((event.record.split(":")[1], event.direction, event.id[:5]) for event in said) == [
        ("lead", "inbound", "said:"), ("lead", "outbound", "said:"),
        ("ticket", "inbound", "said:"), ("ticket", "outbound", "said:"),
    ]  # fmt: skip
    assert {event.actor for event in said if event.direction == "inbound"} == {f"customer:{contact}"}


def test_an_email_that_was_written_beside_the_conversation_still_counts(desk: Desk) -> None:
    contact = desk.contact()
    desk.act("message", object="contacts", id=contact, text="Hello", direction="outbound", by="Li")
    (event,) = desk.events(desk.poll("emails")[0])
    assert (event.record, event.direction) == (f"acme:lead:{contact}", "outbound")


def test_what_a_ticket_said_before_conversations_were_read_is_told_by_the_ticket(desk: Desk) -> None:
    ticket = desk.ticket()
    say(desk, ticket, text="Hello?")
    desk.pass_time(MINUTE)
    say(desk, ticket, actor="agent", by="Sam", text="Hello!")
    desk.pass_time(HOUR)
    since = desk.now
    changes, _ = desk.poll("tickets", since=since)
    told = [event for event in desk.events(changes) if event.event == "message"]
    assert sorted(event.id.partition(":")[0] for event in told) == ["in", "out"]
    assert heard(desk, since=since)[0] == []


# ---- what it costs


def test_an_idle_poll_is_one_call(desk: Desk) -> None:
    for _ in range(3):
        say(desk, desk.ticket(), text="Hello?")
    _, cursor = heard(desk)
    for _ in range(5):
        desk.pass_time(MINUTE)
        desk.calls()
        events, cursor = heard(desk, cursor)
        assert (events, desk.calls()) == ([], {THREADS: 1})


def test_only_threads_with_news_have_their_messages_read(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(4)]
    for ticket in tickets:
        say(desk, ticket, text="Hello?")
    _, cursor = heard(desk)
    desk.pass_time(5 * MINUTE)
    say(desk, tickets[2], text="Anybody there?")
    desk.calls()
    events, _ = heard(desk, cursor)
    assert {event.record for event in events} == {f"acme:ticket:{tickets[2]}"}
    assert desk.calls() == {THREADS: 1, MESSAGES: 1}


def test_threads_of_nothing_that_is_watched_and_spam_cost_nothing(desk: Desk) -> None:
    desk.connector = desk.connect(objects=("tickets",), write={})
    desk.act("chat", object="contacts", id=desk.contact(), text="Hello?")
    desk.calls()
    assert heard(desk)[0] == []
    assert MESSAGES not in desk.calls()


def test_threads_and_messages_come_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "THREADS_LIMIT", 2)
    monkeypatch.setattr(names, "MESSAGES_LIMIT", 2)
    tickets = [desk.ticket() for _ in range(5)]
    for number in range(3):
        for ticket in tickets:
            say(desk, ticket, text=f"{number}")
    events, _ = heard(desk)
    assert len({event.id for event in events}) == len(events) == 15


def test_a_page_token_that_hubspot_forgot_begins_the_window_anew(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "THREADS_LIMIT", 2)
    for _ in range(5):
        say(desk, desk.ticket(), text="Hello?")
    first = desk.connector.poll("conversations", None, 0)
    assert first.more
    forgotten = first.cursor.replace('"after":"', '"after":"x')
    desk.connector = desk.connect()
    changes, _ = desk.poll("conversations", forgotten)
    assert len({change.key for change in changes}) == 5


def test_a_daemon_that_is_killed_between_pages_goes_on_where_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "THREADS_LIMIT", 2)
    for _ in range(5):
        say(desk, desk.ticket(), text="Hello?")
    keys, cursor, more = [], None, True
    while more:
        desk.connector = desk.connect()
        page = desk.connector.poll("conversations", cursor, 0)
        keys += [change.key for change in page.changes]
        cursor, more = page.cursor, page.more
    assert len(set(keys)) == len(keys) == 5


def test_a_page_that_was_not_kept_has_its_messages_read_again(desk: Desk) -> None:
    _, cursor = heard(desk)
    say(desk, desk.ticket(), text="Hello?")
    assert len(desk.connector.poll("conversations", cursor, 0).changes) == 1
    assert len(desk.connector.poll("conversations", cursor, 0).changes) == 1


def test_a_record_is_read_with_what_was_said_a_moment_ago(desk: Desk) -> None:
    tickets = [desk.ticket() for _ in range(3)]
    heard(desk)
    desk.pass_time(10 * MINUTE)
    for ticket in tickets:
        say(desk, ticket, actor="agent", by="Sam", text="On it")
    desk.calls()
    events = desk.events(desk.connector.read([f"acme:ticket:{tickets[0]}"]))
    said = [event for event in events if event.id.startswith("said:")]
    assert [event.record for event in said] == [f"acme:ticket:{tickets[0]}"]
    calls = desk.calls()
    assert (calls[THREADS], calls[MESSAGES]) == (1, 1)


def test_a_contacts_chat_belongs_to_its_leads(desk: Desk) -> None:
    contact = desk.contact()
    lead = desk.act("create", object="leads", fields={"hs_lead_name": "Byron"}, stage="new",
                    associations=[{"object": "contacts", "id": contact}], by="Maria")["id"]  # fmt: skip
    desk.connector = desk.connect(objects=("leads", "tickets"), write={})
    desk.act("chat", object="contacts", id=contact, actor="agent", by="Li", text="Hello")
    (event,), _ = heard(desk)
    assert (event.record, event.actor) == (f"acme:lead:{lead}", f"user:{desk.owner('Li')}")


def test_an_answer_that_was_still_being_sent_counts_once_it_is_sent(desk: Desk) -> None:
    ticket = desk.ticket()
    say(desk, ticket, text="Hello?")
    said = desk.act("chat", object="tickets", id=ticket, actor="agent", by="Sam", status="SENDING", text="On it")
    events, cursor = heard(desk)
    assert [event.direction for event in events] == ["inbound"]
    desk.emulator.portal.threads.all[said["thread"]].messages[-1].status = "SENT"
    desk.pass_time(30)
    events, cursor = heard(desk, cursor)
    assert [event.actor for event in events if event.direction == "outbound"] == [f"user:{desk.owner('Sam')}"]
    desk.pass_time(30)
    desk.calls()
    heard(desk, cursor)
    assert desk.calls() == {THREADS: 1}


def test_page_tokens_that_are_refused_again_and_again_end_in_an_error_and_not_in_a_circle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "THREADS_LIMIT", 2)
    for _ in range(5):
        say(desk, desk.ticket(), text="Hello?")
    tokens = count()
    monkeypatch.setattr(threads_api, "_token", lambda _: f"never known again {next(tokens)}")
    with pytest.raises(Rejected):
        heard(desk)
    assert desk.calls()[THREADS] == 4
    monkeypatch.undo()
    assert len(heard(desk)[0]) == 5


def test_page_tokens_that_are_refused_again_and_again_hold_up_no_reading_of_a_record(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "THREADS_LIMIT", 2)
    tickets = [desk.ticket() for _ in range(5)]
    for ticket in tickets:
        say(desk, ticket, text="Hello?")
    tokens = count()
    monkeypatch.setattr(threads_api, "_token", lambda _: f"never known again {next(tokens)}")
    events = desk.events(desk.connector.read([f"acme:ticket:{tickets[0]}"]))
    assert [event.record for event in events if event.id.startswith("said:")] == [f"acme:ticket:{tickets[0]}"]
    assert desk.calls()[THREADS] == 2


def test_a_first_contact_reads_no_conversation_of_the_time_before(desk: Desk) -> None:
    for _ in range(3):
        say(desk, desk.ticket(), text="Hello?")
    desk.pass_time(HOUR)
    desk.calls()
    assert heard(desk, since=desk.now)[0] == []
    calls = desk.calls()
    assert (calls[THREADS], calls.get(MESSAGES, 0)) == (1, 0)


def test_a_portal_without_leads_still_hears_its_tickets(desk: Desk) -> None:
    desk.fault("status:404", "*/leads/*")
    desk.connector = desk.connect(objects=("leads", "tickets"), write={})
    contact = desk.contact()
    ticket = desk.act("create", object="tickets", fields={"subject": "x"},
                      associations=[{"object": "contacts", "id": contact}])["id"]  # fmt: skip
    say(desk, ticket, text="Hello?")
    desk.poll("leads")
    assert [event.record for event in heard(desk)[0]] == [f"acme:ticket:{ticket}"]


# ---- what a message means, without any HubSpot

MAPPER = Mapper(
    "acme",
    HubSpotSettings.model_validate({"connector": "hubspot", "access_token": Secret("x"), "answers": ["conversations"]}),
    frozenset(),
)


def meaning(owner: str | None = "user:5", app: str | None = None, **said: Any) -> list[tuple[str | None, str | None]]:
    told = {"id": "9", "createdAt": "2026-03-02T14:05:00Z", "direction": "OUTGOING", "createdBy": "A-1",
            "client": {"clientType": "HUBSPOT"}, **said}  # fmt: skip
    raw = msgspec.Raw(ENCODER.encode(SAID.decode(ENCODER.encode(told))))
    envelope = Envelope(raw, owner=owner, parents=[("tickets", "7")], app=app)
    return [(event.direction, event.actor) for event in normalise(MAPPER, ENCODER.encode(envelope)).events]


@pytest.mark.parametrize(
    ("said", "who"),
    [({}, "user:5"),
     ({"createdBy": "B-1"}, "bot:hubspot"), ({"createdBy": "S-1"}, "bot:hubspot"),
     ({"createdBy": "L-1"}, "bot:hubspot"),
     ({"createdBy": "I-1"}, "system:integration"), ({"createdBy": "Q-1"}, "system:hubspot"),
     ({"createdBy": None}, "system:hubspot"),
     ({"client": {"clientType": "SYSTEM"}}, "bot:hubspot"), ({"type": "WELCOME_MESSAGE"}, "bot:hubspot"),
     ({"client": {"clientType": "INTEGRATION", "integrationAppId": 77}}, "system:integration"),
     ({"client": {"clientType": "INTEGRATION", "integrationAppId": 42}}, "system:sla-sidecar")],
)  # fmt: skip
def test_an_outgoing_message_is_a_persons_only_from_an_agents_hand(said: dict[str, Any], who: str) -> None:
    assert meaning(app="42", **said) == [("outbound", who)]


def test_an_agent_who_cannot_own_records_is_still_a_person() -> None:
    assert meaning(owner=None) == [("outbound", None)]


@pytest.mark.parametrize("status", ["FAILED", "SENDING"])
def test_a_message_that_is_not_sent_says_nothing(status: str) -> None:
    assert meaning(status={"statusType": status}) == []


@pytest.mark.parametrize("sort", ["ASSIGNMENT", "THREAD_STATUS_CHANGE", "THREAD_INBOX_CHANGE", "SOMETHING_NEW"])
def test_what_is_no_message_says_nothing(sort: str) -> None:
    assert meaning(type=sort) == []


def test_an_incoming_message_is_the_customers_whoever_hubspot_names() -> None:
    assert meaning(direction="INCOMING", createdBy="E-1") == [("inbound", "customer:unknown")]
