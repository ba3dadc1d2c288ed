"""
Says whether an environment has what sbom.json beside this file lists, and nothing else: ``python verify.py``.

Run it with the Python of that environment, in a container too: it needs the standard library only. Prints a line for
each difference, and exits 1 if there is one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

__all__ = ["differences", "listed"]


def listed(document: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions that a CycloneDX document names, by distribution: of its components and its subject."""
    return {each["name"]: each["version"] for each in [document["metadata"]["component"], *document["components"]]}


def differences(expected: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Return a line for each distribution whose version is another, or that only one of the two has."""
    return [
        f"{name}: {expected.get(name, 'nothing')} is listed, {installed.get(name, 'nothing')} is installed"
        for name in sorted(expected.keys() | installed.keys())
        if expected.get(name) != installed.get(name)
    ]


def _main() -> None:
    installed = {re.sub(r"[-_.]+", "-", each.name).lower(): each.version for each in distributions()}
    document = json.loads(Path(__file__).with_name("sbom.json").read_text(encoding="utf-8"))
    found = differences(listed(document), installed)
    print(*found or [f"{len(installed)} distributions, as listed"], sep="\n")  # noqa: T201 - a command line prints
    sys.exit(bool(found))


if __name__ == "__main__":
    _main()
