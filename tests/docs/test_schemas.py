from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from docs import generate
from monitor.durations import parse_duration
from monitor.settings import shipped_rules
from monitor.settings.sizes import parse_size
from tests.docs.pages import ROOT, Example, examples


@cache
def validator(kind: str) -> jsonschema.Draft7Validator:
    """Return what checks files of a kind by the schema of the documentation."""
    schema = json.loads((generate.SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


def errors(kind: str, data: Any) -> list[str]:
    """Return where data does not fit, and why."""
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(data)]


def read(text: str) -> Any:
    """Return what an editor reads: YAML 1.2."""
    return YAML(typ="safe").load(text)


def test_schemas_are_up_to_date() -> None:
    """The schemas are what `python docs/generate.py` would write now, and there are no others."""
    committed = {file.name: file.read_text(encoding="utf-8") for file in generate.SCHEMAS.iterdir()}
    assert committed == generate.editor_schemas()


@pytest.mark.parametrize("example", examples("yaml"), ids=lambda example: example.id)
def test_examples_fit(example: Example) -> None:
    """No YAML example of the documentation has an error in an editor."""
    assert errors(example.kind, read(example.text)) == []


def test_shipped_files_fit() -> None:
    """Neither the example configuration, with its comments switched on or not, nor a shipped rule has an error."""
    text = (ROOT / "deploy/config/monitor.yml").read_text(encoding="utf-8")
    sections = re.compile(r"^# (?:polling|storage|log):(?:\n#   .*)+", re.MULTILINE)
    for each in (text, sections.sub(lambda found: re.sub(r"^# ", "", found[0], flags=re.MULTILINE), text)):
        assert errors("monitor", read(each)) == []
    for file in shipped_rules():
        assert errors("rules", read(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "project_files: [projects.d/*.yml]",
        "projects: {p: {api_key: k, polling: , timeout: }}\nweb:",
        "alerting: {route: {group_wait: 0}}\nstorage: {max_size: 0}",
        "auto_stop: {mode: off}",
        "apps: [{match: a, labels: {version: 1.10, old: yes, number: 3}}]",
        "alerting: {language: ko, inhibit_rules: []}",
        "alerting: {route: {repeat_backoff: 1.5, routes: [{routes: [{match: {a: 1}, routes: }]}]}}",
        "alerting: {time_intervals: [{name: a, time_intervals: [{years: [2027], days_of_month: [-1, '1:5']}]}]}",
    ],
)
def test_what_loads_fits(text: str) -> None:
    """Keys without a value, bare zeros, words, and scalars as labels are as good in an editor as they are to us."""
    assert errors("monitor", read(text)) == []


@pytest.mark.parametrize(
    ("kind", "text", "where"),
    [
        ("monitor", "poling: {}", "$: "),
        ("monitor", "projects: {p: {api_kye: k}}", "$.projects.p: "),
        ("monitor", "polling: {runs: 5}", "$.polling.runs: "),
        ("monitor", "polling: {runs: 5 s}", "$.polling.runs: "),
        ("monitor", "polling: {runs: 1h1d}", "$.polling.runs: "),
        ("monitor", "storage: {max_size: 2gb}", "$.storage.max_size: "),
        ("monitor", "projects: {p: {max_in_flight: 9}}", "$.projects.p.max_in_flight: "),
        ("monitor", "auto_stop: {mode: on}", "$.auto_stop.mode: "),
        ("monitor", "apps: [{run_limit: 1h}]", "$.apps[0]: "),
        ("monitor", "rule_files: rules/*.yml", "$.rule_files: "),
        ("monitor", "alerting: {language: kr}", "$.alerting.language: "),
        ("monitor", "alerting: {route: {repeat_backoff: 0.5}}", "$.alerting.route.repeat_backoff: "),
        ("monitor", "alerting: {route: {routes: [{routes: [{a: b}]}]}}", "$.alerting.route.routes[0].routes[0]: "),
        ("project", "projects: {p: {}}", "$: "),
        ("project", "polling: {ratings: [{every: 1m}]}", "$.polling.ratings[0]: "),
        ("rules", "groups: [{name: g, rules: [{alert: A, on: rnu, expr: 'true'}]}]", "$.groups[0].rules[0].on: "),
        ("rules", "groups: [{name: g, rules: [{alert: A, on: run}]}]", "$.groups[0].rules[0]: "),
        ("rules", "groups: [{name: g, rules: []}]\nx: y", "$: "),
    ],
)
def test_mistakes_do_not_fit(kind: str, text: str, where: str) -> None:
    """A mistake is one error in an editor, at the key it is about."""
    (error,) = errors(kind, read(text))
    assert error.startswith(where)


@given(text=st.one_of(st.from_regex(r"\A[0-9ywdhms]{0,8}\Z"), st.sampled_from(["1y2w3d4h5m6s7ms", "5m7ms", "0"])))
def test_durations_are_those_that_load(text: str) -> None:
    """Text is a duration to an editor if, and only if, it is one to us."""
    fits = not errors("monitor", {"polling": {"runs": text}})
    assert fits == loads(parse_duration, text)


@given(text=st.from_regex(r"\A[0-9]{0,3}[KMGTP]?i?B?\Z"))
def test_sizes_are_those_that_load(text: str) -> None:
    """Text is a size to an editor if, and only if, it is one to us."""
    fits = not errors("monitor", {"storage": {"max_size": text}})
    assert fits == loads(parse_size, text)


def loads(parse: Any, text: str) -> bool:
    """Return whether a text can be parsed."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def test_every_built_key_says_what_it_means() -> None:
    """Whoever points at a key sees the sentence of the documentation, in the file of a project, too."""
    shown = json.dumps([json.loads(text) for text in generate.editor_schemas().values()])
    for meaning in generate.meanings().values():
        assert json.dumps(meaning or "Not in this version.") in shown
    project = validator("project").schema["properties"]
    assert project["base_url"]["description"] == generate.meanings()["projects.<name>.base_url"]
