"""Whether our share of a day's calls lasts for a day of polls.

Owns the sum and its finding. Refuses to slow anything down: the allowance does that. Invariant: nothing is said of an
account whose daily limit nobody has told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from connectors.base import Finding, Quota
from connectors.settings import ConnectionSettings
from connectors.share import RESERVED

_DAY_S: Final = 86_400
_ROOM: Final = 0.75
"""Which part of what reading may use is proposed for polls; the rest is for webhooks and what follows from them."""


def polling(settings: ConnectionSettings, calls: int, quotas: Sequence[Quota]) -> Iterator[Finding]:
    """A warning where rounds of ``calls`` calls, one every ``poll_every``, cost more than reading may use."""
    limit = next((quota.limit for quota in quotas if quota.window == "day"), 0)
    ours = int(settings.quota_share * limit * (1 - RESERVED["read"]))
    cost = math.ceil(calls * _DAY_S / settings.poll_every)
    if not limit or cost <= ours:
        return
    seconds = math.ceil(calls * _DAY_S / (_ROOM * ours)) if ours else _DAY_S
    share = f"{settings.quota_share:.0%} of {limit:,}"
    message = f"polling every {settings.poll_every:g} s costs {cost:,} calls a day, reading may use {ours:,} ({share})"
    fix = f'polls will come more rarely than configured; set poll_every = "{seconds}s", or a larger quota_share'
    yield Finding("warn", "poll_every", message, fix)
