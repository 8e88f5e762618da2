"""``check``: the whole configuration, then every live connection, in one list of findings.

Owns the order and the verdict. Refuses to stop at a first failure. Invariant: whatever is wrong with one connection,
the others are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from console import options, output
from console.boundary import BAD, FINE, UNREACHABLE

if TYPE_CHECKING:
    from connectors.base import Finding
    from sync.configuration import Configuration, ConnectionEntry

_SHAPES = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@click.command()
@options.config
@click.option("--offline", is_flag=True, help="Look at the file alone; a missing secret is then only a warning.")
@options.json()
@click.pass_context
def check(ctx: click.Context, config: Path, offline: bool, as_json: bool) -> None:
    """Validate the configuration, then look at each connection: login, permissions, fields, mappings, quota, clock.

    Exit codes: 0 fine, 1 something is wrong, 2 the file cannot be used, 3 a CRM cannot be reached.
    """
    from sync.configuration import load

    configuration = load(config)
    findings = []
    for name, finding in _findings(configuration, offline):
        findings.append((name, finding))
        if not as_json:
            _print(name, finding)
    code = _code([finding for _, finding in findings])
    if as_json:
        listed = [{"connection": name, **msgspec.to_builtins(finding)} for name, finding in findings]
        output.print_json({"file": str(config), "findings": listed, "exit_code": code})
    else:
        output.say(_sum(findings))
    ctx.exit(code)


def _findings(configuration: Configuration, offline: bool) -> Iterator[tuple[str | None, Finding]]:
    """Each finding with the connection it is about; None for the file itself."""
    from connectors.base import Finding
    from sync.configuration import missing_secrets

    yield None, _summary(configuration)
    yield from ((None, finding) for finding in _surroundings(configuration))
    missing = missing_secrets(configuration)
    for problem in missing:
        name = str(problem.path[1])
        message = f"{problem.place}: {problem.message}"
        yield name, Finding("warn" if offline else "fail", "secret", message, fix=problem.hint)
    if offline:
        return
    broken = {problem.path[1] for problem in missing}
    for entry in configuration.connections.values():
        if entry.name not in broken:
            yield from ((entry.name, finding) for finding in _live(configuration, entry))


def _summary(configuration: Configuration) -> Finding:
    from connectors.base import Finding

    policies = configuration.policies
    message = (
        f"{len(configuration.connections)} connections, {len(policies.policies)} policies, "
        f"{len(policies.calendars)} calendars, {len(configuration.pools)} pools (version {policies.version})"
    )
    return Finding("ok", "configuration", message)


def _surroundings(configuration: Configuration) -> Iterator[Finding]:
    import os

    from connectors.base import Finding
    from connectors.settings import is_loopback

    daemon = configuration.daemon
    folder = daemon.database.parent
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        yield Finding(
            "fail", "database", f"{folder} cannot be written", fix=f"give this user the right to write {folder}"
        )
    host, _ = daemon.address
    if not is_loopback(host):
        message = f"the page listens on {host}, where others can read it without a password"
        yield Finding("warn", "listen", message, fix="listen on 127.0.0.1 and put a proxy with a login before it")
    for entry in configuration.connections.values():
        if entry.table.get("allow_plain_secrets") is True:
            message = f"connection {entry.name} allows secrets in the file itself"
            yield Finding(
                "warn", "secret", message, fix='write "env:NAME", "file:PATH" or "keyring:SERVICE/NAME" instead'
            )
    if daemon.mode == "shadow":
        yield Finding("warn", "mode", "shadow: everything is computed and nothing is written", fix='mode = "live"')


def _live(configuration: Configuration, entry: ConnectionEntry) -> Iterator[Finding]:
    import connectors
    from connectors.base import Finding
    from connectors.errors import AuthFailed, ConnectorError, RateLimited, RetryLater
    from sync.clock import SystemClock

    wanted = configuration.named_fields
    connector = connectors.build(entry.name, entry.connector, entry.settings, wanted=wanted, clock=SystemClock().now)
    try:
        yield from connector.check()
    except AuthFailed as error:
        yield Finding("fail", "login", error.reason, fix="mend the credentials or the permissions of this user")
    except RetryLater as error:
        away = not isinstance(error, RateLimited)
        yield Finding("fail", "connection", error.reason, fix="try again later", unreachable=away)
    except ConnectorError as error:
        yield Finding("fail", "connection", error.reason)
    finally:
        connector.close()


def _code(findings: list[Finding]) -> int:
    failed = [finding for finding in findings if finding.level == "fail"]
    if not failed:
        return FINE
    return UNREACHABLE if all(finding.unreachable for finding in failed) else BAD


def _print(name: str | None, finding: Finding) -> None:
    from rich.text import Text

    shape, style = _SHAPES[finding.level]
    where = f"{name}: " if name else ""
    line = Text.assemble((f"{shape} ", style), output.clean(f"{where}{finding.subject}: {finding.message}"))
    output.out().print(line, soft_wrap=True)
    if finding.fix and finding.level != "ok":
        output.say(f"    {finding.fix}")


def _sum(findings: list[tuple[str | None, Finding]]) -> str:
    failed = sum(finding.level == "fail" for _, finding in findings)
    warned = sum(finding.level == "warn" for _, finding in findings)
    return f"{failed or 'nothing'} failed, {warned} to look at" if failed or warned else "everything is in order"
