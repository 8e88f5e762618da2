"""``calendar due``, ``elapsed`` and ``import``: the arithmetic of a calendar for a person, and the calendars of a CRM.

Owns asking and answering. Refuses to compute: ``sla.calendar`` does. Invariant: answers are exact to the millisecond.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import options, output
from console.boundary import USAGE, Failure
from console.lazy_group import SuggestingGroup

if TYPE_CHECKING:
    from sla.calendar import Calendar
    from sla.duration import Duration


class _Length(click.ParamType):  # type: ignore[type-arg]  # generic only in newer releases
    """A duration such as ``1h30m`` or ``2bd``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Duration:
        from sla.duration import Duration, parse_duration, parse_within

        if isinstance(value, Duration):
            return value
        try:
            return parse_within(value) if str(value).strip().endswith("bd") else Duration(work=parse_duration(value))
        except ValueError as mistake:
            self.fail(str(mistake), param, ctx)


_CALENDAR = click.option("--calendar", "name", metavar="NAME", required=True, help="A calendar of the configuration.")
_FROM = click.option("--from", "start", type=options.Instant(), required=True, help="The instant to count from.")


@click.group(cls=SuggestingGroup)
def calendar() -> None:
    """The arithmetic of a calendar. Times are ISO 8601 with an offset."""


@calendar.command()
@options.config
@_CALENDAR
@_FROM
@click.option(
    "--add", type=_Length(), required=True, help='Working time such as "1h30m", or working days such as "2bd".'
)
@options.json()
def due(config: Path, name: str, start: int, add: Duration, as_json: bool) -> None:
    """When working time that starts at --from has passed."""
    found = _calendar(config, name)
    at = found.add_days_ms(start, add.days) if add.days else found.due_ms(start, add.work)
    answer = {
        "calendar": name,
        "from": output.instant(start),
        "add": f"{add.days}bd" if add.days else _written(add.work),
        "due_at": output.instant(at),
        "local": _local(found, at),
    }
    if as_json:
        output.print_json(answer)
    else:
        output.say(f"{answer['due_at']}   {answer['local']}")


@calendar.command()
@options.config
@_CALENDAR
@_FROM
@click.option("--to", "end", type=options.Instant(), required=True, help="The instant to count to.")
@options.json()
def elapsed(config: Path, name: str, start: int, end: int, as_json: bool) -> None:
    """How much working time lies between --from and --to; negative when --to is earlier."""
    found = _calendar(config, name)
    work = found.elapsed_ms(start, end)
    answer = {
        "calendar": name,
        "from": output.instant(start),
        "to": output.instant(end),
        "elapsed_s": work // 1_000 if work % 1_000 == 0 else work / 1_000,
        "elapsed": _written(work),
    }
    if as_json:
        output.print_json(answer)
    else:
        output.say(f"{answer['elapsed']}   ({answer['elapsed_s']} s of working time)")


@calendar.command("import")
@click.argument("connection")
@options.config
@options.now
@options.json()
def import_(connection: str, config: Path, now: int | None, as_json: bool) -> None:
    """Print the opening hours and holidays that a CRM keeps, as tables to paste.

    What could not be carried over stands above each table as a comment.
    """
    from console.setup_of import chosen, opened
    from console.toml_text import pairs
    from sla.instant import to_datetime
    from sync.configuration import load

    configuration = load(config)
    [entry] = chosen(configuration, connection)
    today = to_datetime(options.current(now)).date().isoformat()
    with opened(configuration, entry) as setup:
        found = setup.calendars(today) if setup is not None else []
    usable = [one for one in found if one.active and one.table["hours"]]
    if as_json:
        import msgspec

        output.print_json({"connection": connection, "calendars": msgspec.to_builtins(usable)})
    elif not found:
        raise Failure(f"{entry.connector} has no opening hours that can be read", "write [calendars.NAME] yourself")
    for one in found:
        if one not in usable:
            click.echo(output.clean(f"{one.title}: left out: it is not active, or never open"), err=True)
        elif not as_json:
            # Names come from the CRM: a comment of theirs must not go on in the next line.
            head = [f"# {' '.join(line.split())}" for line in (one.title, *one.notes)]
            output.say("\n".join([*head, f"[calendars.{one.name}]", *pairs(one.table), ""]))


def _calendar(config: Path, name: str) -> Calendar:
    import difflib

    from sync.configuration import load

    calendars = load(config, frozenset({"calendars"})).policies.calendars
    if name in calendars:
        return calendars[name]
    near = difflib.get_close_matches(name, calendars, 1, 0.5)
    fix = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(calendars)}"
    raise Failure(f"{config} has no calendar '{name}'", fix, USAGE)


def _written(work: int) -> str:
    from sla.duration import format_duration

    return format_duration(work)


def _local(calendar: Calendar, at: int) -> str:
    from sla.instant import to_datetime

    return to_datetime(at).astimezone(calendar.zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")
