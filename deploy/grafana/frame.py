"""What all dashboards have around their panels: variables, links, annotations, and a layout in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from deploy.grafana.panels import DATASOURCE, Panel
from deploy.grafana.promql import APP, PROJECT, happened

__all__ = ["CONSOLE", "TAG", "framed"]

TAG = "alli-monitor"
"""The tag by which the dashboards find each other."""

CONSOLE = "http://localhost:7464"
"""Where the links to the console lead until somebody says otherwise at the top of a dashboard."""

_ALL = dashboard.VariableOption(selected=True, text=["All"], value=["$__all"])


class _Annotation(dashboard.AnnotationQuery):
    """Events from PromQL. The SDK's model lacks what Prometheus's annotations say beyond their query."""

    def __init__(self, *, name: str, expr: str, colour: str, title: str, tags: str) -> None:
        super().__init__(name=name, datasource=DATASOURCE, enable=True, icon_color=colour, expr=expr)
        self._words = {"titleFormat": title, "textFormat": "", "tagKeys": tags, "step": "30s"}

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), **self._words}


class _Built(Builder[dashboard.AnnotationQuery]):
    """A builder of what is built already: the SDK's dashboards take nothing else."""

    def __init__(self, annotation: dashboard.AnnotationQuery) -> None:
        self._annotation = annotation

    def build(self) -> dashboard.AnnotationQuery:
        return self._annotation


def framed(
    uid: str,
    title: str,
    says: str,
    rows: Mapping[str, Sequence[Panel]],
    *,
    since: str,
    limit: bool = False,
) -> dashboard.Dashboard:
    """
    Return a dashboard with rows of panels, that shows the time `since`, such as ``now-6h``.

    With `limit` it has a variable of that name, the run limit in seconds against which ages are drawn.
    """
    made = builders.Dashboard(title).uid(uid).description(says).tags([TAG]).timezone("browser").editable()
    made.time(since, "now").refresh("30s").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made.variables([*_choices(), *([_limit()] if limit else []), _console()])
    made.annotations([_Built(each) for each in _events()]).links(_links())
    number = 0
    for name, panels in rows.items():
        number += 1
        made.with_row(builders.Row(name).id(number))
        for panel in panels:
            number += 1
            made.with_panel(panel.id(number))
    return made.build()


def _choices() -> list[Builder[dashboard.VariableModel]]:
    """Return the data source, and the projects and apps to choose from."""
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    chosen: list[Builder[dashboard.VariableModel]] = [source]
    for name, label, series in (
        ("project", "Project", "alli_monitor_leader"),
        ("app", "App", f"alli_conversations_active{{{PROJECT}}}"),
    ):
        variable = builders.QueryVariable(name).label(label).datasource(DATASOURCE)
        variable.query({"query": f"label_values({series}, {name})", "refId": f"{name}s"})
        variable.multi(True).include_all(True).all_value(".*").current(_ALL)
        variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        chosen.append(variable.sort(dashboard.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC))
    return chosen


def _limit() -> builders.TextBoxVariable:
    says = "Ages are drawn against it; apps may have different ones, and no metric tells them."
    return _typed("limit", "Run limit, seconds", "3600", says)


def _console() -> builders.TextBoxVariable:
    says = "Where the monitor's console is, as your browser reaches it: web.external_url."
    return _typed("console", "Console", CONSOLE, says)


def _typed(name: str, label: str, value: str, says: str) -> builders.TextBoxVariable:
    option = dashboard.VariableOption(selected=True, text=value, value=value)
    variable = builders.TextBoxVariable(name).label(label).description(says)
    return variable.default_value(value).options([option]).current(option)


def _events() -> list[_Annotation]:
    stops = happened(f"alli_run_stops_total{{{APP}}}")
    return [
        _Annotation(
            name="Stops",
            expr=f"sum by (project, app, result) ({stops}) > 0",
            colour="orange",
            title="Stop {{result}}: {{project}} {{app}}",
            tags="project,app,result",
        ),
        _Annotation(
            name="Alerts of the monitor",
            expr='sum by (alertname) (alli_monitor_alerts{state="firing",alertname!="Watchdog"}) > 0',
            colour="red",
            title="{{alertname}} fires",
            tags="alertname",
        ),
        _Annotation(
            name="Alerts about the monitor",
            expr='ALERTS{alertstate="firing",alertname=~"AlliMonitor.*"}',
            colour="purple",
            title="{{alertname}} {{project}}",
            tags="alertname,severity",
        ),
    ]


def _links() -> list[Builder[dashboard.DashboardLink]]:
    others = builders.DashboardLink("alli-monitor").type(dashboard.DashboardLinkType.DASHBOARDS).tags([TAG])
    others.as_dropdown(False).include_vars(True).keep_time(True)
    console = "Open alerts, runs, stops and ratings, each with a link to its conversation"
    return [
        others,
        _link("Console: alerts and conversations", "${console:raw}/", console),
        _link("Open alerts as JSON", "${console:raw}/api/v1/alerts?limit=1000", "From the monitor's API"),
    ]


def _link(title: str, url: str, tooltip: str) -> builders.DashboardLink:
    link = builders.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url).tooltip(tooltip)
    return link.icon("external link").target_blank(True)
