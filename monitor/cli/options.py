"""Options that several commands have, and running the daemon until a signal."""

from __future__ import annotations

import asyncio
import getpass
import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from monitor.alerting.matchers import Operator, parse_matcher
from monitor.errors import ConfigError

__all__ = ["Config", "Project", "on_signals", "parse_labels", "user"]

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help="The configuration file; without one the environment makes one project.",
        show_default=False,
    ),
]
Project = Annotated[str, typer.Option("--project", "-p", help="Only in this project.", show_default="every project")]


def user() -> str:
    """Return who runs this command, for the audit; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def parse_labels(texts: Iterable[str], option: str) -> dict[str, str]:
    """Return labels that are written as name=value; raise ConfigError, which names the `option`, for what is none."""
    found: dict[str, str] = {}
    for text in texts:
        try:
            matcher = parse_matcher(text)
        except ValueError as error:
            raise ConfigError(f"{option}: {error}") from None
        if matcher.operator is not Operator.EQUAL:
            raise ConfigError(f"{option}: {text!r} is not a label; write it as name=value")
        if matcher.name in found:
            raise ConfigError(f"{option}: {matcher.name} is there twice")
        found[matcher.name] = matcher.value
    return found


def on_signals(stop: Callable[[], object], reload: Callable[[], object] | None = None) -> None:
    """Call `stop` on SIGTERM and SIGINT, and `reload` on SIGHUP, from the running event loop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    if reload is not None:
        loop.add_signal_handler(signal.SIGHUP, reload)
