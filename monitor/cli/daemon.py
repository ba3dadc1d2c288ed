"""`alli-monitor run`: the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from monitor import logs
from monitor.app import App
from monitor.cli.options import Config, on_signals
from monitor.clock import Clock, SystemClock
from monitor.errors import ConfigError
from monitor.settings import Settings, load
from monitor.settings.supervision import supervision
from monitor.systemd import ServiceManager

__all__ = ["prepare", "run"]

log = structlog.get_logger()


def run(config: Config = None) -> None:
    """Watch the configured projects until SIGTERM or SIGINT; SIGHUP reloads configuration and rules."""
    settings = load(config)
    prepare(settings)
    clock = SystemClock()
    asyncio.run(_serve(settings, lambda: load(config), clock, ServiceManager(supervision(), clock)))


def prepare(settings: Settings) -> None:
    """Set up logging as the settings say, with every secret hidden."""
    logs.configure(settings.log.level, settings.log.format, sys.stderr)
    for secret in settings.secrets():
        logs.hide(secret)
    for warning in settings.warnings:
        log.warning("configuration", warning=warning)


async def _serve(settings: Settings, source: Callable[[], Settings], clock: Clock, manager: ServiceManager) -> None:
    stopped = asyncio.Event()
    async with AsyncExitStack() as stack:
        async with manager.patience("opening the database"):
            opening = App.open(settings, clock, source=source, prepare=prepare)
            app = await stack.enter_async_context(opening)
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = asyncio.create_task(_reload(app, manager))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        on_signals(stopped.set, reload)
        telling = asyncio.create_task(_tell(app, manager, stopped), name="service manager")
        try:
            await app.run(stopped)
            await telling
        finally:
            telling.cancel()


async def _reload(app: App, manager: ServiceManager) -> None:
    await app.started.wait()  # the end of a reload is told as readiness
    async with manager.reload():
        with contextlib.suppress(ConfigError):  # logged and counted where it happens; what was in force stays
            await app.reload()


async def _tell(app: App, manager: ServiceManager, stopped: asyncio.Event) -> None:
    """Tell the service manager how the daemon is, from its start until it is asked to end."""
    await app.started.wait()
    await manager.ready()
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(manager.watch(app.unhealthy, lambda: _status(app)))
        await stopped.wait()
        watching.cancel()
    await manager.stopping()


def _status(app: App) -> str:
    return app.not_ready() or f"watching {', '.join(sorted(app.settings.projects))}; console {app.web.url}"
