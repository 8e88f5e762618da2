"""``run`` and ``once``: the daemon as a process, and one round of it.

Owns starting, logging and the exit code. Refuses the work itself: ``sync.daemon`` does it. Invariant: nothing starts
with a configuration that has a problem or a secret that is missing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from console import options, output, progress
from console.boundary import BAD, FINE, UNREACHABLE

if TYPE_CHECKING:
    from connectors.base import Connector
    from connectors.errors import ConnectorError
    from sync.clock import Clock
    from sync.configuration import Configuration
    from sync.daemon import Daemon
    from sync.rehearsal import Planned
    from sync.view import View


@click.command()
@options.config
@click.option("--verbose", is_flag=True, help="Log every round, not only what is worth knowing.")
def run(config: Path, verbose: bool) -> None:
    """Run the daemon until SIGTERM or Ctrl-C. A second daemon on the same database exits with 75."""
    configuration = ready_configuration(config)
    log_to_stderr(verbose)
    with daemon_with_page(configuration) as daemon, progress.first_contact() as daemon.told:
        _tell_when_ready(daemon)
        daemon.run(signals=True)


@click.command()
@options.config
@click.option("--dry-run", is_flag=True, help="Show the write-backs with their reasons; send nothing, keep nothing.")
@options.json()
@click.pass_context
def once(ctx: click.Context, config: Path, dry_run: bool, as_json: bool) -> None:
    """Poll, evaluate and deliver once, then exit.

    Exit codes: 0 fine, 1 a connection or a write-back failed, 2 the file cannot be used, 3 a CRM cannot be reached.
    """
    from sync.clock import SystemClock
    from sync.daemon import Daemon

    configuration = ready_configuration(config)
    log_to_stderr(verbose=False)
    clock = SystemClock()
    watched = {entry.name: _Watched(_connector(configuration, entry.name, clock)) for entry in _entries(configuration)}
    daemon = Daemon(configuration, clock, connectors=cast("dict[str, Connector]", watched), serve=False)
    with progress.first_contact() as daemon.told:
        planned = daemon.once(dry_run=dry_run)
    failures = {name: watch.failure for name, watch in watched.items() if watch.failure is not None}
    code = _code(list(failures.values()), planned)
    if as_json:
        output.print_json(
            {
                "dry_run": dry_run,
                "write_backs": [_document(row) for row in planned],
                "connections": {name: {"error": failure.reason} for name, failure in failures.items()},
                "exit_code": code,
            }
        )
    else:
        for row in planned:
            output.say(_line(row, dry_run))
        output.say(_sum(planned, dry_run))
    for name, failure in failures.items():
        output.tell(f"{name}: {failure.reason}")
    ctx.exit(code)


def ready_configuration(config: Path) -> Configuration:
    """The whole configuration, with every secret there. Raises ConfigurationError."""
    from sync.configuration import ConfigurationError, load, missing_secrets

    configuration = load(config)
    if missing := missing_secrets(configuration):
        raise ConfigurationError(missing)
    return configuration


@contextmanager
def daemon_with_page(configuration: Configuration, clock: Clock | None = None) -> Iterator[Daemon]:
    """A daemon that serves the page as well. Nothing is opened before it runs."""
    from console.dashboard.routes import dashboard_routes
    from sync.clock import SystemClock
    from sync.daemon import Daemon

    used = clock or SystemClock()
    page = _PageView(configuration.daemon.database)
    host, _ = configuration.daemon.address
    routes = dashboard_routes(page.view, used, mode=configuration.daemon.mode, host=host)
    try:
        yield Daemon(configuration, used, routes=routes)
    finally:
        page.close()


def log_to_stderr(verbose: bool) -> None:
    """Log lines on standard error: time, level, part, message."""
    import logging

    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S%z",
        force=True,
    )


class _PageView:
    """The page's own look into the store, opened when somebody first asks for the page."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._opened: View | None = None

    def view(self) -> View:
        from sync.view import View

        with self._lock:
            if self._opened is None:
                self._opened = View.open(self._database)
            return self._opened

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                self._opened.close()


class _Watched:
    """A connector whose last failure is remembered, for the exit code."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.failure: ConnectorError | None = None

    def __getattr__(self, name: str) -> Any:
        from connectors.errors import ConnectorError

        found = getattr(self._connector, name)
        if name not in ("poll", "read", "people", "write"):
            return found

        def watched(*arguments: Any) -> Any:
            try:
                return found(*arguments)
            except ConnectorError as error:
                self.failure = error
                raise

        return watched


def _entries(configuration: Configuration) -> list[Any]:
    return list(configuration.connections.values())


def _connector(configuration: Configuration, name: str, clock: Clock) -> Connector:
    import connectors

    entry = configuration.connections[name]
    wanted = configuration.named_fields
    return connectors.build(name, entry.connector, entry.settings, wanted=wanted, clock=clock.now)


def _tell_when_ready(daemon: Daemon) -> None:
    def wait() -> None:
        daemon.ready.wait()
        if daemon.address is not None:
            host, port = daemon.address
            output.tell(f"sla-sidecar is at work; its page is at http://{host}:{port}/")

    threading.Thread(target=wait, name="ready", daemon=True).start()


def _code(failures: list[ConnectorError], planned: list[Planned]) -> int:
    from connectors.errors import RateLimited, RetryLater

    if any(isinstance(error, RetryLater) and not isinstance(error, RateLimited) for error in failures):
        return UNREACHABLE
    return BAD if failures or any(row.state == "dead" for row in planned) else FINE


def _document(row: Planned) -> dict[str, Any]:
    body = {name: value for name, value in row.body.items() if name != "why"}
    return {
        "record": row.record,
        "action": row.action,
        "state": row.state,
        "what": _what(row),
        "why": row.body.get("why"),
        "reason": row.reason,
        "body": body,
    }


def _line(row: Planned, dry_run: bool) -> str:
    state = "would write" if dry_run and row.state == "waiting" else row.state
    reason = f" ({row.reason})" if row.reason else ""
    return f"{state:<11}  {row.record}  {_what(row)}  because {_why(row)}{reason}"


def _what(row: Planned) -> str:
    from console.dashboard.page import describe

    return describe("write", {"action": row.action, "body": row.body})


def _why(row: Planned) -> str:
    why = row.body.get("why")
    if not isinstance(why, dict):
        return "the CRM shows another value"
    if "watch" in why:
        return f"{why['watch']}: {why.get('reason')}"
    step = f"{why.get('target')} #{why.get('cycle')} of {why.get('policy')} reached {why.get('step')}"
    instant = why.get("instant")
    return f"{step} at {output.instant(instant)}" if isinstance(instant, int) else step


def _sum(planned: list[Planned], dry_run: bool) -> str:
    if not planned:
        return "nothing to write"
    if dry_run:
        return f"{len(planned)} write-backs; nothing was sent"
    done = sum(row.state == "done" for row in planned)
    return f"{done} of {len(planned)} write-backs done"
