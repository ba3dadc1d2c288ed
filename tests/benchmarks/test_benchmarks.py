"""The benchmarks in short: that they run, and that what they measure is all of what they say."""

from __future__ import annotations

from tests.benchmarks import sizing
from tests.benchmarks.delivery import measure


async def test_everything_that_is_measured_arrives() -> None:
    """Every alert of every case is told, alone or in few notifications."""
    found = {each.case: each for each in await measure(60)}
    assert {each.arrived for each in found.values()} == {60}
    assert found["webhook, each alert alone"].requests == 60
    assert found["webhook, grouped by app"].requests == 20


async def test_what_the_daemon_takes_is_measured() -> None:
    """A daemon is watched for some minutes of its time: it asked as often as its intervals say, and took some CPU."""
    found = await sizing.measure(sizing.Load(projects=2, conversations=20, speed=20, hours=0.05))
    assert 2 * 10 <= found.requests <= 2 * 60
    assert found.cpu > 0
    assert 10 < found.resident <= found.most_resident


async def test_what_the_database_grows_by_is_measured() -> None:
    """Everything that happens leaves something, and an alert leaves more than the rating that it is about."""
    found = {each.what: each.bytes_each for each in await sizing.grow(60)}
    assert all(size > 0 for size in found.values())
    assert found["negative ratings, with an alert that is told"] > found["ratings"]
