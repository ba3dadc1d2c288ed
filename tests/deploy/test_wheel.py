"""The wheel and the source distribution: built twice, as docs/supply-chain.md says, and looked into."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from packaging.metadata import Metadata

from monitor import __version__
from tests.docs.pages import ROOT, examples
from tests.support.package_index import require_success

SDIST = ["monitor", "rules", "README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".gitignore"]


def source(folder: Path) -> Path:
    """Return a copy of what a wheel is built from, with things beside it that must not get in."""
    for name in [*SDIST, "deploy/image/build-requirements.txt"]:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            copytree(ROOT / name, target, ignore=ignore_patterns("__pycache__"))
        else:
            target.write_bytes((ROOT / name).read_bytes())
    for name in ["monitor/left.db", "monitor/__pycache__/old.cpython-311.pyc", "tests/test_it.py", "secret.yml"]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not for users", encoding="utf-8")
    return folder


def commands() -> str:
    """Return the commands of the page with which everybody builds a wheel."""
    return next(each.text for each in examples("bash") if "hatchling build" in each.text)


def files(folder: Path, name: str) -> set[str]:
    """Return the paths of the source files in one of its folders, relative to that."""
    below = (folder / name).rglob("*")
    return {
        str(each.relative_to(folder / name)) for each in below if each.is_file() and each.suffix not in {".db", ".pyc"}
    }


@pytest.mark.service
@pytest.mark.timeout(300)
def test_wheel_is_reproducible_and_complete(tmp_path: Path) -> None:
    """Who follows the page builds the same bytes at another time and place, and they hold what users need, no more."""
    first = source(tmp_path / "first")
    second = copytree(first, tmp_path / "else/where")
    own = os.environ  # noqa: TID251 - the test's own environment, for its children
    environment = {name: value for name, value in own.items() if name != "SOURCE_DATE_EPOCH"}
    ran = subprocess.run(
        ["/usr/bin/env", "bash", "-ec", commands()],
        cwd=first,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    require_success(ran)
    for file in second.rglob("*"):
        os.utime(file, (10**9, 10**9))
        file.chmod(0o700 if file.is_dir() else 0o600)
    subprocess.run(
        [first / "build/bin/python", "-m", "hatchling", "build", "-d", "dist"],
        cwd=second,
        env=environment | {"TZ": "Asia/Seoul", "PYTHONHASHSEED": "7", "LC_ALL": "C"},
        umask=0o077,
        check=True,
        capture_output=True,
    )
    built = sorted((first / "dist").iterdir())
    assert [file.name for file in built] == [
        f"alli_monitor-{__version__}-py3-none-any.whl",
        f"alli_monitor-{__version__}.tar.gz",
    ]
    for file in built:
        assert file.read_bytes() == (second / "dist" / file.name).read_bytes(), file.name
    check_wheel(built[0], first)
    check_sdist(built[1], first)


def check_wheel(wheel: Path, folder: Path) -> None:
    """Check that a wheel has the package, the shipped rules, its licence and valid metadata, and nothing else."""
    info = f"alli_monitor-{__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        described = Metadata.from_email(archive.read(f"{info}/METADATA"))
    assert names == {
        *(f"monitor/{name}" for name in files(folder, "monitor")),
        *(f"monitor/shipped_rules/{name}" for name in files(folder, "rules")),
        *(f"{info}/{name}" for name in ["METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"]),
    }
    assert {
        "monitor/py.typed",
        "monitor/shipped_rules/background-runs.yml",
        "monitor/simulator/scenarios/demo.yaml",
        "monitor/store/migrations/script.py.mako",
        "monitor/notify/templates/mail.html",
        "monitor/web/static/console.js",
        "monitor/web/templates/console.html",
    } <= names
    assert (str(described.version), described.license_expression) == (__version__, "Apache-2.0")


def check_sdist(sdist: Path, folder: Path) -> None:
    """Check that a source distribution has what a wheel is built from, and nothing else."""
    root = sdist.name.removesuffix(".tar.gz")
    with tarfile.open(sdist) as archive:
        names = set(archive.getnames())
    assert names == {
        *(f"{root}/{part}/{name}" for part in ["monitor", "rules"] for name in files(folder, part)),
        *(f"{root}/{name}" for name in ["PKG-INFO", *SDIST] if not (folder / name).is_dir()),
    }
