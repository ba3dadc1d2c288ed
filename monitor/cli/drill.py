"""`alli-monitor drill`: an alert that means nothing goes the whole way of every other, and is timed on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import typer
from msgspec.structs import replace

from monitor.cli import tables
from monitor.cli.answers import Drill, Drilled, Leg, Telling
from monitor.cli.look import Format, Output, Picture, present
from monitor.cli.options import parse_labels, user
from monitor.cli.remote import DEFAULT_URL, Remote, RemoteError, TokenFile, Url
from monitor.cli.text import plain
from monitor.clock import Clock, SystemClock
from monitor.durations import parse_duration
from monitor.errors import ConfigError

__all__ = ["carry_out", "drill", "is_fine"]

_EVERY = 0.5  # seconds between two looks at how far it has come


def drill(
    *,
    receiver: Annotated[
        str | None,
        typer.Option("--receiver", help="Only this receiver has to be told.", show_default="all that routes lead to"),
    ] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", help="A label of the alert, for the routes: name=value.", show_default=False),
    ] = None,
    severity: Annotated[str, typer.Option("--severity", help="How bad it says that it is.")] = "info",
    timeout: Annotated[str, typer.Option("--timeout", help="How long everything may take.")] = "2m",
    url: Url = DEFAULT_URL,
    token_file: TokenFile = None,
    output: Format = Output.TABLE,
) -> None:
    """
    Let an alert fire that means nothing, and measure when receivers accept it, and then that it is over.

    It goes the way of every alert: database, routes, groups, outbox, receivers. Exit code 0 when all accepted both in
    time. What a silence, an inhibition or a time interval holds back is shown, and not waited for.
    """
    try:
        patience = parse_duration(timeout)
    except ValueError as error:
        raise ConfigError(f"--timeout: {error}") from error
    labels = {"severity": severity, **parse_labels(label or (), "--label")}
    wanted = {"asked_by": user(), "labels": labels, "receiver": receiver}
    is_good = False

    async def look(remote: Remote) -> Picture:
        nonlocal is_good
        found = await carry_out(remote, wanted, patience, SystemClock())
        is_good = bool(found.legs) and all(map(is_fine, found.legs))  # a reload may have left it nobody to tell
        ending = "everything arrived" if is_good else f"not everything arrived within {timeout}"
        title = f"drill {plain(found.id)}: {ending}"
        return Picture(data=msgspec.to_builtins(Drilled(drill=found)), table=tables.drill(found.legs, title))

    present(look, url, token_file, output)
    raise typer.Exit(0 if is_good else 1)


async def carry_out(remote: Remote, wanted: Mapping[str, Any], patience: float, clock: Clock) -> Drill:
    """
    Begin the drill that is `wanted`, end it once it was told, and return it once that was told as well.

    Only the legs to the receiver that is wanted are followed, if one is. What is not done after `patience` seconds is
    left as it is; the drill is ended all the same. A daemon that is away between two looks is waited for. Raises
    RemoteError when it stays away, and when it does not begin such a drill.
    """
    deadline = clock.monotonic() + patience
    begun = _narrowed((await remote.post("drills", wanted)).read(Drilled).drill, wanted["receiver"])
    names = ", ".join(dict.fromkeys(leg.integration for leg in begun.legs))
    print(plain(f"drill {begun.id}: to be told to {names}"), file=sys.stderr, flush=True)

    async def followed(is_over: Callable[[Leg], bool]) -> Drill:
        while True:
            try:
                answer = await remote.get(f"drills/{begun.id}")
                found = _narrowed(answer.read(Drilled).drill, wanted["receiver"])
                if all(map(is_over, found.legs)) or clock.monotonic() >= deadline:
                    return found
            except RemoteError:
                if clock.monotonic() >= deadline:
                    raise
            await clock.sleep(_EVERY)

    try:
        told = await followed(_is_told)
    finally:  # also when somebody presses Ctrl-C
        await remote.delete("drills", begun.id, by=wanted["asked_by"])
    return _with_mutes(await followed(_is_told_to_be_over), told)


def is_fine(leg: Leg) -> bool:
    """Return whether everything arrived that was to be told on this way, once it was followed to its end."""
    if not _is_accepted(leg.firing):
        return leg.muted_by is not None
    return not leg.sends_resolved or _is_accepted(leg.resolved)


def _is_told(leg: Leg) -> bool:
    return leg.muted_by is not None or _is_settled(leg.firing)


def _is_told_to_be_over(leg: Leg) -> bool:
    return not (leg.sends_resolved and _is_accepted(leg.firing)) or _is_settled(leg.resolved)


def _is_accepted(telling: Telling | None) -> bool:
    return telling is not None and telling.accepted_after_seconds is not None


def _is_settled(telling: Telling | None) -> bool:
    return telling is not None and (telling.set_aside or telling.accepted_after_seconds is not None)


def _narrowed(drill: Drill, receiver: str | None) -> Drill:
    return replace(drill, legs=tuple(leg for leg in drill.legs if receiver in {None, leg.receiver}))


def _with_mutes(ended: Drill, told: Drill) -> Drill:
    """Return a drill that is over with what muted it while it fired: nothing is muted that does not fire."""
    muted = {(leg.integration, leg.route): leg.muted_by for leg in told.legs}
    return replace(
        ended, legs=tuple(replace(leg, muted_by=muted.get((leg.integration, leg.route))) for leg in ended.legs)
    )
