"""What steps name elsewhere is found when the file is read: everything at once, with line, column and nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.configuration import ConfigurationError, load, missing_secrets

FILE = """\
[calendars.office]
timezone = "UTC"
hours = "09:00-17:00"

[connections.acme]
connector = "salesforce"
domain = "acme.my"
client_id = "id"
client_secret = "env:SF_SECRET"
ACME

[connections.desk]
connector = "hubspot"
access_token = "env:HS_TOKEN"
objects = ["tickets"]
DESK

[pools.inside-sales]
members = ["maria@acme.test"]

[webhooks.pager]
url = "https://hooks.acme.test/sla"
secret = "env:PAGER"

[[policies]]
name = "Support"
applies_to = "KIND"
calendar = "office"
[[policies.targets]]
metric = "first_response"
within = "4h"
steps = [
  STEP
]
"""


def complaints(
    folder: Path, *steps: str, kind: str = "ticket", acme: str = "", desk: str = "", old: str = "", new: str = ""
) -> list[str]:
    """What is wrong, each as ``line:column: what``."""
    text = FILE.replace("STEP", ",\n  ".join(steps)).replace("KIND", kind).replace("ACME", acme).replace("DESK", desk)
    path = folder / "config.toml"
    path.write_text(text.replace(old, new) if old else text)
    try:
        load(path)
    except ConfigurationError as error:
        return [f"{p.line}:{p.column}: {p.message}" + (f" [{p.hint}]" if p.hint else "") for p in error.problems]
    return []


SOUND = '{ at = "due", notify = "owner" }'


def test_a_sound_ladder_is_sound(tmp_path: Path) -> None:
    steps = (
        SOUND,
        '{ at = "+1h", notify = "inside-sales", reassign = "next", webhook = "pager" }',
        '{ at = "+2h", notify = "li@acme.test", reassign = "manager" }',
        '{ at = "+3h", notify = "queue:Night", reassign = "queue:Night" }',
        '{ at = "+4h", notify = "user:5", reassign = "user:5", comment = "x", task = "y" }',
    )
    assert complaints(tmp_path, *steps) == []


def test_everything_that_is_unknown_is_told_at_once(tmp_path: Path) -> None:
    found = complaints(
        tmp_path,
        '{ at = "50%", notify = "ownr", webhook = "pagr" }',
        '{ at = "75%", reassign = "inside-sale", hours = "offic" }',
        '{ at = "due", notfy = "owner", priority = "hihg" }',
    )
    assert found == [
        "33:26: nobody is called 'ownr': name a role, a pool, a person or a queue [did you mean \"owner\"?]",
        "33:44: there is no webhook 'pagr': give it a table [webhooks.pagr] [did you mean \"pager\"?]",
        "34:28: there is no pool 'inside-sale' [did you mean \"inside-sales\"?]",
        "34:51: there is no calendar 'offic' [did you mean \"office\"?]",
        "35:17: unknown key 'notfy' [did you mean \"notify\"?]",
        '35:45: `priority` is "raise" or one of urgent, high, normal, low, not \'hihg\' [did you mean "high"?]',
    ]


def test_the_next_of_no_pool(tmp_path: Path) -> None:
    pool = '[pools.inside-sales]\nmembers = ["maria@acme.test"]\n'
    (found,) = complaints(tmp_path, '{ at = "due", reassign = "next" }', old=pool, new="")
    assert found.endswith('"next" is the next one of a pool, and there is none: give it a table [pools.NAME]')


def test_what_a_connection_cannot_do(tmp_path: Path) -> None:
    assert complaints(tmp_path, '{ at = "due", tag = "late" }') == [
        "33:23: connection 'acme' cannot do this for a ticket: name the field that holds its tags, such as"
        ' tags.ticket = "SLA_Tags__c"',
        "33:23: connection 'desk' cannot do this for a ticket: name the field that holds its tags, such as"
        ' tags.ticket = "SLA_Tags__c"',
    ]
    named = {"acme": 'tags.ticket = "SLA_Tags__c"', "desk": 'tags.ticket = "sla_tags"'}
    assert complaints(tmp_path, '{ at = "due", tag = "late" }', **named) == []
    raised = '{ at = "due", priority = "raise" }'
    assert complaints(tmp_path, raised) == []
    assert complaints(tmp_path, raised, kind="lead") == [
        "33:28: connection 'acme' cannot do this for a lead: leads have no priority of their own; name a field for it,"
        ' such as fields.priority = "Rating"'
    ]
    assert complaints(tmp_path, raised, kind="lead", acme='fields.priority = "Rating"') == []
    assert complaints(tmp_path, '{ at = "due", message = "Hello" }') == [
        "33:27: connection 'desk' cannot do this for a ticket: name the user who sends, by the owner id of one who"
        ' answers nobody else, such as sender = "77"'
    ]
    assert complaints(tmp_path, '{ at = "due", message = "Hello" }', desk='sender = "77"') == []
    assert complaints(tmp_path, '{ at = "due", message = "Hello" }', kind="lead") == [
        "33:27: connection 'acme' cannot do this for a lead: Salesforce shows its customers comments of cases, and"
        " nothing of a lead"
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('url = "https', 'url = "http', "plain http is allowed only to this machine (127.0.0.1); use https"),
        ('url = "https://', 'url = "https://me:pw@', "a URL carries no user name or password"),
        ('url = "https://hooks.acme.test/sla"', 'url = "hooks"', 'a URL reads "https://host/path"'),
        ('url = "https://hooks.acme.test/sla"\n', "", "'url' is missing"),
        ('secret = "env:PAGER"', "", "'secret' is missing"),
        ('secret = "env:PAGER"', 'secret = "hunter2"', "a secret does not belong in this file"),
        ('secret = "env:PAGER"', 'secret = "env:PAGER"\ntimeout = "5m"', 'must lie between "1s" and "1m"'),
        ('secret = "env:PAGER"', 'secret = "env:PAGER"\ntimout = "5s"', "unknown key 'timout'"),
    ],
)
def test_a_webhook_that_cannot_be_called(tmp_path: Path, old: str, new: str, told: str) -> None:
    (found,) = complaints(tmp_path, SOUND, old=old, new=new)
    assert told in found
    assert "hunter2" not in found
    assert "pw@" not in found


def test_a_secret_of_a_webhook_is_looked_for_by_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SF_SECRET", "HS_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.delenv("PAGER", raising=False)
    assert complaints(tmp_path, SOUND) == []
    (missing,) = missing_secrets(load(tmp_path / "config.toml"))
    assert (missing.path, missing.message) == (
        ("webhooks", "pager", "secret"),
        "the environment variable PAGER is not set",
    )
