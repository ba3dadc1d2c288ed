from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import monitor
from monitor.configured import load_rules
from monitor.durations import parse_duration
from monitor.errors import ConfigErrors
from monitor.model.conversation import App
from monitor.model.stop import StopMode
from monitor.settings import Settings, shipped_rules

Load = Callable[..., Settings]

REPORT = App(id="app-1", name="Report daily")
OTHER = App(id="app-2", name="Chat")


def _settings(**sections: Any) -> Settings:
    return Settings.model_validate({"projects": {"p": {"api_key": "k"}}, "rule_files": [], **sections})


def test_has_the_documented_defaults() -> None:
    """What is not said is what the documentation says."""
    settings = _settings()
    project = settings.projects["p"]
    assert (project.base_url, project.timeout, project.requests_per_minute) == ("https://backend.alli.ai", 20.0, 60)
    assert (settings.polling.runs, settings.polling.conversations, settings.polling.evaluation) == (10.0, 30.0, 15.0)
    assert [(tier.younger_than, tier.every) for tier in settings.polling.ratings] == [
        (parse_duration("2h"), parse_duration("5m")),
        (parse_duration("24h"), parse_duration("30m")),
        (parse_duration("7d"), parse_duration("6h")),
    ]
    assert (settings.auto_stop.mode, settings.auto_stop.apps) == (StopMode.SHADOW, ())
    assert (settings.auto_stop.cooldown, settings.auto_stop.verify_within) == (600.0, 120.0)
    assert [receiver.name for receiver in settings.alerting.receivers] == ["default"]
    assert settings.alerting.route.receiver == "default"
    assert settings.alerting.route.repeat_interval == parse_duration("4h")
    assert settings.storage.database_path == Path("monitor.db")
    assert settings.storage.retention == parse_duration("30d")
    assert settings.dead_man.url is None
    assert settings.warnings == ()


def test_takes_yaml_1_2_words_as_words(load_text: Load) -> None:
    """`off`, `on`, numbers and dates are text where text is wanted, and null is nothing."""
    settings = load_text(
        "projects: {p: {api_key: 0123, token: null}}\n"
        "auto_stop: {mode: off}\n"
        "apps: [{match: on, labels: {version: 1.10, day: 2024-01-01, old: yes}}]\n"
        "alerting: {route: {group_wait: 0}}\n"
    )
    assert [*settings.secrets()] == ["0123"]
    assert settings.auto_stop.mode is StopMode.OFF
    assert settings.apps[0].match == "on"
    assert settings.apps[0].labels == {"version": "1.10", "day": "2024-01-01", "old": "yes"}
    assert settings.alerting.route.group_wait == 0.0


def test_what_is_not_in_this_version_may_have_its_default(load_text: Load) -> None:
    """A configuration that spells out the defaults of what is not built yet is the same as one that does not."""
    settings = load_text(
        "projects: {p: {api_key: k, timezone: UTC, http_config: {}, polling: {}}}\n"
        "project_files: []\n"
        "polling: {daily_count: 60m}\n"
        "alerting:\n"
        "  route: {routes: []}\n"
        "  receivers: [{name: default, slack_configs: []}]\n"
        "  inhibit_rules: []\n"
        "  time_intervals: []\n"
        "  language: en\n"
        "storage: {max_size: 2GB}\n"
        "privacy: {excerpt_chars: 0, redact: [email, phone, card, national_id]}\n"
    )
    assert settings == load_text("projects: {p: {api_key: k}}")


def test_takes_what_is_well_formed() -> None:
    """A link template, other tiers and an absolute database are taken as they are given."""
    link = "https://alli.example/{project}/conversations/{conversation_id}?tab=1"
    settings = _settings(
        projects={"p": {"token": "t", "base_url": "https://on.premises/alli/", "conversation_url": link}},
        polling={"ratings": [{"younger_than": "1h", "every": "1m"}, {"younger_than": "2h", "every": "5m"}]},
        storage={"url": "sqlite:////data/monitor.db"},
    )
    assert settings.projects["p"].conversation_url == link
    assert settings.projects["p"].base_url == "https://on.premises/alli"
    assert settings.projects["p"].api_key is None
    assert [tier.every for tier in settings.polling.ratings] == [60.0, 300.0]
    assert settings.storage.database_path == Path("/data/monitor.db")


def test_a_key_without_a_value_is_as_good_as_absent(load_text: Load) -> None:
    """A section or key of which nothing but the name is left has its default."""
    settings = load_text("projects: {p: {api_key: k, timeout: }}\npolling:\n  # runs: 5s\nweb: {external_url: null}")
    assert settings == load_text("projects: {p: {api_key: k}}")


@pytest.mark.parametrize(
    ("app", "limit", "labels"),
    [
        (REPORT, "4h", {"team": "bi"}),
        (App(id="app-9", name=""), "1m", {}),
        (OTHER, "60m", {}),
        (None, "60m", {}),
        (App(id="x", name="report daily"), "60m", {}),
    ],
)
def test_takes_the_first_entry_that_matches_an_app(app: App | None, limit: str, labels: dict[str, str]) -> None:
    """Id or name may match, case counts, and what matches nothing has a limit of an hour."""
    settings = _settings(
        apps=[
            {"match": "Report*", "run_limit": "4h", "labels": {"team": "bi"}},
            {"match": "Report daily", "run_limit": "1s"},
            {"match": "app-9", "run_limit": "1m"},
        ]
    )
    policy = settings.app_policy(app, "p")
    assert (policy.run_limit, policy.labels) == (parse_duration(limit), labels)


def test_matches_a_run_without_an_app_by_star_only() -> None:
    """The unknown app has its entry, too: `*`."""
    settings = _settings(apps=[{"match": "?*", "run_limit": "1s"}, {"match": "*", "run_limit": "2s"}])
    assert settings.app_policy(None, "p").run_limit == 2.0


@pytest.mark.parametrize(
    ("of_app", "of_project", "expected"),
    [(None, None, "shadow"), (None, "enforce", "enforce"), ("off", "enforce", "off"), ("enforce", "off", "enforce")],
)
def test_the_nearest_mode_decides(of_app: str | None, of_project: str | None, expected: str) -> None:
    """On stopping, the app says more than the project and the project more than the rest."""
    settings = _settings(
        projects={"p": {"api_key": "k", "auto_stop": {"mode": of_project}}, "q": {"api_key": "k"}},
        apps=[{"match": "Report*", "auto_stop": {"mode": of_app}}],
        auto_stop={"apps": ["app-1"]},
    )
    assert settings.app_policy(REPORT, "p").stop_mode == StopMode(expected)
    assert settings.app_policy(OTHER, "q").stop_mode is StopMode.SHADOW


@pytest.mark.parametrize(
    ("globs", "app", "allowed"),
    [
        ([], REPORT, False),
        (["*"], REPORT, True),
        (["*"], None, False),
        (["app-1"], REPORT, True),
        (["Rep*"], REPORT, True),
        (["Rep"], REPORT, False),
    ],
)
def test_stops_only_what_the_list_names(globs: list[str], app: App | None, allowed: bool) -> None:  # noqa: FBT001 - a row
    """A run may be stopped when a glob matches its app, and never without an app."""
    assert _settings(auto_stop={"apps": globs}).stop_allowed(app) is allowed


def test_a_project_has_the_polling_of_all_where_it_says_nothing() -> None:
    """Each key of a project's polling wins by itself, even with a default, and a list of tiers as a whole."""
    settings = _settings(
        projects={
            "p": {"api_key": "k", "polling": {"runs": "10s", "ratings": [{"younger_than": "1h", "every": "1m"}]}},
            "q": {"api_key": "k", "polling": {"evaluation": None}},
            "r": {"api_key": "k", "polling": {"ratings": []}},
        },
        polling={"runs": "5s", "conversations": "9s"},
    )
    own, other, none = (settings.polling_of(name) for name in "pqr")
    assert (own.runs, own.conversations, own.evaluation) == (10.0, 9.0, 15.0)
    assert [(tier.younger_than, tier.every) for tier in own.ratings] == [(3600.0, 60.0)]
    assert other == settings.polling
    assert none.ratings == ()


def test_a_window_is_measured_by_the_slowest_project(tmp_path: Path) -> None:
    """A rule's window has to be as long as the sweep of every project, whichever is the slowest."""
    rule = "{alert: A, on: rating, within: 10m, expr: count > 0}"
    (tmp_path / "rules.yml").write_text(f"groups: [{{name: g, rules: [{rule}]}}]")

    def errors(**every: str) -> str:
        sweeps = {name: {"ratings": [{"younger_than": "2h", "every": text}]} for name, text in every.items()}
        projects = {name: {"api_key": "k", "polling": polling} for name, polling in sweeps.items()}
        settings = _settings(projects=projects, rule_files=[str(tmp_path / "rules.yml")])
        try:
            load_rules(settings)
        except ConfigErrors as error:
            return str(error)
        return ""

    assert not errors(p="10m", q="5m")
    assert "shorter than the 20m" in errors(p="5m", q="20m", r="1m")


def test_headers_may_stand_in_files(load_text: Load, tmp_path: Path) -> None:
    """The values of some headers are given, and those of others are what files hold."""
    (tmp_path / "gateway").write_text("b c\n")
    project = load_text("projects: {p: {api_key: k, headers: {X-A: a}, headers_file: {X-B: gateway}}}").projects["p"]
    assert {name: value.get_secret_value() for name, value in project.headers.items()} == {"X-A": "a", "X-B": "b c"}


@pytest.mark.parametrize(
    ("listen", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:7464", "127.0.0.1", 7464, True),
        ("127.1.2.3:0", "127.1.2.3", 0, True),
        ("localhost:80", "localhost", 80, True),
        ("[::1]:7464", "::1", 7464, True),
        ("[::]:7464", "::", 7464, False),
        (":7464", "0.0.0.0", 7464, False),  # noqa: S104 - what it says
        ("0.0.0.0:7464", "0.0.0.0", 7464, False),  # noqa: S104 - what it says
        ("monitor.local:7464", "monitor.local", 7464, False),
    ],
)
def test_knows_whether_only_this_machine_can_connect(listen: str, host: str, port: int, *, is_loopback: bool) -> None:
    """An address is split into host and port, and only loopback counts as such."""
    web = _settings(web={"listen": listen}).web
    assert (web.host, web.port, web.is_loopback) == (host, port, is_loopback)


def test_warns_of_what_is_probably_not_meant() -> None:
    """An odd header, a key in the clear and a short hold are allowed, with a warning each."""
    settings = _settings(
        projects={
            "p": {"api_key": "k", "headers": {"Agent-Email": "a@b"}},
            "q": {"api_key": "k", "base_url": "http://alli.example"},
            "local": {"api_key": "k", "base_url": "http://127.0.0.1:80"},
        },
        alerting={
            "receivers": [{"name": "default", "alertmanager_configs": [{"url": "http://a", "hold": "1m"}]}],
        },
    )
    assert settings.warnings == (
        "projects.p.headers.Agent-Email: Alli takes every request for one that this member makes",
        "projects.q.base_url: the credential travels unencrypted",
        "alerting: receiver default: alerts may end between two repeats, with a hold of 1m",
    )


def test_settings_cannot_be_changed() -> None:
    """Neither a value nor an entry of a mapping can be set."""
    settings = _settings()
    with pytest.raises(ValidationError, match="frozen"):
        settings.polling.runs = 1.0
    with pytest.raises(TypeError, match="does not support item assignment"):
        settings.projects["p"] = settings.projects["p"]  # type: ignore[index]


def test_rule_files_start_from_the_config_file(load_text: Load, tmp_path: Path) -> None:
    """Globs are relative to the config file, may overlap, may be absolute, and leave out the tests of rules."""
    directory = tmp_path / "rules"
    (directory / "deep").mkdir(parents=True)
    for name in ("b.yml", "a.yml", "a_test.yml", "deep/c.yml"):
        (directory / name).touch()
    project = "projects: {p: {api_key: k}}\n"
    settings = load_text(f"{project}rule_files: ['rules/*.yml', 'rules/a.yml', '{directory}/**/c.yml']")
    assert settings.rule_files == (directory / "a.yml", directory / "b.yml", directory / "deep/c.yml")


def test_shipped_rules_are_those_of_the_source_tree() -> None:
    """Where the package is not installed from a wheel, the rules beside it are those that ship, without their tests."""
    directory = Path(monitor.__file__).parents[1] / "rules"
    expected = sorted(path for path in directory.glob("*.yml") if not path.name.endswith("_test.yml"))
    assert shipped_rules() == expected
    assert Settings.model_validate({"projects": {"p": {"api_key": "k"}}}).rule_files == tuple(expected)
