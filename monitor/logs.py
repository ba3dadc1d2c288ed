"""
Logging: one event, one line, no secrets.

Events of structlog and records of the standard library's loggers go through the same processors and come out as JSON,
or in a form for people where the output is a terminal. Whatever is logged is made plain and masked before it is
rendered, so neither a value with line breaks nor one with a secret in it gets through.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import math
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

__all__ = ["configure", "hide"]

_MASK = "***"
_SECRET_KEY = re.compile(r"api[-_]?key|token|secret|passw|authorization|cookie|credential", re.IGNORECASE)
_FIRST = ("timestamp", "level", "event")
_TEXTS_OF_LINES = ("exception", "stack")
_OURS = "monitor"

_SHORTEST_SECRET = 3
_hidden: list[str] = []


def hide(secret: str) -> None:
    """
    Mask `secret` in everything that is logged from now on, also where it is quoted or escaped.

    What is shorter than three characters is no secret, and masking it would make everything unreadable.
    """
    if len(secret) < _SHORTEST_SECRET:
        return
    forms = {secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    # the longest first: one secret may be part of another
    _hidden[:] = sorted(forms.union(_hidden), key=len, reverse=True)


def configure(
    level: Literal["debug", "info", "warning", "error"],
    format: Literal["auto", "console", "json"],  # noqa: A002 - the name of the setting
    stream: TextIO,
) -> None:
    """
    Send what is logged at `level` and above to `stream`; ``auto`` is ``console`` when that is a terminal.

    Libraries are heard from their warnings on, whatever the level: what they say below that tells of each request, job
    and statement, with what is in it. This may be called again; what was configured before is replaced.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    is_console = format == "console" or (format == "auto" and stream.isatty())
    last = _console(stream) if is_console else [_clean, structlog.processors.JSONRenderer()]
    handler = _Handler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [other for other in root.handlers if not isinstance(other, _Handler)] + [handler]
    logging.getLogger(_OURS).setLevel(level.upper())
    root.setLevel(max(logging.WARNING, logging.getLogger(_OURS).level))


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Say that `record` is lost; the default would print it as it was logged, secrets and all."""
        error = sys.exc_info()[0]
        with contextlib.suppress(OSError, ValueError):  # stderr is gone as well: there is nobody left to tell
            sys.stderr.write(f"cannot log an event of {record.name}: {error.__name__ if error else 'unknown'}\n")


def _console(stream: TextIO) -> list[Processor]:
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal that knows ASCII only is no reason to be silent
    renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
    return [_clean, _escape, renderer]


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the event made of plain values without secrets, in a steady order."""
    ordered = {key: event.pop(key) for key in _FIRST if key in event} | dict(event)
    return _plain_mapping(ordered)


def _plain_mapping(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {_masked(str(key)): _plain_value(str(key), value) for key, value in values.items()}


def _plain_value(key: str, value: object) -> Any:
    is_secret = value is not None and _SECRET_KEY.search(key)
    return _MASK if is_secret else _plain(value)


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, Mapping):
        return _plain_mapping(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _masked(str(value))


def _masked(text: str) -> str:
    for secret in _hidden:
        text = text.replace(secret, _MASK)
    return text


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Return the event with whatever could start a line or command a terminal written as an escape sequence."""
    return {_printable(key): _escaped(key, value) for key, value in event.items()}


def _escaped(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value  # the renderer shows its repr, which is escaped
    if key in _TEXTS_OF_LINES:
        return "\n".join(f"    {_printable(line)}" for line in value.splitlines())
    return _printable(value)


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
