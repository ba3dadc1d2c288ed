"""How the charts write numbers, colours and texts: as near to Grafana as it matters."""

from __future__ import annotations

import math
import unicodedata

from matplotlib import font_manager
from matplotlib.ticker import MaxNLocator

__all__ = ["COLOURS", "SERIES_COLOURS", "font_families", "formatted", "shortened", "text_width", "ticks"]

COLOURS = {
    "text": "#24292e",
    "green": "#2f8f46",
    "orange": "#d97706",
    "red": "#d1263b",
    "purple": "#7c4dcc",
}
"""The names of colours in the dashboards, on white."""

SERIES_COLOURS = (
    "#3274d9",
    "#56a64b",
    "#f2b807",
    "#e0752d",
    "#8f3bb8",
    "#1fa8a3",
    "#e24d8a",
    "#6d8299",
    "#9c6b30",
    "#1f4e9c",
    "#b9c94a",
    "#c9252b",
)
"""The colours of series, in turn."""

_UNITS = {"bytes": (2.0**-20, " MiB"), "reqps": (1.0, " req/s"), "cps": (1.0, " c/s")}
_CJK = ("Noto Sans CJK JP", "Noto Sans CJK KR", "NanumGothic", "WenQuanYi Zen Hei")
_TICKED_WHOLE = 3
_WIDTH, _WIDE = 0.56, 1.0  # of a character, as a share of the size of the font


def font_families() -> list[str]:
    """Return the fonts to use, one with Korean and Japanese among them if the machine has one."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(name for name in _CJK if name in installed)]


def formatted(value: float, unit: str) -> str:
    """Return a number as Grafana writes it in a unit."""
    if not math.isfinite(value):
        return "∞" if value > 0 else str(value)
    if unit == "s":
        return _seconds(value)
    if unit == "percentunit":
        return f"{value:.3g}%" if (value := value * 100) < 1000 else f"{value:.0f}%"
    factor, suffix = _UNITS.get(unit, (1.0, ""))
    return f"{_figures(value * factor)}{suffix}"


def _seconds(value: float) -> str:
    size = abs(value)
    for least, unit in ((86400, "days"), (3600, "hours"), (60, "min")):
        if size >= least:
            return f"{_figures(value / least)} {unit}"
    return f"{_figures(value)} s" if size >= 1 or size == 0 else f"{_figures(value * 1000)} ms"


def _figures(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value / 1000:.3g} K"
    return f"{value:.3g}"


def ticks(high: float, unit: str) -> list[float]:
    """Return where to write numbers on an axis from 0 to `high`: at round numbers of the unit that is written."""
    size = 1.0
    if unit == "s":
        size = next((each for each in (86400.0, 3600.0, 60.0, 1.0) if high >= 2 * each), 0.001)
    elif unit == "bytes":
        size = 2.0**20
    places = MaxNLocator(5, integer=unit == "short" and high > _TICKED_WHOLE).tick_values(0, high / size)
    return [place * size for place in places if place * size <= high]


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, in the unit of `size`."""
    return size * sum(_WIDE if unicodedata.east_asian_width(letter) in "WF" else _WIDTH for letter in text)


def shortened(text: str, size: float, width: float) -> str:
    """Return `text`, cut so that it fits into `width`."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(f"{text}…", size) > width:
        text = text[:-1]
    return f"{text.rstrip()}…"
