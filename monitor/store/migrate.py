"""
What is done before a database is used: is it whole, is it ours, and which schema has it.

A damaged one is set aside, one of an older schema is copied and then brought to this version's, and one of a newer
schema is refused.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from monitor import __version__
from monitor.errors import StartError
from monitor.store import files, schema
from monitor.store.failure import explain, is_damage, is_foreign
from monitor.store.meta import REPLACES, REPLACES_AT, VERSION

__all__ = ["Replaced", "is_current", "prepare", "upgrade"]

log = structlog.get_logger()

_MIGRATIONS = Path(__file__).parent / "migrations"
_COPIES_KEPT = 2
_PRIVATE = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """What had to be done before a database can be used: `copy` is that from before its migration."""

    copy: Path | None = None
    set_aside: Path | None = None  # the damaged database that a new one takes the place of


def is_current(path: Path) -> bool:
    """Whether there is a database of this version's schema. Raises StartError."""
    try:
        return path.exists() and files.read_schema(path).revision == _head()
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error


def prepare(path: Path, *, used_before: bool, now: float) -> Replaced:
    """
    Make sure that the database can be brought to this version's schema, or that it is new and its owner's only.

    `used_before` is whether a database of ours was here before: only then is a file that is no database a damaged one.
    `now` is own time, for the names of what is kept. Raises StartError, and then nothing that was there has changed.
    """
    try:
        if path.exists() and (damage := _damage(path, used_before=used_before)) is not None:
            _set_aside(path, damage, now)
        path.touch(mode=_PRIVATE)  # a new one: SQLite would make it, and with it its log, readable for everybody
        if (found := files.read_schema(path)).is_empty:
            return Replaced(set_aside=next(reversed(_kept(path, "corrupt", "Z")), None))
        _refuse_foreign(path, found)
        return Replaced(copy=_copy(path, found, now) if found.revision != _head() else None)
    except (sqlite3.Error, OSError) as error:
        raise _unusable(path, error) from error


def upgrade(connection: Connection, *, replaced: Replaced, now: float) -> None:
    """Bring the schema behind `connection` to this version's, inside the caller's transaction; `now` is own time."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    facts = {VERSION: __version__}
    if replaced.set_aside is not None:
        facts |= {REPLACES: replaced.set_aside.name, REPLACES_AT: repr(now)}
    for key, value in facts.items():
        statement = insert(schema.meta).values(key=key, value=value)
        connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_={"value": value}))


def _damage(path: Path, *, used_before: bool) -> str | None:
    """Return what is wrong with the file, None when nothing is; raise what only keeps us from looking."""
    try:
        return files.find_damage(path)
    except sqlite3.Error as error:
        if is_damage(error) and (used_before or not is_foreign(error)):
            return str(error)
        raise


def _set_aside(path: Path, damage: str, now: float) -> None:
    """Rename a database together with its log; the log first, for a new database must never find it."""
    aside = Path(f"{path}.corrupt-{_stamp(now)}")
    for suffix in ("-wal", "-shm", ""):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{aside}{suffix}")
    files.flush(path.parent)
    log.error(
        "the database is damaged and was set aside; ledger, alerts, outbox and history begin anew",
        database=str(path),
        damage=damage,
        set_aside=str(aside),
    )


def _refuse_foreign(path: Path, found: files.Schema) -> None:
    if found.revision is None:
        raise StartError(f"{path} is a database of something else; give alli-monitor its own storage.url")
    known = {script.revision for script in _scripts().walk_revisions()}
    if found.revision not in known:
        raise StartError(
            f"the database {path} was written by a newer alli-monitor "
            f"({found.version or 'of unknown version'}, schema {found.revision}; "
            f"this is {__version__}, schema {_head()}); use that version, "
            f"or go back to a copy from before its upgrade ({path.name}.before-*.bak)"
        )


def _copy(path: Path, found: files.Schema, now: float) -> Path:
    """Keep a copy from before a migration, and only the newest of such copies."""
    target = Path(f"{path}.before-{_head()}-{_stamp(now)}.bak")
    files.copy(path, target)
    for old in _kept(path, "before", "Z.bak")[:-_COPIES_KEPT]:
        old.unlink()
    log.info(
        "the database is brought to a newer schema",
        database=str(path),
        schema=found.revision,
        newer=_head(),
        copy=str(target),
    )
    return target


def _kept(path: Path, what: str, end: str) -> list[Path]:
    """Return what is kept beside the database, the oldest first; the last part of a name is its time."""
    names = (each.name for each in path.parent.iterdir())
    kept = [name for name in names if name.startswith(f"{path.name}.{what}-") and name.endswith(end)]
    return [path.with_name(name) for name in sorted(kept, key=lambda name: name.rpartition("-")[2])]


def _unusable(path: Path, error: sqlite3.Error | OSError) -> StartError:
    return StartError(f"cannot open the database {path}: {explain(error)}")


def _stamp(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_MIGRATIONS))


def _head() -> str:
    head = _scripts().get_current_head()
    assert head is not None  # noqa: S101 - this package has migrations
    return head
