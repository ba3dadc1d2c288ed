"""`alli-monitor stop`: a person asks a running daemon to stop a run."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from monitor.cli import tables
from monitor.cli.answers import Action, Actions, Ordered
from monitor.cli.options import user
from monitor.cli.remote import DEFAULT_URL, Remote, RemoteError, TokenFile, Url, connect
from monitor.cli.text import encodable, plain
from monitor.clock import Clock, SystemClock
from monitor.durations import parse_duration
from monitor.errors import ConfigError

__all__ = ["stop"]

_EVERY = 1.0  # seconds between two looks at what came of it

_OUTCOMES = {
    "stopped": "stopped: the run was asked to end, and ended",
    "already_finished": "already finished: it ended by itself, and nothing was asked of Alli",
    "changed": "not stopped: another run goes on than the one that was to be stopped",
    "ineffective": "ineffective: it was asked to end, and goes on",
    "error": "not stopped: Alli refused",
}
_GOOD = {"stopped", "already_finished"}


def stop(
    conversation: Annotated[str, typer.Argument(help="The id of the conversation.")],
    *,
    project: Annotated[
        str, typer.Option("--project", "-p", help="The project of the conversation.", show_default="the one with a run")
    ] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for what comes of it.")] = False,
    within: Annotated[str, typer.Option("--within", help="How long to wait for what comes of it.")] = "5m",
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
) -> None:
    """
    Stop the run of a conversation, whatever rules, mode, app list, budget and brake say.

    The daemon makes sure that it is still the same run, asks Alli, and looks what came of it. Exit code 0 when the run
    is over.
    """
    try:
        patience = parse_duration(within)
    except ValueError as error:
        raise ConfigError(f"--within: {error}") from error
    encodable()
    order = {"action": "stop", "conversation_id": conversation, "asked_by": user(), "project": project or None}
    is_good = asyncio.run(_stop(order, url, token_file, None if no_wait else patience, SystemClock()))
    raise typer.Exit(0 if is_good else 1)


async def _stop(
    order: Mapping[str, str | None], url: str, token_file: TokenFile, patience: float | None, clock: Clock
) -> bool:
    async with connect(url, token_file) as remote:
        ordered = (await remote.post("actions", order)).read(Ordered)
        action = ordered.action
        for brake in ordered.brakes:
            print(f"note: {tables.brake(brake)}; a stop by hand is not held back", file=sys.stderr)
        print(f"requested: stop {action.id} of {plain(action.conversation_id)} in {plain(action.project)}", flush=True)
        if patience is None:
            return True
        outcome = await _outcome(remote, action, patience, clock)
    reason = f" ({plain(outcome.reason)})" if outcome.reason else ""
    print(f"{_OUTCOMES.get(outcome.result or '', plain(outcome.result or ''))}{reason}")
    return outcome.result in _GOOD


async def _outcome(remote: Remote, action: Action, patience: float, clock: Clock) -> Action:
    """
    Return the action once it has a result; a daemon that is away for a while is waited for.

    Raises RemoteError when there is no result after `patience` seconds.
    """
    deadline = clock.monotonic() + patience
    problem = "it is still under way"
    while True:
        try:
            answer = await remote.get("actions", conversation_id=action.conversation_id, project=action.project)
            found = [each for each in answer.read(Actions).actions if each.id == action.id and each.result is not None]
            if found:
                return found[0]
        except RemoteError as error:
            problem = str(error)
        if clock.monotonic() >= deadline:
            raise RemoteError(f"the outcome of stop {action.id} is not known yet: {problem}")
        await clock.sleep(_EVERY)
