from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import trustme
import typer

from monitor.cli import commands
from monitor.cli.unbuilt import UNBUILT
from monitor.configured import load_rules, routing_tree
from monitor.rules import files
from monitor.settings import load, shipped_rules
from tests.docs.pages import PAGES, ROOT, Example, command_lines, examples, spans

SECRET = "http://127.0.0.1:9/secret"  # noqa: S105 - fit for an address and for a header
OTHER_SECRETS = {"apprise_url": "json://127.0.0.1:9/secret", "pagerduty_key": "0" * 32}
YAML = examples("yaml")
CONFIG = ROOT / "deploy/config/monitor.yml"


def as_file(text: str, directory: Path) -> Path:
    """Write a configuration with its secrets, certificates and rules beside it, and return its path."""
    for name in re.findall(r"/run/secrets/(\w+)", text):
        (directory / name).write_text(OTHER_SECRETS.get(name, SECRET), encoding="utf-8")
    authority = trustme.CA()
    client = authority.issue_cert("client.example")
    for key, pem in (("ca", authority.cert_pem), ("cert", client.cert_chain_pems[0]), ("key", client.private_key_pem)):
        for name in re.findall(rf"^[^#\n]*\b{key}_file: (\S+\.pem)", text, re.MULTILINE):
            pem.write_to_path(str(directory / name))
    (directory / "rules").mkdir(exist_ok=True)
    (directory / "rules" / "some.yml").write_bytes(shipped_rules()[0].read_bytes())
    file = directory / "monitor.yml"
    file.write_text(text.replace("/run/secrets/", f"{directory}/"), encoding="utf-8")
    return file


@pytest.mark.parametrize("example", YAML, ids=lambda example: example.id)
def test_yaml_examples_load(example: Example, tmp_path: Path) -> None:
    """Each example is a rule file that loads, or a configuration that does, or a part of one."""
    if example.kind == "rules":
        file = tmp_path / "rules.yml"
        file.write_text(example.text, encoding="utf-8")
        assert files.load([file]).rules
        return
    if example.kind == "project":
        text = "projects:\n  sales:\n" + textwrap.indent(example.text, "    ")
    else:
        text = example.text if "projects:" in example.text else "projects: {support: {api_key: x}}\n" + example.text
    settings = load(as_file(text, tmp_path), {})
    routing_tree(settings.alerting.route)


def test_example_configuration_loads(tmp_path: Path) -> None:
    """deploy/config/monitor.yml can be used as it is, once its secrets are there."""
    settings = load(as_file(CONFIG.read_text(encoding="utf-8"), tmp_path), {})
    assert load_rules(settings).rules
    assert not settings.warnings


def test_comments_of_the_example_configuration_are_the_defaults(tmp_path: Path) -> None:
    """With its commented sections switched on, deploy/config/monitor.yml means what it meant before."""
    text = CONFIG.read_text(encoding="utf-8")
    sections = re.compile(r"^# (?:polling|storage|log):(?:\n#   .*)+", re.MULTILINE)
    on, count = sections.subn(lambda found: re.sub(r"^# ", "", found[0], flags=re.MULTILINE), text)
    assert count == 3
    switched_on, plain = (load(as_file(each, tmp_path), {}) for each in (on, text))
    assert switched_on == plain


@pytest.mark.parametrize("example", examples("json"), ids=lambda example: example.id)
def test_json_examples_are_json(example: Example) -> None:
    """What is shown as JSON is JSON."""
    assert json.loads(example.text)


def described(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that these words name, and the words that follow its name."""
    command: Any = typer.main.get_command(commands)
    rest = list(words)
    while getattr(command, "commands", None) and rest and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    assert not command.hidden, words
    return command, rest


@pytest.mark.parametrize(("place", "words"), command_lines())
def test_commands_in_examples_are_understood(place: str, words: list[str]) -> None:
    """Each command in an example is one of this version, with arguments and options that it takes."""
    command, rest = described(words)
    with command.make_context(place, rest, resilient_parsing=False) as context:
        assert context.command is command


def test_commands_in_sentences_exist() -> None:
    """Each command that a sentence names is one of this version, with options that it has, or one that is to come."""
    named = {span for page in PAGES for span in spans(page) if re.search("^alli-monitor | exec .*alli-monitor ", span)}
    assert len(named) > 20
    for span in named:
        words = shlex.split(span.rpartition("alli-monitor ")[2])
        if words[0] in {*UNBUILT, "COMMAND"}:
            continue
        command, rest = described(words)
        assert not hasattr(command, "commands") or not rest or rest[0].startswith("-"), span
        known = {option for param in command.params for option in param.opts}
        assert {word for word in rest if word.startswith("-")} <= known, span
