"""The keys of a rule file, and what to say when they are not as they should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from monitor.durations import Duration
from monitor.errors import ConfigError
from monitor.rules.diagnostics import did_you_mean
from monitor.rules.document import Document, Trail

__all__ = ["FileModel", "GroupModel", "RuleModel", "read_model"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleModel(_Model):
    """One rule as written; durations in seconds."""

    alert: str
    on: str
    expr: str
    where: str | None = None
    within: Duration | None = None
    by: list[str] = Field(default_factory=list)
    for_: Duration = Field(default=0.0, alias="for")
    keep_firing_for: Duration = 0.0
    resolve_after: Duration | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    actions: list[dict[str, Any]] = Field(default_factory=list)


class GroupModel(_Model):
    """Rules under a common name."""

    name: str
    rules: list[RuleModel]


class FileModel(_Model):
    """The whole of a rule file."""

    groups: list[GroupModel]


_KINDS = {"string_type": "text", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping"}
_MODELS: dict[int, type[_Model]] = {0: FileModel, 2: GroupModel, 4: RuleModel}


def read_model(document: Document) -> FileModel | list[ConfigError]:
    """Return the model of a rule file's data, or everything that is wrong with its shape."""
    try:
        return FileModel.model_validate(document.data)
    except ValidationError as error:
        return list(_explain(error, document))


def _explain(error: ValidationError, document: Document) -> Iterator[ConfigError]:
    for details in error.errors(include_url=False):
        trail = details["loc"]
        if details["type"] in {"missing", "extra_forbidden"}:
            yield document.key_error(trail, _message(details))
        else:
            yield document.value_error(trail, _message(details))


def _message(details: ErrorDetails) -> str:
    path = details["loc"]
    name = _name(path)
    if details["type"] == "missing":
        return f"the key {name} is missing"
    if details["type"] == "extra_forbidden":
        return f"unknown key {name}{did_you_mean(name, _keys(len(path) - 1))}"
    if details["type"] in _KINDS:
        return f"{name} must be {_KINDS[details['type']]}"
    return details["msg"].removeprefix("Value error, ")


def _name(path: Trail) -> str:
    if not path:
        return "a rule file"
    return str(path[-1]) if isinstance(path[-1], str) else f"each of {path[-2]}"


def _keys(depth: int) -> list[str]:
    """Return the keys that a mapping at `depth` may have: groups, and rules in them, stand in lists."""
    return [field.alias or name for name, field in _MODELS[depth].model_fields.items()]
