"""Globs in the settings, and the files that they match."""

from __future__ import annotations

import glob
from pathlib import Path

__all__ = ["matching_files"]


def matching_files(pattern: str, directory: Path) -> list[Path]:
    """Return the files that `pattern` matches, sorted; it may be absolute, otherwise it starts from `directory`."""
    if "\0" in pattern:
        return []
    names = glob.glob(pattern, root_dir=directory, recursive=True)  # noqa: PTH207 - takes absolute patterns, too
    return [path for path in (directory / name for name in sorted(names)) if path.is_file()]
