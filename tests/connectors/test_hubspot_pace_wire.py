"""The pace of a first contact, against a portal that holds its apps to the burst that HubSpot grants."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from hubspot_samples.desk import Desk

import emulators.core
from emulators.http import Request, Response


@pytest.mark.slow
def test_a_first_contact_is_never_refused_for_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    answered: Counter[int] = Counter()
    calls: list[float] = []
    respond = emulators.core.respond

    def listening(emulator: emulators.core.Emulator, request: Request) -> tuple[Response, Any]:
        response, cut = respond(emulator, request)
        answered[response.status] += 1
        if not request.path.endswith("/search"):
            calls.append(time.monotonic())
        return response, cut

    monkeypatch.setattr(emulators.core, "respond", listening)
    with Desk(records=8_000, searches_per_second=4) as desk:
        desk.act("settings", quota={"burst": 190}, search_per_second=5)
        for stream in desk.connector.streams():
            cursor, more = None, True
            while more:
                page = desk.connector.poll(stream.name, cursor, 0)
                cursor, more = page.cursor, page.more
    assert set(answered) <= {200, 207}
    assert len(calls) > 190
    assert max(sum(start <= at < start + 10 for at in calls) for start in calls) <= 190
