"""Draws the series of a panel: as lines, as filled lines on each other, or as bars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes

from tests.support.chart_box import AXIS, MEDIUM, PALE, SMALL, Box, series_name, time_axis, unit_of, word_for_nothing
from tests.support.chart_units import COLOURS, SERIES_COLOURS, formatted, text_width, ticks
from tests.support.dashboards import Series, Shown

__all__ = ["graph"]

_GRID = "#e4e7eb"
_LEGEND_ROW = 14.0  # pixels
_MOST_LEGEND_ROWS = 4
_FLAT = 0.1
_PAUSE = 2.5  # steps without a mark, after which it begins anew


class _Line(NamedTuple):
    name: str
    points: Sequence[tuple[float, float]]
    colour: str
    dashed: bool


def graph(box: Box, panel: Mapping[str, Any], shown: Shown) -> int:
    """Draw the series, thresholds, annotations and the legend; return how many series there are."""
    lines = _lines(panel, shown)
    rows = _legend_rows(lines, box.width - 20)
    axes = box.axes(AXIS, 28 + _LEGEND_ROW * len(rows), 12, 34)
    custom = panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    if custom.get("drawStyle") == "bars":
        _bars(axes, lines, shown.step)
    elif stacked:
        _stack(axes, lines)
    else:
        for line in lines:
            _plot(axes, line)
    time_axis(axes, shown)
    _value_axis(axes, panel, custom)
    _marks(axes, shown)
    for number, row in enumerate(rows):
        _legend_row(box, row, 10 + _LEGEND_ROW * (len(rows) - 1 - number))
    if not lines:
        box.text(box.width / 2, box.height / 2, word_for_nothing(panel), size=MEDIUM, colour=PALE, ha="center")
    return len(lines)


def _lines(panel: Mapping[str, Any], shown: Shown) -> list[_Line]:
    dashed = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if any(each["id"] == "custom.lineStyle" for each in override["properties"])
    }
    found = [
        (series_name(query, series), [(time, value) for time, value in series.points if math.isfinite(value)])
        for query, several in shown.panels[panel["id"]]
        for series in several
    ]
    names = [name for name, points in found if points and name not in dashed]
    colours = {name: SERIES_COLOURS[place % len(SERIES_COLOURS)] for place, name in enumerate(sorted(set(names)))}
    return [_Line(name, points, colours.get(name, COLOURS["red"]), name in dashed) for name, points in found if points]


def _plot(axes: Axes, line: _Line) -> None:
    times, values = zip(*line.points, strict=True)
    style = (0, (5, 3)) if line.dashed else "solid"
    lonely = "o" if len(times) == 1 else ""
    axes.plot(times, values, color=line.colour, linewidth=1.3, linestyle=style, marker=lonely, markersize=3)
    if not line.dashed:
        axes.fill_between(times, values, color=line.colour, alpha=0.07, linewidth=0)


def _stack(axes: Axes, lines: Sequence[_Line]) -> None:
    below: dict[float, float] = {}
    for line in lines:
        times = [time for time, _ in line.points]
        bottom = [below.get(time, 0.0) for time in times]
        top = [low + value for low, (_, value) in zip(bottom, line.points, strict=True)]
        axes.fill_between(times, bottom, top, color=line.colour, alpha=0.5, linewidth=0)
        axes.plot(times, top, color=line.colour, linewidth=1)
        below.update(zip(times, top, strict=True))


def _bars(axes: Axes, lines: Sequence[_Line], step: float) -> None:
    below: dict[float, float] = {}
    for line in lines:
        times = [time for time, _ in line.points]
        values = [value for _, value in line.points]
        bottom = [below.get(time, 0.0) for time in times]
        axes.bar(times, values, width=step * 0.8, bottom=bottom, color=line.colour, alpha=0.85, linewidth=0)
        below.update((time, low + value) for time, low, value in zip(times, bottom, values, strict=True))


def _value_axis(axes: Axes, panel: Mapping[str, Any], custom: Mapping[str, Any]) -> None:
    low, high = axes.get_ylim() if axes.has_data() else (0.0, 1.0)
    high = 1.0 if low < 0 < high < _FLAT else high  # nothing but zeros
    high = max(high, custom.get("axisSoftMax", 0.0))
    if custom.get("thresholdsStyle", {}).get("mode") == "dashed":
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]:
            high = max(high, step["value"] * 1.1)
            axes.axhline(step["value"], color=COLOURS[step["color"]], linewidth=1, linestyle=(0, (5, 3)))
    low, high = (0.0 if low > -high * 0.06 else low), (high if high > 0 else 1.0)
    axes.set_ylim(low, high)
    at = [0.0, *ticks(high, unit_of(panel))] if low == 0 else axes.get_yticks()
    axes.set_yticks(at, [formatted(tick, unit_of(panel)) for tick in at])
    axes.set_ylim(low, high)
    axes.grid(axis="y", color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)


def _marks(axes: Axes, shown: Shown) -> None:
    """Mark where an annotation begins, with a line and a small triangle, as Grafana does."""
    colours = {each["name"]: COLOURS[each["iconColor"]] for each in shown.dashboard["annotations"]["list"]}
    for name, found in shown.marks.items():
        begins = sorted({begin for series in found for begin in _begins(series, shown.step)})
        across = axes.get_xaxis_transform()
        axes.vlines(begins, 0, 1, colors=colours[name], lw=0.5, alpha=0.35, linestyles=(0, (3, 3)), transform=across)
        axes.scatter(begins, [0] * len(begins), s=12, marker="^", c=colours[name], transform=across, clip_on=False)


def _begins(series: Series, step: float) -> Iterable[float]:
    before = -math.inf
    for time, _ in series.points:
        if time - before > step * _PAUSE:
            yield time
        before = time


def _legend_rows(lines: Sequence[_Line], width: float) -> list[list[_Line]]:
    rows: list[list[_Line]] = [[]]
    used = 0.0
    for line in {line.name: line for line in lines}.values():
        needed = text_width(line.name, SMALL) + 26
        if rows[-1] and used + needed > width:
            rows.append([])
            used = 0.0
        rows[-1].append(line)
        used += needed
    return rows[:_MOST_LEGEND_ROWS]


def _legend_row(box: Box, row: Sequence[_Line], y: float) -> None:
    x = 12.0
    for line in row:
        box.text(x, y, "▬", colour=line.colour, va="center")
        box.text(x + 12, y, line.name, colour=PALE, va="center")
        x += text_width(line.name, SMALL) + 26
