"""What people do in the CRM's own pages: create, edit, answer, call, merge, convert, delete, and an admin's setup.

Owns the orders of ``POST /_emulator/act``. Refuses the API's rules of sessions and headers: people need none.
Invariant: an order changes one thing, and leaves an effect by ``person:ID`` unless it is part of the org's own life.
The orders are our own machinery; what follows from merging, converting and restoring is the vendor's, and that a
lead's message is a completed task is assumed.
https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_merge.htm
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from emulators.core import Refused
from emulators.salesforce.errors import ApiError
from emulators.salesforce.org import Org, change
from emulators.salesforce.schema import Table
from emulators.salesforce.store import Store, Values
from emulators.salesforce.tables import CONVERTED_STATUS
from emulators.salesforce.values import show_instant
from emulators.salesforce.writes import CASCADES, Actor, Writer

Order = Mapping[str, Any]
SUPPORT_ADDRESS: Final = "support@acme.test"
CUSTOMER: Final = "customer"


class People:
    """``admin`` and ``automation`` are user ids; ``recorded`` False leaves no effects (seeded and living data)."""

    def __init__(self, store: Store, writer: Writer, org: Org, admin: str, automation: str) -> None:
        self._store = store
        self._writer = writer
        self._org = org
        self._admin = admin
        self._automation = automation
        self._orders: dict[str, Callable[[Order], str]] = {
            "create": self._create, "update": self._update, "message": self._message, "call": self._call,
            "merge": self._merge, "convert": self._convert, "delete": self._delete, "undelete": self._undelete,
            "purge": self._purge, "post": self._post, "hide_field": self._hide, "rename_field": self._rename,
            "deactivate_user": self._deactivate, "activate_user": self._activate, "setup": self._setup,
        }  # fmt: skip
        self.recorded = True

    def do(self, order: Order) -> dict[str, Any]:
        """Carries out one order. Raises Refused with the reason."""
        handle = self._orders.get(str(order.get("do")))
        if handle is None:
            raise Refused(f"cannot {order.get('do')!r}; known: {', '.join(self._orders)}")
        try:
            return {"id": handle(order)}
        except ApiError as refused:
            raise Refused(str(refused)) from None

    def person(self, who: str) -> str:
        """The id of a user or queue by id, username, e-mail or name; ``user:`` and ``queue:`` before it are fine."""
        wanted = who.split(":", 1)[1] if who.startswith(("user:", "queue:")) else who
        for entity in ("User", "Group"):
            for row in self._store.rows(entity):
                if wanted in (row["Id"], row["Id"][:15], row.get("Username"), row.get("Email"), row.get("Name")):
                    return str(row["Id"])
        raise Refused(f"nobody here is called {who!r}")

    def _actor(self, order: Order, default: str | None = None) -> Actor:
        user = self.person(str(order["by"])) if order.get("by") else (default or self._admin)
        return Actor(user, f"person:{user}" if self.recorded else None, assign=bool(order.get("assign")))

    def _found(self, order: Order, key: str = "id") -> tuple[Table, Values]:
        table, row = self._store.table_of(str(order[key])), self._store.find(str(order[key]))
        if table is None or row is None:
            raise Refused(f"there is no record {order[key]!r}")
        return table, row

    def _owner_or_admin(self, row: Values) -> str:
        owner = str(row.get("OwnerId") or "")
        return owner if owner.startswith("005") else self._admin

    def _create(self, order: Order) -> str:
        table = self._store.tables.get(str(order["object"]).lower())
        if table is None:
            raise Refused(f"there is no object {order['object']!r}")
        return self._writer.create(table, self._fields(order), self._actor(order))

    def _fields(self, order: Order) -> dict[str, Any]:
        """Owners may be given by e-mail or queue name."""
        fields = dict(order.get("fields", {}))
        if fields.get("OwnerId"):
            fields["OwnerId"] = self.person(str(fields["OwnerId"]))
        return fields

    def _update(self, order: Order) -> str:
        table, row = self._found(order)
        self._writer.update(table, row["Id"], self._fields(order), self._actor(order, self._owner_or_admin(row)))
        return str(row["Id"])

    def _message(self, order: Order) -> str:
        """``direction`` inbound (default) or outbound, ``channel`` email (default) or comment, ``public``,
        ``automated`` (an auto-reply), ``text``. On a lead an e-mail is a completed task, as without e-mail tracking."""
        table, row = self._found(order)
        inbound = order.get("direction", "inbound") == "inbound"
        text = str(order.get("text", "…"))
        if table.name == "Lead":
            return self._email_to_lead(order, row, text, inbound=inbound)
        if table.name != "Case":
            raise Refused(f"messages are written on cases and leads, not on {table.name}")
        if order.get("channel") == "comment":
            comment = {"ParentId": row["Id"], "CommentBody": text, "IsPublished": bool(order.get("public", True))}
            author = self._portal_user() if inbound else self._author(order, row, inbound)
            return self._writer.create(self._store.tables["casecomment"], comment, author)
        return self._email_on_case(order, row, text, inbound=inbound)

    def _author(self, order: Order, row: Values, inbound: bool) -> Actor:
        """Mail that comes in, and mail that writes itself, is saved by the automation user."""
        if inbound or order.get("automated"):
            by = f"person:{CUSTOMER if inbound else self._automation}" if self.recorded else None
            return Actor(self._automation, by)
        return self._actor(order, self._owner_or_admin(row))

    def _portal_user(self) -> Actor:
        """What a customer writes on a portal carries the customer's own user (Object Reference, User.UserType)."""
        user = next(row["Id"] for row in self._store.rows("User") if row["UserType"] == "CspLitePortal")
        return Actor(str(user), f"person:{CUSTOMER}" if self.recorded else None)

    def _email_on_case(self, order: Order, row: Values, text: str, *, inbound: bool) -> str:
        customer = row.get("ContactEmail") or row.get("SuppliedEmail") or "customer@example.test"
        sender, receiver = (customer, SUPPORT_ADDRESS) if inbound else (SUPPORT_ADDRESS, customer)
        mail = {
            "ParentId": row["Id"], "Incoming": inbound, "Status": "0" if inbound else "3", "TextBody": text,
            "Subject": f"Re: {row.get('Subject') or row['CaseNumber']}", "FromAddress": sender, "ToAddress": receiver,
            "IsExternallyVisible": bool(order.get("public", True)),
            # RFC 3834: what tells an out-of-office note and a machine's mail from a person's.
            "Headers": "Auto-Submitted: auto-replied\n" if order.get("automated") else None,
        }  # fmt: skip
        return self._writer.create(self._store.tables["emailmessage"], mail, self._author(order, row, inbound))

    def _email_to_lead(self, order: Order, row: Values, text: str, *, inbound: bool) -> str:
        actor = self._author(order, row, inbound)
        task = {
            "WhoId": row["Id"], "Subject": f"Email: {text}"[:255], "TaskSubtype": "Email", "Status": "Completed",
            "OwnerId": self._owner_or_admin(row),
        }  # fmt: skip
        return self._writer.create(self._store.tables["task"], task, actor)

    def _call(self, order: Order) -> str:
        """A logged call: a completed task. ``outcome`` becomes its CallDisposition."""
        table, row = self._found(order)
        actor = self._actor(order, self._owner_or_admin(row))
        task = {
            "WhatId" if table.name == "Case" else "WhoId": row["Id"], "Subject": "Call", "TaskSubtype": "Call",
            "CallType": "Outbound", "Status": "Completed", "OwnerId": actor.user,
            "CallDisposition": order.get("outcome"), "CallDurationInSeconds": order.get("seconds", 120),
        }  # fmt: skip
        return self._writer.create(self._store.tables["task"], task, actor)

    def _merge(self, order: Order) -> str:
        """``id`` is merged ``into`` another: it goes to the recycle bin, its activities and mails move."""
        table, loser = self._found(order)
        _, winner = self._found(order, "into")
        if not table.has("MasterRecordId") or winner["Id"][:3] != loser["Id"][:3] or winner["Id"] == loser["Id"]:
            raise Refused("only two different records of one object that merges can be merged")
        actor = self._actor(order, self._owner_or_admin(winner))
        for entity, field in (("Task", "WhoId"), ("Task", "WhatId"), ("EmailMessage", "ParentId"),
                              ("CaseComment", "ParentId")):  # fmt: skip
            for child in self._store.children(entity, field, loser["Id"]):
                self._store.update(entity, child["Id"], {field: winner["Id"]}, actor.user)
        self._writer.remove(table, loser["Id"], actor.user, MasterRecordId=winner["Id"])
        self._writer.tell(table, loser["Id"], {"IsDeleted": True, "MasterRecordId": winner["Id"]}, {}, actor)
        return str(winner["Id"])

    def _convert(self, order: Order) -> str:
        """A lead becomes account and contact; its activities move to the contact."""
        table, lead = self._found(order)
        if table.name != "Lead" or lead["IsConverted"] or lead["IsDeleted"]:
            raise Refused("only an open lead can be converted")
        user = self._actor(order, self._owner_or_admin(lead)).user
        quiet = Actor(user)
        account = self._writer.create(self._store.tables["account"], {"Name": lead["Company"]}, quiet)
        person = {name: lead[name] for name in ("FirstName", "LastName", "Email", "Phone", "Title")}
        contact = self._writer.create(self._store.tables["contact"], person | {"AccountId": account}, quiet)
        for child in self._store.children("Task", "WhoId", lead["Id"]):
            self._store.update("Task", child["Id"], {"WhoId": contact, "AccountId": account}, user)
        changes = {
            "IsConverted": True, "Status": CONVERTED_STATUS, "ConvertedDate": show_instant(self._store.stamp())[:10],
            "ConvertedAccountId": account, "ConvertedContactId": contact,
        }  # fmt: skip
        self._writer.force(table, lead["Id"], changes, self._actor(order, user))
        return contact

    def _delete(self, order: Order) -> str:
        table, row = self._found(order)
        self._writer.delete(table, row["Id"], self._actor(order, self._owner_or_admin(row)))
        return str(row["Id"])

    def _undelete(self, order: Order) -> str:
        table, row = self._found(order)
        if not row.get("IsDeleted"):
            raise Refused("it is not in the recycle bin")
        for entity, field in CASCADES.get(table.name, ()):  # what went into the bin with it comes back with it
            for child in self._store.rows(entity, deleted=True):
                if child.get(field) == row["Id"] and child["SystemModstamp"] == row["SystemModstamp"]:
                    self._store.update(entity, child["Id"], {"IsDeleted": False}, self._admin)
        self._writer.force(table, row["Id"], {"IsDeleted": False}, self._actor(order))
        return str(row["Id"])

    def _purge(self, order: Order) -> str:
        """Deleted for good, out of the recycle bin or past it: no query shows it any more."""
        table, row = self._found(order)
        if not row.get("IsDeleted"):
            self._delete(order)
        self._store.remove(table.name, row["Id"])
        return str(row["Id"])

    def _post(self, order: Order) -> str:
        """A post on a record's feed: ``text``, ``public`` (default true), ``type`` (default TextPost); by a portal's
        user when it is ``inbound``."""
        _, row = self._found(order)
        post = {
            "ParentId": row["Id"], "Body": str(order.get("text", "…")), "Type": str(order.get("type", "TextPost")),
            "Visibility": "AllUsers" if order.get("public", True) else "InternalUsers",
        }  # fmt: skip
        inbound = order.get("direction", "outbound") == "inbound"
        author = self._portal_user() if inbound else self._actor(order, self._owner_or_admin(row))
        return self._writer.create(self._store.tables["feeditem"], post, author)

    def _hide(self, order: Order) -> str:
        """``field`` of ``object`` is hidden from the client by field-level security."""
        change(self._org, {"do": "setup", "hide": {str(order["object"]): [str(order["field"])]}}, self.person)
        return str(order["field"])

    def _rename(self, order: Order) -> str:
        """The custom ``field`` of ``object`` is called ``to`` from now on."""
        entity, old, new = str(order["object"]), str(order["field"]), str(order["to"])
        table = self._store.tables.get(entity.lower())
        if table is None or not table.has(old) or table.has(new) or not (old.endswith("__c") and new.endswith("__c")):
            raise Refused(f"{entity} has no custom field {old!r} that could be called {new!r}")
        self._store.rename_field(table.name, old, new)
        return new

    def _deactivate(self, order: Order) -> str:
        return self._set_active(order, active=False)

    def _activate(self, order: Order) -> str:
        return self._set_active(order, active=True)

    def _set_active(self, order: Order, *, active: bool) -> str:
        user = self.person(str(order.get("user") or order["id"]))
        self._writer.force(self._store.tables["user"], user, {"IsActive": active}, self._actor({}))
        return user

    def _setup(self, order: Order) -> str:
        change(self._org, order, self.person)
        return "setup"
