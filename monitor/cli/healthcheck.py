"""
`alli-monitor healthcheck`: whether the daemon of this machine or container does its work.

A container asks this every half minute, so it is cheap: it imports next to nothing, and the settings only where the
address stands in a configuration file.
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import gaierror
from typing import Annotated
from urllib.parse import urlsplit

import typer

from monitor.cli.text import plain
from monitor.errors import ConfigError, MonitorError

__all__ = ["healthcheck"]

_WITHIN = 4.0  # seconds to connect, and for each part of the answer; the image's HEALTHCHECK gives five for all
_LONGEST_REASON = 300  # bytes of what the other side says
_DEFAULT = "127.0.0.1:7464"
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing listens here
"""Where to ask a daemon that listens on all addresses."""


class _UnhealthyError(MonitorError):
    """The daemon does not answer, or says that it does not do its work."""


def healthcheck(
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="The configuration file of the daemon.", show_default=False),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen",
            envvar="ALLI_MONITOR_WEB__LISTEN",
            help="Where the daemon listens. Without it ALLI_MONITOR_WEB__LISTEN says so, then the configuration file.",
            show_default=_DEFAULT,
        ),
    ] = None,
) -> None:
    """
    Ask a running daemon whether it is healthy: exit code 0 if it is, 1 if not, and one line why.

    A daemon that listens on all addresses is asked on loopback.
    """
    host, port = _address(listen or (_configured(config) if config else _DEFAULT))
    try:
        _ask(host, port)
    except _UnhealthyError as error:
        print(f"unhealthy: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print("healthy")


def _configured(config: Path) -> str:
    from monitor.settings import load  # noqa: PLC0415 - costs more than all the rest, and the image never needs it

    return load(config).web.listen


def _address(listen: str) -> tuple[str, int]:
    """Return host and port to ask; raise ConfigError where no port stands, or 0, which only the daemon can resolve."""
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not port:
        raise ConfigError(f"{plain(listen)!r} does not say where the daemon listens; it should be like {_DEFAULT}")
    return _LOOPBACK.get(host, host), port


def _ask(host: str, port: int) -> None:
    """Return if the daemon says that it is healthy. Raises _UnhealthyError."""
    place = f"{plain(host)}:{port}"
    try:
        status, reason, says = _get("/-/healthy", host, port)
    except TimeoutError as error:
        raise _UnhealthyError(f"{place} does not answer within {_WITHIN:g} s") from error
    except HTTPException as error:  # before OSError: a connection that ends without an answer is both
        raise _UnhealthyError(f"{place} does not answer with HTTP; is it an alli-monitor?") from error
    except gaierror as error:
        raise _UnhealthyError(f"{place} is not the name of a host") from error
    except OSError as error:
        problem = os.strerror(error.errno or 0).lower()
        raise _UnhealthyError(f"no daemon can be asked at {place}: {problem}") from error
    if status != HTTPStatus.OK:
        raise _UnhealthyError(f"{place} answers {status} {plain(reason)}{f': {says}' if says else ''}")


def _get(path: str, host: str, port: int) -> tuple[int, str, str]:
    """Return status, reason phrase and the beginning of the body of an answer."""
    with closing(HTTPConnection(host, port, timeout=_WITHIN)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.reason, plain(answer.read(_LONGEST_REASON).decode("utf-8", "replace"))
