from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import ConfigErrors
from monitor.model.stop import StopMode
from monitor.settings import Settings, load

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

FILE = """
projects:
  support:
    api_key: from-file
    timeout: 5s
  My-Team.2: {token: t}
apps:
  - {match: "A*"}
polling:
"""


def _key(settings: Settings, project: str) -> str:
    secret = settings.projects[project].api_key
    assert secret is not None
    return secret.get_secret_value()


def test_overrides_single_keys_of_the_file(load_text: Load) -> None:
    """A variable replaces one value and leaves the rest of the file as it is."""
    environ = {
        "ALLI_MONITOR_PROJECTS__SUPPORT__API_KEY": "from-env",
        "ALLI_MONITOR_POLLING__RUNS": "3s",
        "ALLI_MONITOR_AUTO_STOP__MODE": "off",
        "ALLI_MONITOR_AUTO_STOP__BUDGET__PER_HOUR": "7",
        "ALLI_MONITOR_WEB__TOKEN": "12345",
    }
    settings = load_text(FILE, environ)
    assert _key(settings, "support") == "from-env"
    assert settings.projects["support"].timeout == 5.0
    assert settings.polling.runs == 3.0
    assert settings.auto_stop.mode is StopMode.OFF
    assert settings.auto_stop.budget.per_hour == 7
    assert settings.web.token is not None
    assert settings.web.token.get_secret_value() == "12345"


def test_takes_lists_and_mappings_as_json(load_text: Load) -> None:
    """A list is replaced as a whole by JSON, and so is a mapping."""
    environ = {
        "ALLI_MONITOR_APPS": '[{"match": "B*", "run_limit": "2m", "labels": {"team": "bi"}}]',
        "ALLI_MONITOR_PROJECTS__SUPPORT__HEADERS": '{"X-Tenant": "{1}"}',
        "ALLI_MONITOR_ALERTING__ROUTE__GROUP_BY": "[]",
    }
    settings = load_text(FILE, environ)
    assert [(app.match, app.run_limit, dict(app.labels)) for app in settings.apps] == [("B*", 120.0, {"team": "bi"})]
    assert settings.projects["support"].headers["X-Tenant"].get_secret_value() == "{1}"
    assert settings.alerting.route.group_by == ()


def test_finds_names_that_variables_cannot_spell(load_text: Load) -> None:
    """A project of the file is found whatever its case, hyphens and dots are; another name makes a new project."""
    environ = {
        "ALLI_MONITOR_PROJECTS__MY_TEAM_2__TIMEOUT": "9s",
        "ALLI_MONITOR_PROJECTS__SALES__TOKEN": "t",
    }
    settings = load_text(FILE, environ)
    assert settings.projects["My-Team.2"].timeout == 9.0
    assert list(settings.projects) == ["support", "My-Team.2", "sales"]


def test_makes_a_project_without_a_file() -> None:
    """With no file, the API key makes one project `default`, and other variables still count."""
    environ = {
        "ALLI_MONITOR_API_KEY": "k",
        "ALLI_MONITOR_BASE_URL": "https://backend-ja.alli.ai/",
        "ALLI_MONITOR_POLLING__RUNS": "1s",
    }
    settings = load(None, environ)
    assert list(settings.projects) == ["default"]
    assert _key(settings, "default") == "k"
    assert settings.projects["default"].base_url == "https://backend-ja.alli.ai"
    assert settings.polling.runs == 1.0


def test_reads_the_key_of_a_project_without_a_file_from_a_file(tmp_path: Path) -> None:
    """The key of the project `default` may be in a file, whose last line break does not count."""
    file = tmp_path / "key"
    file.write_text("k\r\n")
    assert _key(load(None, {"ALLI_MONITOR_API_KEY_FILE": str(file)}), "default") == "k"


@pytest.mark.parametrize("environ", [{}, {"ALLI_MONITOR_POLLING__RUNS": "1s"}, {"API_KEY": "k"}])
def test_needs_a_project(environ: Mapping[str, str]) -> None:
    """Without file and key, the error says what to set."""
    with pytest.raises(ConfigErrors) as caught:
        load(None, environ)
    assert str(caught.value) == "there is no project: give a config file, or set ALLI_MONITOR_API_KEY"


@pytest.mark.parametrize(
    ("variable", "text", "error"),
    [
        ("POLLING__RNUS", "1s", "polling.rnus: unknown key; did you mean runs?"),
        ("POLING__RUNS", "1s", "poling: unknown key; did you mean polling?"),
        ("POLLING__RUNS", "1", "polling.runs: '1' is not a duration; write it as 90s, 1h30m or 7d"),
        ("POLLING__RUNS", "", "polling.runs: '' is not a duration; write it as 90s, 1h30m or 7d"),
        ("POLLING__RUNS__X", "1s", "polling.runs: a duration is text with a unit, such as 90s, 1h30m or 7d"),
        ("POLLING", "1s", 'should be JSON, such as ["a", "b"] or {"a": "b"}'),
        ("POLLING", "[]", "polling: should be a mapping of keys to values"),
        ("AUTO_STOP__APPS", "*", 'should be JSON, such as ["a", "b"] or {"a": "b"}'),
        ("AUTO_STOP__APPS", "[" * 100_000, 'should be JSON, such as ["a", "b"] or {"a": "b"}'),
        ("AUTO_STOP__APPS", "{}", "auto_stop.apps: should be a list"),
        ("PROJECT_FILES", "*.yml", 'should be JSON, such as ["a", "b"] or {"a": "b"}'),
        ("PROJECT_FILES", '"*.yml"', "project_files: should be a list"),
        ("PROJECT_FILES", "[1]", "project_files[0]: should be text"),
        ("AUTO_STOP__APPS", "[1]", "auto_stop.apps[0]: should be text"),
        ("AUTO_STOP__APPS", r'["\ud800"]', "auto_stop.apps[0]: cannot be used here"),
        ("APPS__0__MATCH", "B*", "there is nothing to set inside of apps: a list is given whole, as JSON"),
        (
            "PROJECTS__SUPPORT__TIMEOUT__X",
            "1s",
            "there is nothing to set inside of projects.support.timeout: it is not a mapping",
        ),
        (
            "PROJECTS__NEW__TIMEOUT",
            "1s",
            "projects.new: give exactly one of api_key, api_key_file, token and token_file",
        ),
        ("PROJECTS__SUPPORT__API_KEY", "", "projects.support.api_key: is empty"),
        ("WEB__TOKEN_FILE", "/gone", "web.token_file: cannot read /gone: No such file or directory"),
        ("API_KEY", "k", "works without a config file only; set ALLI_MONITOR_PROJECTS__<NAME>__API_KEY"),
        ("", "x", "'': unknown key"),
        ("\udcff\n", "x", "unknown key"),
        ("ALERTING__LANGUAGE", "kr", "alerting.language: should be 'en', 'ko' or 'ja'"),
    ],
)
def test_says_which_variable_is_wrong(errors_of: Errors, variable: str, text: str, error: str) -> None:
    """A mistake in a variable is told in one line that begins with its name."""
    shown = f"ALLI_MONITOR_{variable}".encode("unicode_escape").decode()
    assert errors_of(FILE, {f"ALLI_MONITOR_{variable}": text}) == [f"{shown}: {error}"]


def test_tells_of_variables_and_of_the_file_at_once(errors_of: Errors) -> None:
    """Mistakes in variables that are not even JSON do not hide those in the file."""
    assert errors_of(FILE + "  runs: 1\n", {"ALLI_MONITOR_APPS": "x"}) == [
        'ALLI_MONITOR_APPS: should be JSON, such as ["a", "b"] or {"a": "b"}',
        "monitor.yml:10:3: polling.runs: '1' is not a duration; write it as 90s, 1h30m or 7d",
    ]


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_7464_TCP",
        "PORT_7464_TCP_PROTO",
        "PORT_7464_TCP_PORT",
        "PORT_7464_TCP_ADDR",
    ],
)
def test_overlooks_what_kubernetes_sets(load_text: Load, name: str) -> None:
    """What Kubernetes sets for a Service called alli-monitor is no setting of ours."""
    assert load_text(FILE, {f"ALLI_MONITOR_{name}": "tcp://10.0.0.1:7464"}) == load_text(FILE)


NAMES = st.lists(
    st.sampled_from(
        ["PROJECTS", "SUPPORT", "APPS", "HEADERS", "POLLING", "RUNS", "ALERTING", "ROUTE", "ROUTES", "", "0"]
    ),
    max_size=5,
).map("__".join)


@given(
    environ=st.dictionaries(NAMES.map("ALLI_MONITOR_{}".format), st.one_of(st.text(), st.sampled_from(["[]", "{}"])))
)
def test_any_environment_loads_or_is_refused(environ: dict[str, str]) -> None:
    """Whatever variables hold, loading them raises nothing but ConfigErrors."""
    with pytest.raises(ConfigErrors, match=r"^ALLI_MONITOR_|^there is no project"):
        load(None, environ)
