"""The dashboards as Grafana would use them: their queries with the variables put in, asked of a Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpx

__all__ = [
    "DASHBOARDS",
    "NAMES",
    "Chosen",
    "Query",
    "Series",
    "Shown",
    "annotation_queries",
    "ask",
    "label_values",
    "metrics_in",
    "queries",
    "read",
    "show",
]

DASHBOARDS = Path(__file__).parents[2] / "deploy/grafana/dashboards"
"""Where they are."""

NAMES = ("operations", "quality", "health")
"""Their file names, without .json."""

_ALL = "All"
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::\w+)?\}|(?P<plain>\w+))")
_LABEL_VALUES = re.compile(r"label_values\((?P<series>.+), (?P<label>\w+)\)")
_NAME = re.compile(r"(?<![\w$])[a-zA-Z_:][\w:]*(?![\w:]| *\()")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right) *\([^)]*\)")
_SELECTOR = re.compile(r"\{[^{}]*\}")
_WINDOW = re.compile(r"\[[^\]]*\]")
_OPERATORS = frozenset({"or", "and", "unless", "offset"})


class Query(NamedTuple):
    """A query of a dashboard: the panel or annotation that asks it, and whether it is asked of one moment."""

    where: str
    expression: str
    legend: str
    instant: bool


class Series(NamedTuple):
    """What Prometheus found: the labels, and (time, value) pairs; one pair for a query of one moment."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class Shown(NamedTuple):
    """
    What a dashboard shows, in the time from `since` to `until`.

    `panels` has what each query of a panel found, by the number of the panel; `marks` the same of each annotation.
    """

    dashboard: Mapping[str, Any]
    since: float
    until: float
    step: int
    panels: Mapping[int, Sequence[tuple[Query, Sequence[Series]]]]
    marks: Mapping[str, Sequence[Series]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """
    What stands at the top of a dashboard: names of projects and apps, none for all of them, and the run limit.

    `seconds` is the time range up to now, and `step` the time between two points of a graph.
    """

    projects: Sequence[str] = ()
    apps: Sequence[str] = ()
    limit: int = 3600
    seconds: int = 3600
    step: int = 15

    def put_into(self, text: str) -> str:
        """Return `text` as Grafana's data source for Prometheus sends it; a KeyError names an unknown variable."""
        values = {
            "project": _one_of(self.projects),
            "app": _one_of(self.apps),
            "limit": str(self.limit),
            "__interval": f"{self.step}s",
            "__rate_interval": f"{max(self.step + 1, 4)}s",  # Prometheus scrapes each second
            "__range": f"{self.seconds}s",
            "__range_s": str(self.seconds),
        }
        return _VARIABLE.sub(lambda found: values[found["braced"] or found["plain"]], text)


def _one_of(names: Sequence[str]) -> str:
    """Return a regular expression within a string of PromQL, as Grafana writes it."""
    escaped = [re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", name.replace("\\", r"\\\\")) for name in names]
    if not escaped:
        return ".*"
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def read(name: str) -> dict[str, Any]:
    """Return a dashboard."""
    return dict(json.loads((DASHBOARDS / f"{name}.json").read_text(encoding="utf-8")))


def queries(panel: Mapping[str, Any]) -> list[Query]:
    """Return the queries of a panel; a row has none."""
    return [
        Query(panel["title"], target["expr"], target["legendFormat"], target["instant"])
        for target in panel.get("targets", ())
    ]


def annotation_queries(dashboard: Mapping[str, Any]) -> list[Query]:
    """Return the queries of the annotations."""
    return [Query(each["name"], each["expr"], each["titleFormat"], False) for each in dashboard["annotations"]["list"]]


def metrics_in(expression: str) -> set[str]:
    """Return the names of the metrics that an expression asks for: what is no function, label, word or text."""
    bare = expression
    for other in (_STRING, _SELECTOR, _WINDOW, _GROUPING):
        bare = other.sub("", bare)
    return set(_NAME.findall(bare)) - _OPERATORS


async def ask(http: httpx.AsyncClient, url: str, query: Query, chosen: Chosen, *, now: float) -> list[Series]:
    """Return what a Prometheus at `url` finds; fail with its words where it does not take the query."""
    expression = chosen.put_into(query.expression)
    if query.instant:
        answer = await http.post(f"{url}/api/v1/query", data={"query": expression, "time": str(now)})
    else:
        span = {"start": now - chosen.seconds, "end": now, "step": chosen.step}
        answer = await http.post(f"{url}/api/v1/query_range", data={"query": expression, **span})
    body = answer.json()
    assert body["status"] == "success", (query.where, expression, body)
    return [
        Series(each["metric"], [(time, float(value)) for time, value in each.get("values") or [each["value"]]])
        for each in body["data"]["result"]
    ]


async def show(http: httpx.AsyncClient, url: str, name: str, chosen: Chosen, *, now: float) -> Shown:
    """Return all that a dashboard shows at a moment."""
    dashboard = read(name)
    panels = {
        panel["id"]: [(query, await ask(http, url, query, chosen, now=now)) for query in queries(panel)]
        for panel in dashboard["panels"]
    }
    marks = {query.where: await ask(http, url, query, chosen, now=now) for query in annotation_queries(dashboard)}
    return Shown(dashboard, now - chosen.seconds, now, chosen.step, panels, marks)


async def label_values(http: httpx.AsyncClient, url: str, query: str, chosen: Chosen) -> list[str]:
    """Return the choices that a variable's query, ``label_values(SERIES, LABEL)``, finds."""
    wanted = _LABEL_VALUES.fullmatch(chosen.put_into(query))
    assert wanted is not None, query
    answer = await http.get(f"{url}/api/v1/label/{wanted['label']}/values", params={"match[]": wanted["series"]})
    return list(answer.json()["data"])
