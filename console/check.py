"""``check``: the whole configuration, then every live connection, in one list of findings.

Owns the order and the verdict. Refuses to stop at a first failure. Invariant: whatever is wrong with one connection,
the others are looked at, and the answer is there within fifteen seconds and a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from console import options, output
from console.boundary import BAD, FINE, UNREACHABLE
from console.findings_text import print_finding
from console.progress import waiting

if TYPE_CHECKING:
    from connectors.base import Finding
    from sync.configuration import Configuration

    _Found = tuple[str | None, Finding]


@click.command()
@options.config
@click.option("--offline", is_flag=True, help="Look at the file alone; a missing secret is then only a warning.")
@options.json()
@click.pass_context
def check(ctx: click.Context, config: Path, offline: bool, as_json: bool) -> None:
    """Validate the configuration, then look at each connection: login, permissions, fields, mappings, people, quota,
    clock, the way of a webhook. All connections are asked at once; it takes fifteen seconds at most.

    Exit codes: 0 fine, 1 something is wrong, 2 the file cannot be used, 3 a CRM cannot be reached.
    """
    from sync.configuration import load

    configuration = load(config)
    findings = []
    with waiting() as notify:
        for name, finding in _findings(configuration, offline, notify):
            findings.append((name, finding))
            if not as_json:
                print_finding(name, finding)
    code = _code([finding for _, finding in findings])
    if as_json:
        listed = [{"connection": name, **msgspec.to_builtins(finding)} for name, finding in findings]
        output.print_json({"file": str(config), "findings": listed, "exit_code": code})
    else:
        output.say(_sum(findings))
    ctx.exit(code)


def _findings(configuration: Configuration, offline: bool, notify: Callable[[str], None]) -> Iterator[_Found]:
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
    yield from _live(configuration, [name for name in configuration.connections if name not in broken], notify)


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


def _live(configuration: Configuration, names: list[str], notify: Callable[[str], None]) -> Iterator[_Found]:
    """What the connections say, then what becomes of the names in the file."""
    from connectors.base import Finding
    from console.check_live import Inspection
    from sync.mentions import doubts, mentions

    inspection = Inspection(configuration, names)
    yield from inspection.findings(notify)
    if not inspection.rosters or not (named := mentions(configuration)):
        return
    silent = tuple(name for name in configuration.connections if name not in inspection.rosters)
    found = doubts(configuration, inspection.rosters, silent)
    for doubt in found:
        yield None, Finding(doubt.level, "names", f"{doubt.problem.place}: {doubt.problem.message}", doubt.problem.hint)
    if not found:
        yield None, Finding("ok", "names", f"all {len({each.text for each in named})} that the file names are known")


def _code(findings: list[Finding]) -> int:
    failed = [finding for finding in findings if finding.level == "fail"]
    if not failed:
        return FINE
    return UNREACHABLE if all(finding.unreachable for finding in failed) else BAD


def _sum(findings: list[tuple[str | None, Finding]]) -> str:
    failed = sum(finding.level == "fail" for _, finding in findings)
    warned = sum(finding.level == "warn" for _, finding in findings)
    return f"{failed or 'nothing'} failed, {warned} to look at" if failed or warned else "everything is in order"
