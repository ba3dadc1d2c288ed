"""
Commands that are imported when they are used.

All commands together import the store, the rule engine and every integration, which takes more than a second; a command
that needs little of it, above all the health check of a container, should not pay for that. The help and the generated
reference look at every command, and so import them all.
"""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import Any

import typer
from typer.main import get_group

__all__ = ["CommandsOnUse"]


class CommandsOnUse(UserDict[str, Any]):
    """
    The commands of a group by name, in order.

    A command may stand here as the place it is imported from when it is first looked up, ``module:name``: a function,
    or the Typer of a group of commands.
    """

    def __getitem__(self, name: str) -> Any:
        if isinstance(found := self.data[name], str):
            found = self.data[name] = _load(name, *found.split(":"))
        return found


def _load(name: str, module: str, attribute: str) -> Any:
    found = getattr(import_module(module), attribute)
    above = typer.Typer()
    if isinstance(found, typer.Typer):
        above.add_typer(found, name=name)
    else:
        above.command(name)(found)
    return get_group(above).commands[name]
