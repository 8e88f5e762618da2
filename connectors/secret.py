"""A secret that cannot be shown by accident.

Owns the one type that carries passwords, tokens and keys from the configuration to the place that sends them. Refuses
to know where secrets come from. Invariant: only ``reveal()`` gives the text; ``repr``, ``str``, formatting, JSON and
pickling never do.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MASK = "***"


class Secret:
    """One secret text. ``label`` says where it came from (``env:SF_SECRET``), never what it is. ``keep`` stores another
    text in its place, so that it is on disk when it returns; None where that place cannot be written, as a variable.
    ``fetch`` gives the text that stands there now; None where it cannot change while we run."""

    __slots__ = ("_fetch", "_keep", "_text", "label")

    def __init__(
        self,
        text: str,
        label: str = "",
        keep: Callable[[str], None] | None = None,
        fetch: Callable[[], str] | None = None,
    ) -> None:
        self._text = text
        self._keep = keep
        self._fetch = fetch
        self.label = label

    @property
    def replaceable(self) -> bool:
        """Whether a vendor may rotate it: the new one can be kept where the old one is."""
        return self._keep is not None

    def replaced(self, text: str) -> Secret:
        """The secret that a vendor gave for this one, kept before it is used. Raises OSError or ValueError when it
        cannot be kept; the new one is then lost to the next start, which somebody has to be told."""
        if self._keep is None:
            raise ValueError(f"{self.label or 'the secret'} cannot be written: a new one cannot be kept there")
        self._keep(text)
        return Secret(text, self.label, self._keep, self._fetch)

    def again(self) -> Secret:
        """The secret as it stands in its place now, for one that an administrator may have replaced. Raises OSError or
        ValueError when it can no longer be had."""
        return self if self._fetch is None else Secret(self._fetch(), self.label, self._keep, self._fetch)

    def reveal(self) -> str:
        """The secret itself: call it where the bytes go to the wire, and nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Settings take a Secret as it is and wrap plain text at once, so that no model ever holds a bare one."""
        return core_schema.no_info_plain_validator_function(
            _as_secret, serialization=core_schema.plain_serializer_function_ser_schema(lambda _value: MASK)
        )


def _as_secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if isinstance(value, str):
        return Secret(value)
    raise ValueError('a secret is text such as "env:NAME", "file:PATH" or "keyring:SERVICE/NAME"')
