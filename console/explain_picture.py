"""The clocks of a record as one SVG: a lane for each, readable on paper, with words for whoever cannot see it.

Owns shapes and places on the sheet. Refuses scripts, style sheets and anything from elsewhere: the file stands alone.
Invariant: a kind of time is told by its pattern and its height, never by colour alone, and every bar says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from console import explain_words as words
from console.output import clean

WIDTH: Final = 1120
_LEFT, _RIGHT = 24, 24
_INNER: Final = WIDTH - _LEFT - _RIGHT
_BAR, _THIN = 28, 6
_LEVEL: Final = 15
_LETTER: Final = 6.3
"""About how wide a letter of the small text is."""

_FONT: Final = 'font-family="system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif"'
_INK, _SOFT, _LINE, _RED = "#20262b", "#55616b", "#c9cdd1", "#a8281e"


class Look(NamedTuple):
    """How a kind of time is drawn: fill, outline, height, and its name in the legend."""

    fill: str
    stroke: str
    height: int
    name: str


_CLOSED: Final = Look("#d5d9dc", "none", _THIN, "out of hours, holiday, closed")
LOOKS: Final = {
    "running": Look("#9dc3e2", "#235f8f", _BAR, "running"),
    "waiting for first assignment": Look("url(#dots)", "#235f8f", _BAR, "waiting for first assignment"),
    "source lag": Look("url(#bars)", "#235f8f", _BAR, "source lag: not seen here yet"),
    "excused": Look("#ffffff", "#235f8f", _BAR, "excused"),
    "waiting on customer": Look("url(#rising)", "#855600", _BAR - 8, "waiting on customer"),
    "on hold": Look("url(#falling)", "#855600", _BAR - 8, "on hold"),
    "paused": Look("url(#crossed)", "#855600", _BAR - 8, "paused"),
    "resolved": Look("#dcefe4", "#1d6b45", _BAR - 14, "resolved, until it was reopened"),
    "deleted": Look("#ffffff", "#55616b", _BAR - 14, "deleted, until it was restored"),
    "maintenance": Look("url(#bricks)", "#55616b", _BAR - 14, "maintenance"),
}


def _pattern(name: str, size: tuple[int, int], ground: str, ink: str, strokes: str) -> str:
    width, height = size
    return (
        f'<pattern id="{name}" width="{width}" height="{height}" patternUnits="userSpaceOnUse">'
        f'<rect width="{width}" height="{height}" fill="{ground}"/>'
        f'<path d="{strokes}" stroke="{ink}" fill="none"/></pattern>'
    )


_PATTERNS: Final = "".join([
    _pattern("dots", (7, 7), "#d6e6f3", "#235f8f", "M2 3.5H5"),
    _pattern("bars", (5, 8), "#e6eef5", "#235f8f", "M2 0V8"),
    _pattern("rising", (8, 8), "#fdf3e0", "#855600", "M0 8L8 0"),
    _pattern("falling", (8, 8), "#fdf3e0", "#855600", "M0 0L8 8"),
    _pattern("crossed", (8, 8), "#fdf3e0", "#855600", "M0 0L8 8M0 8L8 0"),
    _pattern("bricks", (10, 6), "#eceeef", "#55616b", "M0 3H10M5 0V3"),
])  # fmt: skip


class Sheet:
    """What is drawn so far, from the top down."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 20.0

    def text(self, x: float, content: str, *, size: float = 12, fill: str = _INK, more: str = "") -> None:
        """One line of text whose baseline lies at the current height."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{self.y:.1f}" font-size="{size:g}" fill="{fill}"{more}>{safe(content)}</text>'
        )

    def down(self, by: float) -> None:
        self.y += by


def draw(accounts: Sequence[Mapping[str, Any]]) -> str:
    """One SVG document for the accounts of one or more records."""
    sheet = Sheet()
    for account in accounts:
        _record(sheet, account)
    _legend(sheet, accounts)
    height = round(sheet.y + 16)
    names = ", ".join(account["record"] for account in accounts)
    told = " ".join(_told(lane, account) for account in accounts for lane, _ in _lanes(account))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' role="img" aria-labelledby="title told" {_FONT}>'
        f'<title id="title">{safe(f"Clocks of {names}")}</title><desc id="told">{safe(told)}</desc>'
        f"<defs>{_PATTERNS}</defs>"
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>' + "".join(sheet.parts) + "</svg>\n"
    )


def safe(content: object) -> str:
    """Text as XML may hold it: escaped, without control characters."""
    return escape(clean(str(content)))


def _lanes(account: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return zip(account["picture"]["lanes"], account["clocks"], strict=True)


def _told(lane: Mapping[str, Any], account: Mapping[str, Any]) -> str:
    """A lane in words, for whoever hears it."""
    bars = "; ".join(
        f"{bar['cause']} from {bar['from']} to {bar['to']}" + (f", {bar['holder']}" if bar["holder"] else "")
        for bar in lane["bars"]
    )
    marks = "; ".join(f"{mark['label']} at {mark['at']}" for mark in lane["marks"])
    return f"{account['record']}, {lane['clock']}, {lane['outcome']}: {bars}. {marks}."


# ---- one record, one lane


def _record(sheet: Sheet, account: Mapping[str, Any]) -> None:
    sheet.down(12)
    sheet.text(_LEFT, account["record"], size=18, more=' font-weight="600"')
    sheet.down(18)
    fields = account["fields"]
    facts = [f"{name} {fields[name]}" for name in ("status", "priority", "owner") if fields.get(name)]
    sheet.text(_LEFT, ", ".join([*facts, f"as of {account['now']}"]), fill=_SOFT)
    for lane, clock in _lanes(account):
        _lane(sheet, lane, clock)
    if not account["clocks"]:
        sheet.down(24)
        sheet.text(_LEFT, "no clocks: no policy covers it, or nothing has started one")
    sheet.down(20)


def _lane(sheet: Sheet, lane: Mapping[str, Any], clock: Mapping[str, Any]) -> None:
    tried = ", only tried out" if clock["stage"] == "shadow" else ""
    sheet.down(34)
    head = f"{lane['clock']}: {lane['outcome']}   (policy {lane['policy']}, calendar {clock['calendar']}{tried})"
    sheet.text(_LEFT, head, size=14, fill=_RED if lane["outcome"] == "missed" else _INK, more=' font-weight="600"')
    sheet.down(17)
    spent = ", ".join(
        f"{name} {words.exact(s['working_s'])}" for name, s in clock["sums"]["spent"].items() if s["parts"]
    )
    sheet.text(_LEFT, words.sentence(clock) + (f"; spent: {spent}" if spent else ""), size=11.5, fill=_SOFT)
    marks = list(_leveled(lane["marks"]))
    sheet.down(_LEVEL * (max((level for _, level, _ in marks), default=0) + 1) + 8)
    top = sheet.y
    for bar in lane["bars"]:
        _bar(sheet, bar, top, lane["timezone"])
    for label, level, mark in marks:
        _mark(sheet, label, level, mark, top)
    sheet.y = top + _BAR + 14
    _scale(sheet, lane, top)
    if lane["scale"] > 1:
        sheet.down(14)
        sheet.text(_LEFT, f"time that does not count is drawn {lane['scale']:.1f} times shorter", size=10, fill=_SOFT)


def _bar(sheet: Sheet, bar: Mapping[str, Any], top: float, zone: str) -> None:
    look = LOOKS.get(bar["kind"], _CLOSED)
    x, width = _x(bar["x"]), max((bar["x_end"] - bar["x"]) * _INNER, 0.8)
    y = top + (_BAR - look.height) / 2
    edges = f"{words.stamp(bar['from'], zone)} to {words.stamp(bar['to'], zone)}"
    work = f", {words.exact(bar['working_s'])} of working time" if bar["working_s"] else ""
    label = bar["holder"] or ("" if look is _CLOSED and bar["kind"] == "out of hours" else bar["cause"])
    said = ", ".join(filter(None, (bar["cause"], bar["holder"], edges))) + work
    sheet.parts.append(
        f'<rect x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{look.height}" fill="{look.fill}"'
        f' stroke="{look.stroke}" stroke-width="0.8"><title>{safe(said)}</title></rect>'
    )
    if label and len(label) * _LETTER + 6 <= width:
        halo = ' text-anchor="middle" paint-order="stroke" stroke="#ffffff" stroke-width="3" stroke-opacity="0.8"'
        sheet.parts.append(
            f'<text x="{x + width / 2:.1f}" y="{top + _BAR / 2 + 4:.1f}" font-size="11" fill="{_INK}"{halo}>'
            f"{safe(label)}</text>"
        )


def _leveled(marks: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Each instant's label once, on the lowest level where it runs into no other."""
    ends: list[float] = []
    place = 0
    while place < len(marks):
        mark = marks[place]
        same = [m for m in marks[place:] if m["at"] == mark["at"]]
        place += len(same)
        label = ", ".join(dict.fromkeys(m["label"] for m in same))
        urgent = next((m for m in same if m["kind"] in ("breach", "due", "now")), mark)
        start = _label_start(label, _x(mark["x"]))
        level = next((i for i, end in enumerate(ends) if end < start), len(ends))
        ends[level : level + 1] = [start + len(label) * _LETTER + 10]
        yield label, level, urgent


def _label_start(label: str, x: float) -> float:
    return min(x, WIDTH - _RIGHT - len(label) * _LETTER)


def _mark(sheet: Sheet, label: str, level: int, mark: Mapping[str, Any], top: float) -> None:
    x, y = _x(mark["x"]), top - 6 - level * _LEVEL
    colour = _RED if mark["kind"] == "breach" else _INK if mark["kind"] in ("due", "now") else _SOFT
    dash = ' stroke-dasharray="3 2"' if mark["kind"] in ("step", "now") else ""
    weight = ' font-weight="600"' if mark["kind"] in ("breach", "due") else ""
    halo = ' paint-order="stroke" stroke="#ffffff" stroke-width="3"'
    sheet.parts.append(
        f"<g><title>{safe(label)} at {safe(mark['at'])}</title>"
        f'<path d="M{x:.2f} {y + 3:.1f}V{top + _BAR + 3:.1f}" stroke="{colour}" stroke-width="1.2" fill="none"{dash}/>'
        f'<text x="{_label_start(label, x):.1f}" y="{y:.1f}" font-size="11" fill="{colour}"{weight}{halo}>'
        f"{safe(label)}</text></g>"
    )


def _scale(sheet: Sheet, lane: Mapping[str, Any], top: float) -> None:
    """The line under a lane: its first instant, its last, and the midnights between that have room."""
    zone, y = lane["timezone"], top + _BAR + 3
    sheet.parts.append(f'<path d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="{_LINE}" fill="none"/>')
    first, last = (words.stamp(lane[edge], zone) for edge in ("from", "to"))
    sheet.text(_LEFT, first, size=10.5, fill=_SOFT)
    sheet.text(WIDTH - _RIGHT, last, size=10.5, fill=_SOFT, more=' text-anchor="end"')
    free, until = _LEFT + len(first) * _LETTER, WIDTH - _RIGHT - len(last) * _LETTER
    for midnight in lane["midnights"]:
        x, label = _x(midnight["x"]), words.day(words.local(midnight["at"], zone))
        sheet.parts.append(f'<path d="M{x:.2f} {y - 2}V{y + 4}" stroke="{_SOFT}" fill="none"/>')
        if x - 6 > free and x + len(label) * _LETTER < until:
            sheet.text(x, label, size=10.5, fill=_SOFT)
            free = x + len(label) * _LETTER


def _x(place: float) -> float:
    return _LEFT + place * _INNER


def _legend(sheet: Sheet, accounts: Sequence[Mapping[str, Any]]) -> None:
    """The kinds of time that were drawn, each with its pattern."""
    kinds = dict.fromkeys(
        LOOKS.get(bar["kind"], _CLOSED) for a in accounts for lane in a["picture"]["lanes"] for bar in lane["bars"]
    )
    x = float(_LEFT)
    sheet.down(14)
    for look in kinds:
        width = 30 + len(look.name) * _LETTER + 16
        if x + width > WIDTH - _RIGHT:
            x, sheet.y = float(_LEFT), sheet.y + 22
        y = sheet.y - 4 - look.height / 4
        sheet.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="22" height="{look.height / 2:.1f}" fill="{look.fill}"'
            f' stroke="{look.stroke}" stroke-width="0.8"/>'
        )
        sheet.text(x + 28, look.name, size=11, fill=_SOFT)
        x += width
