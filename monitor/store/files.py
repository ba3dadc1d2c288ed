"""
The database as a file: looking into it, copying it, shrinking it.

Everything here is SQLite's own, blocks, and works beside a daemon that uses the file. Raises sqlite3.Error and OSError.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Schema", "copy", "find_damage", "flush", "make_shrinkable", "read_schema", "shrink", "size"]

_PAGES_AT_ONCE = 2000  # that one transaction gives back: writers need not wait for all of them
_PATIENCE = 5.0  # seconds for a lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """
    What a database says about itself.

    `revision` is that of its schema, None where there is none; `version` is that of the alli-monitor which last opened
    it, None where that was not noted yet. `is_empty` is whether it holds no table at all.
    """

    revision: str | None
    version: str | None
    is_empty: bool


def read_schema(path: Path) -> Schema:
    """Return what the database says about itself."""
    with closing(_connect(path)) as connection:
        return _schema(connection)


def find_damage(path: Path) -> str | None:
    """Return what is wrong with the structure of the database, None when nothing is; reads all of it."""
    with closing(_connect(path, how="mode=ro")) as connection:  # else the log would be folded into what is damaged
        found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    return None if found == "ok" else found.splitlines()[-1]


def copy(source: Path, target: Path) -> Schema:
    """
    Put a consistent copy of a database in the place of `target`, readable by its owner only, and return its schema.

    The copy is whole, verified and on disk before it gets its name.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    part = Path(name)
    try:
        with closing(_connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (name,))
        schema = _verify(part)
        flush(part)
        part.replace(target)
        flush(target.parent)
    finally:
        part.unlink(missing_ok=True)
    return schema


def make_shrinkable(path: Path) -> None:
    """Rewrite a database that cannot give back its free pages, so that it can; others are left alone."""
    with closing(_connect(path)) as connection:
        if connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 0:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")


def size(path: Path) -> int:
    """Return how many bytes the database needs: its pages in use and what its log holds beside them."""
    with closing(_connect(path, patience=1.0)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        pages = _number(connection, "page_count") - _number(connection, "freelist_count")
        log = Path(f"{path}-wal")
        return pages * _number(connection, "page_size") + (log.stat().st_size if log.exists() else 0)


def shrink(path: Path) -> None:
    """Give free pages back to the file system."""
    with closing(_connect(path)) as connection:
        before, free = 0, _number(connection, "freelist_count")
        while free and free != before:
            # a script is carried out to its end; a single statement would free one page for each row asked for
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
            before, free = free, _number(connection, "freelist_count")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def flush(path: Path) -> None:
    """See to it that a file, or the names in a directory, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _connect(path: Path, *, patience: float = _PATIENCE, how: str = "mode=rw") -> sqlite3.Connection:
    """Open an existing file; read-only would leave SQLite's side files behind."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=patience, isolation_level=None)


def _verify(part: Path) -> Schema:
    """Return the schema of a copy that nobody else opens; raise sqlite3.DatabaseError when anything is wrong."""
    with closing(_connect(part, how="immutable=1")) as connection:
        found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {found.splitlines()[-1]}")
        return _schema(connection)


def _schema(connection: sqlite3.Connection) -> Schema:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    revision = version = None
    if "alembic_version" in tables:
        revision = _first(connection.execute("SELECT version_num FROM alembic_version"))
    if "meta" in tables:
        version = _first(connection.execute("SELECT value FROM meta WHERE key = 'version'"))
    return Schema(revision=revision, version=version, is_empty=not tables)


def _first(rows: sqlite3.Cursor) -> str | None:
    row = rows.fetchone()
    return str(row[0]) if row is not None else None


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    number: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return number
