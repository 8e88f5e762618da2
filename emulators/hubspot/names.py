"""Made-up people, firms and troubles for a practice CRM.

Owns word lists. Refuses real ones: every address ends in .test. Invariant: the same dice give the same names.
Our own machinery: no vendor behaves here.
"""

from __future__ import annotations

import random
from typing import Final

FIRST: Final = (
    "Ada", "Bruno", "Chen", "Dana", "Emre", "Fatima", "Goran", "Hana", "Ines", "Jonas", "Kofi", "Lena", "Mateo",
    "Nadia", "Otto", "Priya", "Quinn", "Rosa", "Stefan", "Tara", "Umar", "Vera", "Wanjiru", "Ximena", "Yuki", "Zoe",
)  # fmt: skip
LAST: Final = (
    "Abe", "Bauer", "Costa", "Diaz", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jensen", "Kowalski", "Lopez",
    "Meyer", "Novak", "Okoye", "Patel", "Rossi", "Silva", "Tanaka", "Urban", "Varga", "Weber", "Young", "Zhang",
)  # fmt: skip
FIRMS: Final = (
    "Alder Works", "Birch Foods", "Cobalt Logistics", "Dune Energy", "Elm Bank", "Fjord Shipping", "Grove Clinics",
    "Harbor Tools", "Iris Media", "Juniper Homes", "Kite Travel", "Lumen Labs", "Maple Freight", "Nova Optics",
)  # fmt: skip
COUNTRIES: Final = ("US", "US", "US", "DE", "GB", "FR", "CA", "BR", "JP")
SOURCES: Final = ("PAID_SEARCH", "ORGANIC_SEARCH", "DIRECT_TRAFFIC", "REFERRALS", "PAID_SOCIAL", "OFFLINE")
TROUBLES: Final = (
    "Cannot log in since this morning", "Invoice shows the wrong amount", "Export stops at page two",
    "Delivery has not arrived", "How do I add a colleague?", "The report is empty", "Payment was taken twice",
    "App crashes when I upload a file", "Please change our billing address", "The integration lost its connection",
)  # fmt: skip
QUESTIONS: Final = (
    "Could you send me a quote?", "Does it work with our ERP?", "We need this for 40 people, what would it cost?",
    "Please call me about a demo.", "We are comparing three vendors this week.",
)  # fmt: skip
ANSWERS: Final = (
    "Thanks for writing. We are looking into it.", "Could you tell us which browser you use?",
    "I have changed it for you, please have a look.", "We found the cause and are working on it.",
)  # fmt: skip
REPLIES: Final = ("Here is what you asked for.", "It still happens.", "Yes, since Monday.", "Thanks, and how long?")


def contact(dice: random.Random, number: int) -> dict[str, str]:
    """The properties of a new person; ``number`` keeps e-mail addresses apart."""
    first, last, firm = dice.choice(FIRST), dice.choice(LAST), dice.choice(FIRMS)
    domain = firm.lower().replace(" ", "-") + ".test"
    return {
        "firstname": first,
        "lastname": last,
        "company": firm,
        "email": f"{first}.{last}.{number}@{domain}".lower(),
        "phone": f"+1555{number % 10_000_000:07d}",
        "country": dice.choice(COUNTRIES),
    }
