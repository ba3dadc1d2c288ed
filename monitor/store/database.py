"""The database: opening it, owning it alone, migrating it, and transactions over it."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, event, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from monitor.errors import MonitorError, StartError
from monitor.store.alerts import Alerts
from monitor.store.observations import Observations
from monitor.store.outbox import Outbox
from monitor.store.ratings import Ratings
from monitor.store.runs import Runs
from monitor.store.stops import Stops

__all__ = ["StorageError", "Store", "Transaction"]

_MIGRATIONS = Path(__file__).parent / "migrations"


class StorageError(MonitorError):
    """The database did not take or give what it was asked for; what was to be committed was not."""


class Transaction:
    """One transaction, by the nouns it can read and write."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.observations = Observations(connection)
        self.runs = Runs(connection)
        self.ratings = Ratings(connection)
        self.alerts = Alerts(connection)
        self.outbox = Outbox(connection)
        self.stops = Stops(connection)


class Store:
    """
    One database.

    `url` is SQLAlchemy's, such as ``sqlite:///monitor.db``. Use as ``async with Store.open(url)``.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = asyncio.Lock()  # SQLite has one writer: wait here rather than inside the database

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, exclusive: bool = True) -> AsyncIterator[Store]:
        """
        Open and migrate the database, alone on it if `exclusive`.

        Raises StartError when the place cannot be written, another daemon has it, or its schema is newer than ours.
        """
        with _owned(url, exclusive=exclusive):
            engine = _engine(url)
            try:
                await _migrate(engine, url)
                yield cls(engine)
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
                raise StorageError(_explain(error)) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Transaction]:
        """Read one consistent state. Raises StorageError."""
        try:
            async with self._engine.connect() as connection, connection.begin():
                yield Transaction(connection)
        except SQLAlchemyError as error:
            raise StorageError(_explain(error)) from error


def _explain(error: SQLAlchemyError) -> str:
    reason = error.orig if isinstance(error, DBAPIError) else error
    return (
        f"the database failed: {type(reason).__name__}: {str(reason).splitlines()[0]}; check its disk and permissions"
    )


class _owned:  # noqa: N801 - used like a function
    """Hold an advisory lock beside the database file for as long as this process uses it alone."""

    def __init__(self, url: str, *, exclusive: bool) -> None:
        database = make_url(url).database
        in_memory = not database or database == ":memory:"
        self._path = None if in_memory or not exclusive else Path(f"{database}.lock")
        self._descriptor: int | None = None

    def __enter__(self) -> None:
        if self._path is None:
            return
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StartError(
                f"cannot write {self._path}: {error.strerror}; "
                "storage.url must point into a directory that this user may write"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StartError(
                f"another alli-monitor is running on {self._path.with_suffix('')}; "
                "stop it, or give this one its own storage.url"
            ) from error

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def _engine(url: str) -> AsyncEngine:
    parsed = make_url(url)
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": 10.0})
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # an intent is on disk before its request, power cuts included
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {how}")


async def _migrate(engine: AsyncEngine, url: str) -> None:
    try:
        async with engine.connect() as connection:
            await connection.execution_options(sqlite_begin="IMMEDIATE")
            async with connection.begin():
                await connection.run_sync(upgrade)
    except CommandError as error:
        raise StartError(
            f"the database {make_url(url).database} was written by a newer alli-monitor ({error}); use that version"
        ) from error
    except SQLAlchemyError as error:
        raise StartError(f"cannot open the database {make_url(url).database}: {_explain(error)}") from error


def upgrade(connection: Connection) -> None:
    """Bring the schema behind `connection` to this version's, inside the caller's transaction."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
