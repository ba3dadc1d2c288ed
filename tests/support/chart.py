"""
Draws a dashboard from what a Prometheus answered, in the dashboard's own grid, so that a page can show it.

It is not Grafana, and every picture says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from tests.support.chart_box import Box
from tests.support.chart_panels import KINDS
from tests.support.chart_units import font_families, shortened
from tests.support.dashboards import Shown

__all__ = ["LABEL", "draw"]

LABEL = "Drawn by alli-monitor's tests from a demo's data; not a screenshot of Grafana"
"""What stands on each picture."""

_COLUMN, _LINE = 58.0, 34.0  # pixels of a cell of the grid
_COLUMNS = 24
_GAP = 4.0
_HEAD = 64.0
_DPI = 100
_COLOURS = 160  # in the file: it holds few, and is a third as large


def draw(shown: Shown, file: Path) -> dict[str, int]:
    """Draw a dashboard into a PNG, and return how many values, series or rows each panel shows, by its title."""
    panels = shown.dashboard["panels"]
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = _COLUMN * _COLUMNS + 2 * _GAP, _LINE * lines + _HEAD + _GAP
    with mpl.rc_context({"font.family": font_families()}):
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor="#f4f5f7")
        _head(Box(figure, 0, height - _HEAD, width, _HEAD), shown)
        drawn = {
            panel["title"]: _panel(_box(figure, panel["gridPos"], height), panel, shown)
            for panel in panels
            if panel["type"] != "row"
        }
        for panel in panels:
            if panel["type"] == "row":
                _box(figure, panel["gridPos"], height).text(6, 10, panel["title"], size=15, weight="bold")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing")  # no font has it here: a box is drawn
            figure.savefig(file, dpi=_DPI)
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    return drawn


def _box(figure: Figure, place: Mapping[str, int], height: float) -> Box:
    top = height - _HEAD - place["y"] * _LINE
    return Box(
        figure,
        _GAP + place["x"] * _COLUMN + _GAP / 2,
        top - place["h"] * _LINE + _GAP / 2,
        place["w"] * _COLUMN - _GAP,
        place["h"] * _LINE - _GAP,
    )


def _head(box: Box, shown: Shown) -> None:
    box.text(12, 38, shown.dashboard["title"], size=20, weight="bold", va="center")
    box.text(12, 14, shown.dashboard["description"], size=11, colour="#6a737d", va="center")
    box.text(box.width - 12, 38, LABEL, size=13, colour="#b3261e", ha="right", va="center", weight="bold")
    minutes = (shown.until - shown.since) / 60
    box.text(
        box.width - 12, 14, f"The last {minutes:.0f} minutes, UTC", size=11, colour="#6a737d", ha="right", va="center"
    )


def _panel(box: Box, panel: Mapping[str, Any], shown: Shown) -> int:
    whole = float(box.figure.get_figwidth() * _DPI), float(box.figure.get_figheight() * _DPI)
    box.figure.patches.append(
        FancyBboxPatch(
            (box.x / whole[0], box.y / whole[1]),
            box.width / whole[0],
            box.height / whole[1],
            boxstyle="square,pad=0",
            transform=box.figure.transFigure,
            facecolor="white",
            edgecolor="#d8dce1",
            linewidth=0.8,
            zorder=-1,
        )
    )
    title = shortened(panel["title"], 12, box.width - 20)
    box.text(10, box.height - 16, title, size=12, weight="bold", va="center")
    return KINDS[panel["type"]](box, panel, shown)
