"""The mind of sla-sidecar: calendars, policies, clocks. Pure: no files, no network, no wall clock, no randomness.

    from sla import evaluate
    evaluate(policies, events, now)      # -> the clocks of every record, the same as the verdicts

Everything else in the product calls this package and none of it is called from here.
"""

from sla.clock import Clock
from sla.fold import Evaluation, evaluate, evaluate_record, evaluate_timelines
from sla.model import Event
from sla.policy import Policies
from sla.problem import Problem, Problems

__all__ = [
    "Clock",
    "Evaluation",
    "Event",
    "Policies",
    "Problem",
    "Problems",
    "evaluate",
    "evaluate_record",
    "evaluate_timelines",
]
