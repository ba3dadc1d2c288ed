"""
Writes what says where everything comes from: ``python deploy/supply/generate.py [--upgrade]``.

The two requirements files of the image, sbom.json beside this file, and THIRD_PARTY.md. Versions stay as they are
pinned, unless pyproject.toml forbids them or ``--upgrade`` asks for the newest. Needs uv and a package index.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from deploy.supply import licences, pins
from deploy.supply.sbom import APPLICATION, sbom
from monitor import __version__

__all__ = ["BUILD_REQUIREMENTS", "PROJECT", "REQUIREMENTS", "SBOM", "THIRD_PARTY", "install", "render"]

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "deploy/image/requirements.txt"
BUILD_REQUIREMENTS = ROOT / "deploy/image/build-requirements.txt"
SBOM = ROOT / "deploy/supply/sbom.json"
THIRD_PARTY = ROOT / "THIRD_PARTY.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

_COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"),
    *("--generate-hashes", "--only-binary", ":all:", "--emit-build-options"),
    *("--no-emit-package", "colorama"),  # only on Windows
    *("--annotation-style", "line", "--custom-compile-command", "python deploy/supply/generate.py"),
]


def install(folder: Path) -> subprocess.CompletedProcess[str]:
    """Install what is pinned, and nothing else, into a folder with pip; the caller looks at the return code."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes"]
    return subprocess.run(  # noqa: S603 - the arguments stand here
        [*command, "--target", folder, "-r", REQUIREMENTS], capture_output=True, text=True, check=False
    )


def render(folder: Path) -> dict[Path, str]:
    """Return the files that follow from the pins and from the metadata of what is installed in a folder."""
    pinned = pins.read_pins(REQUIREMENTS.read_text(encoding="utf-8"))
    metadata = pins.installed(folder)
    needs = pins.graph(APPLICATION, PROJECT["project"]["dependencies"], metadata)
    found = {name: licences.licence(name, metadata[name]) for name in needs if name != APPLICATION}
    return {
        SBOM: sbom(__version__, pinned, found, needs),
        THIRD_PARTY: licences.page({name: each.expression for name, each in found.items()}, _needed_by(needs)),
    }


def _needed_by(needs: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {name: sorted(by for by, needed in needs.items() if name in needed) for name in needs}


def _compile(source: str, target: Path, options: Sequence[str], text: str | None = None) -> None:
    command = [*_COMPILE, *options, "--output-file", str(target.relative_to(ROOT)), source]
    subprocess.run(command, cwd=ROOT, input=text, text=True, check=True)  # noqa: S603 - the arguments stand here


def main() -> None:
    """Write the requirements, install them into a folder for a moment, and write what follows from that."""
    parser = argparse.ArgumentParser(description="Write requirements with hashes, sbom.json and THIRD_PARTY.md.")
    parser.add_argument("--upgrade", action="store_true", help="pin the newest versions that pyproject.toml allows")
    options = ["--upgrade"] if parser.parse_args().upgrade else []
    _compile("pyproject.toml", REQUIREMENTS, options)
    _compile("-", BUILD_REQUIREMENTS, options, "\n".join(PROJECT["build-system"]["requires"]))
    with TemporaryDirectory() as folder:
        installed = install(Path(folder))
        if installed.returncode:
            sys.exit(installed.stderr)
        for file, text in render(Path(folder)).items():
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
