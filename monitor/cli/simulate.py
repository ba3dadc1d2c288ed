"""`alli-monitor simulate`: the simulator alone, for developing rules and dashboards."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.options import on_signals
from monitor.clock import SystemClock
from monitor.simulator.loading import load_scenario
from monitor.simulator.scenario import DEMO
from monitor.simulator.script import build_world
from monitor.simulator.server import serve

__all__ = ["simulate"]


def simulate(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes any free one.")] = 7465,
    scenario: Annotated[Path | None, typer.Option(help="The world's script; without one, the demo's world.")] = None,
) -> None:
    """Imitate the Alli API on loopback until SIGTERM or SIGINT."""
    asyncio.run(_simulate(port, scenario or DEMO))


async def _simulate(port: int, scenario: Path) -> None:
    world = build_world(load_scenario(scenario), SystemClock())
    stopped = asyncio.Event()
    on_signals(stopped.set)
    async with serve(world, port=port) as url:
        print(f"Alli API  {url}   (API-KEY: {world.options.api_key})")
        print(f"record    {url}/-/record")
        await stopped.wait()
