"""
Draws the pictures of the dashboards in the documentation: ``python -m tests.deploy.draw_dashboards``.

It runs the demo's world for some minutes with a real daemon, lets a real Prometheus scrape it, and draws what that
answers. It needs Prometheus, and a font with Korean and Japanese: Debian's prometheus and fonts-noto-cjk.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated

import httpx
import typer

from monitor.clock import SystemClock
from tests.support.chart import draw
from tests.support.dashboards import NAMES, Chosen, show
from tests.support.demo_world import LIMIT, scraped_demo

_IMAGES = Path(__file__).parents[2] / "docs/images"
_POINTS = 80  # of a graph


def main(
    seconds: Annotated[int, typer.Option(min=60, help="How long the world runs before it is drawn.")] = 420,
) -> None:
    """Draw the dashboards into docs/images."""
    asyncio.run(_draw(seconds))


async def _draw(seconds: int) -> None:
    clock = SystemClock()
    chosen = Chosen(limit=LIMIT, seconds=seconds, step=max(seconds // _POINTS, 1))
    with tempfile.TemporaryDirectory() as directory:
        async with (
            scraped_demo(Path(directory), busy=seconds, stops=1000) as running,
            httpx.AsyncClient(trust_env=False) as http,
        ):
            await clock.sleep(seconds)
            pages = {name: await show(http, running.prometheus, name, chosen, now=clock.now()) for name in NAMES}
    for name, shown in pages.items():
        draw(shown, _IMAGES / f"dashboard-{name}.png")


if __name__ == "__main__":
    typer.run(main)
