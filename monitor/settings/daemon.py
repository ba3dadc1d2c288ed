"""The sections about the daemon itself: where it keeps state, listens, logs, and how its own death is noticed."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal, Self, get_args

from pydantic import Field, SecretStr, field_validator, model_validator

from monitor.settings.fields import (
    UNBUILT,
    ExcerptChars,
    HeaderSecret,
    HeaderSecretFile,
    Interval,
    Section,
    Url,
    UrlSecret,
    UrlSecretFile,
    is_loopback,
)
from monitor.settings.sizes import Size

__all__ = ["DeadMan", "Log", "Privacy", "Storage", "Web"]

Personal = Literal["email", "phone", "card", "national_id"]
"""What may be taken out of the text of a conversation."""


class Storage(Section):
    """Where state is kept, for how many seconds what is over, and how many bytes it may take; 0 is any number."""

    url: str = "sqlite:///monitor.db"
    retention: Interval = 30 * 86400.0
    max_size: Size = 2 * 1024**3

    @property
    def database_path(self) -> Path:
        """The database file; a relative one is in the working directory."""
        return Path(self.url.removeprefix("sqlite:///"))

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        if url.startswith(("postgresql:", "postgresql+", "postgres:")):
            raise ValueError(UNBUILT)
        name = url.removeprefix("sqlite:///")
        if name in {url, "", ":memory:"} or "?" in name or not name.isprintable() or name.endswith("/"):
            raise ValueError("should be sqlite:/// and the path of a file")
        return url


def _split_address(address: str) -> tuple[str, int]:
    """Return host and port of ``host:port``, ``[address]:port`` or ``:port``, the last on all interfaces."""
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    elif ":" in host or not host.isprintable() or " " in host:
        raise ValueError(address)
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:  # noqa: PLR2004 - the last port
        raise ValueError(address)
    return host or "0.0.0.0", int(port)  # noqa: S104 - what ":port" says


class Web(Section):
    """The console, the API and /metrics. Port 0 takes any free port."""

    listen: str = "127.0.0.1:7464"
    token_text: HeaderSecret | None = Field(default=None, alias="token")
    token_file: HeaderSecretFile | None = None
    external_url: Url | None = None

    @property
    def token(self) -> SecretStr | None:
        """What opens the console and the API, if anything does."""
        return self.token_text or self.token_file

    @property
    def host(self) -> str:
        """The name or address to listen on, without brackets."""
        return _split_address(self.listen)[0]

    @property
    def port(self) -> int:
        """The port to listen on."""
        return _split_address(self.listen)[1]

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)

    @field_validator("listen")
    @classmethod
    def _check_listen(cls, address: str) -> str:
        try:
            _split_address(address)
        except ValueError:
            raise ValueError("should be host:port, such as 127.0.0.1:7464 or [::1]:7464") from None
        return address

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if self.token_text is not None and self.token_file is not None:
            raise ValueError("give at most one of token and token_file")
        return self


class Log(Section):
    """What is logged and how; ``auto`` is the console's form on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Privacy(Section):
    """How many characters of a conversation messages may quote, and what is taken out of them before that."""

    excerpt_chars: ExcerptChars = 0
    redact: tuple[Personal, ...] = get_args(Personal)


class DeadMan(Section):
    """An address that is asked each `every` seconds while all is well, so that its silence tells of our death."""

    url_text: UrlSecret | None = Field(default=None, alias="url")
    url_file: UrlSecretFile | None = None
    every: Interval = 60.0

    @property
    def url(self) -> SecretStr | None:
        """The address, None when there is no dead man's switch."""
        return self.url_text or self.url_file

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if self.url_text is not None and self.url_file is not None:
            raise ValueError("give at most one of url and url_file")
        return self
