"""The suggestion as configuration: ``[[policies.targets]]`` ready to paste.

Owns the choice of lines. Refuses figures. Invariant: what is written is accepted by ``check`` in the file that it was
made from, and changes nothing there but ``within``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from console.toml_text import pairs, text
from sla.model import PRIORITIES

if TYPE_CHECKING:
    from console.suggest_basis import Basis


def blocks(basis: Basis, found: Mapping[tuple[str, str], Mapping[str, str | None]], pooled: str) -> Iterator[str]:
    """The lines of every policy's block. ``found`` tells a length for each priority that history has and, under
    ``pooled``, for all together; None where it is too small to say."""
    for policy in basis.tables:
        name = policy["name"]
        targets = [(table, found.get((name, table.get("name", table["metric"])))) for table in policy["targets"]]
        suggested = [(table, lengths) for table, lengths in targets if lengths]
        if not suggested:
            continue
        if basis.promised:
            yield from ("", f"# for the policy {text(name)}, in place of its targets of these names")
        else:
            yield from ("", "[[policies]]", *pairs({key: policy[key] for key in policy if key != "targets"}))
        for table, lengths in suggested:
            now = table["within"] if basis.promised else None
            within, kept = _within(lengths, now, pooled)
            if within is None:
                yield f"# {table.get('name', table['metric'])}: too little history to say"
                continue
            yield from ("", "[[policies.targets]]")
            if kept:
                yield f"# too little history to say, and left as it is: {', '.join(kept)}"
            yield from pairs({**table, "within": within})


def _within(lengths: Mapping[str, str | None], now: Any, pooled: str) -> tuple[Any, list[str]]:
    """``within`` for a target, and the priorities for which it stays what it was."""
    table, kept = {}, []
    for priority in PRIORITIES:
        length = lengths.get(priority)
        before = now.get(priority, "none") if isinstance(now, Mapping) else now
        if length is None and before is not None:
            kept.append(priority)
        table[priority] = length or before or lengths.get(pooled)
    if None in table.values():
        return None, []
    if len(set(table.values())) == 1:
        return table[PRIORITIES[0]], []
    return table, kept
