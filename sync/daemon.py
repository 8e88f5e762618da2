"""The daemon: rounds of work on a metronome, until it is told to stop.

Owns threads, the schedule, signals and the guard against a wall clock that jumps. Refuses deadlines of its own: those
are rows with a ``wake_at``. Invariant: a beat that comes late is made once, never lost and never twice at a time, and
one connection's trouble holds up nobody else.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any, Final

from connectors.base import Connector
from sync import housekeeping
from sync.clock import Clock, SystemClock
from sync.configuration_shape import Configuration
from sync.lease import SecondDaemon
from sync.link import Link
from sync.reading import Reading
from sync.rehearsal import Planned, rehearse
from sync.store import StoreError
from sync.web import Web
from sync.works import Works
from sync.writer import Writer

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

log = logging.getLogger(__name__)

STEP_MS: Final = 2_000
"""From which jump of the wall clock on everything is judged again."""

BEAT_S: Final = 2.0
RECONCILE_S: Final = 300.0
"""How often it is looked whether a reconciliation is due."""

RECONCILE_PAUSE_S: Final = 2.0
"""What lies between two calls of a reconciliation: it never competes with what is urgent."""
HOUSEKEEPING_S: Final = 3_600.0
STOP_S: Final = 8.0
"""How long running jobs get to reach a safe place, within the ten seconds that a service manager allows."""

_SHORTEST_S: Final = 0.02


class Daemon:
    """``Daemon(configuration).run()`` works until SIGTERM; ``once`` makes one round; ``step`` does so for tests.

    ``connectors`` replaces connections by ready-made ones; ``routes`` are served beside the webhooks; ``serve`` False
    opens no port.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock | None = None,
        *,
        connectors: Mapping[str, Connector] | None = None,
        routes: Sequence[BaseRoute] = (),
        rng: Random | None = None,
        serve: bool = True,
    ) -> None:
        self._configuration = configuration
        self._clock = clock or SystemClock()
        self._ready = connectors
        self._routes = routes
        self._rng = rng
        self._serve = serve
        self._stop = threading.Event()
        self._works: Works | None = None
        self._running: set[threading.Thread] = set()
        self._failure: BaseException | None = None
        self.told: Callable[[Reading], None] | None = None
        """Hears how far first readings are, from the threads that read."""
        self.ready = threading.Event()
        """Set while the daemon works and answers."""
        self.address: tuple[str, int] | None = None
        """Host and port that webhooks are taken at, once ``ready``."""

    # ---- by hand

    def open(self, *, threaded: bool = False) -> Works:
        """Takes the lock and opens the store. Raises SecondDaemon, StoreError or what building a connector raises."""
        if self._works is None:
            self._works = Works(self._configuration, self._clock, ready=self._ready, rng=self._rng, threaded=threaded)
            if self.told is not None:
                self._works.intake.told = self.told
        return self._works

    def step(self) -> None:
        """One round without threads: poll, judge, deliver."""
        self.open().round()

    def once(self, *, dry_run: bool = False) -> list[Planned]:
        """One round, then the end. With ``dry_run`` it happens on a copy and nothing is sent.

        Returns what has been sent, or what would be, with reasons.
        """
        if dry_run:
            return rehearse(self._configuration, self._clock, ready=self._ready, rng=self._rng)
        works = self.open()
        started_at = self._clock.now()
        try:
            works.round()
            if rest := works.delivery.rests_for():
                self._clock.wait(rest, self._stop)
                works.round()
            return works.store.read(lambda t: Planned.since(t, started_at))
        finally:
            self.close()

    def close(self) -> None:
        """Closes everything; harmless when nothing is open."""
        works, self._works = self._works, None
        if works is not None:
            works.close()

    # ---- the daemon

    def stop(self) -> None:
        """Asks ``run`` to return. May be called from a signal handler or another thread."""
        self._stop.set()

    def run(self, *, signals: bool = False) -> None:
        """Works until ``stop`` is called, or with ``signals`` until SIGTERM or SIGINT; a second one ends it at once.

        Raises SecondDaemon, at the start or when the lease is lost, and StoreError when the store cannot be trusted.
        """
        if signals:
            self._listen_to_signals()
        works = self.open(threaded=True)
        writer = works.writes
        assert isinstance(writer, Writer)  # noqa: S101 - opened threaded just above
        web = None
        scheduler = None
        try:
            writer.write(lambda t: housekeeping.check_ledger(t, self._clock.now()))
            web = Web(works, writer, self._routes, self._configuration) if self._serve else None
            scheduler = self._schedule(works)
            if web is not None:
                self.address = web.start()
            scheduler.start()
            works.listening.missed = partial(self._poll_now, scheduler)
            works.listening.start()
            self.ready.set()
            self._watch(scheduler, works)
        finally:
            self.ready.clear()
            works.stop()
            if scheduler is not None and scheduler.running:
                scheduler.shutdown(wait=False)
            if web is not None:
                web.stop()
            self._wind_up(hard=signals)
        if self._failure is not None:
            raise self._failure

    def _listen_to_signals(self) -> None:
        def ask(number: int, _: Any) -> None:
            signal.signal(number, signal.SIG_DFL)
            self._stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ask)

    def _schedule(self, works: Works) -> Any:
        from apscheduler.executors.pool import ThreadPoolExecutor
        from apscheduler.schedulers.background import BackgroundScheduler

        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(2 * len(works.links) + 4)},
            # A late beat is made once: the default drops whatever is more than a second late.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        now, real = self._clock.now, self._clock.real_seconds
        tick_s = real(self._configuration.daemon.tick_every_s)
        self._add(scheduler, "wake", tick_s, partial(self._judge, works, works.wake))
        self._add(scheduler, "watch", tick_s, partial(self._judge, works, works.watching.look))
        for name, link in works.links.items():
            # Real seconds whatever the clock: that is how a CRM counts its calls.
            poll_s = self._configuration.connections[name].poll_every_s
            self._add(scheduler, f"poll {name}", poll_s, partial(works.poll, link))
            self._add(scheduler, f"deliver {name}", tick_s, partial(self._deliver, works, link))
            reconcile = partial(works.reconciliation.look, link, RECONCILE_PAUSE_S)
            self._add(scheduler, f"reconcile {name}", RECONCILE_S, reconcile, first=False)
        if works.live and self._configuration.webhooks:
            self._add(scheduler, "webhooks", tick_s, works.webhooks.deliver)
        self._add(scheduler, "beat", BEAT_S, works.beat)
        self._add(scheduler, "housekeeping", HOUSEKEEPING_S, lambda: housekeeping.sweep(works.writes, now()))
        return scheduler

    def _add(
        self, scheduler: Any, name: str, every_s: float, work: Callable[[], object], *, first: bool = True
    ) -> None:
        every = timedelta(seconds=max(_SHORTEST_S, every_s))
        begin = datetime.now(UTC) if first else datetime.now(UTC) + every
        scheduler.add_job(
            self._guarded, "interval", args=[name, work], id=name, seconds=every.total_seconds(), next_run_time=begin
        )

    def _poll_now(self, scheduler: Any, link: Link) -> None:
        if not self._stop.is_set():
            scheduler.modify_job(f"poll {link.name}", next_run_time=datetime.now(UTC))

    def _judge(self, works: Works, judge: Callable[[], object]) -> None:
        if works.may_judge():
            judge()

    def _deliver(self, works: Works, link: Link) -> None:
        works.intake.hints(link)
        if works.live:
            works.delivery.deliver(link)

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        """Runs one beat. What it raises stops this beat alone, unless the store must not be used any more."""
        if self._stop.is_set():
            return
        thread = threading.current_thread()
        self._running.add(thread)
        try:
            work()
        except SecondDaemon as error:
            self._failure = error
            self._stop.set()
        except StoreError as error:
            log.error("%s: %s; tried again at the next beat", name, error)  # noqa: TRY400
        except Exception:
            log.exception("%s failed; tried again at the next beat", name)
        finally:
            self._running.discard(thread)

    # ---- the wall clock

    def _watch(self, scheduler: Any, works: Works) -> None:
        """Waits for the end, and compares the wall clock with the monotonic one all the while."""
        wall, even = self._clock.now(), self._clock.monotonic()
        while not self._stop.wait(1.0):
            now, then = self._clock.now(), self._clock.monotonic()
            step = round((now - wall) - (then - even) * 1_000)
            wall, even = now, then
            # Under a clock that runs fast a real second holds many of its own: so does the tolerance.
            if abs(step) > STEP_MS / min(1.0, self._clock.real_seconds(1.0)):
                log.warning("the wall clock was set by %+.1f s: everything is judged again", step / 1_000)
                with suppress(StoreError):  # the log has it; the ledger is told when it can be
                    works.clock_was_set(step)
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC))

    def _wind_up(self, *, hard: bool) -> None:
        """Gives running beats the time to reach a safe place, then closes; ``hard`` ends the process if they do not."""
        until = self._clock.monotonic() + STOP_S / self._clock.real_seconds(1.0)
        idle = threading.Event()
        while self._running and self._clock.monotonic() < until:
            idle.wait(0.02)
        if not self._running:
            self.close()
            return
        log.warning("%d job(s) did not come to an end in time", len(self._running))
        if hard:
            # They wait for a CRM. Their rows say "sending" and will be looked up: leaving them is as safe as a kill.
            logging.shutdown()
            os._exit(0)
