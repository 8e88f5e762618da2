"""Who stands behind HubSpot's words for the source of a change."""

from __future__ import annotations

import pytest

from connectors.hubspot.sources import actor, is_automation, maker, user_id

USERS = {"98499705": "user:5"}

WORDS = """
ACADEMY ACCEPTANCE_TEST ACTIVITY_AUTO_ASSOCIATE ADS AI_GROUP ANALYTICS API APPROVALS ASSISTS ASSOCIATIONS
AUTO_ASSOCIATE_BY_DOMAIN AUTOMATION_JOURNEY AUTOMATION_PLATFORM AVATARS_SERVICE BATCH_UPDATE BCC_TO_CRM
BEHAVIORAL_EVENTS BET_ASSIGNMENT BET_CRM_CONNECTOR BIDEN BILLING BOT CALCULATED CHATSPOT CLONE_OBJECTS COMMUNICATOR
COMPANIES CONTACTS CONVERSATIONS CRM_PROCESSES_PLATFORM CUSTOMER_AGENT DATASET DATA_ENRICHMENT DEALS DEFAULT EMAIL
EMAIL_INBOX_IMPORT EMAIL_INTEGRATION ENGAGEMENTS FORECASTING FORM FORWARD_TO_CRM GMAIL_INTEGRATION GOALS HEISENBERG
HELP_DESK_AI IMPORT INTEGRATION INTEGRATIONS_PLATFORM INTEGRATIONS_SYNC INTERNAL_PROCESSING LEADIN MEETINGS
MERGE_COMPANIES MERGE_CONTACTS MERGE_OBJECTS MIGRATION PIPELINE_SETTINGS PORTAL_OBJECT_SYNC PRIMARY_AUTOMATION
PROPERTY_RESTORE PROPERTY_SETTINGS PROSPECTING_AGENT RECYCLING_BIN RESTORE_OBJECTS SALESFORCE SEQUENCES SETTINGS
SLACK_INTEGRATION SUCCESS UNKNOWN WAL_INCREMENTAL WORKFLOW_CONTACT_DELETE_ACTION SOMETHING_NEW
"""


@pytest.mark.parametrize(
    ("source", "who"),
    [("CRM_UI", "user:5"), ("CRM_UI_BULK_ACTION", "user:5"), ("MOBILE_IOS", "user:5"), ("MOBILE_ANDROID", "user:5"),
     ("EXTENSION", "user:5"), ("CONTACTS_WEB", "user:5"), ("HELP_DESK", "user:5"), ("MEETINGS", "user:5"),
     ("BATCH_UPDATE", "user:5"), ("ENGAGEMENTS", "user:5"),
     ("AUTOMATION_PLATFORM", "workflow:hubspot"), ("AUTOMATION_JOURNEY", "workflow:hubspot"),
     ("WORKFLOWS", "workflow:hubspot"), ("AUTOMATION_OF_TOMORROW", "workflow:hubspot"),
     ("SEQUENCES", "workflow:hubspot"), ("BOT", "bot:hubspot"), ("CUSTOMER_AGENT", "bot:hubspot"),
     ("IMPORT", "system:import"), ("MIGRATION", "system:import"), ("EMAIL_INBOX_IMPORT", "system:import"),
     ("API", "system:integration"), ("INTEGRATION", "system:integration"), ("SALESFORCE", "system:integration"),
     ("CALCULATED", "system:hubspot"), ("MERGE_OBJECTS", "system:hubspot"), ("RECYCLING_BIN", "system:hubspot")],
)  # fmt: skip
def test_a_user_beside_a_source_counts_only_where_a_person_did_it(source: str, who: str) -> None:
    assert actor(source, "userId:98499705", "98499705", USERS, "77") == who


@pytest.mark.parametrize("source", WORDS.split())
def test_no_source_without_a_user_is_taken_for_a_person_unless_it_is_a_hand(source: str) -> None:
    who = actor(source, None, None, USERS, None)
    assert who is not None
    assert who.partition(":")[0] in {"workflow", "bot", "system"}


def test_a_hand_that_nobody_names_is_still_a_person() -> None:
    assert actor("CRM_UI", None, None, USERS, None) is None
    assert actor("CRM_UI", "userId:1", "1", USERS, None) is None  # of one who cannot own records


def test_our_own_app_is_known_by_its_id_and_others_are_not_us() -> None:
    assert actor("INTEGRATION", "8111608", None, USERS, "8111608") == "system:sla-sidecar"
    assert actor("INTEGRATION", "8111609", None, USERS, "8111608") == "system:integration"
    assert actor("INTEGRATION", "8111608", None, USERS, None) == "system:integration"


@pytest.mark.parametrize(
    ("source_id", "updated_by", "user"),
    [("userId:7", None, "7"), ("userId:7", 8, "8"), (None, 8, "8"), ("8111608", None, None), ("userId:x", None, None),
     ("enrollmentId:1", None, None), (None, None, None)],
)  # fmt: skip
def test_the_user_of_a_past_value_is_named_in_two_places(
    source_id: str | None, updated_by: int | None, user: str | None
) -> None:
    assert user_id(source_id, updated_by) == user


@pytest.mark.parametrize(
    ("source", "person", "who"),
    [("CRM_UI", "user:5", "user:5"), ("MOBILE_IOS", "user:5", "user:5"), ("CRM_UI", None, None),
     ("FORM", "user:5", None), ("INTEGRATION", "user:5", None), ("AUTOMATION_PLATFORM", None, "workflow:hubspot"),
     ("IMPORT", "user:5", "system:import"), ("BOT", None, "bot:hubspot"), (None, "user:5", None)],
)  # fmt: skip
def test_a_record_is_made_by_a_person_only_by_hand(source: str | None, person: str | None, who: str | None) -> None:
    assert maker(source, person) == who


def test_workflows_sequences_and_bots_are_automation_and_apps_are_not() -> None:
    assert [is_automation(one) for one in ("AUTOMATION_PLATFORM", "SEQUENCES", "CHATFLOWS", "INTEGRATION", None)] == [
        True, True, True, False, False,
    ]  # fmt: skip
