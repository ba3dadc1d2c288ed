from __future__ import annotations

from dataclasses import replace

from monitor.model.capabilities import Capabilities, ChatOrder, Proof
from monitor.store import Store
from tests.support.build import PROJECT, START

FOUND = Capabilities(
    probed_at=START,
    time_unit="ms",
    filter_unit="s",
    unit_agrees=Proof.WORKS,
    running_filter=Proof.FAILS,
    embeds=20,
    chat_order=ChatOrder.NEWEST_FIRST,
    missing="404 Not Found",
    clock_offset=-0.25,
    remarks={"running filter": "50 rows are listed as running\0 and as not running"},
)
URL = "https://alli.test"


async def test_capabilities_round_trip(store: Store) -> None:
    """What a probe found is read as it was written, what it saw in words included, and the newest counts."""
    newest = replace(FOUND, running_filter=Proof.WORKS)
    async with store.transaction() as tx:
        await tx.capabilities.put(PROJECT, URL, FOUND, own_at=START)
        await tx.capabilities.put(PROJECT, URL, newest, own_at=START + 1)
    async with store.snapshot() as tx:
        found = await tx.capabilities.get(PROJECT, URL)
    assert found == newest
    assert found.remarks == FOUND.remarks


async def test_capabilities_are_those_of_one_server(store: Store) -> None:
    """A project without a probe has none, and one that moved to another server starts anew."""
    async with store.transaction() as tx:
        await tx.capabilities.put(PROJECT, URL, FOUND, own_at=START)
    async with store.snapshot() as tx:
        assert await tx.capabilities.get(PROJECT, "https://other.test") is None
        assert await tx.capabilities.get("another", URL) is None
