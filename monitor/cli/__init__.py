"""The command line: thin, one module a group of commands."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli import (
    backup,
    brake,
    check,
    daemon,
    demo,
    drill,
    look,
    notify,
    routes,
    silence,
    simulate,
    stop,
    unbuilt,
)
from monitor.errors import ConfigErrors, MonitorError

__all__ = ["main"]

commands = typer.Typer(
    name="alli-monitor",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
commands.command("run")(daemon.run)
commands.command("demo")(demo.demo)
commands.command("check")(check.check)
commands.command("simulate")(simulate.simulate)
for each in (look.status, look.alerts, look.runs, look.ratings, look.actions, look.show, stop.stop):
    commands.command(each.__name__)(each)
commands.add_typer(brake.autostop, name="autostop")
commands.command("protect")(brake.protect)
commands.add_typer(silence.silence, name="silence")
commands.command("ack")(silence.ack)
commands.add_typer(routes.routes, name="routes")
commands.add_typer(notify.notify, name="notify")
commands.command("drill")(drill.drill)
commands.command("backup")(backup.backup)
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
