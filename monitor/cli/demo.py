"""`alli-monitor demo`: the simulator, the daemon in enforce mode and a receiver in one process, and a live picture."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from monitor import logs
from monitor.app import App
from monitor.cli.collector import Collector
from monitor.cli.options import on_signals
from monitor.cli.picture import picture, summary_table, told_line
from monitor.cli.tally import Tally, compare
from monitor.clock import Clock, ScaledClock, SystemClock
from monitor.durations import parse_duration
from monitor.errors import ConfigError
from monitor.settings import Settings
from monitor.simulator.loading import load_scenario
from monitor.simulator.scenario import DEMO
from monitor.simulator.script import build_world
from monitor.simulator.server import serve
from monitor.simulator.world import World

__all__ = ["demo"]

_REFRESH = 0.5
_TAIL = 3.0  # seconds of the demo's clock in which the last events are still observed and delivered
_PORT = 7464


def demo(
    duration: Annotated[str, typer.Option(help="How long the world runs, by its own clock: 60s, 5m.")] = "60s",
    speed: Annotated[float, typer.Option(min=0.1, max=20, help="How many times as fast as the real clock.")] = 1.0,
) -> None:
    """Show everything in one process, without an account."""
    try:
        seconds = parse_duration(duration)
    except ValueError as error:
        raise ConfigError(f"--duration: {error}") from error
    agreed = asyncio.run(_demo(seconds, SystemClock() if speed == 1 else ScaledClock(speed)))
    raise typer.Exit(0 if agreed else 1)


async def _demo(seconds: float, clock: Clock) -> bool:
    console = Console()
    log = io.StringIO() if console.is_terminal else sys.stderr
    logs.configure("error", "auto", log)  # the world has an outage, which is told below
    stopped = asyncio.Event()
    on_signals(stopped.set)
    async with AsyncExitStack() as stack:
        world = build_world(load_scenario(DEMO), clock)
        collector = Collector(clock)
        api = await stack.enter_async_context(serve(world))
        hook = await stack.enter_async_context(collector.serve())
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="alli-monitor-demo-"))
        settings = demo_settings(api, world.options.api_key, hook, Path(directory))
        app = await stack.enter_async_context(App.open(settings, clock))
        finish = asyncio.Event()
        daemon = asyncio.create_task(app.run(finish))
        await app.started.wait()
        _introduce(console, app, api, hook)
        tally = await _watch(console, app, world, collector, clock=clock, seconds=seconds, stopped=stopped)
        finish.set()
        await daemon
    console.print(summary_table(tally))
    return tally.agrees


def _introduce(console: Console, app: App, api: str, hook: str) -> None:
    console.print(f"console   {app.web.url}/", highlight=False)
    console.print(f"metrics   {app.web.url}/metrics", highlight=False)
    console.print(f"Alli API  {api}/-/record   (simulated; what truly happened)", highlight=False)
    console.print(f"webhook   {hook}   (the demo's own receiver)", highlight=False)


async def _watch(
    console: Console,
    app: App,
    world: World,
    collector: Collector,
    *,
    clock: Clock,
    seconds: float,
    stopped: asyncio.Event,
) -> Tally:
    """Show the world until its time is over, let the last events arrive, and compare with what truly happened."""
    end = world.start + seconds
    printed = 0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while clock.now() < end and not stopped.is_set():
            await clock.sleep(min(_REFRESH, max(end - clock.now(), 0.01)))
            if console.is_terminal:
                live.update(await picture(app, collector, elapsed=clock.now() - world.start, of=seconds), refresh=True)
                continue
            for received in collector.received[printed:]:
                console.print(told_line(received, since=world.start), highlight=False, markup=False, soft_wrap=True)
            printed = len(collector.received)
    until = min(end, clock.now())
    await clock.sleep(_TAIL)
    await app.settle()
    return await compare(app.store, world, collector, until=until)


def demo_settings(api: str, key: str, hook: str, directory: Path) -> Settings:
    """Return a configuration in which a limit is seconds and everything is looked at all the time."""
    return Settings.model_validate(
        {
            "projects": {"demo": {"base_url": api, "api_key": key, "requests_per_minute": 3000, "max_in_flight": 4}},
            "apps": [{"match": "*", "run_limit": "6s", "labels": {"team": "demo"}}],
            "polling": {
                "runs": "500ms",
                "conversations": "1s",
                "evaluation": "1s",
                "ratings": [{"younger_than": "3h", "every": "1s"}, {"younger_than": "24h", "every": "10s"}],
            },
            "auto_stop": {
                "mode": "enforce",
                "apps": ["*"],
                "budget": {"per_hour": 1000, "per_app_per_hour": 1000},
                "cooldown": "1s",
                "verify_within": "3s",
            },
            "alerting": {
                "route": {
                    "receiver": "demo",
                    "group_wait": "500ms",
                    "group_interval": "1s",
                    "routes": [{"matchers": ['alertname="Watchdog"'], "receiver": "nobody"}],
                },
                "receivers": [{"name": "demo", "webhook_configs": [{"url": hook}]}, {"name": "nobody"}],
            },
            "storage": {"url": f"sqlite:///{directory / 'monitor.db'}"},
            "web": {"listen": f"127.0.0.1:{_free_port()}"},
        }
    )


def _free_port() -> int:
    """Return the usual port of the console, or 0 where it is taken: somebody may have a monitor running already."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", _PORT))
        except OSError:
            return 0
    return _PORT
