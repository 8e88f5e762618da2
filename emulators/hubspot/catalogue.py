"""The properties that a portal has from the start, as one table.

Owns names, types, labels and options of the built-in properties and of the SLA fields of this practice CRM. Refuses
behaviour. From developers.hubspot.com (default properties of each object) and knowledge.hubspot.com ("HubSpot's
default … properties"). Invariant: one line is one property; a mark says who may write it.
https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide
"""

from __future__ import annotations

from typing import Final

# name, type, marks, label. Marks: r read-only, c calculated (read-only too), u unique, x options kept elsewhere,
# - none.
_COMMON: Final = """
hs_object_id number r Record ID
hs_object_source enumeration r Record source
hs_object_source_label string r Record source label
hs_object_source_id string r Record source ID
hs_created_by_user_id number r Created by user ID
hs_updated_by_user_id number r Updated by user ID
hs_merged_object_ids string r Merged record IDs
hubspot_owner_id enumeration x Owner
hubspot_owner_assigneddate datetime c Owner assigned date
hubspot_team_id enumeration r HubSpot team
hs_all_owner_ids string r All owner IDs
"""
_TOUCHED: Final = """
notes_last_contacted datetime c Last contacted
notes_last_updated datetime c Last activity date
num_contacted_notes number c Number of times contacted
num_notes number c Number of sales activities
hs_lastactivitydate datetime c Last activity date of any kind
"""
_SLA: Final = """
sla_first_response_due datetime - SLA first response due
sla_next_response_due datetime - SLA next response due
sla_resolution_due datetime - SLA resolution due
sla_due datetime - SLA due
sla_breached_at datetime - SLA breached at
sla_status string - SLA status
sla_first_response_status string - SLA first response status
sla_policy string - SLA policy
sla_tags string - SLA tags
"""
_OWN: Final[dict[str, str]] = {
    "contacts": _TOUCHED + _SLA + """
email string u Email
firstname string - First name
lastname string - Last name
phone phone_number - Phone number
mobilephone phone_number - Mobile phone number
company string - Company name
jobtitle string - Job title
website string - Website URL
city string - City
state string - State/Region
zip string - Postal code
country string - Country/Region
message string - Message
lifecyclestage enumeration - Lifecycle stage
hs_lead_status enumeration - Lead status
hs_analytics_source enumeration r Original traffic source
hs_email_domain string c Email domain
hs_first_outreach_date datetime c First outreach date
hs_time_to_first_engagement number c Lead response time
hs_sales_email_last_replied datetime c Recent sales email replied date
hs_is_unworked bool c Contact unworked
hs_calculated_merged_vids string c Merged contact IDs
createdate datetime r Create date
lastmodifieddate datetime r Last modified date
""",
    "companies": _TOUCHED + """
name string - Company name
domain string - Company domain name
phone phone_number - Phone number
industry string - Industry
country string - Country/Region
lifecyclestage enumeration - Lifecycle stage
createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "deals": _TOUCHED + """
dealname string - Deal name
amount number - Amount
closedate datetime - Close date
pipeline enumeration x Pipeline
dealstage enumeration x Deal stage
hs_priority enumeration - Priority
hs_is_closed bool c Is deal closed
hs_is_closed_won bool c Is closed won
createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "tickets": _TOUCHED + _SLA + """
subject string - Ticket name
content string - Ticket description
hs_pipeline enumeration x Pipeline
hs_pipeline_stage enumeration x Ticket status
hs_v2_date_entered_current_stage datetime c Date entered current stage
hs_ticket_priority enumeration - Priority
hs_ticket_category enumeration - Category
hs_resolution enumeration - Resolution
source_type enumeration - Source
hs_ticket_id number r Ticket ID
hs_is_closed bool c Is closed
closed_date datetime c Close date
hs_last_closed_date datetime c Last closed date
hs_ticket_reopened_at datetime c Last reopened date
time_to_close number c Time to close
first_agent_reply_date datetime c First agent email response date
time_to_first_agent_reply number c Time to first agent email reply
hs_first_agent_message_sent_at datetime c First agent message sent at
hs_first_agent_message_sent_by string c First agent message sent by
hs_last_message_received_at datetime c Last message received date
hs_last_message_sent_at datetime c Last response date
hs_last_message_from_visitor bool c Last message from visitor
last_reply_date datetime c Last customer reply date
hs_time_to_first_rep_assignment number c Time to first rep assignment
hs_conversations_originating_thread_id number r Originating thread ID
hs_num_associated_conversations number c Number of associated conversations
hs_in_helpdesk bool r In help desk
hs_time_to_first_response_sla_at datetime c Time to first response SLA due date
hs_time_to_first_response_sla_status enumeration c Time to first response SLA status
hs_time_to_next_response_sla_at datetime c Time to next response SLA due date
hs_time_to_next_response_sla_status enumeration c Time to next response SLA status
hs_time_to_close_sla_at datetime c Time to close SLA due date
hs_time_to_close_sla_status enumeration c Time to close SLA status
createdate datetime - Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "leads": _SLA + """
hs_lead_name string - Lead name
hs_lead_type enumeration - Lead type
hs_lead_label enumeration - Lead label
hs_lead_source enumeration r Lead source
hs_lead_disqualification_reason enumeration - Disqualification reason
hs_pipeline enumeration x Lead pipeline
hs_pipeline_stage enumeration x Lead stage
hs_v2_date_entered_current_stage datetime c Date entered current stage
hs_lastactivitydate datetime c Last activity date
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "tasks": """
hs_timestamp datetime - Due date
hs_task_subject string - Task title
hs_task_body string - Task notes
hs_task_status enumeration - Task status
hs_task_priority enumeration - Priority
hs_task_type enumeration - Task type
hs_task_reminders string - Reminders
hs_task_is_completed bool c Is complete
hs_task_completion_date datetime c Completed at
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "calls": """
hs_timestamp datetime - Activity date
hs_call_title string - Call title
hs_call_body string - Call notes
hs_call_direction enumeration - Call direction
hs_call_disposition string - Call outcome
hs_call_duration number - Call duration
hs_call_status enumeration - Call status
hs_call_from_number string - From number
hs_call_to_number string - To number
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "emails": """
hs_timestamp datetime - Activity date
hs_email_subject string - Email subject
hs_email_text string - Text body
hs_email_html string - HTML body
hs_email_direction enumeration - Email direction
hs_email_status enumeration - Email send status
hs_email_headers string - Email headers
hs_email_from_email string c Email from address
hs_email_to_email string c Email to address
hs_email_thread_id string - Thread ID
hs_engagement_source string - Engagement source
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "meetings": """
hs_timestamp datetime - Activity date
hs_meeting_title string - Meeting name
hs_meeting_body string - Meeting description
hs_meeting_start_time datetime - Meeting start time
hs_meeting_end_time datetime - Meeting end time
hs_meeting_outcome enumeration - Meeting outcome
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
    "notes": """
hs_timestamp datetime - Activity date
hs_note_body string - Note body
hs_createdate datetime r Create date
hs_lastmodifieddate datetime r Last modified date
""",
}  # fmt: skip

OPTIONS: Final[dict[str, str]] = {
    "lifecyclestage": "subscriber lead marketingqualifiedlead salesqualifiedlead opportunity customer evangelist other",
    "hs_lead_status": "NEW OPEN IN_PROGRESS OPEN_DEAL UNQUALIFIED ATTEMPTED_TO_CONTACT CONNECTED BAD_TIMING",
    "hs_analytics_source": "ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING SOCIAL_MEDIA REFERRALS OTHER_CAMPAIGNS "
    "DIRECT_TRAFFIC OFFLINE PAID_SOCIAL",
    "hs_lead_source": "ORGANIC_SEARCH PAID_SEARCH EMAIL_MARKETING REFERRALS DIRECT_TRAFFIC OFFLINE",
    "hs_priority": "low medium high",
    "hs_ticket_priority": "LOW MEDIUM HIGH URGENT",
    "hs_ticket_category": "PRODUCT_ISSUE BILLING_ISSUE FEATURE_REQUEST GENERAL_INQUIRY",
    "hs_resolution": "ISSUE_FIXED FAILED_CALL_BACK NO_ACTION_NEEDED",
    "source_type": "CHAT EMAIL FORM PHONE",
    "hs_time_to_first_response_sla_status": "0 1 2 3 4",
    "hs_time_to_next_response_sla_status": "0 1 2 3 4",
    "hs_time_to_close_sla_status": "0 1 2 3 4",
    "hs_lead_type": "NEW_BUSINESS RE_ATTEMPTING UPSELL",
    "hs_lead_label": "HOT WARM COLD",
    "hs_lead_disqualification_reason": "BAD_TIMING NOT_A_FIT NO_BUDGET UNRESPONSIVE",
    "hs_task_status": "NOT_STARTED IN_PROGRESS WAITING COMPLETED DEFERRED",
    "hs_task_priority": "NONE LOW MEDIUM HIGH",
    "hs_task_type": "TODO CALL EMAIL",
    "hs_call_direction": "INBOUND OUTBOUND",
    "hs_call_status": "BUSY CALLING_CRM_USER CANCELED COMPLETED CONNECTING FAILED IN_PROGRESS MISSED NO_ANSWER QUEUED "
    "RINGING",
    "hs_email_direction": "EMAIL INCOMING_EMAIL FORWARDED_EMAIL",
    "hs_email_status": "BOUNCED FAILED SCHEDULED SENDING SENT",
    "hs_meeting_outcome": "SCHEDULED COMPLETED RESCHEDULED NO_SHOW CANCELED",
    "hs_object_source": "API AUTOMATION_PLATFORM BOT CONVERSATIONS CRM_UI CRM_UI_BULK_ACTION EMAIL FORM IMPORT "
    "INTEGRATION MERGE_OBJECTS MIGRATION MOBILE_IOS SALESFORCE SEQUENCES",
}

GROUPS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "contacts": (("contactinformation", "Contact information"), ("sla", "SLA")),
    "companies": (("companyinformation", "Company information"),),
    "deals": (("dealinformation", "Deal information"),),
    "tickets": (("ticketinformation", "Ticket information"), ("sla", "SLA")),
    "leads": (("leadinformation", "Lead information"), ("sla", "SLA")),
    "tasks": (("task", "Task information"),),
    "calls": (("call", "Call information"),),
    "emails": (("email", "Email information"),),
    "meetings": (("meeting", "Meeting information"),),
    "notes": (("note", "Note information"),),
}
"""The first group of each type holds the vendor's own properties."""


def lines(kind: str) -> list[tuple[str, str, str, str]]:
    """(name, type, marks, label) of every built-in property of a type."""
    rows = [line.split(maxsplit=3) for line in (_COMMON + _OWN[kind]).splitlines() if line]
    return [(name, sort, marks, label) for name, sort, marks, label in rows]
