"""What the sections of the settings are made of: their base class and the types of their fields."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    WrapSerializer,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from monitor.durations import Duration, parse_duration

__all__ = [
    "UNBUILT",
    "ExcerptChars",
    "FrozenMap",
    "HeaderSecret",
    "HeaderSecretFile",
    "Interval",
    "Labels",
    "SecretFile",
    "Section",
    "Span",
    "Url",
    "UrlSecret",
    "UrlSecretFile",
    "ZoneName",
    "config_directory",
    "empty_map",
    "is_label_name",
    "is_loopback",
    "only",
    "problem",
    "read_file",
    "refuse",
]

UNBUILT = "not in this version"
"""The whole message about a key that the contract has and this version does not."""

RESERVED_LABELS = frozenset(
    {"alertname", "project", "app", "app_id", "conversation_id", "chat_id", "run_id", "action"},
)
"""Labels that the monitor sets itself."""

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LARGEST_SECRET = 64 * 1024  # bytes; what is larger is the wrong file

K = TypeVar("K")
V = TypeVar("V")


class Section(BaseModel):
    """
    A part of the settings: immutable, refuses unknown keys, and never shows what it was given in its errors.

    A key without a value is as good as absent: a section whose lines are all commented out has its defaults.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


def problem(message: str, *path: str | int) -> InitErrorDetails:
    """Return one thing to `refuse`, at `path` below what is being validated."""
    # braces would be taken for placeholders of the template
    error = PydanticCustomError("problem", "{message}", {"message": message})
    return InitErrorDetails(type=error, loc=path, input="")


def refuse(*problems: InitErrorDetails) -> None:
    """Raise a ValidationError that tells of all `problems`; do nothing when there are none."""
    if problems:
        raise ValidationError.from_exception_data("settings", list(problems), hide_input=True)


def config_directory(info: ValidationInfo) -> Path:
    """Return the directory that relative paths start from: that of the config file, else the working directory."""
    context: Mapping[str, Any] = info.context or {}
    directory: Path = context.get("directory", Path())
    return directory


def only(default: object) -> AfterValidator:
    """Accept nothing but `default`: for keys that the contract has and this version does not."""

    def check(value: Any) -> Any:
        if value != default:
            raise ValueError(UNBUILT)
        return value

    return AfterValidator(check)


def _between(low: str, high: str) -> Callable[[float], float]:
    least, most = parse_duration(low), parse_duration(high)

    def check(seconds: float) -> float:
        if not least <= seconds <= most:
            raise ValueError(f"should be from {low} to {high}")
        return seconds

    return check


ExcerptChars = Annotated[int, Field(ge=0, le=2000)]
"""How many characters of a conversation may stand in one message; 0 for none."""

Interval = Annotated[Duration, AfterValidator(_between("100ms", "10y"))]
"""Seconds that pass between two moments, or that something may take: never zero."""

Span = Annotated[Duration, AfterValidator(_between("0s", "10y"))]
"""Seconds that may be zero."""


def _serialize(value: Mapping[Any, Any], handler: SerializerFunctionWrapHandler) -> Any:
    return handler(dict(value))


FrozenMap = Annotated[Mapping[K, V], AfterValidator(MappingProxyType), WrapSerializer(_serialize)]
"""A mapping that cannot be changed."""


def empty_map() -> Mapping[Any, Any]:
    """Return the default of a `FrozenMap`."""
    return MappingProxyType({})


def _check_labels(labels: Mapping[str, str]) -> Mapping[str, str]:
    bad = [problem("is not a label name: letters, digits and _", name) for name in labels if not is_label_name(name)]
    reserved = [problem("is a label that the monitor sets itself", name) for name in labels if name in RESERVED_LABELS]
    refuse(*bad, *reserved)
    return labels


def is_label_name(name: str) -> bool:
    """Return whether `name` can be a label of users; Prometheus keeps those that begin with two underscores."""
    return bool(_LABEL_NAME.fullmatch(name)) and not name.startswith("__")


Labels = Annotated[FrozenMap[str, str], AfterValidator(_check_labels)]
"""Labels that join every alert of an app."""


def _check_zone(name: str) -> str:
    if name not in available_timezones():
        near = get_close_matches(name[:40], available_timezones(), n=1)
        raise ValueError(f"is not a time zone{f'; did you mean {near[0]}?' if near else ', such as Asia/Seoul'}")
    return name


ZoneName = Annotated[str, AfterValidator(_check_zone)]
"""The name of a time zone in the IANA database."""


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`; a name other than localhost is taken for not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its text may quote the URL
        valid = False
    if not valid or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("should be a URL that begins with http:// or https://")
    return text


def _check_plain_url(text: str) -> str:
    parts = urlsplit(_check_url(text))
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("should be a URL without user name, password, query and fragment")
    return text.rstrip("/")


def _check_url_secret(secret: SecretStr) -> SecretStr:
    _check_url(secret.get_secret_value())
    return secret


def _check_header_secret(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text:
        raise ValueError("is empty")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("holds spaces or characters that an HTTP header cannot carry")
    return secret


def read_file(value: Any, info: ValidationInfo, *, largest: int) -> bytes:
    """Return what the file at the path `value` holds, at most `largest` bytes; raise ValueError that says why not."""
    if not isinstance(value, str) or not value:
        raise ValueError("should be the path of a file")
    try:
        with (config_directory(info) / value).open("rb") as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or "not a path"
        raise ValueError(f"cannot read {_shown(value)}: {reason}") from error
    if len(content) > largest:
        raise ValueError(f"{_shown(value)} is too large: more than {largest // 1024} KiB")
    return content


def _read_secret(value: Any, info: ValidationInfo) -> str:
    """Return the text of the secret file `value` without its trailing newlines."""
    try:
        text = read_file(value, info, largest=_LARGEST_SECRET).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{_shown(value)} is not UTF-8 text") from None  # the error would hold the secret
    if not text:
        raise ValueError(f"{_shown(value)} is empty")
    return text


def _shown(path: str) -> str:
    return path.encode("unicode_escape").decode()


Url = Annotated[str, AfterValidator(_check_plain_url)]
"""An HTTP address that holds no secret, without a slash at its end."""

UrlSecret = Annotated[SecretStr, AfterValidator(_check_url_secret)]
"""An HTTP address whose path or query may be a secret."""

UrlSecretFile = Annotated[UrlSecret, BeforeValidator(_read_secret)]
"""The path of a file with an HTTP address; the value is what the file held."""

HeaderSecret = Annotated[SecretStr, AfterValidator(_check_header_secret)]
"""A secret that is sent in a header."""

HeaderSecretFile = Annotated[HeaderSecret, BeforeValidator(_read_secret)]
"""The path of a file with such a secret; the value is what the file held."""

SecretFile = Annotated[SecretStr, BeforeValidator(_read_secret)]
"""The path of a file with any secret; the value is what the file held."""
