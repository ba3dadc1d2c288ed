from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from monitor.clock import SystemClock
from monitor.simulator.server import serve
from monitor.simulator.world import World
from tests.acceptance.kit import Inbox


@pytest.fixture
async def world() -> World:
    """Provide a simulated project in which nothing happened yet, on the machine's clock."""
    return World(SystemClock())


@pytest.fixture
async def api(world: World) -> AsyncIterator[str]:
    """Provide the address of the simulated Alli API."""
    async with serve(world) as url:
        yield url


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Provide the webhook that alerts are sent to."""
    async with Inbox() as fake:
        yield fake
