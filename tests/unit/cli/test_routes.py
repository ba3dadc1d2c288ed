from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monitor.cli import commands

CONFIG = r"""
projects: {p: {api_key: k}}
rule_files: []
alerting:
  route:
    receiver: oncall
    routes:
      - {matchers: ['severity="info"'], receiver: feedback, group_wait: 5m, continue: true}
      - match: {team: bi}
        receiver: bi
        repeat_backoff: 2
        repeat_max: 1d
        active_time_intervals: [past]
        routes:
          - {matchers: ['app=~"Bill.*"'], group_by: ["..."], mute_time_intervals: [ever]}
      - {matchers: ["color=\"\e[31mred\""], receiver: oncall}
  receivers: [{name: oncall}, {name: feedback}, {name: bi}]
  time_intervals:
    - {name: past, time_intervals: [{years: ["1999"]}]}
    - {name: ever, time_intervals: [{}]}
"""

RHYTHM = "group_wait 10s, group_interval 1m, repeat_interval 4h"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide a configuration with nested routes and intervals."""
    file = tmp_path / "monitor.yml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def run(config: Path, *arguments: str) -> Result:
    """Return what `alli-monitor routes` does with these arguments."""
    return CliRunner().invoke(commands, ["routes", *arguments, "--config", str(config)])


def test_tells_receivers_and_the_way_to_each(config: Path) -> None:
    """An alert that takes two routes is shown with both, their groups, their rhythm and what mutes them now."""
    result = run(config, "test", "severity=info", 'team="bi"', "app=Billing desk")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "receivers: feedback, bi",
        "",
        "receiver: feedback",
        'path: default route > {severity="info"}',
        'group: {}/{severity="info"}:{app="Billing desk"}',
        "rhythm: group_by [alertname project app], group_wait 5m, group_interval 1m, repeat_interval 4h",
        "",
        "receiver: bi",
        'path: default route > {team="bi"} > {app=~"Bill.*"}',
        'group: {}/{team="bi"}/{app=~"Bill.*"}:{app="Billing desk", severity="info", team="bi"}',
        f"rhythm: group_by [...], {RHYTHM}, repeat_backoff 2, repeat_max 1d, mute_time_intervals [ever]",
        "muted now by: ever",
    ]


def test_tells_it_as_data(config: Path) -> None:
    """As JSON the same is there, durations in seconds."""
    found = json.loads(run(config, "test", "team=bi", "--output", "json").stdout)
    assert found == {
        "receivers": ["bi"],
        "routes": [
            {
                "receiver": "bi",
                "path": ["default route", '{team="bi"}'],
                "group_key": '{}/{team="bi"}:{}',
                "group_by": ["alertname", "project", "app"],
                "group_wait": 10.0,
                "group_interval": 60.0,
                "repeat_interval": 14_400.0,
                "repeat_backoff": 2.0,
                "repeat_max": 86_400.0,
                "active_time_intervals": ["past"],
                "muted_now_by": "outside of past",
            }
        ],
    }


@pytest.mark.parametrize(
    ("expected", "code"),
    [("feedback,bi", 0), ("bi, feedback", 0), ("bi", 1), ("feedback,bi,oncall", 1)],
)
def test_verifies_the_receivers(config: Path, expected: str, code: int) -> None:
    """With the receivers that are expected, in any order, the exit code says whether it is those and no others."""
    result = run(config, "test", "severity=info", "team=bi", "--verify-receivers", expected)
    assert result.exit_code == code
    assert ("error: this should go to" in result.stderr) is (code == 1)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["severity"], "is not a matcher"),
        (["severity=~info"], "is not a label"),
        (["a=1,b=2"], "is not one matcher"),
        (["a=1", "a=2"], "a is there twice"),
    ],
)
def test_refuses_what_is_no_label(config: Path, labels: list[str], reason: str) -> None:
    """What is not one label with one value is refused, with the reason."""
    result = run(config, "test", *labels)
    assert result.exit_code == 1
    assert reason in str(result.exception)


def test_shows_the_tree(config: Path) -> None:
    """Each route stands below the one it belongs to, with what it has otherwise, and nothing steers the terminal."""
    assert run(config, "show").stdout.splitlines() == [
        "default route -> oncall",
        f"  group_by [alertname project app], {RHYTHM}",
        '    {severity="info"} -> feedback, continue',
        "      group_wait 5m",
        '    {team="bi"} -> bi',
        "      repeat_backoff 2, repeat_max 1d, active_time_intervals [past]",
        '        {app=~"Bill.*"} -> bi',
        "          group_by [...], mute_time_intervals [ever]",
        '    {color="\ufffd[31mred"} -> oncall',
    ]


def test_shows_the_tree_as_data(config: Path) -> None:
    """As JSON the tree is nested as it is in the configuration, each route with its key."""

    def keys(node: dict[str, Any]) -> list[Any]:
        return [node["key"], *(keys(child) for child in node["routes"])]

    found = json.loads(run(config, "show", "-o", "json").stdout)
    assert keys(found) == [
        "{}",
        ['{}/{severity="info"}'],
        ['{}/{team="bi"}', ['{}/{team="bi"}/{app=~"Bill.*"}']],
        ['{}/{color="\x1b[31mred"}'],
    ]
    assert found["routes"][0]["continue"] is True
    assert found["routes"][0]["matchers"] == ['severity="info"']
