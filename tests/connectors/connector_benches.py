"""One bench per CRM: the same deeds and the same faults, so that one suite can hold every connector to the contract.

A new connector adds a class here, and the suite runs over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from hubspot_samples.desk import Desk

from connectors.base import Connector, WebhookRequest
from connectors.http import IMPATIENT
from connectors.memory import MemoryConnector, MemoryCrm
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from emulators.core import serve
from emulators.salesforce import EMULATOR
from sla.model import split_record

TOKEN = "conformance-token-of-32-characters"


class Bench(Protocol):
    """What people do in the CRM, what goes wrong in it, and what took effect. Records go by their full names."""

    connector: Connector
    maria: str
    li: str
    gone: str
    """``user:ID`` of two agents, and of one who has left."""
    unknown: str
    """A well-formed id that no record has."""

    def connect(self, *wanted: str) -> Connector: ...
    def pass_time(self, seconds: float) -> None: ...
    def create(self, kind: str, owner: str | None = None) -> str: ...
    def customer_writes(self, record: str) -> None: ...
    def agent_writes(self, record: str, agent: str) -> None: ...
    def agent_calls(self, record: str, agent: str, *, reached: bool) -> None: ...
    def give(self, record: str, owner: str, by: str) -> None: ...
    def close_ticket(self, record: str, by: str) -> None: ...
    def delete(self, record: str) -> None: ...
    def merge(self, loser: str, winner: str) -> None: ...
    def complete(self, task: str, by: str) -> None: ...
    def effects(self) -> int: ...
    def over_quota(self) -> None: ...
    def down(self) -> None: ...
    def locked_out(self) -> None: ...
    def lose_next_answer(self) -> None: ...
    def mend(self) -> None: ...
    def webhook(self, record: str) -> WebhookRequest | None: ...
    def shut(self) -> None: ...


class MemoryBench:
    unknown = "nobody"

    def __init__(self) -> None:
        self.at = 1_772_460_300_000
        self.crm = MemoryCrm(lambda: self.at)
        self.maria, self.li, self.gone = (self.crm.person(f"user:{number}", name=f"N{number}") for number in (1, 2, 3))
        self.crm.person("queue:1")
        self.crm.deactivate(self.gone)
        self.connector: Connector = MemoryConnector("acme", self.crm)

    def connect(self, *wanted: str) -> Connector:
        return MemoryConnector("acme", self.crm, wanted=frozenset(wanted))

    def pass_time(self, seconds: float) -> None:
        self.at += int(seconds * 1000)

    def create(self, kind: str, owner: str | None = None) -> str:
        return "acme:" + ":".join(self.crm.create(kind, owner=owner, by="customer:1", name="Ann Doe", source="Web"))

    def customer_writes(self, record: str) -> None:
        self.crm.message(record)

    def agent_writes(self, record: str, agent: str) -> None:
        self.crm.message(record, "outbound", by=agent)

    def agent_calls(self, record: str, agent: str, *, reached: bool) -> None:
        self.crm.activity(record, by=agent, outcome="connected" if reached else "busy")

    def give(self, record: str, owner: str, by: str) -> None:
        self.crm.update(record, owner=owner, by=by)

    def close_ticket(self, record: str, by: str) -> None:
        self.crm.update(record, status="closed", raw_status="Closed", by=by)

    def delete(self, record: str) -> None:
        self.crm.delete(record)

    def merge(self, loser: str, winner: str) -> None:
        self.crm.merge(loser, winner)

    def complete(self, task: str, by: str) -> None:
        next(item for item in self.crm.tasks if item["id"] == task)["closed"] = True

    def effects(self) -> int:
        return len(self.crm.effects)

    def over_quota(self) -> None:
        self.crm.rate_limited(30, None)

    def down(self) -> None:
        self.crm.unreachable(None)

    def locked_out(self) -> None:
        self.crm.auth_failed(None)

    def lose_next_answer(self) -> None:
        self.crm.lose_answers()

    def mend(self) -> None:
        self.crm.mend()

    def webhook(self, record: str) -> WebhookRequest | None:
        return self.crm_connector().webhook(record)

    def crm_connector(self) -> MemoryConnector:
        return MemoryConnector("acme", self.crm)

    def shut(self) -> None:
        self.connector.close()


class SalesforceBench:
    unknown = "00Q00000000000AAAA"
    WRITE = {"sla_due": "SLA_Due__c", "sla_status": "SLA_Status__c"}  # noqa: RUF012
    OBJECTS = {"lead": "Lead", "ticket": "Case"}  # noqa: RUF012

    def __init__(self) -> None:
        self.emulator = EMULATOR(seed=1)
        self.server = serve(self.emulator)
        self.maria, self.li, self.gone = (f"user:{agent}" for agent in self.emulator.cast.agents)
        self._act("deactivate_user", user=self.gone)
        self.connector: Connector = self.connect()

    def connect(self, *wanted: str) -> Connector:
        known = self.emulator.credentials()
        settings = SalesforceSettings.model_validate({
            "connector": "salesforce", "domain": "acme.my", "url": self.server.url,
            "client_id": known["consumer_key"], "client_secret": known["consumer_secret"],
            "write": {"lead": self.WRITE, "ticket": self.WRITE},
            "tags": {"lead": "SLA_Tags__c", "ticket": "SLA_Tags__c"},
            "webhook": {"token": TOKEN, "organization": known["organization_id"]},
        })  # fmt: skip
        return SalesforceConnector(
            "acme", settings, wanted=frozenset(wanted), clock=self.emulator.clock.now_ms, patience=IMPATIENT
        )

    def _act(self, do: str, **order: Any) -> str:
        with self.emulator.lock:
            return str(self.emulator.act({"do": do, **order})["id"])

    def pass_time(self, seconds: float) -> None:
        self.emulator.clock.advance(seconds)

    def create(self, kind: str, owner: str | None = None) -> str:
        fields = {
            "lead": {"LastName": "Doe", "FirstName": "Ann", "Company": "Doe Ltd", "LeadSource": "Web"},
            "ticket": {"Subject": "Help", "Origin": "Email"},
        }[kind]
        fields |= {"OwnerId": owner} if owner else {}
        return f"acme:{kind}:{self._act('create', object=self.OBJECTS[kind], fields=fields, by='autoproc@acme.test')}"

    def customer_writes(self, record: str) -> None:
        self._act("message", id=split_record(record)[2])

    def agent_writes(self, record: str, agent: str) -> None:
        self._act("message", id=split_record(record)[2], direction="outbound", by=agent)

    def agent_calls(self, record: str, agent: str, *, reached: bool) -> None:
        self._act("call", id=split_record(record)[2], by=agent, outcome="Contacted" if reached else "Busy")

    def give(self, record: str, owner: str, by: str) -> None:
        self._act("update", id=split_record(record)[2], fields={"OwnerId": owner}, by=by)

    def close_ticket(self, record: str, by: str) -> None:
        self._act("update", id=split_record(record)[2], fields={"Status": "Closed"}, by=by)

    def delete(self, record: str) -> None:
        self._act("delete", id=split_record(record)[2])

    def merge(self, loser: str, winner: str) -> None:
        self._act("merge", id=split_record(loser)[2], into=split_record(winner)[2])

    def complete(self, task: str, by: str) -> None:
        self._act("update", id=task, fields={"Status": "Completed"}, by=by)

    def effects(self) -> int:
        return sum(line["by"].startswith("api:") for line in self.emulator.effects.lines())

    def _fault(self, fault: str, path: str = "/services/data", **more: Any) -> None:
        self.emulator.faults.add({"fault": fault, "path": path, **more})

    def over_quota(self) -> None:
        self._fault("quota")

    def down(self) -> None:
        self._fault("status:503", "/services")

    def locked_out(self) -> None:
        self._fault("status:401")

    def lose_next_answer(self) -> None:
        self._fault("drop_response", "/services/data/v66.0/composite/sobjects", times=1)

    def mend(self) -> None:
        self.emulator.faults.clear()

    def webhook(self, record: str) -> WebhookRequest | None:
        with self.emulator.lock:
            self.emulator.webhooks.url = "http://127.0.0.1:9/hook"
            self.emulator.deliveries()
            self._act("update", id=split_record(record)[2], fields={"Description": "x"})
            delivery = self.emulator.deliveries()[0]
            self.emulator.webhooks.url = None
        given, body = delivery.render() if delivery.render is not None else (delivery.headers, delivery.body)
        headers = {name.lower(): value for name, value in given.items()}
        return WebhookRequest("POST", f"https://sidecar.test/hooks/acme/{TOKEN}", headers, body)

    def shut(self) -> None:
        self.connector.close()
        self.server.close()


class HubSpotBench:
    unknown = "999999999"
    OBJECTS = {"lead": "contacts", "ticket": "tickets"}  # noqa: RUF012

    def __init__(self) -> None:
        tags = {"lead": "sla_tags", "ticket": "sla_tags"}
        self.desk = Desk(webhook_secret="conformance-secret", tags=tags)
        self.desk.settings["sender"] = self.desk.owner("Jo")
        self.maria, self.li, self.gone = (f"user:{self.desk.owner(first)}" for first in ("Maria", "Li", "Sam"))
        self.desk.act("deactivate_user", user=self.gone)
        self.connector: Connector = self.connect()
        self._made = 0

    def connect(self, *wanted: str) -> Connector:
        return self.desk.connect(wanted, patience=IMPATIENT)

    def _act(self, do: str, record: str, **order: Any) -> dict[str, Any]:
        _, kind, key = split_record(record)
        return self.desk.act(do, object=self.OBJECTS[kind], id=key, **order)

    def pass_time(self, seconds: float) -> None:
        self.desk.pass_time(seconds)

    def create(self, kind: str, owner: str | None = None) -> str:
        self._made += 1
        fields: dict[str, Any] = {"hubspot_owner_id": owner} if owner else {}
        if kind == "ticket":
            return f"acme:ticket:{self.desk.ticket(**fields)}"
        return f"acme:lead:{self.desk.contact(email=f'ann{self._made}@doe.test', firstname='Ann', **fields)}"

    def customer_writes(self, record: str) -> None:
        self._act("message", record)

    def agent_writes(self, record: str, agent: str) -> None:
        self._act("message", record, direction="outbound", by=agent)

    def agent_calls(self, record: str, agent: str, *, reached: bool) -> None:
        self._act("call", record, by=agent, outcome="connected" if reached else "busy")

    def give(self, record: str, owner: str, by: str) -> None:
        self._act("update", record, fields={"hubspot_owner_id": owner}, by=by)

    def close_ticket(self, record: str, by: str) -> None:
        self._act("update", record, stage="closed", by=by)

    def delete(self, record: str) -> None:
        self._act("delete", record)

    def merge(self, loser: str, winner: str) -> None:
        self._act("merge", loser, into=split_record(winner)[2])

    def complete(self, task: str, by: str) -> None:
        self.desk.act("update", object="tasks", id=task, fields={"hs_task_status": "COMPLETED"}, by=by)

    def effects(self) -> int:
        return len(self.desk.effects())

    def over_quota(self) -> None:
        self.desk.fault("quota")

    def down(self) -> None:
        self.desk.fault("status:503")

    def locked_out(self) -> None:
        self.desk.fault("status:401")

    def lose_next_answer(self) -> None:
        for path in (
            "*/batch/update",
            "*/tasks",
            "*/tasks/batch/create",
            "*/notes",
            "*/notes/batch/create",
            "*/messages",
        ):
            self.desk.fault("drop_response", path, method="POST", times=1)

    def mend(self) -> None:
        self.desk.emulator.faults.clear()

    def webhook(self, record: str) -> WebhookRequest | None:
        return None

    def shut(self) -> None:
        self.desk.__exit__(None, None, None)


BENCHES: dict[str, Callable[[], Bench]] = {
    "memory": MemoryBench,
    "salesforce": SalesforceBench,
    "hubspot": HubSpotBench,
}
