"""What `alli-monitor check --online --record` keeps: every answer of the probe, redacted, one file each."""

from __future__ import annotations

import json
import math
import secrets
from http import HTTPStatus
from pathlib import Path
from typing import Any

from monitor.alli.answers import Reply
from monitor.alli.exchange import Request
from monitor.alli.redaction import Redaction
from monitor.alli.server_time import parse_http_date
from monitor.errors import ConfigError

__all__ = ["Recording", "make_private"]

_GOOD = HTTPStatus(200)
_LONGEST_TEXT = 200  # characters that are kept of an answer that is no JSON
_PRIVATE_DIRECTORY, _PRIVATE_FILE = 0o700, 0o600


class Recording:
    """
    The answers of one project, in `folder`, which is made; call it with each answer.

    Raises ConfigError when the folder cannot be made or is not empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._redaction = Redaction(secrets.token_bytes(16))
        self._count = 0
        make_private(folder)

    def __call__(self, request: Request, reply: Reply, asked_at: float) -> None:
        """Write down one answer; `asked_at` is own time. Raises ConfigError."""
        self._count += 1
        file = self._folder / f"{self._count:03}-{request.operation}.json"
        text = json.dumps(self._redacted(request, reply, asked_at), indent=2, ensure_ascii=False)
        try:
            file.touch(_PRIVATE_FILE, exist_ok=False)
            file.write_text(text + "\n", encoding="utf-8", errors="replace")
        except OSError as error:
            raise ConfigError(f"--record: cannot write: {error.strerror}", file=file) from error

    def _redacted(self, request: Request, reply: Reply, asked_at: float) -> dict[str, Any]:
        date = reply.headers.get("date")
        return {
            "operation": request.operation,
            "method": request.method,
            "path": self._redaction.path(request.path),
            "params": self._redaction.params(request.params),
            "status": reply.status,
            "content_type": reply.headers.get("content-type", "").partition(";")[0][:_LONGEST_TEXT] or None,
            "date": date if parse_http_date(date) is not None else None,
            "asked_at": asked_at,
            **self._content(reply),
        }

    def _content(self, reply: Reply) -> dict[str, Any]:
        failed = not _GOOD <= reply.status < HTTPStatus.MULTIPLE_CHOICES
        try:
            body = json.loads(reply.body, parse_constant=lambda _: None, parse_float=_finite)
            return {"body": self._redaction.body(body, failed=failed)}
        except (ValueError, RecursionError):
            beginning = reply.body[: 4 * _LONGEST_TEXT].decode("utf-8", "replace")[:_LONGEST_TEXT]
            return {"text": self._redaction.text(beginning)}


def _finite(text: str) -> float | None:
    """Return a number as JSON can write it again."""
    value = float(text)
    return value if math.isfinite(value) else None


def make_private(folder: Path) -> None:
    """Make a folder that only this user may read; raise ConfigError when there is one that is not empty."""
    try:
        folder.mkdir(_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        folder.chmod(_PRIVATE_DIRECTORY)
        is_used = any(folder.iterdir())
    except OSError as error:
        raise ConfigError(f"--record: cannot use this folder: {error.strerror}", file=folder) from error
    if is_used:
        raise ConfigError("--record: this folder is not empty; name a new one", file=folder)
