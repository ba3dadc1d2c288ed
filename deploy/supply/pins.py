"""What is installed with the package: the pins of deploy/image/requirements.txt, and which of them needs which."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageMetadata, distributions
from itertools import product
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["Pin", "graph", "installed", "read_pins"]

_PIN = re.compile(r"^(?P<name>\S+)==(?P<version>\S+)(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)

_PLATFORMS = [
    {
        "os_name": "posix",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "python_version": python,
        "python_full_version": f"{python}.0",
    }
    for python, machine in product(["3.11", "3.12", "3.13"], ["x86_64", "aarch64"])
]


class Pin(NamedTuple):
    """A distribution as it is installed: normalized name, version, and the SHA-256 (hex) of each file that may be."""

    name: str
    version: str
    hashes: list[str]


def read_pins(text: str) -> list[Pin]:
    """Return the pins of a requirements file as ``uv pip compile`` writes it, in its order."""
    return [
        Pin(each["name"], each["version"], re.findall(r"[0-9a-f]{64}", each["hashes"])) for each in _PIN.finditer(text)
    ]


def installed(folder: Path) -> dict[str, PackageMetadata]:
    """Return the metadata of what is installed in a folder, by normalized name."""
    return {canonicalize_name(each.name): each.metadata for each in distributions(path=[str(folder)])}


def graph(root: str, requirements: Iterable[str], metadata: Mapping[str, PackageMetadata]) -> dict[str, list[str]]:
    """
    Return what each distribution needs, by normalized name: of the root, and of all that its requirements bring.

    A dependency counts if it holds on any platform of the image: Linux, x86-64 or ARM64, CPython 3.11 to 3.13. Raises
    KeyError if the metadata of one is missing.
    """
    waiting = [Requirement(each) for each in requirements]
    needs = {root: {canonicalize_name(each.name) for each in waiting}}
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        new = {(name, extra) for extra in ("", *requirement.extras)} - seen
        seen |= new
        declared = [Requirement(each) for each in metadata[name].get_all("Requires-Dist", [])]
        needed = [each for each in declared if any(_applies(each, extra) for _, extra in new)]
        needs.setdefault(name, set()).update(canonicalize_name(each.name) for each in needed)
        waiting += needed
    return {name: sorted(needs[name]) for name in sorted(needs)}


def _applies(requirement: Requirement, extra: str) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**platform, "extra": extra}) for platform in _PLATFORMS)
