"""The records that a portal begins with: three days of business, the same for the same seed.

Owns the mix. Refuses webhooks and effects: all of this was there before. Invariant: ids grow with creation times.
Our own machinery: the mix is made up.
"""

from __future__ import annotations

import random
from typing import Final

from emulators.hubspot import names
from emulators.hubspot.deeds import CUSTOMER, Deeds
from emulators.hubspot.owners import Owner
from emulators.hubspot.records import Record

SPAN_MS: Final = 72 * 3_600_000
MINUTE_MS: Final = 60_000


def fill(deeds: Deeds, dice: random.Random, count: int) -> None:
    """``count`` records: of ten, five contacts who inquired, four tickets and one lead. Tickets and leads belong to
    contacts of existing customers, who come on top."""
    now_ms = deeds.portal.now_ms()
    # Squared, so that more is recent than old.
    births = sorted(now_ms - 5 * MINUTE_MS - int(SPAN_MS * dice.random() ** 2) for _ in range(count))
    customers = [_customer(deeds.at(now_ms - SPAN_MS - MINUTE_MS * 60), dice, n) for n in range((count + 4) // 5)]
    for number, born_ms in enumerate(births):
        if number % 10 < 5:
            _inquiry(deeds, dice, number, born_ms, now_ms)
        elif number % 10 < 9:
            _ticket(deeds, dice, dice.choice(customers), born_ms, now_ms)
        else:
            _lead(deeds, dice, dice.choice(customers), born_ms)


def sales(deeds: Deeds, dice: random.Random) -> Owner:
    return dice.choice(deeds.portal.owners.people("Inside Sales") or deeds.portal.owners.people())


def agents(deeds: Deeds, dice: random.Random) -> Owner:
    return dice.choice(deeds.portal.owners.people("Support") or deeds.portal.owners.people())


def _customer(deeds: Deeds, dice: random.Random, number: int) -> Record:
    return deeds.create("contacts", names.contact(dice, 5_000_000 + number) | {"lifecyclestage": "customer"})


def inquiry(deeds: Deeds, dice: random.Random, number: int, owner: Owner | None) -> Record:
    """Somebody filled in the form on the website."""
    fields = names.contact(dice, number) | {"hs_lead_status": "NEW", "message": dice.choice(names.QUESTIONS)}
    contact = deeds.create("contacts", fields | ({"hubspot_owner_id": owner.id} if owner else {}))
    deeds.writer(None).set_quietly(contact, {"hs_analytics_source": dice.choice(names.SOURCES)})
    return contact


def _inquiry(deeds: Deeds, dice: random.Random, number: int, born_ms: int, now_ms: int) -> None:
    owner = sales(deeds, dice)
    contact = inquiry(deeds.at(born_ms), dice, number, owner)
    called_ms = born_ms + dice.randrange(2, 90) * MINUTE_MS
    if called_ms < now_ms and dice.random() < 0.7:
        then = deeds.at(called_ms)
        then.call(contact, owner, dice.choice(("connected", "connected", "no_answer")))
        then.update(
            contact, {"hs_lead_status": dice.choice(("CONNECTED", "IN_PROGRESS", "ATTEMPTED_TO_CONTACT"))}, owner
        )


def ticket(deeds: Deeds, dice: random.Random, contact: Record, owner: Owner | None) -> Record:
    """A customer's e-mail became a ticket."""
    subject = dice.choice(names.TROUBLES)
    fields = {
        "subject": subject,
        "content": f"{subject}. Please help.",
        "hs_pipeline_stage": deeds.portal.pipelines.stage("tickets", "new").id,
        "hs_ticket_priority": dice.choice(("LOW", "MEDIUM", "MEDIUM", "HIGH", "URGENT")),
        "source_type": "EMAIL",
    }
    fields |= {"hubspot_owner_id": owner.id} if owner else {}
    made = deeds.create("tickets", fields, [contact], otherwise=CUSTOMER)
    deeds.say(made, fields["content"])
    return made


def _ticket(deeds: Deeds, dice: random.Random, contact: Record, born_ms: int, now_ms: int) -> None:
    owner = agents(deeds, dice)
    made = ticket(deeds.at(born_ms), dice, contact, owner if dice.random() < 0.8 else None)
    answered_ms = born_ms + dice.randrange(3, 120) * MINUTE_MS
    if answered_ms >= now_ms or dice.random() > 0.75:
        return
    then = deeds.at(answered_ms)
    then.say(made, dice.choice(names.ANSWERS), owner)
    state = dice.choice(("customer", "us", "third", "closed", "closed"))
    then.move(made, state, owner)
    replied_ms = answered_ms + dice.randrange(10, 300) * MINUTE_MS
    if state == "customer" and replied_ms < now_ms:
        deeds.at(replied_ms).say(made, dice.choice(names.REPLIES))


def lead(deeds: Deeds, dice: random.Random, contact: Record, owner: Owner) -> Record:
    fields = {
        "hs_lead_name": f"{contact.text('company')} - {contact.text('lastname')}",
        "hs_lead_type": "NEW_BUSINESS",
        "hs_lead_label": dice.choice(("HOT", "WARM", "COLD")),
        "hubspot_owner_id": owner.id,
    }
    made = deeds.create("leads", fields, [contact])
    deeds.writer(None).set_quietly(made, {"hs_lead_source": "PAID_SEARCH"})
    return made


def _lead(deeds: Deeds, dice: random.Random, contact: Record, born_ms: int) -> None:
    owner = sales(deeds, dice)
    made = lead(deeds.at(born_ms), dice, contact, owner)
    if dice.random() < 0.4:
        deeds.at(born_ms + 4 * MINUTE_MS).move(made, "attempting", owner)
