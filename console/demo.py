"""``demo``: practice CRMs, the daemon against them over HTTP, the page, and a short account of what happens.

Owns putting it together and taking it apart. Refuses a code path of its own: it is the daemon that ``run`` runs, under
a clock that runs fast. Invariant: when it ends nothing stays behind, no process and no file.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from console import output

if TYPE_CHECKING:
    from console.practice import Practice
    from sync.clock import Clock
    from sync.daemon import Daemon

_TEMPLATE: Final = Path(__file__).with_name("demo.toml")
_RECORDS: Final = 12
_DEFAULT_PORT: Final = 8080
_LOOK_EVERY_S: Final = 1.0


@click.command()
@click.option("--speed", type=click.FloatRange(1, 240), default=60.0, show_default=True, help="How fast time runs.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Where the page is. Default: 8080, or a free one.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def demo(speed: float, port: int | None, no_browser: bool) -> None:
    """Show it all on this machine: an emulated Salesforce, an emulated HubSpot and the daemon between them.

    No account is needed and nothing leaves this machine. Ctrl-C ends it.
    """
    from console.practice import practice_crms
    from console.run import daemon_with_page, log_to_stderr, ready_configuration
    from sync.clock import ScaledClock, SystemClock

    log_to_stderr(verbose=False)
    origin = SystemClock().now()
    clock = ScaledClock(origin, speed)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="sla-sidecar-demo-") as folder:
        output.tell("starting the practice CRMs …")
        with practice_crms(("salesforce", "hubspot"), speed=speed, origin=origin, records=_RECORDS) as crms:
            file = Path(folder) / "config.toml"
            shutil.copy(_TEMPLATE, file)
            os.environ.update(_environment(crms))
            configuration = ready_configuration(file)
            listen = f"127.0.0.1:{_free(port)}"
            configuration = replace(configuration, daemon=replace(configuration.daemon, listen=listen))
            with daemon_with_page(configuration, clock) as daemon:
                _narrate(daemon, clock, crms, file, configuration.daemon.database, open_page=not no_browser)
                daemon.run(signals=True)
    output.tell("the demo has ended; nothing stays behind")


def _environment(crms: list[Practice]) -> dict[str, str]:
    salesforce, hubspot = crms
    return {
        "SLA_DEMO_SALESFORCE_URL": salesforce.url,
        "SLA_DEMO_SALESFORCE_ID": salesforce.credentials["consumer_key"],
        "SLA_DEMO_SALESFORCE_SECRET": salesforce.credentials["consumer_secret"],
        "SLA_DEMO_HUBSPOT_URL": hubspot.url,
        "SLA_DEMO_HUBSPOT_TOKEN": hubspot.credentials["access_token"],
    }


def _free(port: int | None) -> int:
    """The port that was asked for; without one the usual, or any when that is taken."""
    if port is not None:
        return port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", _DEFAULT_PORT))
        except OSError:
            return 0
    return _DEFAULT_PORT


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Until the daemon listens to signals itself, SIGTERM ends the demo as Ctrl-C does: through every clean-up."""

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        pass  # asked to end while still starting: that is no failure
    finally:
        signal.signal(signal.SIGTERM, before)


def _narrate(
    daemon: Daemon, clock: Clock, crms: list[Practice], file: Path, database: Path, *, open_page: bool
) -> None:
    """Tells what happens, on a thread of its own, until the process ends."""

    def tell() -> None:
        daemon.ready.wait()
        if daemon.address is None:
            return
        page = "http://{}:{}/".format(*daemon.address)
        _introduce(page, crms, file)
        if open_page and _has_a_screen():
            import webbrowser

            webbrowser.open(page)
        _follow(daemon, clock, database)

    threading.Thread(target=tell, name="story", daemon=True).start()


def _introduce(page: str, crms: list[Practice], file: Path) -> None:
    salesforce, hubspot = crms
    query = "SELECT+Name,SLA_Due__c,SLA_Status__c+FROM+Lead+WHERE+SLA_Status__c!=null+ORDER+BY+CreatedDate+DESC+LIMIT+5"
    tickets = "tickets?properties=subject,sla_due,sla_status&limit=100"
    output.say(f"""
The page:       {page}
The CRMs' own fields, as their users see them:
  curl -s -H 'Authorization: Bearer {salesforce.credentials["access_token"]}' \\
    '{salesforce.url}/services/data/v66.0/query?q={query}'
  curl -s -H 'Authorization: Bearer {hubspot.credentials["access_token"]}' \\
    '{hubspot.url}/crm/v3/objects/{tickets}' | grep -o '"sla_due":"[^}}]*' | tail -5
Everything that was written, in order:
  curl -s {salesforce.url}/_emulator/effects
In another terminal:
  sla-sidecar status --config {file}
  sla-sidecar explain RECORD --config {file}
Ctrl-C ends it. What happens now, with the demo's time in front:
""")


def _follow(daemon: Daemon, clock: Clock, database: Path) -> None:
    from console.story import Story
    from sync.store import StoreError
    from sync.view import View

    last, told_all = 0, False
    pause = threading.Event()
    view = View.open(database)
    story = Story(lambda record: found.title if (found := view.record(record)) else None)
    while daemon.ready.is_set():
        try:
            rows = view.ledger(after=last, limit=500) if last else view.ledger(limit=500)
        except StoreError:
            break  # the daemon is closing the store
        for line in story.lines(rows):
            output.say(line)
        if story.complete and not told_all:
            told_all = True
            output.say("       That is all there is to see at first; it goes on until Ctrl-C.")
        sys.stdout.flush()
        last = rows[-1].id if rows else last
        clock.wait(_LOOK_EVERY_S / clock.real_seconds(1), pause)
    view.close()


def _has_a_screen() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
