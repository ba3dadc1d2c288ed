"""A world whose time tests move by hand, and a client that talks to it without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from monitor.simulator.entities import Conversation
from monitor.simulator.server import app
from monitor.simulator.world import World
from tests.support.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """Give a clock that stands still."""
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    """Give an empty world."""
    return World(clock)


@pytest.fixture
def conversation(world: World) -> Conversation:
    """Give a conversation of an app and a user."""
    return world.add_conversation(app=world.add_app("FAQ"), user=world.add_user("kim"), title="Returns")


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client with the right key."""
    transport = httpx.ASGITransport(app(world))
    headers = {"API-KEY": world.options.api_key}
    async with httpx.AsyncClient(transport=transport, base_url="http://alli.test", headers=headers) as client:
        yield client
