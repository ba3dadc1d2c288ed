"""Under which licences the dependencies are, as SPDX expressions, and which of these may come in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageMetadata
from typing import NamedTuple

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

__all__ = ["COPYLEFT", "PERMISSIVE", "READ", "Licence", "is_allowed", "licence", "page"]

PERMISSIVE = frozenset({"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT", "PSF-2.0"})
"""Licences that ask for their text to be kept, and no more."""

READ = {
    "aiosqlite": "MIT",
    "google-re2": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "python-stdnum": "LGPL-2.1-or-later",
    "shellingham": "ISC",
}
"""Distributions whose metadata names no SPDX licence: what a person read in their licence text."""


class Exemption(NamedTuple):
    """A licence that is not permissive, let in for one distribution, and why that is fine."""

    licence: str
    reason: str


COPYLEFT = {
    "certifi": Exemption(
        licence="MPL-2.0",
        reason="""\
The Mozilla Public License covers the files of certifi, and not the programs that use them. certifi is installed as its
authors publish it, and what is installed is its source: a list of certificates and a few lines of Python. Who passes an
image on passes on that source with it. Who changes those files must publish the change.""",
    ),
    "python-stdnum": Exemption(
        licence="LGPL-2.1-or-later",
        reason="""\
alli-monitor imports python-stdnum as a library, to recognize numbers of identity cards and accounts in texts that must
not leave the process. The Lesser General Public License sets three conditions for that, and they are met:

- Its licence text goes with it: it is in the image, beside the library.
- Its source goes with it: it is pure Python, installed as its authors publish it, unchanged.
- Users can put a version of their own in its place: it is a distribution by itself, so `pip install` of another version
  into the environment, or into an image built on this one, replaces it. Nothing checks that it was not changed.

It does not reach the code of alli-monitor, which stays under the Apache License 2.0. Who changes python-stdnum and
passes that on must publish the change under the same licence.""",
    ),
}


class Licence(NamedTuple):
    """An SPDX expression, and whether the authors declared it in the metadata (else a person read the text)."""

    expression: str
    declared: bool


def licence(name: str, metadata: PackageMetadata) -> Licence:
    """Return the licence of a distribution; LookupError if its metadata names none, and nobody has read its text."""
    for text in [*metadata.get_all("License-Expression", []), *metadata.get_all("License", [])]:
        try:
            return Licence(canonicalize_license_expression(text), declared=True)
        except InvalidLicenseExpression:
            continue
    if name not in READ:
        raise LookupError(f"the metadata of {name} names no SPDX licence: read its licence text, and add it to READ")
    return Licence(READ[name], declared=False)


def is_allowed(name: str, expression: str) -> bool:
    """Whether a distribution may come in: each licence in the expression is permissive, or exempted for this one."""
    licences = set(re.findall(r"[\w.+-]+", expression)) - {"AND", "OR"}
    return licences <= PERMISSIVE or (name in COPYLEFT and expression == COPYLEFT[name].licence)


def page(licences: Mapping[str, str], needed_by: Mapping[str, Sequence[str]]) -> str:
    """Return the page THIRD_PARTY.md: each distribution, its licence and what needs it, then the exemptions."""
    rows = "".join(f"| {name} | {licences[name]} | {', '.join(needed_by[name])} |\n" for name in sorted(licences))
    reasons = "\n".join(f"\n## {name}: {each.licence}\n\n{each.reason}" for name, each in sorted(COPYLEFT.items()))
    return _PAGE.format(rows=rows, reasons=reasons)


_PAGE = """\
# Licences of what is installed with alli-monitor

<!-- Made by deploy/supply/generate.py: do not edit. -->

alli-monitor itself is under the [Apache License 2.0](LICENSE). What it needs is installed beside it, as its authors
publish it, each with its own licence text in its `.dist-info` folder. Licences are named as in the SPDX list; versions
and hashes stand in [sbom.json](deploy/supply/sbom.json). The image leaves out their tests, and the place names of
phonenumbers.

| distribution | licence | needed by |
| --- | --- | --- |
{rows}
Permissive licences ask for their text to be kept, and no more. Two are not of that kind, and are let in on purpose.
{reasons}
"""
