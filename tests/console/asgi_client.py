"""Asks an ASGI application without a socket: what a browser would send, what it would get."""

import asyncio
from typing import NamedTuple
from urllib.parse import quote, urlsplit


class Answer(NamedTuple):
    status_code: int
    headers: dict
    text: str


class Client:
    def __init__(self, app, host="127.0.0.1:8080"):
        self.app = app
        self.host = host

    def get(self, path, headers=()):
        return self.request("GET", path, headers)

    def request(self, method, path, headers=()):
        return asyncio.run(self._ask(method, path, {"host": self.host, **dict(headers)}))

    async def _ask(self, method, path, headers):
        parts = urlsplit(quote(path, safe="/?&=:"))
        scope = {
            "type": "http",
            "method": method,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        body = b"".join(message.get("body", b"") for message in sent[1:])
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], answered, body.decode())
