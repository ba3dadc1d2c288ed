"""The description of the API in `tests/contract/alli_api.yaml`, and how a value differs from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

API: dict[str, Any] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parents[1] / "contract" / "alli_api.yaml").read_text("utf-8")
)
PRIMITIVES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "object": dict,
}
ENUMERATIONS: dict[str, str] = API["enumerations"]


def mistakes(value: Any, declared: str, where: str = "answer") -> Iterator[str]:
    """Yield how `value` differs from the `declared` type."""
    if declared.endswith("?"):
        if value is not None:
            yield from mistakes(value, declared[:-1], where)
    elif declared.startswith("["):
        if not isinstance(value, list):
            yield f"{where} is not a list"
            return
        for number, item in enumerate(value):
            yield from mistakes(item, declared[1:-1], f"{where}[{number}]")
    elif declared in API["types"]:
        yield from object_mistakes(value, API["types"][declared], where)
    elif "|" in (words := ENUMERATIONS.get(declared, declared)):
        if value not in words.split("|"):
            yield f"{where} is none of {words}"
    elif declared != "any" and (
        not isinstance(value, PRIMITIVES[declared]) or (isinstance(value, bool) and declared != "boolean")
    ):
        yield f"{where} is no {declared}"


def object_mistakes(value: Any, fields: dict[str, dict[str, str]], where: str) -> Iterator[str]:
    """Yield how `value` differs from an object with the required and optional `fields`."""
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    required, optional = fields.get("required", {}), fields.get("optional", {})
    yield from (f"{where}.{name} is missing" for name in required if name not in value)
    for name, item in value.items():
        if (declared := required.get(name) or optional.get(name)) is None:
            yield f"{where}.{name} is not declared"
        else:
            yield from mistakes(item, declared, f"{where}.{name}")
