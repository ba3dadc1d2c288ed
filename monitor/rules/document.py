"""
YAML 1.2 text as plain data that remembers where everything stands.

Every scalar is text, exactly as written: in rule files nothing is a number or a boolean, and so `severity: 1`,
`on: run` and `for: 5m` need no quotes. Hostile input (deep nesting, aliases that multiply, foreign tags, empty values)
is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.errors import ConfigError

__all__ = ["Document", "Trail", "parse"]

Trail = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""

MAX_DEPTH = 20
MAX_VALUES = 20_000

_SCALAR_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "timestamp"))
_NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Document:
    """The `data` (text, lists and mappings) of the `text` of one file, and what finds a place in it."""

    file: Path
    text: str
    data: Any
    keys: Mapping[Trail, Node]
    values: Mapping[Trail, Node]

    def key_error(self, trail: Trail, message: str) -> ConfigError:
        """Return an error at the key, or list item, that `trail` leads to; at the nearest above it if there is none."""
        while trail not in self.keys and trail not in self.values:
            trail = trail[:-1]
        return _error(message, self.file, self.keys.get(trail, self.values[trail]))

    def value_error(self, trail: Trail, message: str, index: int = 0) -> ConfigError:
        """Return an error at character `index` of the text that `trail` leads to, wherever YAML folding has put it."""
        node = self.values[trail]
        start, end = node.start_mark.index, node.end_mark.index
        if not isinstance(node, ScalarNode):
            return _error(message, self.file, node)
        offset = start + _raw_index(self.text[start:end], node, index)
        line = self.text.count("\n", 0, offset)
        column = offset - (self.text.rfind("\n", 0, offset) + 1)
        return ConfigError(message, file=self.file, line=line + 1, column=column + 1)


def parse(text: str, file: Path) -> Document:
    """Return the one document in `text`, which `file` holds; raise ConfigError when there is none."""
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows them, and a warning reaches nobody
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        raise _syntax_error(error, file) from None
    except RecursionError:
        raise ConfigError("this is nested too deeply", file=file) from None
    except (YAMLError, ValueError, ArithmeticError, AssertionError) as error:
        # the last three: the parser does not expect escapes beyond Unicode and directives of other versions
        reason = str(error).partition("\n")[0] or "the parser gives up"
        raise ConfigError(f"this is not YAML: {reason}", file=file) from None
    if root is None:
        raise ConfigError("the file is empty", file=file)
    builder = _Builder(file)
    data = builder.build(root, ())
    return Document(file, text, data, builder.keys, builder.values)


class _Builder:
    """Turns nodes into data, counting every value that an alias repeats."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.keys: dict[Trail, Node] = {}
        self.values: dict[Trail, Node] = {}

    def build(self, node: Node, trail: Trail) -> Any:
        self.values[trail] = node
        if len(trail) > MAX_DEPTH:
            raise self._error("this is nested too deeply", node)
        if len(self.values) > MAX_VALUES:
            raise self._error(f"this holds more than {MAX_VALUES} values once its aliases are followed", node)
        if isinstance(node, MappingNode):
            return self._mapping(node, trail)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*trail, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, trail: Trail) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                raise self._error("a key must be text", key_node)
            key = self._scalar(key_node)
            if key in data:
                first = self.keys[(*trail, key)].start_mark.line + 1
                raise self._error(f"the key {key} is here twice, first in line {first}", key_node)
            if value_node.tag == _NULL_TAG:
                raise self._error(f"the key {key} has no value; write one or remove the key", key_node)
            self.keys[(*trail, key)] = key_node
            data[key] = self.build(value_node, (*trail, key))
        return data

    def _scalar(self, node: Node) -> str:
        if node.tag == _NULL_TAG:
            raise self._error("there is no value here", node)
        if node.tag not in _SCALAR_TAGS:
            raise self._error(f"{node.tag} is nothing this version understands", node)
        text: str = node.value
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise self._error("text may hold no NUL and no half of a surrogate pair", node)
        return text

    def _error(self, message: str, node: Node) -> ConfigError:
        return _error(message, self._file, node)


def _error(message: str, file: Path, node: Node) -> ConfigError:
    return ConfigError(message, file=file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _syntax_error(error: MarkedYAMLError, file: Path) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    message = f"this is not YAML: {error.problem or error.context}"
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return ConfigError(message, file=file, line=line, column=column)


def _raw_index(raw: str, node: ScalarNode, index: int) -> int:
    """Return where character `index` of the value stands in its `raw` text, which may be quoted, folded or indented."""
    value, position = node.value, 0
    if node.style in {"|", ">"}:
        position = raw.find("\n") + 1
    elif node.style in {"'", '"'}:
        position = 1
    for character in value[:index]:
        while position < len(raw) and not _same(raw[position], character):
            position += 1
        position += 1
    while position < len(raw) and index < len(value) and not _same(raw[position], value[index]):
        position += 1
    return position if position < len(raw) or index >= len(value) else 0


def _same(raw: str, character: str) -> bool:
    return raw == character or (raw.isspace() and character.isspace())
