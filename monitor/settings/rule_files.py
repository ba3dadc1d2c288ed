"""Which rule files are loaded: those the globs of the operator match, or those that come with the monitor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo

from monitor.settings.fields import config_directory, problem, refuse
from monitor.settings.globs import matching_files

__all__ = ["RuleFiles", "shipped_rules"]

_PACKAGE = Path(__file__).parents[1]


def shipped_rules() -> list[Path]:
    """Return the rule files that come with the monitor: inside the package, or beside it in a source tree."""
    installed = _PACKAGE / "shipped_rules"
    directory = installed if installed.is_dir() else _PACKAGE.parent / "rules"
    return [path for path in sorted(directory.glob("*.yml")) if not _is_rule_test(path)]


def _is_rule_test(path: Path) -> bool:
    return path.stem.endswith("_test")


def _expand(value: Any, info: ValidationInfo) -> Any:
    """Return the files that a list of globs matches, without the tests of rules; leave anything else to pydantic."""
    if not isinstance(value, list | tuple) or not all(isinstance(pattern, str) for pattern in value):
        return value
    matches = [matching_files(pattern, config_directory(info)) for pattern in value]
    found = [[path for path in paths if not _is_rule_test(path)] for paths in matches]
    refuse(*(problem("matches no file", index) for index, paths in enumerate(found) if not paths))
    return list(dict.fromkeys(path for paths in found for path in paths))


RuleFiles = Annotated[tuple[Path, ...], BeforeValidator(_expand)]
"""Globs of rule files; the value is the files that they match."""
