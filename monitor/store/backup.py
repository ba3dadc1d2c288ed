"""A backup: a consistent, verified copy of a database that may be in use."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from monitor.store import files
from monitor.store.failure import StorageError, explain

__all__ = ["Backup", "back_up"]

_BESIDE = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup came to: `size` in bytes, and what it says about itself."""

    size: int
    schema: files.Schema


def back_up(database: Path, target: Path, *, overwrite: bool) -> Backup:
    """
    Copy a database to `target`, which can then be used as one; only its owner can read it.

    It takes no lock: a daemon goes on writing meanwhile. Blocks. Raises StorageError, and then `target` is as it was.
    """
    _check(database, target, overwrite=overwrite)
    try:
        if files.read_schema(database).revision is None:
            raise StorageError(f"{database} is not a database of alli-monitor")
        schema = files.copy(database, target)
        return Backup(size=target.stat().st_size, schema=schema)
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy {database} to {target}: {explain(error)}") from error
    except OSError as error:
        raise StorageError(f"cannot write {target}: {error.strerror}") from error


def _check(database: Path, target: Path, *, overwrite: bool) -> None:
    if not database.exists():
        raise StorageError(f"there is no database {database}; the daemon makes it when it first starts")
    if target.is_dir():
        raise StorageError(f"{target} is a directory; name the file to write")
    live = {Path(f"{database.resolve()}{suffix}") for suffix in ("", ".lock", *_BESIDE)}
    if target.resolve() in live or (target.exists() and target.samefile(database)):
        raise StorageError(f"{target} belongs to the database itself; name another file")
    if target.exists() and not overwrite:
        raise StorageError(f"{target} exists; --force overwrites it")
    for suffix in _BESIDE:
        if (beside := Path(f"{target}{suffix}")).exists():
            raise StorageError(f"{beside} exists: {target} is in use, or was left unfinished; name another file")
