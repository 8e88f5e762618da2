"""Change events of one object, pulled from Salesforce's event bus as hints.

Owns the stream: where it begins, how much is asked for, when it is taken for dead, and what follows when it breaks.
Refuses the wire and the meaning of events. Invariant: the cursor that is handed out lies behind every hint handed out
before it, so going on from it loses nothing; where that is not possible the page says ``gap``.
https://developer.salesforce.com/docs/platform/pub-sub-api/guide/flow-control.html
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from connectors.base import Hint, HintPage
from connectors.errors import AuthFailed, ConnectorError, Rejected, RetryLater
from connectors.salesforce.login import Opened
from connectors.salesforce.pubsub_events import Decoder, understand
from connectors.salesforce.pubsub_wire import MOST, Fetched, ReplayLost, SessionOver, Wire, fetched, meaning

SILENCE_S: Final = 300.0
"""The bus says something at least every 270 seconds, if only that nothing happened."""

LOW: Final = 50
"""With fewer events than this on their way, more are asked for."""

_OVER: Final = object()


class Sessions(Protocol):
    """Whoever logs in: the API of the same org."""

    user: str | None

    def session(self, worn: Opened | None = None) -> Opened: ...


class Bus:
    """The wire that the feeds of one connection share; opened on first use."""

    def __init__(self, endpoint: str, api: Sessions) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._wire: Wire | None = None
        self.api = api
        self.decoder = Decoder(self._schema)

    def wire(self) -> Wire:
        with self._lock:
            if self._wire is None:
                self._wire = Wire(self._endpoint)
            return self._wire

    def close(self) -> None:
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def _schema(self, schema_id: str) -> str:
        return self.wire().schema(schema_id, self.api.session())


class Stream:
    """One subscription. Its answers wait in ``answers``, read there by a thread of its own, for a read that waits
    cannot be given up in between."""

    def __init__(self, wire: Wire, topic: str, replay_id: bytes | None, session: Opened) -> None:
        self.session = session
        self.resumed = bool(replay_id)
        self.on_the_way = MOST
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._wire = wire
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._requests.put(wire.ask(MOST, topic, replay_id))
        self._call = wire.subscribe(self._asked(), session)
        threading.Thread(target=self._read, name=f"stream {topic}", daemon=True).start()

    def took(self, events: int) -> None:
        """So many events have come; asks for more before the stream runs dry."""
        self.on_the_way -= events
        if self.on_the_way < LOW:
            self._requests.put(self._wire.ask(MOST - self.on_the_way))
            self.on_the_way = MOST

    def cancel(self) -> None:
        self._requests.put(_OVER)
        self._call.cancel()

    def _asked(self) -> Iterator[Any]:
        while (request := self._requests.get()) is not _OVER:
            yield request

    def _read(self) -> None:
        import grpc

        try:
            for answer in self._call:
                self.answers.put(fetched(answer))
            self.answers.put(_OVER)
        except grpc.RpcError as error:
            self.answers.put(meaning(error))
        finally:
            self._requests.put(_OVER)


class ChangeEvents:
    """The hint feed of one topic; see ``connectors.base.HintFeed``. A cursor is the replay id in hexadecimal digits."""

    def __init__(self, object: str, connection: str, objects: Sequence[str], bus: Bus) -> None:
        self.name = f"{object}ChangeEvent"
        self._topic = f"/data/{self.name}"
        self._connection = connection
        self._objects = objects
        self._bus = bus
        self._stream: Stream | None = None
        self._heard = False
        """Whether the stream has said anything."""
        self._silent_s = 0.0
        self._worn: Opened | None = None
        self._renewed = False
        """Whether the last stream was refused without a word, so that the session was renewed for this one."""
        self._closed = threading.Event()

    def pull(self, cursor: str | None, wait_s: float) -> HintPage:
        if self._stream is None:
            try:
                replay_id = bytes.fromhex(cursor or "")
            except ValueError:  # none of ours: somebody changed the store by hand
                self._open(b"")
                return HintPage([], "", gap=True)
            self._open(replay_id)
        found = self._wait(wait_s)
        if not found:
            return self._nothing(cursor, wait_s)
        try:
            return self._page(found, cursor or "")
        except (ConnectorError, SessionOver, ReplayLost) as error:
            # What was taken off the stream and is not handed out comes again with a new one.
            self._drop()
            if isinstance(error, ConnectorError):
                raise
            raise RetryLater("the session ended while a schema was asked for", code="SCHEMA") from None

    def close(self) -> None:
        self._closed.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()
            stream.answers.put(_OVER)
        self._bus.close()

    # ---- the stream

    def _open(self, replay_id: bytes) -> None:
        session = self._bus.api.session(self._worn)
        self._worn = None
        self._heard, self._silent_s = False, 0.0
        self._stream = Stream(self._bus.wire(), self._topic, replay_id, session)

    def _drop(self) -> Stream | None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
        return stream

    def _wait(self, wait_s: float) -> list[Any]:
        """The answers that are there, after at most ``wait_s`` for the first."""
        found: list[Any] = []
        if self._stream is not None:
            with suppress(queue.Empty):
                found.append(self._stream.answers.get(block=wait_s > 0, timeout=wait_s or None))
                while len(found) < MOST:
                    found.append(self._stream.answers.get_nowait())
        return found

    def _nothing(self, cursor: str | None, wait_s: float) -> HintPage:
        self._silent_s += wait_s
        if self._silent_s >= SILENCE_S:
            self._drop()
            raise RetryLater("the stream of change events fell silent", code="SILENT")
        return HintPage([], cursor or "")

    # ---- what came

    def _page(self, found: list[Any], cursor: str) -> HintPage:
        hints: list[Hint] = []
        gap = False
        for answer in found:
            if not isinstance(answer, Fetched):
                return self._ended(answer, hints, cursor, gap=gap)
            self._heard, self._silent_s = True, 0.0
            told, missed = self._read(answer)
            hints += told
            gap = gap or missed
            cursor = (answer.events[-1][0] if answer.events else answer.latest).hex() or cursor
            if self._stream is not None:
                self._stream.took(len(answer.events))
        return HintPage(hints, cursor, gap=gap)

    def _read(self, answer: Fetched) -> tuple[list[Hint], bool]:
        hints: list[Hint] = []
        gap = False
        for _, schema_id, payload, event_id in answer.events:
            try:
                event = self._bus.decoder.decode(schema_id, payload)
            except ValueError:
                gap = True  # of this one we know only that something changed
                continue
            told = understand(event, self._connection, self._objects, self._bus.api.user, event_id)
            hints += told.hints
            gap = gap or told.gap
        return hints, gap

    def _ended(self, why: Any, hints: list[Hint], cursor: str, *, gap: bool) -> HintPage:
        """The stream is over. What came before its end is handed out; a fault that stays shows at the next pull."""
        heard, stream = self._heard, self._drop()
        if self._closed.is_set():
            return HintPage(hints, cursor, gap=gap)
        refused = isinstance(why, Rejected) and not heard and stream is not None and stream.resumed
        if isinstance(why, ReplayLost) or refused:
            # The new stream begins before the poll that looks for what was missed.
            self._open(b"")
            return HintPage(hints, "", gap=True)
        if isinstance(why, SessionOver):
            if stream is not None:
                self._worn = stream.session
            if not heard and self._renewed:
                self._renewed = False
                raise AuthFailed("the event bus refuses the session, also after a new login", code="UNAUTHENTICATED")
            self._renewed = not heard
            return HintPage(hints, cursor, gap=gap)
        if hints or gap or (heard and why is _OVER):
            return HintPage(hints, cursor, gap=gap)
        raise why if isinstance(why, Exception) else RetryLater("the stream of change events ended", code="ENDED")


def feeds(
    objects: Sequence[str], watched: Sequence[str], connection: str, endpoint: str, api: Sessions
) -> list[ChangeEvents]:
    """A feed for each of ``objects``; hints name records of the ``watched`` ones."""
    bus = Bus(endpoint, api)
    return [ChangeEvents(one, connection, watched, bus) for one in objects]
