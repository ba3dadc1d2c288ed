"""Environment variables over the data of the config file: ``ALLI_MONITOR_`` and the path, joined by ``__``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from monitor.errors import ConfigError
from monitor.settings.document import KeyPath

__all__ = ["Variables"]

_PREFIX = "ALLI_MONITOR_"
_SHORTCUTS = {"API_KEY", "API_KEY_FILE", "BASE_URL"}
"""What makes the one project `default` where there is no config file."""

_SERVICE_LINK = re.compile(r"SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?")
"""What Kubernetes sets in every pod beside a Service that is called alli-monitor."""


class Variables:
    """
    The variables of `environ` that are ours, laid over the data of a config file.

    `kind_of` tells whether the value at a path is an ``array`` or an ``object``: these are written as JSON. After
    `lay_over`, `sources` tells which variable a path came from, and `errors` what could not be used.
    """

    def __init__(self, environ: Mapping[str, str], kind_of: Callable[[KeyPath], str]) -> None:
        self.sources: dict[KeyPath, str] = {}
        self.errors: list[ConfigError] = []
        self._environ = {name: text for name, text in sorted(environ.items()) if _is_ours(name)}
        self._kind_of = kind_of

    def lay_over_first(self, data: dict[str, Any], key: str) -> None:
        """Change what `data` has under `key`; for the one key that decides what else there is in `data`."""
        variable = f"{_PREFIX}{key.upper()}"
        if (text := self._environ.pop(variable, None)) is not None:
            self._set(data, [key], variable, text)

    def lay_over(self, data: dict[str, Any], *, shortcuts: bool) -> None:
        """Change `data`; `shortcuts` tells that ``ALLI_MONITOR_API_KEY`` and the like make the project `default`."""
        for variable, text in self._environ.items():
            name = variable.removeprefix(_PREFIX)
            if not name.isprintable():
                self._refuse(variable.encode("unicode_escape").decode(), "unknown key")
            elif name in _SHORTCUTS and not shortcuts:
                self._refuse(variable, f"works without a config file only; set {_PREFIX}PROJECTS__<NAME>__{name}")
            elif name in _SHORTCUTS:
                self._set(data, ["projects", "default", name], variable, text)
            else:
                self._set(data, name.split("__"), variable, text)

    def _set(self, data: dict[str, Any], parts: list[str], variable: str, text: str) -> None:
        path: KeyPath = ()
        for part in parts[:-1]:
            path = (*path, _key(data, part))
            if data.get(str(path[-1])) is None:
                data[str(path[-1])] = {}
                self.sources[path] = variable
            data = data[str(path[-1])]
            if not isinstance(data, dict):
                hint = "a list is given whole, as JSON" if isinstance(data, list) else "it is not a mapping"
                return self._refuse(variable, f"there is nothing to set inside of {'.'.join(map(str, path))}: {hint}")
        path = (*path, _key(data, parts[-1]))
        try:
            data[str(path[-1])] = json.loads(text) if self._kind_of(path) in {"array", "object"} else text
        except (ValueError, RecursionError):  # its text quotes the value
            return self._refuse(variable, 'should be JSON, such as ["a", "b"] or {"a": "b"}')
        self.sources[path] = variable
        return None

    def _refuse(self, variable: str, message: str) -> None:
        self.errors.append(ConfigError(f"{variable}: {message}"))


def _is_ours(name: str) -> bool:
    return name.startswith(_PREFIX) and not _SERVICE_LINK.fullmatch(name.removeprefix(_PREFIX))


def _key(data: Mapping[str, Any], part: str) -> str:
    """Return the key of `data` that `part` of a variable's name means: names of variables know neither case nor -."""
    return next((key for key in data if _folded(key) == _folded(part)), part.lower())


def _folded(key: str) -> str:
    return re.sub(r"[-.]", "_", key).lower()
