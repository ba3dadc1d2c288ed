"""`alli-monitor backup`: a copy of the database while the daemon works."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.options import Config
from monitor.settings import load
from monitor.store.backup import back_up

__all__ = ["backup"]

_MB = 1024 * 1024


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write, readable by its owner only.", show_default=False)],
    config: Config = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write a consistent and verified copy of the database, whether the daemon runs or not."""
    made = back_up(load(config).storage.database_path, file, overwrite=force)
    version = made.schema.version or "of unknown version"
    print(f"{file}: {made.size / _MB:.1f} MB, schema {made.schema.revision}, of alli-monitor {version}; verified.")
