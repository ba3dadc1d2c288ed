from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor.errors import ConfigErrors
from monitor.settings import Settings, load

Load = Callable[..., Settings]
Errors = Callable[..., list[str]]

CONFIG = "projects:\n  main: {api_key: k}\nproject_files: ['projects.d/*.yml', projects.d/sales.yml]\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str], None]:
    """Return a function that writes a file into projects.d, beside the config file."""
    directory = tmp_path / "projects.d"
    directory.mkdir()

    def write(name: str, text: str) -> None:
        (directory / name).write_text(text, encoding="utf-8")

    return write


Put = Callable[[str, str], None]


def test_each_file_is_a_project_of_its_name(load_text: Load, put: Put, tmp_path: Path) -> None:
    """A file holds what would stand under the name; its secrets start from the config file, too; order is by name."""
    (tmp_path / "key").write_text("s")
    put("support.eu.yml", "token: t\ntimeout: 5s\n")
    put("sales.yml", "api_key_file: key\npolling: {runs: 1s}\n")
    put("other.yaml", "no project: it has another ending\n")
    settings = load_text(CONFIG)
    assert list(settings.projects) == ["main", "sales", "support.eu"]
    assert settings.projects["support.eu"].timeout == 5.0
    key = settings.projects["sales"].api_key
    assert key is not None
    assert key.get_secret_value() == "s"
    assert settings.polling_of("sales").runs == 1.0
    assert not settings.warnings


def test_projects_may_all_stand_in_files(load_text: Load, put: Put) -> None:
    """The section `projects` may be absent, or left without anything in it."""
    put("sales.yml", "api_key: k")
    assert list(load_text("project_files: ['projects.d/*']").projects) == ["sales"]
    assert list(load_text("projects:\nproject_files: ['projects.d/*']").projects) == ["sales"]


def test_variables_override_what_stands_in_a_file(load_text: Load, put: Put) -> None:
    """A variable finds the project of a file by its name, whatever case, hyphens and dots that has."""
    put("Support-1.eu.yml", "token: t\ntimeout: 5s\n")
    settings = load_text(CONFIG, {"ALLI_MONITOR_PROJECTS__SUPPORT_1_EU__TIMEOUT": "7s"})
    assert list(settings.projects) == ["main", "Support-1.eu"]
    assert settings.projects["Support-1.eu"].timeout == 7.0


def test_the_list_of_globs_may_come_from_a_variable(put: Put, tmp_path: Path) -> None:
    """Without a config file, a variable names the files, and others override what is in them."""
    put("sales.yml", "api_key: k")
    environ = {
        "ALLI_MONITOR_PROJECT_FILES": f'["{tmp_path}/projects.d/*.yml"]',
        "ALLI_MONITOR_PROJECTS__SALES__TIMEOUT": "7s",
    }
    assert load(None, environ).projects["sales"].timeout == 7.0


def test_a_glob_without_files_is_a_warning(load_text: Load, put: Put) -> None:
    """What matches nothing is told, and does not keep other projects from being watched."""
    put("sales.yml", "api_key: k")
    settings = load_text("project_files: ['projects.d/*.yml', 'more/*.yml']\n")
    assert settings.warnings == ("project_files: more/*.yml matches no file",)


def test_says_that_there_is_no_project_at_all(errors_of: Errors) -> None:
    """Where the globs were to bring the only projects, the error names them."""
    line = "there is no project: projects.d/*.yml in project_files matches no file"
    assert errors_of("log: {}\nproject_files: [projects.d/*.yml]") == [f"monitor.yml:2:1: {line}"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "1:1: projects.sales: give exactly one of api_key, api_key_file, token and token_file"),
        ("- a", "1:1: the file should be a mapping of keys to values"),
        ("a: {", "1:5: expected the node content, but found '<stream end>'"),
        ("token: t\ntimeuot: 1s", "2:1: projects.sales.timeuot: unknown key; did you mean timeout?"),
        ("token: t\nheaders:\n  X: 'a\\nb'\n  User-Email: a", "4:3: projects.sales.headers.User-Email: is refused"),
        ("token: t\nname: x", "2:1: projects.sales.name: unknown key"),
        ("projects: {sales: {token: t}}", "1:1: projects.sales.projects: unknown key"),
    ],
)
def test_says_where_in_a_file_something_is_wrong(errors_of: Errors, put: Put, text: str, error: str) -> None:
    """A mistake in the file of a project is told with that file's line and column."""
    put("sales.yml", text)
    assert errors_of(CONFIG)[-1].startswith(f"projects.d/sales.yml:{error}")


def test_says_whose_name_is_taken(errors_of: Errors, put: Put, tmp_path: Path) -> None:
    """A project that stands in the config file, or in a file of the same name elsewhere, is not replaced."""
    put("main.yml", "token: t")
    put("sales.yml", "token: t")
    (tmp_path / "sales.yml").write_text("token: t")
    assert errors_of(CONFIG.replace("]", ", sales.yml]")) == [
        "projects.d/main.yml:1:1: there is another project of this name, in monitor.yml, line 2",
        "sales.yml:1:1: there is another project of this name, in projects.d/sales.yml, line 1",
    ]


@pytest.mark.parametrize("name", ["a b", "a__b", "-a"])
def test_says_which_file_names_cannot_be_projects(errors_of: Errors, put: Put, name: str) -> None:
    """The name of a file has to be one of a project."""
    put(f"{name}.yml", "token: t")
    (error,) = errors_of(CONFIG)
    assert error.startswith(f"projects.d/{name}.yml:1:1: projects.{name}: is not a project name")


def test_tells_everything_at_once_file_by_file(errors_of: Errors, put: Put) -> None:
    """Mistakes in variables come first, then those of the config file, then those of each project's file."""
    put("a.yml", "token: t\nx: y\n")
    put("b.yml", "x: y\ntoken: t\n")
    errors = errors_of(CONFIG + "\n\n\nx: y\n", {"ALLI_MONITOR_Z": "y", "ALLI_MONITOR_POLLING__RUNS": "y"})
    places = ["ALLI_MONITOR_POLLING__RUNS", "ALLI_MONITOR_Z", "monitor.yml:7:1"]
    places += ["projects.d/a.yml:2:1", "projects.d/b.yml:1:1"]
    assert [error.partition(": ")[0] for error in errors] == places


def test_tells_of_every_file_that_cannot_be_read(errors_of: Errors, put: Put) -> None:
    """Files that are not even YAML are told together."""
    put("a.yml", "{")
    put("b.yml", "[")
    assert [error.partition(":")[0] for error in errors_of(CONFIG)] == ["projects.d/a.yml", "projects.d/b.yml"]


TEXTS = st.lists(st.sampled_from(["token", "polling", ": ", "\n", "\n  ", "- ", "{", "}", "&a ", "*a", "'", "\x00"]))


@hypothesis_settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.one_of(st.text(), TEXTS.map("".join)))
def test_any_text_loads_or_is_refused(tmp_path: Path, text: str) -> None:
    """Whatever the file of a project holds, loading it raises nothing but ConfigErrors, of one line each."""
    (tmp_path / "sales.yml").write_bytes(text.encode("utf-8", "surrogatepass"))
    config = tmp_path / "monitor.yaml"
    config.write_text("projects: {p: {api_key: k}}\nproject_files: ['*.yml']\n")
    try:
        load(config, {})
    except ConfigErrors as errors:
        told = [str(error) for error in errors.errors]
    else:
        told = []
    assert all(line.isprintable() and "sales.yml" in line for line in told)
