"""deploy/alertmanager: amtool takes it, and it tells and holds back what its comments say; our own routes agree."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from monitor.alerting.inhibition import Inhibitor
from monitor.configured import load_rules, mute_policy, routing_tree
from monitor.model.builtin import SEVERITIES
from monitor.settings import Settings, load
from tests.docs.pages import ROOT
from tests.support.alertmanager import alertmanager_binary, running_alertmanager
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(
        not (shutil.which("amtool") and alertmanager_binary()),
        reason="needs Alertmanager and amtool: install the Debian package prometheus-alertmanager",
    ),
]

CONFIG = ROOT / "deploy/alertmanager/alertmanager.yml"
SHIPPED: dict[str, Any] = YAML(typ="safe").load(CONFIG)
PROMETHEUS = [
    rule
    for file in sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
    for group in YAML(typ="safe").load(file)["groups"]
    for rule in group["rules"]
    if "alert" in rule
]

ROUTES = [
    ("alertname=Watchdog severity=none", "dead-man"),
    ("alertname=NegativeRating severity=info project=support app=Report by=user", "feedback"),
    ("alertname=NegativeRating severity=info project=support app=Report team=bi", "feedback"),
    ("alertname=BaselineRecorded severity=info project=support", "feedback"),
    ("alertname=OperatorNegative severity=warning project=support app=Billing", "chat"),
    ("alertname=RunSlow severity=warning project=support app=Report team=bi", "chat-bi"),
    ("alertname=RunStuck severity=critical project=support app=Billing", "pager,chat"),
    ("alertname=RunOverLimit severity=critical project=support app=Billing action=shadow", "pager,chat"),
    ("alertname=RunOverLimit severity=critical project=support app=Report team=bi action=refused", "pager,chat-bi"),
    ("alertname=RunOverLimit severity=critical project=support app=Report team=bi action=stopped", "chat"),
    ("alertname=RunOverLimit severity=critical project=support app=Billing action=changed", "chat"),
    ("alertname=StopIneffective severity=critical project=support app=Billing action=ineffective", "pager,chat"),
    ("alertname=Drill severity=info team=bi", "feedback"),
    ("alertname=Mine severity=page project=support", "chat"),
]
"""Labels of alerts as the monitor sends them, and who hears of them."""

INHIBITED = [
    ("AlliMonitorDown", "AlliMonitorBlind project=support"),
    ("AlliMonitorDown", "RunOverLimit project=support severity=critical"),
    ("AlliMonitorAbsent", "AlliMonitorReceiverFailing receiver=oncall"),
    ("MonitorApiAuth project=support", "MonitorBlind project=support severity=critical"),
    ("AlliMonitorApiAuth project=support", "AlliMonitorApiErrors project=support"),
    ("MonitorBlind project=support", "MonitorDegraded project=support cause=runs severity=warning"),
    ("MonitorBlind project=support", "RunSlow project=support severity=warning"),
    ("MonitorBlind project=support", "AlliMonitorBlind project=support severity=critical"),
    ("AlliMonitorBlind project=support", "AlliMonitorCoverageBurnsFast project=support severity=critical"),
    ("RuleFailing rule=Mine project=support", "AlliMonitorRuleFailing rule=Mine"),
    ("StopBudgetSpent project=support", "AlliMonitorStopBudgetSpent severity=warning"),
    (
        "AlliMonitorOutboxStuck receiver=oncall integration=webhook destination=oncall/webhook[0]",
        "AlliMonitorReceiverFailing receiver=oncall integration=webhook",
    ),
    (
        "AlliMonitorDetectionBurnsFast project=support kind=run severity=critical",
        "AlliMonitorDetectionBurnsSlowly project=support kind=run severity=warning",
    ),
]
"""An alert that fires, and one that is not told as long as it does."""

NOT_INHIBITED = [
    ("AlliMonitorDown", "Watchdog severity=none"),
    ("AlliMonitorDown", "AlliMonitorAbsent"),
    ("MonitorBlind project=support", "RunSlow project=sales severity=warning"),
    ("MonitorBlind project=support", "StopIneffective project=support severity=critical"),
    ("MonitorBlind project=support", "MonitorApiAuth project=support severity=critical"),
    ("MonitorBlind project=support", "NegativeRating project=support severity=info"),
    ("AlliMonitorBlind project=support", "MonitorBlind project=support severity=critical"),
    (
        "AlliMonitorDetectionBurnsFast project=support kind=run severity=critical",
        "AlliMonitorDetectionBurnsSlowly project=support kind=deadline severity=warning",
    ),
]
"""An alert that fires, and one that is told all the same."""


def labels(text: str) -> dict[str, str]:
    """Return labels that are written as `name=value name=value`; a first word without = is the alertname."""
    first, *others = text.split()
    words = [first if "=" in first else f"alertname={first}", *others]
    return dict(word.split("=", 1) for word in words)


async def amtool(*arguments: str) -> tuple[int, str]:
    """Return how amtool ends and what it prints; on stderr it warns of a configuration of its own."""
    process = await asyncio.create_subprocess_exec(
        "amtool", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def told_by_amtool(alert: Mapping[str, str]) -> str:
    """Return the receivers that the shipped routes lead to, in their order."""
    words = [f"{name}={value}" for name, value in alert.items()]
    code, output = await amtool("config", "routes", "test", f"--config.file={CONFIG}", *words)
    assert code == 0, output
    return output.strip()


@pytest.fixture
def ours(tmp_path: Path) -> Settings:
    """Provide a configuration of the monitor that has routes, intervals and inhibitions of the shipped file."""
    alerting = {name: SHIPPED[name] for name in ("route", "inhibit_rules", "time_intervals")}
    alerting["receivers"] = [{"name": receiver["name"]} for receiver in SHIPPED["receivers"]]
    file = tmp_path / "monitor.yml"
    file.write_text(json.dumps({"projects": {"support": {"api_key": "k"}}, "alerting": alerting}), encoding="utf-8")
    return load(file, {})


async def test_amtool_takes_it() -> None:
    """`amtool check-config` finds nothing wrong."""
    code, output = await amtool("check-config", str(CONFIG))
    assert (code, "SUCCESS" in output) == (0, True), output


def test_every_secret_stands_in_a_file() -> None:
    """No receiver holds a secret, nor anything that Slack or PagerDuty would take for one; Compose mounts the files."""
    text = CONFIG.read_text(encoding="utf-8")
    files = {Path(line.split(": ")[-1].rstrip("}")) for line in text.splitlines() if "_file: " in line}
    mounted = YAML(typ="safe").load(ROOT / "deploy/compose/compose.yml")["services"]["alertmanager"]["secrets"]
    assert files == {Path("/run/secrets", name) for name in mounted}
    assert not any(word in text for word in ("api_url:", "routing_key:", "credentials:", "hooks.slack.com"))


async def test_routes_lead_where_they_should(ours: Settings) -> None:
    """Each alert of the table reaches its receivers, by amtool and by the monitor's own routing alike."""
    tree = routing_tree(ours.alerting.route)
    by_amtool = await asyncio.gather(*(told_by_amtool(labels(text)) for text, _ in ROUTES))
    by_us = [",".join(route.receiver for route in tree.match(labels(text))) for text, _ in ROUTES]
    assert by_amtool == by_us == [receivers for _, receivers in ROUTES]


async def test_severity_decides_who_is_woken() -> None:
    """Of all alerts that ship, built-in, by rule or by Prometheus, exactly the critical ones reach the pager."""
    rules = load_rules(load(None, {"ALLI_MONITOR_API_KEY": "x"})).rules
    severities = {
        **SEVERITIES,
        **{rule.name: rule.labels["severity"] for rule in rules},
        **{rule["alert"]: rule["labels"]["severity"] for rule in PROMETHEUS},
    }
    alerts = [{"alertname": name, "severity": severity} for name, severity in severities.items()]
    told = await asyncio.gather(*(told_by_amtool(alert) for alert in alerts))
    woken = {alert["alertname"] for alert, receivers in zip(alerts, told, strict=True) if "pager" in receivers}
    assert woken == {name for name, severity in severities.items() if severity == "critical"}


def test_a_group_does_not_wait_longer_than_a_stopped_run_is_shown() -> None:
    """Alerts about runs are notified within the minute after which a run that was stopped is over."""
    waits = [route.get("group_wait") for route in SHIPPED["route"]["routes"] if route["receiver"] != "feedback"]
    assert SHIPPED["route"]["group_wait"] == "10s"
    assert set(waits) <= {None, "0s"}


class Alerts:
    """The alerts of an Alertmanager at `url`."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = f"{url}/api/v2/alerts"

    async def fire(self, alert: dict[str, str]) -> None:
        """Send an alert, and wait until it is known whether it is to be told."""
        (await self._http.post(self._url, json=[{"labels": alert}])).raise_for_status()

        async def processed() -> bool:
            return bool((await self._status(alert))["state"] != "unprocessed")

        await eventually(processed, f"{alert} is there")

    async def is_inhibited(self, alert: dict[str, str]) -> bool:
        """Return whether an alert that fires is held back by another."""
        return bool((await self._status(alert))["inhibitedBy"])

    async def resolve(self, *alerts: dict[str, str]) -> None:
        """Let alerts be over, and wait until none is left."""
        times = {"startsAt": "2020-01-01T00:00:00Z", "endsAt": "2020-01-01T00:00:01Z"}
        (await self._http.post(self._url, json=[{"labels": alert, **times} for alert in alerts])).raise_for_status()

        async def none() -> bool:
            return not (await self._http.get(self._url)).json()

        await eventually(none, f"{alerts} are over")

    async def _status(self, alert: dict[str, str]) -> dict[str, Any]:
        found = (await self._http.get(self._url)).json()
        return next((each["status"] for each in found if each["labels"] == alert), {"state": "unprocessed"})


async def test_inhibition_is_that_of_a_real_alertmanager(ours: Settings, tmp_path: Path) -> None:
    """Alertmanager starts with the file as it is; each pair of the tables is told, or not, there as by our own."""
    binary = alertmanager_binary()
    assert binary is not None
    rules = mute_policy(ours.alerting).inhibit_rules
    async with (
        running_alertmanager(binary, CONFIG.read_text(encoding="utf-8"), tmp_path) as url,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        alerts = Alerts(http, url)
        for pair in INHIBITED + NOT_INHIBITED:
            source, target = map(labels, pair)
            inhibitor = Inhibitor(rules, {"source": source, "target": target})
            assert bool(inhibitor.muted_by(target, "target")) is (pair in INHIBITED), pair
            await alerts.fire(source)
            await alerts.fire(target)
            if pair in INHIBITED:
                await eventually(partial(alerts.is_inhibited, target), f"{pair[0]} inhibits {pair[1]}")
            else:
                assert not await alerts.is_inhibited(target), pair
            await alerts.resolve(source, target)
