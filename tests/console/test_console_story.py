"""What the demo tells: the five things it is for, in words, and no more of each than anybody reads."""

from console.story import CHAPTERS, Story
from sync.view import LedgerRow

NOW = 1_772_460_300_000
LEAD, TICKET = "practice-salesforce:lead:00Q1", "practice-hubspot:ticket:42"


def write(record, action, **body):
    return LedgerRow(1, NOW, "write", record, {"key": "k", "action": action, "body": body})


def fields(record, **values):
    return write(record, "fields", values=values)


def test_the_five_things_are_told_as_they_happen():
    story = Story(lambda record: "Ada" if record == LEAD else None)
    rows = [
        fields(LEAD, sla_due=NOW, sla_status="running"),
        write(LEAD, "task", subject="Call Ada now", owner="user:5"),
        write(LEAD, "owner", pool="inside-sales", owner="user:7"),
        fields(TICKET, sla_due=None, sla_status="paused"),
        fields(TICKET, sla_due=NOW, sla_status="running"),
    ]
    assert list(story.lines(rows)) == [
        "14:05  Ada (salesforce lead 00Q1): due 14:05, written into the CRM",
        f"       ✓ {CHAPTERS['due']}",
        "14:05  Ada (salesforce lead 00Q1): task for user 5 - “Call Ada now”",
        f"       ✓ {CHAPTERS['task']}",
        "14:05  Ada (salesforce lead 00Q1): overdue, now belongs to user 7",
        f"       ✓ {CHAPTERS['reassigned']}",
        "14:05  hubspot ticket 42: waits for the customer, its clock is paused",
        f"       ✓ {CHAPTERS['paused']}",
        "14:05  hubspot ticket 42: the customer has answered, its clock runs again",
        f"       ✓ {CHAPTERS['resumed']}",
    ]
    assert story.complete


def test_what_happens_all_the_time_is_told_a_few_times_only():
    story = Story(lambda record: None)
    lines = list(story.lines([fields(f"a:lead:{n}", sla_due=NOW) for n in range(50)]))
    assert len(lines) == 3
    assert not story.complete


def test_only_what_was_written_is_told():
    story = Story(lambda record: None)
    assert list(story.lines([LedgerRow(1, NOW, "step", LEAD, {}), LedgerRow(2, NOW, "alarm", None, {})])) == []
