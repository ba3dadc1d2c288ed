"""A recording of a server, played back, shows what the server showed: the first real account becomes a test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import stamina
from starlette.applications import Starlette

from monitor.alli.client import ApiKey, Client
from monitor.alli.exchange import Witness
from monitor.alli.pacing import Pacer
from monitor.cli.recording import Recording
from monitor.model.capabilities import Capabilities
from monitor.simulator.recording import load_recording
from monitor.simulator.replay import replay_app
from monitor.simulator.server import app
from monitor.simulator.world import World
from monitor.tracking.capabilities import judge
from monitor.watch.probe import probe
from tests.support.clock import ManualClock
from tests.support.unknowns import FACTORS, covering, options
from tests.unit.alli.kit import Recorder

HOUR, MONTH = 3600.0, 30 * 86_400.0


def project(clock: ManualClock, world: World) -> None:
    """Let a project have conversations of several lengths over some hours, of which one has a run."""
    faq = world.add_app("FAQ")
    for number in range(6):
        conversation = world.add_conversation(app=faq, user=world.add_user(f"user {number}"))
        for chat in range(4 * number + 2):
            clock.advance(90)
            world.add_chat(conversation.id, "BOT" if chat % 2 else "USER", f"message {chat}")
    world.start_run(next(iter(world.conversations)))
    clock.advance(600)


async def capabilities(application: Starlette, url: str, clock: ManualClock, witness: Witness | None) -> Capabilities:
    """Probe what `application` serves at `url`."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application)) as http:
        client = Client(
            project="support",
            base_url=url,
            credential=ApiKey("simulated-key"),
            http=http,
            clock=clock,
            pacer=Pacer(requests_per_minute=6000, max_in_flight=4, clock=clock),
            telemetry=Recorder(),
            witness=witness,
        )
        return judge(await probe(client))


@pytest.mark.parametrize("choice", covering(FACTORS), ids=lambda choice: f"{choice['units']}-{choice['cursor']}")
async def test_a_recording_has_the_capabilities_of_its_server(choice: dict[str, str], tmp_path: Path) -> None:
    """A probe of a recording finds what the probe of the recorded server found, whatever that one was like."""
    clock = ManualClock()
    world = World(clock, options(choice))
    project(clock, world)
    with stamina.set_testing(True):
        recorded = await capabilities(app(world), "https://alli.test", clock, Recording(tmp_path / "support"))
        clock.advance(MONTH if recorded.clock_offset is not None else HOUR)  # with no Date, yesterday is the clock's
        playback = replay_app(load_recording(tmp_path), clock)
        replayed = await capabilities(playback, "https://alli.test/support", clock, None)
    assert recorded.time_unit is not None
    assert (replayed.clock_offset is None) == (recorded.clock_offset is None)
    assert replace(replayed, probed_at=0.0, clock_offset=None) == replace(recorded, probed_at=0.0, clock_offset=None)
