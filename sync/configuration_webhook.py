"""The tables ``[webhooks.NAME]``: where steps can call, and the secret that signs the calls.

Owns their keys and checks. Refuses to fetch a secret while a file is read. Invariant: neither the secret nor an address
that was fetched from elsewhere is ever part of a problem, a repr or a log line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from connectors.secret import Secret
from connectors.settings import Table, is_loopback, seconds
from sla.problem import Collector
from sync.configuration_model import validate
from sync.secrets import SecretMissing, is_reference, resolve

LONGEST_S: Final = 60.0


def address(value: str) -> str:
    """A URL that may be called. Only this machine may be called without TLS. Raises ValueError."""
    parts = urlsplit(value)
    if parts.username or parts.password:
        raise ValueError("a URL carries no user name or password")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
        raise ValueError('a URL reads "https://host/path"')
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is allowed only to this machine (127.0.0.1); use https")
    return value


def _address(value: str) -> str:
    return value if is_reference(value) else address(value)


def _secret(value: str) -> str:
    if not value:
        raise ValueError('name the secret as "env:NAME", "file:PATH" or "keyring:SERVICE/NAME"')
    return value


def _timeout(value: object) -> float:
    length = seconds(value)
    if not 1 <= length <= LONGEST_S:
        raise ValueError('must lie between "1s" and "1m"')
    return length


class WebhookTable(Table):
    url: Annotated[str, AfterValidator(_address)]
    secret: Annotated[str, AfterValidator(_secret)]
    timeout: Annotated[float, BeforeValidator(_timeout)] = 10.0
    allow_plain_secrets: bool = False


@dataclass(frozen=True, slots=True)
class WebhookEntry:
    """One table ``[webhooks.NAME]``. ``timeout_s``: how long a call may take altogether."""

    name: str
    timeout_s: float
    _url: str = field(repr=False)
    _secret: str = field(repr=False)
    _folder: Path = field(repr=False)

    def url(self) -> str:
        """Where to call, fetched now. Raises SecretMissing, or ValueError for what is fetched and is no address."""
        return address(resolve(self._url, self._folder).reveal()) if is_reference(self._url) else self._url

    def secret(self) -> Secret:
        """What signs the calls, fetched now. Raises SecretMissing."""
        if is_reference(self._secret):
            return resolve(self._secret, self._folder)
        return Secret(self._secret, label="the configuration")

    def missing(self) -> Iterator[tuple[str, str, str | None]]:
        """Keys that cannot be fetched now: key, what is wrong, how to mend it."""
        for key, fetch in (("url", self.url), ("secret", self.secret)):
            try:
                fetch()
            except SecretMissing as missing:
                yield key, missing.message, missing.fix
            except ValueError as wrong:
                yield key, str(wrong), None


def read_webhooks(tables: Mapping[str, object], folder: Path, into: Collector) -> dict[str, WebhookEntry]:
    """The tables ``[webhooks.NAME]``."""
    found = {}
    for name, table in tables.items():
        at = into.at(name)
        if (read := validate(WebhookTable, table, at)) is None:
            continue
        if not is_reference(read.secret) and not read.allow_plain_secrets:
            at.at("secret").add(
                'a secret does not belong in this file: name it as "env:NAME", "file:PATH" or "keyring:SERVICE/NAME" '
                "(or set allow_plain_secrets = true)"
            )
        found[name] = WebhookEntry(name, read.timeout, read.url, read.secret, folder)
    return found
