"""The practice org as it stands at the start: people, queues, accounts, and as many leads and cases as asked for.

Owns fixed data and dated-back records. Refuses what happens later (``living``).
Invariant: the same seed, number and origin give the same rows with the same ids.
Our own machinery: people, firms and troubles are made up.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from emulators.salesforce import tables
from emulators.salesforce.ids import make_id
from emulators.salesforce.store import Store
from emulators.salesforce.writes import Actor, Writer

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
FIRST_USER: Final = make_id("005", 1)
"""The administrator, who made everything that was there at the start."""
INTEGRATION: Final = "sidecar@acme.test"
FIRST: Final = ("Ada", "Ben", "Chloe", "Dev", "Elif", "Finn", "Grace", "Hugo", "Iris", "Jonas", "Kim", "Lena", "Milo",
                "Nora", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara")  # fmt: skip
LAST: Final = ("Adler", "Brooks", "Castro", "Dahl", "Evans", "Fischer", "Garcia", "Hansen", "Ito", "Jensen", "Kaya",
               "Lopez", "Moreau", "Novak", "Okafor", "Patel", "Rossi", "Silva", "Tanaka", "Weber")  # fmt: skip
COMPANIES: Final = ("Alder Freight", "Bluebird Foods", "Cobalt Works", "Dune Energy", "Elm Street Books",
                    "Fjord Marine", "Granite Labs", "Harbor Clinics", "Indigo Textiles", "Juniper Tools")  # fmt: skip
COUNTRIES: Final = ("US", "US", "US", "DE", "FR", "GB", "CN", "BR", "JP")
SUBJECTS: Final = ("Cannot log in", "Invoice is wrong", "Export fails", "Question about pricing", "App is slow",
                   "Password reset mail missing", "Integration stopped", "Wrong VAT rate")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cast:
    """Ids of the people and queues that the rest refers to."""

    admin: str
    automation: str
    integration: str
    agents: tuple[str, ...]
    manager: str
    unassigned: str
    support: str


def plant(store: Store, writer: Writer, now_ms: int) -> Cast:
    """Organization, people, queues, statuses, business hours, accounts and contacts."""
    at = now_ms - 30 * DAY

    user = _users(store, at)
    admin = user("Pat", "Admin", "admin@acme.test")  # the first, so FIRST_USER

    def add(object: str, **values: Any) -> str:
        return str(store.insert(object, values, FIRST_USER, at)["Id"])

    add("Organization", Name="Acme (practice)", TimeZoneSidKey="America/New_York", DefaultLocaleSidKey="en_US",
        OrganizationType="Developer Edition", InstanceName="PRAC1", IsSandbox=False, Country="US")  # fmt: skip
    hours = {f"{day}{edge}Time": "00:00:00.000Z" for day in ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
             "Friday", "Saturday") for edge in ("Start", "End")}  # fmt: skip
    add("BusinessHours", Name="Default", IsActive=True, IsDefault=True, TimeZoneSidKey="America/New_York", **hours)
    _statuses(store, at)
    jo = user("Jo", "Santos", "jo@acme.test", Title="Head of Sales")
    agents = tuple(
        user(first, last, f"{first.lower()}@acme.test", ManagerId=jo)
        for first, last in (("Maria", "Costa"), ("Li", "Wei"), ("Sam", "Okoro"))
    )
    user("Alex", "Former", "alex@acme.test", IsActive=False)
    unassigned = _queue(store, at, "Unassigned", ("Lead", "Case"), agents)
    support = _queue(store, at, "Support", ("Case",), agents)
    cast = Cast(
        admin=admin,
        automation=user("Automated", "Process", "autoproc@acme.test", UserType="AutomatedProcess"),
        integration=user("Sidecar", "Integration", INTEGRATION, TimeZoneSidKey="GMT"),
        agents=agents, manager=jo, unassigned=unassigned, support=support,
    )  # fmt: skip
    user("Chris", "Customer", "chris@portal.test", UserType="CspLitePortal")
    for name, entity in (("Inbound leads", "Lead"), ("Inbound cases", "Case")):
        add("AssignmentRule", Name=name, SobjectType=entity, Active=True)
    _accounts(writer, Actor(cast.admin), at)
    return cast


def _users(store: Store, at: int) -> Any:
    def user(first: str, last: str, email: str, **more: Any) -> str:
        row = {
            "FirstName": first, "LastName": last, "Name": f"{first} {last}", "Username": email, "Email": email,
            "Alias": first.lower()[:8], "TimeZoneSidKey": "America/New_York", "ProfileId": "00eEm000000001IIAQ",
        }  # fmt: skip
        return str(store.insert("User", row | more, FIRST_USER, at)["Id"])

    return user


def _queue(store: Store, at: int, name: str, objects: Sequence[str], members: Sequence[str]) -> str:
    queue = store.insert("Group", {"Name": name, "DeveloperName": name, "Type": "Queue"}, FIRST_USER, at)["Id"]
    for entity in objects:
        store.insert("QueueSobject", {"QueueId": queue, "SobjectType": entity}, FIRST_USER, at)
    for member in members:
        store.insert("GroupMember", {"GroupId": queue, "UserOrGroupId": member}, FIRST_USER, at)
    return str(queue)


def _statuses(store: Store, at: int) -> None:
    kinds = (("LeadStatus", tables.LEAD_STATUSES, "Lead"), ("CaseStatus", tables.CASE_STATUSES, "Case"),
             ("TaskStatus", tables.TASK_STATUSES, "Task"))  # fmt: skip
    for entity, names, kind in kinds:
        for order, starred in enumerate(names, 1):
            name = starred.rstrip("*")
            row = {"MasterLabel": name, "ApiName": name, "SortOrder": order, "IsDefault": starred.endswith("*")}
            if entity == "LeadStatus":
                row["IsConverted"] = name == tables.CONVERTED_STATUS
            else:
                row["IsClosed"] = name in tables.CLOSED[kind]
            store.insert(entity, row, FIRST_USER, at)


def _accounts(writer: Writer, admin: Actor, at: int) -> None:
    account, contact = writer.store.tables["account"], writer.store.tables["contact"]
    for number, company in enumerate(COMPANIES):
        tier = ("Gold", "Silver", "Bronze", None)[number % 4]
        fields = {"Name": company, "Tier__c": tier, "Type": "Customer", "BillingCountry": COUNTRIES[number % 9]}
        made = writer.create(account, fields, admin, at)
        first, last = FIRST[number], LAST[number]
        email = f"{first}.{last}@{company.split()[0]}.test".lower()
        person = {"AccountId": made, "FirstName": first, "LastName": last, "Email": email, "Phone": "+1 555 0100"}
        writer.create(contact, person, admin, at)


class Records:
    """Leads and cases as they come in, alike for seeded and living data."""

    def __init__(self, store: Store, writer: Writer, cast: Cast, dice: random.Random) -> None:
        self._store = store
        self._writer = writer
        self._cast = cast
        self._dice = dice
        self._contacts = [row["Id"] for row in store.rows("Contact")]

    def lead(self, at: int | None = None, owner: str | None = None, source: str | None = None) -> str:
        dice = self._dice
        first, last, company = dice.choice(FIRST), dice.choice(LAST), dice.choice(COMPANIES)
        fields = {
            "FirstName": first, "LastName": last, "Company": company, "Country": dice.choice(COUNTRIES),
            "Email": f"{first}.{last}@{company.split()[0]}.test".lower(),
            "Phone": f"+1 555 {dice.randrange(10**4):04d}",
            "LeadSource": source or dice.choice(("Web", "Web", "Web", "Phone Inquiry", "Partner Referral")),
            "Rating": dice.choice(("Hot", "Warm", "Cold", None)), "OwnerId": owner or dice.choice(self._cast.agents),
        }  # fmt: skip
        return self._writer.create(self._store.tables["lead"], fields, Actor(self._cast.automation), at)

    def case(self, at: int | None = None, owner: str | None = None) -> str:
        dice = self._dice
        fields = {
            "Subject": dice.choice(SUBJECTS), "ContactId": dice.choice(self._contacts),
            "OwnerId": owner or self._cast.support,
            "Origin": dice.choice(("Email", "Email", "Web", "Phone")),
            "Priority": dice.choice(("High", "Medium", "Medium", "Low")),
            "Type": dice.choice(("Problem", "Question", "Feature Request")), "Description": "Please help.",
        }  # fmt: skip
        return self._writer.create(self._store.tables["case"], fields, Actor(self._cast.automation), at)


def grow(store: Store, writer: Writer, cast: Cast, records: int, dice: random.Random, now_ms: int) -> None:
    """``records`` leads and cases of the last five days, oldest first, most of them already worked on."""
    make = Records(store, writer, cast, dice)
    for at in sorted(now_ms - dice.randrange(5 * DAY) for _ in range(records)):
        agent, worked = dice.choice(cast.agents), at + dice.randrange(MINUTE, 3 * HOUR)
        if dice.random() < 0.5:
            made = make.lead(at)
            steps = [("Lead", "Working - Contacted"), ("Lead", "Closed - Not Converted")]
        else:
            made = make.case(at)
            steps = [("Case", "Working"), ("Case", "Closed")]
        for entity, status in steps[: dice.choice((0, 1, 1, 2))]:
            if worked < now_ms:
                _work(store, writer, entity, made, agent, status, worked)
                worked += dice.randrange(10 * MINUTE, DAY)


def _work(store: Store, writer: Writer, object: str, id: str, agent: str, status: str, at: int) -> None:
    actor = Actor(agent)
    if object == "Lead":
        call = {"WhoId": id, "Subject": "Call", "TaskSubtype": "Call", "Status": "Completed", "OwnerId": agent}
        writer.create(store.tables["task"], call, actor, at)
    else:
        mail = {"ParentId": id, "Incoming": False, "Status": "3", "TextBody": "We are on it.", "MessageDate": None}
        writer.create(store.tables["emailmessage"], mail, actor, at)
    writer.update(store.tables[object.lower()], id, {"Status": status, "OwnerId": agent}, actor, at)
