"""A place for a panel in a figure, and what the panel says about how to write its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.support.chart_units import COLOURS
from tests.support.dashboards import Query, Series, Shown

__all__ = [
    "AXIS",
    "MEDIUM",
    "PALE",
    "SMALL",
    "Box",
    "colour_of",
    "series_name",
    "time_axis",
    "unit_of",
    "word_for_nothing",
]

SMALL, MEDIUM = 9.0, 11.0
"""Sizes of texts, in pixels."""

PALE = "#6a737d"
"""The colour of what matters less."""

AXIS = 54.0
"""Pixels left of a graph for its numbers."""

_INK = "#24292e"
_TICKS = 5


class Box(NamedTuple):
    """A place in a figure, in pixels from its lower left corner."""

    figure: Figure
    x: float
    y: float
    width: float
    height: float

    def text(self, x: float, y: float, text: str, *, size: float = SMALL, colour: str = _INK, **more: Any) -> None:
        """Write at a place in the box; `size` is in pixels."""
        place = (self.x + x) / self._width, (self.y + y) / self._height
        self.figure.text(*place, text, fontsize=size * 72 / self.figure.dpi, color=colour, **more)

    def axes(self, left: float, bottom: float, right: float, top: float) -> Axes:
        """Return axes that leave these margins in the box."""
        place = (
            (self.x + left) / self._width,
            (self.y + bottom) / self._height,
            (self.width - left - right) / self._width,
            (self.height - bottom - top) / self._height,
        )
        axes = self.figure.add_axes(place)
        axes.set_facecolor("none")
        for side in axes.spines.values():
            side.set_visible(False)
        axes.tick_params(length=0, labelsize=SMALL * 72 / self.figure.dpi, labelcolor=PALE, pad=6)
        return axes

    @property
    def _width(self) -> float:
        return float(self.figure.get_figwidth() * self.figure.dpi)

    @property
    def _height(self) -> float:
        return float(self.figure.get_figheight() * self.figure.dpi)


def time_axis(axes: Axes, shown: Shown) -> None:
    """Let an axis show the time of the dashboard."""
    axes.set_xlim(shown.since, shown.until)
    ticks = [shown.since + (shown.until - shown.since) * (place + 0.5) / _TICKS for place in range(_TICKS)]
    axes.set_xticks(ticks, [f"{datetime.fromtimestamp(tick, UTC):%H:%M:%S}" for tick in ticks])


def series_name(query: Query, series: Series) -> str:
    """Return what the legend of a query makes of a series."""
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda found: series.labels.get(found[1], ""), query.legend).strip()


def _properties(panel: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return what is set for one series or column only."""
    return {
        each["id"]: each["value"]
        for override in panel["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == name
        for each in override["properties"]
    }


def unit_of(panel: Mapping[str, Any], name: str = "") -> str:
    """Return the unit of a series or column, by default that of the panel."""
    return str(_properties(panel, name).get("unit", panel["fieldConfig"]["defaults"]["unit"]))


def colour_of(panel: Mapping[str, Any], name: str, value: float) -> str:
    """Return the colour of a number: one of its own, or that of the threshold which it has reached."""
    fixed = _properties(panel, name).get("color", {}).get("fixedColor")
    if fixed:
        return COLOURS[fixed]
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return COLOURS[reached[-1]]


def word_for_nothing(panel: Mapping[str, Any]) -> str:
    """Return what a panel says when there is nothing to show."""
    return str(panel["fieldConfig"]["defaults"]["noValue"])
