"""
Recordings of a real API: what was asked and answered, as `alli-monitor check --online --record` writes it.

A recording is a folder with one folder for each project, and in that one JSON file for each request, named
``NNN-<operation>.json`` in the order in which they were asked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec

from monitor.errors import ConfigError
from monitor.simulator.operations import OPERATIONS

__all__ = ["Exchange", "load_recording"]

_OPERATIONS = frozenset(operation.name for operation in OPERATIONS)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """
    One request and its answer. `path` is as it was sent, below the base URL; `asked_at` is UTC epoch seconds.

    `body` is the JSON that was answered, UNSET where it was none; then `text` is how the answer began.
    """

    operation: str
    method: str
    path: str
    params: dict[str, str | list[str]]
    status: Annotated[int, msgspec.Meta(ge=200, le=599)]
    asked_at: float
    content_type: str | None = None
    date: str | None = None
    body: Any = msgspec.UNSET
    text: str | None = None


def load_recording(folder: Path) -> dict[str, list[Exchange]]:
    """Return the exchanges of each project, in their order; raise ConfigError when there are none or one is broken."""
    try:
        projects = sorted(each for each in folder.iterdir() if each.is_dir())
        recording = {each.name: [_load(file) for file in sorted(each.glob("*.json"))] for each in projects}
    except OSError as error:
        raise ConfigError(f"cannot read the recording: {error.strerror}", file=folder) from error
    recording = {name: exchanges for name, exchanges in recording.items() if exchanges}
    if not recording:
        raise ConfigError("there is no recording: it is a folder of projects, each with its answers", file=folder)
    return recording


def _load(file: Path) -> Exchange:
    try:
        exchange = msgspec.json.decode(file.read_bytes(), type=Exchange)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not a recorded answer: {error}", file=file) from error
    if exchange.operation not in _OPERATIONS:
        raise ConfigError(f"no operation {exchange.operation!r} is known", file=file)
    return exchange
