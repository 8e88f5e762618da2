"""The Pub/Sub API on loopback: subscriptions and schemas over gRPC.

Owns the service: who may subscribe, where a stream begins, flow control, keep-alives, and how streams end. Refuses what
happened (``bus``). Invariant: a stream never sends more events than were asked for.
Needs grpcio, protobuf and fastavro, which nothing else here needs. Source: Pub/Sub API guide, "Subscribe RPC Method",
"Handle Errors" (error codes in the trailers), "Event Message Durability"; an empty answer within 270 seconds.
Assumed: the status codes of a missing topic and of a token that ended; that a stream outlives its token.
"""

from __future__ import annotations

import io
import json
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from emulators.salesforce.bus import Bus, ChangeEvent
from emulators.salesforce.emulator import ORG_ID, SalesforceEmulator
from emulators.salesforce.errors import ApiError
from emulators.salesforce.schema import Table

SERVICE: Final = "eventbus.v1.PubSub"
CODES: Final = "sfdc.platform.eventbus.grpc."
MOST: Final = 100
LATEST, EARLIEST, CUSTOM = 0, 1, 2
_KINDS: Final = (
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW",
)  # fmt: skip
_TEXTS: Final = {"type": "array", "items": "string"}
_HEADER: Final = {
    "name": "ChangeEventHeader",
    "type": {
        "type": "record", "name": "ChangeEventHeader", "fields": [
            {"name": "entityName", "type": "string"}, {"name": "recordIds", "type": _TEXTS},
            {"name": "changeType", "type": {"type": "enum", "name": "ChangeType", "symbols": list(_KINDS)}},
            {"name": "changeOrigin", "type": "string"}, {"name": "transactionKey", "type": "string"},
            {"name": "sequenceNumber", "type": "int"}, {"name": "commitTimestamp", "type": "long"},
            {"name": "commitNumber", "type": "long"}, {"name": "commitUser", "type": "string"},
            {"name": "nulledFields", "type": _TEXTS}, {"name": "diffFields", "type": _TEXTS},
            {"name": "changedFields", "type": _TEXTS},
        ],
    },
}  # fmt: skip


def replay_id(number: int) -> bytes:
    """Opaque to clients."""
    return number.to_bytes(8, "big") + b"\x00\x00"


class PubSubServer:
    """Serves an emulator's bus. ``messages`` holds the classes of the messages by their names, as a module that was
    compiled from the public description does; without it they are built from ``pubsub_messages``.

    ``keep_alive_s``: real seconds after which a stream without events says that it lives.
    """

    def __init__(
        self, emulator: SalesforceEmulator, messages: Any = None, *, keep_alive_s: float = 270.0, port: int = 0
    ) -> None:
        import grpc

        self._emulator = emulator
        self._messages = messages or _built()
        self._keep_alive_s = keep_alive_s
        self._streams: set[Any] = set()
        self._stop = threading.Event()
        self.subscriptions: list[tuple[str, int, bytes]] = []
        """Topic, preset and replay id of every stream that was opened."""
        self.schemas = 0
        """How often a schema was asked for."""
        self.refuse: tuple[Any, str] | None = None
        """Status and code (without their common beginning) that the next stream ends with at once."""
        pool = ThreadPoolExecutor(16, thread_name_prefix="emulator-pubsub")
        self._server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._handlers()),))
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port(f'127.0.0.1:{port}')}"

    def _handlers(self) -> dict[str, Any]:
        import grpc

        made = self._messages
        return {
            "Subscribe": grpc.stream_stream_rpc_method_handler(
                self._subscribe, made.FetchRequest.FromString, made.FetchResponse.SerializeToString
            ),
            "GetSchema": grpc.unary_unary_rpc_method_handler(
                self._get_schema, made.SchemaRequest.FromString, made.SchemaInfo.SerializeToString
            ),
        }

    def start(self) -> PubSubServer:
        self._server.start()
        return self

    def close(self) -> None:
        self._stop.set()
        self._wake()
        self._server.stop(0).wait()

    def break_streams(self) -> None:
        """Every open stream ends with UNAVAILABLE, as a server does that goes away."""
        for context in list(self._streams):
            context.cancel()

    # ---- the service

    def _get_schema(self, request: Any, context: Any) -> Any:
        self._admit(context)
        self.schemas += 1
        table = self._emulator.store.tables[request.schema_id.partition(".")[0].lower()]
        return self._messages.SchemaInfo(schema_json=json.dumps(schema(table)), schema_id=request.schema_id)

    def _subscribe(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        import grpc

        self._admit(context)
        first = next(requests)
        if self.refuse is not None:
            (status, code), self.refuse = self.refuse, None
            _end(context, status, code)
        entity = first.topic_name.removeprefix("/data/").removesuffix("ChangeEvent")
        if entity not in self._bus.selected or not first.topic_name.startswith("/data/"):
            _end(context, grpc.StatusCode.NOT_FOUND, "topic.not.found")
        place = self._place(first, entity, context)
        self.subscriptions.append((first.topic_name, first.replay_preset, first.replay_id))
        wanted: queue.SimpleQueue[int] = queue.SimpleQueue()
        wanted.put(first.num_requested)
        threading.Thread(target=self._listen, args=(requests, first.topic_name, wanted, context), daemon=True).start()
        self._streams.add(context)
        context.add_callback(self._wake)
        try:
            yield from self._answers(entity, place, wanted, context)
        finally:
            self._streams.discard(context)

    def _answers(self, entity: str, place: int, wanted: queue.SimpleQueue[int], context: Any) -> Iterator[Any]:
        pending = 0
        while context.is_active() and not self._stop.is_set():
            while not wanted.empty():
                asked = wanted.get()
                if not 0 < asked <= MOST:
                    _end(context, _invalid(), "subscription.fetch.requested.events.invalid")
                pending += asked
            events = self._bus.after(entity, place)[:pending]
            if events:
                pending -= len(events)
                place = events[-1].replay
                yield self._answer(entity, events, place, pending)
            elif not self._woken(entity, place, wanted, context):
                yield self._answer(entity, [], max(place, self._bus.latest(entity)), pending)

    def _woken(self, entity: str, place: int, wanted: queue.SimpleQueue[int], context: Any) -> bool:
        """Waits for news, for another request or for the end; False when the time for a keep-alive has come."""

        def news() -> bool:
            ended = self._stop.is_set() or not context.is_active()
            return ended or not wanted.empty() or self._bus.latest(entity) > place

        with self._bus.news:
            return bool(self._bus.news.wait_for(news, self._keep_alive_s))

    def _answer(self, entity: str, events: list[ChangeEvent], place: int, pending: int) -> Any:
        made = self._messages
        table = self._emulator.store.tables[entity.lower()]
        told = [
            made.ConsumerEvent(
                event=made.ProducerEvent(id=event.id, schema_id=f"{table.name}.1", payload=payload(table, event)),
                replay_id=replay_id(event.replay),
            )
            for event in events
        ]
        return made.FetchResponse(events=told, latest_replay_id=replay_id(place), pending_num_requested=pending)

    # ---- inside

    @property
    def _bus(self) -> Bus:
        return self._emulator.bus

    def _wake(self) -> None:
        with self._bus.news:
            self._bus.news.notify_all()

    def _listen(self, requests: Iterator[Any], topic: str, wanted: queue.SimpleQueue[int], context: Any) -> None:
        """Later requests only ask for more: their place is ignored, another topic is an error."""
        import grpc

        try:
            for request in requests:
                if request.topic_name not in ("", topic):
                    wanted.put(0)
                wanted.put(request.num_requested)
                self._wake()
        except grpc.RpcError:
            return
        context.cancel()

    def _admit(self, context: Any) -> None:
        import grpc

        given = dict(context.invocation_metadata())
        known = True
        with self._emulator.lock:
            try:
                self._emulator.auth.session_of(given.get("accesstoken", ""))
            except ApiError:
                known = False
        if not known or given.get("tenantid") not in (ORG_ID, ORG_ID[:15]) or not given.get("instanceurl"):
            _end(context, grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")

    def _place(self, first: Any, entity: str, context: Any) -> int:
        if first.replay_preset == LATEST:
            return self._bus.latest(entity)
        if first.replay_preset == EARLIEST:
            return 0
        if not first.replay_id:
            _end(context, _invalid(), "subscription.fetch.replayid.validation.failed")
        number = int.from_bytes(first.replay_id[:8], "big")
        if len(first.replay_id) != 10 or not self._bus.knows(entity, number):
            _end(context, _invalid(), "subscription.fetch.replayid.corrupted")
        return number


def schema(table: Table) -> dict[str, Any]:
    """The Avro schema of an object's change events: the header, then every field or nothing."""
    fields = [
        {"name": name, "type": ["null", _avro(field.type)], "default": None} for name, field in table.fields.items()
    ]
    return {
        "type": "record", "name": f"{table.name}ChangeEvent", "namespace": "com.sforce.eventbus",
        "fields": [_HEADER, *(one for one in fields if one["name"] not in ("Id", "IsDeleted"))],
    }  # fmt: skip


def payload(table: Table, event: ChangeEvent) -> bytes:
    """The event as Avro bytes."""
    import fastavro

    whole = schema(table)
    shown = {
        field["name"]: _value(event.values.get(field["name"]), table, field["name"]) for field in whole["fields"][1:]
    }
    written = io.BytesIO()
    fastavro.schemaless_writer(written, fastavro.parse_schema(whole, {}), {"ChangeEventHeader": event.header, **shown})
    return written.getvalue()


def _avro(type: str) -> str:
    return {"boolean": "boolean", "datetime": "long", "double": "double", "int": "int"}.get(type, "string")


def _value(value: Any, table: Table, name: str) -> Any:
    if value is None:
        return None
    kind = _avro(table.fields[name].type)
    return {"boolean": bool, "long": int, "double": float, "int": int}.get(kind, str)(value)


def _invalid() -> Any:
    import grpc

    return grpc.StatusCode.INVALID_ARGUMENT


def _end(context: Any, status: Any, code: str) -> None:
    context.set_trailing_metadata((("error-code", CODES + code),))
    context.abort(status, "the practice org refuses this; rpcId: 0")


def _built() -> Any:
    from emulators.salesforce.pubsub_messages import build

    return build()
