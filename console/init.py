"""``init``: from an account and its credentials to a commented configuration that runs in shadow mode.

Owns the order of the steps and what is said at the end. Refuses to write over anything, and to keep a secret that was
not accepted. Invariant: when it fails nothing has been written, and no secret was ever shown.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import BAD, UNREACHABLE, USAGE, Failure

if TYPE_CHECKING:
    from connectors.base import Connector, Person
    from connectors.setup import Account, ImportedCalendar, SetUp
    from console.init_login import Answers
    from console.init_proposal import Known, Proposal
    from console.init_questions import Questions

_NEXT = (
    ("check --config {file}", "does all of it fit?"),
    ("provision {name} --config {file}", "shows the fields that the CRM lacks, then creates them"),
    ("run --config {file}", 'writes nothing until the file says mode = "live"'),
)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("config.toml"))
@click.option("--crm", type=click.Choice(["salesforce", "hubspot"]), help="Which CRM.")
@click.option("--login", help="salesforce: client-credentials, jwt; hubspot: token, oauth.")
@click.option("--name", help="The connection's name. Default: made of the domain.")
@click.option("--domain", help="Salesforce's My Domain, such as acme.my.")
@click.option("--client-id", help="The app's consumer key or client id.")
@click.option("--client-secret", metavar="PLACE", help="Where the app's secret lies: env:NAME, file:PATH, keyring:….")
@click.option("--username", help="JWT: the user to log in as.")
@click.option("--private-key", metavar="PLACE", help="JWT: where the key lies.")
@click.option("--access-token", metavar="PLACE", help="HubSpot: where the token lies.")
@click.option(
    "--refresh-token", metavar="PLACE", help="HubSpot OAuth: where the refresh token lies, file: or keyring:."
)
@click.option("--secrets", type=click.Choice(["file", "env", "keyring"]), help="Where typed secrets are put.")
@click.option("--objects", help="What to watch, with commas between: Lead,Case or contacts,leads,tickets.")
@click.option("--calendar", help='One of the CRM\'s calendars by name, or "own".')
@click.option("--timezone", help="Time zone of own hours. Default: the account's.")
@click.option("--hours", help='Own hours, such as "mon-fri 09:00-17:00", or "24x7".')
@click.option("--pool", help="Who takes over: owners, team:NAME, queue:NAME or none.")
@click.option("--url", help="Another base address: a practice CRM.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing: what flags do not say is the default.")
@options.json()
def init(
    file: Path, crm: str | None, name: str | None, url: str | None, non_interactive: bool, as_json: bool, **given: Any
) -> None:
    """Ask for a CRM and its credentials, look at the account, and write a commented configuration to FILE.

    Secrets are typed without an echo and put into files that only you can read, or named by flags as env:NAME,
    file:PATH or keyring:SERVICE/NAME. The login is tried before anything is written. FILE is never written over.

    Exit codes: 0 written, 1 the CRM refuses the login, 2 wrong usage, 3 the CRM cannot be reached.
    """
    from console.init_questions import Option, Questions

    if os.path.lexists(file):
        raise Failure(f"{file} is there already", f"name another file: sla-sidecar init {file}.new", USAGE)
    folder = file.absolute().parent
    if not folder.is_dir():
        raise Failure(f"{file.parent} is no folder", f"mkdir -p {file.parent}", USAGE)
    if not os.access(folder, os.W_OK):
        raise Failure(f"{folder} cannot be written", "name a file in a folder of yours", USAGE)
    asks = not non_interactive and _at_a_terminal()
    if not asks and not non_interactive:
        raise Failure("the questions need a terminal", "answer by flags, with --non-interactive", USAGE)
    questions = Questions({"crm": crm, **given}, asks=asks)
    crms = [Option("salesforce", "Salesforce"), Option("hubspot", "HubSpot")]
    if crm is None and non_interactive:
        raise click.UsageError("--crm is missing: salesforce or hubspot")
    chosen = questions.choice("crm", "Which CRM?", crms, "salesforce")
    answers, known, proposal = _looked_at(questions, chosen, name, url, file)
    kept = _written(file, answers, known, proposal)
    _tell(file, answers, known, kept, as_json=as_json)


def _at_a_terminal() -> bool:
    import sys

    return sys.stdin.isatty() and sys.stderr.isatty()


def _looked_at(
    questions: Questions, crm: str, name: str | None, url: str | None, file: Path
) -> tuple[Answers, Known, Proposal]:
    """Asks for the login until it is accepted, then about what the account has."""
    from console import init_login, init_proposal

    def trying() -> tuple[Answers, Connector, SetUp, Account]:
        answers = init_login.ask(questions, crm, name, url, file.absolute().parent)
        return (answers, *_logged_in(answers))

    answers, connector, setup, account = questions.again(trying)
    try:
        known = init_proposal.Known(account, _people(connector), _calendars(setup))
    finally:
        connector.close()
    queues = sum(one.id.startswith("queue:") for one in known.people)
    found = f"{len(known.people) - queues} people, {queues} queues, {len(account.statuses)} statuses"
    output.tell(f"logged in to {account.name or account.id}: {found}")
    objects = init_proposal.objects(questions, crm, account)
    kinds = tuple(one.kind for name in objects for one in account.objects if one.object == name)
    statuses = tuple(one for one in account.statuses if one.object in objects)
    hours = init_proposal.hours(questions, known)
    taker = init_proposal.taker(questions, known)
    write: dict[str, dict[str, str]] = {
        kind: {field: setup.field_name(kind, field) for field in init_proposal.FIELDS} for kind in kinds
    }
    return answers, known, init_proposal.Proposal(objects, kinds, statuses, hours, taker, write)


def _logged_in(answers: Answers) -> tuple[Connector, SetUp, Account]:
    """The connection with its account. Raises Failure when that cannot be had."""
    import connectors
    from connectors.errors import ConnectorError, RetryLater
    from connectors.setup import setup_of
    from console.boundary import classify
    from sla.problem import Collector
    from sync.clock import SystemClock
    from sync.configuration_model import validate

    settings, judged = answers.settings(), Collector()
    if validate(connectors.settings_model(answers.crm), settings, judged) is None:
        raise Failure("; ".join(problem.message for problem in judged.problems), code=USAGE)
    output.tell("logging in …")
    connector = connectors.build(answers.name, answers.crm, settings, wanted=frozenset(), clock=SystemClock().now)
    setup = setup_of(connector)
    if setup is None:
        raise Failure(f"init does not know {answers.crm}", "write the file from config.example.toml", USAGE)
    try:
        return connector, setup, setup.account()
    except ConnectorError as error:
        connector.close()
        told = classify(error)
        fix = error.fix or (told.fix if told else None)
        raise Failure(error.reason, fix, UNREACHABLE if isinstance(error, RetryLater) else BAD) from None


def _people(connector: Connector) -> list[Person]:
    """Nobody where the login may not see them: that is told, and stops nothing."""
    from connectors.errors import ConnectorError

    try:
        return connector.people()
    except ConnectorError as error:
        output.tell(f"who the owners are is not known: {error.reason}")
        return []


def _calendars(setup: SetUp) -> list[ImportedCalendar]:
    from connectors.errors import ConnectorError
    from sla.instant import format_instant

    try:
        return setup.calendars(format_instant(options.current(None))[:10])
    except ConnectorError as error:
        output.tell(f"the CRM's own hours are not known: {error.reason}")
        return []


def _written(file: Path, answers: Answers, known: Known, proposal: Proposal) -> list[str]:
    """Secrets into their places, then the file. Returns these places. The file is read once, as every command will."""
    from console.init_text import configuration
    from sync.configuration import load
    from sync.secrets import SecretMissing

    account = known.account
    whose = account.name if account.id in account.name else f"{account.name} ({account.id})".strip()
    text = configuration(answers.name, answers.table, whose, proposal)
    try:
        kept = answers.keep()
    except SecretMissing as missing:
        raise Failure(missing.message, missing.fix, USAGE) from None
    with file.open("x", encoding="utf-8") as new:
        new.write(text)
    load(file)
    return kept


def _tell(file: Path, answers: Answers, known: Known, kept: list[str], *, as_json: bool) -> None:
    steps = [(command.format(file=file, name=answers.name), what) for command, what in _NEXT]
    if as_json:
        document = {"file": str(file), "connection": answers.name, "account": known.account.id, "secrets": kept}
        output.print_json({**document, "next": [f"sla-sidecar {command}" for command, _ in steps]})
        return
    output.say(f"{file} is written, in shadow mode." + (f" Secrets: {', '.join(kept)}" if kept else ""))
    output.say("Read it, then:")
    width = max(len(command) for command, _ in steps)
    for command, what in steps:
        output.say(f"  sla-sidecar {command:<{width}}  # {what}")
