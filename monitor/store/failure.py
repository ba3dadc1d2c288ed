"""What goes wrong with a database, in words that say what to do about it."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.errors import MonitorError

__all__ = ["StorageError", "explain", "is_damage", "is_foreign"]

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_ADVICE = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "see what else holds it",
    sqlite3.SQLITE_LOCKED: "see what else holds it",
    **dict.fromkeys(
        _DAMAGE, "it is damaged: restore a backup; a restart without one sets the file aside and begins anew"
    ),
}


class StorageError(MonitorError):
    """The database did not take or give what it was asked for; what was to be committed was not."""


def explain(error: SQLAlchemyError | sqlite3.Error | OSError) -> str:
    """Return what happened and what to do, without a value that was written."""
    reason = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = (reason.strerror if isinstance(reason, OSError) else None) or str(reason).splitlines()[0]
    advice = _ADVICE.get(_code(reason), "check its disk and permissions")
    return f"the database failed: {type(reason).__name__}: {text}; {advice}"


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than out of reach."""
    return _code(error) in _DAMAGE


def is_foreign(error: sqlite3.Error) -> bool:
    """Whether the file does not even begin like a database."""
    return _code(error) == sqlite3.SQLITE_NOTADB


def _code(error: BaseException) -> int:
    """Return SQLite's primary result code; errors that the driver makes itself have none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
