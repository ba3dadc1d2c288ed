from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import AfterValidator

from docs import generate
from monitor.cli.unbuilt import UNBUILT
from monitor.configured import load_rules
from monitor.model.builtin import Builtin
from monitor.rules.schema import RuleModel
from monitor.settings import Settings, load
from monitor.settings.fields import Section
from tests.docs.pages import ROOT, anchors, rows

DOCS = ROOT / "docs"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_generated_parts_are_up_to_date(page: Path) -> None:
    """What follows from the code stands in the page as `python docs/generate.py` would write it now."""
    text = page.read_text(encoding="utf-8")
    assert generate.render(text) == text


def test_every_generator_is_used() -> None:
    """No generated part was lost from the pages."""
    everything = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    used = set(re.findall(r"<!-- generated: ([\w -]+) -->", everything))
    assert used == generate.GENERATORS.keys()


def test_every_setting_has_a_meaning() -> None:
    """settings.yml has exactly the keys of the settings."""
    assert generate.meanings().keys() == {key.path for key in generate.settings_keys()}


def unbuilt(section: type[Section], path: str = "") -> Iterator[str]:
    """Yield the paths of the keys that take nothing but their default, for "not in this version"."""
    for name, field in section.model_fields.items():
        below = f"{path}.{field.alias or name}".removeprefix(".")
        checks = [each.func for each in field.metadata if isinstance(each, AfterValidator)]
        if any(check.__qualname__.startswith("only.") for check in checks):
            yield below
        for inner, mark in sections(field.annotation):
            if inner is not section:  # a route holds routes
                yield from unbuilt(inner, below + mark)


def sections(annotation: Any) -> Iterator[tuple[type[Section], str]]:
    """Yield the sections in a field's type, each with what stands between its keys and the field's."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation, ""
    for part in get_args(annotation):
        if isinstance(part, type) and issubclass(part, Section):
            yield part, ".<name>" if "Mapping" in str(annotation) else "[]"


def test_settings_not_in_this_version_are_marked() -> None:
    """What has no meaning in settings.yml is what the settings refuse as not in this version."""
    assert {path for path, meaning in generate.meanings().items() if meaning is None} == set(unbuilt(Settings))


def test_example_configuration_has_every_key() -> None:
    """deploy/config/monitor.yml names every key, as an example or as a comment."""
    text = (ROOT / "deploy/config/monitor.yml").read_text(encoding="utf-8")
    built = [path for path, meaning in generate.meanings().items() if meaning is not None]
    names = {re.split(r"[.\]>]", path)[-1] for path in built}
    missing = {name for name in names if not re.search(rf"\b{name}\b", text)}
    assert missing == set()


def test_every_rule_field_is_documented() -> None:
    """The table of fields has every key of a rule."""
    assert {field.alias or name for name, field in RuleModel.model_fields.items()} <= rows(DOCS / "rules.md")


def test_every_alert_has_a_runbook_section() -> None:
    """Somebody who is woken by an alert finds its name as a heading."""
    rules = load_rules(load(None, {"ALLI_MONITOR_API_KEY": "x"}))
    names = rules.names | {name.value for name in Builtin}
    assert {name.lower() for name in names} <= anchors(DOCS / "operations.md")


def test_unbuilt_commands_are_named() -> None:
    """Commands that are not in this version stand in the page of commands, and in no heading of it."""
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert all(f"`alli-monitor {name}`" in page.rpartition("<!-- generated: ")[2] for name in UNBUILT)
    assert not any(re.search(rf"^## .*`alli-monitor {name}", page, re.MULTILINE) for name in UNBUILT)


def test_layers_are_those_that_are_checked() -> None:
    """The layers in architecture.md are those of the import contract, from top to bottom."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [checked] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    section = (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Layers")[2].partition("\n## ")[0]
    shown = re.findall(r"^ {4}(\w+(?: \| \w+)*)(?:  |$)", section, re.MULTILINE)
    assert shown == checked
