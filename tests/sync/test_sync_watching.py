"""Watches as the daemon keeps them: noticed once, whatever happens to the daemon, and told with every record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene
from test_sync_steps_webhook import SECRET, Receiver

from connectors.base import WriteBack
from sla.model import Event
from sync import migrations, timeline
from sync.configuration import load
from sync.configuration_error import ConfigurationError
from sync.configuration_webhook import WebhookEntry
from sync.policy_book import PolicyBook
from sync.retrospect import Looked, look
from sync.store import Store, Transaction

HOUR = 60 * MINUTE
PLAIN = LEADS[: LEADS.index("steps = [")]
REPEATED = (
    PLAIN
    + """
[[watches]]
name = "Same customer again"
target = "first_response"
breaches = { by = "customer", count = 3, within = "7d" }
notify = "manager"
task = "Speak to {watch.key} about {record.name}"
"""
)
BACKLOG = (
    PLAIN
    + """
[[watches]]
name = "Queue grows"
backlog = { by = "queue", over = "1h", growth = "50%", at_least = 4 }
notify = "manager"
"""
)
BY_POLICY = BACKLOG.replace('by = "queue"', 'by = "policy"')


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def _lead(scene: Scene, name: str, customer: str = "Acme", **fields: Any) -> None:
    scene.crm.create("lead", name, name=f"Lead {name}", customer=customer, owner="user:cem", **fields)


def _watch_rows(scene: Scene) -> list[tuple[str | None, str, str]]:
    return [(row.record, row.body["key"], row.body["decision"]) for row in scene.view().ledger(what="watch")]


def _notices(scene: Scene) -> list[str]:
    return [row.body["text"] for row in scene.view().ledger(what="notice")]


def _three_breaches(scene: Scene) -> None:
    for name in ("1", "2", "3"):
        _lead(scene, name)
        scene.round(10)
    scene.minutes(60, step=5)


# ---- repeated breaches


def test_three_breaches_of_one_customer_are_noted_with_each_record_and_acted_on_once(
    staged: Callable[..., Scene],
) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    assert _watch_rows(scene) == [(f"crm:lead:{n}", "Acme", "fired") for n in (1, 2, 3)]
    assert _notices(scene) == ["Same customer again: Acme: 3 breaches within 7d"]
    (task,) = scene.effects("task")
    assert task[1] == "lead:3"
    assert task[2]["subject"] == "Speak to Acme about Lead 3"
    assert task[2]["owner"] == "user:cem"
    assert scene.view().ledger(what="watch")[0].body == {
        "watch": "Same customer again",
        "by": "customer",
        "key": "Acme",
        "begin_at": MONDAY_NINE + 80 * MINUTE,
        "reason": "3 breaches within 7d",
        "size": 3,
        "evidence": [
            {"at": MONDAY_NINE + minute * MINUTE, "record": f"crm:lead:{n}", "target": "first_response"}
            for n, minute in ((1, 60), (2, 70), (3, 80))
        ],
        "decision": "fired",
        "why_not": None,
    }


def test_the_record_shows_the_watch_in_its_own_ledger(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    shown = scene.view().record("crm:lead:1")
    assert shown is not None
    assert [row.what for row in shown.ledger] == ["watch"]


def test_further_breaches_and_restarts_do_not_fire_again(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    scene.restart()
    for name in ("4", "5"):
        _lead(scene, name)
        scene.minutes(80, step=10)
        scene.restart()
    assert len(_notices(scene)) == 1
    assert len(scene.effects("task")) == 1


def test_it_fires_again_after_the_condition_was_false(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    scene.minutes(8 * 24 * 60, step=240)
    for name in ("4", "5", "6"):
        _lead(scene, name)
    scene.minutes(90, step=10)
    assert len(_notices(scene)) == 2
    assert scene.rows("SELECT key, end_at IS NULL, acted FROM episode ORDER BY begin_at") == [
        ("Acme", 0, 1),
        ("Acme", 1, 1),
    ]


def test_other_customers_and_records_without_one_do_not_add_up(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    for name, customer in (("1", "Acme"), ("2", "Acme"), ("3", "Other")):
        _lead(scene, name, customer)
    for name in ("4", "5", "6"):
        scene.crm.create("lead", name, name="Nobody's", owner="user:cem")
    scene.minutes(90, step=10)
    assert _watch_rows(scene) == []


def test_a_fact_that_comes_late_is_part_of_the_episode_that_was_seen(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    # An older breach of the same customer comes to light: the episode began earlier than it was noticed.
    scene.crm.create("lead", "0", at=MONDAY_NINE - 30 * MINUTE, name="Lead 0", customer="Acme", owner="user:cem")
    scene.minutes(30, step=5)
    assert len(scene.view().clocks(outcome="missed")) == 4
    assert len(_notices(scene)) == 1
    assert scene.rows("SELECT count(*) FROM episode") == [(1,)]


def test_an_episode_that_was_over_before_it_was_seen_is_noted_and_not_acted_on(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED.replace('"7d"', '"2h"'), write={})
    for name in ("1", "2", "3"):
        _lead(scene, name)
    scene.round()
    scene.round(minutes=4 * 60)  # the daemon slept through all of it
    assert _watch_rows(scene) == [(f"crm:lead:{n}", "Acme", "measured") for n in (1, 2, 3)]
    assert scene.view().ledger(what="watch")[0].body["why_not"] == "over before it was seen"
    assert _notices(scene) == []
    assert scene.effects("task") == []


def test_a_breach_that_is_undone_by_a_late_answer_does_not_count(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    for name in ("1", "2"):
        _lead(scene, name)
    scene.minutes(70, step=10)
    answer = Event(
        record="crm:lead:1", at=MONDAY_NINE + 5 * MINUTE, id="call", event="activity", activity="call",
        actor="user:cem", outcome="connected", seen=scene.clock.now(),
    )  # fmt: skip
    scene.works.store.write(lambda t: timeline.save(t, [answer]))
    scene.works.store.write(lambda t: scene.works.engine.judge_again(t, ["crm:lead:1"], scene.clock.now()))
    _lead(scene, "3")
    scene.minutes(90, step=10)
    assert len(scene.view().clocks(open_only=False, outcome="missed")) == 2
    assert _watch_rows(scene) == []


def test_records_that_are_only_measured_do_not_count(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={}, enforce_from=MONDAY_NINE + 5 * HOUR)
    _three_breaches(scene)
    assert len(scene.view().clocks(outcome="missed")) == 3
    assert _watch_rows(scene) == []


def test_no_address_goes_into_the_ledger(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    for name in ("1", "2", "3"):
        _lead(scene, name, "mara@private.test")
    scene.minutes(90, step=10)
    assert [key for _, key, _ in _watch_rows(scene)] == ["address 1606a9d8472f"] * 3
    assert "private.test" not in json.dumps(scene.rows("SELECT body FROM ledger"))
    assert "private.test" not in json.dumps(scene.rows("SELECT key FROM watched UNION ALL SELECT key FROM episode"))


def test_an_edited_watch_looks_at_everything_anew_and_fires_for_what_holds_now_only_once(
    staged: Callable[..., Scene],
) -> None:
    scene = staged(document=REPEATED.replace("count = 3", "count = 4"), write={})
    _three_breaches(scene)
    assert _watch_rows(scene) == []
    scene.restart(document=REPEATED)
    scene.round(1)
    scene.restart(document=REPEATED.replace("count = 3", "count = 2"))
    scene.round(1)
    assert len(_notices(scene)) == 1


def test_a_watch_that_is_gone_leaves_nothing_behind(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    _three_breaches(scene)
    scene.restart(document=PLAIN)
    scene.round(1)
    assert scene.rows("SELECT count(*) FROM watched UNION ALL SELECT count(*) FROM episode") == [(0,), (0,)]


def test_a_crash_while_the_task_is_sent_makes_one_task(staged: Callable[..., Scene]) -> None:
    scene = staged(document=REPEATED, write={})
    link = scene.works.links["crm"]
    write = link.connector.write
    cut: list[list[WriteBack]] = []

    def crash(batch: list[WriteBack]) -> object:
        answer = write(batch)
        if batch[0].action == "task" and not cut:
            cut.append(batch)
            raise SystemExit
        return answer

    link.connector.write = crash  # type: ignore[method-assign,assignment]
    try:
        _three_breaches(scene)
    except SystemExit:
        scene.restart()
    scene.minutes(30, step=5)
    assert cut
    assert len(scene.effects("task")) == 1


# ---- backlogs


def _queue(scene: Scene, *names: str, owner: str = "queue:9") -> None:
    for name in names:
        scene.crm.create("lead", name, name=name, owner=owner)


def test_a_queue_that_grows_is_told_of_once_until_it_has_stopped_growing(staged: Callable[..., Scene]) -> None:
    scene = staged(document=BACKLOG, write={})
    _queue(scene, "1", "2", "3", "4")
    scene.minutes(80, step=5)
    assert _watch_rows(scene) == []
    _queue(scene, "5", "6")
    scene.minutes(20, step=5)
    assert _watch_rows(scene) == [(None, "queue:9", "fired")]
    assert _notices(scene) == ["Queue grows: queue:9: open clocks grew from 4 to 6 in 1h"]
    scene.restart()
    _queue(scene, "7")
    scene.minutes(30, step=5)
    assert len(_notices(scene)) == 1
    scene.minutes(120, step=5)
    _queue(scene, *"abcdefg")
    scene.minutes(30, step=5)
    assert _notices(scene)[1:] == ["Queue grows: queue:9: open clocks grew from 7 to 14 in 1h"]


def test_a_backlog_is_counted_by_policy_and_by_owner_too(staged: Callable[..., Scene]) -> None:
    for by, key in (("policy", "Inbound leads"), ("owner", "user:ann"), ("team", "Inside")):
        people = '\n[people]\n"user:ann" = { team = "Inside" }\n' if by == "team" else ""
        scene = staged(document=BACKLOG.replace('by = "queue"', f'by = "{by}"') + people, write={})
        _queue(scene, "1", "2", "3", "4", owner="user:ann")
        scene.minutes(80, step=5)
        _queue(scene, "5", "6", owner="user:ann")
        scene.minutes(10, step=5)
        assert _watch_rows(scene) == [(None, key, "fired")]


def test_the_owner_of_a_backlog_is_the_one_whom_it_belongs_to(staged: Callable[..., Scene]) -> None:
    document = BACKLOG.replace('by = "queue"', 'by = "owner"').replace('notify = "manager"', 'notify = "owner"')
    scene = staged(document=document, write={})
    scene.minutes(70, step=10)
    _queue(scene, *"1234", owner="user:ann")
    scene.minutes(10, step=5)
    assert [(row.body["to"], row.body["owner"]) for row in scene.view().ledger(what="notice")] == [
        ("owner", "user:ann")
    ]


def test_a_webhook_is_told_of_a_backlog_and_of_the_evidence_of_breaches(
    staged: Callable[..., Scene], receiver: Receiver, tmp_path: Path
) -> None:
    entry = WebhookEntry("pager", 5.0, receiver.url, SECRET, tmp_path)
    calls = [document.replace('notify = "manager"', 'webhook = "pager"') for document in (BACKLOG, REPEATED)]
    scene = staged(document=calls[0], write={}, webhooks={"pager": entry})
    scene.minutes(70, step=10)
    _queue(scene, *"1234")
    scene.minutes(10, step=5)
    scene.restart(document=calls[1])
    for name in ("7", "8", "9"):
        _lead(scene, name)
    scene.minutes(70, step=5)
    told = [json.loads(call.body) for call in receiver.calls]
    assert len({one.pop("id") for one in told}) == 2
    assert told == [
        {
            "event": "watch", "watch": "Queue grows", "by": "queue", "key": "queue:9",
            "begin_at": "2026-03-02T10:15:00Z", "reason": "open clocks grew from 0 to 4 in 1h", "size": 4,
            "evidence": [],
        },
        {
            "event": "watch", "watch": "Same customer again", "by": "customer", "key": "Acme",
            "begin_at": "2026-03-02T11:20:00Z", "reason": "3 breaches within 7d", "size": 3,
            "evidence": [
                {"at": "2026-03-02T11:20:00Z", "record": f"crm:lead:{n}", "target": "first_response"} for n in (7, 8, 9)
            ],
        },
    ]  # fmt: skip
    assert scene.rows("SELECT state FROM outbox WHERE action = 'webhook'") == [("done",), ("done",)]


def test_what_is_known_of_a_backlog_survives_a_restart(staged: Callable[..., Scene]) -> None:
    scene = staged(document=BACKLOG, write={})
    _queue(scene, "1", "2", "3", "4")
    for _ in range(8):
        scene.minutes(10, step=5)
        scene.restart()
    _queue(scene, "5", "6")
    scene.minutes(5)
    assert len(_watch_rows(scene)) == 1
    assert scene.rows("SELECT count(*) FROM backlog") == [(3,)]  # since when, and what changed


@pytest.mark.parametrize(("mode", "rows"), [("live", [(None, "Inbound leads", "fired")]), ("shadow", [])])
def test_in_shadow_mode_nothing_is_acted_on_so_nothing_counts(
    staged: Callable[..., Scene], mode: str, rows: list[tuple[str | None, str, str]]
) -> None:
    scene = staged(document=BY_POLICY, write={}, mode=mode)
    scene.minutes(70, step=10)
    _queue(scene, *"123456")
    scene.minutes(30, step=10)
    assert _watch_rows(scene) == rows


def test_a_record_that_cannot_be_evaluated_stops_no_other(
    staged: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = staged(document=REPEATED, write={})

    def broken(transaction: Transaction, book: PolicyBook, names: Sequence[str], now: int) -> list[Looked]:
        if "crm:lead:bad" in names:
            raise ValueError("broken")
        return look(transaction, book, names, now)

    monkeypatch.setattr("sync.watching.look", broken)
    _lead(scene, "bad")
    _three_breaches(scene)
    assert [record for record, _, _ in _watch_rows(scene)] == ["crm:lead:1", "crm:lead:2", "crm:lead:3"]


def test_the_store_is_looked_at_once_a_minute(staged: Callable[..., Scene]) -> None:
    watched = staged(document=BACKLOG, write={})
    looks = []
    judge = watched.works.watching._judge
    watched.works.watching._judge = lambda *given: looks.append(given) or judge(*given)  # type: ignore[method-assign,func-returns-value]
    for _ in range(120):
        watched.clock.advance(1)
        watched.works.watching.look()
    assert len(looks) == 2


# ---- the file

FILE = """
[connections.crm]
connector = "memory"

[webhooks.pager]
url = "https://hooks.acme.test/sla"
secret = "env:PAGER"

[pools.sales]
members = ["user:ann"]
"""


def test_names_that_a_watch_uses_and_nothing_has_are_told_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE + REPEATED.replace('"manager"', '"mangaer"').replace("task =", 'webhook = "pagr"\ntask ='))
    with pytest.raises(ConfigurationError) as refused:
        load(path)
    lines = path.read_text().splitlines()
    assert [(lines[p.line - 1], p.message, p.hint) for p in refused.value.problems] == [
        (
            'notify = "mangaer"',
            "nobody is called 'mangaer': name a role, a pool, a person or a queue",
            'did you mean "manager"?',
        ),
        (
            'webhook = "pagr"',
            "there is no webhook 'pagr': give it a table [webhooks.pagr]",
            'did you mean "pager"?',
        ),
    ]


def test_a_target_that_no_policy_has_is_told_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(FILE + REPEATED.replace('target = "first_response"', 'target = "first_respons"'))
    with pytest.raises(ConfigurationError) as refused:
        load(path)
    assert [(p.message, p.hint) for p in refused.value.problems] == [
        ("no policy has a target 'first_respons'", 'did you mean "first_response"?')
    ]
    path.write_text(FILE + REPEATED)
    assert [watch.name for watch in load(path).watches] == ["Same customer again"]


def test_the_choices_of_an_older_file_become_places_on_the_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        kept = tuple(each for each in migrations.MIGRATIONS if each.__name__ != "m003_people_and_watches")
        earlier.setattr(migrations, "MIGRATIONS", kept)
        Store.open(tmp_path / "sla.db").close()
    raw = sqlite3.connect(tmp_path / "sla.db")
    rows = [("k1", "user:ann"), ("k2", "user:ben"), ("k3", "user:ann")]
    raw.executemany("INSERT INTO assignment VALUES (?, 'sales', ?, 'crm:lead:1', 5)", rows)
    raw.commit()
    raw.close()
    store = Store.open(tmp_path / "sla.db")
    places = store.read(lambda t: t.rows("SELECT key, place FROM assignment ORDER BY key"))
    store.close()
    assert places == [("k1", 5_354_228_880), ("k2", 5_354_228_880), ("k3", 10_708_457_760)]
