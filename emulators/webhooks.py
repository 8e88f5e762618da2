"""The sender of webhooks: one thread, outside the emulator's lock, with the vendor's retries.

Owns sending, doubling, shuffling, dropping and retrying. Refuses to know what a delivery says.
Invariant: a delivery ends by being accepted, dropped on request, or out of waits; nothing else loses it.
Our own machinery: how often a vendor repeats, each vendor's own module says.
"""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

TIMEOUT_S: Final = 5.0
"""Real seconds a receiver has to answer; HubSpot's limit, and Salesforce's is longer."""


KEYS: Final = frozenset({"url", "duplicate", "shuffle", "drop", "forged", "skew_s"})


def is_success(status: int, body: bytes) -> bool:  # noqa: ARG001 - the shape of every ``accepted``
    return 200 <= status < 300


@dataclass(slots=True)
class Delivery:
    """One webhook. ``render`` (if given) makes headers and body anew for every attempt, as vendors do that sign the
    time or send the latest state. ``waits`` are the emulated seconds before each repetition; none: one attempt."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    render: Callable[[], tuple[Mapping[str, str], bytes]] | None = None
    accepted: Callable[[int, bytes], bool] = is_success
    waits: tuple[float, ...] = ()


@dataclass(slots=True)
class WebhookSettings:
    """Where to send and how badly. ``duplicate`` and ``drop`` are probabilities, ``shuffle`` mixes what is waiting;
    ``forged``: as somebody who has not the secret would send it; ``skew_s``: signed as of so many seconds later."""

    url: str | None = None
    duplicate: float = 0.0
    shuffle: bool = False
    drop: float = 0.0
    forged: bool = False
    skew_s: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: {"sent": 0, "accepted": 0, "dropped": 0, "given_up": 0})

    def change(self, order: Mapping[str, Any]) -> None:
        """Raises ValueError for an unknown key or a value out of range."""
        if unknown := set(order) - KEYS:
            raise ValueError(f"unknown key {min(unknown)!r}; known: {', '.join(sorted(KEYS))}")
        duplicate, drop = float(order.get("duplicate") or 0), float(order.get("drop") or 0)
        if not (0 <= duplicate <= 1 and 0 <= drop <= 1):
            raise ValueError("duplicate and drop are true, false or a probability between 0 and 1")
        url = order.get("url", self.url)
        if url and urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("an emulator sends to loopback only")
        self.url, self.duplicate, self.shuffle, self.drop = url, duplicate, bool(order.get("shuffle")), drop
        self.forged, self.skew_s = bool(order.get("forged")), float(order.get("skew_s") or 0)


def send(delivery: Delivery) -> tuple[int, bytes]:
    """One attempt. Status 0 when there was no answer."""
    headers, body = delivery.render() if delivery.render else (delivery.headers, delivery.body)
    target = urlsplit(delivery.url)
    make = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
    connection = make(target.hostname or "", target.port, timeout=TIMEOUT_S)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        connection.request(delivery.method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


class Sender:
    """Takes what ``take`` hands out and sends it. ``now_ms`` is the emulated clock, which paces repetitions."""

    def __init__(
        self,
        take: Callable[[], list[Delivery]],
        settings: WebhookSettings,
        now_ms: Callable[[], int],
        dice: random.Random,
    ) -> None:
        self._take = take
        self._settings = settings
        self._now_ms = now_ms
        self._dice = dice
        self._later: list[tuple[int, Delivery]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emulator-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        # A longer breath between rounds when shuffling, so that there is something to mix.
        while not self._stop.wait(0.3 if self._settings.shuffle else 0.03):
            for delivery in self._round():
                if self._stop.is_set():
                    return
                self._attempt(delivery)

    def _round(self) -> list[Delivery]:
        now = self._now_ms()
        due = [delivery for at, delivery in self._later if at <= now]
        self._later = [(at, delivery) for at, delivery in self._later if at > now]
        for delivery in self._take():
            if self._dice.random() < self._settings.drop:
                self._settings.counts["dropped"] += 1
                continue
            due.append(delivery)
            if self._dice.random() < self._settings.duplicate:
                due.append(replace(delivery, waits=()))
        if self._settings.shuffle:
            self._dice.shuffle(due)
        return due

    def _attempt(self, delivery: Delivery) -> None:
        counts = self._settings.counts
        counts["sent"] += 1
        if delivery.accepted(*send(delivery)):
            counts["accepted"] += 1
        elif delivery.waits:
            at = self._now_ms() + int(delivery.waits[0] * 1000)
            self._later.append((at, replace(delivery, waits=delivery.waits[1:])))
        else:
            counts["given_up"] += 1
