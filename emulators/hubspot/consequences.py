"""What the CRM sets by itself when a record is written, moved, answered or assigned.

Owns the vendor's convenience properties. Refuses to write: it answers with changes, and the writer makes them.
Invariant: everything here follows from the record before, the changes asked for and the instant.
Which deed moves which property is assumed, from what the portal says of each property.
"""

from __future__ import annotations

from emulators.hubspot.owners import Owners
from emulators.hubspot.pipelines import Pipelines
from emulators.hubspot.records import Record, Value

LIFECYCLE = ("subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer")


def on_write(
    record: Record, asked: dict[str, Value], at_ms: int, owners: Owners, pipelines: Pipelines
) -> dict[str, Value]:
    """Further changes that come with a write. ``asked`` may lose what the vendor does not let through."""
    more: dict[str, Value] = {}
    if "hubspot_owner_id" in asked and asked["hubspot_owner_id"] != record.values.get("hubspot_owner_id", ""):
        more |= _assigned(record, str(asked["hubspot_owner_id"]), at_ms, owners)
    stage = record.kind.stage
    if stage and stage in asked and asked[stage] != record.values.get(stage):
        more |= _moved(record, str(asked[stage]), at_ms, pipelines)
    if record.kind.name == "contacts":
        _keep_lifecycle_forward(record, asked)
        if "email" in asked:
            more["hs_email_domain"] = str(asked["email"]).rpartition("@")[2]
    if "hs_task_status" in asked:
        done = asked["hs_task_status"] == "COMPLETED"
        more["hs_task_is_completed"] = "true" if done else "false"
        more["hs_task_completion_date"] = at_ms if done else ""
    return more


def _assigned(record: Record, owner_id: str, at_ms: int, owners: Owners) -> dict[str, Value]:
    owner = owners.find(owner_id)
    if owner is None:
        return {"hubspot_owner_assigneddate": "", "hubspot_team_id": ""}
    past = record.text("hs_all_owner_ids").split(";") if record.text("hs_all_owner_ids") else []
    more: dict[str, Value] = {
        "hubspot_owner_assigneddate": at_ms,
        "hubspot_team_id": owner.team[0] if owner.team else "",
        "hs_all_owner_ids": ";".join(past if owner_id in past else [*past, owner_id]),
    }
    if record.kind.name == "tickets" and not owner.queue and not record.text("hs_time_to_first_rep_assignment"):
        more["hs_time_to_first_rep_assignment"] = str(at_ms - record.created_ms)
    return more


def _moved(record: Record, stage_id: str, at_ms: int, pipelines: Pipelines) -> dict[str, Value]:
    found = pipelines.of_stage(record.kind.name, stage_id)
    if found is None:
        return {}
    pipeline, stage = found
    more: dict[str, Value] = {record.kind.pipeline or "": pipeline.id}
    if record.kind.name != "deals":
        more["hs_v2_date_entered_current_stage"] = at_ms
    was_closed = record.text("hs_is_closed") == "true"
    if record.kind.name == "deals":
        more |= {"hs_is_closed": "true" if stage.closed else "false"}
        more |= {"hs_is_closed_won": "true" if stage.metadata["probability"] == "1.0" else "false"}
    if record.kind.name == "tickets":
        more["hs_is_closed"] = "true" if stage.closed else "false"
        if stage.closed and not was_closed:
            more |= {
                "closed_date": at_ms,
                "hs_last_closed_date": at_ms,
                "time_to_close": str(at_ms - record.created_ms),
            }
        elif was_closed and not stage.closed:
            more |= {"closed_date": "", "time_to_close": "", "hs_ticket_reopened_at": at_ms}
    return more


def _keep_lifecycle_forward(record: Record, asked: dict[str, Value]) -> None:
    # A lifecycle stage only moves forward unless it is cleared first: knowledge.hubspot.com, lifecycle stages.
    now, wanted = record.text("lifecyclestage"), str(asked.get("lifecyclestage", ""))
    if now in LIFECYCLE and wanted in LIFECYCLE and LIFECYCLE.index(wanted) < LIFECYCLE.index(now):
        del asked["lifecyclestage"]


def of_activity(record: Record, activity: Record) -> dict[str, Value]:
    """What a linked activity changes on a record."""
    at_ms = activity.instant("hs_timestamp") or activity.created_ms
    kind = activity.kind.name
    if kind == "emails":
        changes = _of_email(record, activity, at_ms)
    elif kind in ("calls", "meetings"):
        changes = _contacted(record, at_ms)
    else:
        changes = {}
    if kind != "tasks":
        changes |= {"hs_lastactivitydate": max(at_ms, record.instant("hs_lastactivitydate") or 0)}
        changes |= {"notes_last_updated": max(at_ms, record.instant("notes_last_updated") or 0)}
        changes |= {"num_notes": str(int(record.text("num_notes") or 0) + 1)}
    return changes


def _contacted(record: Record, at_ms: int) -> dict[str, Value]:
    changes: dict[str, Value] = {
        "notes_last_contacted": max(at_ms, record.instant("notes_last_contacted") or 0),
        "num_contacted_notes": str(int(record.text("num_contacted_notes") or 0) + 1),
    }
    if record.kind.name == "contacts":
        changes["hs_is_unworked"] = "false"
        if record.instant("hs_first_outreach_date") is None:
            changes |= {"hs_first_outreach_date": at_ms}
            changes |= {"hs_time_to_first_engagement": str(at_ms - record.created_ms)}
    return changes


def _of_email(record: Record, email: Record, at_ms: int) -> dict[str, Value]:
    if email.text("hs_email_direction") == "INCOMING_EMAIL":
        if record.kind.name == "contacts":
            return {"hs_sales_email_last_replied": max(at_ms, record.instant("hs_sales_email_last_replied") or 0)}
        return {
            "hs_last_message_received_at": max(at_ms, record.instant("hs_last_message_received_at") or 0),
            "last_reply_date": max(at_ms, record.instant("last_reply_date") or 0),
            "hs_last_message_from_visitor": "true",
        }
    if email.text("hs_email_status") in ("BOUNCED", "FAILED", "SCHEDULED", "SENDING"):
        return {}  # nothing has reached the customer
    changes = _contacted(record, at_ms)
    if record.kind.name == "tickets":
        changes |= {
            "hs_last_message_sent_at": max(at_ms, record.instant("hs_last_message_sent_at") or 0),
            "hs_last_message_from_visitor": "false",
        }
        if record.instant("first_agent_reply_date") is None and email.text("hs_created_by_user_id"):
            changes |= {
                "first_agent_reply_date": at_ms,
                "time_to_first_agent_reply": str(at_ms - record.created_ms),
                "hs_first_agent_message_sent_at": at_ms,
                "hs_first_agent_message_sent_by": email.text("hubspot_owner_id"),
            }
    return changes
