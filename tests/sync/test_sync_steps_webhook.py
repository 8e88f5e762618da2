"""Webhooks of steps over real HTTP: signed, at least once, under one key, without redirects, no secret ever shown."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sync_scene import LEADS, MONDAY_NINE, Scene

from sync import orders
from sync.configuration_webhook import WebhookEntry

SECRET = "a-secret-of-this-test"
DOCUMENT = LEADS.replace('notify = "owner"', 'webhook = "pager"').replace(
    """  { at = "75%", task = "Call {record.name} now" },
  { at = "due", reassign = "sales" },
""",
    "",
)


class Call(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What answers: one status after the other, then 200."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[int | str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append(Call(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer == "reset":
                    self.connection.close()
                    return
                self.send_response(int(answer))
                if answer == 302:
                    self.send_header("Location", "/elsewhere")
                if answer == 429:
                    self.send_header("Retry-After", "120")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?room=1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def scene(staged: Callable[..., Scene], receiver: Receiver, tmp_path: Path) -> Scene:
    entry = WebhookEntry("pager", 5.0, receiver.url, SECRET, tmp_path)
    made = staged(document=DOCUMENT, webhooks={"pager": entry})
    made.crm.create("lead", "9", name="Mara", owner="user:cem")
    return made


def test_a_call_tells_of_the_step_and_is_signed(scene: Scene, receiver: Receiver) -> None:
    scene.minutes(31)
    (call,) = receiver.calls
    assert call.path == "/hook?room=1"
    assert call.headers["content-type"] == "application/json"
    told = json.loads(call.body)
    assert told.pop("id") == call.headers["idempotency-key"]
    assert told == {
        "event": "step", "record": "crm:lead:9", "kind": "lead", "policy": "Inbound leads",
        "target": "first_response", "cycle": 1, "step": "50%", "instant": "2026-03-02T09:30:00Z",
        "started_at": "2026-03-02T09:00:00Z", "due_at": "2026-03-02T10:00:00Z", "breached_at": None, "outcome": None,
        "owner": "user:cem", "status": "new", "priority": "normal",
    }  # fmt: skip
    at = str(MONDAY_NINE // 1_000 + 30 * 60)
    expected = hmac.new(SECRET.encode(), f"{at}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert call.headers["x-sla-signature"] == f"t={at},v1={expected}"
    scene.minutes(60)
    assert len(receiver.calls) == 1
    assert scene.rows("SELECT state FROM outbox WHERE action = 'webhook'") == [("done",)]


@pytest.mark.parametrize("answer", [500, 503, 429, 401, 403, "reset"])
def test_a_call_that_fails_for_now_is_made_again_under_the_same_key(
    scene: Scene, receiver: Receiver, answer: int | str
) -> None:
    receiver.answers = [answer, answer]
    scene.minutes(55)
    assert len(receiver.calls) == 3
    assert len({call.headers["idempotency-key"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1
    assert scene.rows("SELECT state FROM outbox WHERE action = 'webhook'") == [("done",)]


@pytest.mark.parametrize(("answer", "reason"), [
    (302, "the server answered 302 and points elsewhere: check the address"),
    (404, "there is no such thing on the server"),
    (422, "the server refused the values"),
])  # fmt: skip
def test_a_call_that_is_refused_is_kept_as_failed(scene: Scene, receiver: Receiver, answer: int, reason: str) -> None:
    receiver.answers = [answer]
    scene.minutes(40)
    assert [call.path for call in receiver.calls] == ["/hook?room=1"]
    assert scene.rows("SELECT id, state, reason FROM outbox WHERE action = 'webhook'") == [(2, "dead", reason)]
    assert [row.body["alarm"] for row in scene.view().ledger(what="alarm")] == ["a webhook call failed"]
    assert orders.retry(scene.database, [2], scene.clock.now()) == 1
    scene.round(1)
    assert len(receiver.calls) == 2


def test_a_call_that_was_cut_short_is_made_again(scene: Scene, receiver: Receiver) -> None:
    scene.minutes(29)
    scene.clock.advance(60)
    scene.works.round(deliver=False)
    scene.works.store.write(lambda t: t.run("UPDATE outbox SET state = 'sending' WHERE action = 'webhook'"))
    scene.restart()
    scene.round(1)
    assert len(receiver.calls) == 1


def test_rule_21_nothing_is_called_while_write_backs_are_paused(scene: Scene, receiver: Receiver) -> None:
    orders.pause(scene.database, scene.clock.now(), "somebody", None)
    scene.minutes(35)
    assert receiver.calls == []
    orders.resume(scene.database, scene.clock.now(), "somebody")
    scene.minutes(2)
    assert len(receiver.calls) == 1


def test_a_call_whose_clock_has_stopped_meanwhile_is_not_made(scene: Scene, receiver: Receiver) -> None:
    receiver.answers = [503]
    scene.minutes(30)
    scene.crm.activity("lead:9", activity="call", outcome="connected", by="user:cem")
    receiver.answers = []
    scene.minutes(10)
    states = scene.rows("SELECT state, reason FROM outbox WHERE action = 'webhook'")
    assert states in ([("dropped", "the clock has stopped meanwhile")], [("done", None)])
    assert len(receiver.calls) <= 2


def test_an_address_that_fails_holds_up_no_crm_and_is_not_hammered(scene: Scene, receiver: Receiver) -> None:
    receiver.answers = [503] * 100
    for number in range(30):
        scene.crm.create("lead", f"1{number}", name="Noor", owner="user:ann")
    scene.minutes(33)
    assert len(scene.effects("fields")) == 31
    assert len(receiver.calls) <= 6


def test_a_secret_that_cannot_be_fetched_stops_nobody_and_is_said(
    staged: Callable[..., Scene], receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    entry = WebhookEntry("pager", 5.0, receiver.url, "env:NO_SUCH_SECRET", tmp_path)
    scene = staged(document=DOCUMENT, webhooks={"pager": entry})
    scene.crm.create("lead", "9", name="Mara", owner="user:cem")
    scene.minutes(31)
    ((state, reason),) = scene.rows("SELECT state, reason FROM outbox WHERE action = 'webhook'")
    assert state == "waiting"
    assert reason == "the environment variable NO_SUCH_SECRET is not set; set NO_SUCH_SECRET before starting"
    monkeypatch.setenv("NO_SUCH_SECRET", SECRET)
    scene.minutes(5)
    assert len(receiver.calls) == 1


def test_no_secret_is_ever_shown(scene: Scene, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers = [500, "reset", 404]
    scene.minutes(45)
    assert len(receiver.calls) == 3
    assert SECRET not in caplog.text
    assert SECRET not in repr(scene.works.configuration.webhooks)
    assert SECRET.encode() not in scene.database.read_bytes()
