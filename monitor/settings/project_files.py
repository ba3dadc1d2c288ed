"""More projects, one file each: it holds what would stand under the project's name, and its own name is that name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from monitor.errors import ConfigError, ConfigErrors
from monitor.settings.document import Document, read_document
from monitor.settings.globs import matching_files

__all__ = ["Found", "add_projects", "find"]


class Found(NamedTuple):
    """The files that the patterns match, and the patterns that match none."""

    files: tuple[Path, ...]
    unmatched: tuple[str, ...]


def find(patterns: Any, directory: Path) -> Found:
    """Return what a list of globs matches; of what is no such list, nothing: the settings refuse it."""
    texts = [text for text in patterns if isinstance(text, str)] if isinstance(patterns, list) else []
    matches = {text: matching_files(text, directory) for text in texts}
    files = dict.fromkeys(file for found in matches.values() for file in found)
    return Found(tuple(files), tuple(text for text, found in matches.items() if not found))


def add_projects(document: Document, files: tuple[Path, ...]) -> None:
    """Put the project of each file, and where its keys stand, into `document`; raise ConfigErrors for all that fail."""
    projects = document.data.get("projects")
    if projects is None:
        projects = {}
    if not files or not isinstance(projects, dict):  # the latter is for the settings to refuse
        return
    document.data["projects"] = projects
    errors = [error for file in files for error in _add(document, projects, file)]
    if errors:
        raise ConfigErrors(errors)


def _add(document: Document, projects: dict[str, Any], file: Path) -> Iterator[ConfigError]:
    path = ("projects", file.stem)
    if file.stem in projects:
        other = document.places[path]
        message = f"there is another project of this name, in {other.file}, line {other.line}"
        yield ConfigError(message, file=file, line=1, column=1)
        return
    try:
        found = read_document(file)
    except ConfigErrors as errors:
        yield from errors.errors
        return
    projects[file.stem] = found.data
    document.places.update({(*path, *below): place for below, place in found.places.items()})
