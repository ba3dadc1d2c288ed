"""The kinds of panels that the dashboards are made of, and what all panels have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap as heatmaps
from grafana_foundation_sdk.builders import prometheus, timeseries
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

__all__ = ["BAD", "DATASOURCE", "GOOD", "NEUTRAL", "WARN", "Panel", "Query", "graph", "heatmap", "number", "table"]

DATASOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
"""The data source that is chosen at the top of the dashboard."""

GOOD, WARN, BAD, NEUTRAL = "green", "orange", "red", "text"
"""Grafana's names of the colours that numbers take."""

Panel = stats.Panel | timeseries.Panel | heatmaps.Panel | tables.Panel
Query = tuple[str, str]
"""PromQL, and the legend of what it finds."""

_AnyPanel = TypeVar("_AnyPanel", stats.Panel, timeseries.Panel, heatmaps.Panel, tables.Panel)
_EVENTS_STEP = "1m"  # at least, so that a bar is wide enough to be seen
_TO_PROJECT = "${console:raw}/#p-${__field.labels.project:percentencode}"


def number(
    title: str,
    says: str,
    *queries: Query,
    unit: str,
    steps: Mapping[float, str] | None = None,
    base: str = NEUTRAL,
    units: Mapping[str, str] | None = None,
    shows_name: bool = False,
    empty: str = "none",
    width: int = 4,
) -> stats.Panel:
    """
    Return a panel with one large number for each query.

    From each value of `steps` on a number has its colour, below the first `base`. `units` are those of single queries,
    by legend, which have no colour. With `shows_name` the legend is shown instead of the value.
    """
    panel = _filled(stats.Panel(), title, says, queries, unit=unit, empty=empty, instant=True).span(width).height(4)
    panel.thresholds(_thresholds(steps or {}, base)).graph_mode(common.BigValueGraphMode.NONE)
    panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    panel.color_mode(common.BigValueColorMode.VALUE)
    several = common.BigValueTextMode.VALUE_AND_NAME if len(queries) > 1 else common.BigValueTextMode.AUTO
    panel.text_mode(common.BigValueTextMode.NAME if shows_name else several)
    for legend, other in (units or {}).items():
        colour = {"mode": "fixed", "fixedColor": NEUTRAL}
        panel.override_by_name(legend, [_property("unit", other), _property("color", colour)])
    return panel


def graph(
    title: str,
    says: str,
    *queries: Query,
    unit: str,
    limits: Mapping[float, str] | None = None,
    dashed: str = "",
    events: bool = False,
    stacked: bool = False,
    most: float | None = None,
    empty: str = "nothing yet",
    width: int = 8,
) -> timeseries.Panel:
    """
    Return a panel with a line for each series.

    With `events` there are stacked bars, one for each step; with `stacked` filled lines. `limits` are dashed lines of
    their colours, and so is the series with the legend `dashed`. The axis begins at 0, and reaches `most`.
    """
    panel = _filled(timeseries.Panel(), title, says, queries, unit=unit, empty=empty).span(width).height(8)
    panel.legend(_legend()).tooltip(common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI))
    panel.axis_soft_min(0).line_width(1).fill_opacity(10 if not (events or stacked) else 60)
    panel.show_points(common.VisibilityMode.AUTO).color_scheme(_by_name())
    if events:
        panel.draw_style(common.GraphDrawStyle.BARS).interval(_EVENTS_STEP)
    if events or stacked:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL))
    if most is not None:
        panel.axis_soft_max(most)
    if limits:
        style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphTresholdsStyleMode.DASHED)
        panel.thresholds(_thresholds(limits, "transparent")).thresholds_style(style)
    if dashed:
        line = {"fill": "dash", "dash": [8, 6]}
        colour = {"mode": "fixed", "fixedColor": BAD}
        panel.override_by_name(
            dashed,
            [_property("custom.lineStyle", line), _property("color", colour), _property("custom.fillOpacity", 0)],
        )
    if any("{{project}}" in legend for _, legend in queries):
        link = builders.DashboardLink("${__field.labels.project} in the console").url(_TO_PROJECT).target_blank(True)
        panel.data_links([link])
    return panel


def heatmap(title: str, says: str, buckets: str, *, unit: str, width: int = 12) -> heatmaps.Panel:
    """Return a panel with how many observations of a histogram fell into each bucket; `buckets` is summed by le."""
    panel = _filled(
        heatmaps.Panel(),
        title,
        says,
        [(buckets, "{{le}}")],
        unit="short",
        empty="nothing yet",
        form=PromQueryFormat.HEATMAP,
    )
    panel.span(width).height(8).calculate(False).cell_gap(1).show_legend().show_tooltip()
    panel.y_axis(heatmaps.YAxisConfig().unit(unit)).cell_values(heatmaps.CellValues().unit("short"))
    colours = heatmaps.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Blues")
    panel.color(colours.scale(heatmap_models.HeatmapColorScale.EXPONENTIAL).exponent(0.5))
    panel.rows_frame(heatmaps.RowsHeatmapOptions().layout(common.HeatmapCellLayout.LE))
    return panel


def table(
    title: str, says: str, *queries: Query, units: Mapping[str, str], empty: str = "none yet", width: int = 12
) -> tables.Panel:
    """Return a panel with a row for each set of labels and a column for each query, called as its legend says."""
    panel = _filled(
        tables.Panel(), title, says, queries, unit="short", empty=empty, instant=True, form=PromQueryFormat.TABLE
    )
    panel.span(width).height(8)
    names = {f"Value #{chr(ord('A') + place)}": legend for place, (_, legend) in enumerate(queries)}
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        dashboard.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {"Time": True}, "renameByName": names, "indexByName": {}}
        )
    )
    for column, unit in units.items():
        panel.override_by_name(column, [_property("unit", unit)])
    link = {
        "title": "${__value.raw} in the console",
        "url": "${console:raw}/#p-${__value.raw:percentencode}",
        "targetBlank": True,
    }
    panel.override_by_name("project", [_property("links", [link])])
    return panel


def _filled(
    panel: _AnyPanel,
    title: str,
    says: str,
    queries: Sequence[Query],
    *,
    unit: str,
    empty: str,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> _AnyPanel:
    panel.title(title).description(says).datasource(DATASOURCE).unit(unit).no_value(empty)
    for place, (expression, legend) in enumerate(queries):
        query = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(chr(ord("A") + place))
        query.format(form).datasource(DATASOURCE)
        panel.with_target(query.instant() if instant else query.range())
    return panel


def _thresholds(steps: Mapping[float, str], base: str) -> builders.ThresholdsConfig:
    found = [dashboard.Threshold(value=None, color=base)]
    found += [dashboard.Threshold(value=value, color=colour) for value, colour in sorted(steps.items())]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(found)


def _legend() -> common_builders.VizLegendOptions:
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    return legend.placement(common.LegendPlacement.BOTTOM).show_legend(True).calcs([])


def _by_name() -> builders.FieldColor:
    return builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)
