"""Commands whose names are settled and that this version does not have yet: each says so, rather than being unknown."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

__all__ = ["UNBUILT", "register"]

UNBUILT = (
    "rules",
    "backtest",
    "migrate",
)

_USAGE = 2


def register(commands: typer.Typer) -> None:
    """Add the commands, hidden from the help, whatever arguments they get."""
    for name in UNBUILT:
        settings = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
        commands.command(name, hidden=True, context_settings=settings)(_refuser(name))


def _refuser(name: str) -> Callable[[], None]:
    def refuse() -> None:
        print(f"error: `alli-monitor {name}` is not in this version", file=sys.stderr)
        raise typer.Exit(_USAGE)

    return refuse
