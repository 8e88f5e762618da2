"""What ``journal`` of a HubSpot connection may say.

Owns its keys. Refuses to call anything. Invariant: the secret is a ``Secret`` from the first.
"""

from __future__ import annotations

from pydantic import Field

from connectors.secret import Secret
from connectors.settings import Table


class JournalSettings(Table):
    """The webhooks journal: the id and the secret of an app with OAuth that is installed in the account."""

    client_id: str = Field(min_length=1)
    client_secret: Secret
