"""
A YAML 1.2 file as plain data that remembers where everything stands.

Plain scalars stay text, so that `off`, `1.10` and `2024-01-01` are words: the fields they are for give them a type,
as they do for the environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from monitor.errors import ConfigError, ConfigErrors

__all__ = ["Document", "KeyPath", "Place", "read_document"]

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of mappings and indexes of lists."""

_LARGEST_FILE = 1024 * 1024  # bytes
_MOST_NODES = 100_000  # aliases can make much of little
_DEEPEST = 32
_TAG = "tag:yaml.org,2002:"
_QUOTED = re.compile(r"'[^'<]{2,}'")


class Place(NamedTuple):
    """A file, and a line and a column in it, both from 1."""

    file: Path
    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The data of a file, and where each key and each item of a list begins."""

    data: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)


def read_document(file: Path) -> Document:
    """Return what `file` holds, a mapping; raise ConfigErrors when it cannot be read or is not well formed."""
    text = _read(file)
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False  # YAML allows them, and the warning quotes the file
        node = yaml.compose(text)
        reader = _Reader(file)
        data = {} if node is None else reader.build(node, ())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise _failure(_explain(error), file, line, column) from None  # the error quotes the file
    except ReaderError as error:
        before = text[: error.position].split("\n")
        message = "there is a character that YAML does not allow"
        raise _failure(message, file, len(before), len(before[-1]) + 1) from None
    except RecursionError:
        raise _failure("the file is nested too deeply, or too large", file) from None
    except (YAMLError, ValueError, ArithmeticError, AssertionError):
        # the last three: the parser does not expect escapes beyond Unicode and directives of other versions
        raise _failure("this is not YAML 1.2", file) from None
    if not isinstance(data, dict):
        reader.errors.append(ConfigError("the file should be a mapping of keys to values", file=file, line=1, column=1))
    if reader.errors:
        raise ConfigErrors(reader.errors)
    return Document(data=data, places=reader.places)


def _read(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise _failure(f"cannot read this file: {getattr(error, 'strerror', None) or 'not a path'}", file) from error
    if len(content) > _LARGEST_FILE:
        raise _failure("the file is too large: more than 1 MiB", file)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].split(b"\n")
        raise _failure("this is not UTF-8 text", file, len(before), len(before[-1]) + 1) from None


def _failure(message: str, file: Path, line: int = 0, column: int = 0) -> ConfigErrors:
    return ConfigErrors([ConfigError(message, file=file, line=line, column=column)])


def _explain(error: MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "this is not YAML").split())
    if "'\\t'" in problem or "tab" in problem:
        return "a tab cannot indent; use spaces"
    # a word that is quoted here may be a secret, written without the quotes that it needs
    return _QUOTED.sub("a word", problem)


class _Reader:
    """Builds plain data from nodes, and notes places and what is wrong on the way."""

    def __init__(self, file: Path) -> None:
        self.places: dict[KeyPath, Place] = {(): Place(file, 1, 1)}
        self.errors: list[ConfigError] = []
        self._file = file
        self._nodes = 0

    def build(self, node: Any, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > _MOST_NODES or len(path) > _DEEPEST:
            raise RecursionError
        self.places.setdefault(path, self._place(node))
        if not str(node.tag).startswith(_TAG):
            self._refuse(node, "tags that begin with ! are not known here")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        is_null = node.tag == f"{_TAG}null" and not node.style  # a quoted null is a word
        return None if is_null else node.value

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or not key.value.isprintable():
                self._refuse(key, "a key should be plain text")
                continue
            place = (*path, key.value)
            if key.value in data:
                self._refuse(key, f"this key is there twice, first in line {self.places[place].line}")
                continue
            self.places[place] = self._place(key)
            data[key.value] = self.build(value, place)
        return data

    def _refuse(self, node: Node, message: str) -> None:
        file, line, column = self._place(node)
        self.errors.append(ConfigError(message, file=file, line=line, column=column))

    def _place(self, node: Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)
