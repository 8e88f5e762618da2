"""How ``init`` logs in: which keys a login has, where its secrets shall lie, and the first try.

Owns the table of logins and the keeping of secrets. Refuses to write a secret before it has been accepted once, and
over anything that is there. Invariant: what stands in the configuration names a secret's place and never its text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from connectors.secret import Secret
from console.boundary import USAGE, Failure
from console.init_questions import Option, Questions
from sync import secrets


class Key(NamedTuple):
    """A key of a connection's table that a login needs. ``typed``: as it is; ``hidden``: a secret that is typed;
    ``file``: a secret that lies in a file already."""

    name: str
    question: str
    how: Literal["typed", "hidden", "file"] = "typed"


class Login(NamedTuple):
    """A way to log in, with the page that tells an administrator how to prepare it."""

    label: str
    keys: tuple[Key, ...]
    page: str


_DOMAIN: Final = Key("domain", "My Domain, such as acme.my (a sandbox: acme--sbx.sandbox.my)")
_CLIENT: Final = Key("client_id", "Consumer key of the app")

LOGINS: Final[Mapping[str, Mapping[str, Login]]] = {
    "salesforce": {
        "client-credentials": Login(
            "client credentials: an external client app with a Run As user",
            (_DOMAIN, _CLIENT, Key("client_secret", "Consumer secret of the app", "hidden")),
            "docs/start-salesforce.md",
        ),
        "jwt": Login(
            "JWT bearer: an app with a certificate, and a user who is approved for it",
            (
                _DOMAIN,
                _CLIENT,
                Key("username", "User name to log in as"),
                Key("private_key", "File with the private key of the certificate (PEM)", "file"),
            ),
            "docs/start-salesforce.md",
        ),
    },
    "hubspot": {
        "token": Login(
            "the token of a service key or private app",
            (Key("access_token", "Access token (pat-…)", "hidden"),),
            "docs/start-hubspot.md",
        ),
        "oauth": Login(
            "an app with OAuth, and a refresh token of it",
            (
                Key("client_id", "Client id of the app"),
                Key("client_secret", "Client secret of the app", "hidden"),
                Key("refresh_token", "Refresh token", "hidden"),
            ),
            "docs/start-hubspot.md",
        ),
    },
}
"""The first of each CRM is the usual one."""

_PLACES: Final = (
    Option("file", "files beside the configuration that only you can read"),
    Option("env", "environment variables that you have set"),
    Option("keyring", "the system's keyring"),
)


@dataclass
class Answers:
    """What was answered about a login. ``table`` is the connection's table as the file will have it; ``typed`` are
    secrets that are kept nowhere yet, by their key."""

    crm: str
    folder: Path
    name: str = ""
    table: dict[str, Any] = field(default_factory=dict)
    typed: dict[str, Secret] = field(default_factory=dict)

    def settings(self) -> dict[str, Any]:
        """The table with its secrets, as ``connectors.build`` takes it. Raises SecretMissing."""
        filled = dict(self.table)
        for key, value in self.table.items():
            if key in self.typed:
                filled[key] = self.typed[key]
            elif secrets.is_reference(value):
                filled[key] = secrets.resolve(value, self.folder)
        return filled

    def keep(self) -> list[str]:
        """Puts every typed secret into its place and returns these places. Raises OSError."""
        for key, secret in self.typed.items():
            secrets.store(self.table[key], secret, self.folder)
        return [self.table[key] for key in self.typed]


def ask(questions: Questions, crm: str, name: str | None, url: str | None, folder: Path) -> Answers:
    """Asks for the keys of a login. Raises Failure for a secret that is nowhere."""
    logins = LOGINS[crm]
    options = [Option(word, login.label) for word, login in logins.items()]
    login = logins[questions.choice("login", "How shall we log in?", options, options[0].value)]
    if questions.asks:
        from console import output

        output.tell(f"{login.page} tells how to prepare it.")
    answers = Answers(crm, folder)
    answers.table["connector"] = crm
    if url is not None:
        answers.table["url"] = url
    for key in login.keys:
        if key.how == "typed":
            answers.table[key.name] = questions.text(key.name, key.question)
    answers.name = name or _name(crm, answers.table.get("domain"))
    hidden = [key for key in login.keys if key.how != "typed"]
    place = _place(questions, hidden)
    for key in hidden:
        _ask_secret(questions, answers, key, place)
    return answers


def _name(crm: str, domain: str | None) -> str:
    """A connection's name: the company's, where the login tells it."""
    first = (domain or "").removeprefix("https://").partition(".")[0].partition("--")[0]
    return f"{first}-{crm}".lower() if first else crm


def _place(questions: Questions, hidden: list[Key]) -> str:
    """Where typed secrets shall lie; nobody is asked where flags have told all of them."""
    if not questions.asks or all(questions.reference(key.name) for key in hidden if key.how == "hidden"):
        return "file"
    place = questions.choice("secrets", "Where shall secrets lie?", _PLACES, "file")
    if place == "keyring":
        _or_failure(secrets.ensure_keyring)
    return place


def _ask_secret(questions: Questions, answers: Answers, key: Key, place: str) -> None:
    given = questions.reference(key.name)
    if given is None and key.how == "file":
        given = f"file:{questions.text(key.name, key.question)}"
    if given is not None:
        answers.table[key.name] = given
        _fetched(given, answers.folder)
        return
    if place == "env":
        variable = questions.text(
            f"{key.name}_variable", f"Variable that holds it: {key.question}", _variable(answers, key)
        )
        answers.table[key.name] = f"env:{variable}"
        _fetched(answers.table[key.name], answers.folder)
        return
    where = _free(answers, key) if place == "file" else f"keyring:sla-sidecar/{answers.name}-{key.name}"
    answers.table[key.name] = where
    typed = questions.hidden(key.question).reveal()

    def renewed(text: str) -> None:  # a vendor may rotate it with the very first login
        answers.typed[key.name] = Secret(text, where, renewed)

    renewed(typed)


def _variable(answers: Answers, key: Key) -> str:
    return f"{answers.crm}_{key.name}".upper()


def _free(answers: Answers, key: Key) -> str:
    """A file that is not there yet."""
    stem = f"secrets/{answers.name}-{key.name.replace('_', '-')}"
    path, number = stem, 2
    while os.path.lexists(answers.folder / path):
        path, number = f"{stem}-{number}", number + 1
    return f"file:{path}"


def _fetched(reference: str, folder: Path) -> None:
    """Refuses early what cannot be fetched. A relative path is read from the configuration's folder."""
    _or_failure(lambda: secrets.resolve(reference, folder))


def _or_failure(asking: Callable[[], object]) -> None:
    try:
        asking()
    except secrets.SecretMissing as missing:
        raise Failure(missing.message, missing.fix, USAGE) from None
