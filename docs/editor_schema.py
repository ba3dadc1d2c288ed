"""JSON Schemas for editors: what pydantic says of the models, as it looks in a YAML file, with what each key means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from monitor.durations import format_duration
from monitor.settings.sizes import format_size

__all__ = ["of_project", "of_rules", "of_settings"]

Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"  # the one that editors know best
_KEPT = ("enum", "minimum", "maximum", "minLength")
_LARGE_UNITS = "".join(f"([0-9]{{1,6}}{unit})?" for unit in "ywdhm")
_TEXT_OR_ZERO = {"type": ["string", "integer"], "minimum": 0, "maximum": 0}  # the bounds are those of a bare number
_DURATION = {**_TEXT_OR_ZERO, "pattern": f"^(0|(?=[0-9]){_LARGE_UNITS}([0-9]{{1,9}}s)?([0-9]{{1,9}}ms)?)$"}
_SIZE = {**_TEXT_OR_ZERO, "pattern": "^(0|[0-9]{1,15}([KMGT]i?)?B)$"}
_SCALAR = {"type": ["string", "number", "boolean"]}  # in mappings of the user's own, all of it is text


def of_settings(model: type[BaseModel], meanings: Mapping[str, str | None]) -> Schema:
    """Return the schema of monitor.yml; a key that means nothing yet takes its default only."""
    schema = _Translation(model, meanings, nullable=True).schema("alli-monitor: configuration")
    schema.pop("required")  # projects may all stand in project_files
    return schema


def of_project(settings: Schema) -> Schema:
    """Return the schema of a project's own file, from that of all settings."""
    project = settings["properties"]["projects"]["additionalProperties"]
    return {"$schema": _DRAFT, "title": "alli-monitor: project", **project}


def of_rules(model: type[BaseModel], meanings: Mapping[str, str | None], subjects: list[str]) -> Schema:
    """Return the schema of a rule file."""
    schema = _Translation(model, meanings, nullable=False).schema("alli-monitor: rules")
    schema["properties"]["groups"]["items"]["properties"]["rules"]["items"]["properties"]["on"]["enum"] = subjects
    return schema


class _Translation:
    """Translates a model; where `nullable`, a key without a value is as good as absent."""

    def __init__(self, model: type[BaseModel], meanings: Mapping[str, str | None], *, nullable: bool) -> None:
        self._root = model.model_json_schema()
        self._meanings = meanings
        self._nullable = nullable
        self._lists: list[tuple[Schema, str]] = []  # whose items are being translated, each with its path

    def schema(self, title: str) -> Schema:
        return {"$schema": _DRAFT, "title": title, **self._node(self._root, "")}

    def _node(self, node: Schema, path: str) -> Schema:
        node = self._resolved(node)
        kind = node["type"]
        if kind == "object":
            return self._object(node, path)
        if kind == "array":
            return {"type": "array", "items": self._items(self._resolved(node["items"]), f"{path}[]")}
        if kind == "number" and node.get("format") != "factor":
            return dict(_DURATION)
        if node.get("format") == "size":
            return dict(_SIZE)
        if node.get("format") == "range":
            return {"type": ["string", "integer"]}
        return {"type": kind} | {key: node[key] for key in _KEPT if key in node}

    def _items(self, node: Schema, path: str) -> Schema:
        """Translate the items of a list, or point at the list further up that has the same: routes hold routes."""
        for above, place in self._lists:
            if above is node:
                return {"$ref": _pointer(place)}
        self._lists.append((node, path))
        translated = self._node(node, path)
        self._lists.pop()
        return translated

    def _object(self, node: Schema, path: str) -> Schema:
        if "properties" in node:
            keys = {
                name: self._key(child, f"{path}.{name}".removeprefix(".")) for name, child in node["properties"].items()
            }
            required = {"required": node["required"]} if "required" in node else {}
            return {"type": "object", "properties": keys, "additionalProperties": False} | required
        values = node["additionalProperties"]
        if values is True:
            return {"type": "object"}
        below = self._node(values, f"{path}.<name>")
        return {"type": "object", "additionalProperties": _SCALAR if below == {"type": "string"} else below}

    def _key(self, child: Schema, path: str) -> Schema:
        meaning = self._meanings.get(path, "")
        default = self._default(child)
        if meaning is None:
            return {"description": "Not in this version.", "enum": [None] if default is None else [None, default]}
        node = self._node(child, path)
        if self._nullable:
            node["type"] = [*([node["type"]] if isinstance(node["type"], str) else node["type"]), "null"]
            if "enum" in node:
                node["enum"] = [*node["enum"], None]
        if meaning:
            node = {"description": meaning} | node
        return node | {"default": default} if _has_default(node, path) and default is not None else node

    def _default(self, child: Schema) -> Any:
        node = self._resolved(child)
        value = child.get("default", {} if node["type"] == "object" else None)
        if value is None:
            return None
        if node["type"] == "number" and node.get("format") != "factor":
            return format_duration(value)
        return format_size(value) if node.get("format") == "size" else value

    def _resolved(self, node: Schema) -> Schema:
        """Return the node that stands behind references and behind "or null"."""
        if "anyOf" in node:
            return self._resolved(node["anyOf"][0])
        if "$ref" in node:
            return self._resolved(self._root["$defs"][node["$ref"].rpartition("/")[2]])
        return node


def _pointer(path: str) -> str:
    """Return where in the schema the items of a list are described that stands at `path`, with [] at its end."""
    parts = (part.replace("[]", "/items") for part in path.split("."))
    return "#" + "".join(f"/properties/{part}" for part in parts)


def _has_default(node: Schema, path: str) -> bool:
    """Return whether a default is fit to be shown: not that of a section; child routes have those of their parent."""
    is_section = "object" in node["type"] or "properties" in node.get("items", ())
    return not is_section and not path.startswith("alerting.route.routes[].")
