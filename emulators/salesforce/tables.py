"""The objects of the practice org, written by hand from the vendor's object reference.

Owns names, types, lengths and flags. Refuses behaviour.
Invariant: every standard field here exists in Salesforce under this name with this type; custom ones end in ``__c``.
Source: Object Reference for the Salesforce Platform, one page per object.
https://developer.salesforce.com/docs/platform/object-reference/references/standard-objects/object-task.html
"""

from __future__ import annotations

from functools import cache
from typing import Final

from emulators.salesforce.schema import Table, table

_SLA: Final = """
SLA_First_Response_Due__c      datetime
SLA_Next_Response_Due__c       datetime
SLA_Resolution_Due__c          datetime
SLA_Due__c                     datetime
SLA_Breached_At__c             datetime
SLA_Status__c                  string:40
SLA_First_Response_Status__c   string:40
SLA_Policy__c                  string:255
SLA_Tags__c                    string:255
"""
LEAD_STATUSES: Final = ("Open - Not Contacted*", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
CASE_STATUSES: Final = ("New*", "Working", "Waiting on Customer", "On Hold", "Escalated", "Closed")
TASK_STATUSES: Final = ("Not Started*", "In Progress", "Completed", "Waiting on someone else", "Deferred")
PRIORITIES: Final = ("High", "Medium*", "Low")
TASK_PRIORITIES: Final = ("High", "Normal*", "Low")
SOURCES: Final = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other")
INDUSTRIES: Final = ("Banking", "Education", "Healthcare", "Manufacturing", "Retail", "Technology", "Other")
OWNER: Final = "reference:User,Group@Owner"
WHO: Final = "reference:Lead,Contact@Who"
WHAT: Final = "reference:Account,Case@What"

_LEAD: Final = f"""
MasterRecordId      reference:Lead@MasterRecord ro
LastName            string:80 required
FirstName           string:40
Salutation          picklist
Name                string:121 ro
Title               string:128
Company             string:255 required
Street              textarea:255
City                string:40
State               string:80
PostalCode          string:20
Country             string:80
Phone               phone:40
MobilePhone         phone:40
Email               email:80
Website             url
Description         textarea:32000
LeadSource          picklist
Status              picklist required restricted
Industry            picklist
Rating              picklist
AnnualRevenue       currency
NumberOfEmployees   int
OwnerId             {OWNER}
HasOptedOutOfEmail  boolean
IsConverted         boolean ro
ConvertedDate       date ro
ConvertedAccountId  reference:Account@ConvertedAccount ro
ConvertedContactId  reference:Contact@ConvertedContact ro
ConvertedOpportunityId string:18 ro
IsUnreadByOwner     boolean true
LastActivityDate    date ro
{_SLA}
"""
_CASE: Final = f"""
CaseNumber          string:30 ro
MasterRecordId      reference:Case@MasterRecord ro
ContactId           reference:Contact@Contact
AccountId           reference:Account@Account
ParentId            reference:Case@Parent
BusinessHoursId     reference:BusinessHours@BusinessHours
SuppliedName        string:80
SuppliedEmail       email:80
SuppliedPhone       string:40
SuppliedCompany     string:80
Type                picklist
Status              picklist restricted
Reason              picklist
Origin              picklist
Subject             string:255
Priority            picklist restricted
Description         textarea:32000
IsClosed            boolean ro
ClosedDate          datetime ro
IsEscalated         boolean
IsClosedOnCreate    boolean ro
OwnerId             {OWNER}
ContactEmail        email:80 ro
ContactPhone        phone:40 ro
Comments            textarea:4000 nofilter
{_SLA}
"""
_TASK: Final = f"""
WhoId               {WHO}
WhatId              {WHAT}
Subject             combobox:255
ActivityDate        date
Status              picklist required restricted
Priority            picklist required restricted
IsHighPriority      boolean ro
OwnerId             reference:User@Owner
Description         textarea:32000
AccountId           reference:Account@Account ro
IsClosed            boolean ro
CallDurationInSeconds int
CallType            picklist
CallDisposition     string:255
CallObject          string:255
ReminderDateTime    datetime
IsReminderSet       boolean
TaskSubtype         picklist create
CompletedDateTime   datetime ro
SLA_Key__c          string:80 unique external
"""
_EVENT: Final = f"""
WhoId               {WHO}
WhatId              {WHAT}
Subject             combobox:255
Location            string:255
IsAllDayEvent       boolean
ActivityDateTime    datetime
ActivityDate        date
DurationInMinutes   int
StartDateTime       datetime
EndDateTime         datetime
Description         textarea:32000
AccountId           reference:Account@Account ro
OwnerId             reference:User@Owner
IsPrivate           boolean
IsChild             boolean ro
IsGroupEvent        boolean ro
ShowAs              picklist
ReminderDateTime    datetime
IsReminderSet       boolean
EventSubtype        picklist create
"""
_USER: Final = """
Username            string:80 required
LastName            string:80 required
FirstName           string:40
Name                string:121 ro
CompanyName         string:80
Department          string:80
Title               string:80
Email               email:128 required
Phone               phone:40
Alias               string:8 required
IsActive            boolean true
TimeZoneSidKey      picklist
LocaleSidKey        picklist
EmailEncodingKey    picklist
LanguageLocaleKey   picklist
ProfileId           string:18
UserRoleId          string:18
UserType            picklist ro
ManagerId           reference:User@Manager
LastLoginDate       datetime ro
"""
_GROUP: Final = """
Name                string:40 required
DeveloperName       string:80
RelatedId           string:18 ro
Type                picklist required create
Email               email:255
OwnerId             reference:User@Owner ro
DoesSendEmailToMembers boolean
DoesIncludeBosses   boolean
"""
_EMAIL: Final = """
ParentId            reference:Case@Parent
ActivityId          reference:Task@Activity
RelatedToId         reference:Case,Account@RelatedTo
Subject             string:3000
TextBody            textarea:32000
HtmlBody            textarea:32000
Headers             textarea:32000
FromName            string:1000
FromAddress         email:1000
ToAddress           string:4000
CcAddress           string:4000
Incoming            boolean
Status              picklist required
MessageDate         datetime
IsPrivateDraft      boolean
IsExternallyVisible boolean true
ReplyToEmailMessageId reference:EmailMessage@ReplyToEmailMessage
MessageIdentifier   string:2000
"""
_CONTACT: Final = """
MasterRecordId      reference:Contact@MasterRecord ro
AccountId           reference:Account@Account
LastName            string:80 required
FirstName           string:40
Salutation          picklist
Name                string:121 ro
Phone               phone:40
MobilePhone         phone:40
Email               email:80
Title               string:128
Department          string:80
LeadSource          picklist
Description         textarea:32000
MailingCountry      string:80
OwnerId             reference:User@Owner
LastActivityDate    date ro
"""
_ACCOUNT: Final = """
MasterRecordId      reference:Account@MasterRecord ro
Name                string:255 required
Type                picklist
ParentId            reference:Account@Parent
BillingCountry      string:80
Phone               phone:40
Website             url
Industry            picklist
AnnualRevenue       currency
NumberOfEmployees   int
Description         textarea:32000
OwnerId             reference:User@Owner
LastActivityDate    date ro
Tier__c             picklist restricted
Legacy_Id__c        string:40 external
"""
_HOURS: Final = "\n".join(
    f"{day}{edge}Time time"
    for day in ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
    for edge in ("Start", "End")
)
_STATUS: Final = "MasterLabel string:255 ro\nApiName string:255 ro\nSortOrder int ro\nIsDefault boolean ro\n"
_HISTORY: Final = "Field picklist ro\nDataType picklist ro\nOldValue anyType ro nofilter\nNewValue anyType ro nofilter"

_CALL: Final = {"CallType": ("Internal", "Inbound", "Outbound"), "TaskSubtype": ("Task*", "Email", "Call", "Cadence")}
_PEOPLE: Final = {"Salutation": ("Mr.", "Ms.", "Mrs.", "Dr.", "Prof."), "LeadSource": SOURCES, "Industry": INDUSTRIES}
_TOLD: Final = {"Field": ("Status", "Owner", "Priority", "created", "ownerAssignment", "ownerAccepted")}
_NO_BIN: Final = ("created", "created_by", "modified", "modified_by", "stamp")
_SEEN: Final = ("deleted", "created", "created_by")


@cache
def make_tables() -> dict[str, Table]:
    """The tables by lower-case name. They are never changed: what an org hides or locks stands in its settings."""
    tables = [
        table("Lead", "00Q", _LEAD, picklists=_PEOPLE | {"Status": LEAD_STATUSES, "Rating": ("Hot", "Warm", "Cold")}),
        table("Case", "500", _CASE, name_field="CaseNumber", picklists={
            "Status": CASE_STATUSES, "Priority": PRIORITIES, "Origin": ("Phone", "Email", "Web"),
            "Type": ("Problem", "Question", "Feature Request"), "Reason": ("Installation", "Performance", "Other"),
        }),
        table("Task", "00T", _TASK, name_field="Subject", picklists=_CALL | {
            "Status": TASK_STATUSES, "Priority": TASK_PRIORITIES,
        }),
        table("Event", "00U", _EVENT, name_field="Subject", picklists={
            "ShowAs": ("Busy*", "OutOfOffice", "Free"), "EventSubtype": ("Event*",),
        }),
        table("User", "005", _USER, system=_NO_BIN, deletable=False, picklists={
            "TimeZoneSidKey": ("GMT*",), "LocaleSidKey": ("en_US*",), "EmailEncodingKey": ("UTF-8*",),
            "LanguageLocaleKey": ("en_US*",), "UserType": ("Standard*", "AutomatedProcess", "CspLitePortal"),
        }),
        table("Group", "00G", _GROUP, system=_NO_BIN, picklists={"Type": ("Regular", "Queue", "Role")}),
        table("GroupMember", "011", "GroupId reference:Group@Group required create\n"
              "UserOrGroupId reference:User,Group required create", system=("stamp",), plural="Group Members"),
        table("UserRole", "00E", "Name string:80 required\nParentRoleId reference:UserRole@ParentRole",
              system=("stamp",), label="Role"),
        table("QueueSobject", "03g", "QueueId reference:Group@Queue required create\nSobjectType picklist create",
              system=("created_by", "stamp"), picklists={"SobjectType": ("Lead", "Case")}),
        table("EmailMessage", "02s", _EMAIL, name_field="Subject", label="Email Message", picklists={
            "Status": ("0*", "1", "2", "3", "4", "5"),
        }),
        table("CaseComment", "00a", "ParentId reference:Case@Parent required create\nIsPublished boolean\n"
              "CommentBody textarea:4000", label="Case Comment"),
        table("FeedItem", "0D5", "ParentId reference:Lead,Case,Contact,Account@Parent required create\n"
              "Type picklist create\nTitle string:255\nBody textarea:10000 required\nVisibility picklist",
              label="Feed Item", picklists={
                  "Type": ("TextPost*", "LinkPost", "ContentPost", "EmailMessageEvent", "CaseCommentPost",
                           "CallLogPost", "TrackedChange"),
                  "Visibility": ("AllUsers*", "InternalUsers"),
              }),
        table("Contact", "003", _CONTACT, picklists=_PEOPLE),
        table("Account", "001", _ACCOUNT, picklists={
            "Type": ("Prospect", "Customer", "Partner", "Other"), "Industry": INDUSTRIES,
            "Tier__c": ("Gold", "Silver", "Bronze"),
        }),
        table("LeadStatus", "01J", _STATUS + "IsConverted boolean ro", system=_NO_BIN, writable=False,
              name_field="MasterLabel", label="Lead Status Value"),
        table("CaseStatus", "01J", _STATUS + "IsClosed boolean ro", system=_NO_BIN, writable=False,
              name_field="MasterLabel", label="Case Status Value"),
        table("TaskStatus", "01J", _STATUS + "IsClosed boolean ro", system=_NO_BIN, writable=False,
              name_field="MasterLabel", label="Task Status Value"),
        table("CaseHistory", "017", "CaseId reference:Case@Case ro\n" + _HISTORY, system=_SEEN, writable=False,
              picklists=_TOLD | {"Field": (*_TOLD["Field"], "ownerEscalated", "external")}),
        table("LeadHistory", "017", "LeadId reference:Lead@Lead ro\n" + _HISTORY, system=_SEEN, writable=False,
              picklists=_TOLD),
        table("Organization", "00D", "Name string:80\nTimeZoneSidKey string:40 ro\nDefaultLocaleSidKey string:40 ro\n"
              "OrganizationType string:40 ro\nInstanceName string:5 ro\nIsSandbox boolean ro\nCountry string:80\n"
              "TrialExpirationDate datetime ro", system=_NO_BIN, writable=False),
        table("BusinessHours", "01m", "Name string:80 required\nIsActive boolean true\nIsDefault boolean\n"
              "TimeZoneSidKey string:40 required\n" + _HOURS, system=_NO_BIN, plural="Business Hours"),
        table("AssignmentRule", "01Q", "Name string:120 ro\nSobjectType picklist ro\nActive boolean ro",
              system=_NO_BIN, writable=False, label="Assignment Rule", picklists={"SobjectType": ("Lead", "Case")}),
    ]  # fmt: skip
    return {one.name.lower(): one for one in tables}


CLOSED: Final = {
    "Lead": frozenset({"Closed - Converted", "Closed - Not Converted"}),
    "Case": frozenset({"Closed"}),
    "Task": frozenset({"Completed"}),
}
"""Statuses in which work has ended."""
CONVERTED_STATUS: Final = "Closed - Converted"

NAME_FIELDS: Final = (
    "Alias", "Email", "FirstName", "IsActive", "LastName", "Name", "Phone", "Title", "Type", "Username",
)  # fmt: skip
"""What a polymorphic relationship (Owner, Who, What) shows without TYPEOF: the fields of the Name object."""

TRACKED: Final = {"Lead": ("Status", "OwnerId"), "Case": ("Status", "OwnerId", "Priority")}
"""Fields with history tracking switched on."""
