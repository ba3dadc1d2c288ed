"""The dashboards: as the code makes them, against what is exported, and against a Prometheus that scraped a demo."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from prometheus_client.metrics_core import Metric
from ruamel.yaml import YAML

from deploy.grafana.generate import PAGE, render, render_page
from monitor.clock import SystemClock
from monitor.metrics import Metrics
from tests.support.chart import draw
from tests.support.daemon import TOKEN
from tests.support.dashboards import (
    DASHBOARDS,
    NAMES,
    Chosen,
    Query,
    Series,
    annotation_queries,
    ask,
    label_values,
    metrics_in,
    queries,
    read,
    show,
)
from tests.support.demo_world import APPS, LIMIT, PROJECTS, Scraped, scraped_demo
from tests.support.programs import needs
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PROVISIONING = ROOT / "deploy/grafana/provisioning"
COLUMNS = 24
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
OF_PROMETHEUS = {"up", "ALERTS"}

LEFT_OUT = {
    "process_max_fds": "a limit of the machine's that nothing of ours comes near",
    "process_open_fds": "one for each connection: the requests and the clients of the console say more",
    "process_virtual_memory_bytes": "what counts is resident",
}
"""Exported families that are on no panel, and why; docs/dashboards.md says the same."""

RIGHTLY_ZERO = {"Burn rate: runs": "every run is found within fifteen seconds, also in this world"}
"""Panels whose queries find nothing but zeros here, and why."""


def panels() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each panel that is no row, with the name of its dashboard."""
    for name in NAMES:
        for panel in read(name)["panels"]:
            if panel["type"] != "row":
                yield f"{name}: {panel['title']}", panel


def every_query() -> list[Query]:
    """Return all queries of all dashboards."""
    return [
        query
        for name in NAMES
        for dashboard in [read(name)]
        for query in [
            *annotation_queries(dashboard),
            *(each for panel in dashboard["panels"] for each in queries(panel)),
        ]
    ]


def exported() -> list[Metric]:
    """Return the families that the monitor exports."""
    return list(Metrics().registry.collect())


def test_files_are_what_the_code_makes() -> None:
    """The dashboards in deploy/ and the list of panels on their page are those that generate.py would write now."""
    for name, text in render().items():
        assert (DASHBOARDS / name).read_text(encoding="utf-8") == text, f"{name}: run python deploy/grafana/generate.py"
    page = PAGE.read_text(encoding="utf-8")
    assert render_page(page) == page


def test_dashboards_keep_their_addresses() -> None:
    """Each has a uid of its own that links can rely on, no id of some Grafana's, and panels with ids of their own."""
    for name in NAMES:
        dashboard = read(name)
        assert dashboard["uid"] == f"alli-monitor-{name}"
        assert dashboard.get("id") is None
        assert dashboard["schemaVersion"] >= 36
        assert dashboard["tags"] == ["alli-monitor"]
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", NAMES)
def test_panels_do_not_overlap(name: str) -> None:
    """No cell of the grid belongs to two panels, and none lies outside of its columns."""
    cells = Counter(
        (place["x"] + across, place["y"] + down)
        for panel in read(name)["panels"]
        for place in [panel["gridPos"]]
        for across in range(place["w"])
        for down in range(place["h"])
    )
    assert set(cells.values()) == {1}
    assert max(x for x, _ in cells) < COLUMNS


def test_panels_say_what_they_show() -> None:
    """Each panel has a title, words on it, a unit, a word for nothing, legends, and the chosen data source."""
    source = {"type": "prometheus", "uid": "${datasource}"}
    for where, panel in panels():
        defaults = panel["fieldConfig"]["defaults"]
        assert panel["title"], where
        assert len(panel["description"]) > 40, where
        assert defaults["unit"], where
        assert "noValue" in defaults, where
        assert panel["datasource"] == source, where
        assert panel["targets"], where
        for target in panel["targets"]:
            assert target["legendFormat"], where
            assert target["datasource"] == source, where


def test_no_query_names_a_metric_that_does_not_exist() -> None:
    """Whatever a panel, an annotation or a variable asks for is exported, or is Prometheus's own."""
    known = {family.name + suffix for family in exported() for suffix in SUFFIXES[family.type]}
    for query in every_query():
        asked = metrics_in(query.expression)
        assert asked or query.expression == "vector($limit)", query
        assert asked <= known | OF_PROMETHEUS, query
    for name in NAMES:
        for variable in read(name)["templating"]["list"]:
            if variable["type"] == "query":
                series = re.sub(r"^label_values\((.*), \w+\)$", r"\1", variable["query"]["query"])
                assert metrics_in(series) <= known, variable


def test_every_metric_is_on_a_panel_or_left_out_with_a_reason() -> None:
    """A metric that is exported and shown nowhere was left out on purpose, and the page says so."""
    asked = {name for query in every_query() for name in metrics_in(query.expression)}
    missing = {
        family.name for family in exported() if not asked & {family.name + suffix for suffix in SUFFIXES[family.type]}
    }
    assert missing == set(LEFT_OUT)
    page = PAGE.read_text(encoding="utf-8")
    assert all(f"`{name}" in page for name in missing)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('sum by (project) (rate(a_total{app=~"b|c"}[5m])) / on (project) d:e', {"a_total", "d:e"}),
        ("time() - (a > 0) or 0 * max(b)", {"a", "b"}),
        ("a - last_over_time(a[1h] offset $__range) >= 0 unless b offset 1d", {"a", "b"}),
        ('vector($limit) + up{job="x"}', {"up"}),
    ],
)
def test_metrics_are_told_from_functions_labels_and_words(expression: str, names: set[str]) -> None:
    """The names of metrics in PromQL are found, and nothing else is taken for one."""
    assert metrics_in(expression) == names


def test_variables_are_put_in_as_grafana_does() -> None:
    """All is any value, several are alternatives, what is special in a regular expression is escaped in its string."""
    query = 'a{project=~"$project",app=~"${app}"}[$__rate_interval]'
    assert Chosen(step=15).put_into(query) == 'a{project=~".*",app=~".*"}[16s]'
    chosen = Chosen(projects=["x", "y"], apps=["Offers (new)"], step=15)
    assert chosen.put_into(query) == r'a{project=~"(x|y)",app=~"Offers \\(new\\)"}[16s]'
    with pytest.raises(KeyError, match="typo"):
        chosen.put_into("a{b=~'$typo'}")


def test_provisioning_fits_what_stands_beside_it() -> None:
    """
    Data sources have fixed uids and the scrape interval of deploy/prometheus; Compose runs and mounts what is named.

    No address is anybody's own.
    """
    yaml = YAML(typ="safe")
    services = yaml.load(ROOT / "deploy/compose/compose.yml")["services"]
    sources = yaml.load(PROVISIONING / "datasources/alli-monitor.yml")["datasources"]
    assert {each["uid"]: urlsplit(each["url"]).netloc for each in sources} == {
        "alli-monitor-prometheus": "prometheus:9090",
        "alli-monitor-alertmanager": "alertmanager:9093",
    }
    scraping = yaml.load(ROOT / "deploy/prometheus/prometheus.yml")["global"]
    assert sources[0]["jsonData"]["timeInterval"] == scraping["scrape_interval"]
    [provider] = yaml.load(PROVISIONING / "dashboards/alli-monitor.yml")["providers"]
    mounted = {f"../grafana/{name}:/etc/grafana/{name}:ro" for name in ("provisioning", "dashboards")}
    assert mounted <= set(services["grafana"]["volumes"])
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    texts = [file.read_text(encoding="utf-8") for file in (ROOT / "deploy/grafana").rglob("*.[jy]*")]
    hosts = {host for text in texts for host in re.findall(r"https?://([\w.-]+)", text)}
    assert hosts == {"prometheus", "alertmanager", "localhost"}
    assert hosts - {"localhost"} <= services.keys()


@pytest.mark.service
@pytest.mark.timeout(400)
@needs("prometheus", package="prometheus")
async def test_dashboards_show_what_the_demo_did(tmp_path: Path) -> None:
    """
    Every query of every dashboard finds something else than zeros in a scraped demo, whatever is chosen at its top.

    So do its variables; its links lead somewhere; and each of its panels can be drawn.
    """
    everything = Chosen(limit=LIMIT, seconds=180, step=3)
    some = Chosen(limit=LIMIT, seconds=180, step=3, projects=PROJECTS, apps=APPS)
    async with scraped_demo(tmp_path, busy=25, stops=20) as running, httpx.AsyncClient(trust_env=False) as http:
        for chosen in (everything, some):
            for query in every_query():
                await finds_something(http, running, query, chosen)
        for name in NAMES:
            dashboard = read(name)
            await check_variables(http, running, dashboard, some)
            await check_links(http, running, dashboard)
            shown = await show(http, running.prometheus, name, everything, now=SystemClock().now())
            file = tmp_path / f"{name}.png"
            drawn = draw(shown, file)
            assert min(drawn.values()) > 0, drawn
            with Image.open(file) as picture:
                assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > COLUMNS


async def finds_something(http: httpx.AsyncClient, running: Scraped, query: Query, chosen: Chosen) -> None:
    """Wait until a query finds a number that is not 0, or for one of `RIGHTLY_ZERO` any number."""

    async def look() -> bool:
        found = await ask(http, running.prometheus, query, chosen, now=SystemClock().now())
        return any(map(is_something, found)) or (query.where in RIGHTLY_ZERO and any(map(is_a_number, found)))

    await eventually(look, f"{query.where} finds something: {chosen.put_into(query.expression)}", within=120.0)


def is_a_number(series: Series) -> bool:
    """Return whether a series has a value that is a number."""
    return any(math.isfinite(value) for _, value in series.points)


def is_something(series: Series) -> bool:
    """Return whether a series has a value that is a number, and not 0."""
    return any(math.isfinite(value) and value != 0 for _, value in series.points)


async def check_variables(
    http: httpx.AsyncClient, running: Scraped, dashboard: Mapping[str, Any], chosen: Chosen
) -> None:
    """Check that the choices at the top are the projects and the apps of the demo."""
    wanted = {"project": set(PROJECTS), "app": {*APPS, "Customer Support", "契約書レビュー"}}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = await label_values(http, running.prometheus, variable["query"]["query"], chosen)
            assert set(found) == wanted[variable["name"]]


async def check_links(http: httpx.AsyncClient, running: Scraped, dashboard: Mapping[str, Any]) -> None:
    """Check that each address in a dashboard leads to a page of the console, and to a place on it."""
    addresses = set(re.findall(r"\$\{console:raw\}[^\"']*", str(dashboard)))
    assert addresses
    for address in addresses:
        filled = re.sub(r"\$\{__(?:field\.labels\.project|value\.raw):percentencode\}", PROJECTS[0], address)
        page = await http.get(
            filled.replace("${console:raw}", running.console), headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert page.status_code == httpx.codes.OK, address
        fragment = urlsplit(filled).fragment
        assert not fragment or f'id="{fragment}"' in page.text, address
