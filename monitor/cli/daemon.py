"""`alli-monitor run`: the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable

import structlog

from monitor import logs
from monitor.app import App
from monitor.cli.options import Config, on_signals
from monitor.clock import Clock, SystemClock
from monitor.errors import ConfigError
from monitor.settings import Settings, load

__all__ = ["prepare", "run"]

log = structlog.get_logger()


def run(config: Config = None) -> None:
    """Watch the configured projects until SIGTERM or SIGINT; SIGHUP reloads configuration and rules."""
    settings = load(config)
    prepare(settings)
    asyncio.run(_serve(settings, lambda: load(config), SystemClock()))


def prepare(settings: Settings) -> None:
    """Set up logging as the settings say, with every secret hidden."""
    logs.configure(settings.log.level, settings.log.format, sys.stderr)
    for secret in settings.secrets():
        logs.hide(secret)
    for warning in settings.warnings:
        log.warning("configuration", warning=warning)


async def _serve(settings: Settings, source: Callable[[], Settings], clock: Clock) -> None:
    stopped = asyncio.Event()
    async with App.open(settings, clock, source=source, prepare=prepare) as app:
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = asyncio.create_task(_reload(app))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        on_signals(stopped.set, reload)
        await app.run(stopped)


async def _reload(app: App) -> None:
    with contextlib.suppress(ConfigError):  # logged and counted where it happens; what was in force stays
        await app.reload()
