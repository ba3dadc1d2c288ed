from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

_OURS = {"monitor", "tests", "docs", "deploy"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported(folder: str) -> set[str]:
    """Return the top-level modules that the code in a folder imports and Python does not bring."""
    names: set[str] = set()
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - _OURS


def declared(requirements: list[str]) -> set[str]:
    """Return the names of distributions in a list of requirements, normalized."""
    names = (re.split(r"[\[<>=~! ]", requirement)[0] for requirement in requirements)
    return {normalized(name) for name in names}


def normalized(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def distributions(modules: set[str]) -> set[str]:
    """Return which distributions bring these modules; pydantic-core is a part of pydantic."""
    known = packages_distributions()
    return {normalized(known[module][0]) for module in modules} - {"pydantic-core"}


def test_what_the_package_imports_is_declared() -> None:
    """An installation from nothing has every library that the package imports, and no other."""
    by_name = {"aiosqlite", "tzdata"}  # imported by SQLAlchemy because of the URL, and read by zoneinfo
    assert distributions(imported("monitor")) | by_name == declared(PROJECT["dependencies"])


def test_what_the_tests_import_is_declared() -> None:
    """The extra `test` has every further library that tests, documentation and what makes deploy/ import."""
    needed = distributions(imported("tests") | imported("docs") | imported("deploy"))
    assert needed <= declared([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])


@pytest.mark.parametrize(("services", "failures"), [("required", 1), ("", 0)])
def test_skipped_service_tests_fail_where_required(services: str, failures: int, tmp_path: Path) -> None:
    """With CI_SERVICES=required a test of a real server that skips fails; other skips, and elsewhere, do not."""
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "@pytest.mark.service\n"
        "def test_server() -> None:\n"
        "    pytest.skip('not installed')\n"
        "def test_other() -> None:\n"
        "    pytest.skip('another reason')\n",
        encoding="utf-8",
    )
    (tmp_path / "conftest.py").write_bytes((ROOT / "tests/conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = service\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "CI_SERVICES": services},  # noqa: TID251 - the test's own environment, for its child
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == (1 if failures else 0), ran.stdout
    assert f"{2 - failures} skipped" in ran.stdout
    assert ("not installed" in ran.stdout) is bool(failures)


def test_ci_script_parses() -> None:
    """`.ci/run` is executable, stops at the first error, and is bash."""
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    subprocess.run(["/usr/bin/env", "bash", "-n", script], check=True)
