"""`alli-monitor simulate`: the simulator alone, for developing rules and dashboards, or a recording played back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.options import on_signals
from monitor.clock import SystemClock
from monitor.simulator.loading import load_scenario
from monitor.simulator.recording import load_recording
from monitor.simulator.replay import replay_app
from monitor.simulator.scenario import DEMO
from monitor.simulator.script import build_world
from monitor.simulator.server import serve, serve_app

__all__ = ["simulate"]


def simulate(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.")] = 7465,
    scenario: Annotated[Path | None, typer.Option(help="The world's script; without one, the demo's world.")] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            help="Instead of a world, play back what `check --online --record` kept in this folder.", show_default=False
        ),
    ] = None,
) -> None:
    """Imitate the Alli API on loopback until SIGTERM or SIGINT."""
    if replay is None:
        asyncio.run(_simulate(port, scenario or DEMO))
    elif scenario is None:
        asyncio.run(_replay(port, replay))
    else:
        raise typer.BadParameter("a recording has no script: give --scenario or --replay")


async def _simulate(port: int, scenario: Path) -> None:
    world = build_world(load_scenario(scenario), SystemClock())
    stopped = asyncio.Event()
    on_signals(stopped.set)
    async with serve(world, port=port) as url:
        print(f"Alli API  {url}   (API-KEY: {world.options.api_key})")
        print(f"record    {url}/-/record")
        await stopped.wait()


async def _replay(port: int, folder: Path) -> None:
    recording = load_recording(folder)
    stopped = asyncio.Event()
    on_signals(stopped.set)
    async with serve_app(replay_app(recording, SystemClock()), port=port) as url:
        for name, exchanges in recording.items():
            print(f"Alli API  {url}/{name}   ({len(exchanges)} recorded answers, any API-KEY)")
        await stopped.wait()
