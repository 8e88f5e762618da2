"""``explain RECORD``: its timeline, its clocks with every interval's cause, each step with its decision, each write.

Owns gathering the accounts of records from a file or, with ``console.explain_store``, from the store. Refuses a second
opinion: ``sla.account.explain`` evaluates. Invariant: text, JSON document and picture say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import BAD, USAGE, Failure

if TYPE_CHECKING:
    from sla.account.explain import Wanted
    from sla.fold import Wait
    from sla.model import Event


class ClockName(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """``TARGET`` or ``TARGET#CYCLE`` as the target's name and the cycle, None for all of them."""

    name = "target[#cycle]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Wanted:
        if isinstance(value, tuple):
            return value
        if not value.strip("# "):
            self.fail("name a target, such as first_response or next_response#2", param, ctx)
        target, mark, cycle = str(value).rpartition("#")
        if mark and cycle.isdigit():
            return target.strip(), int(cycle)
        return str(value), None


@click.command()
@click.argument("records", metavar="RECORD...", nargs=-1, required=True)
@options.config
@click.option(
    "--timeline",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True, exists=True),
    help="Explain from this JSON Lines file instead of the store.",
)
@options.now
@click.option("--clock", "clocks", type=ClockName(), multiple=True, help="Only this clock; may be given again.")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Draw the clocks into an SVG file.",
)
@options.json("Print one JSON document: the account, or { records = [...] } for several.")
@click.pass_context
def explain(
    ctx: click.Context,
    records: tuple[str, ...],
    config: Path,
    timeline: Path | None,
    now: int | None,
    clocks: tuple[Wanted, ...],
    picture: Path | None,
    as_json: bool,
) -> None:
    """Why the clocks of RECORD stand where they stand.

    RECORD is connection:kind:id, or the end of it where that is enough. A line of the timeline that cannot be read is
    reported with its number, the rest is evaluated, and the exit code is 1.
    """
    bad = 0
    if timeline:
        accounts, bad = _from_file(records, config, timeline, options.current(now), clocks)
    else:
        from console.explain_store import from_store

        accounts = from_store(records, config, now, clocks)
    _refuse_nothing(accounts, clocks)
    if picture:
        _draw(accounts, picture)
    if as_json:
        output.print_json(accounts[0] if len(records) == 1 else {"records": accounts})
    else:
        from console.explain_text import print_accounts

        print_accounts(accounts)
    if bad:
        ctx.exit(BAD)


def _from_file(
    records: Sequence[str], config: Path, path: Path, now: int, clocks: Sequence[Wanted]
) -> tuple[list[dict[str, Any]], int]:
    """The accounts, and how many lines of the file could not be read."""
    from console.timeline_file import read_timelines, tell_bad_lines
    from sla.account.explain import explain_record
    from sync.configuration import POLICIES, load

    policies = load(config, POLICIES).policies
    timelines, bad = read_timelines(path)
    tell_bad_lines(path, bad)
    accounts = []
    for record in records:
        name = chosen(record, [n for n in timelines if n == record or n.endswith(f":{record}")], str(path), timelines)
        waits = list(_waits(name, timelines))
        accounts.append(explain_record(policies, timelines[name], now, waits, only=clocks))
    return accounts, len(bad)


def chosen(asked: str, names: Sequence[str], place: str, known: Iterable[str] = ()) -> str:
    """The one record that is meant. Raises Failure when none is, with the nearest known, or several are."""
    if asked in names or len(names) == 1:
        return asked if asked in names else names[0]
    if names:
        raise Failure(f"'{asked}' may mean several records of {place}", "name one of " + ", ".join(names[:5]))
    from difflib import get_close_matches

    near = get_close_matches(asked, list(known), 1, 0.6)
    hint = f"did you mean '{near[0]}'?" if near else "a record is named connection:kind:id"
    raise Failure(f"{place} knows no record '{asked}'", hint)


def _waits(record: str, timelines: Mapping[str, list[Event]], seen: frozenset[str] = frozenset()) -> Iterator[Wait]:
    """The unanswered waits that merged records brought to this one, and what had been merged into those."""
    from sla.fold import waits_of

    for loser, events in timelines.items():
        if loser == record or loser in seen:
            continue
        for at in sorted({e.at for e in events if e.into == record and e.event in ("merged", "converted")}):
            yield from waits_of(events, at, list(_waits(loser, timelines, seen | {record})))


def _refuse_nothing(accounts: Sequence[dict[str, Any]], clocks: Sequence[Wanted]) -> None:
    """Raises Failure when clocks were asked for that no record has."""
    if clocks and not any(account["clocks"] for account in accounts):
        asked = ", ".join(target if cycle is None else f"{target}#{cycle}" for target, cycle in clocks)
        known = dict.fromkeys(name for account in accounts for name in account["all_clocks"])
        raise Failure(f"there is no clock {asked}", "there is " + (", ".join(known) or "none at all"))


def _draw(accounts: Sequence[dict[str, Any]], path: Path) -> None:
    from console.explain_picture import draw

    try:
        path.write_text(draw(accounts), encoding="utf-8")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}", code=USAGE) from None
