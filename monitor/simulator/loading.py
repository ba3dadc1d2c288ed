"""Reads scenario files: YAML 1.2, with errors that say where."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from monitor.errors import ConfigError, ConfigErrors
from monitor.simulator.scenario import Scenario

__all__ = ["load_scenario", "parse_scenario"]


def load_scenario(file: Path) -> Scenario:
    """Return the scenario in `file`; raise ConfigError when it cannot be read or holds mistakes."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the scenario: {error}", file=file) from error
    return parse_scenario(text, file)


def parse_scenario(text: str, file: Path | None = None) -> Scenario:
    """Return the scenario that `text` describes; raise ConfigError with the place in `file` of each mistake."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise _syntax_error(error, file) from error
    try:
        return Scenario.model_validate(content if content is not None else {})
    except ValidationError as error:
        root = YAML(typ="safe", pure=True).compose(text)
        raise ConfigErrors(
            [_error(problem["msg"], problem["loc"], root, file) for problem in error.errors()]
        ) from error


def _syntax_error(error: YAMLError, file: Path | None) -> ConfigError:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    if not isinstance(error, MarkedYAMLError) or mark is None:
        return ConfigError(f"not YAML: {error}", file=file)
    return ConfigError(f"not YAML: {error.problem}", file=file, line=mark.line + 1, column=mark.column + 1)


def _error(message: str, path: tuple[int | str, ...], root: Node | None, file: Path | None) -> ConfigError:
    node = _find(root, path)
    line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node is not None else (0, 0)
    message = message.removeprefix("Value error, ").replace("Extra inputs are not permitted", "unknown key")
    where = ".".join(str(part) for part in path)
    return ConfigError(f"{where}: {message}" if where else message, file=file, line=line, column=column)


def _find(node: Node | None, path: tuple[int | str, ...]) -> Node | None:
    """Return the node at `path`, or the innermost one around it that exists."""
    for part in path:
        inner: Node | None = None
        if isinstance(node, MappingNode):
            inner = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = node.value[part]
        if inner is None:
            break
        node = inner
    return node
