"""``provision``: the fields that the configuration names, created in the CRM or printed for an administrator.

Owns showing, asking and the verdict. Refuses to create what was not shown. Invariant: without a clear yes nothing is
changed, and what is there already is never changed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console import options, output
from console.boundary import BAD, FINE, UNREACHABLE, USAGE, Failure
from console.findings_text import print_finding
from console.setup_of import chosen, opened

if TYPE_CHECKING:
    from connectors.base import Finding
    from connectors.setup import Provision
    from sync.configuration import Configuration

_DAWN = (1980, 1, 1, 0, 0, 0)
"""The time that all files of a package have: the same package, the same bytes."""


@click.command()
@click.argument("connection", required=False)
@options.config
@click.option("--yes", is_flag=True, help="Create without asking.")
@click.option(
    "--package", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write what an administrator deploys instead, as a zip file; nothing is created.",
)  # fmt: skip
@options.json()
@click.pass_context
def provision(
    ctx: click.Context, connection: str | None, config: Path, yes: bool, package: Path | None, as_json: bool
) -> None:
    """Create the fields that the configuration names and the CRM lacks, with the access to them.

    They are shown first. With --json and without --yes they are only listed. Exit codes: 0 nothing is missing any more,
    1 something is, 2 nothing was asked or the configuration is wrong, 3 a CRM cannot be reached.
    """
    from sync.configuration import load

    configuration = load(config)
    if package is not None:
        ctx.exit(_write(configuration, connection, package, as_json))
    jobs = [_Job(configuration, entry.name) for entry in chosen(configuration, connection)]
    for job in jobs:
        job.look()
    wanted = any(job.to_do for job in jobs)
    if not as_json:
        _show(jobs)
    if wanted and (yes or (not as_json and _agreed())):
        for job in jobs:
            job.create(told=not as_json)
    code = _code(jobs)
    if as_json:
        output.print_json({"connections": [job.document() for job in jobs], "exit_code": code})
    ctx.exit(code)


class _Job:
    """One connection: what it lacks, and what became of it."""

    def __init__(self, configuration: Configuration, name: str) -> None:
        self.name = name
        self._configuration = configuration
        self.lacking: Provision | None = None
        self.findings: list[Finding] = []
        self.created = False

    @property
    def to_do(self) -> bool:
        return self.lacking is not None and bool(self.lacking.fields or self.lacking.grants)

    def look(self) -> None:
        """Asks the CRM. What keeps it from being asked is a finding of this connection alone."""
        from connectors.base import Finding

        entry = self._configuration.connections[self.name]
        try:
            with opened(self._configuration, entry) as setup:
                if setup is None:
                    message = f"the connector {entry.connector} has nothing to set up"
                    self.findings.append(Finding("ok", "fields", message))
                    return
                self.lacking = setup.missing()
        except Exception as error:  # noqa: BLE001  # told apart below
            self.findings.append(_told(error))
            return
        self.findings += self.lacking.findings

    def create(self, *, told: bool) -> None:
        """Creates what was shown."""
        if self.lacking is None or not self.to_do:
            return
        self.created = True
        try:
            with opened(self._configuration, self._configuration.connections[self.name]) as setup:
                done = setup.create(self.lacking) if setup is not None else []
        except Exception as error:  # noqa: BLE001  # told apart below
            done = [_told(error)]
        self.findings += done
        if told:
            for finding in done:
                print_finding(self.name, finding)

    def document(self) -> dict[str, Any]:
        lacking = self.lacking
        return {
            "connection": self.name,
            "fields": msgspec.to_builtins(lacking.fields) if lacking else [],
            "grants": msgspec.to_builtins(lacking.grants) if lacking else [],
            "created": self.created,
            "findings": msgspec.to_builtins(self.findings),
        }


def _told(error: Exception) -> Finding:
    """A failure of one connection as a finding. A fault of our own is not hidden."""
    from connectors.base import Finding
    from connectors.errors import ConnectorError, RetryLater
    from sync.secrets import SecretMissing

    if isinstance(error, SecretMissing):
        return Finding("fail", "secret", error.message, error.fix)
    if isinstance(error, ConnectorError):
        unreachable = isinstance(error, RetryLater)
        return Finding("fail", "connection", error.reason, error.fix, unreachable=unreachable)
    raise error


def _show(jobs: list[_Job]) -> None:
    for job in jobs:
        for finding in job.findings:
            print_finding(job.name, finding)
    rows = [row for job in jobs for row in _rows(job)]
    if not rows:
        output.say("every field is there" if all(job.lacking is not None for job in jobs) else "")
        return
    table = output.table("connection", "object", "field", "type", "for")
    for row in rows:
        output.add_row(table, *row)
    output.out().print(table)


def _rows(job: _Job) -> Iterator[tuple[str, ...]]:
    if job.lacking is None:
        return
    for field in job.lacking.fields:
        kind = "date and time" if field.type == "datetime" else f"text({field.length})" if field.length else "text"
        yield job.name, field.object, field.name, kind + (", unique" if field.unique else ""), field.purpose
    for grant in job.lacking.grants:
        yield job.name, grant.object, grant.field or "", f"{grant.access} access", ""


def _agreed() -> bool:
    """A yes of a person at a terminal. Raises Failure where there is nobody to ask."""
    if not sys.stdin.isatty():
        raise Failure("nothing was created: there is nobody to ask", "add --yes to create these fields", USAGE)
    return click.confirm("Create these now?", default=False, err=True)


def _code(jobs: list[_Job]) -> int:
    failed = [finding for job in jobs for finding in job.findings if finding.level == "fail"]
    if failed:
        return UNREACHABLE if all(finding.unreachable for finding in failed) else BAD
    return BAD if any(job.to_do and not job.created for job in jobs) else FINE


def _write(configuration: Configuration, connection: str | None, package: Path, as_json: bool) -> int:
    """Writes one connection's package. Never over a file that is there."""
    entries = chosen(configuration, connection)
    if len(entries) > 1:
        names = ", ".join(entry.name for entry in entries)
        raise Failure("a package is for one connection", f"name one of {names}", USAGE)
    with opened(configuration, entries[0], offline=True) as setup:
        if setup is None:
            raise Failure(f"the connector {entries[0].connector} has nothing to set up", None, USAGE)
        files = setup.package()
    try:
        with package.open("xb") as target:
            target.write(_zipped(files))
    except FileExistsError:
        raise Failure(f"{package} is there already", "name another file, or remove it", USAGE) from None
    if as_json:
        output.print_json({"connection": entries[0].name, "package": str(package), "files": sorted(files)})
    else:
        output.say(f"{package}: {len(files)} files for an administrator to deploy; nothing was created")
    return FINE


def _zipped(files: dict[str, bytes]) -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DAWN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            made.writestr(entry, files[name])
    return buffer.getvalue()
