"""From a config file and the environment to settings, or to every reason why not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monitor.errors import ConfigError, ConfigErrors
from monitor.settings.document import Document, KeyPath, read_document
from monitor.settings.environment import Variables
from monitor.settings.foreign import GLOBAL, not_supported
from monitor.settings.model import Settings
from monitor.settings.project_files import add_projects, find

__all__ = ["load"]

_MESSAGES = {
    "missing": "is missing",
    "string_type": "should be text",
    "path_type": "should be text",
    "string_too_short": "is empty",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "float_type": "should be a number",
    "float_parsing": "should be a number",
    "greater_than_equal": "should be at least {ge}",
    "less_than_equal": "should be at most {le}",
    "tuple_type": "should be a list",
    "model_type": "should be a mapping of keys to values",
    "model_attributes_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "mapping_type": "should be a mapping of keys to values",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
    "value_error": "{error}",
    "problem": "{message}",
}
"""What is said about the kinds of errors that pydantic knows; none of it quotes the value, which may be secret."""

_LONGEST = 400  # characters of a message


def load(config: Path | None, environ: Mapping[str, str] | None = None) -> Settings:
    """
    Return the settings that the file `config` and the environment (by default the process's own) make together.

    Raise ConfigErrors with everything that is wrong. Secrets, project files and the globs of rule files are read here,
    relative to the directory of `config`, or to the working directory when there is none.
    """
    document = Document() if config is None else read_document(config)
    directory = config.parent if config else Path()
    variables = Variables(os.environ if environ is None else environ, _kind_of)  # noqa: TID251 - settings read it
    variables.lay_over_first(document.data, "project_files")
    projects = find(document.data.get("project_files"), directory)
    add_projects(document, projects.files)
    variables.lay_over(document.data, shortcuts=config is None)
    errors = list(variables.errors)
    if not errors and not document.data.get("projects") and (config is None or projects.unmatched):
        raise ConfigErrors([_no_project(document, projects.unmatched)])
    context = {"directory": directory, "unmatched_project_files": projects.unmatched}
    try:
        settings = Settings.model_validate(document.data, context=context)
    except ValidationError as error:
        found = (each for details in error.errors(include_url=False) for each in _spread(details))
        errors += [_to_error(details, document, variables.sources) for details in found]
        # the cause holds what was given
        raise ConfigErrors(sorted(errors, key=_order([config, *projects.files]))) from None
    if errors:
        raise ConfigErrors(errors)
    return settings


def _no_project(document: Document, unmatched: Sequence[str]) -> ConfigError:
    if not unmatched:
        return ConfigError("there is no project: give a config file, or set ALLI_MONITOR_API_KEY")
    place = document.places.get(("project_files",))
    message = f"there is no project: {', '.join(unmatched)} in project_files matches no file"
    return (
        ConfigError(message, file=place.file, line=place.line, column=place.column) if place else ConfigError(message)
    )


def _order(files: Sequence[Path | None]) -> Callable[[ConfigError], tuple[int, int, int]]:
    """Return what sorts errors: those about variables first, then file by file."""
    rank = {file: number for number, file in enumerate(files, 1)}
    return lambda error: (rank[error.file] if error.line else 0, error.line, error.column)


def _spread(details: ErrorDetails) -> Iterator[ErrorDetails]:
    """Yield an error as it is, and that about Alertmanager's `global` as one about each of its keys."""
    if details["loc"] == GLOBAL and isinstance(details["input"], Mapping) and details["input"]:
        for key, value in details["input"].items():
            yield {**details, "loc": (*GLOBAL, key), "input": value}
    else:
        yield details


def _to_error(details: ErrorDetails, document: Document, sources: Mapping[KeyPath, str]) -> ConfigError:
    path = tuple(part for part in details["loc"] if part != "[key]")
    message = _message(details, path)[:_LONGEST]
    for length in range(len(path), -1, -1):
        known = path[:length]
        if variable := sources.get(known):
            return ConfigError(f"{variable}: {message}")
        if place := document.places.get(known):
            return ConfigError(message, file=place.file, line=place.line, column=place.column)
    return ConfigError(message)


def _message(details: ErrorDetails, path: KeyPath) -> str:
    if details["input"] is None and isinstance(path[-1], str):
        # maybe a secret that lost the colon before it: its place must do
        return f"{_dotted(path[:-1])}: there is a key without a value"
    if details["type"] == "extra_forbidden":
        if instead := not_supported(path):
            return f"{_dotted(path)}: {instead}"
        return f"{_dotted(path)}: unknown key{_did_you_mean(str(path[-1]), _known_keys(path[:-1]))}"
    template = _MESSAGES.get(details["type"], "cannot be used here")
    return f"{_dotted(path)}: {template.format_map(details.get('ctx', {}))}"


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word[:40].lower(), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def _dotted(path: KeyPath) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" for part in path)
    return text.removeprefix(".")


def _shown(key: str) -> str:
    """Return `key` fit for one line; what follows a colon is a value that lost the space before it, maybe a secret."""
    return key.partition(":")[0][:60].encode("unicode_escape").decode() or "''"


def _kind_of(path: KeyPath) -> str:
    return str(_schema_at(path).get("type", ""))


def _known_keys(path: KeyPath) -> list[str]:
    return list(_schema_at(path).get("properties", ()))


@cache
def _schema() -> dict[str, Any]:
    return Settings.model_json_schema()


def _schema_at(path: KeyPath) -> dict[str, Any]:
    """Return what JSON Schema says about the value at `path`, nothing when there is no such key."""
    node = _resolved(_schema())
    for part in path:
        if isinstance(part, int):
            node = _resolved(node.get("items"))
        else:
            node = _resolved(node.get("properties", {}).get(part) or node.get("additionalProperties"))
    return node


def _resolved(node: Any) -> dict[str, Any]:
    if not isinstance(node, dict):  # anything goes
        return {}
    if "anyOf" in node:  # a value or null
        return _resolved(node["anyOf"][0])
    if "$ref" in node:
        return _resolved(_schema()["$defs"][node["$ref"].rpartition("/")[2]])
    return node
