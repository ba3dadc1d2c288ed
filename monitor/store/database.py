"""The database: opening it, owning it alone, migrating it, and transactions over it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from monitor.clock import Clock, SystemClock
from monitor.errors import StartError
from monitor.store import files
from monitor.store.acks import Acks
from monitor.store.alerts import Alerts
from monitor.store.capabilities import CapabilityRecords
from monitor.store.failure import StorageError, explain
from monitor.store.groups import Groups
from monitor.store.history import History
from monitor.store.meta import Meta
from monitor.store.migrate import Replaced, is_current, prepare, upgrade
from monitor.store.observations import Observations
from monitor.store.outbox import Outbox
from monitor.store.ownership import Lock
from monitor.store.ratings import Ratings
from monitor.store.runs import Runs
from monitor.store.silences import Silences
from monitor.store.stops import Stops
from monitor.store.tellings import Tellings

__all__ = ["StorageError", "Store", "Transaction"]

log = structlog.get_logger()

_T = TypeVar("_T")

_RUNS = "stop it, or give this one its own storage.url"
_RUNS_OLDER = "it is of another version than this command: use that version, or restart it with this one"


class Transaction:
    """One transaction, by the nouns it can read and write."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.observations = Observations(connection)
        self.capabilities = CapabilityRecords(connection)
        self.runs = Runs(connection)
        self.ratings = Ratings(connection)
        self.alerts = Alerts(connection)
        self.silences = Silences(connection)
        self.acks = Acks(connection)
        self.groups = Groups(connection)
        self.outbox = Outbox(connection)
        self.tellings = Tellings(connection)
        self.stops = Stops(connection)
        self.meta = Meta(connection)
        self.history = History(connection)


class Store:
    """
    One database.

    `url` is SQLAlchemy's, such as ``sqlite:///monitor.db``. Use as ``async with Store.open(url)``.
    """

    def __init__(self, engine: AsyncEngine, path: Path) -> None:
        self._engine = engine
        self._path = path
        self._writing = asyncio.Lock()  # SQLite has one writer: wait here rather than inside the database

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, exclusive: bool = True, clock: Clock | None = None) -> AsyncIterator[Store]:
        """
        Open the database and bring it to this version's schema; stay alone on it if `exclusive`.

        What has to be kept first is named after the time of `clock`, the machine's if there is none. Raises
        StartError when the place cannot be written, another daemon has it, or its schema is newer than ours.
        """
        path = Path(make_url(url).database or "")
        with ExitStack() as held:
            engine = _engine(url)
            try:
                if exclusive or not await asyncio.to_thread(is_current, path):
                    lock = held.enter_context(Lock(path, otherwise=_RUNS if exclusive else _RUNS_OLDER))
                    await _make_current(engine, path, lock, clock or SystemClock())
                if not exclusive:
                    held.close()
                yield cls(engine, path)
            finally:
                await engine.dispose()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Read and write; committed at the end of the block, or not at all. Raises StorageError."""
        async with self._writing:
            try:
                async with self._engine.connect() as connection:
                    await connection.execution_options(sqlite_begin="IMMEDIATE")
                    async with connection.begin():
                        yield Transaction(connection)
            except SQLAlchemyError as error:
                raise StorageError(explain(error)) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """Read one consistent state. Raises StorageError."""
        try:
            async with self._engine.connect() as connection, connection.begin():
                yield Transaction(connection)
        except SQLAlchemyError as error:
            raise StorageError(explain(error)) from error

    async def size(self) -> int:
        """Return how many bytes the database needs, its log included. Raises StorageError."""
        return await self._with_file(files.size)

    async def shrink(self) -> None:
        """Give the room of what was deleted back to the file system. Raises StorageError."""
        await self._with_file(files.shrink)

    async def _with_file(self, work: Callable[[Path], _T]) -> _T:
        try:
            return await asyncio.to_thread(work, self._path)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(explain(error)) from error


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": 10.0})
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded while there is no table yet: the file can shrink
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # an intent is on disk before its request, power cuts included
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {how}")


async def _make_current(engine: AsyncEngine, path: Path, lock: Lock, clock: Clock) -> None:
    """Bring the database to this version's schema, or make it, or leave it as it is. Raises StartError."""
    now = clock.now()
    replaced = await asyncio.to_thread(prepare, path, used_before=lock.used_before, now=now)
    try:
        async with engine.connect() as connection:
            await connection.execution_options(sqlite_begin="IMMEDIATE")
            async with connection.begin():
                await connection.run_sync(upgrade, replaced=replaced, now=now)
    except (CommandError, SQLAlchemyError) as error:
        raise StartError(_failed(path, replaced, error)) from error
    if replaced.copy is not None:
        await _make_shrinkable(path)
    lock.sign()


def _failed(path: Path, replaced: Replaced, error: CommandError | SQLAlchemyError) -> str:
    why = explain(error) if isinstance(error, SQLAlchemyError) else str(error)
    if replaced.copy is None:
        return f"cannot open the database {path}: {why}"
    return (
        f"cannot bring the database {path} to the schema of this version: {why}. "
        f"It is as it was before; a copy is {replaced.copy}"
    )


async def _make_shrinkable(path: Path) -> None:
    """See to it that the file can be made smaller; where there is no room for that now, it works without."""
    try:
        await asyncio.to_thread(files.make_shrinkable, path)
    except sqlite3.Error as error:
        log.warning("the database cannot be made smaller", database=str(path), error=explain(error))
