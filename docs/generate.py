"""
Writes the parts of the documentation that follow from the code: ``python docs/generate.py``.

A page holds a generated part between ``<!-- generated: NAME -->`` and ``<!-- end -->``. What a key of the settings
means stands in settings.yml beside this file; types and defaults are those of the code. The schemas for editors are
made by editor_schema.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer
from prometheus_client.metrics import MetricWrapperBase
from ruamel.yaml import YAML

from docs import editor_schema
from monitor.cli import commands
from monitor.durations import format_duration
from monitor.metrics import Metrics
from monitor.model.builtin import SEVERITIES
from monitor.rules.cel import Kind
from monitor.rules.schema import FileModel
from monitor.rules.variables import VARIABLES, WINDOW_VARIABLES, Subject, Variable
from monitor.settings import Settings
from monitor.settings.sizes import format_size

__all__ = ["DOCS", "GENERATORS", "SCHEMAS", "Key", "editor_schemas", "meanings", "render", "settings_keys"]

DOCS = Path(__file__).parent
SCHEMAS = DOCS / "schemas"

_PART = re.compile(r"(<!-- generated: (?P<name>[\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_INHERITED = re.compile(r"alerting\.route\.routes\[\]\.(receiver|group_by|group_wait|(group|repeat)_\w+)")


def render(page: str) -> str:
    """Return the text of a page with its generated parts made anew."""
    return _PART.sub(lambda found: f"{found[1]}\n{GENERATORS[found['name']]()}\n{found[3]}", page)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


# Settings

_TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "number",
    "number": "duration",
    "object": "mapping",
    "string": "text",
}


class Key(NamedTuple):
    """A key of the settings: its path (``[]`` is an item of a list, ``<name>`` a name of the user's), type, default."""

    path: str
    type: str
    default: str


def meanings() -> dict[str, str | None]:
    """Return what each key of the settings means, by path; None for one that is not in this version."""
    return dict(YAML(typ="safe").load(DOCS / "settings.yml"))


def _rule_meanings() -> dict[str, str]:
    """Return what each field of a rule means: its row in the first table of rules.md."""
    table = (DOCS / "rules.md").read_text(encoding="utf-8").partition("| field |")[2].partition("\n\n")[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", table, re.MULTILINE))


def editor_schemas() -> dict[str, str]:
    """Return the JSON Schemas of all kinds of files, by the names of theirs."""
    rules = {f"groups[].rules[].{field}": meaning for field, meaning in _rule_meanings().items()}
    settings = editor_schema.of_settings(Settings, meanings())
    made = {
        "monitor.json": settings,
        "project.json": editor_schema.of_project(settings),
        "rules.json": editor_schema.of_rules(FileModel, rules, [*Subject]),
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in made.items()}


def settings_keys() -> list[Key]:
    """Return every key of the settings that has no keys below it."""
    schema = Settings.model_json_schema()
    return list(_keys(schema, schema, ""))


def _keys(node: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[Key]:
    for name, child in node["properties"].items():
        below = f"{path}.{name}".removeprefix(".")
        part = _resolved(child, root)
        kind = part.get("type")
        if kind == "array" and "properties" in (item := _resolved(part["items"], root)) and item is not node:
            yield from _keys(item, root, f"{below}[]")
        elif kind == "object" and "properties" in part:
            yield from _keys(part, root, below)
        elif kind == "object" and "properties" in (value := _resolved(part.get("additionalProperties"), root)):
            yield from _keys(value, root, f"{below}.<name>")
        else:
            default = _default(below, child, part, required=name in node.get("required", ()))
            yield Key(below, _type(name, part), default)


def _resolved(node: Any, root: dict[str, Any]) -> dict[str, Any]:
    """Return the node that stands behind references and behind "or null"."""
    if not isinstance(node, dict):
        return {}
    if "anyOf" in node:
        return _resolved(node["anyOf"][0], root)
    if "$ref" in node:
        return _resolved(root["$defs"][node["$ref"].rpartition("/")[2]], root)
    return node


def _type(name: str, part: dict[str, Any]) -> str:
    if "enum" in part:
        return ", ".join(f"`{word}`" for word in part["enum"])
    if part.get("format") in {"path", "size"}:
        return str(part["format"])
    if part.get("format") == "factor":
        return "number"
    if part.get("format") == "password":
        return "path of a secret" if name.endswith("_file") else "secret"
    return _TYPES[part["type"]]


def _default(path: str, child: dict[str, Any], part: dict[str, Any], *, required: bool) -> str:
    if required:
        return "required"
    if _INHERITED.fullmatch(path):
        return "as the route above"
    if path.startswith("projects.<name>.polling."):
        return "as `polling`"
    if path == "rule_files":
        return "the shipped rules"
    value = child.get("default", {} if part["type"] == "object" else None)
    if value is None:
        return "none"
    return f"`{_written(value, part)}`" if value != "" else "empty"


def _written(value: Any, part: dict[str, Any]) -> str:
    if part.get("format") == "factor":
        return f"{value:g}"
    if part["type"] == "number":
        return format_duration(value)
    if part.get("format") == "size":
        return format_size(value)
    return value if isinstance(value, str) else json.dumps(value)


def _settings() -> str:
    known = meanings()
    sections: dict[str, list[tuple[str, ...]]] = {}
    for key in settings_keys():
        section = re.split(r"[.\[]", key.path)[0]
        meaning = known[key.path]
        if meaning is not None:
            sections.setdefault(section, []).append((f"`{key.path}`", key.type, key.default, meaning))
    head = ("key", "type", "default", "meaning")
    return "\n".join(f"### {section}\n\n{_table(head, rows)}" for section, rows in sections.items())


def _later() -> str:
    return "".join(f"- `{path}`\n" for path, meaning in meanings().items() if meaning is None)


# Metrics, rules, alerts


def _metrics() -> str:
    found = [metric for metric in vars(Metrics()).values() if isinstance(metric, MetricWrapperBase)]
    return _table(("name", "type", "labels", "meaning"), map(_metric, found))


def _metric(metric: MetricWrapperBase) -> tuple[str, ...]:
    [described] = metric.describe()
    name = f"{described.name}_total" if described.type == "counter" else described.name
    labels = ", ".join(metric._labelnames)  # noqa: SLF001 - the library tells its labels nowhere else
    return f"`{name}`", described.type, labels, described.documentation


_KINDS = {Kind.STRING: "text", Kind.INT: "number", Kind.DURATION: "duration"}


def _variables(variables: Iterable[Variable]) -> str:
    rows = ((f"`{each.name}`", _KINDS[each.kind], each.meaning) for each in variables)
    return _table(("variable", "type", "meaning"), rows)


def _builtin() -> str:
    return _table(("alert", "severity"), ((f"[`{name}`](#{name.lower()})", SEVERITIES[name]) for name in SEVERITIES))


# Commands


def _commands() -> str:
    return "\n".join(_command(path, command) for path, command in _tree() if not command.hidden)


def _later_commands() -> str:
    return ", ".join(f"`{path}`" for path, command in _tree() if command.hidden) + "\n"


def _tree() -> Iterator[tuple[str, Any]]:
    """Yield every command with its full name, those of groups in place of the group."""
    root: Any = typer.main.get_command(commands)
    for name, command in root.commands.items():
        children = getattr(command, "commands", None) or {"": command}
        for child_name, child in children.items():
            yield f"alli-monitor {name} {child_name}".rstrip(), child


def _command(path: str, command: Any) -> str:
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    arguments = [f"{param.name.upper()}" for param in shown if param.param_type_name == "argument"]
    rows = [_option(param) for param in shown if param.param_type_name == "option" and param.name != "help"]
    table = "\n" + _table(("option", "default", "meaning"), rows) if rows else ""
    return f"## `{' '.join((path, *arguments))}`\n\n{_paragraph(command.help)}\n{table}"


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())


def _option(param: Any) -> tuple[str, ...]:
    shown = param.show_default if isinstance(param.show_default, str) else param.default
    default = "required" if param.required else "none" if shown is None else str(shown)
    return ", ".join(f"`{opt}`" for opt in param.opts), default, _paragraph(param.help)


GENERATORS: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "settings not in this version": _later,
    "metrics": _metrics,
    "variables of run": lambda: _variables(VARIABLES[Subject.RUN]),
    "variables of rating": lambda: _variables(VARIABLES[Subject.RATING]),
    "variables of windows": lambda: _variables(WINDOW_VARIABLES),
    "built-in alerts": _builtin,
    "commands": _commands,
    "commands not in this version": _later_commands,
}
"""What each generated part is made by."""


if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        page.write_text(render(page.read_text(encoding="utf-8")), encoding="utf-8")
    for name, text in editor_schemas().items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")
