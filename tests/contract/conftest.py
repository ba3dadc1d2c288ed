"""The store that the contract suite of the database runs on, once for each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from monitor.store import Store

ENGINES: dict[str, Callable[[Path], str]] = {
    "sqlite": lambda directory: f"sqlite:///{directory}/monitor.db",
}
"""The engines under test, by name: how to get the address of an empty database."""


@pytest.fixture(params=ENGINES)
def storage_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Provide the address of an empty database."""
    return ENGINES[request.param](tmp_path)


@pytest.fixture
async def store(storage_url: str) -> AsyncIterator[Store]:
    """Provide an open and empty store."""
    async with Store.open(storage_url) as opened:
        yield opened
