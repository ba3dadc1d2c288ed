"""What pages name exists: files, tests, variables, settings, metrics."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from prometheus_client.metrics import MetricWrapperBase

from docs import generate
from monitor.metrics import Metrics
from monitor.settings import Settings
from tests.docs.pages import PAGES, ROOT, spans

_FILE = re.compile(r"(?:monitor|tests|docs|deploy|rules|\.ci)/[\w./*-]*")
_PLACEHOLDER = re.compile(r"NAME|NNNN")
_VARIABLE = re.compile(r"ALLI_MONITOR_[A-Z0-9_]+\b(?!\*)")
_SHORTCUTS = {"ALLI_MONITOR_API_KEY", "ALLI_MONITOR_API_KEY_FILE", "ALLI_MONITOR_BASE_URL", "ALLI_MONITOR_"}
_METRIC = re.compile(r"(?<![\w:.\-/])alli(?:_[a-z]+)+(?![\w:*{]*:)")
_NO_METRICS = re.compile(r"alli_(api_key|monitor(_\w+_key)?|gateway\w*)|\w+_file")
_CHANGES = {"CHANGELOG.md"}  # tells of what was, too


@cache
def all_tests() -> set[str]:
    """Return the names of all tests."""
    files = (ROOT / "tests").rglob("test_*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def setting_paths() -> set[str]:
    """Return the path of each key and section of the settings, without `<name>` and `[]`."""
    found: set[str] = set()
    for key in generate.settings_keys():
        parts = [part for part in key.path.replace("[]", "").split(".") if not part.startswith("<")]
        found.update(".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    """What a page names as a file of this repository is one, or a pattern that finds some."""
    for span in spans(page):
        name = span.partition("::")[0]
        if _FILE.fullmatch(name) and not _PLACEHOLDER.search(name):
            assert [*ROOT.glob(name.rstrip("/")), *ROOT.glob(f"deploy/*/{name}")], f"{page.name} names {span}"


def test_tests_that_are_named_exist() -> None:
    """A test that a page gives as its proof is one, so that no promise outlives its proof."""
    named = {span for page in PAGES for span in spans(page) if re.fullmatch(r"test_\w+", span)}
    assert len(named) > 20
    assert named <= all_tests() | {path.stem for path in (ROOT / "tests").rglob("test_*.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_variables_that_are_named_work(page: Path) -> None:
    """Each variable of the environment is named after a key of the settings, or is one of the three short ones."""
    keys = [key.path.replace("[]", "").replace("<name>", "[A-Z0-9_]+?") for key in generate.settings_keys()]
    known = re.compile("|".join(f"ALLI_MONITOR_{key.upper().replace('.', '__')}" for key in keys))
    text = page.read_text(encoding="utf-8")
    for name in set(_VARIABLE.findall(text)) - _SHORTCUTS:
        assert known.fullmatch(name), f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    """Each path in code style that begins with a section of the settings leads to a key of it."""
    path = re.compile(rf"(?:{'|'.join(Settings.model_fields)})(?:\.[a-z_]+)+")
    for span in spans(page):
        name = span.partition(":")[0].replace("[]", "").replace(".<name>", "")
        is_module = (ROOT / "monitor" / f"{name.replace('.', '/')}.py").exists()
        if path.fullmatch(name) and not is_module:
            assert name in setting_paths(), f"{page.name} names {span}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in _CHANGES], ids=lambda page: page.name)
def test_metrics_that_are_named_exist(page: Path) -> None:
    """Each metric that a page or one of its examples names is exported, as it is or with a suffix of its type."""
    known = {name for metric in vars(Metrics()).values() for name in _samples(metric)}
    for name in set(_METRIC.findall(page.read_text(encoding="utf-8"))):
        assert name in known or _NO_METRICS.fullmatch(name), f"{page.name} names {name}"


def _samples(metric: object) -> set[str]:
    if not isinstance(metric, MetricWrapperBase):
        return set()
    [described] = metric.describe()
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(described.type, ())
    return {described.name, *(described.name + suffix for suffix in suffixes)}
