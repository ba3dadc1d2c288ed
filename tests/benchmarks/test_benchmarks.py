"""The benchmarks in short: that they run, and that what they measure is all of what they say."""

from __future__ import annotations

from tests.benchmarks.delivery import measure


async def test_everything_that_is_measured_arrives() -> None:
    """Every alert of every case is told, alone or in few notifications."""
    found = {each.case: each for each in await measure(60)}
    assert {each.arrived for each in found.values()} == {60}
    assert found["webhook, each alert alone"].requests == 60
    assert found["webhook, grouped by app"].requests == 20
