"""deploy/prometheus: promtool takes it, its histories hold for every rule, and a real Prometheus works by it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from monitor.clock import SystemClock
from monitor.configured import load_rules
from monitor.metrics import Metrics
from monitor.model.builtin import Builtin
from monitor.settings import load
from monitor.simulator.faults import Fault, FaultKind
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox, begin_run, rounds, settings
from tests.docs.pages import ROOT, anchors
from tests.support.daemon import running_daemon
from tests.support.programs import needs
from tests.support.prometheus import running_prometheus
from tests.support.waiting import eventually, throughout

FOLDER = ROOT / "deploy/prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
HISTORY_FILES = sorted((FOLDER / "tests").glob("*.yml"))
OPERATIONS = ROOT / "docs/operations.md"
PAGE = ROOT / "docs/prometheus.md"
RUNBOOKS = "https://example.com/alli-monitor/docs/operations.md#"

needs_prometheus = needs("prometheus", "promtool", package="prometheus")

_NOT_A_METRIC = re.compile(
    r"""("[^"]*") | \{[^}]*\} | \[[^\]]*\] | \b(?:by|on|ignoring|group_left)\ *\([^)]*\)
    | (?<![\w:])(?:and|or|unless|offset|Inf|sum|min|max|count)\b | \w+\ *(?=\()""",
    re.VERBOSE,
)
_NAME = re.compile(r"(?<![\w:])[a-z_][\w:]*")
_SELECTOR = re.compile(r"(?P<metric>[a-z_:][\w:]*)\{(?P<matchers>[^}]*)\}")
_OF_THE_TARGET = {"job", "instance", "pod"}
_OTHER_NAMES = {"alli_api_key"}  # the file of a secret


@cache
def read(file: Path) -> dict[str, Any]:
    """Return what stands in a file, as YAML."""
    content: dict[str, Any] = YAML(typ="safe").load(file)
    return content


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """Return the rules that alert, or record, by their names."""
    groups = [group for file in RULE_FILES for group in read(file)["groups"]]
    return {rule[kind]: rule for group in groups for rule in group["rules"] if kind in rule}


ALERTS = rules("alert")
RECORDS = rules("record")


def metrics_of(expression: str) -> set[str]:
    """Return the names of the series that an expression asks for."""
    return set(_NAME.findall(_NOT_A_METRIC.sub(" ", expression)))


def scraped_by(expression: str) -> set[str]:
    """Return the names of the scraped series that an expression depends on, through recorded ones as well."""
    found = metrics_of(expression)
    return {name for each in found for name in (scraped_by(RECORDS[each]["expr"]) if each in RECORDS else {each})}


def exported() -> dict[str, set[str]]:
    """Return the labels of every series that the monitor exports, by name; those of the process have none."""
    metrics = Metrics()
    found: dict[str, set[str]] = {}
    for family in metrics.registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        found |= {f"{family.name}{suffix}": set() for suffix in suffixes}
    for metric in (each for each in vars(metrics).values() if isinstance(each, MetricWrapperBase)):
        [described] = metric.describe()
        for name in found:
            if name.startswith(described.name):
                found[name] = {*metric._labelnames, *(["le"] if name.endswith("_bucket") else [])}
    return found


def histories() -> Iterator[dict[str, Any]]:
    """Yield each history that promtool plays."""
    for file in HISTORY_FILES:
        yield from read(file)["tests"]


def names_of(history: dict[str, Any]) -> set[str]:
    """Return the names of the series that a history consists of."""
    return {str(each["series"]).partition("{")[0] for each in history["input_series"]}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool to its end."""
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, check=False)  # noqa: S607 - as it is found


@pytest.mark.service
@needs_prometheus
def test_promtool_takes_configuration_and_rules() -> None:
    """`promtool check` finds nothing wrong with the scrape configuration and the rule files that it names."""
    checked = promtool("check", "config", "--lint-fatal", FOLDER / "prometheus.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULE_FILES)} rule files found" in checked.stdout


@pytest.mark.service
@needs_prometheus
@pytest.mark.parametrize("file", HISTORY_FILES, ids=lambda file: file.name)
def test_histories_hold(file: Path) -> None:
    """`promtool test rules`: in each history every rule records, and every alert fires, what is expected and when."""
    played = promtool("test", "rules", file)
    assert played.returncode == 0, played.stdout + played.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_history_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    """What is expected of an alert is both, and the silence is not that of a history about something else."""
    asked = [(history, test) for history in histories() for test in history.get("alert_rule_test", ())]
    about = [(history, test) for history, test in asked if test["alertname"] == name]
    assert any(test.get("exp_alerts") for _, test in about)
    needed = scraped_by(ALERTS[name]["expr"])
    assert any(not test.get("exp_alerts") and names_of(history) & needed for history, test in about)


def test_every_recorded_series_has_a_history() -> None:
    """Each recording rule is asked for its value in some history."""
    expressions = [test["expr"] for history in histories() for test in history.get("promql_expr_test") or ()]
    assert {name for expression in expressions for name in metrics_of(expression)} == RECORDS.keys()


def test_rules_ask_for_what_there_is() -> None:
    """Every series in a rule or a history is exported or recorded, and every label asked for is one of its labels."""
    there = exported()
    known = there.keys() | RECORDS.keys() | {"up"}
    expressions = [rule["expr"] for rule in (*ALERTS.values(), *RECORDS.values())]
    assert {name for expression in expressions for name in metrics_of(expression)} <= known
    assert {name for history in histories() for name in names_of(history)} <= known
    selectors = [*expressions, *(str(each["series"]) for history in histories() for each in history["input_series"])]
    for found in (found for text in selectors for found in _SELECTOR.finditer(text)):
        if found["metric"] in there:
            labels = set(re.findall(r"(\w+)\s*=", found["matchers"]))
            assert labels <= there[found["metric"]] | _OF_THE_TARGET, found[0]


@pytest.mark.parametrize(("name", "rule"), ALERTS.items(), ids=ALERTS)
def test_every_alert_says_what_to_do(name: str, rule: dict[str, Any]) -> None:
    """An alert has a wait, a severity, a summary, a description, and a runbook at an anchor that exists."""
    assert name.startswith("AlliMonitor")
    assert re.fullmatch(r"\d+[smh]", rule["for"])
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOKS}{name.lower()}"
    assert name.lower() in anchors(OPERATIONS)


def test_page_has_every_rule() -> None:
    """docs/prometheus.md names every alert, with severity and wait as they are, and every recorded series."""
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\]\(operations\.md#\w+\) \| (\w+) \| (\w+) \|", page, re.MULTILINE)
    assert rows == [(name, rule["labels"]["severity"], rule["for"]) for name, rule in ALERTS.items()]
    recorded = page.partition("## Recorded series")[2].partition("\n## ")[0]
    shown = re.findall(r"^\| `([\w:]+)` \|", recorded, re.MULTILINE)
    windows = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    assert RECORDS.keys() == {name.replace("WINDOW", window) for name in shown for window in windows}


def test_runbook_is_whole() -> None:
    """Each alert, built-in, shipped or of Prometheus, has a section with how to confirm it, what to do, and its end."""
    runbook = OPERATIONS.read_text(encoding="utf-8").partition("## Runbook")[2]
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", runbook, re.MULTILINE | re.DOTALL))
    shipped = load_rules(load(None, {"ALLI_MONITOR_API_KEY": "x"})).names
    assert sections.keys() == {name.value for name in Builtin} | shipped | ALERTS.keys()
    for name, text in sections.items():
        assert re.findall(r"^- \*\*(\w+):\*\* \S", text, re.MULTILINE) == ["Confirm", "Do", "Ends"], name


@pytest.mark.parametrize("page", [OPERATIONS, PAGE, ROOT / "docs/metrics.md"], ids=lambda page: page.name)
def test_pages_name_series_that_exist(page: Path) -> None:
    """Whatever looks like one of our series on these pages is exported or recorded."""
    named = set(re.findall(r"(?<![\w:])(?:[a-z_]+:)?alli_[\w:]*\w", page.read_text(encoding="utf-8")))
    families = {name.removesuffix("_bucket") for name in exported()}
    windows = {re.sub(r"(?<=[a-z])\d+[mhd]$", "WINDOW", name) for name in RECORDS}
    assert named - _OTHER_NAMES <= exported().keys() | families | RECORDS.keys() | windows


def hurried(directory: Path) -> list[Path]:
    """Return copies of the rule files in which each minute that an alert or a group waits is a second."""
    copies = []
    for file in RULE_FILES:
        text = re.sub(r"^( +(?:for|interval): \d+)m$", r"\1s", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        copies.append(directory / file.name)
        copies[-1].write_text(text, encoding="utf-8")
    return copies


class Prometheus:
    """The API of a Prometheus at `url`."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = f"{url}/api/v1"

    async def rules(self) -> list[dict[str, Any]]:
        """Return all rules, as it has them."""
        answer = (await self._http.get(f"{self._url}/rules")).json()
        return [rule for group in answer["data"]["groups"] for rule in group["rules"]]

    async def all_evaluated(self) -> bool:
        """Return whether every rule was evaluated, for which none may have failed."""
        found = await self.rules()
        assert not [rule for rule in found if rule["health"] == "err"]
        return all(rule["health"] == "ok" for rule in found)

    async def states(self) -> dict[str, str]:
        """Return the state of each alert that is not inactive."""
        alerting = [rule for rule in await self.rules() if rule["type"] == "alerting"]
        return {rule["name"]: rule["state"] for rule in alerting if rule["state"] != "inactive"}

    async def value(self, query: str) -> float | None:
        """Return what a query finds first, None where that is nothing."""
        answer = (await self._http.get(f"{self._url}/query", params={"query": query})).json()["data"]["result"]
        return float(answer[0]["value"][1]) if answer else None

    async def is_quiet(self) -> bool:
        """Return whether no alert is pending or firing."""
        return not await self.states()

    async def tells_nobody(self) -> bool:
        """Return whether no alert fires; one may be pending, where a busy machine is late with something once."""
        firing = [name for name, state in (await self.states()).items() if state == "firing"]
        assert not firing
        return True

    async def fires(self, name: str) -> bool:
        """Return whether an alert fires."""
        return (await self.states()).get(name) == "firing"

    async def is_over(self, name: str) -> bool:
        """Return whether an alert neither fires nor is about to."""
        return name not in await self.states()


@pytest.mark.service
@needs_prometheus
async def test_a_real_prometheus_works_by_the_rules(tmp_path: Path) -> None:
    """
    All rules are evaluated without an error against the real daemon: nothing fires while all is well.

    Then the API is away and the monitor is blind, the API is back, and at last the daemon is killed.
    """
    world = World(SystemClock())
    async with (
        serve(world) as api,
        Inbox() as inbox,
        running_daemon(settings(api, tmp_path, inbox.receiver), tmp_path) as daemon,
        running_prometheus(urlsplit(daemon.url).netloc, tmp_path, hurried(tmp_path)) as url,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        begin_run(world)
        prometheus = Prometheus(http, url)
        await inbox.arrival("RunOverLimit", "resolved")
        await eventually(prometheus.all_evaluated, "all rules are evaluated", within=30.0)
        await eventually(prometheus.is_quiet, "the first scrape ends AlliMonitorAbsent")
        async with throughout(prometheus.tells_nobody, "nothing fires while all is well"):
            await rounds(world, 20)
        oncall = '{destination="oncall/webhook[0]", receiver="oncall", integration="webhook"}'
        assert await prometheus.value(f"destination:alli_monitor_outbox_oldest_age_seconds:max{oncall}") == 0
        assert await prometheus.value("project:alli_monitor_api_requests_failed:ratio_rate15m") == 0
        assert await prometheus.value('project_poll:alli_monitor_poll_age_seconds:min{poll="runs"} < bool 5') == 1

        world.set_fault(Fault(kind=FaultKind.DROPPED))
        await eventually(lambda: prometheus.fires("AlliMonitorBlind"), "AlliMonitorBlind fires", within=30.0)
        world.clear_faults()
        await eventually(lambda: prometheus.is_over("AlliMonitorBlind"), "AlliMonitorBlind resolves", within=30.0)
        await daemon.kill()
        await eventually(lambda: prometheus.fires("AlliMonitorDown"), "AlliMonitorDown fires", within=30.0)
        assert await prometheus.is_over("AlliMonitorBlind")
