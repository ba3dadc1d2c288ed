"""`alli-monitor status`, `alerts`, `runs`, `ratings`, `actions`, `show`: what a running daemon knows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec.structs import replace
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from monitor.cli import tables
from monitor.cli.answers import Actions, Alerts, Ratings, Runs, Status
from monitor.cli.options import Project, on_signals
from monitor.cli.remote import DEFAULT_URL, Remote, RemoteError, TokenFile, Url, connect
from monitor.cli.text import encodable, plain

__all__ = [
    "Format",
    "Output",
    "Picture",
    "actions",
    "alerts",
    "present",
    "ratings",
    "runs",
    "show",
    "status",
]

_EVERY = 2.0  # seconds between two rounds of --watch


class Output(StrEnum):
    """How an answer is written."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An answer: as JSON data, and as people want to see it."""

    data: Any
    table: RenderableType


Look = Callable[[Remote], Awaitable[Picture]]

Format = Annotated[Output, typer.Option("--output", "-o", help="table or json.")]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again every 2 s until Ctrl-C.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most, the newest.")]


def status(
    url: Url = DEFAULT_URL, token_file: TokenFile = None, output: Format = Output.TABLE, watch: Watch = False
) -> None:
    """Show how a running daemon fares, and what holds automatic stops back."""

    async def look(remote: Remote) -> Picture:
        answer = await remote.get("status")
        return Picture(data=answer.data(), table=tables.status(answer.read(Status)))

    present(look, url, token_file, output, watch=watch)


def alerts(
    everything: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
    watch: Watch = False,
    project: Project = "",
    limit: Limit = 100,
) -> None:
    """Show open alerts, the newest change first."""

    async def look(remote: Remote) -> Picture:
        state = "all" if everything else None
        answer = await remote.get("alerts", project=project or None, limit=str(limit), state=state)
        found = answer.read(Alerts).alerts
        return Picture(data=answer.data(), table=tables.alerts(found) if found else Text("no alerts"))

    present(look, url, token_file, output, watch=watch)


def runs(
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
    watch: Watch = False,
    project: Project = "",
    limit: Limit = 100,
) -> None:
    """Show runs, those that go on first, then the newest."""

    async def look(remote: Remote) -> Picture:
        answer = await remote.get("runs", project=project or None, limit=str(limit))
        found = answer.read(Runs).runs
        return Picture(data=answer.data(), table=tables.runs(found) if found else Text("no runs"))

    present(look, url, token_file, output, watch=watch)


def ratings(
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
    watch: Watch = False,
    project: Project = "",
    limit: Limit = 100,
) -> None:
    """Show changes of ratings, the newest first."""

    async def look(remote: Remote) -> Picture:
        answer = await remote.get("ratings", project=project or None, limit=str(limit))
        found = answer.read(Ratings).ratings
        return Picture(data=answer.data(), table=tables.ratings(found) if found else Text("no ratings"))

    present(look, url, token_file, output, watch=watch)


def actions(
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
    watch: Watch = False,
    project: Project = "",
    limit: Limit = 100,
) -> None:
    """Show stops, done or not, and their audit, both the newest first."""

    async def look(remote: Remote) -> Picture:
        answer = await remote.get("actions", project=project or None, limit=str(limit))
        found = answer.read(Actions)
        parts = [tables.actions(found.actions) if found.actions else Text("no stops")]
        parts += [Text(), tables.audit(found.audit)] if found.audit else []
        return Picture(data=answer.data(), table=Group(*parts))

    present(look, url, token_file, output, watch=watch)


def show(
    conversation: Annotated[str, typer.Argument(help="The id of the conversation.")],
    *,
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
    watch: Watch = False,
    project: Project = "",
    limit: Limit = 100,
) -> None:
    """Show all that is known of one conversation: its runs, alerts, ratings, stops and audit."""

    async def look(remote: Remote) -> Picture:
        narrowed = {"conversation_id": conversation, "project": project or None, "limit": str(limit)}
        of_runs = await remote.get("runs", **narrowed)
        of_alerts = await remote.get("alerts", state="all", **narrowed)
        of_ratings = await remote.get("ratings", **narrowed)
        of_actions = await remote.get("actions", **narrowed)
        found = of_runs.read(Runs), of_alerts.read(Alerts), of_ratings.read(Ratings), of_actions.read(Actions)
        projects = _projects(*found)
        if not projects:
            raise RemoteError(f"nothing is known of conversation {plain(conversation)}")
        links = [remote.page(name, conversation) for name in projects]
        data = {"conversation_id": conversation, "links": links}
        for answer in (of_runs, of_alerts, of_ratings, of_actions):
            data.update(answer.data())
        head = [Text(line, no_wrap=True, overflow="ignore") for line in (plain(conversation), *links)]
        return Picture(data=data, table=Group(*head, *_sections(*found)))

    present(look, url, token_file, output, watch=watch)


def _projects(of_runs: Runs, of_alerts: Alerts, of_ratings: Ratings, of_actions: Actions) -> list[str]:
    """Return the projects that know the conversation."""
    names = {run.project for run in of_runs.runs}
    names |= {alert.project for alert in of_alerts.alerts}
    names |= {rating.project for rating in of_ratings.ratings}
    names |= {action.project for action in of_actions.actions}
    names |= {line.project for line in of_actions.audit}
    return sorted(names - {""})


def _sections(of_runs: Runs, of_alerts: Alerts, of_ratings: Ratings, of_actions: Actions) -> list[RenderableType]:
    """Return a table for each kind of thing that is known, without the id of the conversation in each row."""
    tables_of = [
        tables.runs(replace(run, conversation_id="") for run in of_runs.runs),
        tables.alerts(replace(alert, subject={}) for alert in of_alerts.alerts),
        tables.ratings(replace(rating, conversation_id="") for rating in of_ratings.ratings),
        tables.actions(replace(action, conversation_id="") for action in of_actions.actions),
        tables.audit(replace(line, conversation_id="") for line in of_actions.audit),
    ]
    return [each for table in tables_of if table.row_count for each in (Text(), table)]


# Writing


def present(look: Look, url: str, token_file: Path | None, output: Output, *, watch: bool = False) -> None:
    """Write what `look` finds, once, or until a signal."""
    encodable()
    asyncio.run(_watch(look, url, token_file, output) if watch else _once(look, url, token_file, output))


async def _once(look: Look, url: str, token_file: Path | None, output: Output) -> None:
    async with connect(url, token_file) as remote:
        picture = await look(remote)
    if output is Output.JSON:
        print(json.dumps(picture.data, indent=2))
    else:
        Console().print(picture.table, crop=False)


async def _watch(look: Look, url: str, token_file: Path | None, output: Output) -> None:
    """Show the answer again and again until a signal; a daemon that is away for a while is waited for."""
    stopped = asyncio.Event()
    on_signals(stopped.set)
    console = Console()
    async with connect(url, token_file) as remote:
        live = Live(console=console, auto_refresh=False) if console.is_terminal and output is Output.TABLE else None
        with live or contextlib.nullcontext():
            while not stopped.is_set():
                try:
                    _show(await look(remote), output, live)
                except RemoteError as error:
                    _show_error(error, live)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopped.wait(), _EVERY)


def _show(picture: Picture, output: Output, live: Live | None) -> None:
    if live is not None:
        live.update(picture.table, refresh=True)
    elif output is Output.JSON:
        print(json.dumps(picture.data), flush=True)
    else:
        Console().print(picture.table, crop=False)


def _show_error(error: RemoteError, live: Live | None) -> None:
    if live is not None:
        live.update(Text(f"error: {error}", style="red"), refresh=True)
    else:
        print(f"error: {error}", file=sys.stderr, flush=True)
