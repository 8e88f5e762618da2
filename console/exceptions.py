"""``excuse`` and ``extend``: exceptions to a record's time, with who and why; listed and withdrawn as well.

Owns the two commands. Refuses one without a reason. Invariant: what was ordered is judged at the daemon's next tick, at
once where no daemon runs, or at its next start when the configuration cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import Failure
from console.store import chosen, existing, present, view, who

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sync.exceptions import By
    from sync.timeline import Ordered

_MANY = 10_000
"""More records than this are left to the daemon."""

_reason = click.option("--reason", help="Why; it stands in the ledger and in reports.")
_by = click.option("--by", help="Who approves it. Default: the user of this process.")
_withdraw = click.option("--withdraw", metavar="ID", help="Take an exception back; --list tells the ids.")
_list = click.option("--list", "listing", is_flag=True, help="Show the exceptions of RECORD.")


@click.command()
@click.argument("record", required=False)
@options.config
@click.option("--calendar", help="Every record of which a clock ran on this calendar then, instead of RECORD.")
@click.option("--from", "since", type=options.Instant(), help="From when on the time is not held against the team.")
@click.option("--until", type=options.Instant(), help="Until when.")
@_reason
@_by
@_withdraw
@_list
@options.json()
def excuse(
    record: str | None,
    config: Path,
    calendar: str | None,
    since: int | None,
    until: int | None,
    reason: str | None,
    by: str | None,
    withdraw: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Do not hold a span of time against the team: a miss that it explains whole is excused.

    RECORD is connection:kind:id, or the end of it where that is enough.
    """
    if (record is None) == (calendar is None):
        raise click.UsageError("name either RECORD or --calendar")
    desk = _Desk(config, record, by, reason)
    if calendar is not None:
        desk.everywhere(calendar, withdraw, since, until, as_json)
    elif not desk.kept(withdraw, listing, as_json):
        _need(**{"--from": since, "--until": until, "--reason": reason})
        desk.ordered("excuse", None, since, until, as_json)


@click.command()
@click.argument("record")
@options.config
@click.option("--target", help="The target that is due later.")
@click.option("--until", type=options.Instant(), help="When it is due then.")
@_reason
@_by
@_withdraw
@_list
@options.json()
def extend(
    record: str,
    config: Path,
    target: str | None,
    until: int | None,
    reason: str | None,
    by: str | None,
    withdraw: str | None,
    listing: bool,
    as_json: bool,
) -> None:
    """Let a target of RECORD be due later than was promised.

    RECORD is connection:kind:id, or the end of it where that is enough.
    """
    desk = _Desk(config, record, by, reason)
    if not desk.kept(withdraw, listing, as_json):
        _need(**{"--target": target, "--until": until, "--reason": reason})
        desk.ordered("extend", target, None, until, as_json)


def _need(**given: object) -> None:
    lacking = [name for name, value in given.items() if value is None]
    if lacking:
        raise click.UsageError(f"{' and '.join(lacking)} must be given")


class _Desk:
    """Where orders about one store are taken."""

    def __init__(self, config: Path, record: str | None, by: str | None, reason: str | None) -> None:
        from sync.configuration import load_daemon
        from sync.exceptions import By

        self.config = config
        self.database = existing(load_daemon(config).database)
        with view(self.database) as opened:
            self.record = chosen(opened, record) if record is not None else ""
            self.by: By = By(by or who(), present(opened), reason)

    def kept(self, withdraw: str | None, listing: bool, as_json: bool) -> bool:
        """Whether the order was about exceptions that are there already."""
        if listing:
            self._show(as_json)
        elif withdraw is not None:
            from sync import exceptions

            with _refusals():
                exceptions.withdraw(self.database, self.record, withdraw, self.by)
            self._done({"record": self.record, "withdrawn": withdraw}, [self.record], as_json)
        return listing or withdraw is not None

    def ordered(self, what: str, target: str | None, since: int | None, until: int | None, as_json: bool) -> None:
        from sync import exceptions

        assert until is not None  # noqa: S101 - asked for before
        with _refusals():
            if what == "extend":
                name = exceptions.extend(self.database, self.record, str(target), until, self.by)
            else:
                name = exceptions.excuse(self.database, self.record, int(since or 0), until, self.by)
        told = {"from": since, "until": until}
        said = {key: output.instant(at) for key, at in told.items() if at is not None}
        document = {"record": self.record, "id": name, **({"target": target} if target else {}), **said}
        self._done(document | {"by": self.by.who, "reason": self.by.reason}, [self.record], as_json)

    def everywhere(
        self, calendar: str, withdraw: str | None, since: int | None, until: int | None, as_json: bool
    ) -> None:
        from sync import exceptions

        if withdraw is not None:
            with _refusals():
                records = exceptions.withdraw_everywhere(self.database, withdraw, self.by)
            self._done({"calendar": calendar, "withdrawn": withdraw, "records": records}, records, as_json)
            return
        _need(**{"--from": since, "--until": until, "--reason": self.by.reason})
        assert since is not None  # noqa: S101 - asked for just above
        assert until is not None  # noqa: S101
        with _refusals():
            name, records = exceptions.excuse_calendar(self.database, calendar, since, until, self.by)
        span = {"from": output.instant(since), "until": output.instant(until)}
        document = {"calendar": calendar, "id": name, **span, "records": records}
        self._done(document | {"by": self.by.who, "reason": self.by.reason}, records, as_json)

    def _done(self, document: dict[str, Any], records: Sequence[str], as_json: bool) -> None:
        judged = judged_when(self.config, records, self.by.at)
        if as_json:
            output.print_json({**document, "judged": judged})
            return
        if "withdrawn" in document:
            output.say(f"{document['withdrawn']} is withdrawn from {_of(document)}; judged {judged}")
        else:
            output.say(f"{document['id']} stands for {_of(document)}, by {document['by']}; judged {judged}")

    def _show(self, as_json: bool) -> None:
        with view(self.database) as opened:
            found = [_document(each) for each in opened.exceptions(self.record)]
        if as_json:
            output.print_json({"record": self.record, "exceptions": found})
        elif found:
            table = output.table("id", "what", "target", "from", "until", "by", "~reason", "withdrawn")
            for each in found:
                output.add_row(table, *each.values())
            output.out().print(table)
        else:
            output.say(f"{self.record} has no exceptions")


def judged_when(config: Path, records: Sequence[str], now: int) -> str:
    """Has records judged, and says when: at once, at the daemon's next tick, or when it starts."""
    from sync.configuration import ConfigurationError, load
    from sync.judging import judge_now

    try:
        configuration = load(config)
    except ConfigurationError:
        return "when the daemon runs"
    if len(records) > _MANY:
        return "when the daemon runs"  # it would find the store locked for as long as this takes
    return "now" if judge_now(configuration, records, now) else "at the daemon's next tick"


def _of(document: dict[str, Any]) -> str:
    records = document.get("records")
    if records is None:
        return str(document["record"])
    return f"{len(records)} record{'s' * (len(records) != 1)} of calendar {document['calendar']}"


def _document(found: Ordered) -> dict[str, Any]:
    event = found.event
    instants = {"from": event.from_at, "until": event.until}
    withdrawn = None
    if found.withdrawn_at is not None:
        withdrawn = f"{output.instant(found.withdrawn_at)} by {found.withdrawn_by}"
    return {
        "id": event.id,
        "what": event.event,
        "target": event.target,
        **{name: None if at is None else output.instant(at) for name, at in instants.items()},
        "by": event.by,
        "reason": event.reason,
        "withdrawn": withdrawn,
    }


@contextmanager
def _refusals() -> Iterator[None]:
    """An order that was refused, as a failure with its fix."""
    from sync.exceptions import Refused

    try:
        yield
    except Refused as refusal:
        raise Failure(refusal.message, refusal.fix) from None
