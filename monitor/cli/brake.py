"""
The brake: `autostop pause`, `autostop resume`, `protect`.

It is written straight into the database, so it works while the daemon or the API is down; the daemon looks at it
before each decision and again right before each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container
from datetime import UTC, datetime
from typing import Annotated

import typer

from monitor.cli.options import Config, Project, user
from monitor.clock import Clock, SystemClock
from monitor.durations import parse_moment
from monitor.errors import ConfigError
from monitor.settings import load
from monitor.store import Store
from monitor.store.stops import Brake, LogLine

__all__ = ["autostop", "protect"]

autostop = typer.Typer(help="Hold back or let go all automatic stops.", no_args_is_help=True)

App = Annotated[
    str, typer.Option("--app", "-a", help="Only apps whose id or name this glob matches.", show_default="every app")
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", help="A duration from now (2h) or a UTC time (2027-01-31T09:00Z).", show_default="until resumed"
    ),
]


@autostop.command()
def pause(config: Config = None, app: App = "", project: Project = "", until: Until = None) -> None:
    """Stop nothing from now on; runs that are overdue are still told."""
    clock = SystemClock()
    brake = _brake("pause", project, app, until, clock)
    asyncio.run(_set(config, brake, clock))
    print(f"Automatic stops are paused {_scope(brake)}{_until(brake)}.")


@autostop.command()
def resume(config: Config = None, app: App = "", project: Project = "") -> None:
    """Let automatic stops go on."""
    lifted = asyncio.run(_lift(config, project, app, SystemClock()))
    print("Automatic stops go on." if lifted else "Nothing was paused with this app and project.")


def protect(
    conversation: Annotated[str, typer.Argument(help="The id of the conversation.")],
    until: Annotated[str, typer.Option("--until", help="A duration from now (2h) or a UTC time (2027-01-31T09:00Z).")],
    config: Config = None,
    project: Project = "",
) -> None:
    """Keep rules from stopping runs of this conversation until then."""
    clock = SystemClock()
    brake = _brake("protect", project, conversation, until, clock)
    asyncio.run(_set(config, brake, clock))
    print(f"Runs of {conversation} are protected{_until(brake)}.")


def _brake(kind: str, project: str, target: str, until: str | None, clock: Clock) -> Brake:
    now = clock.now()
    return Brake(
        kind=kind,
        project=project,
        target=target,
        until=_moment(until, now) if until is not None else None,
        set_at=now,
        set_by=user(),
    )


def _moment(text: str, now: float) -> float:
    try:
        return parse_moment(text, now)
    except ValueError as error:
        raise ConfigError(f"--until: {error}") from error


async def _set(config: Config, brake: Brake, clock: Clock) -> None:
    settings = load(config)
    _check_project(brake.project, settings.projects)
    async with Store.open(settings.storage.url, exclusive=False) as store, store.transaction() as tx:
        await tx.stops.set_brake(brake)
        await tx.stops.log(_line(brake, brake.kind, clock))


async def _lift(config: Config, project: str, target: str, clock: Clock) -> int:
    settings = load(config)
    _check_project(project, settings.projects)
    brake = Brake(kind="pause", project=project, target=target, until=None, set_at=clock.now(), set_by=user())
    async with Store.open(settings.storage.url, exclusive=False) as store, store.transaction() as tx:
        lifted = await tx.stops.lift_brake("pause", project=project, target=target)
        if lifted:
            await tx.stops.log(_line(brake, "resume", clock))
        return lifted


def _check_project(project: str, projects: Container[str]) -> None:
    if project and project not in projects:
        raise ConfigError(f"--project {project}: no such project in the configuration")


def _line(brake: Brake, what: str, clock: Clock) -> LogLine:
    now = clock.now()
    return LogLine(
        project=brake.project,
        stop_id=None,
        conversation_id=brake.target if brake.kind == "protect" else "",
        at=now,
        own_at=now,
        what=what,
        detail=f"by {brake.set_by}, {_scope(brake)}{_until(brake)}",
    )


def _scope(brake: Brake) -> str:
    if brake.kind == "protect":
        return f"for conversation {brake.target}"
    apps = f"for apps {brake.target}" if brake.target else "for every app"
    return f"{apps} of project {brake.project}" if brake.project else apps


def _until(brake: Brake) -> str:
    if brake.until is None:
        return ", until resumed"
    return f", until {datetime.fromtimestamp(brake.until, UTC):%Y-%m-%d %H:%M:%S} UTC"
