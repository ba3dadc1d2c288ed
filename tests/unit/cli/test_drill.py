"""How the command follows a drill, against a daemon that answers as the test says."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from monitor.cli import commands, tables
from monitor.cli.answers import Drill, Leg, Telling
from monitor.cli.drill import carry_out, is_fine
from monitor.cli.remote import Remote, RemoteError
from monitor.errors import ConfigError
from tests.support.clock import ManualClock

WANTED = {"asked_by": "alice", "labels": {"severity": "info"}, "receiver": None}
ON_ITS_WAY = {"queued_after_seconds": None, "accepted_after_seconds": None, "error": "", "set_aside": False}
ACCEPTED = {**ON_ITS_WAY, "queued_after_seconds": 10.0, "accepted_after_seconds": 10.25}
LEG = {
    "integration": "oncall/webhook[0]",
    "receiver": "oncall",
    "route": "{}",
    "group_wait_seconds": 10.0,
    "group_interval_seconds": 60.0,
    "sends_resolved": True,
    "muted_by": None,
    "firing": ON_ITS_WAY,
    "resolved": None,
}
OVER = {**LEG, "firing": ACCEPTED, "resolved": ACCEPTED}


class FakeDaemon:
    """A daemon; `told` and `ended` are the legs of its drill at each look, while it fires and after its end."""

    def __init__(self, told: Sequence[Any], ended: Sequence[Any]) -> None:
        self.requests: list[str] = []
        self._told, self._ended = [*told], [*ended]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; the last look of each kind stays, and None is a daemon that is away."""
        self.requests.append(request.method)
        looks = self._ended if "DELETE" in self.requests else self._told
        legs: Any = (LEG,)
        if request.method == "GET":
            legs = looks.pop(0) if len(looks) > 1 else looks[0]
        if legs is None:
            return httpx.Response(503)
        drill = {"id": "0a1b2c3d", "labels": {}, "state": "firing", "legs": legs}
        return httpx.Response(200, json={"drill": drill})


Follow = Callable[..., Any]


@pytest.fixture
async def follow() -> AsyncIterator[Follow]:
    """Return what carries out a drill with a daemon, for at most two minutes."""
    clients: list[httpx.AsyncClient] = []

    async def carried_out(daemon: FakeDaemon, **wanted: Any) -> Drill:
        clients.append(httpx.AsyncClient(transport=httpx.MockTransport(daemon.answer)))
        return await carry_out(Remote(clients[-1], "http://daemon"), {**WANTED, **wanted}, 120.0, ManualClock())

    yield carried_out
    for client in clients:
        await client.aclose()


async def test_a_drill_is_ended_once_it_was_told_and_followed_to_its_end(
    follow: Follow, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end is asked for when the firing was accepted, and it is over when the resolve was, whoever was away."""
    waits = {**LEG, "firing": ACCEPTED, "resolved": ON_ITS_WAY}
    daemon = FakeDaemon([[LEG], None, [LEG], [{**LEG, "firing": ACCEPTED}]], [[waits], None, [OVER]])
    drill = await follow(daemon)
    assert daemon.requests == ["POST", *["GET"] * 4, "DELETE", *["GET"] * 3]
    assert all(map(is_fine, drill.legs))
    assert capsys.readouterr().err == "drill 0a1b2c3d: to be told to oncall/webhook[0]\n"


async def test_what_wants_no_resolve_is_not_waited_for(follow: Follow) -> None:
    """An integration that is not told of resolves is done with the firing."""
    leg = {**LEG, "sends_resolved": False, "firing": ACCEPTED}
    daemon = FakeDaemon([[leg]], [[leg]])
    assert all(map(is_fine, (await follow(daemon)).legs))
    assert daemon.requests == ["POST", "GET", "DELETE", "GET"]


async def test_after_the_time_out_it_is_ended_and_shown_as_it_is(follow: Follow) -> None:
    """What is not told in time ends the wait, the drill and the good outcome."""
    daemon = FakeDaemon([[LEG]], [[LEG]])
    drill = await follow(daemon)
    assert not any(map(is_fine, drill.legs))
    assert daemon.requests[-2:] == ["DELETE", "GET"]
    assert daemon.requests.count("GET") == 120 / 0.5 + 2


async def test_what_was_given_up_is_not_waited_for(follow: Follow) -> None:
    """A receiver that does not take it ends the wait at once, and the outcome is not good."""
    leg = {**LEG, "firing": {**ON_ITS_WAY, "error": "answered 422", "set_aside": True}}
    drill = await follow(daemon := FakeDaemon([[leg]], [[leg]]))
    assert not any(map(is_fine, drill.legs))
    assert daemon.requests == ["POST", "GET", "DELETE", "GET"]


async def test_what_is_muted_is_fine_and_says_by_what(follow: Follow) -> None:
    """What held it back is known while it fires only, and is kept."""
    muted = {**LEG, "muted_by": "silence 1f0e9a3c"}
    drill = await follow(daemon := FakeDaemon([[muted]], [[{**LEG, "firing": None}]]))
    assert daemon.requests == ["POST", "GET", "DELETE", "GET"]
    assert [leg.muted_by for leg in drill.legs] == ["silence 1f0e9a3c"]
    assert all(map(is_fine, drill.legs))


async def test_only_the_receiver_that_is_meant_is_waited_for(follow: Follow) -> None:
    """Others may be as late as they like."""
    legs = [{**LEG, "receiver": "slow"}, OVER]
    drill = await follow(daemon := FakeDaemon([legs], [legs]), receiver="oncall")
    assert [leg.receiver for leg in drill.legs] == ["oncall"]
    assert daemon.requests == ["POST", "GET", "DELETE", "GET"]


async def test_a_daemon_that_stays_away_is_told(follow: Follow) -> None:
    """When the time is over and nobody answers, that is the error, and its end was asked for all the same."""
    daemon = FakeDaemon([None], [None])
    with pytest.raises(RemoteError, match="503"):
        await follow(daemon)
    assert daemon.requests[-1] == "DELETE"


def shown(*legs: Leg) -> str:
    """Return the table of a drill as a terminal shows it, without its blanks."""
    stream = io.StringIO()
    Console(file=stream, width=100).print(tables.drill(legs, "drill 0a1b2c3d: everything arrived"))
    return " ".join(stream.getvalue().split())


def telling(queued: float | None, accepted: float | None, error: str = "", *, set_aside: bool = False) -> Telling:
    """Return how far the telling of a drill has come."""
    return Telling(queued_after_seconds=queued, accepted_after_seconds=accepted, error=error, set_aside=set_aside)


def leg(**fields: Any) -> Leg:
    """Return a leg with these fields."""
    return Leg(**{**LEG, "firing": None, **fields})


def test_a_leg_shows_how_long_each_part_took() -> None:
    """Waiting for the group, delivery and both together stand in seconds, for firing and resolve."""
    text = shown(leg(firing=telling(10.0, 10.25), resolved=telling(60.0, 60.5)))
    assert text == (
        "integration, route told waited delivery total oncall/webhook[0] firing 10.00 0.25 10.25 {} "
        "resolved 60.00 0.50 60.50 drill 0a1b2c3d: everything arrived"
    )


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"firing": telling(None, None)}, "firing - - - {} waits for group_wait 10s"),
        ({"firing": telling(1.0, 1.1)}, "resolved - - - waits for group_interval 1m"),
        ({"firing": telling(1.0, None, "answered 503")}, "not accepted yet: answered 503"),
        ({"firing": telling(1.0, None, "answered 422", set_aside=True)}, "given up: answered 422"),
        ({"muted_by": "time_interval nights"}, "nothing {} muted by time interval nights drill"),
        ({"sends_resolved": False, "firing": telling(1.0, 1.1)}, "firing 1.00 0.10 1.10 {} drill"),
    ],
)
def test_a_leg_shows_what_is_missing(fields: dict[str, Any], says: str) -> None:
    """What did not arrive says how far it came, and why not farther."""
    assert says in shown(leg(**fields))


@pytest.mark.parametrize(
    ("words", "says"),
    [(["--timeout", "soon"], "--timeout: 'soon' is not a duration"), (["--label", "team!=bi"], "--label: 'team!=bi'")],
)
def test_what_makes_no_sense_asks_nobody(words: list[str], says: str) -> None:
    """Wrong usage is told before the daemon is asked."""
    error = CliRunner().invoke(commands, ["drill", *words, "--url", "http://127.0.0.1:1"]).exception
    assert isinstance(error, ConfigError)
    assert says in str(error)
