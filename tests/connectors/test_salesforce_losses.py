"""What is no longer there for us in Salesforce is told while reading, and nothing is misread for lack of it."""

from __future__ import annotations

from typing import Any


def told(connector: Any) -> list[tuple[str, str, str]]:
    return [(one.level, one.subject, one.message) for one in connector.losses()]


def read_all(connector: Any, cursors: dict[str, str] | None = None) -> dict[str, str]:
    """One round over all streams; the cursors after it."""
    after: dict[str, str] = {}
    for stream in connector.streams():
        page = connector.poll(stream.name, (cursors or {}).get(stream.name), 0)
        while page.more:
            page = connector.poll(stream.name, page.cursor, 0)
        after[stream.name] = page.cursor
    return after


def test_a_complete_org_has_no_losses_and_one_without_e_mails_neither(org: Any) -> None:
    acme = org.connect("country", fields={"tier": {"ticket": "Account.Name"}})
    read_all(acme)
    assert told(acme) == []
    org.remove_object("emailmessage")
    read_all(lean := org.connect())
    assert told(lean) == []


def test_a_configured_field_that_is_hidden_while_we_run_is_a_loss_until_it_is_back(org: Any) -> None:
    acme = org.connect("country")
    cursors = read_all(acme)
    org.setup(hide={"Lead": ["Country", "SLA_Status__c"]})
    cursors = read_all(acme, cursors)
    read_all(acme, cursors)
    assert told(acme) == [
        ("fail", "write.lead.sla_status", "Lead has no field SLA_Status__c, or we may not see it"),
        ("warn", "fields.country", "Lead has no Country, or we may not see it"),
    ]
    org.setup(show={"Lead": ["Country", "SLA_Status__c"]})
    org.emulator.clock.advance(3_601)
    read_all(acme, cursors)
    assert told(acme) == []


def test_a_field_that_nobody_named_is_a_loss_once_it_was_there(org: Any) -> None:
    org.setup(hide={"Case": ["Type"]})
    acme = org.connect()
    cursors = read_all(acme)
    org.setup(hide={"Case": ["Origin"]})
    cursors = read_all(acme, cursors)
    read_all(acme, cursors)
    assert told(acme) == [("warn", "Case.Origin", "Case no longer has Origin, or we may not see it")]


def test_an_object_that_is_taken_away_while_we_run_is_a_loss_after_a_restart_too(org: Any, acme: Any) -> None:
    cursors = read_all(acme)
    org.remove_object("emailmessage")
    cursors = read_all(acme, cursors)
    read_all(acme, cursors)
    loss = ("warn", "EmailMessage", "EmailMessage is no longer readable: e-mails of cases do not count as answers")
    assert told(acme) == [loss]
    read_all(again := org.connect(), cursors)
    assert told(again) == [loss]


def test_a_watched_object_that_was_never_there_is_a_loss(org: Any) -> None:
    org.remove_object("lead")
    read_all(acme := org.connect())
    assert told(acme) == [("fail", "Lead", "Lead is not there or not readable")]


def test_mails_of_which_nobody_tells_who_sent_them_are_not_read_as_our_answers(org: Any, drain: Any) -> None:
    case = org.create("Case")
    org.act("message", id=case)
    org.setup(hide={"EmailMessage": ["Incoming"]})
    acme = org.connect(answers=["EmailMessage"])
    assert drain(acme, "EmailMessage")[0] == []
    [mail] = [one for one in acme.check() if one.subject == "EmailMessage"]
    assert mail.message == "EmailMessage has no Incoming for us: e-mails of cases do not count as answers"
