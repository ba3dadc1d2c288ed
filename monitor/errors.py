"""
The one tree of errors.

    MonitorError
    ├── ConfigError            the operator must change something, with file, line and column where there are any
    │   └── ConfigErrors       several of them, found in one go
    ├── StartError             the environment does not let the daemon run: port taken, directory read-only
    ├── RetryableError         trying again later may help
    │   ├── ApiUnavailable     Alli answered 5xx or 429, or did not answer
    │   ├── ApiUnclear         Alli answered, but not in a way that can be understood: unknown, never a fact
    │   └── DeliveryDelayed    a receiver did not take a notification this time
    └── PermanentError         trying again the same way cannot help
        ├── ApiRefused         Alli refused this request
        │   ├── ApiAuthError   ... because of the credential
        │   └── ApiNotFound    ... because the object does not exist
        ├── WriteRefused       we refused to change something in Alli: nothing was sent
        └── DeliveryRefused    a receiver refused a notification for good

Messages say what to do about it and hold no secret and no text of a conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

__all__ = [
    "ApiAuthError",
    "ApiNotFound",
    "ApiRefused",
    "ApiUnavailable",
    "ApiUnclear",
    "ConfigError",
    "ConfigErrors",
    "DeliveryDelayed",
    "DeliveryRefused",
    "MonitorError",
    "PermanentError",
    "RetryableError",
    "StartError",
    "WriteRefused",
]


class MonitorError(Exception):
    """The base of every error this package raises on purpose."""


class ConfigError(MonitorError):
    """
    The configuration cannot be used.

    `file` is the file at fault if there is one; `line` and `column` count from 1 and are 0 when unknown. `str()` of
    the error reads ``file:line:column: message``, as editors understand it.
    """

    def __init__(self, message: str, *, file: Path | None = None, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.message}" if place else self.message


class ConfigErrors(ConfigError):
    """Several things to change, found in one go: `errors`, in the order of files and lines."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = tuple(errors)


class StartError(MonitorError):
    """The environment does not let the daemon run."""


class RetryableError(MonitorError):
    """
    Trying again later may help.

    `retry_after` is how many seconds the other side asked us to wait, or None when it did not say.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ApiUnavailable(RetryableError):
    """
    Alli answered 429 or 5xx, or did not answer.

    `sent` tells whether the request may have reached Alli: false when no connection was made, and when an answer
    says that it was refused (429, 5xx); true when the connection broke or timed out after the request was sent.
    """

    def __init__(self, message: str, *, retry_after: float | None = None, sent: bool = False) -> None:
        super().__init__(message, retry_after=retry_after)
        self.sent = sent


class ApiUnclear(RetryableError):
    """
    Alli answered, but not in a way that can be understood: HTML in a 200, truncated JSON, a wrong envelope.

    A write that ends with this may have been carried out. `signature` as in `ApiRefused`.
    """

    def __init__(self, message: str, *, signature: str | None = None) -> None:
        super().__init__(message)
        self.signature = signature


class DeliveryDelayed(RetryableError):
    """A receiver did not take a notification this time."""


class PermanentError(MonitorError):
    """Trying again the same way cannot help."""


class ApiRefused(PermanentError):
    """
    Alli refused this request; `code` is the HTTP status.

    `signature` is how Alli refused it, as `monitor.alli.answers.signature` writes it, when the request named one
    object: some servers say in their own way that it does not exist.
    """

    def __init__(self, message: str, *, code: int, signature: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.signature = signature


class ApiAuthError(ApiRefused):
    """Alli refused the credential (401, 403, INVALID_TOKEN)."""


class ApiNotFound(ApiRefused):
    """The conversation or chat does not exist (404, 410, or a body that says so)."""


class WriteRefused(PermanentError):
    """This process was not asked to change that in Alli, or not in that way; nothing was sent."""


class DeliveryRefused(PermanentError):
    """
    A receiver refused a notification for good; `reason` is a short word for metrics.

    `scope` is what was refused: all that goes to this "receiver" (a bad address, credential or channel), or only this
    "payload", so that others may be accepted.
    """

    def __init__(self, message: str, *, reason: str, scope: Literal["receiver", "payload"] = "receiver") -> None:
        super().__init__(message)
        self.reason = reason
        self.scope = scope
