from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy.supply import generate, licences, pins, verify
from monitor import __version__
from tests.docs.pages import ROOT
from tests.support.package_index import require_success

DIRECT = generate.PROJECT["project"]["dependencies"]
LINE = re.compile(
    r"|#.*|--only-binary :all:"
    r"|[a-z\d-]+==[\w.]+ \\"
    r"|    --hash=sha256:[\da-f]{64}( \\)?"
    r"|    # via [a-z\d-]+( \(pyproject\.toml\))?(, [a-z\d-]+( \(pyproject\.toml\))?)*"
)


def pinned(file: Path) -> dict[str, str]:
    """Return the versions of a requirements file, by distribution."""
    return {pin.name: pin.version for pin in pins.read_pins(file.read_text(encoding="utf-8"))}


def document() -> dict[str, Any]:
    """Return the bill of materials."""
    return dict(json.loads(generate.SBOM.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("file", "needed"),
    [
        (generate.REQUIREMENTS, DIRECT),
        (generate.BUILD_REQUIREMENTS, generate.PROJECT["build-system"]["requires"]),
    ],
    ids=["run", "build"],
)
def test_pins_are_what_the_project_asks_for(file: Path, needed: list[str]) -> None:
    """Each dependency in pyproject.toml is pinned, to a version that it allows."""
    versions = pinned(file)
    for requirement in map(Requirement, needed):
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


@pytest.mark.parametrize("file", [generate.REQUIREMENTS, generate.BUILD_REQUIREMENTS], ids=lambda file: file.name)
def test_requirements_are_pins_with_hashes_and_nothing_else(file: Path) -> None:
    """No line holds an address, a path or a version that is open, and each version has hashes of its own."""
    text = file.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if not LINE.fullmatch(line)] == []
    found = pins.read_pins(text)
    assert len(found) == text.count("==")
    hashes = [each for pin in found for each in pin.hashes]
    assert len(hashes) == len(set(hashes)) == text.count("--hash=")


def test_bill_of_materials_is_cyclonedx() -> None:
    """The bill of materials is valid by the strict schema of CycloneDX."""
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(generate.SBOM.read_text(encoding="utf-8")) is None


def test_bill_of_materials_is_what_is_pinned() -> None:
    """It names this version and each pin with its hashes and a licence, and no address, path or time."""
    bill = document()
    subject = bill["metadata"]["component"]
    assert (subject["version"], subject["licenses"][0]["license"]["id"]) == (
        __version__,
        generate.PROJECT["project"]["license"],
    )
    assert [
        (each["name"], each["version"], [found["content"] for found in each["externalReferences"][0]["hashes"]])
        for each in bill["components"]
    ] == pins.read_pins(generate.REQUIREMENTS.read_text(encoding="utf-8"))
    assert all(each["licenses"] for each in bill["components"])
    assert not re.search(r"://|\"/|timestamp", json.dumps(bill))


def test_bill_of_materials_reaches_everything() -> None:
    """From the dependencies in pyproject.toml, what needs what leads to each component."""
    bill = document()
    needs = {each["ref"]: each["dependsOn"] for each in bill["dependencies"]}
    root = bill["metadata"]["component"]["bom-ref"]
    names = {each["bom-ref"]: each["name"] for each in bill["components"]}
    assert {names[each] for each in needs[root]} == {canonicalize_name(Requirement(each).name) for each in DIRECT}
    reached, waiting = set(), [root]
    while waiting:
        if (each := waiting.pop()) not in reached:
            reached.add(each)
            waiting += needs[each]
    assert reached == {root, *names}


def test_licences_are_let_in() -> None:
    """Each library is under licences that may come in; no exemption and no reading outlives its library."""
    found = {
        each["name"]: (said.get("expression") or said["license"]["id"], said.get("license", said)["acknowledgement"])
        for each in document()["components"]
        for said in each["licenses"]
    }
    refused = {name: text for name, (text, _) in found.items() if not licences.is_allowed(name, text)}
    assert refused == {}
    assert {name for name, (text, _) in found.items() if not licences.is_allowed("another", text)} == {
        *licences.COPYLEFT
    }
    assert {name for name, (_, how) in found.items() if how == "concluded"} == licences.READ.keys()


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        ("new", "GPL-3.0-only"),
        ("new", "MIT AND GPL-2.0-or-later"),
        ("new", "LGPL-2.1-or-later"),
        ("python-stdnum", "GPL-3.0-only"),
        ("new", "Apache-2.0 WITH Something-exception"),
    ],
)
def test_other_licences_stay_out(name: str, expression: str) -> None:
    """A licence that is not permissive comes in neither alone, nor in company, nor on the exemption of another."""
    assert not licences.is_allowed(name, expression)


def put(folder: Path, name: str, *lines: str, version: str = "1") -> None:
    """Put a distribution with this metadata into a folder."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    text = "\n".join(["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}", *lines])
    (info / "METADATA").write_text(text, encoding="utf-8")


def test_licence_that_nobody_knows_stops_the_generator(tmp_path: Path) -> None:
    """What the metadata declares as SPDX is taken; a vague name is none, and has to be read by a person first."""
    put(tmp_path, "new", "License-Expression: MIT")
    put(tmp_path, "old", "License: BSD-3-Clause")
    put(tmp_path, "vague", "License: BSD")
    found = pins.installed(tmp_path)
    assert licences.licence("new", found["new"]) == ("MIT", True)
    assert licences.licence("old", found["old"]) == ("BSD-3-Clause", True)
    with pytest.raises(LookupError, match="vague names no SPDX licence"):
        licences.licence("vague", found["vague"])


def test_what_is_needed_follows_extras_and_platforms(tmp_path: Path) -> None:
    """A dependency counts if an extra that is asked for brings it, or any Python and processor of the image."""
    put(
        tmp_path,
        "Big.One",
        "Requires-Dist: small; extra == 'more'",
        "Requires-Dist: old; python_version < '3.12'",
        "Requires-Dist: arm; platform_machine == 'aarch64'",
        "Requires-Dist: never; sys_platform == 'win32'",
        "Requires-Dist: not-asked; extra == 'other'",
    )
    put(tmp_path, "small", "Requires-Dist: big-one")
    put(tmp_path, "old")
    put(tmp_path, "arm")
    assert pins.graph("app", ["big_one[more]>=1"], pins.installed(tmp_path)) == {
        "app": ["big-one"],
        "arm": [],
        "big-one": ["arm", "old", "small"],
        "old": [],
        "small": ["big-one"],
    }


def test_differences_are_named() -> None:
    """verify.py names what is missing, what is another version, and what nobody listed."""
    assert verify.differences({"a": "1", "b": "1", "c": "1"}, {"a": "1", "b": "2", "d": "1"}) == [
        "b: 1 is listed, 2 is installed",
        "c: 1 is listed, nothing is installed",
        "d: nothing is listed, 1 is installed",
    ]


@pytest.mark.service
@pytest.mark.timeout(300)
def test_what_is_pinned_can_be_installed_and_is_what_the_files_say(tmp_path: Path) -> None:
    """Pip installs the pins by their hashes, they are all that is needed, and the files that follow are up to date."""
    require_success(generate.install(tmp_path))
    for file, text in generate.render(tmp_path).items():
        assert file.read_text(encoding="utf-8") == text, f"run deploy/supply/generate.py for {file.name}"
    found = list(distributions(path=[str(tmp_path)]))
    assert {canonicalize_name(each.name): each.version for each in found} == pinned(generate.REQUIREMENTS)
    for each in found:
        names = [file.name.upper() for file in each.files or [] if file.parts[0].endswith(".dist-info")]
        assert any(name.startswith(("LICENSE", "LICENCE", "COPYING")) for name in names), each.name
    missing = f"alli-monitor: {__version__} is listed, nothing is installed\n"
    assert verified(tmp_path) == (1, missing)
    put(tmp_path, "alli-monitor", version=__version__)
    assert verified(tmp_path) == (0, f"{len(found) + 1} distributions, as listed\n")


def verified(folder: Path) -> tuple[int, str]:
    """Return with what verify.py exits, and what it prints, if only what is in a folder is installed."""
    ran = subprocess.run(
        [sys.executable, "-S", str(ROOT / "deploy/supply/verify.py")],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout
