"""The command line: thin, one module a group of commands."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from monitor import __version__
from monitor.cli import unbuilt
from monitor.cli.on_use import CommandsOnUse
from monitor.errors import ConfigErrors, MonitorError

__all__ = ["main"]

_PLACES = {
    "run": "monitor.cli.daemon:run",
    "demo": "monitor.cli.demo:demo",
    "check": "monitor.cli.check:check",
    "simulate": "monitor.cli.simulate:simulate",
    "status": "monitor.cli.look:status",
    "alerts": "monitor.cli.look:alerts",
    "runs": "monitor.cli.look:runs",
    "ratings": "monitor.cli.look:ratings",
    "actions": "monitor.cli.look:actions",
    "show": "monitor.cli.look:show",
    "stop": "monitor.cli.stop:stop",
    "autostop": "monitor.cli.brake:autostop",
    "protect": "monitor.cli.brake:protect",
    "silence": "monitor.cli.silence:silence",
    "ack": "monitor.cli.silence:ack",
    "routes": "monitor.cli.routes:routes",
    "notify": "monitor.cli.notify:notify",
    "drill": "monitor.cli.drill:drill",
    "backup": "monitor.cli.backup:backup",
    "healthcheck": "monitor.cli.healthcheck:healthcheck",
}
"""Where each command stands, in the order of the help."""


class _Commands(TyperGroup):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = CommandsOnUse({**_PLACES, **self.commands})


commands = typer.Typer(
    name="alli-monitor",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
unbuilt.register(commands)


@commands.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Watch the background runs and ratings of Alli projects, stop what hangs, and tell the people on call."""
    if version:
        print(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error of ours is one line and exit code 1."""
    try:
        commands()
    except ConfigErrors as error:
        for each in error.errors:
            print(f"error: {each}", file=sys.stderr)
        sys.exit(1)
    except MonitorError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
