"""The database itself: transactions, hostile text, who owns it, and its schema."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, text

from monitor.errors import StartError
from monitor.model.conversation import App
from monitor.model.run import Run
from monitor.store import Store, Transaction
from monitor.store.database import StorageError
from monitor.store.ratings import Look
from monitor.store.rows import decode, encode
from monitor.store.schema import metadata
from tests.support.build import PROJECT, START, alert, change, identity, rating, run

HOSTILE = [
    pytest.param("한국어 日本語 🙂\U0010ffff", id="emoji and Korean"),
    pytest.param("'; DROP TABLE runs; --", id="SQL"),
    pytest.param("line\r\n\t\x7f\u2028", id="control characters"),
    pytest.param("\\u0000", id="the escape of a NUL, as text"),
    pytest.param('"\\\\u0000"\\', id="quotes and backslashes"),
    pytest.param("%s :name ? {}", id="parameters"),
    pytest.param("", id="nothing"),
    pytest.param("x" * 100_000, id="long"),
]
UNSTORABLE = [
    pytest.param("half \ud83d of an emoji", "half \ufffd of an emoji", id="lone surrogate"),
    pytest.param("a\0b", "ab", id="NUL"),
    pytest.param("\0\udc00\\u0000", "\ufffd\\u0000", id="all of it"),
]


# Transactions


async def test_transaction_that_raises_writes_nothing(store: Store) -> None:
    """What is to be committed together is committed together, or not at all."""

    async def write_and_fail() -> None:
        async with store.transaction() as tx:
            await tx.runs.put([run()])
            await tx.alerts.put([alert()])
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    async with store.snapshot() as tx:
        assert (await tx.runs.open(PROJECT), await tx.alerts.open()) == ({}, {})


async def test_transaction_sees_what_it_wrote(store: Store) -> None:
    """Within a transaction the later steps build on the earlier ones."""
    async with store.transaction() as tx:
        await tx.runs.put([run()])
        assert list(await tx.runs.open(PROJECT)) == ["c1"]


async def test_snapshot_sees_one_state(store: Store) -> None:
    """What is committed while a snapshot is read does not show in it, and blocks nobody."""
    async with store.snapshot() as snapshot:
        assert await snapshot.runs.open(PROJECT) == {}
        async with store.transaction() as tx:
            await tx.runs.put([run()])
        assert await snapshot.runs.open(PROJECT) == {}
    async with store.snapshot() as later:
        assert list(await later.runs.open(PROJECT)) == ["c1"]


async def test_failure_of_the_database_is_a_storage_error(store: Store) -> None:
    """What the driver raises is translated, says what to check, and shows no values."""

    async def break_it() -> None:
        async with store.transaction() as tx:
            await tx.ratings._connection.execute(text("SELECT 'secret' FROM nowhere"))

    with pytest.raises(StorageError, match=r"the database failed: .*; check its disk and permissions") as caught:
        await break_it()
    assert "secret" not in str(caught.value)


async def test_state_survives_a_restart(storage_url: str) -> None:
    """What was committed is there when the database is opened again, and opening migrates nothing twice."""
    async with Store.open(storage_url) as store, store.transaction() as tx:
        await tx.runs.put([run()])
    async with Store.open(storage_url) as store, store.snapshot() as tx:
        assert await tx.runs.open(PROJECT) == {"c1": run()}


# Text and numbers from outside


def run_of(word: str) -> Run:
    """Return a run in which everything that comes from outside is `word`."""
    return replace(run(), conversation_id=word, user_id=word, app=App(id=word, name=word), incomplete_chat_id=word)


async def write_everywhere(tx: Transaction, word: str) -> None:
    """Write `word` into every kind of row that takes text from outside."""
    await tx.runs.put([run_of(word)])
    await tx.ratings.record_looks(
        PROJECT, [Look(id=word, chat_count=1, last_chat_at=None, looked_at=START, paged_at=None, digest=word)]
    )
    rated = rating(word, conversation_id=word)
    await tx.ratings.put([rated])
    await tx.ratings.record_changes([change(rated, app=App(id=word, name=word), user_id=word)])
    await tx.alerts.put([alert(identity(conversation_id=word), labels={"x": word}, annotations={word: word})])


@pytest.mark.parametrize("word", HOSTILE)
async def test_text_round_trips(store: Store, word: str) -> None:
    """Whatever text an answer holds is read as it was written, and found by it."""
    async with store.transaction() as tx:
        await write_everywhere(tx, word)
    async with store.snapshot() as tx:
        assert await tx.runs.open(PROJECT) == {word: run_of(word)}
        assert list(await tx.ratings.looks(PROJECT, [word])) == [word]
        assert list(await tx.ratings.known(PROJECT, [word])) == [word]
        (found,) = await tx.ratings.changes(PROJECT, conversation_id=word)
        assert (found.app, found.user_id) == (App(id=word, name=word), word)
        (stored,) = (await tx.alerts.open(conversation_id=word)).values()
        assert (stored.labels, stored.annotations) == ({"x": word}, {word: word})


@pytest.mark.parametrize(("word", "clean"), UNSTORABLE)
async def test_unstorable_text_is_cleaned(store: Store, word: str, clean: str) -> None:
    """NULs and lone surrogates crash nothing: columns are written without them, and found by what was written."""
    async with store.transaction() as tx:
        await write_everywhere(tx, word)
    async with store.snapshot() as tx:
        assert list(await tx.ratings.looks(PROJECT, [word])) == [clean]
        assert list(await tx.ratings.known(PROJECT, [word])) == [clean]
        assert [c.user_id for c in await tx.ratings.changes(PROJECT, conversation_id=word)] == [clean]
        assert len(await tx.alerts.open(conversation_id=word)) == 1
        assert len(await tx.runs.newest(PROJECT, limit=9, conversation_id=word)) == 1


@settings(max_examples=200)
@given(value=st.dictionaries(st.text(), st.text()))
def test_every_value_can_be_read_again(value: dict[str, str]) -> None:
    """JSON bodies keep all text, NULs and backslashes included."""
    assert decode(encode(value), dict[str, str]) == value


@settings(max_examples=200)
@given(word=st.text(st.characters(exclude_categories=[])))
def test_no_text_breaks_a_body(word: str) -> None:
    """Whatever a string holds, half a character included, its body can be read again."""
    clean = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in word)
    assert decode(encode([word]), list[str]) == [clean]


@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, 2**63 - 1], ids=str)
async def test_large_numbers_round_trip(store: Store, number: int) -> None:
    """Counts up to what a column of 64 bits holds are kept exactly, far beyond what an answer may hold."""
    look = Look(id="c1", chat_count=number, last_chat_at=None, looked_at=START, paged_at=None, digest="")
    async with store.transaction() as tx:
        await tx.runs.put([run(chat_count=number)])
        await tx.ratings.record_looks(PROJECT, [look])
        assert (await tx.runs.open(PROJECT))["c1"].chat_count == number
        assert await tx.ratings.looks(PROJECT, ["c1"]) == {"c1": look}


@given(at=st.floats(0, 1e11))
def test_times_are_kept_exactly(at: float) -> None:
    """A moment is read to the last bit as it was written, so that ages do not drift."""
    assert decode(encode(run(at)), Run) == run(at)


# Who owns it


async def opened(url: str, *, exclusive: bool = True) -> None:
    """Open a store and close it."""
    async with Store.open(url, exclusive=exclusive):
        pass


async def test_second_daemon_is_refused(storage_url: str) -> None:
    """Two daemons on one database would tell and stop everything twice: the second one does not start."""
    async with Store.open(storage_url):
        with pytest.raises(StartError, match=r"another alli-monitor is running on .*monitor\.db; stop it, or give"):
            await opened(storage_url)
    await opened(storage_url)


async def test_reader_may_join(storage_url: str) -> None:
    """A command that only reads may open the database of a running daemon."""
    async with Store.open(storage_url) as daemon, Store.open(storage_url, exclusive=False) as command:
        async with daemon.transaction() as tx:
            await tx.runs.put([run()])
        async with command.snapshot() as tx:
            assert list(await tx.runs.open(PROJECT)) == ["c1"]


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up the rights of root for a while: to root no directory is read-only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("exclusive", [True, False], ids=["daemon", "command"])
async def test_place_that_cannot_be_written(tmp_path: Path, exclusive: bool) -> None:  # noqa: FBT001 - of a table
    """A read-only directory is an error at the start that names the place, not a crash later."""
    directory = tmp_path / "data"
    directory.mkdir()
    directory.chmod(0o555)
    await opened(f"sqlite:///{tmp_path}/monitor.db", exclusive=exclusive)  # imports what only root may read
    with unprivileged(), pytest.raises(StartError, match=r"cannot (write|open the database) .*data/monitor\.db"):
        await opened(f"sqlite:///{directory}/monitor.db", exclusive=exclusive)


async def test_directory_that_does_not_exist(tmp_path: Path) -> None:
    """A typo in storage.url says which key to look at."""
    with pytest.raises(StartError, match=r"No such file or directory; storage\.url must point"):
        await opened(f"sqlite:///{tmp_path}/missing/monitor.db")


def modes(directory: Path) -> dict[str, int]:
    """Return who may do what with the files of a directory, by their names."""
    return {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}


async def test_a_new_database_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else may read a database that was made, nor its log."""
    async with Store.open(f"sqlite:///{tmp_path}/monitor.db"):
        made = modes(tmp_path)
    assert made.keys() >= {"monitor.db", "monitor.db-wal", "monitor.db-shm"}
    assert set(made.values()) == {0o600}


async def test_mode_of_a_database_that_is_there_is_kept(tmp_path: Path) -> None:
    """Who let others read the file meant it."""
    path = tmp_path / "monitor.db"
    path.touch(mode=0o640)
    async with Store.open(f"sqlite:///{path}"):
        pass
    assert modes(tmp_path)["monitor.db"] == 0o640


async def test_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is refused with its name, and left as it is."""
    file = tmp_path / "monitor.db"
    file.write_text("something else, and long enough to be looked at " * 100, encoding="utf-8")
    before = file.read_bytes()
    with pytest.raises(StartError, match=r"cannot open the database .*monitor\.db: .*not a database"):
        await opened(f"sqlite:///{file}")
    assert file.read_bytes() == before


# The schema


def synchronously(url: str) -> Iterator[Connection]:
    """Yield a connection of the plain driver to an existing database."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


connected = contextmanager(synchronously)


async def test_newer_schema_is_refused(storage_url: str) -> None:
    """A database of a newer version is named and left alone, rather than misread."""
    await opened(storage_url)
    with connected(storage_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StartError, match=r"monitor\.db was written by a newer alli-monitor .*9999"):
        await opened(storage_url)
    with connected(storage_url) as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


async def test_migrations_add_up_to_the_schema(storage_url: str) -> None:
    """What the migrations make is exactly what the code believes to be there, types included."""
    await opened(storage_url)
    with connected(storage_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
