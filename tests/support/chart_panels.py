"""Draws what the panels of a dashboard show, each kind in its own way, into a box of a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.chart_box import (
    AXIS,
    MEDIUM,
    PALE,
    Box,
    colour_of,
    series_name,
    time_axis,
    unit_of,
    word_for_nothing,
)
from tests.support.chart_graph import graph
from tests.support.chart_units import formatted, shortened, text_width
from tests.support.dashboards import Shown

__all__ = ["KINDS"]


def _number(box: Box, panel: Mapping[str, Any], shown: Shown) -> int:
    values = [
        (series_name(query, series), series.points[-1][1])
        for query, found in shown.panels[panel["id"]]
        for series in found
        if not math.isnan(series.points[-1][1])
    ]
    if not values:
        box.text(
            box.width / 2, box.height / 2 - 8, word_for_nothing(panel), size=14, colour=PALE, ha="center", va="center"
        )
        return 0
    room = box.width / len(values)
    name_only, both = (panel["options"]["textMode"] == mode for mode in ("name", "value_and_name"))
    for place, (name, value) in enumerate(values):
        unit, colour = unit_of(panel, name), colour_of(panel, name, value)
        text = name if name_only else formatted(value, unit)
        middle = (place + 0.5) * room
        size = min(30.0, 0.9 * room / max(text_width(text, 1.0), 1.0))
        height = box.height / 2 - (18 if both else 10)
        box.text(middle, height, text, size=size, colour=colour, ha="center", va="center", weight="bold")
        if both:
            box.text(middle, height + 26, name, colour=PALE, size=MEDIUM, ha="center", va="center")
    return len(values)


def _heatmap(box: Box, panel: Mapping[str, Any], shown: Shown) -> int:
    [(_, found)] = shown.panels[panel["id"]]
    counts = {float(series.labels["le"]): dict(series.points) for series in found}
    bounds = sorted(counts)
    times = sorted({time for points in counts.values() for time in points})
    rows = [
        [_in_bucket(counts, below, bound, time) for time in times]
        for below, bound in zip([None, *bounds], bounds, strict=False)
    ]
    filled = [place for place, row in enumerate(rows) if any(row)]
    if not filled:
        box.text(box.width / 2, box.height / 2, word_for_nothing(panel), size=MEDIUM, colour=PALE, ha="center")
        return 0
    shown_rows = range(max(filled[0] - 1, 0), min(filled[-1] + 2, len(rows)))
    axes = box.axes(AXIS, 24, 12, 34)
    cells = [[count**0.5 if count else math.nan for count in rows[place]] for place in shown_rows]
    edges = [times[0] - shown.step, *times]
    axes.pcolormesh(edges, range(len(cells) + 1), cells, cmap="Blues", vmin=0, edgecolors="white", linewidth=0.3)
    time_axis(axes, shown)
    unit = panel["options"]["yAxis"]["unit"]
    axes.set_yticks(range(1, len(cells) + 1), [formatted(bounds[place], unit) for place in shown_rows])
    return len(filled)


def _in_bucket(counts: Mapping[float, Mapping[float, float]], below: float | None, bound: float, time: float) -> float:
    """Return how many observations are in a bucket alone: those of Prometheus count all below their bound."""
    lower = counts[below].get(time, 0.0) if below is not None else 0.0
    return max(counts[bound].get(time, 0.0) - lower, 0.0)


def _table(box: Box, panel: Mapping[str, Any], shown: Shown) -> int:
    rows: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for query, found in shown.panels[panel["id"]]:
        for series in found:
            rows.setdefault(tuple(series.labels.items()), {})[query.legend] = series.points[-1][1]
    labels = sorted({name for key in rows for name, _ in key}, key=lambda name: (name != "project", name))
    columns = [*labels, *(query.legend for query, _ in shown.panels[panel["id"]])]
    room, line = (box.width - 24) / max(len(columns), 1), 17.5
    top = box.height - 46
    for place, column in enumerate(columns):
        box.text(12 + place * room, top, column, size=MEDIUM, colour="#3274d9", va="center", weight="bold")
    fits = int((top - 6) // line)
    for number, (key, values) in enumerate(sorted(rows.items())[:fits], start=1):
        cells = [dict(key).get(label, "") for label in labels]
        cells += [
            formatted(values[name], unit_of(panel, name)) if name in values else "" for name in columns[len(labels) :]
        ]
        for place, cell in enumerate(cells):
            text = shortened(cell, MEDIUM, room - 8)
            box.text(12 + place * room, top - number * line, text, size=MEDIUM, va="center")
    return len(rows)


KINDS: Mapping[str, Callable[[Box, Mapping[str, Any], Shown], int]] = {
    "stat": _number,
    "timeseries": graph,
    "heatmap": _heatmap,
    "table": _table,
}
"""What draws a panel, by its type in Grafana; each returns how many values, series or rows it drew."""
