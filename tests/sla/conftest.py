"""How hypothesis searches here: the same cases in every run, so that a red test is a change and not luck.

``SLA_EXAMPLES=2000 pytest tests/sla`` searches further, and differently each time.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = os.environ.get("SLA_EXAMPLES")

settings.register_profile(
    "sla",
    max_examples=int(_EXAMPLES or 40),
    derandomize=_EXAMPLES is None,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("sla")
