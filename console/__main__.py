"""The command line: ``sla-sidecar``, also ``python -m console``.

Owns the list of commands and the one boundary at which failures become a message and an exit code. Refuses work: each
command has a module of its own, imported when it is called. Invariant: a mistake that is not ours shows no traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from console.boundary import FINE, USAGE, classify
from console.lazy_group import Lazy, LazyGroup

NAME = "sla-sidecar"
COMMANDS = {
    "demo": Lazy("console.demo:demo", "Show it all on this machine, with practice CRMs; no account needed."),
    "init": Lazy("console.init:init", "Write a configuration for a CRM account, in shadow mode."),
    "check": Lazy("console.check:check", "Validate the configuration, then each connection."),
    "provision": Lazy("console.provision:provision", "Create the fields that the configuration names in the CRM."),
    "run": Lazy("console.run:run", "Run the daemon."),
    "once": Lazy("console.run:once", "Poll, evaluate and deliver once, then exit."),
    "status": Lazy("console.status:status", "Connections, clocks, queues at a glance."),
    "explain": Lazy("console.explain:explain", "Why the clocks of a record stand where they stand."),
    "backtest": Lazy("console.backtest:backtest", "Evaluate a timeline file under a configuration."),
    "report": Lazy("console.report:report", "Attainment, percentiles, objectives and service credits."),
    "plan": Lazy("console.plan:plan", "What a changed file of policies would move."),
    "apply": Lazy("console.plan:apply", "Put a changed file of policies in force."),
    "excuse": Lazy("console.exceptions:excuse", "Do not hold a span of time against the team."),
    "extend": Lazy("console.exceptions:extend", "Let a target of a record be due later."),
    "suggest": Lazy("console.suggest:suggest", "Targets from history, with what each would have kept."),
    "risk": Lazy("console.risk:risk", "Open clocks by their chance to miss, and whether to believe it."),
    "calendar": Lazy("console.calendar:calendar", "The arithmetic of a calendar: due and elapsed; import of a CRM's."),
    "outbox": Lazy("console.queues:outbox", "What waits to be written."),
    "dead": Lazy("console.queues:dead", "What failed and why; retry or drop it."),
    "pause": Lazy("console.switch:pause", "Stop all write-backs; clocks go on."),
    "resume": Lazy("console.switch:resume", "Let write-backs go on."),
    "backup": Lazy("console.backup:backup", "A consistent copy of the store while the daemon runs."),
}


@click.group(
    cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="sla-sidecar", message="%(prog)s %(version)s")
def cli() -> None:
    """SLA clocks for the CRM you already have.

    Exit codes: 0 fine, 1 the answer is bad, 2 wrong usage or configuration, 3 a CRM or the network is unreachable.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; failures are told once, in plain words."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "_SLA_SIDECAR_COMPLETE" in os.environ:
        cli.main(args=given, prog_name=NAME)  # a shell asks for completions; this does not come back
    try:
        with cli.make_context(NAME, given) as context:
            cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except BrokenPipeError:
        # The reader of our output has gone; nothing is wrong, and nothing more can be said to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return FINE
    except (Exception, KeyboardInterrupt) as error:
        answer = classify(error)
        if answer is None:
            raise
        from console.output import print_failure

        print_failure(answer, as_json="--json" in given)
        return answer.code
    return FINE


def main() -> None:
    """The console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
