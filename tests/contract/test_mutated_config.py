"""Configuration and rule files made bad in 10,000 ways: each is used, or refused with clear lines that keep secrets."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.configured import load_rules, routing_tree
from monitor.errors import ConfigError, ConfigErrors
from monitor.rules import files
from monitor.rules.files import RuleSet
from monitor.settings import Settings, load
from tests.support.mutation import VALUES, mutated

_CASES = 10_000
_CASES_AN_EXAMPLE = 20
_SECRET = "swordfish-8f3a"  # noqa: S105 - made up
_LONGEST_LINE = 1000

_CONFIG: dict[str, Any] = {
    "projects": {
        "support": {
            "base_url": "https://backend.alli.ai",
            "api_key": _SECRET,
            "headers": {"X-Gateway": _SECRET},
            "time_unit": "auto",
            "requests_per_minute": 60,
            "max_in_flight": 2,
            "timeout": "20s",
            "conversation_url": "https://dashboard.test/{project}/{conversation_id}",
            "baseline": {"tell_since": "1h"},
            "polling": {"runs": "5s"},
            "auto_stop": {"mode": "off"},
            "http_config": {"proxy_url": f"http://user:{_SECRET}@proxy.test:3128", "tls_config": {"server_name": "a"}},
        },
        "sales": {"token": _SECRET},
    },
    "apps": [{"match": "Report*", "run_limit": "4h", "labels": {"team": "bi"}}, {"match": "*", "run_limit": "60m"}],
    "polling": {
        "runs": "10s",
        "conversations": "30s",
        "evaluation": "15s",
        "ratings": [{"younger_than": "2h", "every": "5m"}, {"younger_than": "24h", "every": "30m"}],
    },
    "rule_files": ["rules.yml"],
    "auto_stop": {
        "mode": "enforce",
        "apps": ["Report*"],
        "budget": {"per_hour": 20, "per_app_per_hour": 10},
        "cooldown": "10m",
        "verify_within": "2m",
    },
    "alerting": {
        "route": {
            "receiver": "oncall",
            "group_by": ["alertname", "project"],
            "group_wait": "10s",
            "group_interval": "1m",
            "repeat_interval": "4h",
            "routes": [{"matchers": ['severity="info"'], "receiver": "feedback", "continue": True}],
        },
        "receivers": [
            {"name": "oncall", "webhook_configs": [{"url": f"http://hook.test/{_SECRET}", "send_resolved": True}]},
            {"name": "feedback", "alertmanager_configs": [{"url": "http://alertmanager.test:9093", "hold": "15m"}]},
        ],
    },
    "storage": {"url": "sqlite:///monitor.db", "retention": "30d", "max_size": "2GB"},
    "web": {"listen": "127.0.0.1:7464", "token": _SECRET},
    "log": {"level": "info", "format": "json"},
    "dead_man": {"every": "1m"},
}
_RULES = """groups:
  - name: runs
    rules:
      - alert: RunOverLimit
        on: run
        expr: run.age > run.limit
        for: 1m
        labels: {severity: critical}
        annotations:
          summary: "{{ app.name }}: {{ humanize(run.age_estimate) }} of {{ humanize(run.limit) }}"
        actions: [{stop: {}}]
      - alert: Burst
        on: rating
        where: rating.value == "negative"
        within: 30m
        by: [app.id]
        expr: count >= 5 && distinct.user >= 3
"""
_YAML = (
    b"\t",
    b"- ",
    b": ",
    b"&a ",
    b"*a",
    b"!!python/object:x ",
    b"!x ",
    b"|",
    b">",
    b"---\n",
    b"<<: ",
    b"? ",
    b"#",
    b"\n",
)

many = settings(
    max_examples=_CASES // 2 // _CASES_AN_EXAMPLE, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def spoilt(chance: Random, text: bytes) -> bytes:
    """Return a YAML text made bad: as JSON, or with what only YAML knows."""
    if chance.random() < 0.6:
        return mutated(chance, text, ways=VALUES)  # deep nesting is tested apart: reading it takes seconds
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(text) + 1)
        text = text[:place] + chance.choice(_YAML) + text[place + chance.randint(0, 3) :]
    return text


def assert_clear(error: ConfigError) -> None:
    """Fail unless every error is one line of bounded length that shows no secret."""
    lines = error.errors if isinstance(error, ConfigErrors) else [error]
    assert lines
    for line in map(str, lines):
        assert line.isprintable(), line
        assert len(line) < _LONGEST_LINE
        assert _SECRET not in line


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Provide the file of a good configuration with good rules."""
    (tmp_path / "rules.yml").write_text(_RULES)
    file = tmp_path / "monitor.yml"
    file.write_text(json.dumps(_CONFIG, indent=1))
    return file


def use(config: Path) -> tuple[Settings, RuleSet]:
    """Load a configuration as the daemon does."""
    found = load(config, environ={})
    routing_tree(found.alerting.route)
    return found, load_rules(found)


def test_what_is_made_bad_was_good(config: Path) -> None:
    """The configuration below can be used as it is."""
    found, rules = use(config)
    assert (len(found.projects), len(rules.rules)) == (2, 2)


@pytest.mark.timeout(900)
@many
@given(seed=st.integers(0, 2**64))
def test_any_configuration_is_used_or_refused_clearly(config: Path, seed: int) -> None:
    """A file with anything in it is settings, or lines that say what is wrong; neither shows a secret."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing
    honest = json.dumps(_CONFIG, indent=1).encode()
    for _ in range(_CASES_AN_EXAMPLE):
        config.write_bytes(spoilt(chance, honest))
        try:
            found, _rules = use(config)
        except ConfigError as error:
            assert_clear(error)
        else:
            assert _SECRET not in repr(found)
            assert all(_SECRET not in warning for warning in found.warnings)


@pytest.mark.timeout(900)
@many
@given(seed=st.integers(0, 2**64))
def test_any_rule_file_is_used_or_refused_clearly(config: Path, seed: int) -> None:
    """A rule file with anything in it is rules, or lines that say what is wrong with them."""
    chance = Random(seed)  # noqa: S311 - chance in a test guards nothing
    file = config.parent / "rules.yml"
    for _ in range(_CASES_AN_EXAMPLE):
        file.write_bytes(spoilt(chance, _RULES.encode()))
        try:
            files.load([file])
        except ConfigError as error:
            assert_clear(error)
