"""A record that takes nothing any more leaves nothing for a person to mend, and is not written to again and again."""

from __future__ import annotations

from pathlib import Path

from sync_beside import Beside

STEPS = """
[calendars.always]
timezone = "UTC"
hours = "24x7"

[[policies]]
name = "Inbound leads"
applies_to = "lead"
calendar = "always"
[[policies.targets]]
metric = "first_response"
within = "60m"
steps = [{ at = "75%", task = "Call them" }]
"""


def test_a_converted_lead_is_no_dead_letter_and_is_tried_once(tmp_path: Path) -> None:
    desk = Beside(tmp_path, "salesforce", document=STEPS)
    try:
        lead = desk.lead()
        desk.round()
        desk.act("convert", id=lead)
        for _ in range(5):
            desk.round(60)
        tries = desk.rows("SELECT action, state, reason, attempts FROM outbox WHERE state <> 'done'")
        assert tries == [("fields", "dropped", "the lead has been converted and can no longer be changed", 1)]
    finally:
        desk.close()


def test_a_task_for_a_record_that_was_archived_is_dropped(tmp_path: Path) -> None:
    desk = Beside(tmp_path, "hubspot", document=STEPS)
    try:
        lead = desk.lead()
        desk.round()
        desk.act("delete", object="contacts", id=lead)  # no search ever tells
        for _ in range(4):
            desk.round(50 * 60)
        [task] = desk.rows("SELECT state, reason FROM outbox WHERE action = 'task'")
        assert task == ("dropped", "the record no longer exists")
        assert desk.rows("SELECT count(*) FROM outbox WHERE state = 'dead'") == [(0,)]
    finally:
        desk.close()
