"""What is checked, chosen and kept in order on the way to the CRM."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest
from sync_scene import LEADS, MINUTE, MONDAY_NINE, Scene

from connectors.base import OVERWROTE_EDIT, Person, Receipt, WriteBack
from connectors.errors import Rejected
from sync import outbox
from sync.configuration_shape import MemberEntry, PoolEntry
from sync.store import Transaction

AT_DUE = LEADS.replace(
    """  { at = "50%", notify = "owner" },
  { at = "75%", task = "Call {record.name} now" },
  { at = "due", reassign = "sales" },
""",
    """  { at = "due", STEP },
""",
)


def _drops(scene: Scene) -> list[tuple[str | None, str]]:
    return [(row.record, row.body["reason"]) for row in scene.view().ledger(what="drop")]


def _before_delivery(scene: Scene, happening: Callable[[], object]) -> None:
    """Everything up to the decision; then something happens in the CRM; then delivery."""
    scene.works.round(deliver=False)
    happening()
    scene.works.deliver()


# ---- the guard (rule 17)


def test_rule_17_a_lead_that_found_an_owner_meanwhile_is_not_reassigned(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.clock.advance(60)
    _before_delivery(scene, lambda: scene.crm.update("lead:9", owner="user:ben", by="user:ben"))
    assert scene.effects("owner") == []
    assert _drops(scene) == [("crm:lead:9", "the owner changed since it was decided")]
    assert scene.crm.row("lead:9").fields["owner"] == "user:ben"


def test_rule_17_a_lead_that_was_called_meanwhile_is_not_reassigned(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.clock.advance(60)
    _before_delivery(scene, lambda: scene.crm.activity("lead:9", activity="call", outcome="connected", by="user:cem"))
    assert scene.effects("owner") == []
    assert _drops(scene) == [("crm:lead:9", "the last answer changed since it was decided")]


def test_a_task_whose_clock_has_stopped_meanwhile_is_not_created(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(44)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.activity("lead:9", activity="call", outcome="connected", by="user:cem")
    scene.works.round()
    assert scene.effects("task") == []
    assert _drops(scene) == [("crm:lead:9", "the clock has stopped meanwhile")]


def test_nothing_is_written_to_a_record_that_is_gone(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.clock.advance(60)
    before = len(scene.effects())
    _before_delivery(scene, lambda: scene.crm.delete("lead:9"))
    scene.minutes(5)
    assert len(scene.effects()) == before
    assert _drops(scene) == [("crm:lead:9", "the record is gone")]


def test_a_change_that_slips_in_between_our_read_and_our_write_wins(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    link = scene.works.links["crm"]
    write, slipped = link.connector.write, []

    def slip(batch: list[WriteBack]) -> object:
        if batch[0].action == "owner" and not slipped:
            slipped.append(scene.crm.update("lead:9", owner="user:ben", by="user:ben"))
        return write(batch)

    link.connector.write = slip  # type: ignore[method-assign,assignment]
    scene.minutes(3)
    assert scene.crm.row("lead:9").fields["owner"] == "user:ben"
    assert _drops(scene) == [("crm:lead:9", "the owner changed since it was decided")]


def test_a_record_that_the_crm_does_not_show_any_more_is_not_overwritten(scene: Scene) -> None:
    for number in range(2):
        scene.crm.create("lead", str(number), name="Mara", owner="user:cem")
    scene.minutes(59)
    link = scene.works.links["crm"]
    read = link.connector.read

    def secretive(records: list[str]) -> object:
        if "crm:lead:0" in records:
            raise Rejected("insufficient access")
        return read(records)

    link.connector.read = secretive  # type: ignore[method-assign,assignment]
    scene.minutes(3)
    assert [record for _, record, _ in scene.effects("owner")] == ["lead:1"]
    assert [(row.record, row.action, row.reason) for row in scene.view().outbox(states=("dead",))] == [
        ("crm:lead:0", "owner", "the CRM refuses to show the record")
    ]


def test_one_step_may_reassign_and_raise_the_priority(staged: Callable[..., Scene]) -> None:
    scene = staged(document=AT_DUE.replace("STEP", 'reassign = "sales", set = { priority = "high" }, task = "Go"'))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(62)
    assert [action for action, _, _ in scene.effects()] == ["fields", "task", "owner", "set", "fields"]
    assert scene.crm.row("lead:9").fields["owner"] == "user:ann"
    assert scene.crm.row("lead:9").fields["priority"] == "high"


# ---- who gets it


def test_leads_go_round_the_pool_and_never_back_to_who_let_them_lie(scene: Scene) -> None:
    for number, owner in enumerate(("user:cem", "user:ann", "user:cem")):
        scene.crm.create("lead", str(number), name="Mara", owner=owner)
    scene.minutes(62)
    assert [(record, what["owner"]) for _, record, what in scene.effects("owner")] == [
        ("lead:0", "user:ann"),
        ("lead:1", "user:ben"),
        ("lead:2", "user:ann"),
    ]


def test_when_nobody_of_the_pool_is_left_the_fallback_gets_it(scene: Scene) -> None:
    scene.crm.deactivate("user:ann")
    scene.crm.create("lead", "9", name="Mara", owner="user:ben")
    scene.minutes(62)
    assert scene.effects("owner") == [("owner", "lead:9", {"owner": "queue:9"})]


def test_without_a_fallback_it_waits_until_somebody_is_there(staged: Callable[..., Scene]) -> None:
    pools = {"sales": PoolEntry("sales", (MemberEntry("ann@acme.test"),))}
    scene = staged(pools=pools)
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.crm.deactivate("user:ann")
    scene.minutes(65)
    assert scene.effects("owner") == []
    scene.crm.people["user:ann"]["active"] = True
    scene.minutes(15)
    assert scene.effects("owner") == [("owner", "lead:9", {"owner": "user:ann"})]


def test_a_choice_is_kept_when_the_answer_is_lost(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(60)
    scene.crm.mend()
    scene.restart()
    scene.crm.create("lead", "10", name="Noor", owner="user:cem")
    scene.minutes(59)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.crm.lose_answers(2)
    scene.minutes(3)
    assert [(record, what["owner"]) for _, record, what in scene.effects("owner")] == [
        ("lead:9", "user:ann"),
        ("lead:10", "user:ben"),
    ]


# ---- our own fields


def test_field_values_that_changed_before_they_were_sent_travel_once(scene: Scene) -> None:
    lead = scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.works.round(deliver=False)
    scene.clock.advance(600)
    scene.crm.activity(lead, activity="call", outcome="connected", by="user:cem")
    scene.works.round()
    assert scene.effects("fields") == [
        (
            "fields",
            "lead:9",
            {"first_response_due": MONDAY_NINE + 60 * MINUTE, "first_response_status": "met", "sla_status": "met"},
        )
    ]


def test_a_value_that_stands_in_the_crm_already_is_not_written(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.crm.row("lead:9").ours = {"first_response_due": MONDAY_NINE + 60 * MINUTE + 999, "sla_status": "running"}
    scene.round()
    assert scene.effects("fields") == [("fields", "lead:9", {"first_response_status": "running"})]


def test_a_person_who_overwrites_our_field_is_not_fought(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()
    scene.clock.advance(60)
    scene.crm.row("lead:9").ours["sla_status"] = "whatever"
    scene.crm.update("lead:9", by="user:cem", source="Web")
    scene.minutes(5)
    assert len(scene.effects("fields")) == 1
    scene.minutes(56)
    assert scene.effects("fields")[-1][2] == {"first_response_status": "missed", "sla_status": "missed"}


def test_a_state_that_stood_before_is_written_again_when_it_must(staged: Callable[..., Scene]) -> None:
    document = LEADS.replace('metric = "first_response"', 'metric = "resolution"')
    write = {"lead": {"sla_status": "Sla__c"}}
    scene = staged(document=document, write=write)
    lead = scene.crm.create("lead", "9", name="Mara", owner="user:cem", status="open", raw_status="Open")
    for status in ("pending", "open", "pending", "open"):
        scene.round(minutes=2)
        scene.crm.update(lead, status=status, raw_status=status, by="user:cem")
    scene.round(minutes=2)
    assert [what["sla_status"] for _, _, what in scene.effects("fields")] == [
        "running", "paused", "running", "paused", "running",
    ]  # fmt: skip


def test_somebody_who_answers_our_every_write_is_left_alone_after_thirty(scene: Scene) -> None:
    lead = scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.round()

    def answer(transaction: Transaction) -> None:
        transaction.run("UPDATE record SET observed = '{}', written = '{}'")

    for _ in range(50):
        scene.clock.advance(30)
        scene.works.store.write(answer)
        scene.crm.row(lead).ours.clear()
        scene.crm.update(lead, by="workflow:1", source="Web")
        scene.works.round()
    assert len(scene.effects("fields")) == 30
    assert [row.body["alarm"] for row in scene.view().ledger(what="alarm")] == ["too many writes"]


# ---- order, budgets, switches


def test_what_is_due_goes_before_what_merely_refreshes(scene: Scene) -> None:
    scene.crm.create("lead", "old", name="Mara", owner="user:cem")
    scene.minutes(60)
    scene.crm.effects.clear()
    for number in range(3):
        scene.crm.create("lead", f"new{number}", name="Noor")
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    with_ranks = scene.rows("SELECT record, rank FROM outbox WHERE done_at IS NULL ORDER BY rank, id")
    assert {rank for _, rank in with_ranks} == {3}


def test_a_breach_is_written_before_the_due_times_of_new_leads(scene: Scene) -> None:
    scene.crm.create("lead", "old", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.crm.create("lead", "new", name="Noor", owner="user:cem")
    scene.crm.effects.clear()
    scene.round(minutes=1)
    assert [(action, record) for action, record, _ in scene.effects()] == [
        ("owner", "lead:old"),
        ("fields", "lead:old"),
        ("fields", "lead:new"),
    ]


def test_rule_21_a_storm_fires_two_hundred_steps_an_hour_behind_one_alert_and_forgets_none(
    staged: Callable[..., Scene],
) -> None:
    document = AT_DUE.replace("STEP", 'task = "Go"').replace(
        'stage = "enforce"', 'stage = "enforce"\nactions_per_hour = 20'
    )
    scene = staged(document=document, write={})
    for number in range(50):
        scene.crm.create("lead", str(number), name="Mara")
    scene.round()
    scene.round(minutes=60)
    assert len(scene.effects("task")) == 20
    scene.minutes(55, step=5)
    assert len(scene.effects("task")) == 20
    assert [row.body["alarm"] for row in scene.view().ledger(what="alarm")] == ["action budget spent"]
    scene.minutes(130, step=5)
    assert len(scene.effects("task")) == 50
    assert len({what["key"] for _, _, what in scene.effects("task")}) == 50


def test_rule_21_the_kill_switch_stops_all_writes_and_loses_none(scene: Scene) -> None:
    scene.works.store.write(lambda t: t.run("INSERT INTO setting (name, value) VALUES ('paused', '1')"))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    assert scene.effects() == []
    assert scene.view().summary().clocks == {"missed": 1}
    scene.works.store.write(lambda t: t.run("UPDATE setting SET value = '0'"))
    scene.round()
    assert {action for action, _, _ in scene.effects()} == {"fields", "task", "owner"}


def test_rule_15_a_burst_of_old_records_is_measured_and_never_acted_on(scene: Scene) -> None:
    scene.minutes(300, step=30)
    for number in range(30):
        scene.crm.create("lead", f"old{number}", at=scene.clock.now() - 200 * MINUTE, name="Mara")
    scene.crm.create("lead", "fresh", name="Noor")
    scene.round()
    assert [record for _, record, _ in scene.effects()] == ["lead:fresh"]
    shown = scene.view().record("crm:lead:old0")
    assert shown is not None
    assert shown.measured is not None
    assert shown.measured.startswith("imported")


def test_a_single_old_record_is_only_late(scene: Scene) -> None:
    scene.minutes(300, step=30)
    scene.crm.create("lead", "old", at=scene.clock.now() - 200 * MINUTE, name="Mara")
    scene.round()
    assert {action for action, _, _ in scene.effects()} == {"fields", "owner"}


def test_after_an_outage_a_person_finds_one_digest(staged: Callable[..., Scene]) -> None:
    scene = staged(document=AT_DUE.replace("STEP", 'notify = "manager"'), write={})
    for number in range(40):
        scene.crm.create("lead", str(number), name="Mara")
    scene.round()
    scene.round(minutes=600)
    notices = scene.view().ledger(what="notice")
    assert [(notice.body["to"], notice.body["digest"]) for notice in notices] == [("manager", 40)]


def test_a_dead_row_can_be_tried_again_by_hand(scene: Scene) -> None:
    scene.crm.create("lead", "9", name="Mara")
    scene.crm.reject("lead:9", times=1)
    scene.round()
    [dead] = scene.view().outbox(states=("dead",))
    assert scene.works.store.write(lambda t: outbox.retry_dead(t, [dead.id], scene.clock.now())) == 1
    scene.round()
    assert [action for action, _, _ in scene.effects()] == ["fields"]


def test_a_pool_that_nobody_configured_is_a_dead_row_that_says_so(staged: Callable[..., Scene]) -> None:
    scene = staged(pools={})
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    assert [(row.action, row.reason) for row in scene.view().outbox(states=("dead",))] == [
        ("owner", "there is no pool 'sales'")
    ]


# ---- versions and rebuilding


def test_a_record_stays_on_the_policies_it_was_first_seen_under(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara", owner="user:cem")
    scene.round()
    scene.restart(document=LEADS.replace('within = "60m"', 'within = "30m"'))
    scene.crm.create("lead", "2", name="Noor", owner="user:cem")
    scene.round(minutes=1)
    due = {clock.record: clock.due_at for clock in scene.view().clocks()}
    assert due == {"crm:lead:1": MONDAY_NINE + 60 * MINUTE, "crm:lead:2": MONDAY_NINE + 30 * MINUTE}


def test_clocks_that_were_dropped_are_rebuilt_to_the_same_rows(scene: Scene) -> None:
    scene.crm.create("lead", "1", name="Mara", owner="user:cem")
    scene.crm.create("lead", "2", name="Noor", owner="user:cem")
    scene.minutes(61)
    rows = "SELECT record, target, cycle, state, outcome, started_at, due_at, breached_at, wake_at FROM clock"
    before = scene.rows(rows)
    effects = len(scene.effects())
    scene.works.store.write(lambda t: t.run("DELETE FROM clock"))
    scene.works.store.write(
        lambda t: scene.works.engine.judge_again(t, ["crm:lead:1", "crm:lead:2"], scene.clock.now())
    )
    assert scene.rows(rows) == before
    scene.round()
    assert len(scene.effects()) == effects


@pytest.mark.parametrize("kept", ["nothing", "a backup of the first hour"])
def test_a_store_that_was_lost_is_read_again_and_repeats_nothing(scene: Scene, kept: str) -> None:
    for number in range(3):
        scene.crm.create("lead", str(number), name="Mara", owner="user:cem")
    scene.minutes(40)
    scene.works.store.backup(scene.database.with_name("backup.db"))
    scene.minutes(40)
    effects, due = scene.effects(), {clock.record: clock.due_at for clock in scene.view().clocks()}
    scene.close()
    for name in ("sla.db", "sla.db-wal", "sla.db-shm"):
        (scene.database.parent / name).unlink(missing_ok=True)
    if kept != "nothing":
        (scene.database.parent / "backup.db").rename(scene.database)
    scene.works = scene._open()
    scene.minutes(10)
    assert scene.effects("task") == [effect for effect in effects if effect[0] == "task"]
    assert scene.effects("owner") == [effect for effect in effects if effect[0] == "owner"]
    assert {clock.record: clock.due_at for clock in scene.view().clocks()} == due


def test_records_of_one_kind_fill_a_call_where_a_call_takes_one_kind_only(staged: Callable[..., Scene]) -> None:
    document = LEADS + LEADS[LEADS.index("[[policies]]") :].replace("lead", "ticket")
    scene = staged(document=document, write={"lead": {"sla_status": "S"}, "ticket": {"sla_status": "S"}})
    connector = scene.works.links["crm"].connector
    connector.capabilities = msgspec.structs.replace(connector.capabilities, mixed=False)
    batches: list[set[str]] = []
    write = connector.write
    connector.write = lambda batch: batches.append({one.record.split(":")[1] for one in batch}) or write(batch)
    for number in range(6):
        scene.crm.create("lead", f"l{number}")
        scene.crm.create("ticket", f"t{number}")
    scene.round(1)
    assert sorted(map(sorted, batches)) == [["lead"], ["ticket"]]


def test_an_edit_that_ours_ran_over_is_an_alarm(scene: Scene) -> None:
    connector = scene.works.links["crm"].connector
    write = connector.write

    def over(batch: Sequence[WriteBack]) -> list[Receipt]:
        lost = {"code": OVERWROTE_EDIT, "reason": "user:jo had set the owner"}
        return [msgspec.structs.replace(one, **lost) for one in write(batch)]

    connector.write = over  # type: ignore[method-assign]
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(61)
    alarms = [row.body for row in scene.view().ledger(what="alarm")]
    assert {"alarm": "an edit was overwritten", "reason": "user:jo had set the owner"} in alarms


def test_when_the_one_chosen_has_just_left_the_next_one_gets_it(scene: Scene) -> None:
    scene.crm.create("lead", "8", name="Ida", owner="user:cem")
    scene.minutes(61)  # the roster is known from now on
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.crm.deactivate("user:ben")
    scene.minutes(3)
    owners = [(record, what["owner"]) for _, record, what in scene.effects("owner")]
    assert owners == [("lead:8", "user:ann"), ("lead:9", "user:ann")]
    assert scene.rows("SELECT count(*) FROM outbox WHERE state = 'dead'") == [(0,)]


def test_a_new_owner_that_nobody_can_replace_is_given_up(staged: Callable[..., Scene]) -> None:
    scene = staged(document=LEADS.replace('reassign = "sales"', 'reassign = "user:ben"'))
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(59)
    scene.works.links["crm"].connector.people = lambda: [Person("user:ben", "Ben")]  # it hides who has left
    scene.crm.deactivate("user:ben")
    scene.minutes(5)
    assert scene.effects("owner") == []
    assert scene.rows("SELECT reason FROM outbox WHERE state = 'dead'") == [("user:ben is inactive",)]
